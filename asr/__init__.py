"""Speech recognition with recurrent networks: train, evaluate, transcribe.

>>> import asr
>>> asr.load().transcribe("recording.wav").text                       # English
>>> asr.load("runs/mine/bundle").transcribe("recording.wav").text
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asr.config import DecodingConfig
    from asr.models import shipped
    from asr.recognize.endpoint import Endpointing
    from asr.recognize.engines import Chunks
    from asr.recognize.language import Language
    from asr.recognize.recognizer import Recognizer, load
    from asr.recognize.session import StreamingSession
    from asr.recognize.streaming import StreamingRecognizer
    from asr.transcript import Alternative, Segment, Transcript, Word

__version__ = "0.1.0"
__all__ = [
    "Alternative",
    "Chunks",
    "DecodingConfig",
    "Endpointing",
    "Language",
    "Recognizer",
    "Segment",
    "StreamingRecognizer",
    "StreamingSession",
    "Transcript",
    "Word",
    "__version__",
    "load",
    "shipped",
]

_HOMES = {
    "Recognizer": "asr.recognize.recognizer",
    "load": "asr.recognize.recognizer",
    "shipped": "asr.models",
    "Chunks": "asr.recognize.engines",
    "Endpointing": "asr.recognize.endpoint",
    "StreamingRecognizer": "asr.recognize.streaming",
    "StreamingSession": "asr.recognize.session",
    "Language": "asr.recognize.language",
    "DecodingConfig": "asr.config",
    "Alternative": "asr.transcript",
    "Segment": "asr.transcript",
    "Transcript": "asr.transcript",
    "Word": "asr.transcript",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used (PEP 562), so that ``import asr`` costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'asr' has no attribute {name!r}")
