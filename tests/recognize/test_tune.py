"""Tuning a language model: every trial counts the errors that decoding makes, and the best one is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.bundle import Bundle
from asr.config import DecodingConfig
from asr.data.manifest import read_manifest
from asr.decode.calibration import Calibration
from asr.decode.fusion import Fusion
from asr.decode.tuning import Tuning
from asr.errors import FusionError, RunError
from asr.recognize.confidence import judged_words
from asr.recognize.emission_cache import acoustic_digest, load_emissions, origin, save_emissions
from asr.recognize.evaluate import recognize
from asr.recognize.hearing import Heard, hear
from asr.recognize.language import Language, fusion_for
from asr.recognize.recognizer import Recognizer
from asr.recognize.scoring import report
from asr.recognize.torch_engine import TorchEngine
from asr.recognize.tune import ALPHAS, BETAS, UNKNOWN_WORDS, Trial, best_of, calibrate, trials, unknown_words
from asr.text.error_rate import ErrorCounts
from tests.helpers.bundles import random_model
from tests.helpers.language import small_lm
from tests.helpers.tones import chirp


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return random_model()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dev")
    lines = []
    for index, text in enumerate(("One two", "three four five", "zero")):
        soundfile.write(folder / f"{index}.wav", chirp(100, 2_000 * (index + 1), 0.4), 16_000)
        lines.append(f'{{"audio_filepath": "{index}.wav", "duration": 0.4, "text": "{text}"}}\n')
    (folder / "manifest.jsonl").write_text("".join(lines))
    return folder / "manifest.jsonl"


@pytest.fixture(scope="module")
def fusion(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Fusion:
    found = fusion_for(bundle, Language(lm=small_lm(tmp_path_factory.mktemp("lm") / "lm.arpa")))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def heard(bundle: Bundle, manifest: Path) -> list[Heard]:
    return list(hear(Recognizer(bundle, TorchEngine.from_bundle(bundle)), read_manifest(manifest)))


def test_a_trial_makes_the_errors_that_evaluation_finds(
    bundle: Bundle, manifest: Path, heard: list[Heard], fusion: Fusion
) -> None:
    first = next(trials(heard, bundle.tokenizer, fusion, 30))
    tuned = replace(fusion, alpha=first.tuning.alpha, beta=first.tuning.beta)
    recognizer = Recognizer(
        bundle, TorchEngine.from_bundle(bundle), DecodingConfig(beam_size=first.tuning.beam_size), tuned
    )
    expected = report(recognize(recognizer, read_manifest(manifest)))
    assert (first.words, first.characters) == (expected.words, expected.characters)
    assert first.tuning.beam_size == 30


def test_the_grid_comes_first_then_what_is_near_the_best(
    bundle: Bundle, heard: list[Heard], fusion: Fusion
) -> None:
    done = list(trials(heard, bundle.tokenizer, fusion, 5))
    tried = [(trial.tuning.alpha, trial.tuning.beta) for trial in done]
    assert tried[: len(ALPHAS) * len(BETAS)] == [(alpha, beta) for alpha in ALPHAS for beta in BETAS]
    assert len({trial.tuning for trial in done}) == len(done) > len(ALPHAS) * len(BETAS)
    best = best_of(done)
    assert all(best.rank <= trial.rank for trial in done)
    near = [
        trial for trial in done if 0 < abs(trial.tuning.alpha - best.tuning.alpha) < 0.25 and trial != best
    ]
    assert near


def test_threads_change_nothing(bundle: Bundle, heard: list[Heard], fusion: Fusion) -> None:
    one, many = (list(trials(heard, bundle.tokenizer, fusion, 5, threads)) for threads in (1, 3))
    assert one == many


def test_the_penalty_of_unknown_words_is_tuned_where_there_are_enough(
    bundle: Bundle, heard: list[Heard], fusion: Fusion
) -> None:
    few, many = (with_unknown(heard, count) for count in (UNKNOWN_WORDS - 1, UNKNOWN_WORDS))
    assert [unknown_words(one, fusion) for one in (heard, few, many)] == [0, UNKNOWN_WORDS - 1, UNKNOWN_WORDS]
    assert costs(trials(heard, bundle.tokenizer, fusion, 3)) == {(-2.0, -1.0)}
    assert costs(trials(few, bundle.tokenizer, fusion, 3)) == {(-2.0, -1.0)}
    tried = costs(trials(many, bundle.tokenizer, fusion, 3))
    assert {(-4.0, -1.0), (0.0, -1.0), (-2.0, -2.0), (-2.0, 0.0)} <= tried
    assert max(letter for _, letter in tried) == 0
    closed = replace(fusion, graph=_graph(fusion), vocabulary="closed")
    found = list(trials(many, bundle.tokenizer, closed, 3))
    assert costs(found) == {(-2.0, -1.0)}
    assert all(trial.tuning.closed for trial in found)


def with_unknown(heard: list[Heard], count: int) -> list[Heard]:
    """The same, but so many words were said that the language model does not know."""
    return [replace(heard[0], reference=" ".join(["one", *["xyz"] * count])), *heard[1:]]


def test_without_a_model_of_words_none_is_unknown(bundle: Bundle, heard: list[Heard]) -> None:
    assert unknown_words(heard, Fusion(units=bundle.tokenizer.units)) == 0


def test_the_calibration_of_a_tuning_is_that_of_decoding_with_it(
    bundle: Bundle, manifest: Path, heard: list[Heard], fusion: Fusion
) -> None:
    tuned = replace(fusion, alpha=0.25, beta=2.0)
    recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle), DecodingConfig(beam_size=10), tuned)
    expected = judged_words(recognizer, read_manifest(manifest)).fit()
    assert calibrate(heard, bundle.tokenizer, fusion, Tuning(0.25, 2.0, beam_size=10)) == expected
    assert calibrate([], bundle.tokenizer, fusion, Tuning()) is None


def costs(found: Iterable[Trial]) -> set[tuple[float, float]]:
    return {(trial.tuning.unknown_score, trial.tuning.unknown_letter) for trial in found}


def test_a_trial_uses_what_unknown_words_cost(bundle: Bundle, heard: list[Heard], fusion: Fusion) -> None:
    """With these a random model writes other texts, so trials that ignored them would make other errors."""
    cheap, dear = (
        next(trials(heard, bundle.tokenizer, replace(fusion, unknown_letter=letter), 30)).characters
        for letter in (0.0, -50.0)
    )
    assert cheap != dear


def _graph(fusion: Fusion) -> object:
    assert fusion.graph is not None
    return fusion.graph


def test_of_equally_good_tunings_the_middle_one_is_taken() -> None:
    def trial(alpha: float, beta: float, wrong: int, characters: int = 5) -> Trial:
        return Trial(Tuning(alpha, beta), ErrorCounts(wrong, 0, 0, 9), ErrorCounts(characters, 0, 0, 40))

    done = [trial(0.5, 1, 3), trial(0.75, 1, 2), trial(0.875, 1, 2), trial(1, 1, 2), trial(1, 2, 2, 6)]
    assert best_of(done) == done[2]
    assert best_of([*done, trial(3, 3, 2, 4)]).tuning.alpha == 3


def test_something_to_tune_is_needed(bundle: Bundle, heard: list[Heard]) -> None:
    with pytest.raises(FusionError, match="no language model of words"):
        next(trials(heard, bundle.tokenizer, Fusion(units=bundle.tokenizer.units)))


def test_emissions_are_kept_for_one_model_and_manifest(
    bundle: Bundle, manifest: Path, heard: list[Heard], tmp_path: Path
) -> None:
    path, source = tmp_path / "heard.safetensors", origin(bundle, manifest)
    assert load_emissions(path, source) is None
    save_emissions(heard, path, source)
    again = load_emissions(path, source)
    assert again is not None
    assert [one.reference for one in again] == [one.reference for one in heard] == ["one two", *_rest()]
    assert all(np.array_equal(a.log_probs, b.log_probs) for a, b in zip(again, heard, strict=True))
    assert load_emissions(path, origin(random_model(seed=1), manifest)) is None
    (tmp_path / "other.jsonl").write_text(manifest.read_text() + "\n")
    assert load_emissions(path, origin(bundle, tmp_path / "other.jsonl")) is None


def test_emissions_are_the_same_bytes_every_time(heard: list[Heard], tmp_path: Path) -> None:
    """In one process the order of several keys would differ from file to file, too."""
    written = set()
    for number in range(8):
        save_emissions(heard, tmp_path / str(number), "somewhere")
        written.add((tmp_path / str(number)).read_bytes())
    assert len(written) == 1


def test_the_digest_of_what_listens_is_that_of_its_weights(bundle: Bundle) -> None:
    other = replace(bundle, card="another", calibrations={"best path": Calibration(0.0, 1.0)})
    assert acoustic_digest(other) == acoustic_digest(random_model()) == acoustic_digest(bundle)
    assert acoustic_digest(random_model(seed=1)) != acoustic_digest(bundle)


def _rest() -> list[str]:
    return ["three four five", "zero"]


def test_what_holds_no_emissions_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("something else")
    with pytest.raises(RunError, match="a: damaged, or no emissions"):
        load_emissions(tmp_path / "a", "")
