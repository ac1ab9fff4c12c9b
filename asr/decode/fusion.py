"""Fusion: what a search knows besides the emissions, such as language models, lexicons and hotwords.

With it, the total of a text is (shallow fusion; Gulcehre et al., 2015)

    ln sum over all token sequences that write it of e^(CTC + ln pronunciation probability + strange letters)
    + alpha · ln p(words, </s>)  + beta · words  + unknown_score · words that the model does not know
    + token_alpha · ln p(tokens, </s>)  + weights of the hotwords in it

and the search looks for the text whose total is greatest.

>>> model = load_language_model(Path("lm.arpa"))
>>> fusion = Fusion(units=tokenizer.units, word_model=model, alpha=0.6, beta=1.2)
>>> BeamDecoder(DecodingConfig(), len(tokenizer.vocabulary), fusion).decode(log_probs)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asr.decode.graph.word_graph import WordGraph
from asr.decode.hotwords import Hotword
from asr.decode.scorer import Scorer
from asr.errors import FusionError
from asr.lm.automaton import Automaton
from asr.text.units import Units

Vocabulary = Literal["open", "closed", "grammar"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fusion:
    """What a search knows besides the emissions.

    Attributes:
        units: What tokens write.
        graph: The words that tokens spell; for a grammar, its phrases. By default the words of the model.
        vocabulary: What may be written: `open`, any word; `closed`, words of the graph; `grammar`, one
            phrase of the graph, or nothing.
        word_model, token_model: N-gram models of words, and of tokens as they stand in `units`; a space
            may be written ``<space>``, too.
        alpha, token_alpha: Factors of their log-probabilities, at least 0.
        beta: Bonus of every word, in nats.
        unknown_score: What a word is given that the word model does not know, in nats, besides alpha
            times the log-probability of <unk>.
        unknown_letter: What each of its characters is given from the token on with which it is no longer the
            beginning of a word of the graph, at most 0. Without this, long unknown words would be as cheap
            as short ones, and words run together would be the cheapest.
        scorer: Any other model, of words or tokens, which is asked once a frame: see `asr.decode.scorer`.
        hotwords: Phrases that are given something whenever they are written.

    Raises:
        FusionError: If these do not go together.
    """

    units: Units
    graph: WordGraph | None = None
    vocabulary: Vocabulary = "open"
    word_model: Automaton | None = None
    token_model: Automaton | None = None
    alpha: float = 0.5
    token_alpha: float = 0.5
    beta: float = 1.0
    unknown_score: float = -2.0
    unknown_letter: float = -1.0
    scorer: Scorer | None = None
    hotwords: tuple[Hotword, ...] = ()

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise FusionError(problem)

    @property
    def asks_words(self) -> bool:
        """Whether the scorer is one of words."""
        return self.scorer is not None and self.scorer.reads == "words"

    @property
    def reads_words(self) -> bool:
        """Whether there is a language model of words."""
        return self.word_model is not None or self.asks_words

    def _problem(self) -> str:
        if self.vocabulary != "open" and self.graph is None:
            return f"a {self.vocabulary} vocabulary needs words to choose from: name a lexicon or phrases"
        if self.vocabulary == "grammar" and self.reads_words:
            return "a grammar and a language model of words cannot go together; leave one of them out"
        if self.vocabulary == "open" and not self.units.bounded and self.graph is not None:
            return "tokens that do not say where words end need a closed vocabulary; name a lexicon"
        if self.asks_words and self.word_model is not None:
            return "a scorer of words and a language model of words cannot go together; leave one of them out"
        if self.asks_words and self.graph is None and not self.units.bounded:
            return "tokens that do not say where words end need a list of words; name a lexicon"
        if self.unknown_letter > 0:
            return "unknown_letter must not be above 0: it is what the letters of unknown words cost"
        if min(self.alpha, self.token_alpha) < 0:
            return "alpha must not be negative: it is a factor of log-probabilities"
        return ""
