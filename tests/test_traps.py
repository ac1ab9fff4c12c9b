"""Mistakes that speech toolkits have made before, each named after what its users would have seen."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import asr
from asr import config
from asr.audio.features import advance_log_mel, log_mel
from asr.audio.io import AudioSource
from asr.audio.normalization import advance_running, collect_statistics, normalize, start_running
from asr.cli import COMMANDS
from asr.config import AugmentConfig, FeatureConfig, ModelConfig
from asr.data.batching import Batch, collate
from asr.data.dataset import Example
from asr.data.manifest import Utterance, read_manifest
from asr.model.acoustic import AcousticModel
from asr.model.layers import MaskedBatchNorm
from asr.recognize.evaluate import recognize
from asr.recognize.scoring import report
from asr.train.objective import Loss, Metrics, Objective
from tests.helpers.bundles import random_recognizer
from tests.helpers.corpora import write_short_corpus
from tests.helpers.runs import dataset, interrupted, tiny_recipe, trained
from tests.helpers.tones import noise

ROOT = Path(asr.__file__).parents[1]
LIBRARY = sorted((ROOT / "asr").rglob("*.py"))
EVERYTHING = LIBRARY + [
    path
    for folder in ("data_prep", "recipes", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
CONFIGS = [
    kind for kind in vars(config).values() if dataclasses.is_dataclass(kind) and isinstance(kind, type)
]


def nodes(paths: list[Path]) -> Iterator[tuple[str, ast.AST]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def test_a_frame_is_lost_because_lengths_are_fractions_of_the_longest() -> None:
    longest = 1999
    fractions = np.arange(1, longest + 1, dtype=np.float32) / np.float32(longest)
    lossy = np.flatnonzero((fractions * longest).astype(int) != np.arange(1, longest + 1)) + 1
    assert len(lossy) > 10
    lengths = [longest, *lossy[:3].tolist(), *lossy[-3:].tolist()]
    batch = collate([Example(str(n), np.zeros((n, 8), np.float32), np.empty(0, np.int64)) for n in lengths])
    assert batch.feature_lengths.tolist() == lengths
    model = AcousticModel(ModelConfig(layers=1, hidden=2, channels=1), 8, 3)
    with torch.inference_mode():
        _, outputs = model(torch.from_numpy(batch.features), torch.from_numpy(batch.feature_lengths))
    assert outputs.tolist() == [(n + 1) // 2 for n in lengths]


def test_the_error_rate_flatters_because_references_went_through_the_vocabulary(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(0.5), 16_000)
    utterance = Utterance("a", AudioSource(tmp_path / "a.wav"), 0.5, "Ωmega QUIZ one")
    result = report(recognize(random_recognizer(texts=("one two",)), [utterance]))
    assert result.scored[0].reference == "ωmega quiz one"
    assert result.words.reference == 3
    assert result.characters.reference == len("ωmega quiz one")


@settings(max_examples=20)
@given(st.lists(st.integers(0, 5000), max_size=8), st.sampled_from(["running"]))
def test_a_stream_differs_because_every_chunk_is_framed_and_normalised_by_itself(
    chunks: list[int], normalization: str
) -> None:
    settings = FeatureConfig(mels=20, normalization=normalization)  # type: ignore[arg-type]
    samples = noise(sum(chunks) / 16_000)
    statistics = collect_statistics([log_mel(noise(1.0, seed=1), settings)], settings)
    pending, state, parts = np.empty(0, np.float32), start_running(settings), [np.empty((0, 20), np.float32)]
    for start, length in zip(np.cumsum([0, *chunks]), chunks, strict=False):
        features, pending = advance_log_mel(pending, samples[start : start + length], settings)
        normalized, state = advance_running(state, features, statistics)
        parts.append(normalized)
    whole = normalize(log_mel(samples, settings), settings, statistics)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_nobody_ever_started_does_not_start(name: str) -> None:
    result = CliRunner().invoke(importlib.import_module(f"asr.cli.{name}").command, ["--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field.name) for kind in CONFIGS for field in dataclasses.fields(kind)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_setting_has_no_effect_because_nothing_reads_it(kind: type, field: str) -> None:
    assert field in read_attributes()[kind.__name__.removesuffix("Config").lower()]


@cache
def read_attributes() -> dict[str, set[str]]:
    """Attributes that the library reads of what, by its name or by its type, is a config of each kind."""
    read: dict[str, set[str]] = {kind.__name__.removesuffix("Config").lower(): set() for kind in CONFIGS}
    for path in LIBRARY:
        if path.name == "config.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        mentioned = {kind for kind in read if f"{kind.title()}Config" in path.read_text(encoding="utf-8")}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
                continue
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            name = name.strip("_").removesuffix("_config")
            kinds = mentioned if name == "config" else {name}
            for kind in kinds & read.keys():
                read[kind].add(node.attr)
    return read


def test_noise_is_not_added_because_the_loader_does_not_know_its_setting(tmp_path: Path) -> None:
    utterances = read_manifest(write_short_corpus(tmp_path) / "train" / "manifest.jsonl")
    clean, noisy = (dataset(utterances, AugmentConfig(noise=share)).example(0, 0) for share in (0.0, 1.0))
    assert not np.allclose(clean.features, noisy.features)


class Seen:
    """An objective that notes what it is given."""

    def __init__(self, inner: Objective, seen: list[tuple[str, ...]]) -> None:
        self.model, self._inner, self._seen = inner.model, inner, seen

    def loss(self, batch: Batch) -> Loss:
        self._seen.append(batch.ids)
        return self._inner.loss(batch)

    def validate(self) -> Metrics:
        return self._inner.validate()


def test_a_resumed_epoch_begins_at_its_first_batch_again(tmp_path: Path) -> None:
    data = write_short_corpus(tmp_path)
    recipe = tiny_recipe(epochs=1, batch_seconds=1.0)
    whole: list[tuple[str, ...]] = []
    parts: list[tuple[str, ...]] = []
    trained(recipe, data, data / "whole", around=lambda inner: Seen(inner, whole))
    assert interrupted(recipe, data, data / "parts", 2, around=lambda inner: Seen(inner, parts))
    trained(recipe, data, data / "parts", resume=True, around=lambda inner: Seen(inner, parts))
    assert len(whole) > 2
    assert parts == whole


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_training_sees_logits_and_evaluation_probabilities(training: bool) -> None:
    torch.manual_seed(0)
    model = AcousticModel(ModelConfig(layers=1, hidden=4, channels=2), 8, 5).train(training)
    log_probs, lengths = model(torch.randn(2, 11, 8), torch.tensor([11, 7]))
    for row, length in zip(log_probs.detach(), lengths, strict=True):
        torch.testing.assert_close(row[:length].exp().sum(-1), torch.ones(length))


def test_batch_norm_learns_from_padding() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([7, 3])
    x = torch.randn(2, 7, 4) + 5
    statistics = []
    for padding in (0, 50):
        norm = MaskedBatchNorm(4)
        padded = torch.nn.functional.pad(x, (0, 0, 0, padding))
        padded[1, 3:] = 0
        norm(padded, lengths)
        statistics.append(norm.norm.running_mean)
    frames = torch.cat([x[0], x[1, :3]])
    torch.testing.assert_close(statistics[0], 0.1 * frames.mean(0))
    torch.testing.assert_close(statistics[1], statistics[0])


def test_two_recipes_share_a_setting_because_its_default_can_change() -> None:
    for module in pkgutil.walk_packages(asr.__path__, "asr."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.name:
                for field in dataclasses.fields(kind):
                    assert field.default is dataclasses.MISSING or field.default.__hash__, (kind, field.name)
    for kind in CONFIGS:
        assert kind.__dataclass_params__.frozen, kind
        assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)


def test_a_path_with_a_space_or_a_semicolon_reaches_a_shell() -> None:
    for place, node in nodes(EVERYTHING):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        assert name not in {"os.system", "os.popen", "commands.getoutput", "subprocess.getoutput"}, place
        assert not any(keyword.arg == "shell" for keyword in node.keywords), place
        if name.startswith("subprocess.") and node.args:
            assert not isinstance(node.args[0], ast.JoinedStr | ast.Constant | ast.BinOp), place


def test_a_model_file_from_the_internet_runs_code() -> None:
    forbidden = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    for place, node in nodes(EVERYTHING):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names}
            names |= {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()
            assert not names & forbidden, place
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in {"torch.load", "torch.save", "torch.jit.load", "eval", "exec"}, place
            assert not any(keyword.arg == "allow_pickle" for keyword in node.keywords), place
