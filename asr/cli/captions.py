"""What commands that listen have in common: options for endpoints, captions, and how long things took."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.cells import cell_len

if TYPE_CHECKING:
    from asr.cli.options import Choice
    from asr.recognize.endpoint import Endpointing
    from asr.recognize.stream_input import Samples
    from asr.recognize.streaming import StreamingRecognizer, StreamingSession

_ENDPOINT_OPTIONS = (
    click.option(
        "--endpoints/--no-endpoints",
        default=True,
        show_default=True,
        help="Cut the stream into segments where nobody speaks, or hear it as one recording.",
    ),
    click.option(
        "--nothing-heard",
        type=float,
        default=2.4,
        show_default=True,
        help="A segment ends after so many seconds in which nobody spoke.",
    ),
    click.option(
        "--after-words",
        type=float,
        default=1.2,
        show_default=True,
        help="It ends after so many seconds of silence after words.",
    ),
    click.option(
        "--longest",
        type=float,
        default=20.0,
        show_default=True,
        help="It ends after so many seconds, at the longest pause of its last quarter.",
    ),
)


final_model_option = click.option(
    "--final-model",
    type=click.Path(path_type=Path),
    help="A second model, perhaps a bidirectional one, that reads every segment again when it is finished.",
)


@dataclass(frozen=True, slots=True)
class Ends:
    """When segments end, if they do, and which model reads them again."""

    endpointing: Endpointing | None
    final_model: Path | None

    def streaming(self, choice: Choice) -> StreamingRecognizer:
        """Loads what listens. Raises as `asr.load` and StreamingRecognizer do."""
        from asr.recognize.recognizer import load
        from asr.recognize.streaming import StreamingRecognizer

        final = load(self.final_model, device=choice.device) if self.final_model else None
        return StreamingRecognizer(choice.load(), endpointing=self.endpointing, final=final)


def endpoint_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds options for the ends of segments to a command, which gets them as one `ends`."""

    @wraps(function)
    def command(
        endpoints: bool, nothing_heard: float, after_words: float, longest: float, **others: Any
    ) -> Any:
        from asr.recognize.endpoint import Endpointing

        endpointing = Endpointing(nothing_heard, after_words, longest) if endpoints else None
        return function(ends=Ends(endpointing, others.pop("final_model")), **others)

    for option in reversed((*_ENDPOINT_OPTIONS, final_model_option)):
        command = option(command)
    return command


class Captions:
    """The last words as one line on a terminal that is written again and again; elsewhere, nothing."""

    def __init__(self) -> None:
        self._shown = ""
        self.live = sys.stderr.isatty()

    def show(self, session: StreamingSession, before: str = "") -> None:
        """Shows the end of what was said, after some text that stays where it is."""
        if not self.live:
            return
        words = session.stable + session.tail
        room = shutil.get_terminal_size().columns - 1 - cell_len(before)
        line = before + _last(printable(words), room)
        if line != self._shown:
            self._write(line)

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._write("")

    def _write(self, line: str) -> None:
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
        self._shown = line


class Timings:
    """How long blocks of a stream take to be heard."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def push(self, session: StreamingSession, samples: Samples) -> None:
        """Pushes samples, and takes the time."""
        begin = time.perf_counter()
        session.push(samples)
        self._seconds.append(time.perf_counter() - begin)

    def say(self, session: StreamingSession, block: float) -> None:
        """Says what was measured, and what the model waits for.

        Args:
            session: The stream.
            block: Seconds that were pushed at a time.
        """
        from asr.progress import say

        if self._seconds:
            middle, most = _quantile(self._seconds, 0.5), _quantile(self._seconds, 0.95)
            say(f"{1000 * block:.0f} ms of sound took {1000 * middle:.1f} ms, p95 {1000 * most:.1f} ms")
        say(f"words come after {session.latency} at the earliest")


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(round(share * len(ordered)), len(ordered) - 1)]


def printable(text: str) -> str:
    """A text without characters that would steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _last(text: str, room: int) -> str:
    """The end of a text, as much of it as there is room for."""
    while text and cell_len(text) > room:
        text = text[max(1, len(text) - room) :] if len(text) > room else text[1:]
    return text
