"""The CTC objective counts what it skips, and judges by what was really said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from asr.config import ModelConfig
from asr.data.batching import collate
from asr.data.dataset import Example
from asr.decode.ctc import greedy
from asr.model.acoustic import AcousticModel
from asr.text.error_rate import character_errors, word_errors
from asr.text.tokenizer import CharacterTokenizer
from asr.train.consistency import disagreement
from asr.train.ctc import CTCObjective, DevUtterance
from asr.train.monitor import WINDOW_STEPS

TOKENIZER = CharacterTokenizer(("<blk>", "a", "b", "▁"))
CONFIG = ModelConfig(cell="gru", layers=1, hidden=8, channels=2, dropout=0.5)


VIEWS = (("a", 24, 0), ("a", 24, 1), ("b", 11, 2), ("b", 11, 3))


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((frames, 20)).astype(np.float32)


def objective(
    config: ModelConfig = CONFIG, references: tuple[str, ...] = ("a b",), consistency: float = 0.0
) -> CTCObjective:
    torch.manual_seed(0)
    model = AcousticModel(config, 20, 4)
    dev = [
        DevUtterance(str(i), "s", noise(10 + 9 * i, i), reference, 1.0)
        for i, reference in enumerate(references)
    ]
    return CTCObjective(model, TOKENIZER, dev, consistency=consistency)


def example(frames: int, tokens: list[int], name: str = "u") -> Example:
    return Example(name, noise(frames), np.array(tokens, np.int64))


@pytest.mark.parametrize("path", ["pairs", "packed"])
@pytest.mark.parametrize("norm", ["layer", "batch", "none"])
def test_an_utterance_shorter_than_a_frame_is_skipped_and_counted(path: str, norm: str) -> None:
    judged = objective(replace(CONFIG, path=path, norm=norm, dropout=0.0))  # type: ignore[arg-type]
    heard = [example(20, [1, 2]), example(9, [])]
    alone = judged.loss(collate(heard))
    loss = judged.loss(collate([heard[0], example(0, [1]), heard[1]]))
    assert (loss.count, loss.skipped) == (2, 1)
    assert loss.total.item() == pytest.approx(alone.total.item(), rel=1e-5)
    nothing = judged.loss(collate([example(0, [1]), example(0, [])]))
    assert (nothing.count, nothing.skipped, nothing.total.item()) == (0, 2, 0.0)


def test_with_consistency_the_disagreement_of_views_is_added() -> None:
    batch = collate([Example(name, noise(n, seed), np.array([1])) for name, n, seed in VIEWS])
    plain = replace(CONFIG, dropout=0.0)
    alone, judged = objective(plain).loss(batch), objective(plain, consistency=0.5).loss(batch)
    with torch.no_grad():
        emissions = objective(plain).model(
            torch.from_numpy(batch.features), torch.from_numpy(batch.feature_lengths)
        )
    apart = disagreement(*emissions).item()
    assert apart > 0
    assert judged.total.item() == pytest.approx(alone.total.item() + 0.5 * apart)
    assert judged.parts["disagreement"] == pytest.approx(apart / 4)
    assert (judged.count, judged.skipped) == (4, 0)


def test_views_teach_the_same_in_a_batch_as_alone() -> None:
    pairs = [Example(name, noise(n, seed), np.array([1])) for name, n, seed in VIEWS]
    judged = objective(replace(CONFIG, dropout=0.0), consistency=0.5)
    alone = sum(judged.loss(collate(pair)).total.item() for pair in (pairs[:2], pairs[2:]))
    assert judged.loss(collate(pairs)).total.item() == pytest.approx(alone, rel=1e-5)


def test_an_utterance_of_one_frame_counts() -> None:
    loss = objective().loss(collate([example(1, [1])]))
    assert (loss.count, loss.skipped) == (1, 0)
    loss.total.backward()


def test_dev_is_judged_greedily_against_what_was_really_said() -> None:
    references = ("a b", "ab xyz", "a")  # x, y and z are not in the vocabulary, and count as errors
    judged = objective(references=references)
    words = characters = 0
    with torch.inference_mode():
        judged.model.eval()
        for i, reference in enumerate(references):
            features = torch.from_numpy(noise(10 + 9 * i, i))[None]
            log_probs, _ = judged.model(features, torch.tensor([features.shape[1]]))
            hypothesis = TOKENIZER.decode(greedy(log_probs[0].numpy()).tokens)
            words += word_errors(reference, hypothesis).errors
            characters += character_errors(reference, hypothesis).errors
        judged.model.train()
    metrics = judged.validate()
    assert metrics.error_rate == pytest.approx(words / 5)
    assert metrics.parts["dev_character_error_rate"] == pytest.approx(characters / 10)
    assert 0 <= metrics.parts["dev_blank_ratio"] <= 1


def test_judging_changes_neither_the_model_nor_its_random_numbers() -> None:
    judged = objective(replace(CONFIG, norm="batch"))
    before = {name: tensor.clone() for name, tensor in judged.model.state_dict().items()}
    random = torch.get_rng_state()
    assert judged.validate() == judged.validate()
    assert judged.model.training
    assert torch.equal(torch.get_rng_state(), random)
    for name, tensor in judged.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_model_that_writes_only_blanks_gets_advice_once() -> None:
    stuck = objective(replace(CONFIG, dropout=0.0))
    with torch.no_grad():
        stuck.model.head.weight.zero_()
        stuck.model.head.bias.copy_(torch.tensor([5.0, 0.0, 0.0, 0.0]))
    batch = collate([example(12, [1, 2])])
    with torch.no_grad():
        told = [loss.advice for _ in range(2 * WINDOW_STEPS + 50) if (loss := stuck.loss(batch)).advice]
    assert len(told) == 1
    assert told[0].startswith("only blanks for")
