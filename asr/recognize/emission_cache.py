"""Emissions on disk: what an acoustic model heard in a manifest, in one safetensors file.

All that is no array is JSON under one name in its metadata: the order of several names would differ from
file to file.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from asr.bundle import Bundle
from asr.data.manifest import file_hash
from asr.errors import RunError
from asr.files import write_atomically
from asr.recognize.hearing import Heard
from asr.settings import to_dict

KIND = "asr-emissions"


class _Facts(msgspec.Struct):
    """What the metadata hold."""

    kind: str
    origin: str
    references: list[str]


def origin(bundle: Bundle, manifest: Path) -> str:
    """A short text that differs where the acoustic model or the manifest is another one."""
    return f"{acoustic_digest(bundle)}-{file_hash(manifest)[:16]}"


def acoustic_digest(bundle: Bundle) -> str:
    """A short text that differs where what a model hears does: its weights, features or tokens."""
    if bundle.graphs.acoustic:
        return bundle.graphs.acoustic  # its weights need not be there
    digest = sha256()
    for name in sorted(bundle.weights):
        digest.update(name.encode() + np.ascontiguousarray(bundle.weights[name]).tobytes())
    configs = (bundle.features, bundle.tokenizer_config, bundle.model)
    digest.update(msgspec.json.encode([to_dict(config) for config in configs]))
    digest.update(bundle.statistics.mean.tobytes() + bundle.statistics.deviation.tobytes())
    digest.update("\n".join(bundle.vocabulary).encode())
    return digest.hexdigest()[:16]


def save_emissions(heard: Sequence[Heard], path: Path, origin: str) -> None:
    """Writes emissions, and where they come from.

    Raises:
        RunError: If they cannot be written.
    """
    arrays = {f"{index}": np.ascontiguousarray(one.log_probs) for index, one in enumerate(heard)}
    facts = msgspec.json.encode(_Facts(KIND, origin, [one.reference for one in heard])).decode()
    write_atomically(path, save(arrays, metadata={"facts": facts}))


def load_emissions(path: Path, origin: str) -> list[Heard] | None:
    """Reads what `save_emissions` wrote; None where there is no such file, or one of another origin.

    Raises:
        RunError: If the file holds something else, or is damaged.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            facts = msgspec.json.decode((file.metadata() or {})["facts"], type=_Facts)
            if facts.kind != KIND:
                raise RunError(f"{path}: holds something else than emissions; choose another name")
            if facts.origin != origin:
                return None
            return [Heard(file.get_tensor(f"{index}"), text) for index, text in enumerate(facts.references)]
    except (OSError, SafetensorError, KeyError, msgspec.DecodeError) as error:
        raise RunError(f"{path}: damaged, or no emissions ({error}); delete it, or name another") from None
