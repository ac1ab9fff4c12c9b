"""``asr align``: find when the words of a known text are spoken."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

import click

from asr.audio.io import load_audio
from asr.audio.source import SUFFIXES, one_line
from asr.cli.options import device_option, engine_option, model_option
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AudioError, ManifestError, TextError
from asr.files import write_atomically
from asr.progress import counter, say, warn
from asr.recognize.align import AlignedText, align_recording, align_samples
from asr.recognize.formats import ALIGNED_FORMATS
from asr.recognize.language import SOUND_ALONE
from asr.recognize.recognizer import Recognizer, load

AT_ONCE = 64
"""Utterances of a manifest that are in memory together."""
NAMED = 10
"""Badly matching words that are named for each recording."""


@click.command("align")
@click.argument("pair", nargs=-1, metavar="[AUDIO TEXT]")
@click.option(
    "--manifest", type=click.Path(path_type=Path), help="Align all utterances of a manifest; needs -o."
)
@model_option
@click.option(
    "-f",
    "--output-format",
    type=click.Choice([*ALIGNED_FORMATS, "all"], case_sensitive=False),
    default="TextGrid",
    show_default=True,
    help="TextGrid: for Praat; json: words and tokens with times and matches; srt: subtitles; all: with -o.",
)
@click.option(
    "-o",
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one file per recording here, not to stdout.",
)
@engine_option
@device_option
def command(
    pair: tuple[str, ...],
    manifest: Path | None,
    model: Path,
    output_format: str,
    output_dir: Path | None,
    **computing: Any,
) -> int:
    """Find when the words of a text are spoken: AUDIO is a recording, TEXT a text file, or - for stdin.

    Results go to stdout, everything else to stderr: so do the words that the model does not hear where
    they should be. With --manifest, utterances that cannot be aligned are reported, the others are
    still aligned, and the exit status is 1.

    \b
    asr align talk.mp3 talk.txt --model runs/an4/bundle -f srt > talk.srt
    asr align --manifest data/an4/test/manifest.jsonl --model runs/an4/bundle -o aligned/
    """
    if (len(pair) != 2) if manifest is None else pair:
        raise click.UsageError("name one recording and its text file, or a manifest with --manifest")
    if output_dir is None and (manifest is not None or output_format == "all"):
        raise click.UsageError("several files would be written: name a folder with -o")
    extensions = list(ALIGNED_FORMATS) if output_format == "all" else [output_format]
    if manifest is not None:
        assert output_dir is not None
        return _align_manifest(
            manifest, load(model, language=SOUND_ALONE, **computing), extensions, output_dir
        )
    audio, text = pair
    content = _read_text(text)
    try:
        aligned = align_recording(load(model, language=SOUND_ALONE, **computing), audio, content)
    except TextError as error:
        raise TextError(f"{_shown(audio)}, {_shown(text)}: {error}") from None
    _deliver(aligned, audio, extensions, output_dir and output_dir / Path(audio).stem)
    return 0


def _read_text(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise TextError(f"{_shown(name)}: no such text file; check the path") from None
    except OSError as error:
        raise TextError(f"{_shown(name)}: cannot be read: {error.strerror}; name a text file") from None
    except UnicodeDecodeError as error:
        raise TextError(f"{_shown(name)}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if not text.strip():
        raise TextError(f"{_shown(name)}: the text is empty; write what is said in the recording")
    return text


def _shown(name: str) -> str:
    return "standard input" if name == "-" else one_line(name)


def _align_manifest(path: Path, recognizer: Recognizer, extensions: Sequence[str], folder: Path) -> int:
    utterances = read_manifest(path)
    names = _file_names(path, utterances)
    failed = 0
    with counter("aligning", len(utterances)) as advance:
        for utterance, aligned in _aligned(recognizer, utterances):
            if isinstance(aligned, AlignedText):
                _deliver(
                    aligned, str(utterance.audio), extensions, folder / names[utterance.id], utterance.id
                )
            else:
                say(f"error: {aligned}")
                failed += 1
            advance(1)
    if failed:
        say(f"{failed} of {len(utterances)} utterances could not be aligned")
    return 1 if failed else 0


def _aligned(
    recognizer: Recognizer, utterances: Sequence[Utterance]
) -> Iterator[tuple[Utterance, AlignedText | AudioError | TextError]]:
    """Aligns utterances; each comes with its alignment or with what is wrong with it."""
    rate = recognizer.bundle.features.sample_rate
    for first in range(0, len(utterances), AT_ONCE):
        heard, recordings = [], []
        for utterance in utterances[first : first + AT_ONCE]:
            start, duration = utterance.start, utterance.duration
            try:
                recordings.append(
                    load_audio(utterance.audio, sample_rate=rate, start=start, duration=duration)
                )
                heard.append(utterance)
            except AudioError as error:
                yield utterance, error
        results = align_samples(recognizer, recordings, [utterance.text for utterance in heard])
        for utterance, result in zip(heard, results, strict=True):
            if isinstance(result, TextError):
                result = TextError(f"utterance {one_line(utterance.id)}: {result}")
            yield utterance, result


def _file_names(manifest: Path, utterances: Sequence[Utterance]) -> dict[str, PurePath]:
    """For each id a path below the output folder, without extension.

    Raises:
        ManifestError: If two utterances would be written to the same file.
    """
    names: dict[str, PurePath] = {}
    taken: set[PurePath] = set()
    for utterance in utterances:
        printable = "".join(sign if sign.isprintable() else "_" for sign in utterance.id)
        inside = [part for part in PurePath(printable).parts if part not in ("/", "..")]
        name = PurePath(*inside or ["_"])
        if name.suffix.lower() in SUFFIXES:
            name = name.with_suffix("")
        if name in taken:
            raise ManifestError(
                f"{manifest}: two utterances would be written to {name}; change the id of one"
            )
        taken.add(name)
        names[utterance.id] = name
    return names


def _deliver(
    aligned: AlignedText, audio: str, extensions: Sequence[str], target: PurePath | None, name: str = ""
) -> None:
    """Writes files or to stdout, and names the words that match badly; `target` has no extension yet."""
    for extension in extensions:
        content = ALIGNED_FORMATS[extension](aligned, audio)
        if target is None:
            click.echo(content, nl=False)
        else:
            write_atomically(Path(f"{target}.{extension}"), content)
    if doubtful := aligned.doubtful:
        listed = ", ".join(f"{word.text} at {word.start:.2f} s" for word in doubtful[:NAMED])
        more = f" and {len(doubtful) - NAMED} more" if len(doubtful) > NAMED else ""
        words = f"{len(doubtful)} of {len(aligned.transcript.words)} words match badly"
        warn(f"{_shown(name or audio)}: {words}: {listed}{more}")
