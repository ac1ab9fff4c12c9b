"""Scored utterances for tests, as strategies of hypothesis and as corpora with known errors."""

from __future__ import annotations

from hypothesis import strategies as st

from asr.recognize.scoring import Scored, score

TEXTS = st.lists(st.sampled_from(["one", "two", "too", "日本", "हिन्दी"]), max_size=6).map(" ".join)
CORPORA = st.lists(st.tuples(st.sampled_from(["", "ann", "bob"]), TEXTS, TEXTS), max_size=6).map(
    lambda rows: [score(f"u{n}", *row, 1.5) for n, row in enumerate(rows)]
)
EMPTY = (
    [],
    [score("a", "", "", "", 1.0)],
    [score("a", "", "", "x", 1.0), score("b", "", "", "", 1.0)],
)
"""Corpora without a word to recognise."""


def corpus(utterances: int, speakers: int) -> list[Scored]:
    """Ten words each, of which speaker s gets every utterance wrong in s words, so speakers differ."""
    words = [f"w{n}" for n in range(10)]
    return [
        score(f"u{n}", f"s{n % speakers}", " ".join(words), " ".join(words[n % speakers :]), 2.0)
        for n in range(utterances)
    ]
