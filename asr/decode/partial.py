"""What a search that is under way has written so far, and what of it no later frame can change.

All prefixes of a search have a beginning in common, which is on the way from the root of the tree to every
prefix of the beam. Every later prefix goes on from one of these, so that beginning will be in the final
text. The last of its words may still become longer, unless something was written that ends it: a separator,
or the next word. And where several prefixes write one text, they may be joined, but only with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from asr.decode.ctc import Hypothesis
from asr.decode.knowledge.layout import Layout
from asr.decode.search.state import BeamState, Written
from asr.decode.search.texts import Texts
from asr.decode.search.tree import BEAMS, NONE, Search, path
from asr.text.tokenizer import Tokenizer
from asr.text.units import WordSpan


class Reader:
    """Reads tokens that others may follow.

    Args:
        tokenizer: Says what they spell.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        units = tokenizer.units
        self._tokenizer, self._texts, self._separator = tokenizer, units.texts, units.separator
        self._spells = units.separator >= 0 and units.spells

    def closed(self, tokens: Sequence[int]) -> int:
        """How many of some tokens stand before the last word that may still become longer.

        At least one token is left, so that what follows knows what it follows.
        """
        if self._separator >= 0:
            places = (place for place in range(len(tokens) - 1, -1, -1) if tokens[place] == self._separator)
            return next(places, 0)
        words = self._tokenizer.words(tokens)
        return words[-1].first if words else 0

    def decided(self, tokens: Sequence[int]) -> str:
        """What tokens say, without a last word that others may make longer.

        Without separators there is either nothing that makes words longer, or no telling where they end;
        then it is everything.
        """
        return self.text(tokens[: self.closed(tokens)] if self._separator >= 0 else tokens)

    def decides(self, tokens: Sequence[int]) -> bool:
        """Whether more is decided with these tokens after others than without them."""
        return self._separator in tokens if self._separator >= 0 else len(tokens) > 0

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens say: as the tokenizer decodes them, but quicker where separated words are spelled."""
        if not self._spells:
            return self._tokenizer.decode(tokens)
        words = "".join([self._texts[token] for token in tokens]).split(self._texts[self._separator])
        return " ".join(filter(None, words))


@dataclass(frozen=True, eq=False)
class Partials:
    """Reads a search that is under way.

    Attributes:
        layout: What it knows, as arrays.
        texts: Reads words, where it knows something.
        tokenizer: Reads them where it does not.
    """

    layout: Layout
    texts: Texts | None
    tokenizer: Tokenizer

    def decided(self, state: BeamState) -> str:
        """The words that will be at the beginning of the final text, whatever follows."""
        return self._closed_text(_together(state, common_node(state.search)))

    def text(self, state: BeamState) -> str:
        """The best text so far; it begins with the words that are decided."""
        from asr.decode.search.kernel import finals, join_texts

        found = finals(self.layout.knowledge, state.search)
        if not len(found):
            beams = state.search.beams[: state.search.counts[BEAMS]]
            totals = beams["total"] + state.search.nodes["score"][beams["node"]]
            written = _together(state, int(beams["node"][np.argmax(totals)]))
            return self._closed_text(written)
        if self.layout.graph is not None:
            found = join_texts(found)
        best = found[np.argmax(found["total"])]
        written, last = _together(state, int(best["node"])), int(best["entry"])
        return self._text(written, last)

    def settle(self, state: BeamState) -> Hypothesis | None:
        """Takes the finished words out of what was committed.

        Returns:
            The words, as a hypothesis without totals; None if there are none.
        """
        final = state.final
        count = self._closed(final)
        if not count:
            return None
        done, rest = final.first(count), final.rest(count)
        state.final = rest
        hypothesis = Hypothesis(done.tokens, done.first_frames, done.last_frames, done.log_probs, 0.0)
        if self.texts is None or not self._by_graph:
            return hypothesis
        return self.texts.hypothesis(done, final.endings[count], 0.0, 0.0, 0.0)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.tokenizer)

    @property
    def _by_graph(self) -> bool:
        """Whether a list of words says what words there are."""
        return self.layout.graph is not None

    def _closed(self, written: Written) -> int:
        """How many tokens stand before the last word that may still become longer."""
        if self._by_graph:
            return max((place for place, ending in enumerate(written.endings) if ending != NONE), default=0)
        return self._reader.closed(written.tokens)

    def _closed_text(self, written: Written) -> str:
        if not self._by_graph:
            return self._reader.decided(written.tokens)
        count = self._closed(written)
        return self._text(written.first(count), written.endings[count]) if count else ""

    def _text(self, written: Written, last: int) -> str:
        hypothesis = Hypothesis(written.tokens, (), (), (), 0.0)
        if self.texts is not None:
            hypothesis = self.texts.hypothesis(written, last, 0.0, 0.0, 0.0)
        words: Sequence[WordSpan] | None = hypothesis.words
        if words is None:
            words = self.tokenizer.words(written.tokens)
        return " ".join(word.text for word in words)


def common_node(search: Search) -> int:
    """The last node that is on the way from the root to every prefix of the beam."""
    common, *others = search.beams["node"][: search.counts[BEAMS]].tolist()
    parent_of = search.nodes["parent"].item
    known = {common}  # all of these lead to the common node
    for node in others:
        while node not in known:
            if node > common:  # parents come before their children, so the later of two leads to no other
                known.add(node)
                node = parent_of(node)
            else:
                common = parent_of(common)
                known.add(common)
    return int(common)


def _together(state: BeamState, node: int) -> Written:
    """The tokens of a prefix, with those committed before, but not where they were heard."""
    nodes = path(state.search.nodes, node)
    return Written(
        tokens=state.final.tokens + tuple(state.search.nodes["token"][nodes].tolist()),
        endings=state.final.endings + tuple(state.search.nodes["word"][nodes].tolist()),
    )
