"""Law 7: what is written is what is read. Manifests, configs and formats have theirs beside their tests.

Here: whole bundles with any settings, vocabularies in any script through a file, and scores as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asr.audio.normalization import Statistics
from asr.bundle import Bundle, load_bundle, save_bundle
from asr.config import FeatureConfig, ModelConfig, TokenizerConfig
from asr.recognize.report_formats import report_json
from asr.recognize.scoring import report, score
from asr.text.normalize import normalize, normalizer_names
from asr.text.tokenizer import tokenizer_from_texts, unwritable
from tests.helpers.directions import DIRECTIONS

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TOKENIZERS = st.builds(
    TokenizerConfig, st.sampled_from(["characters", "words"]), st.sampled_from(normalizer_names())
)
FEATURES = st.builds(
    FeatureConfig,
    sample_rate=st.integers(8_000, 48_000),
    mels=st.integers(1, 128),
    floor=st.floats(1e-12, 1e-3),
    normalization=st.sampled_from(["corpus", "running", "utterance", "speech"]),
)
MODELS = st.builds(
    lambda direction, **others: ModelConfig(**direction, **others),
    DIRECTIONS,
    cell=st.sampled_from(["lstm", "gru", "rnn"]),
    layers=st.integers(1, 9),
    subsampling=st.sampled_from([2, 4]),
    norm=st.sampled_from(["layer", "batch", "none"]),
    dropout=st.floats(0, 0.99),
)
WEIGHTS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}(\.[a-z0-9_]{1,8}){0,2}", fullmatch=True),
    arrays(np.float32, st.lists(st.integers(0, 3), max_size=3).map(tuple), elements=st.floats(width=32))
    | arrays(np.int64, st.just(())),
    max_size=4,
)
FACTS = st.dictionaries(
    ANY_TEXT, st.integers(-(2**53), 2**53) | ANY_TEXT | st.lists(st.booleans()), max_size=3
)


@settings(max_examples=60)
@given(ANY_TEXT, FEATURES, TOKENIZERS, MODELS, WEIGHTS, FACTS, st.lists(ANY_TEXT, min_size=1, max_size=3))
def test_any_bundle(tmp_path_factory, name, features, tokenizer, model, weights, facts, texts) -> None:
    texts = [normalize(text, tokenizer.normalizer) for text in texts]
    assume(any(texts) and not any(unwritable(tokenizer, text) for text in texts))
    bundle = Bundle(
        name=name,
        features=features,
        statistics=Statistics(
            np.arange(features.mels, dtype=np.float32), np.full(features.mels, np.pi, np.float32)
        ),
        tokenizer_config=tokenizer,
        vocabulary=tokenizer_from_texts(tokenizer, texts).vocabulary,
        model=model,
        weights=weights,
        card=f"# {name}".replace("\r", ""),
        facts=facts,
    )
    folder: Path = tmp_path_factory.getbasetemp() / "any"
    save_bundle(bundle, folder)
    loaded = load_bundle(folder)
    for field in ("name", "features", "tokenizer_config", "vocabulary", "model", "card", "facts"):
        assert getattr(loaded, field) == getattr(bundle, field)
    assert np.array_equal(loaded.statistics.mean, bundle.statistics.mean)
    assert np.array_equal(loaded.statistics.deviation, bundle.statistics.deviation)
    assert loaded.weights.keys() == weights.keys()
    for key, array in weights.items():
        assert loaded.weights[key].dtype == array.dtype
        assert loaded.weights[key].shape == array.shape
        assert loaded.weights[key].tobytes() == array.tobytes()
    for text in texts:
        assert loaded.tokenizer.encode(text) == bundle.tokenizer.encode(text)


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), min_size=1, max_size=5))
def test_scores_as_json(rows: list[tuple[str, str, str]]) -> None:
    scored = [score(id, "", reference, hypothesis, 1.5) for id, reference, hypothesis in rows]
    result = report(scored)
    values = json.loads(report_json(result))
    assert [(v["id"], v["reference"], v["hypothesis"]) for v in values["scored"]] == rows
    assert values["words"]["errors"] == result.words.errors
    assert values["words"]["rate"] == pytest.approx(result.words.rate, nan_ok=True) or (
        values["words"]["rate"] is None and result.words.reference == 0
    )
