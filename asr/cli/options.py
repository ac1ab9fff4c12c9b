"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.config import DecodingConfig

if TYPE_CHECKING:
    from asr.recognize.recognizer import Recognizer

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    envvar="ASR_MODEL",
    help="Model folder, as asr train writes it (or set ASR_MODEL).",
)
device_option = click.option("--device", default="cpu", show_default=True, help="cpu, or a GPU: cuda.")
beam_option = click.option(
    "--beam-size",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Prefixes that beam search keeps; 0 takes the best path, which is faster.",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model to use, and how."""

    model: Path
    device: str
    beam_size: int

    def load(self) -> Recognizer:
        """Loads the recogniser. Raises as `asr.load` does."""
        from asr.recognize.recognizer import load

        decoding = DecodingConfig(beam_size=self.beam_size) if self.beam_size else None
        return load(self.model, device=self.device, decoding=decoding)


def recognizer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --model, --beam-size and --device to a command, which gets them as one `choice`."""

    @wraps(function)
    def command(model: Path, device: str, beam_size: int, **others: Any) -> Any:
        return function(choice=Choice(model, device, beam_size), **others)

    return model_option(beam_option(device_option(command)))
