"""Looks for mistakes in a manifest before hours are spent on training with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.audio.io import load_audio, probe
from asr.config import FeatureConfig, TokenizerConfig
from asr.data.dataset import feature_frames
from asr.data.manifest import Utterance, numbered_lines, parse_line
from asr.errors import AsrError, ManifestError, TextError
from asr.model.lengths import required_frames
from asr.text.normalize import normalize
from asr.text.tokenizer import Tokenizer, tokenizer_from_texts, unwritable
from asr.window import Window

DURATION_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in one line of a manifest."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a manifest holds, and what is wrong with it.

    Attributes:
        durations: Seconds of each utterance that could be read as a line (N,).
        speakers: Number of distinct speakers.
        units: How often each unit (character or word) of the normalised texts occurs.
        problems: Mistakes in order of lines.
    """

    durations: tuple[float, ...]
    speakers: int
    units: tuple[tuple[str, int], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the manifest is going to be used with.

    Attributes:
        features, tokenizer: Of the recipe.
        window: From feature frames to emission frames of its model.
        known: The vocabulary, where it exists already; else it is derived from the texts.
        decode: Whether to decode every recording, not only to read its header.
        fastest: Highest speed of the augmentation; it leaves the fewest frames.
    """

    features: FeatureConfig
    tokenizer: TokenizerConfig
    window: Window
    known: Tokenizer | None = None
    decode: bool = False
    fastest: float = 1.0


def check_manifest(
    path: Path, expected: Expectation, progress: Callable[[int], None] = lambda count: None
) -> Findings:
    """Reads every line and every recording's header, and reports all mistakes with their lines.

    Found are: lines that are no utterance, empty texts, texts the vocabulary cannot write, recordings
    that are missing or unreadable, durations that disagree with the recording, ids and recordings
    that occur twice, and utterances too short for CTC to write their text.

    Raises:
        ManifestError: If the file itself cannot be read.
    """
    problems: list[Problem] = []
    entries: list[tuple[int, Utterance]] = []
    for number, line in numbered_lines(path):
        try:
            entries.append((number, parse_line(path, number, line)))
        except AsrError as error:
            problems.append(Problem(number, str(error).removeprefix(f"{path}, line {number}: ")))
    if not entries and not problems:
        raise ManifestError(f"{path}: the manifest is empty; write one JSON object per line")
    texts = [normalize(utterance.text, expected.tokenizer.normalizer) for _, utterance in entries]
    writable = [text for text in texts if text and not unwritable(expected.tokenizer, text)]
    own = tokenizer_from_texts(expected.tokenizer, writable) if writable else None
    tokenizer = expected.known or own
    for (number, utterance), text in zip(entries, texts, strict=True):
        problems += [
            Problem(number, problem) for problem in _text_problems(utterance, text, tokenizer, expected)
        ]
        problems += [Problem(number, problem) for problem in _audio_problems(utterance, expected)]
        progress(1)
    problems += _duplicates(entries)
    units = Counter(own.vocabulary[token] for text in writable for token in own.encode(text)) if own else {}
    return Findings(
        durations=tuple(utterance.duration for _, utterance in entries),
        speakers=len({utterance.speaker for _, utterance in entries if utterance.speaker}),
        units=tuple(sorted(units.items())),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
    )


def _text_problems(
    utterance: Utterance, text: str, tokenizer: Tokenizer | None, expected: Expectation
) -> list[str]:
    if reason := unwritable(expected.tokenizer, text):
        return [reason]
    if not text or tokenizer is None:
        return ["the text is empty; write it, or remove the line"]
    try:
        tokens = np.array(tokenizer.encode(text))
    except TextError as error:
        return [str(error)]
    durations = np.array([utterance.duration / expected.fastest])
    frames = int(expected.window.output_length(feature_frames(durations, expected.features))[0])
    needed = required_frames(tokens)
    if frames >= needed:
        return []
    repeats = needed - len(tokens)
    at = f" at speed {expected.fastest:g}" if expected.fastest != 1 else ""
    return [
        f"CTC cannot align it: {frames} emission frames{at} for {len(tokens)} tokens and {repeats} repeats; "
        "check the text, lower the subsampling, or remove the line"
    ]


def _audio_problems(utterance: Utterance, expected: Expectation) -> list[str]:
    try:
        duration = probe(utterance.audio).duration
        if expected.decode:
            load_audio(utterance.audio, start=utterance.start, duration=utterance.duration)
    except AsrError as error:
        return [str(error)]
    if utterance.start + utterance.duration > duration + DURATION_TOLERANCE:
        end = utterance.start + utterance.duration
        return [
            f"{utterance.audio}: ends at {duration:.2f} s, the line says {end:.2f} s; "
            "correct duration or offset"
        ]
    if not utterance.start and utterance.duration < duration - DURATION_TOLERANCE:
        return [
            f"{utterance.audio}: lasts {duration:.2f} s, the line says {utterance.duration:.2f} s; correct it"
        ]
    return []


def _duplicates(entries: Sequence[tuple[int, Utterance]]) -> list[Problem]:
    """Ids, and stretches of recordings, that an earlier line has already."""
    problems = []
    ids: dict[str, int] = {}
    stretches: dict[tuple[str, float], int] = {}
    for number, utterance in entries:
        stretch = (str(utterance.audio), utterance.start)
        if utterance.id in ids:
            problems.append(
                Problem(number, f"id {utterance.id!r} stands in line {ids[utterance.id]} already")
            )
        elif stretch in stretches:
            problems.append(Problem(number, f"{utterance.audio} stands in line {stretches[stretch]} already"))
        ids.setdefault(utterance.id, number)
        stretches.setdefault(stretch, number)
    return problems
