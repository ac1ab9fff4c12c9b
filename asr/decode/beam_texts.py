"""From tokens that have been written to hypotheses: their words, and the parts of the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from asr.decode.beam_state import Written
from asr.decode.beam_tree import NONE, UNKNOWN
from asr.decode.ctc import Hypothesis
from asr.decode.fusion import Fusion
from asr.decode.fusion_arrays import Arcs
from asr.decode.fusion_layout import Layout
from asr.decode.scorer import score_tokens, score_words
from asr.lm.automaton import ROOT, Automaton
from asr.lm.hashing import find
from asr.lm.ngrams import key
from asr.text.tokenizer import WordSpan


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Reads the words of prefixes, and what they are worth.

    Attributes:
        fusion: What the search knows.
        layout: The same as arrays.
    """

    fusion: Fusion
    layout: Layout

    def hypothesis(self, text: Written, last: int, total: float) -> Hypothesis:
        """The hypothesis that ends with some tokens.

        Args:
            text: Its tokens.
            last: The entry of the last word, UNKNOWN or NONE, as in `Written.endings`.
            total: Its total.
        """
        plain = Hypothesis(text.tokens, text.first_frames, text.last_frames, text.log_probs, total)
        spans = self._spans(text, last)
        words = [span.text for span in spans]
        grammar = self.fusion.vocabulary == "grammar"
        return replace(
            plain,
            words=None if self.layout.graph is None or (grammar and self.fusion.units.bounded) else spans,
            language=self._language(words, text.tokens),
            bonus=0.0 if grammar else self.fusion.beta * len(words),
            hotwords=self._hotwords(words, text.tokens),
        )

    def _spans(self, text: Written, last: int) -> tuple[WordSpan, ...]:
        spans, first = [], 0
        if self.layout.graph is None:
            return ()
        for place, ending in [*enumerate(text.endings), (len(text.tokens), last)]:
            if ending != NONE:
                spans.append(WordSpan(self.word(ending, text.tokens[first:place]), first, place))
                first = place
            if (
                place < len(text.tokens)
                and text.tokens[place] == self.fusion.units.separator
                and place == first
            ):
                first += 1  # between words
        return tuple(spans)

    def word(self, ending: int, tokens: Sequence[int]) -> str:
        """The text of a word: an entry of the graph, or UNKNOWN and the tokens that spell it."""
        if ending != UNKNOWN and self.layout.graph is not None:
            return self.layout.graph.words[int(self.layout.graph.word_ids[ending])]
        units = self.fusion.units
        return "".join(units.texts[token] for token in tokens).removeprefix(units.mark)

    def _language(self, words: Sequence[str], tokens: Sequence[int]) -> float:
        fusion, gain = self.fusion, 0.0
        if fusion.word_model is not None:
            symbols = [fusion.word_model.ids.get(word, NONE) for word in words]
            gain += _log_prob(fusion.word_model, symbols, fusion.alpha, fusion.unknown_score)
        if fusion.token_model is not None:
            symbols = self.layout.token_symbols[list(tokens)].tolist()
            gain += _log_prob(fusion.token_model, symbols, fusion.token_alpha, fusion.unknown_score)
        scorer = fusion.scorer
        if scorer is not None and scorer.reads == "words":
            gain += fusion.alpha * score_words(scorer, words)
            gain += fusion.unknown_score * sum(not scorer.knows(word) for word in words)
        elif scorer is not None and scorer.reads == "tokens":
            gain += fusion.token_alpha * score_tokens(scorer, tokens)
        return gain

    def _hotwords(self, words: Sequence[str], tokens: Sequence[int]) -> float:
        layout, gain = self.layout, 0.0
        if layout.token_hotwords is not None:
            symbols = [*tokens, len(self.fusion.units)]
            gain += _read_all(layout.token_hotwords, layout.starts["token_hot"], symbols)
        if layout.word_hotwords is not None and layout.graph is not None:
            ids = {word: index for index, word in enumerate(layout.graph.words)}
            symbols = [*(ids[word] for word in words), len(ids)]
            gain += _read_all(layout.word_hotwords, layout.starts["hot"], symbols)
        return gain


def _log_prob(model: Automaton, symbols: Sequence[int], alpha: float, unknown_score: float) -> float:
    """What a model gives to a sentence of symbols, of which -1 is one that it does not know."""
    state, gain = model.start, 0.0
    for symbol in symbols:
        known = symbol if symbol >= 0 else model.unknown
        log_prob, state = model.advance(state, known) if known >= 0 else (0.0, ROOT)
        gain += alpha * log_prob + (0.0 if symbol >= 0 else unknown_score)
    return gain + (alpha * model.advance(state, model.end)[0] if model.end >= 0 else 0.0)


def _read_all(arcs: Arcs, state: int, symbols: Sequence[int]) -> float:
    """What an automaton gains on the way from a state along symbols."""
    gain = 0.0
    for symbol in symbols:
        while (place := find(arcs.keys, key(np.array([state]), np.array([symbol])))[0]) < 0 and state != ROOT:
            gain += float(arcs.backoff_scores[state])
            state = int(arcs.backoff_states[state])
        gain += float(arcs.scores[place]) if place >= 0 else 0.0
        state = int(arcs.following[place]) if place >= 0 else ROOT
    return gain
