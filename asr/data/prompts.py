"""Prompts to be read aloud, and the recordings that were made of them: a folder with a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.audio.io import AudioSource
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import TextError
from asr.files import write_atomically


def read_prompts(path: Path) -> tuple[str, ...]:
    """Reads prompts, one a line; blank lines, and lines that say the same as an earlier one, are left out.

    Raises:
        TextError: If the file cannot be read, is not UTF-8, or holds no prompt.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TextError(f"{path}: no such file; write prompts into one, a line each") from None
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise TextError(f"{path}: cannot be read: {error.strerror}; check path and access rights") from None
    prompts = tuple(dict.fromkeys(" ".join(line.split()) for line in text.split("\n") if line.strip()))
    if not prompts:
        raise TextError(f"{path}: holds no prompts; write one a line")
    return prompts


@dataclass(slots=True)
class Prompted:
    """The recordings of a folder, each of which is a prompt that was read.

    Attributes:
        folder: Where they are.
        speaker, language: Of new ones.
        utterances: Those in the manifest, in the order in which they were recorded.
    """

    folder: Path
    speaker: str
    language: str
    utterances: list[Utterance]

    @classmethod
    def opened(cls, folder: Path, speaker: str, language: str) -> Prompted:
        """What a folder has already. Raises ManifestError if its manifest cannot be read."""
        manifest = folder / "manifest.jsonl"
        return cls(folder, speaker, language, read_manifest(manifest) if manifest.exists() else [])

    @property
    def manifest(self) -> Path:
        """The manifest of the folder."""
        return self.folder / "manifest.jsonl"

    @property
    def minutes(self) -> float:
        """How long all recordings are together."""
        return sum(utterance.duration for utterance in self.utterances) / 60

    def missing(self, prompts: Sequence[str]) -> list[str]:
        """The prompts of which there is no recording."""
        read = {utterance.text for utterance in self.utterances}
        return [prompt for prompt in prompts if prompt not in read]

    def keep(self, prompt: str, samples: NDArray[np.float32], sample_rate: int) -> None:
        """Writes a recording and its line of the manifest; it replaces an earlier one of the prompt.

        Args:
            prompt: What is read.
            samples: Samples (n,) in -1 … 1.
            sample_rate: Hz.

        Raises:
            RunError: If it cannot be written; what was there stays.
        """
        earlier = next((one for one in self.utterances if one.text == prompt), None)
        path = earlier.audio.path if earlier else self._free_path()
        content = BytesIO()
        whole = np.clip(samples, -1, 32767 / 32768)
        soundfile.write(content, whole, sample_rate, format="FLAC", subtype="PCM_16")
        write_atomically(path, content.getvalue())
        utterance = Utterance(
            id=f"{self.speaker}-{path.stem}",
            audio=AudioSource(path),
            duration=round(len(samples) / sample_rate, 4),
            text=prompt,
            speaker=self.speaker,
            language=self.language,
        )
        if earlier:
            self.utterances[self.utterances.index(earlier)] = utterance
        else:
            self.utterances.append(utterance)
        write_manifest(self.manifest, self.utterances)

    def _free_path(self) -> Path:
        """The next name that no recording has."""
        number = len(self.utterances) + 1
        while (self.folder / f"{number:04d}.flac").exists():
            number += 1
        return self.folder / f"{number:04d}.flac"
