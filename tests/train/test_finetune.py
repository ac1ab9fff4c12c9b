"""Fine-tuning: a model learns a new voice, keeps what it could, and says what it cost."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.bundle import load_bundle, save_bundle
from asr.decode.tuning import TunedModel, Tuning
from asr.errors import AsrError
from asr.lm.construction import load_language_model
from asr.recognize.recognizer import load
from asr.train.ctc import CTCObjective
from asr.train.finetune import FineTuned, FineTuningOptions, run_finetuning
from asr.train.material import FineTuning
from asr.train.stopping import Interrupted
from tests.helpers.bundles import random_bundle
from tests.helpers.language import small_lm
from tests.helpers.voices import Voices, write_voices

SHORT = ("training.epochs=2", "training.precision=fp32", "training.batch_seconds=4")
LONG = (
    "training.epochs=12", "training.precision=fp32", "training.batch_seconds=4",
    "training.learning_rate=0.01", "augment.speeds=[1.0]", "augment.noise=0",
    "augment.time_masks=0", "augment.mel_masks=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Voices:
    return write_voices(tmp_path_factory.mktemp("voices"))


def wanted(voices: Voices, **changes: Any) -> FineTuning:
    """Fine-tuning on the new voice; the changes are those of its fields, paths among them."""
    plain = FineTuning(model=str(voices.model), train=(str(voices.new_train),), dev=(str(voices.new_dev),))
    return replace(plain, **changes)


def tuned(voices: Voices, out: Path, settings: tuple[str, ...] = SHORT, **changes: Any) -> FineTuned:
    return run_finetuning(wanted(voices, **changes), FineTuningOptions(out, settings, "cpu"))


@pytest.fixture(scope="module")
def done(voices: Voices) -> FineTuned:
    """A model that learnt the new voice, with replay, watched over by the old dev set."""
    return tuned(
        voices,
        voices.model.parent / "tuned",
        LONG,
        test=(str(voices.new_test),),
        replay=(str(voices.old_train),),
        old_dev=(str(voices.old_dev),),
        most_forgotten=5.0,
    )


def test_the_new_voice_is_learnt_and_the_old_one_kept(done: FineTuned) -> None:
    new, old = done.comparison.sets["new dev"], done.comparison.sets["old dev"]
    assert new.before.words.rate > 0.5, "there is nothing to learn"
    assert new.after.words.rate < 0.5 * new.before.words.rate
    assert new.gain.certain
    assert new.learnt > new.unlearnt
    assert old.lost_points <= 5.0
    assert set(done.comparison.sets) == {"new dev", "new test", "old dev"}


def test_the_bundle_is_a_model_like_the_base(done: FineTuned, voices: Voices) -> None:
    base, bundle = load_bundle(voices.model), load_bundle(done.bundle)
    assert (bundle.vocabulary, bundle.model, bundle.features) == (base.vocabulary, base.model, base.features)
    np.testing.assert_array_equal(bundle.statistics.mean, base.statistics.mean)
    assert base.calibrations
    assert not bundle.calibrations
    assert bundle.facts["base"]["name"] == "tones"
    assert set(bundle.facts["results"]) == {"new dev", "new test", "old dev"}
    assert done.comparison.table() in bundle.card
    assert base.card.strip().splitlines()[-1] in bundle.card
    recording = voices.new_dev.parent / "dev-00.flac"
    assert load(done.bundle).transcribe(recording).text == "do re mi fa"


def test_the_run_folder_tells_everything(done: FineTuned) -> None:
    results = done.bundle.parent / "results"
    stored = json.loads((results / "comparison.json").read_text())
    assert stored["new dev"]["gain"]["relative"] == done.comparison.sets["new dev"].gain.relative
    assert {path.name for path in results.iterdir()} == {
        "comparison.json",
        *(f"{side}-{split}-{when}.json" for side, split, when in (
            ("new", "dev", "before"), ("new", "dev", "after"), ("new", "test", "before"),
            ("new", "test", "after"), ("old", "dev", "before"), ("old", "dev", "after"),
        )),
    }  # fmt: skip
    rows = [json.loads(line) for line in (done.bundle.parent / "metrics.jsonl").read_text().splitlines()]
    assert all(row["old_error_rate"] is not None for row in rows if row["kind"] == "epoch")


def test_frozen_parts_stay_bit_equal_and_others_do_not(voices: Voices, tmp_path: Path) -> None:
    settings = (*SHORT, "training.learning_rate=0.01")
    base, bundle = load_bundle(voices.model), load_bundle(tuned(voices, tmp_path, settings, freeze=2).bundle)
    assert base.weights.keys() == bundle.weights.keys()
    same = {name for name in base.weights if np.array_equal(base.weights[name], bundle.weights[name])}
    frozen = {name for name in base.weights if name.startswith(("front_end.", "norms.0.", "layers.0."))}
    assert any("running" in name for name in frozen), "averages of batch norm are to be frozen, too"
    assert frozen <= same
    assert {"head.weight", "head.bias"} | {n for n in base.weights if n.startswith("layers.1.")} <= (
        base.weights.keys() - same
    )


def test_resumed_is_never_stopped(voices: Voices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {"replay": (str(voices.old_train),), "old_dev": (str(voices.old_dev),)}
    whole = tuned(voices, tmp_path / "whole", **everything)
    losses = [0]
    plain = CTCObjective.loss

    def pressing(self: CTCObjective, batch: Any) -> Any:
        losses[0] += 1
        if losses[0] == 4:
            signal.raise_signal(signal.SIGINT)
        return plain(self, batch)

    monkeypatch.setattr(CTCObjective, "loss", pressing)
    with pytest.raises(Interrupted, match="--resume"):
        tuned(voices, tmp_path / "parts", **everything)
    assert not (tmp_path / "parts" / "bundle").exists()
    options = FineTuningOptions(tmp_path / "parts", SHORT, "cpu", resume=True)
    resumed = run_finetuning(wanted(voices, **everything), options)
    for name in ("model.safetensors", "tokens.txt"):
        assert (resumed.bundle / name).read_bytes() == (whole.bundle / name).read_bytes()
    assert resumed.comparison.table() == whole.comparison.table()
    assert losses[0] > 6


def test_stopped_in_the_second_training_is_never_stopped(
    voices: Voices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuned(voices, tmp_path / "whole", runs=2)
    pressed, plain = [], CTCObjective.loss

    def pressing(self: CTCObjective, batch: Any) -> Any:
        if (tmp_path / "parts" / "run-2").exists() and not pressed:
            pressed.append(batch)
            signal.raise_signal(signal.SIGINT)
        return plain(self, batch)

    monkeypatch.setattr(CTCObjective, "loss", pressing)
    with pytest.raises(Interrupted, match="--resume"):
        tuned(voices, tmp_path / "parts", runs=2)
    options = FineTuningOptions(tmp_path / "parts", SHORT, "cpu", resume=True)
    resumed = run_finetuning(wanted(voices, runs=2), options)
    weights = "model.safetensors"
    assert (resumed.bundle / weights).read_bytes() == (whole.bundle / weights).read_bytes()


def test_trainings_with_other_seeds_are_averaged(voices: Voices, tmp_path: Path) -> None:
    several = tuned(voices, tmp_path / "several", runs=2)
    alone = [tuned(voices, tmp_path / f"alone-{seed}", (*SHORT, f"training.seed={seed}")) for seed in (0, 1)]
    for run, single in zip((tmp_path / "several", tmp_path / "several" / "run-2"), alone, strict=True):
        found = sorted((run / "best").iterdir())
        expected = sorted((single.bundle.parent / "best").iterdir())
        assert [path.name for path in found] == [path.name for path in expected]
        assert [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]
        assert (run / "curves.png").exists()
    trained = load_bundle(several.bundle).facts["training"]
    assert trained["epochs"] == 4
    one_by_one = tmp_path / "alone-0"
    options = FineTuningOptions(one_by_one, (*SHORT, "training.seed=0", "runs=2"), "cpu", resume=True)
    resumed = run_finetuning(wanted(voices), options)
    weights = "model.safetensors"
    assert (resumed.bundle / weights).read_bytes() == (several.bundle / weights).read_bytes()


def test_a_language_model_stays_with_the_model(voices: Voices, tmp_path: Path) -> None:
    model = tmp_path / "model"
    lm = load_language_model(small_lm(tmp_path / "lm.arpa", ("do re mi", "fa do", "mi", "re fa")))
    save_bundle(replace(load_bundle(voices.model), language=TunedModel(lm, Tuning(alpha=0.3))), model)
    bundle = load_bundle(tuned(voices, tmp_path / "run", model=str(model)).bundle)
    assert bundle.language
    assert bundle.language.tuning.alpha == 0.3
    assert bundle.language.model.words == lm.words


def test_what_forgets_too_much_is_not_kept(voices: Voices, tmp_path: Path) -> None:
    base = load_bundle(voices.model)
    strong = (*LONG, "training.learning_rate=0.05", "training.epochs=3")
    changes = {"old_dev": (str(voices.old_dev),), "most_forgotten": 0.0}
    done = tuned(voices, tmp_path, strong, **changes)
    assert done.comparison.sets["old dev"].lost_points <= 0.5  # half precision may move a word
    if "those of the base" in done.weights:
        assert all(
            np.array_equal(array, base.weights[name])
            for name, array in load_bundle(done.bundle).weights.items()
        )


def refused(voices: Voices, out: Path, *parts: str, settings: tuple[str, ...] = (), **changes: Any) -> None:
    with pytest.raises(AsrError) as caught:
        tuned(voices, out, (*SHORT, *settings), **changes)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def manifest(folder: Path, *texts: str) -> tuple[str]:
    """Recordings of nothing in particular that say these texts."""
    from tests.helpers.corpora import write_split

    utterances = write_split(folder, "texts", ["do"] * len(texts))
    lines = [
        json.dumps(
            {"audio_filepath": one.audio.path.name, "duration": one.duration, "text": text, "id": one.id}
        )
        for one, text in zip(utterances, texts, strict=True)
    ]
    path = folder / "texts" / "manifest.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return (str(path),)


def test_mistakes_are_one_line_before_anything_is_trained(voices: Voices, tmp_path: Path) -> None:
    run = tmp_path / "run"
    refused(
        voices, run, "no tokens for 'q' 'u' 'é'", "dé quo", train=manifest(tmp_path, "dé quo", "mi", "re")
    )
    refused(voices, run, "the text of", "is empty", train=manifest(tmp_path, "do", "  "))
    refused(voices, run, "one text is too little", train=manifest(tmp_path, "do", "do"), dev=())
    refused(voices, run, "no such manifest", test=(str(tmp_path / "none.jsonl"),))
    refused(voices, run, "is in the new speech to train on and in the new dev", dev=(str(voices.new_train),))
    refused(voices, run, "is in the replay and in the old dev", replay=(str(voices.old_dev),),
            old_dev=(str(voices.old_dev),))  # fmt: skip
    refused(voices, run, "freeze", "choose 3 at most", freeze=4)
    refused(voices, tmp_path / "other", "training.epochs", settings=("epochs=3",))
    refused(voices, tmp_path / "other", "no such model folder", model=str(tmp_path / "none"))
    assert not (run / "metrics.jsonl").exists()


def test_a_model_of_graphs_alone_is_trained_too(done: FineTuned, voices: Voices, tmp_path: Path) -> None:
    from asr.export.bundle import export

    base = load_bundle(voices.model)
    save_bundle(replace(export(base, int8=False), weights={}), tmp_path / "graphs")
    again = tuned(voices, tmp_path / "run", LONG, model=str(tmp_path / "graphs"))
    expected, found = done.comparison.sets["new dev"], again.comparison.sets["new dev"]
    assert found.before.words == expected.before.words
    assert found.after.words.rate < 0.75 * found.before.words.rate
    tuned_bundle = load_bundle(again.bundle)
    assert tuned_bundle.graphs.files == {}
    assert tuned_bundle.weights.keys() == base.weights.keys()


def test_a_run_is_not_overwritten_and_not_changed_on_the_way(
    done: FineTuned, voices: Voices, tmp_path: Path
) -> None:
    refused(voices, done.bundle.parent, "holds a run already")
    run = tmp_path / "run"
    shutil.copytree(done.bundle.parent, run)
    with pytest.raises(AsrError, match="began with freeze=0"):
        run_finetuning(
            replace(
                wanted(voices, freeze=1, most_forgotten=5.0, test=(str(voices.new_test),)),
                replay=(str(voices.old_train),),
                old_dev=(str(voices.old_dev),),
            ),
            FineTuningOptions(run, LONG, "cpu", resume=True),
        )


def test_words_without_phones_are_named_or_guessed(voices: Voices, tmp_path: Path) -> None:
    from asr.cli.lexicon import command

    texts = ("one two", "two nine", "zero one", "nine five", "five zero", "one nine")
    model = tmp_path / "phones"
    random_bundle(model, kind="phones", lexicon="lexicon.txt", texts=("one two nine zero five",))
    changes = {"model": str(model), "train": manifest(tmp_path, *texts), "dev": ()}
    refused(voices, tmp_path / "run", "no lexicon.txt", "--lexicon", **changes)
    lexicon = model / "lexicon.txt"
    spelled = [f"{word} {' '.join(word)}\n" for word in ("one", "two", "nine")]
    lexicon.write_text("".join(spelled))
    refused(voices, tmp_path / "run", "2 of 5 words", "zero five", "asr lexicon add", **changes)
    lexicon.write_text("".join([*spelled, "zero z e r ö\n", "five f i v e\n"]))
    refused(voices, tmp_path / "run", "'zero' has the phone 'ö'", **changes)
    lexicon.write_text("".join([*spelled, "zero z e r o\n", "rove r o v e\n", "fit f i t\n"]))
    command.main(["train", str(lexicon), str(lexicon.with_suffix(".l2s"))], standalone_mode=False)
    found = tuned(voices, tmp_path / "run", ("training.epochs=1",), **changes)
    bundle, heard = found.bundle, found.comparison.sets["new dev"].after
    assert f"→ {100 * heard.words.rate:.2f} %" in found.weights, "weights are chosen by words, not by phones"
    assert load_bundle(bundle).tokenizer_config.kind == "phones"
    entries = (bundle / "lexicon.txt").read_text().splitlines()
    assert entries[: len(lexicon.read_text().splitlines())] == lexicon.read_text().splitlines()
    assert [line.split()[0] for line in entries[-1:]] == ["five"], "what was guessed can be written"
