"""Settings as text: configs turn into plain values for JSON and back, and `--set` changes one key.

Unknown keys and values of the wrong type are errors that name the key and suggest the nearest one.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from asr.errors import ConfigError, did_you_mean, readable

Config = TypeVar("Config")


def to_dict(config: Any) -> dict[str, Any]:
    """Turns a config into plain dicts, lists, strings and numbers, ready for JSON."""
    plain = json.loads(json.dumps(asdict(config)))
    assert isinstance(plain, dict)
    return plain


def from_dict(kind: type[Config], values: dict[str, Any], *, where: str = "config") -> Config:
    """Builds a config from plain values; missing keys take their defaults.

    Args:
        kind: A config class of `asr.config`.
        values: Plain values, as `to_dict` gives them.
        where: What to call `values` in messages, a file name for example.

    Raises:
        ConfigError: If a key is unknown, a value does not fit its type or range, or two values do not
            fit each other.
    """
    with _naming(where):
        return _build(kind, values)


def with_settings(recipe: Config, settings: Sequence[str]) -> Config:
    """Applies settings such as ``training.epochs=2`` to a config, then checks all its values together.

    Args:
        recipe: The config to start from; it is not changed.
        settings: ``dotted.key=value`` each, the value in JSON or a bare word; later ones win.

    Raises:
        ConfigError: If a setting has no ``=``, names an unknown key or gives a value that does not fit;
            the message begins with the settings at fault.
    """
    kind = type(recipe)
    start = to_dict(from_dict(kind, to_dict(recipe), where="recipe"))
    values = _changed(kind, start, settings)
    try:
        return _build(kind, values)
    except ConfigError as error:
        at_fault = _at_fault(kind, start, settings, str(error))
        raise ConfigError(f"{_as_given(at_fault)}: {error}") from None


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Puts where it happened in front of the message of a ConfigError."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _build(kind: type[Config], values: Any) -> Config:
    """Checks plain values and makes a config of them."""
    if not isinstance(values, dict):
        raise ConfigError(f"expected an object with keys, got {type(values).__name__}")
    _check(kind, values)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(readable(error)) from None


def _check(kind: Any, values: dict[str, Any], prefix: str = "") -> None:
    """Raises where a key or a choice is unknown (msgspec would not suggest one) or a number not finite."""
    hints = get_type_hints(kind)
    for key, value in values.items():
        if key not in hints:
            raise ConfigError(f"unknown key {prefix + key!r}{_suggestion(kind, key, prefix)}")
        if is_dataclass(hints[key]) and isinstance(value, dict):
            _check(hints[key], value, f"{prefix}{key}.")
        choices = get_args(hints[key]) if get_origin(hints[key]) is Literal else (value,)
        if value not in choices:
            known = did_you_mean(str(value), map(str, choices))
            raise ConfigError(f"{prefix}{key}: unknown value {value!r}{known}")
        numbers = value.values() if isinstance(value, dict) else value
        for number in numbers if isinstance(value, list | tuple | dict) else (value,):
            if isinstance(number, float) and not math.isfinite(number):
                raise ConfigError(f"{prefix}{key}: expected a finite number, got {number}")


def _suggestion(kind: Any, key: str, prefix: str) -> str:
    """Suggests the same key inside a group (training.epochs for epochs), else the nearest of this group."""
    for group, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and key in get_type_hints(hint):
            return f"; did you mean {f'{prefix}{group}.{key}'!r}?"
    return did_you_mean(key, get_type_hints(kind), prefix)


def _changed(kind: Any, start: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The values of `start` with all settings applied, their keys checked but not yet their values."""
    values = copy.deepcopy(start)
    for setting in settings:
        with _naming(_as_given([setting])):
            _change(kind, values, setting)
    return values


def _change(kind: Any, values: dict[str, Any], setting: str) -> None:
    """Applies one setting to `values`."""
    dotted, equals, text = (part.strip() for part in setting.partition("="))
    if not equals or not dotted:
        raise ConfigError("write it as key=value, for example training.epochs=2")
    *groups, last = dotted.split(".")
    prefix = ""
    for group in groups:
        hint = get_type_hints(kind).get(group)
        if not is_dataclass(hint):
            raise ConfigError(f"unknown key {dotted!r}{_suggestion(kind, group, prefix)}")
        kind, values, prefix = hint, values[group], f"{prefix}{group}."
    hint = get_type_hints(kind).get(last)
    if hint is None:
        raise ConfigError(f"unknown key {dotted!r}{_suggestion(kind, last, prefix)}")
    value = _read(text)
    if hint is str and not isinstance(value, str):
        value = text
    if not is_dataclass(hint):
        values[last] = value
    elif isinstance(value, dict):
        values[last] |= value
    else:
        raise ConfigError(f"{dotted}: expected an object with keys, got {json.dumps(value)}")


def _read(text: str) -> Any:
    """Reads a value: JSON, or else a bare word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _at_fault(kind: Any, start: dict[str, Any], settings: Sequence[str], complaint: str) -> Sequence[str]:
    """The settings without which this complaint would not be made; all of them where none stands out."""
    needed = []
    for place, setting in enumerate(settings):
        others = [*settings[:place], *settings[place + 1 :]]
        try:
            _build(kind, _changed(kind, start, others))
        except ConfigError as error:
            if str(error) == complaint:
                continue
        needed.append(setting)
    return needed or settings


def _as_given(settings: Sequence[str]) -> str:
    """Settings as they stand on the command line, on one line."""
    return " ".join(f"--set {' '.join(setting.split())}" for setting in settings)
