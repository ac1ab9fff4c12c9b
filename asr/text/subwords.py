"""Subwords: a tokenizer whose tokens are pieces of words, such as ``▁the`` and ``ing``.

The pieces are those of a unigram model of the training texts (Kudo, 2018), learnt by sentencepiece, and all
characters. A word is encoded by as few of them as spell it, so nothing but the vocabulary is needed for it.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from asr.errors import TextError
from asr.text.units import SPACE, Units, WordSpan, unknown_message

LONGEST_LINE = 1 << 20
"""Bytes of a training text that sentencepiece does not leave out."""


@dataclass(frozen=True, slots=True)
class SubwordTokenizer:
    """One token for every piece; one that begins with the mark ``▁`` begins a word."""

    vocabulary: tuple[str, ...]

    @property
    def units(self) -> Units:
        """Words begin with a mark; see Tokenizer."""
        return Units(("", *self.vocabulary[1:]), mark=SPACE)

    def encode(self, text: str) -> list[int]:
        """Spells every word by the fewest pieces, and by the longest first among several; see Tokenizer."""
        if unknown := self.unknown(text):
            raise TextError(unknown_message(unknown[0], text))
        ids = {piece: index for index, piece in enumerate(self.vocabulary) if index}
        longest = max(map(len, ids), default=0)
        words = unicodedata.normalize("NFC", text).split()
        return [token for word in words for token in _fewest(SPACE + word, ids, longest)]

    def unknown(self, text: str) -> list[str]:
        """Characters that the vocabulary lacks; see Tokenizer."""
        known = {piece for piece in self.vocabulary[1:] if len(piece) == 1} - {SPACE}
        characters = "".join(unicodedata.normalize("NFC", text).split())
        return [one for one in dict.fromkeys(characters) if one not in known]

    def decode(self, tokens: Sequence[int]) -> str:
        """Puts pieces together; see Tokenizer."""
        return " ".join(word.text for word in self.words(tokens))

    def heard(self, text: str) -> str:
        """The text itself."""
        return text

    def words(self, tokens: Sequence[int]) -> tuple[WordSpan, ...]:
        """Cuts before every mark; see Tokenizer."""
        pieces = [self.vocabulary[token] for token in tokens]
        starts = [place for place, piece in enumerate(pieces) if piece.startswith(SPACE) or not place]
        spans = []
        for first, last in pairwise([*starts, len(pieces)]):
            if text := "".join(pieces[first:last]).removeprefix(SPACE):
                spans.append(WordSpan(text, first, last))
        return tuple(spans)


def learn_subwords(texts: Sequence[str], count: int) -> set[str]:
    """The pieces of normalised texts.

    Args:
        texts: What is going to be said.
        count: How many pieces to learn; characters come on top, and there may be fewer where little is said.

    Raises:
        TextError: If there are more characters than pieces.
    """
    import sentencepiece

    composed = [unicodedata.normalize("NFC", text) for text in texts if text]
    characters = {character for text in composed for character in text if character != " "} | {SPACE}
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(composed),
            model_writer=model,
            vocab_size=count,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            split_by_unicode_script=False,
            split_by_number=False,
            max_sentence_length=LONGEST_LINE,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=3,
        )
    except RuntimeError:
        raise TextError(
            f"tokenizer.subwords ({count}) is too few for {len(characters)} characters; "
            f"set it to {4 * len(characters)} or so, or tokenizer.kind to characters"
        ) from None
    learnt = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = {learnt.id_to_piece(index) for index in range(learnt.vocab_size())}
    return (pieces - {learnt.id_to_piece(learnt.unk_id())}) | characters


def _fewest(spelled: str, ids: Mapping[str, int], longest: int) -> list[int]:
    """The ids of the fewest pieces that put together give a word with its mark."""
    fewest = [0] * (len(spelled) + 1)
    pieces = [0] * len(spelled)
    for first in range(len(spelled) - 1, -1, -1):
        ends = range(min(len(spelled), first + longest), first, -1)
        last = min((end for end in ends if spelled[first:end] in ids), key=lambda end: fewest[end])
        fewest[first], pieces[first] = 1 + fewest[last], last
    tokens, first = [], 0
    while first < len(spelled):
        tokens.append(ids[spelled[first : pieces[first]]])
        first = pieces[first]
    return tokens
