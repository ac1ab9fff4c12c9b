"""All laws, one after the other, within the time that there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from asr.audio.io import AudioSource, load_audio, probe
from asr.bundle import Bundle, load_bundle
from asr.graphs import ONNX, ONNX_INT8
from asr.recognize.engines import TORCH, read_model
from asr.recognize.recognizer import load
from asr.verify.acoustic import Subject, acoustic_laws, agreement
from asr.verify.files import verify_files, verify_graphs
from asr.verify.law import Law, Verdict, examine
from asr.verify.sounds import Sounds
from asr.verify.words import silence_law, spelling, stream_law

LONGEST_RECORDING = 60.0
"""Seconds of a recording that are used."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try.

    Attributes:
        seconds: In all, about; every law is tried once at least.
        recordings: Of the user; sounds are made as well.
        seed: Of chance.
    """

    seconds: float = 20.0
    recordings: Sequence[Path] = ()
    seed: int = 0


def verify(folder: Path, effort: Effort) -> Iterator[Verdict]:
    """Tries all laws that apply to a model.

    Args:
        folder: The model.
        effort: How hard to try.

    Yields:
        A verdict for each law, as soon as it is known. Where files are damaged, nothing else is tried.

    Raises:
        AudioError: If a recording cannot be read.
        BundleError: If there is no model, or nothing here can run it.
    """
    sources = [AudioSource(path) for path in effort.recordings]
    lengths = [min(probe(source).duration, LONGEST_RECORDING) for source in sources]
    if not (folder / "model.json").exists():
        load_bundle(folder)
    files = verify_files(folder)
    yield files
    if files.state == "broken":
        return
    bundle = load_bundle(folder)
    rate = bundle.features.sample_rate
    recordings = [
        load_audio(source, sample_rate=rate, duration=length)
        for source, length in zip(sources, lengths, strict=True)
    ]
    yield verify_graphs(bundle)
    subjects = _subjects(folder, bundle, Sounds(rate, recordings))
    if not subjects:
        read_model(folder)
    laws, skipped = _laws(subjects)
    for law in laws:
        yield examine(law, effort.seconds / len(laws), effort.seed)
    yield from skipped


def _subjects(folder: Path, bundle: Bundle, sounds: Sounds) -> dict[str, Subject]:
    """The model on each engine that can run it here, with the language that it carries, as users have it."""
    engines = list(bundle.graphs.engines)
    if bundle.weights and find_spec("torch") is not None:
        engines.insert(0, TORCH)
    return {name: Subject(name, load(folder, engine=name), sounds) for name in engines}


def _laws(subjects: dict[str, Subject]) -> tuple[list[Law], list[Verdict]]:
    """What can be tried, and what cannot, and why."""
    exact = [one for name, one in subjects.items() if name != ONNX_INT8]
    laws = [law for one in subjects.values() for law in acoustic_laws(one)]
    skipped: list[Verdict] = []
    if TORCH in subjects and ONNX in subjects:
        laws.append(agreement(subjects[ONNX], subjects[TORCH]))
    else:
        lacking = "has no graphs (asr export makes them)" if ONNX not in subjects else "cannot run torch here"
        skipped.append(Verdict(f"{ONNX} = {TORCH}", "skipped", f"the model {lacking}"))
    if not exact:
        text = "the model has graphs of 8 bits alone, which are not exact in streams"
        skipped.append(Verdict("live", "skipped", text))
        return [*laws, *map(silence_law, subjects.values())], skipped
    first = exact[-1]  # ONNX where there is one, as users have it
    if ONNX_INT8 in subjects:
        laws += [agreement(subjects[ONNX_INT8], first, exact=False), spelling(subjects[ONNX_INT8], first)]
    if _streams(first):
        laws.append(stream_law(first))
    else:
        text = "a bidirectional model, or one that is normalised by utterance, hears no streams"
        skipped.append(Verdict("live", "skipped", text))
    return [*laws, silence_law(first)], skipped


def _streams(subject: Subject) -> bool:
    return subject.engine.streams and not subject.recognizer.bundle.features.by_itself
