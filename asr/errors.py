"""Errors that a person can mend: one line each, naming the file and the remedy.

The command line prints the text of these and exits with status 2; anything else that is raised is a
defect of the toolkit and keeps its traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches


class AsrError(Exception):
    """Something the user can mend. The message is one line: what is wrong, where, and what to do.

    Attributes:
        status: The exit status of the command line.
    """

    status = 2


class AudioError(AsrError):
    """A recording is missing, empty, truncated, not audio, or holds values that are not numbers."""


class ManifestError(AsrError):
    """A manifest, or a line of one, cannot be used."""


class TextError(AsrError):
    """A text cannot be written in the vocabulary at hand."""


class EmissionError(AsrError):
    """What should be natural-log probabilities is something else."""


class FusionError(AsrError):
    """A language model, lexicon, grammar and tokens do not go together."""


class StreamError(AsrError):
    """A model cannot listen to a stream, or a stream cannot be gone on with."""


class ConfigError(AsrError):
    """A recipe has an unknown key or a value that does not fit."""


class BundleError(AsrError):
    """A model folder is damaged, foreign, or written by a newer version."""


class LanguageModelError(AsrError):
    """A language model is damaged or does not fit, or none can be made of a text."""


class HotwordError(AsrError):
    """A hotword, or a line of a list of hotwords, cannot be used."""


class LexiconError(AsrError):
    """A lexicon, or a line of one, cannot be used."""


class RunError(AsrError):
    """A training run cannot start, continue or be written."""


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Suggests the nearest known name: ``"; did you mean 'hidden'?"``, or lists all of them.

    Args:
        name: The unknown name.
        known: The names there are.
        prefix: What stands before a name where it is written in full, such as ``model.``.
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {prefix + near[0]!r}?" if near else f"; known: {', '.join(names)}"


def readable(error: Exception) -> str:
    """Says what a validation of msgspec found, key first: ``"model.layers: expected int, got str"``."""
    text, _, place = str(error).partition(" - at `$")
    text = text[:1].lower() + re.sub(r"`(\w+)`", r"\1", text[1:])
    text = text.replace("object missing required field ", "missing key ").replace("array", "list")
    if text.startswith("expected list, got"):
        text += '; write a list such as ["a", "b"]'
    key = place.rstrip("`").lstrip(".")
    return f"{key}: {text}" if key else text
