"""Graphones: a few letters and the phones that they stand for, the pieces that pronounced words are made of.

p h o n e       ph:F  o:OW  n:N  e:-
m i x i n g     m:M  i:IH  x:K S  i:IH  n:NG  g:-
"""

from __future__ import annotations

from dataclasses import dataclass

STEPS = ((1, 0), (1, 1), (1, 2), (2, 1))
"""Letters and phones of the graphones that there are. Larger ones would fit more words, and serve fewer."""

MOST_LETTERS = max(letters for letters, _ in STEPS)
MOST_PHONES = max(phones for _, phones in STEPS)


@dataclass(frozen=True, slots=True, order=True)
class Graphone:
    """Letters and the phones that they stand for, perhaps none."""

    letters: str
    phones: tuple[str, ...]

    def __str__(self) -> str:
        """``x:K S``; a letter that is not heard is written ``e:-``."""
        return f"{self.letters}:{' '.join(self.phones) or '-'}"
