"""Models that come with the package: what is used where nobody names another one.

english             for whole recordings
english-streaming   for streams

Their folders lie beside this file, in versions that have them; `recipes/english` makes them, and their
README.md say what they can do.
"""

from __future__ import annotations

from pathlib import Path

from asr.errors import BundleError

OFFLINE, STREAMING = "english", "english-streaming"


def shipped(name: str) -> Path:
    """The folder of a model that comes with the package.

    Raises:
        BundleError: If there is none of that name.
    """
    folder = Path(__file__).parent / name
    if not (folder / "model.json").exists():
        raise BundleError(
            f"the model {name!r} is not in this installation; name a model folder: --model FOLDER"
        )
    return folder
