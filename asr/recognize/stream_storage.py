"""Streams as bytes: values and arrays in the safetensors format; nothing is executed when it is read.

A value is a dataclass of numbers, texts, arrays, tuples, lists and other such dataclasses. Its arrays become
the arrays of the file; all else is JSON under one name in its metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from asr.errors import StreamError

Value = TypeVar("Value")
Arrays = dict[str, np.ndarray[Any, Any]]
NAME = "stream"
_DAMAGED = "a stored stream is damaged; start it anew"


def pack(value: object, identity: Mapping[str, str]) -> bytes:
    """Turns a value into bytes.

    Args:
        value: The value.
        identity: What it belongs to, by name.
    """
    arrays: Arrays = {}
    plain = json.dumps(_plain(value, arrays))
    content = {"identity": dict(identity), "value": plain, "sha256": _digest(plain, arrays)}
    return save(arrays, metadata={NAME: json.dumps(content)})


def unpack(kind: type[Value], data: bytes, identity: Mapping[str, str]) -> Value:
    """The value of a kind that `pack` was given.

    Raises:
        StreamError: If these bytes are something else, damaged, or of another identity.
    """
    try:
        content = json.loads(_metadata(data)[NAME])
        arrays = load(data)
        plain, known = content["value"], content["identity"]
        if content["sha256"] != _digest(plain, arrays):
            raise StreamError(_DAMAGED)
        for name, expected in identity.items():
            if known.get(name) != expected:
                raise StreamError(
                    f"a stored stream has another {name} ({known.get(name)}, here {expected}); "
                    "go on with it where it came from, or start it anew"
                )
        value: Value = _value(kind, json.loads(plain), arrays)
    except (AttributeError, KeyError, TypeError, ValueError, SafetensorError):
        raise StreamError(_DAMAGED) from None
    return value


def _metadata(data: bytes) -> dict[str, str]:
    """What a file of safetensors says besides its arrays; its header is JSON after 8 bytes of length."""
    length = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + length])["__metadata__"])


def _digest(plain: str, arrays: Arrays) -> str:
    digest = sha256(plain.encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _plain(value: Any, arrays: Arrays) -> Any:
    """What of a value is no array; arrays are replaced by their names."""
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = np.ascontiguousarray(value)
        return name
    if is_dataclass(value):
        parts = {field.name: _plain(getattr(value, field.name), arrays) for field in fields(value)}
        return {"kind": type(value).__name__, "parts": parts}
    if isinstance(value, tuple | list):
        return [_plain(item, arrays) for item in value]
    assert value is None or isinstance(value, bool | int | float | str), value
    return value


def _value(hint: Any, plain: Any, arrays: Arrays) -> Any:
    """The value of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _value(_chosen(arguments, plain), plain, arrays)
    if origin is np.ndarray:
        array = arrays[plain]
        if array.dtype != get_args(arguments[1])[0]:
            raise ValueError(f"{array.dtype} instead of {arguments[1]}")
        return array
    if is_dataclass(hint):
        assert isinstance(hint, type)
        hints = get_type_hints(hint)
        return hint(**{name: _value(hints[name], part, arrays) for name, part in plain["parts"].items()})
    if origin is list:
        return [_value(arguments[0], item, arrays) for item in plain]
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuple(_value(arguments[0], item, arrays) for item in plain)
    if origin is tuple:
        return tuple(_value(part, item, arrays) for part, item in zip(arguments, plain, strict=True))
    if not isinstance(plain, (int, float) if hint is float else hint):
        raise TypeError(f"{plain!r} instead of {hint}")
    return plain


def _chosen(kinds: tuple[Any, ...], plain: Any) -> Any:
    """Which of several types a plain value has."""
    if plain is None and NoneType in kinds:
        return NoneType
    known = {kind.__name__: kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)}
    return known[plain["kind"]]
