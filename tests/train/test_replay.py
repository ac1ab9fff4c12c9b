"""Replay: old speech is the stated share of what is heard."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.data.draws import draw
from asr.train.replay import replay_weights

SECONDS = st.lists(st.floats(0.5, 20), min_size=1, max_size=60)


@given(SECONDS, SECONDS, st.floats(0.05, 0.95))
def test_old_speech_is_the_stated_share_in_the_long_run(
    new: list[float], old: list[float], share: float
) -> None:
    seconds = np.array([*new, *old])
    weights = replay_weights(seconds, len(new), len(old), share)
    assert (weights[: len(new)] == 1).all()
    heard = weights * seconds
    np.testing.assert_allclose(heard[len(new) :].sum() / heard.sum(), share)


def test_each_epoch_has_all_that_is_new_and_other_old_utterances() -> None:
    seconds = np.array([2.0] * 20 + [2.0] * 300)
    weights = replay_weights(seconds, 20, 300, 0.5)
    seen: set[int] = set()
    for epoch in range(6):
        indices = draw(weights, 0, epoch).indices
        assert set(range(20)) <= set(indices.tolist())
        old = set(indices.tolist()) - set(range(20))
        assert 30 <= len(indices) <= 50
        assert not old & seen
        seen |= old


def test_non_speech_keeps_its_share_of_the_utterances() -> None:
    seconds = np.array([2.0] * 10 + [2.0] * 90 + [1.0] * 20)
    weights = replay_weights(seconds, 10, 90, 0.5)
    speech = weights[:100].sum()
    np.testing.assert_allclose(weights[100:].sum() / speech, 0.2)


def test_without_old_speech_everything_is_heard_once() -> None:
    assert (replay_weights(np.array([1.0, 2.0, 3.0]), 2, 0, 0.5) == 1).all()
