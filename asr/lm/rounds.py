"""The three rounds of `asr.lm.kneser_ney`: count, normalise, interpolate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.lm.arpa_sections import Sections
from asr.lm.corpus import BEGIN_ID, Corpus, windows
from asr.lm.discounts import TOTAL, Discounts, Numbers, backoff_weights, estimate_discounts, tally
from asr.lm.partitions import Partitions
from asr.lm.suffix_tree import Tree, adjusted, find_rows, grow, load_tree, save_tree, spelled
from asr.progress import track

_ANSWER = np.dtype([("row", np.int32), ("total", np.float64), ("gamma", np.float64)])


class Rounds:
    """The rounds, to be called one after the other, and what they know of the whole text.

    Attributes:
        discounts: For each length of n-grams, after the first round.
    """

    def __init__(self, corpus: Corpus, thresholds: Sequence[int], partitions: Partitions) -> None:
        """Prepares to count `corpus`.

        Args:
            corpus: The text.
            thresholds: For every length: n-grams that occur so often or less are pruned (order,).
            partitions: Where to divide it.
        """
        self._corpus, self._thresholds, self._partitions = corpus, thresholds, partitions
        self._order = len(thresholds)
        self._unigrams = np.zeros(len(corpus.vocabulary), np.int64)  # adjusted counts
        self._sums = np.zeros((5, len(corpus.vocabulary)))  # of pairs of words, by the first
        self.discounts: list[Discounts] = []

    def count(self) -> None:
        """Round 1."""
        order, partitions = self._order, self._partitions
        for columns in windows(self._corpus, order):
            if order == 1:
                self._unigrams += np.bincount(columns[0], minlength=len(self._unigrams))
            else:
                partitions.deal("text", partitions.part(columns[0], columns[1]), columns.T)
        count_counts = np.zeros((order, 4), np.int64)
        for part in track(range(len(partitions) if order > 1 else 0), "counting"):
            text = partitions.take("text", part, np.int32, order)
            tree = adjusted(grow(text.T, self._thresholds[1:]))
            del text
            save_tree(tree, partitions.file("tree", part))
            self._unigrams += np.bincount(tree[0].parents, minlength=len(self._unigrams))
            self._sums += tally(tree[0].words, tree[0].counts, tree[0].kept, len(self._unigrams))
            for n, level in enumerate(tree, start=2):
                count_counts[n - 1] += _count_counts(level.counts)
                if n > 2:
                    self._send_to_contexts(tree, n, part)
        count_counts[0] = _count_counts(self._unigrams)
        self.discounts = [estimate_discounts(counts) for counts in count_counts]

    def _send_to_contexts(self, tree: Tree, n: int, part: int) -> None:
        """Tells the part of each n-gram's context: its count, whether it is kept, and where it is."""
        level = tree[n - 2]
        context = spelled(tree, n)[1:]
        here = np.full(len(level), part, np.int32)
        rows = np.arange(len(level), dtype=np.int32)
        message = np.stack([here, rows, level.counts, level.kept.astype(np.int32), *context], axis=1)
        self._partitions.deal(f"to-context-{n}", self._partitions.part(context[0], context[1]), message)

    def normalize(self) -> None:
        """Round 2: what is left for each context of two or more words, and answers to their n-grams."""
        if self._order < 3:
            return
        for part in track(range(len(self._partitions)), "normalising"):
            tree = load_tree(self._partitions.file("tree", part))
            with self._partitions.file("gamma", part).open("wb") as file:
                for n in range(3, self._order + 1):
                    file.write(self._answer(tree, n, part).tobytes())

    def _answer(self, tree: Tree, n: int, part: int) -> Numbers:
        """Sums up the n-grams of each context in the tree, tells them, and returns the contexts' weights."""
        messages = self._partitions.take(f"to-context-{n}", part, np.int32, n + 3)
        there, rows, counts, kept, *context = messages.T
        contexts = find_rows(tree, context)
        sums = tally(contexts, counts, kept.astype(np.bool_), len(tree[n - 3]))
        gamma = backoff_weights(sums, self.discounts[n - 1])
        answers = np.empty(len(rows), _ANSWER)
        answers["row"], answers["total"], answers["gamma"] = rows, sums[TOTAL, contexts], gamma[contexts]
        self._partitions.deal(f"from-context-{n}", there, answers)
        return gamma

    def interpolate(self, sections: Sections) -> None:
        """Round 3: the probabilities of all n-grams, each from that of the n-gram without its first word."""
        gamma = self.discounts[0].of(self._unigrams).sum() / self._unigrams.sum()
        probs = _shares(self._unigrams, self._unigrams.sum(), self.discounts[0])
        probs += gamma / (len(probs) - 1)  # shared by all but <s>
        probs[BEGIN_ID] = 0
        weights = np.ones(len(probs))
        if self._order > 1:
            weights = backoff_weights(self._sums, self.discounts[1])
        sections.add([np.arange(len(probs), dtype=np.int32)], probs, weights)
        for part in track(range(len(self._partitions) if self._order > 1 else 0), "interpolating"):
            self._write(part, probs, weights, sections)

    def _write(self, part: int, words: Numbers, word_weights: Numbers, sections: Sections) -> None:
        """Writes the n-grams of a part, given probabilities and back-off weights of single words."""
        tree = load_tree(self._partitions.file("tree", part))
        weights = self._partitions.take("gamma", part, np.float64)[:, 0]
        probs = words
        for n, level in enumerate(tree, start=2):
            if n == 2:
                total, gamma = self._sums[TOTAL, level.words], word_weights[level.words]
            else:
                answers = self._partitions.take(f"from-context-{n}", part, _ANSWER)[:, 0]
                total, gamma = np.empty(len(level)), np.empty(len(level))
                total[answers["row"]], gamma[answers["row"]] = answers["total"], answers["gamma"]
            probs = _shares(level.counts, total, self.discounts[n - 1]) + gamma * probs[level.parents]
            own, weights = np.split(weights, [len(level)])
            backoffs = own[level.kept] if n < self._order else np.ones(int(level.kept.sum()))
            columns = [column[level.kept] for column in reversed(spelled(tree, n))]
            sections.add(columns, probs[level.kept], backoffs)


def _shares(counts: NDArray[np.integer[Any]], totals: Numbers, discounts: Discounts) -> Numbers:
    """What n-grams have of their own: discounted counts, as a share of the totals."""
    return (counts - discounts.of(counts)) / totals


def _count_counts(counts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """How many of the counts are 1, 2, 3 and 4 (4,)."""
    return np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
