"""Recordings of any length at constant memory: piece by piece, several pieces at once.

A recording that is not longer than a piece is transcribed as it always is, to the last bit. A longer one is
cut (`asr.audio.cutting`), and each piece is heard by itself: so features that are normalised by utterance are
normalised by piece. After a pause of `SENTENCE_PAUSE` a new segment begins, for which language models begin
anew. What follows from that:

- Every sample is heard once, or skipped and counted; pieces that overlap are joined at a seam
  (`asr.recognize.seams`). A piece that shares nothing with others and has no long pause gets the words that
  its samples get alone.
- Segments are in order and do not overlap; their times count from the beginning of the recording. Those in
  which nothing is said are left out.
- In memory are the samples and emissions of `AT_ONCE` seconds; the work is linear in the length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from asr.audio.activity import frame_levels
from asr.audio.cutting import Cutting, Piece, Samples, cut
from asr.audio.pauses import pauses
from asr.recognize.batches import emissions
from asr.recognize.seams import find_seam
from asr.transcript import Segment, Transcript

if TYPE_CHECKING:
    from asr.recognize.recognizer import Recognizer

AT_ONCE = 120.0
"""Seconds of pieces that are heard side by side, but at least one piece."""

SENTENCE_PAUSE = 0.7
"""Seconds; what is said after them is not expected to go on as a sentence would."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was recognised of a recording, after what was before.

    Attributes:
        segments: In order; times in seconds from the beginning of the recording.
        end: Seconds of the recording that are done.
        skipped: Seconds of silence that were left out, of those after the part before.
    """

    segments: tuple[Segment, ...]
    end: float
    skipped: float


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A piece as the acoustic model heard it, and what of that counts.

    Attributes:
        piece: Its samples.
        log_probs: Emissions (S, V).
        levels: Of its feature frames (T,).
        first, last: The first emission frame that counts, and the one after the last; seams move them.
    """

    piece: Piece
    log_probs: NDArray[np.float32]
    levels: NDArray[np.float64]
    first: int
    last: int


def parts(recognizer: Recognizer, blocks: Iterable[Samples], cutting: Cutting) -> Iterator[Part]:
    """Transcribes a recording as its samples come.

    Args:
        recognizer: Hears the pieces.
        blocks: The recording in blocks (n,) of any size, at the sample rate of the model.
        cutting: How to cut.

    Yields:
        One part after the other, at least one. Together they are the recording.
    """
    rate = recognizer.bundle.features.sample_rate
    pieces = cut(blocks, recognizer.bundle.features, cutting, recognizer.window.stride)
    first, second = next(pieces), next(pieces, None)
    if second is None and not first.skipped:
        transcript = recognizer.transcribe_samples(first.samples)
        yield Part(transcript.segments, transcript.duration, 0.0)
        return
    known = chain([first], [] if second is None else [second], pieces)
    waiting: list[_Heard] = []  # the last piece, whose end is known when the next one is
    for group in _groups(known, AT_ONCE * rate):
        *done, last = _joined(recognizer, [*waiting, *_hear(recognizer, group)])
        waiting = [last]
        if done:
            yield _part(recognizer, done)
    yield _part(recognizer, waiting)


def joined(found: Iterable[Part]) -> Transcript:
    """The transcript of a recording, or of its beginning, from its parts."""
    known = list(found)
    segments = tuple(chain.from_iterable(part.segments for part in known))
    return Transcript(segments, known[-1].end if known else 0.0)


def _groups(pieces: Iterable[Piece], most: float) -> Iterator[list[Piece]]:
    """Pieces that are heard side by side: no more than so many samples, but at least one piece."""
    group: list[Piece] = []
    samples = 0
    for piece in pieces:
        if group and samples + len(piece.samples) > most:
            yield group
            group, samples = [], 0
        group.append(piece)
        samples += len(piece.samples)
    yield group


def _hear(recognizer: Recognizer, pieces: Sequence[Piece]) -> list[_Heard]:
    features = [recognizer.features(piece.samples) for piece in pieces]
    found = dict(emissions(recognizer.engine, features))
    return [
        _Heard(piece, found[index], frame_levels(features[index]), 0, len(found[index]))
        for index, piece in enumerate(pieces)
    ]


def _joined(recognizer: Recognizer, known: list[_Heard]) -> list[_Heard]:
    """Neighbours, with seams between those that overlap."""
    for index, (left, right) in enumerate(pairwise(known)):
        if right.piece.shared:
            left = known[index]  # which the seam before may have changed
            begin = (right.piece.start - left.piece.start) // recognizer.window.stride
            shared = len(left.log_probs) - begin
            seam = find_seam(left.log_probs, right.log_probs, shared, recognizer.bundle.tokenizer)
            known[index] = replace(left, last=begin + seam)
            known[index + 1] = replace(right, first=seam)
    return known


def _part(recognizer: Recognizer, known: Sequence[_Heard]) -> Part:
    rate = recognizer.bundle.features.sample_rate
    segments = [_segment(recognizer, one) for heard in known for one in _sentences(recognizer, heard)]
    skipped = sum(heard.piece.skipped for heard in known) / rate
    said = tuple(segment for segment in segments if segment.text)
    return Part(said, _edges(recognizer, known[-1])[1] / rate, skipped)


def _sentences(recognizer: Recognizer, heard: _Heard) -> list[_Heard]:
    """What counts of a piece, divided in the middle of long pauses."""
    config, stride = recognizer.bundle.features, recognizer.engine.window.stride
    least = SENTENCE_PAUSE * config.sample_rate / config.hop
    found = pauses(heard.levels, config)
    lasting = found[found[:, 1] - found[:, 0] >= least]
    middles = [
        middle for middle in (lasting.sum(1) // 2 // stride).tolist() if heard.first < middle < heard.last
    ]
    return [
        replace(heard, first=first, last=last)
        for first, last in pairwise([heard.first, *middles, heard.last])
    ]


def _segment(recognizer: Recognizer, heard: _Heard) -> Segment:
    """What is said in a part of a piece."""
    rate, per_emission = recognizer.bundle.features.sample_rate, recognizer.engine.window.stride
    start, end = _edges(recognizer, heard)
    (found, *_) = recognizer.decode(heard.log_probs[heard.first : heard.last])
    ending = heard.last * per_emission if heard.last < len(heard.log_probs) else len(heard.levels)
    levels = heard.levels[heard.first * per_emission : ending]
    segment = recognizer.segment(found, levels, (end - start) / rate).later(start / rate)
    return replace(segment, end=end / rate)


def _edges(recognizer: Recognizer, heard: _Heard) -> tuple[int, int]:
    """The first sample of what counts of a piece, and the one after its last."""
    start, stride = heard.piece.start, recognizer.window.stride
    whole = heard.last == len(heard.log_probs)
    return start + heard.first * stride, heard.piece.end if whole else start + heard.last * stride
