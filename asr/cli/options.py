"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.config import DecodingConfig
from asr.models import OFFLINE, STREAMING, shipped
from asr.recognize.engines import AUTO, ENGINES, Chunks
from asr.recognize.language import SOUND_ALONE, Language

if TYPE_CHECKING:
    from asr.recognize.recognizer import Recognizer

NO_MODEL = "none"
_NUMBERS = ("alpha", "beta", "unknown_score", "unknown_letter", "token_alpha", "closed")
_FILES = ("token_lm", "lexicon", "hotwords", "grammar")

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    envvar="ASR_MODEL",
    help="Model folder, as asr train writes it (or set ASR_MODEL).",
)


def shipped_model_option(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same, but where nobody names a folder it is one that comes with the package."""
    return click.option(
        "--model",
        type=click.Path(path_type=Path),
        envvar="ASR_MODEL",
        callback=lambda _context, _parameter, path: shipped(name) if path is None else path,
        help=f"Model folder, as asr train writes it (or set ASR_MODEL). Default: {name}, if it is installed.",
    )


device_option = click.option("--device", default="cpu", show_default=True, help="cpu, or a GPU: cuda.")
engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=AUTO,
    show_default=True,
    help="What computes: onnx, which asr export prepares and which needs no torch; onnx-int8, faster and not "
    "quite the same; torch; auto: the first of these that the model folder has graphs for, else torch.",
)
decoding_options = (
    click.option(
        "--beam-size",
        type=click.IntRange(min=0),
        help="Prefixes that beam search keeps; 0 takes the best path and listens to the sound alone, which "
        "is faster. Default: 100 where there is a language model, hotwords or the like, else 0.",
    ),
    click.option(
        "--lm",
        help="Language model of words (.arpa, .arpa.gz or .lm; see asr lm build). Default: the one that the "
        "model folder carries, if it does; none: not that one either.",
    ),
    click.option(
        "--alpha",
        type=click.FloatRange(min=0),
        help="Factor of its log-probabilities; asr lm tune finds it. Default: 0.5, or as the model folder "
        "says.",
    ),
    click.option(
        "--beta",
        type=float,
        help="Bonus of every word, in nats: larger means more and shorter words. Default: 1, or as the model "
        "folder says.",
    ),
    click.option(
        "--unknown-score",
        type=float,
        help="What a word is given that the language model does not know, in nats. Default: -2, or as the "
        "model folder says.",
    ),
    click.option(
        "--unknown-letter",
        type=click.FloatRange(max=0),
        help="What it is given for each of its characters, at most 0. Default: -1, or as the model folder "
        "says.",
    ),
    click.option(
        "--closed/--open",
        default=None,
        help="Write only words that the language model knows, or others too. Default: --open.",
    ),
    click.option("--token-lm", help="Language model of tokens; asr lm build --characters makes one."),
    click.option(
        "--token-alpha", type=click.FloatRange(min=0), help="Factor of its log-probabilities. Default: 0.5."
    ),
    click.option(
        "--lexicon", help="Write only words of this list: lines 'word token token …', as often as you like."
    ),
    click.option(
        "--hotwords", help="Phrases to expect, one a line; after a tab, how much each counts (5 nats)."
    ),
    click.option("--grammar", help="Write only what is in this list of phrases, one a line, or nothing."),
)


chunk_options = (
    click.option(
        "--chunk",
        type=click.FloatRange(min=0, min_open=True, max=60),
        help="Seconds that a bidirectional model reads at once, so that it can listen to a stream. Default: "
        "the whole recording.",
    ),
    click.option(
        "--right-context",
        type=click.FloatRange(min=0, max=60),
        help="Seconds that it reads with them of what follows. Default: half of --chunk.",
    ),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model to use, and how; a beam size of None leaves it to what is known of the language."""

    model: Path
    engine: str
    device: str
    beam_size: int | None
    language: Language
    chunks: Chunks | None = None

    def load(self, *, search: bool = False) -> Recognizer:
        """Loads the recogniser. Raises as `asr.load` does.

        Args:
            search: Whether the best path alone will not do.
        """
        from asr.recognize.recognizer import load

        language, decoding = self.language, None
        if self.beam_size == 0:
            if search or not language.empty:
                raise click.UsageError(
                    "--beam-size 0 takes the best path and listens to the sound alone; leave it out"
                )
            language = SOUND_ALONE
        elif self.beam_size is not None:
            decoding = DecodingConfig(beam_size=self.beam_size)
        elif search:
            decoding = DecodingConfig()
        return load(
            self.model,
            engine=self.engine,
            device=self.device,
            decoding=decoding,
            language=language,
            chunks=self.chunks,
        )


def recognizer_options(function: Callable[..., Any], model_name: str = OFFLINE) -> Callable[..., Any]:
    """Adds options for the model and the decoding to a command, which gets them as one `choice`."""

    @wraps(function)
    def command(
        model: Path, engine: str, device: str, beam_size: int | None, lm: str | None, **others: Any
    ) -> Any:
        given = {name: others.pop(name) for name in _NUMBERS + _FILES}
        language = Language(lm=None if lm == NO_MODEL else lm, carried=lm != NO_MODEL, **given)
        chunks = _chunks(others.pop("chunk"), others.pop("right_context"))
        return function(choice=Choice(model, engine, device, beam_size, language, chunks), **others)

    model_choice = shipped_model_option(model_name)
    for option in reversed((model_choice, *decoding_options, *chunk_options, engine_option, device_option)):
        command = option(command)
    return command


def streaming_recognizer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for commands that listen to streams."""
    return recognizer_options(function, STREAMING)


def _chunks(seconds: float | None, right_context: float | None) -> Chunks | None:
    if seconds is None:
        if right_context is not None:
            raise click.UsageError("--right-context without --chunk: say how much is read at once, too")
        return None
    return Chunks(seconds, seconds / 2 if right_context is None else right_context)
