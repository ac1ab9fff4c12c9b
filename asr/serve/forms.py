"""The form that OpenAI's clients send with a recording."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from asr.serve.limits import TOO_LARGE, Limits, Refused

RESPONSE_FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
GRANULARITIES = ("word", "segment")
_TEXT = {"type": "string"}
_GRANULARITIES = {"type": "array", "items": {"type": "string", "enum": list(GRANULARITIES)}}
FIELDS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "file": {"type": "string", "format": "binary", "description": "wav, flac, ogg, mp3, aiff, au"},
        "model": _TEXT | {"description": "the name of the model, or whisper-1"},
        "language": _TEXT | {"description": "changes nothing"},
        "prompt": _TEXT | {"description": "changes nothing"},
        "response_format": _TEXT | {"enum": list(RESPONSE_FORMATS), "default": "json"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 1, "description": "changes nothing"},
        "timestamp_granularities[]": _GRANULARITIES | {"description": "only with verbose_json"},
        "stream": {"type": "boolean", "enum": [False], "description": "there is a socket for that"},
    }
)
_REPEATED = ("timestamp_granularities[]", "timestamp_granularities")
_MOST_FIELDS = 32
_FIELD_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class TranscriptionForm:
    """What a client wants.

    Attributes:
        file: The recording.
        model: The model it names.
        response_format: One of `RESPONSE_FORMATS`.
        granularities: Of `GRANULARITIES`; what verbose_json shall hold.
        language: What the client says is spoken.
    """

    file: BinaryIO
    model: str
    response_format: str
    granularities: tuple[str, ...]
    language: str


async def read_form(request: Request, limits: Limits) -> TranscriptionForm:
    """Reads the form; the recording goes to a temporary file.

    Raises:
        Refused: If it is too large, too slow, no form, or asks for what there is not.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refused("send the recording as multipart/form-data", 415, code="unsupported_media_type")
    if _declared(request) > limits.upload_bytes:
        raise _too_large(limits)
    parser = MultiPartParser(
        request.headers,
        _bounded(request, limits),
        max_files=1,
        max_fields=_MOST_FIELDS,
        max_part_size=_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(f"the form cannot be read: {error.message}", code="invalid_form") from None
    return _checked(form)


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


async def _bounded(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The body of the request, as long as it comes and is not too large."""
    stream, size = request.stream(), 0
    while True:
        try:
            async with asyncio.timeout(limits.idle):
                chunk = await anext(stream, b"")
        except TimeoutError:
            message = f"nothing was sent for {limits.idle:g} s; send it again"
            raise Refused(message, 408, code="timeout") from None
        if not chunk:
            return
        size += len(chunk)
        if size > limits.upload_bytes:
            raise _too_large(limits)
        yield chunk


def _too_large(limits: Limits) -> Refused:
    allowed = f"{limits.upload_bytes / (1 << 20):g} MiB"
    message = f"the upload is larger than {allowed}, which is the most; cut or compress the recording"
    return Refused(message, TOO_LARGE, code="upload_too_large", param="file")


def _checked(form: FormData) -> TranscriptionForm:
    values = {}
    for name, value in form.multi_items():
        if name not in FIELDS and name not in _REPEATED:
            raise Refused(f"unknown parameter: {name[:100]!r}", code="unknown_parameter", param=name[:100])
        if name in values and name not in _REPEATED:
            raise Refused(f"{name} is given twice", code="invalid_value", param=name)
        if isinstance(value, UploadFile) != (name == "file"):
            raise Refused(f"{name} must be {'a file' if name == 'file' else 'text'}", param=name)
        values[name] = value
    for name in ("file", "model"):
        if name not in values:
            raise Refused(f"you must provide {name}", code="missing_parameter", param=name)
    file, texts = form["file"], {name: str(value) for name, value in values.items() if name != "file"}
    assert isinstance(file, UploadFile)
    wanted = texts.get("response_format", "json")
    if wanted not in RESPONSE_FORMATS:
        raise _invalid("response_format", wanted, RESPONSE_FORMATS)
    _check_ignored(texts)
    granularities = tuple(str(value) for name in _REPEATED for value in form.getlist(name))
    _check_granularities(granularities, wanted)
    return TranscriptionForm(file.file, texts["model"], wanted, granularities, texts.get("language", ""))


def _check_ignored(texts: Mapping[str, str]) -> None:
    """Refuses what other servers would refuse, and streams, which this one does not send."""
    try:
        warm = 0 <= float(texts.get("temperature", "0")) <= 1
    except ValueError:
        warm = False
    if not warm:
        raise _invalid("temperature", texts["temperature"], ("0 … 1",))
    stream = texts.get("stream", "false").lower()
    if stream not in ("true", "1", "false", "0"):
        raise _invalid("stream", stream, ("false",))
    if stream in ("true", "1"):
        message = "a recording is answered as a whole; leave stream out, or use the socket at /ws"
        raise Refused(message, code="unsupported_value", param="stream")


def _check_granularities(granularities: tuple[str, ...], wanted: str) -> None:
    name = "timestamp_granularities"
    for value in granularities:
        if value not in GRANULARITIES:
            raise _invalid(name, value, GRANULARITIES)
    if granularities and wanted != "verbose_json":
        raise Refused(f"{name} needs response_format verbose_json", code="unsupported_value", param=name)


def _invalid(name: str, value: str, known: tuple[str, ...]) -> Refused:
    message = f"{name} cannot be {value[:100]!r}; known: {', '.join(known)}"
    return Refused(message, code="invalid_value", param=name)
