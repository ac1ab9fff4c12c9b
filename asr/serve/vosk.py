"""What is said on the socket: the messages of Vosk's server, which many clients speak.

The client may send ``{"config": {"sample_rate": 16000, "words": true, "phrase_list": […],
"max_alternatives": 0}}``, then 16-bit PCM (mono, little endian) in binary messages, and at the end
``{"eof": 1}``; ``{"reset": 1}`` ends the sentence only. Every binary message, eof and reset get one answer:
``{"partial": …}`` while a sentence goes on, or ``{"result": [words], "text": …}`` where one has ended.

One key goes further: with ``"stable": true`` in the config, partial answers also say, as `stable`, with how
much of the text they begin that will not change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from asr.serve.limits import Goodbye
from asr.transcript import Segment, Word

DEFAULT_RATE = 8000
"""Hz, if the client does not say: what Vosk's server assumes."""
RATES = range(8000, 48_001)
MOST_PHRASES = 1000
_encoded = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client configured.

    Attributes:
        sample_rate: Of what it sends, Hz.
        words: Whether results hold words with times.
        phrases: All that may be written; nothing restricts it.
        alternatives: How many readings results hold; 0 for the plain form.
        stable: Whether partial answers tell what is stable.
    """

    sample_rate: int = DEFAULT_RATE
    words: bool = True
    phrases: tuple[str, ...] = ()
    alternatives: int = 0
    stable: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """The sentence ends here, and where `all` is set, the conversation too."""

    all: bool


def read_message(text: str, settings: Settings) -> Settings | End:
    """Reads a text message; one that configures gives the new settings.

    Raises:
        Goodbye: If it is none of the protocol's.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if isinstance(message, dict):
        if isinstance(config := message.get("config"), dict):
            return _configured(config, settings)
        if message.get("eof") or message.get("reset"):
            return End(all=bool(message.get("eof")))
    raise Goodbye(
        Goodbye.UNREADABLE, "a text message must be JSON with config, eof or reset; send PCM as binary"
    )


def _configured(config: dict[str, Any], settings: Settings) -> Settings:
    """Keys that are not known are for other servers (Vosk's own has `model`, which has no meaning here)."""
    if "sample_rate" in config:
        settings = replace(settings, sample_rate=_rate(config["sample_rate"]))
    if "phrase_list" in config:
        settings = replace(settings, phrases=_phrases(config["phrase_list"]))
    if "max_alternatives" in config:
        settings = replace(settings, alternatives=_count(config["max_alternatives"]))
    return replace(
        settings,
        words=bool(config.get("words", settings.words)),
        stable=bool(config.get("stable", settings.stable)),
    )


def _rate(value: object) -> int:
    try:
        rate = float(value)  # type: ignore[arg-type]
        if rate in RATES:
            return int(rate)
    except (TypeError, ValueError):
        pass
    raise Goodbye(
        Goodbye.UNREADABLE, f"sample_rate must be {RATES[0]} to {RATES[-1]}, not {str(value)[:20]!r}"
    )


def _count(value: object) -> int:
    if isinstance(value, int | float) and 0 <= value <= 1000:
        return int(value)
    raise Goodbye(Goodbye.UNREADABLE, f"max_alternatives must be a number from 0 on, not {str(value)[:20]!r}")


def _phrases(value: object) -> tuple[str, ...]:
    """The phrases without Vosk's mark for anything else; what fits none is not written here."""
    if not value:
        return ()
    if isinstance(value, list) and all(isinstance(one, str) for one in value) and len(value) <= MOST_PHRASES:
        cleaned = (" ".join(one.replace("[unk]", " ").split()) for one in value)
        return tuple(dict.fromkeys(one for one in cleaned if one))
    raise Goodbye(Goodbye.UNREADABLE, f"phrase_list must be a list of texts, at most {MOST_PHRASES}")


def partial(stable: str, tail: str, settings: Settings) -> str:
    """The sentence so far, in words that will not change and words that may."""
    content = {"partial": stable + tail}
    if settings.stable:
        content["stable"] = stable
    return _encoded(content)


def result(segments: Sequence[Segment], settings: Settings) -> str:
    """Sentences that have ended, as one."""
    text = " ".join(segment.text for segment in segments if segment.text)
    words = [word for segment in segments for word in segment.words]
    if settings.alternatives:
        confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
        found = [_word(word, with_confidence=False) for word in words]
        reading: dict[str, Any] = {"confidence": round(confidence, 6), "text": text}
        return _encoded({"alternatives": [reading | ({"result": found} if settings.words and words else {})]})
    found = [_word(word, with_confidence=True) for word in words]
    return _encoded(({"result": found} if settings.words and words else {}) | {"text": text})


def _word(word: Word, *, with_confidence: bool) -> dict[str, Any]:
    content = {"end": round(word.end, 6), "start": round(word.start, 6), "word": word.text}
    return ({"conf": round(word.confidence, 6)} if with_confidence else {}) | content
