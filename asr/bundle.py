"""A model on disk: a folder that holds everything needed to recognise speech, and no pickle.

model.json          kind, format_version, features, tokenizer, model, results; perhaps calibrations, decoding
model.safetensors   weights, and mean and deviation of the features
tokens.txt          ``token id`` a line, blank first
lm.lm, lm.ngrams    language model of words, where there is one; `decoding` says how much it counts; the
                    second form takes a tenth of the place, and a moment to unpack
lexicon.txt         how words are pronounced, where tokens are phones; lexicon.l2s guesses it for others
*.onnx              graphs that asr export makes, with `statistics.safetensors`: mean and deviation once more,
                    so that nobody who runs them needs model.safetensors, which may be missing then
README.md           model card

Of models of one language, the language model and the files on how words sound are large. They may lie in one
of the folders; the others name it, as `beside`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from asr.audio.normalization import Statistics
from asr.carried import Carried, digest
from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.decode.calibration import Calibration
from asr.decode.tuning import TunedModel, Tuning
from asr.description import DESCRIPTION, FORMAT_VERSION, KIND, folder_beside, read_description
from asr.errors import BundleError, ConfigError
from asr.files import write_atomically, writing
from asr.graphs import FILES, Graphs
from asr.lm.ready import automaton_of_packed
from asr.lm.storage import load_automaton, save_automaton
from asr.settings import from_dict, to_dict
from asr.text.tokenizer import Tokenizer, read_tokens, tokenizer_from_vocabulary, write_tokens

LANGUAGE_MODEL, PACKED_MODEL = "lm.lm", "lm.ngrams"
LEXICON, LETTER_TO_SOUND = "lexicon.txt", "lexicon.l2s"
OF_LANGUAGE = (PACKED_MODEL, LEXICON, LETTER_TO_SOUND)
"""Files that models of one language may share."""
WEIGHTS, STATISTICS, TOKENS = "model.safetensors", "statistics.safetensors", "tokens.txt"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained model and all that is needed to use it.

    Attributes:
        name: What the recipe calls it.
        features: How to compute features.
        statistics: Their mean and deviation over the training data.
        tokenizer_config, vocabulary: The tokens.
        model: Sizes and kinds of layers.
        weights: Arrays by parameter name; none where the folder has only graphs, or they were left unread.
        card: The model card, Markdown.
        facts: What was measured: results, data, training time; plain values for people and tools.
        calibrations: Of the confidences of words, by the name of the decoding that each was fitted to; see
            `asr.decode.identity`.
        language: The language model that it carries, and how it is used.
        graphs: The same acoustic model for ONNX Runtime.
        words: Files that say how words sound, by name: `LEXICON` and perhaps `LETTER_TO_SOUND`.
    """

    name: str
    features: FeatureConfig
    statistics: Statistics
    tokenizer_config: TokenizerConfig
    vocabulary: tuple[str, ...]
    model: ModelConfig
    weights: Mapping[str, NDArray[np.generic]]
    card: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    language: TunedModel | None = None
    graphs: Graphs = field(default_factory=Graphs)
    words: Mapping[str, Carried] = field(default_factory=dict)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of its vocabulary."""
        return tokenizer_from_vocabulary(self.tokenizer_config, self.vocabulary)


def save_bundle(bundle: Bundle, folder: Path, *, beside: str = "") -> None:
    """Writes a bundle; `model.json` comes last and vouches for the other files by their hashes.

    Args:
        bundle: What to write.
        folder: Where.
        beside: Name of a model folder next to it. What that has of the language is not written again, but
            read from there. By default the one that the folder names already, if both are there.

    Raises:
        BundleError: If a graph that is to be copied is damaged, or there is no such folder.
        RunError: If it cannot be written.
    """
    files = _contents(bundle)
    hashes = {name: digest(content) for name, content in files.items()}
    if not beside and (folder / DESCRIPTION).exists():
        with suppress(BundleError):
            named = folder_beside(read_description(folder), folder)
            read_description(folder.parent / named)
            beside = named
    shared = _shared(folder.parent / beside, hashes) if beside else set()
    if bundle.language is not None and bundle.language.packed is None:
        save_automaton(bundle.language.model, folder / LANGUAGE_MODEL)
        hashes[LANGUAGE_MODEL] = digest((folder / LANGUAGE_MODEL).read_bytes())
    description = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "name": bundle.name,
        "features": to_dict(bundle.features),
        "tokenizer": to_dict(bundle.tokenizer_config),
        "model": to_dict(bundle.model),
        **({"calibrations": _plain(bundle.calibrations)} if bundle.calibrations else {}),
        **({"decoding": to_dict(bundle.language.tuning)} if bundle.language else {}),
        **({"engines": _engines(bundle.graphs)} if bundle.graphs.files else {}),
        **({"beside": beside} if shared else {}),
        "sha256": hashes,
        "facts": dict(bundle.facts),
    }
    for name in files.keys() - shared:
        write_atomically(folder / name, files[name])
    write_atomically(folder / "README.md", bundle.card)
    write_atomically(folder / DESCRIPTION, json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    for name in {LANGUAGE_MODEL, *OF_LANGUAGE, STATISTICS, *FILES} - (hashes.keys() - shared):
        with writing(folder / name):
            (folder / name).unlink(missing_ok=True)


def load_bundle(folder: Path, *, weights: bool = True) -> Bundle:
    """Reads a bundle.

    Args:
        folder: As `save_bundle` wrote it.
        weights: Whether they are needed; if not, and the folder has graphs, they are left unread.

    Raises:
        BundleError: If the folder is missing, is not a bundle of this kind, was written by a newer
            version, or is damaged.
        LanguageModelError: If the language model in it was written by a newer version.
    """
    description = read_description(folder)
    where = str(folder / DESCRIPTION)
    try:
        arrays, tokens, card = _read(folder, description, weights)
        statistics = Statistics(arrays.pop("features.mean"), arrays.pop("features.deviation"))
        features = from_dict(FeatureConfig, description["features"], where=where)
        if {statistics.mean.shape, statistics.deviation.shape} != {(features.mels,)}:
            raise BundleError(
                f"{where}: its features.mels and the weights disagree; copy the model folder again"
            )
        return Bundle(
            name=str(description["name"]),
            features=features,
            statistics=statistics,
            tokenizer_config=from_dict(TokenizerConfig, description["tokenizer"], where=where),
            vocabulary=read_tokens(tokens, str(folder / TOKENS)),
            model=from_dict(ModelConfig, description["model"], where=where),
            weights={name.removeprefix("weights."): array for name, array in arrays.items()},
            card=card,
            facts=description.get("facts", {}),
            calibrations=_calibrations(description, where),
            language=_language(description, folder),
            graphs=_graphs(description, folder),
            words=_carried(description, folder, (LEXICON, LETTER_TO_SOUND)),
        )
    except KeyError as error:
        raise BundleError(f"{folder}: the model folder is damaged: no {error}; copy it again") from None
    except (SafetensorError, ConfigError, TypeError, UnicodeDecodeError) as error:
        raise BundleError(f"{folder}: the model folder is damaged: {error}; copy it again") from None


def vouched_files(folder: Path) -> dict[str, Carried]:
    """The files that `model.json` vouches for, by name, wherever they lie. Raises what `load_bundle` does."""
    description = read_description(folder)
    return _carried(description, folder, description["sha256"])


def _contents(bundle: Bundle) -> dict[str, bytes]:
    """What stands in the files that `model.json` vouches for, but the language model."""
    statistics = {"features.mean": bundle.statistics.mean, "features.deviation": bundle.statistics.deviation}
    files = {TOKENS: write_tokens(bundle.vocabulary).encode()}
    if bundle.weights or not bundle.graphs.files:
        arrays = {f"weights.{name}": np.asarray(array, order="C") for name, array in bundle.weights.items()}
        files[WEIGHTS] = save(arrays | statistics)
    if bundle.graphs.files:
        files[STATISTICS] = save(statistics)
    if bundle.language is not None and bundle.language.packed is not None:
        files[PACKED_MODEL] = bundle.language.packed.read()
    return files | {name: file.read() for name, file in (*bundle.graphs.files.items(), *bundle.words.items())}


def _read(folder: Path, description: Mapping[str, Any], weights: bool) -> tuple[dict[str, Any], str, str]:
    """Arrays, tokens and card; what `model.json` vouches for is checked, but the graphs."""
    known = description["sha256"]
    spared = STATISTICS in known and not (weights and WEIGHTS in known)
    stored = STATISTICS if spared else WEIGHTS
    names = (stored, TOKENS, *((LANGUAGE_MODEL,) if LANGUAGE_MODEL in known else ()))
    try:
        contents = {name: (folder / name).read_bytes() for name in names}
        card = (folder / "README.md").read_text(encoding="utf-8") if (folder / "README.md").exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{folder}: the model folder is damaged: {error}; copy it again") from None
    for name, content in contents.items():
        if digest(content) != known[name]:
            raise BundleError(f"{folder / name}: damaged (its hash differs); copy the model folder again")
    return load(contents[stored]), contents[TOKENS].decode(), card


def _engines(graphs: Graphs) -> dict[str, Any]:
    return {"acoustic": graphs.acoustic, "files": sorted(graphs.files)}


def _graphs(description: Mapping[str, Any], folder: Path) -> Graphs:
    if "engines" not in description:
        return Graphs()
    engines = description["engines"]
    names = [name for name in engines["files"] if name in FILES]
    return Graphs(str(engines["acoustic"]), _carried(description, folder, names))


def _carried(description: Mapping[str, Any], folder: Path, names: Iterable[str]) -> dict[str, Carried]:
    hashes, beside = description["sha256"], folder_beside(description, folder)
    places = {name: folder / name for name in names if name in hashes}
    if beside:
        elsewhere = folder.parent / beside
        places = {name: path if path.exists() else elsewhere / name for name, path in places.items()}
    return {name: Carried(path, hashes[name]) for name, path in places.items()}


def _shared(other: Path, hashes: Mapping[str, str]) -> set[str]:
    """The files on the language that another model folder has, too."""
    theirs = read_description(other)["sha256"]
    return {name for name in OF_LANGUAGE if name in hashes and hashes[name] == theirs.get(name)}


def _plain(calibrations: Mapping[str, Calibration]) -> dict[str, Any]:
    return {name: to_dict(calibrations[name]) for name in sorted(calibrations)}


def _calibrations(description: Mapping[str, Any], where: str) -> dict[str, Calibration]:
    known = description.get("calibrations", {})
    if not isinstance(known, dict):
        raise ConfigError(f"{where}, calibrations: expected an object, got {type(known).__name__}")
    return {
        name: from_dict(Calibration, values, where=f"{where}, calibrations, {name}")
        for name, values in known.items()
    }


def _language(description: Mapping[str, Any], folder: Path) -> TunedModel | None:
    if "decoding" not in description:
        return None
    where = f"{folder / 'model.json'}, decoding"
    tuning = from_dict(Tuning, description["decoding"], where=where)
    packed = _carried(description, folder, (PACKED_MODEL,)).get(PACKED_MODEL)
    if packed is None:
        return TunedModel(load_automaton(folder / LANGUAGE_MODEL), tuning)
    return TunedModel(automaton_of_packed(packed.read(), folder / PACKED_MODEL), tuning, packed)
