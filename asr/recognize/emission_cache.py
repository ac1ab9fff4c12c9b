"""Emissions on disk: what an acoustic model heard in a manifest, in one safetensors file."""

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
from asr.recognize.tune import Heard
from asr.settings import to_dict

KIND = "asr-emissions"


def origin(bundle: Bundle, manifest: Path) -> str:
    """A short text that differs where the model or the manifest is another one."""
    digest = sha256()
    for name in sorted(bundle.weights):
        digest.update(name.encode() + np.ascontiguousarray(bundle.weights[name]).tobytes())
    configs = (bundle.features, bundle.tokenizer_config, bundle.model)
    digest.update(msgspec.json.encode([to_dict(config) for config in configs]))
    digest.update(bundle.statistics.mean.tobytes() + bundle.statistics.deviation.tobytes())
    digest.update("\n".join(bundle.vocabulary).encode())
    return f"{digest.hexdigest()[:16]}-{file_hash(manifest)[:16]}"


def save_emissions(heard: Sequence[Heard], path: Path, origin: str) -> None:
    """Writes emissions, and where they come from.

    Raises:
        RunError: If they cannot be written.
    """
    arrays = {f"{index}": np.ascontiguousarray(one.log_probs) for index, one in enumerate(heard)}
    texts = msgspec.json.encode([one.reference for one in heard]).decode()
    write_atomically(path, save(arrays, metadata={"kind": KIND, "origin": origin, "references": texts}))


def load_emissions(path: Path, origin: str) -> list[Heard] | None:
    """Reads what `save_emissions` wrote; None where there is no such file, or one of another origin.

    Raises:
        RunError: If the file holds something else, or is damaged.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata() or {}
            if facts.get("kind") != KIND:
                raise RunError(f"{path}: holds something else than emissions; choose another name")
            if facts["origin"] != origin:
                return None
            texts = msgspec.json.decode(facts["references"], type=list[str])
            return [Heard(file.get_tensor(f"{index}"), text) for index, text in enumerate(texts)]
    except (OSError, SafetensorError, KeyError, msgspec.DecodeError) as error:
        raise RunError(f"{path}: damaged, or no emissions ({error}); delete it, or name another") from None
