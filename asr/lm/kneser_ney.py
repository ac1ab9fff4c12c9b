r"""Interpolated modified Kneser–Ney smoothing: the n-gram models that one estimates from text.

A word's probability after a context is its share of what was counted there, less a discount; what the
discounts leave goes to the probability after the shorter context, down to one that all words share:

    p(w | c) = (a(c w) - D(a(c w))) / Σ_v a(c v)  +  γ(c) p(w | c without its first word)

a is the count of the longest n-grams, and of those that begin with <s>. For others it is the number of
different words before them (`suffix_tree.adjusted`). D is in `discounts.estimate_discounts`, γ in
`discounts.backoff_weights`: it makes the probabilities after c add up to one. After no context at all,
p = 1 / (number of words, with </s> and <unk>, without <s>). <unk> itself is never counted.

N-grams that occur no more often than a threshold are pruned. They go on counting for D and for the
sum, and all that they had goes to γ.

Chen and Goodman 1998, *An Empirical Study of Smoothing Techniques for Language Modeling*; Heafield,
Pouzyrevsky, Clark and Koehn 2013, *Scalable Modified Kneser-Ney Language Model Estimation*, whose
program lmplz computes the same numbers.

Memory is bounded, whatever the length of the text: words are numbered and written to disk, and their
n-grams are dealt out to parts (`asr.lm.partitions`) of about a million words, each of which is worked
on alone. What is kept for all is a few numbers per different word. Everything is done in three rounds,
because contexts and their n-grams end in different words and so belong to different parts:

    count        grow each part's tree, adjust its counts, and send each n-gram to its context's part
    normalize    sum up what came for each context, and send the sums back
    interpolate  compute probabilities, shorter n-grams first, and write them

The part of one pair of words cannot be divided: where a pair makes up a share of the text, such as one
hundredth, its part has at least that share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from asr.errors import LanguageModelError
from asr.files import writing
from asr.lm.arpa_sections import Sections
from asr.lm.construction import SUFFIX, load_language_model
from asr.lm.corpus import write_corpus
from asr.lm.discounts import Discounts
from asr.lm.partitions import partitions_for
from asr.lm.rounds import Rounds
from asr.lm.storage import save_automaton

MAX_ORDER = 16


@dataclass(frozen=True, slots=True)
class Estimation:
    """What kind of model to estimate.

    Attributes:
        order: Words in the longest n-grams.
        prune: For each length, from single words on: n-grams that occur so often or less are left out.
            The last threshold holds for all that are longer; single words are never left out.
        rows: Words of the text in a part; memory grows with it.
    """

    order: int = 3
    prune: tuple[int, ...] = (0,)
    rows: int = 1 << 20

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise LanguageModelError(f"the order must be 1 to {MAX_ORDER}, not {self.order}; 3 is usual")
        steps = " ".join(map(str, self.prune))
        if not 1 <= len(self.prune) <= self.order:
            raise LanguageModelError(
                f"prune {steps}: give one threshold for each order, at most {self.order}"
            )
        if self.prune[0] != 0:
            raise LanguageModelError(f"prune {steps}: single words are never pruned; begin with 0")
        if list(self.prune) != sorted(self.prune):
            raise LanguageModelError(f"prune {steps}: thresholds must not fall, or contexts would be missing")

    @property
    def thresholds(self) -> tuple[int, ...]:
        """The threshold of every length (order,)."""
        return self.prune + self.prune[-1:] * (self.order - len(self.prune))


@dataclass(frozen=True, slots=True)
class Estimated:
    """What was estimated.

    Attributes:
        sentences: In the text, empty ones not counted.
        words: In the text.
        vocabulary: Different words in the text.
        counts: N-grams in the model, for each length.
        discounts: For each length.
    """

    sentences: int
    words: int
    vocabulary: int
    counts: tuple[int, ...]
    discounts: tuple[Discounts, ...]


def estimate(sentences: Iterable[Sequence[str]], path: Path, wanted: Estimation) -> Estimated:
    """Estimates a model and writes it as an ARPA file, packed where its name ends in .gz.

    Where its name ends in .lm, it becomes an automaton, which has to fit into memory.

    Intermediate files stand in a folder beside it, about 4 · (order + 4) bytes for every word of the text
    and every n-gram; the folder is removed in the end, and also when the work is interrupted.

    Args:
        sentences: The text, words or other units.
        path: The file to write; what was there is replaced when all is done.
        wanted: What to estimate.

    Raises:
        LanguageModelError: If there is no text.
        RunError: If a file cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".asr-lm-", dir=path.parent) as name:
            folder = Path(name)
            corpus = write_corpus(sentences, folder / "tokens")
            sections = Sections(folder, corpus.vocabulary, wanted.order)
            rounds = Rounds(corpus, wanted.thresholds, partitions_for(corpus, wanted.rows, folder))
            rounds.count()
            rounds.normalize()
            rounds.interpolate(sections)
            if path.suffix == SUFFIX:
                sections.finish(folder / "lm.arpa")
                save_automaton(load_language_model(folder / "lm.arpa"), path)
            else:
                sections.finish(path)
    return Estimated(
        sentences=corpus.sentences,
        words=corpus.words,
        vocabulary=len(corpus.vocabulary) - 3,
        counts=tuple(sections.counts),
        discounts=tuple(rounds.discounts),
    )
