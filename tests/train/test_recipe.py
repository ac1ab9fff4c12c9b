"""A recipe becomes a run folder with everything in it, or stops early with one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.bundle import load_bundle
from asr.config import Recipe
from asr.data.manifest import file_hash
from asr.errors import AsrError, BundleError, ManifestError, RunError
from asr.recognize.recognizer import load
from asr.settings import from_dict
from asr.train.checkpoint import Checkpoint, average, read_checkpoint, write_checkpoint
from asr.train.finish import choose_weights
from asr.train.recipe import RunOptions, run_recipe
from asr.train.state import checkpoint_path, kept_path
from tests.helpers.corpora import write_short_corpus
from tests.helpers.disk import full_beyond
from tests.helpers.runs import Line, tiny_recipe

RECIPE = tiny_recipe(epochs=2, average=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_corpus(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data: Path) -> Path:
    run_recipe(RECIPE, RunOptions(data, data / "run", device="cpu"))
    return data / "run"


def weights(run: Path) -> bytes:
    return (run / "bundle" / "model.safetensors").read_bytes()


def test_the_run_folder_holds_everything(run: Path, data: Path) -> None:
    assert {path.name for path in run.iterdir() if path.name != ".lock"} == {
        "recipe.json", "environment.json", "metrics.jsonl", "tensorboard", "checkpoint.safetensors", "best",
        "curves.png", "bundle", "results",
    }  # fmt: skip
    assert {path.name for path in (run / "results").iterdir()} == {"dev.json", "test.json"}
    stored = json.loads((run / "recipe.json").read_text())["recipe"]
    assert from_dict(Recipe, stored) == RECIPE
    environment = json.loads((run / "environment.json").read_text())
    assert environment["data"] == {
        f"{split}/manifest.jsonl": file_hash(data / split / "manifest.jsonl")
        for split in ("train", "dev", "test")
    }
    assert {"commit", "packages", "processor"} <= set(environment)
    assert (run / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_bundle_recognises_and_knows_where_it_comes_from(run: Path, data: Path) -> None:
    bundle = load_bundle(run / "bundle")
    assert bundle.name == "tiny"
    assert bundle.facts["training"]["epochs"] == 2
    assert set(bundle.facts["results"]) == {"dev", "test"}
    assert bundle.facts["results"]["test"]["wer"] in (run / "bundle" / "README.md").read_text()
    load(run / "bundle").transcribe(data / "test" / "test-00.flac")


def test_the_result_in_the_loop_is_the_result_of_the_evaluation(run: Path) -> None:
    description = load_bundle(run / "bundle").facts["training"]["weights"]
    evaluated = json.loads((run / "results" / "dev.json").read_text())
    assert f"dev WER {100 * evaluated['words']['rate']:.2f} %" in description


def test_a_finished_run_resumed_gives_the_same_model(run: Path, data: Path) -> None:
    before = weights(run)
    outcome = run_recipe(RECIPE, RunOptions(data, run, device="cpu", resume=True))
    assert weights(run) == before
    assert outcome.bundle == run / "bundle"
    assert set(outcome.reports) == {"dev", "test"}


def test_a_run_stopped_before_its_first_checkpoint_begins_anew(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("recipe.json", "environment.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    run_recipe(RECIPE, RunOptions(data, tmp_path, device="cpu", resume=True))
    assert "stopped before the first checkpoint" in capsys.readouterr().err
    assert weights(tmp_path) == weights(run)


def test_longer_training_is_a_setting_away(run: Path, data: Path, tmp_path: Path) -> None:
    for path in run.rglob("*"):
        if path.is_file() and path.relative_to(run).parts[0] not in ("bundle", "results", "tensorboard"):
            copy = tmp_path / path.relative_to(run)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    run_recipe(RECIPE, RunOptions(data, tmp_path, ("training.epochs=3",), "cpu", resume=True))
    assert load_bundle(tmp_path / "bundle").facts["training"]["epochs"] == 3
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert epochs == [1, 2, 3]


def test_a_run_begins_with_the_weights_of_a_model(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = replace(RECIPE, training=replace(RECIPE.training, epochs=1, average=1, learning_rate=1e-12))
    others = replace(RECIPE.features, normalization="running")  # of the same bands
    begun = replace(still, init=str(run / "bundle"), features=others)
    run_recipe(begun, RunOptions(data, tmp_path / "run", device="cpu"))
    assert f"begins with {run / 'bundle'}" in capsys.readouterr().err
    base, found = load_bundle(run / "bundle"), load_bundle(tmp_path / "run" / "bundle")
    for name, array in base.weights.items():
        assert np.allclose(found.weights[name], array, atol=1e-6), name
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert facts["data"][str(run / "bundle" / "model.json")] == file_hash(run / "bundle" / "model.json")


def test_weights_of_another_kind_of_model_are_refused(run: Path, data: Path, tmp_path: Path) -> None:
    changes = {
        "layers": replace(RECIPE, model=replace(RECIPE.model, hidden=9)),
        "features": replace(RECIPE, features=replace(RECIPE.features, mels=21)),
        "tokens": replace(RECIPE, tokenizer=replace(RECIPE.tokenizer, kind="words")),
    }
    for what, recipe in changes.items():
        init = replace(recipe, init=str(run / "bundle"))
        message = one_line(init, RunOptions(data, tmp_path / "run", device="cpu"), BundleError)
        assert f"has other {what} than tiny wants" in message
    missing = replace(RECIPE, init=str(tmp_path / "none"))
    assert "no such" in one_line(missing, RunOptions(data, tmp_path / "run", device="cpu"), BundleError)


def one_line(recipe: Recipe, options: RunOptions, kind: type[AsrError]) -> str:
    with pytest.raises(kind) as caught:
        run_recipe(recipe, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_test_split_is_found_before_training(data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, test=("test", "tset"))
    assert "'tset'" in one_line(recipe, RunOptions(data, tmp_path / "r", device="cpu"), ManifestError)
    assert not (tmp_path / "r" / "metrics.jsonl").exists()


def test_a_missing_recording_of_any_split_is_found_before_training(tmp_path: Path) -> None:
    data = write_short_corpus(tmp_path)
    (data / "test" / "test-00.flac").unlink()
    message = one_line(RECIPE, RunOptions(data, tmp_path / "r", device="cpu"), ManifestError)
    assert "1 of " in message
    assert "test-00.flac" in message
    assert not (tmp_path / "r" / "recipe.json").exists()


def test_a_run_folder_belongs_to_one_process_at_a_time(data: Path, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from asr.train.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        message = one_line(RECIPE, RunOptions(data, tmp_path, device="cpu"), RunError)
        assert "another process" in message
        holder.kill()
    run_recipe(replace(RECIPE, training=replace(RECIPE.training, epochs=1)), RunOptions(data, tmp_path))


def test_weights_of_the_best_epoch_are_no_checkpoint_to_resume_from(
    run: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.json").write_bytes((run / "recipe.json").read_bytes())
    (tmp_path / "metrics.jsonl").write_bytes((run / "metrics.jsonl").read_bytes())
    checkpoint_path(tmp_path).write_bytes(next((run / "best").iterdir()).read_bytes())
    message = one_line(RECIPE, RunOptions(data, tmp_path, device="cpu", resume=True), RunError)
    assert "checkpoint.safetensors" in message
    assert (tmp_path / "metrics.jsonl").read_bytes() == (run / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("room", [100, 3000, 15_000, 50_000])
def test_a_full_disk_ends_a_run_in_one_line(data: Path, tmp_path: Path, room: int) -> None:
    with full_beyond(room):
        message = one_line(RECIPE, RunOptions(data, tmp_path, device="cpu"), RunError)
    assert "free some space" in message
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_file_in_the_place_of_the_run_folder_is_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one_line(RECIPE, RunOptions(data, tmp_path / "file", device="cpu"), RunError)


def rewritten(data: Path, split: str, change: Callable[[str], str]) -> None:
    path = data / split / "manifest.jsonl"
    path.write_text(change(path.read_text()), encoding="utf-8")


def test_what_of_the_data_cannot_be_used_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_short_corpus(tmp_path)
    rewritten(data, "train", lambda text: text.replace('"mi"', '"mi mi mi mi mi mi mi mi"'))
    rewritten(data, "dev", lambda text: text.replace('"fa mi"', '"fa zü"'))
    run_recipe(replace(RECIPE, test=()), RunOptions(data, data / "run", device="cpu"))
    err = " ".join(capsys.readouterr().err.split())
    assert "warning: 1 utterances are too short for their texts" in err
    assert "'train-01'" in err
    assert "the dev texts hold 2 units that no training text has: ['z', 'ü']" in err
    facts = load_bundle(data / "run" / "bundle").facts
    assert facts["training"]["skipped_utterances"] == 2
    scored = json.loads((data / "run" / "results" / "dev.json").read_text(encoding="utf-8"))["scored"]
    assert "fa zü" in {utterance["reference"] for utterance in scored}


@pytest.mark.parametrize(("rate_of_mean", "used"), [(0.1, 2.0), (0.2, 2.0), (0.3, 1.0)])
def test_the_mean_is_used_only_if_it_is_at_least_as_good(
    tmp_path: Path, rate_of_mean: float, used: float
) -> None:
    paths = []
    for epoch, (weight, rate) in enumerate([(1.0, 0.2), (2.0, 0.3), (3.0, 0.4)], start=1):
        paths.append(kept_path(tmp_path, epoch))
        write_checkpoint(
            paths[-1],
            Checkpoint({"weight": torch.full((1, 1), weight)}, {"epoch": epoch, "error_rate": rate}),
        )
    objective = Line([rate_of_mean])
    chosen = choose_weights(objective, paths)
    assert chosen.weights["weight"].item() == used
    assert objective.model.weight.item() == 2.0, "the mean itself was not judged"
    assert f"{100 * min(rate_of_mean, 0.2):.2f} %" in chosen.description
    alone = choose_weights(Line(), paths[:1])
    assert alone.weights["weight"].item() == 1.0


def test_the_bundle_holds_the_best_epoch_or_the_mean(run: Path) -> None:
    bundle = load_bundle(run / "bundle")
    kept = sorted(
        (read_checkpoint(path) for path in (run / "best").iterdir()),
        key=lambda checkpoint: (checkpoint.values["error_rate"], -checkpoint.values["epoch"]),
    )
    tensors = [checkpoint.tensors for checkpoint in kept]
    mean = bundle.facts["training"]["weights"].startswith("mean of epochs [1, 2]")
    expected = average(tensors) if mean else tensors[0]
    assert set(expected) == set(bundle.weights)
    for name, tensor in expected.items():
        stored = tensor.half() if tensor.dim() > 1 else tensor
        np.testing.assert_array_equal(stored.numpy(), bundle.weights[name])
