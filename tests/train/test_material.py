"""Which utterances are chosen on, where nobody says it: fixed by hashes, and apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance
from asr.errors import ManifestError
from asr.train.material import held_out

TEXTS = ("one", "Two", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def said(texts: list[str], speakers: list[str]) -> list[Utterance]:
    return [
        Utterance(f"u{number}", AudioSource(Path(f"{number}.wav")), 1.0, text, speaker=speaker)
        for number, (text, speaker) in enumerate(zip(texts, speakers, strict=True))
    ]


@given(
    st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from(["", *"abcdefgh"])), min_size=2, max_size=60),
    st.floats(0.0, 0.9),
    st.randoms(use_true_random=False),
)
def test_both_sides_are_apart_and_do_not_depend_on_the_order(
    rows: list[tuple[str, str]], share: float, random: object
) -> None:
    utterances = said([row[0] for row in rows], [row[1] for row in rows])
    speakers = {row[1] for row in rows}
    by_speaker = "" not in speakers and len(speakers) >= 5
    if not by_speaker and len({row[0].lower() for row in rows}) < 2:
        with pytest.raises(ManifestError):
            held_out(utterances, share, "lower", "m.jsonl")
        return
    train, dev = held_out(utterances, share, "lower", "m.jsonl")
    assert train
    assert dev
    assert sorted(one.id for one in (*train, *dev)) == sorted(one.id for one in utterances)
    if by_speaker:
        assert not {one.speaker for one in train} & {one.speaker for one in dev}
    else:
        assert not {one.text.lower() for one in train} & {one.text.lower() for one in dev}
    shuffled = list(utterances)
    random.shuffle(shuffled)
    assert {one.id for one in held_out(shuffled, share, "lower", "m.jsonl")[1]} == {one.id for one in dev}


def test_the_share_is_about_what_was_asked_for() -> None:
    utterances = said([f"text {number}" for number in range(200)], ["me"] * 200)
    train, dev = held_out(utterances, 0.15, "lower", "m.jsonl")
    assert (len(train), len(dev)) == (170, 30)


def test_ids_that_two_manifests_share_do_no_harm() -> None:
    utterances = [*said(["one", "two", "three"], ["a"] * 3), *said(["four", "five", "six"], ["a"] * 3)]
    train, dev = held_out(utterances, 0.3, "lower", "m.jsonl")
    assert len(train) + len(dev) == 6
