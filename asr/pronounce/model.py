"""A letter-to-sound model: it guesses how words are pronounced.

Word and phones are made together, out of graphones, and an n-gram model says how probable each graphone is
after those before it. So the probability of phones, given the letters, is

    p(phones | letters) = Σ p(graphones) / Σ p(graphones)
                          those with these letters and phones / those with these letters

where the sums are over what the search has found (Bisani and Ney 2008, *Joint-Sequence Models for
Grapheme-to-Phoneme Conversion*).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp

from asr.errors import LexiconError
from asr.lm.automaton import Automaton
from asr.lm.construction import automaton_from
from asr.lm.ngrams import NgramModel
from asr.pronounce.graphones import Graphone
from asr.pronounce.search import Found, Pieces, Width, pieces_of, search

TOGETHER = 256
"""Words that are searched together."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A guessed pronunciation.

    Attributes:
        phones: One at least.
        probability: That it is right, if the model is, and the letters are all that is known of the word.
    """

    phones: tuple[str, ...]
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class LetterToSound:
    """A model that was trained on a lexicon.

    Attributes:
        graphones: All that occurred.
        ngrams: How probable they are after each other; in order. Its words are the special ones, and then
            the graphones.
    """

    graphones: tuple[Graphone, ...] = field(repr=False)
    ngrams: NgramModel = field(repr=False)
    _automaton: Automaton = field(init=False, repr=False)
    _pieces: Pieces = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_automaton", automaton_from(self.ngrams))
        object.__setattr__(self, "_pieces", pieces_of(self.graphones))

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones that it guesses, sorted."""
        return tuple(sorted({phone for graphone in self.graphones for phone in graphone.phones}))

    def guess(
        self,
        words: Sequence[str],
        count: int = 1,
        width: Width | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[tuple[Guess, ...]]:
        """Guesses pronunciations.

        >>> model.guess(["phonish"])[0][0].phones
        ('F', 'OW', 'N', 'IH', 'SH')

        Args:
            words: In the spelling of the lexicon, mostly lower case.
            count: How many guesses for each word, at most.
            width: How widely to search.
            advance: Called with the number of words that were done.

        Returns:
            For each word its guesses, one at least, the most probable first.

        Raises:
            LexiconError: If a word cannot be pronounced. The word is named.
        """
        guesses = self.attempt(words, count, width, advance)
        for word, some in zip(words, guesses, strict=True):
            if not some:
                raise LexiconError(f"{word!r} {self._problem(word)}; give its phones, or spell it otherwise")
        return guesses

    def attempt(
        self,
        words: Sequence[str],
        count: int = 1,
        width: Width | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[tuple[Guess, ...]]:
        """Does the same, and gives no guesses for words that cannot be pronounced."""
        guesses = []
        for first in range(0, len(words), TOGETHER):
            together = words[first : first + TOGETHER]
            found: list[list[Found]] = [[] for _ in together]
            for one in search(together, self._pieces, self._automaton, width or Width()):
                found[one.word].append(one)
            guesses += [_guesses(some, count) for some in found]
            advance(len(together))
        return guesses

    def _problem(self, word: str) -> str:
        """Why there are no guesses for a word, as the end of a sentence that begins with it."""
        known = {letter for graphone in self.graphones for letter in graphone.letters}
        if strange := [letter for letter in dict.fromkeys(word) if letter not in known]:
            return f"has letters that the letter-to-sound model has never seen: {' '.join(strange)}"
        return "sounds like nothing to the letter-to-sound model"


def _guesses(found: Sequence[Found], count: int) -> tuple[Guess, ...]:
    """The first guesses of all that was found for a word, with the probabilities that they have among all."""
    heard = [(phones, one.log_prob) for one in found if (phones := one.phones)]
    if not heard:
        return ()
    best = heard[0][1]
    total = sum(exp(log_prob - best) for _, log_prob in heard)
    return tuple(Guess(phones, exp(log_prob - best) / total) for phones, log_prob in heard[:count])
