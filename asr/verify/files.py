"""Whether the files of a model folder are those that were written, and its graphs those of its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from asr.bundle import Bundle, load_bundle, vouched_files
from asr.errors import AsrError
from asr.graphs import Graphs
from asr.recognize.emission_cache import acoustic_digest
from asr.verify.law import Verdict

FILES, GRAPHS = "files: hashes are those of model.json", "files: graphs are of these weights"


def verify_files(folder: Path) -> Verdict:
    """Checks every file that `model.json` vouches for, and that a bundle can be made of them."""
    try:
        load_bundle(folder)
        files = vouched_files(folder)
        for file in files.values():
            file.read()
    except AsrError as error:
        return Verdict(FILES, "broken", str(error))
    return Verdict(FILES, "held", f"{len(files)} files")


def verify_graphs(bundle: Bundle) -> Verdict:
    """Checks that graphs were made of the weights beside them, as far as the folder says."""
    if not bundle.graphs.files:
        return Verdict(GRAPHS, "skipped", "no graphs; asr export makes them")
    if not bundle.weights:
        return Verdict(GRAPHS, "skipped", "no weights beside them")
    if acoustic_digest(replace(bundle, graphs=Graphs())) != bundle.graphs.acoustic:
        return Verdict(GRAPHS, "broken", "they were made of other weights; make them again with asr export")
    return Verdict(GRAPHS, "held", f"{len(bundle.graphs.files)} graphs")
