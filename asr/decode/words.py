"""From tokens at emission frames to words in seconds, with confidences."""

from __future__ import annotations

from asr.decode.calibration import Calibration, word_confidence
from asr.decode.ctc import Hypothesis
from asr.text.tokenizer import Tokenizer
from asr.text.units import WordSpan
from asr.transcript import Segment, Word
from asr.window import Window


def spans(hypothesis: Hypothesis, tokenizer: Tokenizer) -> tuple[WordSpan, ...]:
    """The words of a hypothesis, and which of its tokens write each."""
    return tokenizer.words(hypothesis.tokens) if hypothesis.words is None else hypothesis.words


def to_segment(
    hypothesis: Hypothesis,
    tokenizer: Tokenizer,
    window: Window,
    sample_rate: int,
    duration: float,
    calibration: Calibration | None = None,
) -> Segment:
    """Groups the tokens of a hypothesis into words.

    Emission frame i stands for the stretch of one stride around ``window.center(i)``; a word begins
    with the first frame of its first token and ends with the last frame of its last one;
    `asr.decode.pauses` says why that is not quite when it is spoken, and mends it.

    Args:
        hypothesis: Tokens and frames of one utterance.
        tokenizer: Knows which tokens make a word.
        window: From samples to emission frames.
        sample_rate: Hz.
        duration: Of the utterance, in seconds; no word reaches beyond it.
        calibration: Of the confidences of words; None where the model has none.

    Returns:
        One segment from 0 to `duration`.
    """
    words = []
    found = spans(hypothesis, tokenizer)
    for span in found:
        log_probs = hypothesis.log_probs[span.first : span.last]
        first = window.center(hypothesis.first_frames[span.first]) - window.stride / 2
        last = window.center(hypothesis.last_frames[span.last - 1]) + window.stride / 2
        words.append(
            Word(
                text=span.text,
                start=min(max(first / sample_rate, 0.0), duration),
                end=min(max(last / sample_rate, 0.0), duration),
                confidence=word_confidence(log_probs, calibration),
            )
        )
    return Segment(tuple(words), " ".join(span.text for span in found), 0.0, duration)
