"""The loop keeps its promises: to stop, to keep the best, to count what it leaves out."""

from __future__ import annotations

import json
import math
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from asr.data.batching import Batch, BatchSource
from asr.data.manifest import read_manifest
from asr.errors import RunError
from asr.settings import with_settings
from asr.train.checkpoint import read_checkpoint
from asr.train.objective import Loss, Metrics, Objective
from asr.train.state import checkpoint_path, kept_path
from asr.train.stopping import Interrupted
from tests.helpers.corpora import write_short_corpus, write_split
from tests.helpers.runs import Line, dataset, line_trainer, opened, tiny_recipe, trained


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_corpus(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def source(data: Path) -> BatchSource:
    utterances = read_manifest(data / "train" / "manifest.jsonl")
    return BatchSource(dataset(utterances), 1.5, seed=0)


def rows(run: Path, kind: str) -> list[dict[str, float]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


def test_training_is_a_step_for_each_group_of_batches(source: BatchSource, tmp_path: Path) -> None:
    objective = Line()
    with line_trainer(objective, source, tmp_path, epochs=3, accumulate=2) as trainer:
        state = trainer.train()
    batches = [source.batches_in(epoch) for epoch in range(3)]
    assert objective.losses == sum(batches)
    assert state.step == sum(math.ceil(count / 2) for count in batches)
    assert (state.epoch, state.batch, objective.judged) == (3, 0, 3)


def test_accumulating_batches_is_one_large_batch(data: Path, tmp_path: Path) -> None:
    plain = ["augment.speeds=[1.0]", "augment.noise=0", "augment.time_masks=0", "augment.mel_masks=0"]
    recipe = with_settings(
        tiny_recipe(epochs=1, optimizer="sgd", warmup=0.0),
        [*plain, "augment.non_speech=0", "model.dropout=0"],
    )
    weights = []
    for name, settings in (
        ("one", ["training.batch_seconds=1000"]),
        ("many", ["training.batch_seconds=1.0", "training.accumulate=1000"]),
    ):
        state, model = trained(with_settings(recipe, settings), data, tmp_path / name)
        assert state.step == 1
        weights.append(model.state_dict())
    for key, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][key], rtol=0, atol=2e-6, msg=key)


@pytest.mark.parametrize(("clip", "norm"), [(100.0, 4.0), (0.5, 0.5)])
def test_gradients_are_means_over_utterances_clipped_to_the_global_norm(
    source: BatchSource, tmp_path: Path, clip: float, norm: float
) -> None:
    objective = Line()  # each utterance pulls with 2 (1 - 3)
    options = {"epochs": 1, "accumulate": 1000, "warmup": 0.0, "optimizer": "sgd", "weight_decay": 0.0}
    with line_trainer(objective, source, tmp_path, clip=clip, learning_rate=0.1, **options) as trainer:
        trainer.train()
    assert objective.model.weight.item() == pytest.approx(1 + 0.1 * norm * 1.9)  # Nesterov's first step


class Poison:
    """An objective in which one batch gives no number."""

    def __init__(self, inner: Objective, at: int) -> None:
        self.model, self._inner, self._left = inner.model, inner, at
        self.before: list[torch.Tensor] = []

    def loss(self, batch: Batch) -> Loss:
        self._left -= 1
        if self._left == 0:
            self.before = [parameter.detach().clone() for parameter in self.model.parameters()]
            batch.features[0] = math.inf
        if self._left == -1:
            after = list(self.model.parameters())
            assert all(torch.equal(one, other) for one, other in zip(self.before, after, strict=True))
        return self._inner.loss(batch)

    def validate(self) -> Metrics:
        return self._inner.validate()


def test_a_step_without_a_finite_gradient_is_left_out_counted_and_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tiny_recipe(epochs=2, batch_seconds=1.5)
    state, model = trained(recipe, data, tmp_path, around=lambda objective: Poison(objective, 2))
    assert (state.epoch, state.skipped_steps, state.skipped) == (2, 1, 1)
    assert all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
    err = capsys.readouterr().err
    assert err.count("the step is left out") == 1
    assert "1 utterances skipped" in err


def test_utterances_that_cannot_be_aligned_are_counted_in_every_epoch(data: Path, tmp_path: Path) -> None:
    write_split(tmp_path, "train", ["do re", "mi", "fa do", "re"], word_seconds=0.14)
    write_split(tmp_path, "dev", ["mi"], seed=1)
    path = tmp_path / "train" / "manifest.jsonl"
    path.write_text(path.read_text().replace('"mi"', '"mi mi mi mi mi mi mi mi"'))
    recipe = tiny_recipe(epochs=3)
    state, _ = trained(
        replace(recipe, augment=replace(recipe.augment, non_speech=0.0)), tmp_path, tmp_path / "r"
    )
    assert state.skipped == 3
    assert [row["skipped"] for row in rows(tmp_path / "r", "epoch")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("rates", "average", "best"),
    [
        ([0.5, 0.4, 0.6, 0.3], 1, [4]),
        ([0.5, 0.4, 0.6, 0.3], 2, [4, 2]),
        ([0.5, 0.4, 0.6, 0.3], 9, [4, 2, 1, 3]),
        ([0.5, 0.5, 0.7], 1, [2]),
    ],
)
def test_the_best_epochs_are_kept_and_others_deleted(
    source: BatchSource, tmp_path: Path, rates: list[float], average: int, best: list[int]
) -> None:
    with line_trainer(Line(rates), source, tmp_path, epochs=len(rates), average=average) as trainer:
        state = trainer.train()
    assert [entry.epoch for entry in state.kept] == best
    assert {path.name for path in (tmp_path / "best").iterdir()} == {
        kept_path(tmp_path, epoch).name for epoch in best
    }
    for entry in state.kept:
        assert (
            read_checkpoint(kept_path(tmp_path, entry.epoch)).values["error_rate"] == rates[entry.epoch - 1]
        )


def test_weights_that_the_last_checkpoint_speaks_of_outlive_a_crash(
    source: BatchSource, tmp_path: Path
) -> None:
    class Crash(Line):
        def validate(self) -> Metrics:
            if self.judged == 1:  # from now on no checkpoint can be written
                checkpoint_path(tmp_path).rename(tmp_path / "saved")
                checkpoint_path(tmp_path).mkdir()
            return super().validate()

    with line_trainer(Crash([0.5, 0.4]), source, tmp_path, epochs=2) as trainer, pytest.raises(RunError):
        trainer.train()
    for entry in read_checkpoint(tmp_path / "saved").values["kept"]:
        assert kept_path(tmp_path, entry["epoch"]).exists()


@pytest.mark.parametrize(("patience", "epochs"), [(0, 6), (1, 4), (2, 5)])
def test_patience_ends_training(source: BatchSource, tmp_path: Path, patience: int, epochs: int) -> None:
    rates = [0.5, 0.6, 0.4, 0.4, 0.5, 0.3]
    with line_trainer(Line(rates), source, tmp_path, epochs=6, patience=patience) as trainer:
        state = trainer.train()
        assert state.epoch == epochs
        assert trainer.train().step == state.step, "a finished run trains on"


def test_dev_is_judged_as_often_as_asked_and_at_the_end(source: BatchSource, tmp_path: Path) -> None:
    with line_trainer(Line(), source, tmp_path, epochs=5, validate_every=2) as trainer:
        trainer.train()
    assert [row["epoch"] for row in rows(tmp_path, "epoch") if "dev_error_rate" in row] == [2, 4, 5]


def test_the_plateau_rate_does_not_climb_back_when_dev_improves(source: BatchSource, tmp_path: Path) -> None:
    options = {"schedule": "plateau", "warmup": 0.0, "learning_rate": 0.8, "epochs": 5}
    with line_trainer(Line([0.5, 0.4, 0.4, 0.4, 0.3]), source, tmp_path, **options) as trainer:
        state = trainer.train()
        assert (state.halvings, state.stalls) == (1, 0)
        assert trainer.learner.optimizer.param_groups[0]["lr"] == 0.4


def test_a_model_that_says_nothing_yet_has_not_stalled(source: BatchSource, tmp_path: Path) -> None:
    options = {"schedule": "plateau", "patience": 2, "warmup": 0.0, "learning_rate": 0.8, "epochs": 6}
    with line_trainer(Line([1.0, 1.0, 1.0, 1.0, 1.0, 0.9]), source, tmp_path, **options) as trainer:
        state = trainer.train()
        assert (state.epoch, state.halvings, state.stalls) == (6, 0, 0)
        assert trainer.learner.optimizer.param_groups[0]["lr"] == 0.8


def test_checkpoints_are_written_as_often_as_asked(source: BatchSource, tmp_path: Path) -> None:
    class Watch(Line):
        def loss(self, batch: Batch) -> Loss:
            path = checkpoint_path(tmp_path)
            seen.append(int(read_checkpoint(path).values["step"]) if path.exists() else 0)
            return super().loss(batch)

    for seconds, steps in ((0.0, lambda step: step), (1e6, lambda step: step - step % source.batches_in(0))):
        seen: list[int] = []
        checkpoint_path(tmp_path).unlink(missing_ok=True)
        with line_trainer(Watch(), source, tmp_path, epochs=2, checkpoint_seconds=seconds) as trainer:
            trainer.train()
        assert seen == [steps(step) for step in range(len(seen))]


class Signal(Line):
    """Presses Ctrl-C, or sends another signal, so many times during its first loss."""

    def __init__(self, number: int, times: int = 1) -> None:
        super().__init__()
        self._number, self._times = number, times

    def loss(self, batch: Batch) -> Loss:
        times, self._times = self._times, 0
        for _ in range(times):
            signal.raise_signal(self._number)
        return super().loss(batch)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_step_and_tells_how_to_go_on(
    source: BatchSource, tmp_path: Path, number: int
) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with line_trainer(Signal(number), source, tmp_path, epochs=2) as trainer:
        with pytest.raises(Interrupted, match=r"stopped after step 1; go on with --resume") as caught:
            trainer.train()
        assert caught.value.status == 130
        assert read_checkpoint(checkpoint_path(tmp_path)).values["step"] == 1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_a_second_ctrl_c_ends_at_once(source: BatchSource, tmp_path: Path) -> None:
    with (
        line_trainer(Signal(signal.SIGINT, 2), source, tmp_path) as trainer,
        pytest.raises(KeyboardInterrupt),
    ):
        trainer.train()
    assert trainer.state.step == 0


def test_training_works_outside_the_main_thread(source: BatchSource, tmp_path: Path) -> None:
    with line_trainer(Line(), source, tmp_path, epochs=1) as trainer:
        thread = threading.Thread(target=trainer.train)
        thread.start()
        thread.join()
    assert trainer.state.epoch == 1


def test_advice_of_the_objective_is_told(
    source: BatchSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with line_trainer(Line(advice={2: "look at your data"}), source, tmp_path, epochs=1) as trainer:
        trainer.train()
    assert capsys.readouterr().err.count("warning: look at your data") == 1


def test_steps_are_logged_with_loss_rate_and_gradient_norms(data: Path, tmp_path: Path) -> None:
    with opened(tiny_recipe(epochs=5, batch_seconds=1.0), data, tmp_path) as trainer:
        trainer.train()
    first = rows(tmp_path, "step")[0]
    assert first["step"] == 20
    names = {"loss", "learning_rate", "gradient_norm", "gradient_norm/layers.0", "blank_ratio"}
    assert names <= set(first)
    parts = [value for name, value in first.items() if name.startswith("gradient_norm/")]
    assert math.hypot(*parts) == pytest.approx(first["gradient_norm"], rel=1e-5)
