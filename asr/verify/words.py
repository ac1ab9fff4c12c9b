"""Laws of transcripts: a stream says what the recording says, and where nobody speaks nothing is written."""

from __future__ import annotations

import numpy as np

from asr.recognize.streaming import StreamingRecognizer
from asr.text.error_rate import word_errors
from asr.transcript import Transcript
from asr.verify.acoustic import Subject
from asr.verify.law import Found, Law
from asr.verify.sounds import Samples, non_speech

GAINS_DB = (0, -30, -20, -10, 10, 20, 30)
MOST_AT_ONCE = 0.6
"""Seconds that are pushed into a stream at once, at most."""


def stream_law(subject: Subject) -> Law:
    """Samples pushed in any pieces give the words and times of the whole."""
    streaming = StreamingRecognizer(subject.recognizer)

    def trial(random: np.random.Generator) -> Found:
        samples = subject.sounds.draw(random)
        session, first = streaming.start(), 0
        while first < len(samples):
            size = int(random.uniform(0, MOST_AT_ONCE) * subject.sounds.rate)
            session.push(samples[first : first + size])
            first += size
        found, expected = session.finish(), subject.recognizer.transcribe_samples(samples)
        return Found(float(_unlike(found, expected)), f"{found.text!r} for {expected.text!r}"[:120])

    return Law("live: words and times of a stream = of the recording", trial, 0, "word")


def spelling(subject: Subject, reference: Subject) -> Law:
    """How many words an engine that is not exact writes in another way; only told."""

    def trial(random: np.random.Generator) -> Found:
        samples = subject.sounds.draw(random)
        texts = [one.recognizer.transcribe_samples(samples).text for one in (subject, reference)]
        errors = word_errors(texts[1], texts[0]).errors
        return Found(float(errors), f"{texts[0]!r} for {texts[1]!r}"[:120])

    return Law(f"{subject.name} beside {reference.name}: words that differ", trial, None, "word")


def silence_law(subject: Subject) -> Law:
    """Silence, noise, hum, tones, chords and clicks of any loudness give no words."""
    gains = iter(GAINS_DB)

    def trial(random: np.random.Generator) -> Found:
        gain = next(gains, None)
        loudness = 10 ** ((random.choice(GAINS_DB) if gain is None else gain) / 20)
        sounds = non_speech(subject.sounds.rate, random)
        louder: list[Samples] = [np.clip(loudness * one, -1, 1).astype(np.float32) for one in sounds.values()]
        heard = subject.recognizer.transcribe_batch(louder)
        counts = [len(transcript.words) for transcript in heard]
        worst = int(np.argmax(counts))
        return Found(float(sum(counts)), f"{heard[worst].text[:60]!r} in {list(sounds)[worst]}")

    return Law("nobody speaks: nothing is written", trial, 0, "word")


def _unlike(found: Transcript, expected: Transcript) -> int:
    """How many words differ in text or, by more than a microsecond, in time."""
    pairs = zip(found.words, expected.words, strict=False)
    wrong = sum(
        one.text != other.text or abs(one.start - other.start) > 1e-6 or abs(one.end - other.end) > 1e-6
        for one, other in pairs
    )
    return wrong + abs(len(found.words) - len(expected.words))
