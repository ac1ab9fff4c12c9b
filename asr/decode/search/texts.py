"""From tokens that have been written to hypotheses: their words, and the parts of the total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asr.decode.ctc import Hypothesis
from asr.decode.fusion import Fusion
from asr.decode.knowledge.layout import Layout
from asr.decode.search.state import Written
from asr.decode.search.tree import NONE, UNKNOWN
from asr.text.units import WordSpan


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Reads the words of prefixes, and what they are worth.

    Attributes:
        fusion: What the search knows.
        layout: The same as arrays.
    """

    fusion: Fusion
    layout: Layout

    def hypothesis(
        self, text: Written, last: int, total: float, language: float, hotwords: float
    ) -> Hypothesis:
        """The hypothesis that ends with some tokens.

        Args:
            text: Its tokens.
            last: The entry of the last word, UNKNOWN or NONE, as in `Written.endings`.
            total: Its total.
            language: What of it language models gave.
            hotwords: And hotwords.
        """
        spans = self._spans(text, last) if self.layout.graph is not None else ()
        grammar, units = self.fusion.vocabulary == "grammar", self.fusion.units
        if grammar and units.sounds:
            spans = tuple(word for phrase in spans for word in self._words(phrase, text.tokens))
        return Hypothesis(
            text.tokens,
            text.first_frames,
            text.last_frames,
            text.log_probs,
            total,
            words=None
            if self.layout.graph is None or (grammar and units.bounded and not units.sounds)
            else spans,
            language=language,
            bonus=0.0 if grammar else self.fusion.beta * len(spans),
            hotwords=hotwords,
        )

    def _spans(self, text: Written, last: int) -> tuple[WordSpan, ...]:
        """The words, each with its tokens but for the separator between words."""
        separator = self.fusion.units.separator
        spans, first = [], 0
        ends = [place for place, ending in enumerate(text.endings) if ending != NONE]
        for place, ending in zip(
            [*ends, len(text.tokens)], [*(text.endings[end] for end in ends), last], strict=True
        ):
            if ending == NONE:
                continue
            if text.tokens[first] == separator:
                first += 1
            spans.append(WordSpan(self.word(ending, text.tokens[first:place]), first, place))
            first = place
        return tuple(spans)

    def _words(self, phrase: WordSpan, tokens: Sequence[int]) -> Iterator[WordSpan]:
        """The words of a phrase, each with the tokens between separators that sound it out."""
        separator = self.fusion.units.separator
        places = range(phrase.first, phrase.last)
        cuts = [place for place in places if tokens[place] == separator]
        bounds = zip([phrase.first, *(cut + 1 for cut in cuts)], [*cuts, phrase.last], strict=True)
        for word, (first, last) in zip(phrase.text.split(), bounds, strict=True):
            yield WordSpan(word, first, last)

    def word(self, ending: int, tokens: Sequence[int]) -> str:
        """The text of a word: an entry of the graph, or UNKNOWN and the tokens that spell it."""
        if ending != UNKNOWN and self.layout.graph is not None:
            return self.layout.graph.words[int(self.layout.graph.word_ids[ending])]
        units = self.fusion.units
        return "".join(units.texts[token] for token in tokens).removeprefix(units.mark)
