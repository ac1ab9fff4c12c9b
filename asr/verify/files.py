"""Whether the files of a model folder are those that were written, and its graphs those of its weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from asr.bundle import Bundle, load_bundle
from asr.carried import digest
from asr.errors import AsrError
from asr.graphs import Graphs
from asr.recognize.emission_cache import acoustic_digest
from asr.verify.law import Verdict

FILES, GRAPHS = "files: hashes are those of model.json", "files: graphs are of these weights"


def verify_files(folder: Path) -> Verdict:
    """Checks every file that `model.json` vouches for, and that a bundle can be made of them."""
    try:
        load_bundle(folder)
        hashes = json.loads((folder / "model.json").read_text(encoding="utf-8"))["sha256"]
        wrong = [name for name in sorted(hashes) if digest((folder / name).read_bytes()) != hashes[name]]
    except AsrError as error:
        return Verdict(FILES, "broken", str(error))
    except OSError as error:
        return Verdict(FILES, "broken", f"{error.filename}: {error.strerror}; copy the model folder again")
    if wrong:
        return Verdict(FILES, "broken", f"damaged: {', '.join(wrong)}; copy the model folder again")
    return Verdict(FILES, "held", f"{len(hashes)} files")


def verify_graphs(bundle: Bundle) -> Verdict:
    """Checks that graphs were made of the weights beside them, as far as the folder says."""
    if not bundle.graphs.files:
        return Verdict(GRAPHS, "skipped", "no graphs; asr export makes them")
    if not bundle.weights:
        return Verdict(GRAPHS, "skipped", "no weights beside them")
    if acoustic_digest(replace(bundle, graphs=Graphs())) != bundle.graphs.acoustic:
        return Verdict(GRAPHS, "broken", "they were made of other weights; make them again with asr export")
    return Verdict(GRAPHS, "held", f"{len(bundle.graphs.files)} graphs")
