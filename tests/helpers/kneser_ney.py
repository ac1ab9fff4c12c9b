"""Modified Kneser–Ney smoothing as the formulas read, with dictionaries and loops: slow, and to be believed.

Chen and Goodman 1998; the handling of <s>, <unk> and pruning as Heafield et al. 2013 describe for lmplz.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

Ngram = tuple[str, ...]
Sentences = Sequence[Sequence[str]]


class KneserNey:
    """Every n-gram's probability and every context's weight, from a text."""

    def __init__(self, sentences: Sentences, order: int, thresholds: Sequence[int]) -> None:
        self.order = order
        self.true = true_counts(sentences, order)
        self.adjusted = adjusted_counts(self.true, order)
        self.kept = {g for g, count in self.true.items() if len(g) == 1 or count > thresholds[len(g) - 1]}
        self.discounts = {n: discounts(self.adjusted, n) for n in range(1, order + 1)}
        self.vocabulary = {gram[0] for gram in self.true if len(gram) == 1} - {"<s>"} | {"</s>", "<unk>"}
        self.after: dict[Ngram, list[str]] = defaultdict(list)
        for gram in self.adjusted:
            self.after[gram[:-1]].append(gram[-1])
        self.totals = {context: self._total(context) for context in self.after}
        self.gammas = {context: self._gamma(context) for context in self.after}

    def discount(self, gram: Ngram) -> float:
        return self.discounts[len(gram)][min(self.adjusted[gram], 3)]

    def _total(self, context: Ngram) -> int:
        return sum(self.adjusted[(*context, word)] for word in self.after[context])

    def gamma(self, context: Ngram) -> float:
        """The weight of backing off from a context; 1 where nothing follows it."""
        return self.gammas.get(context, 1.0)

    def _gamma(self, context: Ngram) -> float:
        left = 0.0
        for word in self.after[context]:
            gram = (*context, word)
            left += self.discount(gram) if gram in self.kept else self.adjusted[gram]
        return left / self.totals[context]

    def p(self, word: str, context: Ngram) -> float:
        """The probability of a word after any words; the last order - 1 of them count."""
        context = context[max(0, len(context) - self.order + 1) :]
        lower = self.p(word, context[1:]) if context else 1 / len(self.vocabulary)
        gram = (*context, word)
        own = 0.0
        if gram in self.kept and gram in self.adjusted:
            own = (self.adjusted[gram] - self.discount(gram)) / self.totals[context]
        return own + self.gamma(context) * lower


def true_counts(sentences: Sentences, order: int) -> Counter[Ngram]:
    counts: Counter[Ngram] = Counter()
    for sentence in sentences:
        words = ["<s>", *sentence, "</s>"]
        for end in range(2, len(words) + 1):
            for n in range(1, min(order, end) + 1):
                counts[tuple(words[end - n : end])] += 1
    return counts


def adjusted_counts(true: Counter[Ngram], order: int) -> dict[Ngram, int]:
    before: dict[Ngram, set[str]] = defaultdict(set)
    for gram in true:
        before[gram[1:]].add(gram[0])
    return {
        gram: count if len(gram) == order or gram[0] == "<s>" else len(before[gram])
        for gram, count in true.items()
    }


def discounts(adjusted: dict[Ngram, int], n: int) -> tuple[float, ...]:
    """Discounts for counts of 0, 1, 2, and 3 or more; lmplz's fallback where there are none."""
    fallback = (0.0, 0.5, 1.0, 1.5)
    t = Counter(count for gram, count in adjusted.items() if len(gram) == n)
    if not t[1] or not t[2] or not t[3]:
        return fallback
    y = t[1] / (t[1] + 2 * t[2])
    found = [0.0] + [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
    return tuple(found) if all(0 <= found[k] <= k for k in (1, 2, 3)) else fallback
