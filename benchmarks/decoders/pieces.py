"""Subwords by byte-pair encoding: again and again the most frequent pair becomes one (Sennrich, 2016)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

MARK = "▁"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pieces:
    """A vocabulary of subwords, and the merges in their order.

    Attributes:
        texts: The subwords; those that begin a word begin with the mark.
        ranks: When two of them become one.
    """

    texts: tuple[str, ...]
    ranks: dict[Pair, int] = field(repr=False)

    def spell(self, word: str) -> tuple[str, ...]:
        """Cuts a word into subwords."""
        symbols = [MARK, *word]
        while len(symbols) > 1:
            place = min(range(len(symbols) - 1), key=lambda i: self._rank(symbols, i))
            if self._rank(symbols, place) == len(self.ranks):
                break
            symbols[place : place + 2] = ["".join(symbols[place : place + 2])]
        return tuple(symbols)

    def _rank(self, symbols: list[str], place: int) -> int:
        return self.ranks.get((symbols[place], symbols[place + 1]), len(self.ranks))


def learn_pieces(words: Counter[str], size: int) -> Pieces:
    """Learns so many subwords from words and how often they occur."""
    spelled = [[MARK, *word] for word in words]
    counts = list(words.values())
    pairs, where = _pairs(spelled, counts)
    texts = sorted({symbol for symbols in spelled for symbol in symbols})
    ranks: dict[Pair, int] = {}
    while len(texts) < size:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        ranks[best] = len(ranks)
        if "".join(best) not in texts:
            texts.append("".join(best))
        for index in where.pop(best):
            _count(pairs, spelled[index], -counts[index])
            spelled[index] = _merged(spelled[index], best)
            _count(pairs, spelled[index], counts[index])
            for pair in pairwise(spelled[index]):
                where[pair].add(index)
        pairs.pop(best, None)
    return Pieces(tuple(texts), ranks)


def _pairs(spelled: list[list[str]], counts: list[int]) -> tuple[Counter[Pair], defaultdict[Pair, set[int]]]:
    pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, (symbols, count) in enumerate(zip(spelled, counts, strict=True)):
        _count(pairs, symbols, count)
        for pair in pairwise(symbols):
            where[pair].add(index)
    return pairs, where


def _count(pairs: Counter[Pair], symbols: Iterable[str], count: int) -> None:
    for pair in pairwise(symbols):
        pairs[pair] += count


def _merged(symbols: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged
