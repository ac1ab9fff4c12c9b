"""Files that a model folder carries: read when they are first needed, and checked by their hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from asr.errors import BundleError


@dataclass(frozen=True, slots=True)
class Carried:
    """One file.

    Attributes:
        content: The file, or what stands in it.
        sha256: Of what stands in it.
    """

    content: Path | bytes
    sha256: str

    def read(self) -> bytes:
        """What stands in the file.

        Raises:
            BundleError: If it is missing or damaged.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            content = self.content.read_bytes()
        except OSError as error:
            raise BundleError(
                f"{self.content}: cannot be read: {error.strerror}; copy the model folder again"
            ) from None
        if digest(content) != self.sha256:
            raise BundleError(f"{self.content}: damaged (its hash differs); copy the model folder again")
        return content


def carried(content: bytes) -> Carried:
    """What stands in no file yet."""
    return Carried(content, digest(content))


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
