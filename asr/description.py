"""model.json, which says what a model folder is, and vouches for its other files by their hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asr.errors import BundleError

KIND = "asr-ctc"
FORMAT_VERSION = 1
DESCRIPTION = "model.json"


def read_description(folder: Path) -> dict[str, Any]:
    """What stands in `model.json` of a folder.

    Raises:
        BundleError: If the folder is missing, is no bundle of this kind, or was written by a newer version.
    """
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if (folder / "bundle" / "model.json").exists():
            problem = f"a run, not a model folder; did you mean {folder / 'bundle'}?"
        elif folder.exists():
            problem = "not a model folder: it has no model.json; name a folder that asr train wrote"
        else:
            problem = "no such model folder; check the path, or train one with asr train"
        raise BundleError(f"{folder}: {problem}") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}; check path and access rights") from None
    except ValueError as error:
        raise BundleError(f"{path}: damaged: {error}; copy the model folder again") from None
    if not isinstance(description, dict) or description.get("kind") != KIND:
        kind = description.get("kind") if isinstance(description, dict) else None
        raise BundleError(
            f"{path}: a foreign model (kind {kind!r}, not {KIND!r}); name a folder that asr train wrote"
        )
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{path}: format_version {version}, but this version of asr reads {FORMAT_VERSION}; "
            "upgrade it: pip install -U recurrent-asr"
        )
    return description


def folder_beside(description: Mapping[str, Any], folder: Path) -> str:
    """Name of the folder next to it that has what it lacks of the language; empty if there is none.

    Raises:
        BundleError: If it is no such name.
    """
    beside = description.get("beside", "")
    if not isinstance(beside, str) or Path(beside).name != beside or beside == "..":
        raise BundleError(f"{folder / DESCRIPTION}: beside: {beside!r} names no folder next to it")
    return beside
