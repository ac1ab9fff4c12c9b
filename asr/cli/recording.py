"""A session of recording: prompts are shown, keys are heard, takes are judged and kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from asr.audio.takes import judge_take
from asr.cli.captions import printable
from asr.cli.keys import ENTER, Keys
from asr.cli.microphone import level_mark
from asr.progress import say

if TYPE_CHECKING:
    from asr.audio.io import Samples
    from asr.cli.microphone import Recorder
    from asr.data.prompts import Prompted

REPEAT, SKIP, QUIT = "r", "s", "q"
METER_SECONDS = 0.1
"""How often the meter is written anew."""

LONGEST_SECONDS = 60.0
"""A take that goes on longer was probably forgotten, and is ended."""


class Session:
    """Goes through the prompts of which there is no recording.

    Args:
        prompts: All of them.
        recorded: What was recorded, and where the rest goes.
        recorder: What hears.
    """

    def __init__(self, prompts: Sequence[str], recorded: Prompted, recorder: Recorder) -> None:
        self._prompts = list(prompts)
        self._recorded = recorded
        self._recorder = recorder
        self._meter = sys.stderr.isatty()

    def run(self) -> None:
        """Records until all prompts were read or skipped, or the user quits.

        Raises:
            AudioError: If the microphone, or what stands for it, cannot be heard.
            RunError: If a recording cannot be written.
        """
        missing = set(self._recorded.missing(self._prompts))
        waiting = [number for number, prompt in enumerate(self._prompts) if prompt in missing]
        last: int | None = None
        if not waiting:
            say("all prompts are recorded already")
            return
        say("Enter: begin and end   r: repeat   s: skip   q: quit")
        with Keys() as keys:
            while waiting:
                number = waiting[0]
                say(f"\n{number + 1} / {len(self._prompts)}   {printable(self._prompts[number])}")
                key = keys.pressed()
                while key not in (ENTER, SKIP, QUIT) and not (key == REPEAT and last is not None):
                    key = keys.pressed()
                if key == QUIT:
                    return
                if key == REPEAT and last is not None:
                    waiting.insert(0, last)
                    last = None
                    continue
                if key == ENTER:
                    key = self._record(keys, self._prompts[number])
                if key == QUIT:
                    return
                if key != REPEAT:
                    last = number if key == ENTER else last
                    del waiting[0]

    def _record(self, keys: Keys, prompt: str) -> str:
        """Records a prompt until it is kept (`ENTER`) or given up; the key says which."""
        while True:
            samples, key = self._take(keys)
            if key == REPEAT:
                say("once more, from the beginning")
                continue
            if key != ENTER:
                return key
            take = judge_take(samples, self._recorder.rate)
            figures = f"{take.seconds:.1f} s, speech {take.speech_db:.0f} dB, noise {take.noise_db:.0f} dB"
            if take.problems:
                say(f"{figures}: {'; '.join(take.problems)}")
                say("r: once more   Enter: keep it nevertheless   s: skip   q: quit")
                while (key := keys.pressed()) not in (ENTER, REPEAT, SKIP, QUIT):
                    pass
            if key == ENTER:
                self._recorded.keep(prompt, samples, self._recorder.rate)
                say(f"kept: {figures}" if not take.problems else "kept")
            return key

    def _take(self, keys: Keys) -> tuple[Samples, str]:
        """The samples that are heard until a key is pressed, and the key; `ENTER` where they end alone."""
        heard: list[Samples] = [np.zeros(0, np.float32)]
        seconds, key = 0.0, ""
        with self._recorder as recorder:
            while key not in (ENTER, REPEAT, SKIP, QUIT):
                block = recorder.heard()
                if block is None or seconds > LONGEST_SECONDS:
                    key = ENTER
                    break
                if len(block):
                    heard.append(block)
                    seconds += len(block) / recorder.rate
                    self._show(block, seconds)
                else:
                    key = keys.pressed(METER_SECONDS)
        self._clear()
        return np.concatenate(heard), key

    def _show(self, block: Samples, seconds: float) -> None:
        if self._meter:
            sys.stderr.write(f"\r\x1b[K● {level_mark(block)} {seconds:4.1f} s")
            sys.stderr.flush()

    def _clear(self) -> None:
        if self._meter:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
