"""``asr report``: a page with what was heard, how sure that is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from asr.audio.io import AudioSource, find_recordings
from asr.cli.inputs import is_folder
from asr.cli.options import Choice, recognizer_options
from asr.data.manifest import read_manifest
from asr.errors import AudioError
from asr.files import write_atomically
from asr.progress import counter, say, track
from asr.recognize.evaluate import recognize_words
from asr.recognize.scoring import Scored, report, worst_utterances
from asr.report.entries import Illustrator
from asr.report.page import evaluation_page, recordings_page
from asr.report.pictures import Stretch


@dataclass(frozen=True, slots=True)
class Showing:
    """How much is shown, and of which channel.

    Attributes:
        title: Heads the page; empty for the name of what is shown.
        audio: Whether the sound goes into the page.
        worst: Utterances of a manifest that are shown in detail.
        channel: To listen to; None for the mean of all.
    """

    title: str
    audio: bool
    worst: int
    channel: int | None


@click.command("report")
@click.argument("files", nargs=-1, metavar="[FILES...]")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    help="Recognise the utterances of a manifest, and show what is wrong and how much.",
)
@recognizer_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    help="The page.",
)
@click.option(
    "--audio", is_flag=True, help="Put the sound into the page, so that a click on a word plays it."
)
@click.option(
    "--worst",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Utterances of the manifest with the most errors to show in detail; a table has all of them.",
)
@click.option("--title", default="", help="Heads the page. Default: the name of what is shown.")
@click.option(
    "--channel",
    type=click.IntRange(min=0),
    help="Listen to one channel of FILES, from 0 on; default: the mean.",
)
def command(
    files: tuple[str, ...], manifest: Path | None, choice: Choice, output: Path, **showing: Any
) -> int:
    """Make a page of what FILES say, recordings or folders of them, or of an evaluation with --manifest.

    The page is one HTML file that needs no network, and can be printed: the waveform and the log-mel
    features of each recording, and below them its words, coloured by how sure they are. With a manifest,
    errors stand beside what should have been said, below word error rates with their interval, as asr
    evaluate counts them. With --audio, a click on a word plays the recording from there; it makes the
    page larger by about 60 MB for an hour, and gives the voices to everybody who has the page.

    \b
    asr report talk.mp3 --model runs/an4/bundle -o talk.html --audio
    asr report --manifest data/an4/test/manifest.jsonl --model runs/an4/bundle -o an4.html
    """
    if bool(files) == (manifest is not None):
        raise click.UsageError("name recordings, or a manifest with --manifest")
    shown = Showing(**showing)
    if manifest is not None and shown.channel is not None:
        raise click.UsageError("--channel is for recordings; a manifest is heard as asr evaluate hears it")
    if manifest is None:
        return _recordings(choice, files, output, shown)
    _evaluation(choice, manifest, output, shown)
    return 0


def _recordings(choice: Choice, files: Sequence[str], output: Path, shown: Showing) -> int:
    recognizer = choice.load()
    artist = Illustrator(recognizer.bundle.features, shown.audio)
    entries, failed = [], 0
    for path in track(_unfolded(files), "transcribing", hidden=len(files) < 2):
        source = AudioSource(path)
        try:
            transcript = recognizer.transcribe(source, channel=shown.channel)
            stretch = Stretch(source, 0.0, transcript.duration, shown.channel)
            entries.append(artist.alone(str(path), transcript, stretch))
        except AudioError as error:
            say(f"error: {error}")
            failed += 1
    if not entries:
        return 1
    name = Path(files[0]).name if len(files) == 1 else f"{len(entries)} recordings"
    about = f"recognised by {recognizer.bundle.name}"
    write_atomically(output, recordings_page(shown.title or name, about, entries))
    say(f"{output}: written; open it in a browser")
    return 1 if failed else 0


def _unfolded(files: Sequence[str]) -> list[Path]:
    return [
        path for file in files for path in (find_recordings(Path(file)) if is_folder(file) else [Path(file)])
    ]


def _evaluation(choice: Choice, manifest: Path, output: Path, shown: Showing) -> None:
    recognizer = choice.load()
    utterances = read_manifest(manifest)
    with counter("recognising", len(utterances)) as advance:
        found = list(recognize_words(recognizer, utterances, advance))
    scored = [one for one, _ in found]
    places = _chosen(scored, shown.worst)
    artist = Illustrator(recognizer.bundle.features, shown.audio)
    entries = []
    for place in track(places, "drawing"):
        utterance, (one, transcript) = utterances[place], found[place]
        stretch = Stretch(utterance.audio, utterance.start, transcript.duration)
        entries.append(artist.beside(one, transcript, stretch))
    about = f"{manifest}, recognised by {recognizer.bundle.name}"
    title = shown.title or f"Errors on {manifest.parent.name or manifest.stem}"
    write_atomically(output, evaluation_page(title, about, report(scored), entries, places))
    say(f"{output}: written; open it in a browser")


def _chosen(scored: Sequence[Scored], count: int) -> list[int]:
    """The places of the worst utterances, and of others where few have errors."""
    places = {id(item): place for place, item in enumerate(scored)}
    worst = [places[id(item)] for item in worst_utterances(scored, count)]
    others = [place for place in range(len(scored)) if place not in set(worst)]
    return [*worst, *others][:count]
