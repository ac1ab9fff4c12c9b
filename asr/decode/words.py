"""From tokens at emission frames to words in seconds, with confidences."""

from __future__ import annotations

import math

from asr.decode.ctc import Hypothesis
from asr.text.tokenizer import Tokenizer
from asr.transcript import Segment, Word
from asr.window import Window


def to_segment(
    hypothesis: Hypothesis, tokenizer: Tokenizer, window: Window, sample_rate: int, duration: float
) -> Segment:
    """Groups the tokens of a hypothesis into words.

    Emission frame i stands for the stretch of one stride around ``window.center(i)``; a word begins
    with the first frame of its first token and ends with the last frame of its last one. Its
    confidence is the geometric mean of its tokens' posteriors, each at the token's best frame.

    Args:
        hypothesis: Tokens and frames of one utterance.
        tokenizer: Knows which tokens make a word.
        window: From samples to emission frames.
        sample_rate: Hz.
        duration: Of the utterance, in seconds; no word reaches beyond it.

    Returns:
        One segment from 0 to `duration`.
    """
    words = []
    for span in tokenizer.words(hypothesis.tokens):
        log_probs = hypothesis.log_probs[span.first : span.last]
        first = window.center(hypothesis.first_frames[span.first]) - window.stride / 2
        last = window.center(hypothesis.last_frames[span.last - 1]) + window.stride / 2
        words.append(
            Word(
                text=span.text,
                start=min(max(first / sample_rate, 0.0), duration),
                end=min(max(last / sample_rate, 0.0), duration),
                confidence=math.exp(sum(log_probs) / len(log_probs)),
            )
        )
    return Segment(tuple(words), tokenizer.decode(hypothesis.tokens), 0.0, duration)
