"""Recognisers that write nothing but the phrases a client named."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory

from asr.config import DecodingConfig
from asr.errors import AsrError
from asr.recognize.endpoint import Endpointing
from asr.recognize.language import Language, fusion_for
from asr.recognize.recognizer import Recognizer
from asr.recognize.streaming import StreamingRecognizer
from asr.serve.limits import Goodbye

KEPT = 16
"""Lists of phrases for which recognisers are kept."""


class PhraseBook:
    """Makes a recogniser for every list of phrases, and keeps the last ones; all share one acoustic model."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._made: OrderedDict[tuple[str, ...], StreamingRecognizer] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def recognizer(self, phrases: tuple[str, ...]) -> StreamingRecognizer:
        """The recogniser for these phrases.

        Raises:
            Goodbye: If the model cannot write them.
        """
        async with self._one_at_a_time:
            if phrases not in self._made:
                try:
                    made = await asyncio.to_thread(restricted, self._recognizer, phrases)
                except AsrError as error:
                    raise Goodbye(Goodbye.LIMIT, f"phrase_list: {error}") from None
                self._made[phrases] = StreamingRecognizer(made, endpointing=Endpointing())
            self._made.move_to_end(phrases)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
            return self._made[phrases]


def restricted(recognizer: Recognizer, phrases: tuple[str, ...]) -> Recognizer:
    """A recogniser with the same model that writes these phrases or nothing.

    Raises:
        TextError, FusionError: If the tokens of the model cannot write them.
    """
    with TemporaryDirectory(prefix="asr-serve-") as folder:
        file = Path(folder) / "phrases"
        file.write_text("".join(f"{phrase}\n" for phrase in phrases), encoding="utf-8")
        try:
            fusion = fusion_for(recognizer.bundle, Language(grammar=file, carried=False))
        except AsrError as error:
            raise type(error)(str(error).replace(str(file), "phrases")) from None
    return Recognizer(recognizer.bundle, recognizer.engine, DecodingConfig(), fusion)
