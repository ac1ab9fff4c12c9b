"""Weights come back from graphs as they were, or as near as 8 bits are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from asr.bundle import Bundle
from asr.carried import carried
from asr.errors import BundleError
from asr.export.bundle import export
from asr.export.quantize import GREATEST
from asr.export.reading import read_weights
from asr.graphs import OFFLINE, ONNX, ONNX_INT8
from asr.model.acoustic import AcousticModel
from asr.train.initial import weights_of
from tests.helpers.bundles import random_model

STREAM = {"bidirectional": False, "lookahead": 2}
KINDS = [{}, STREAM, {"cell": "gru"}, {"cell": "rnn", "norm": "none"}, STREAM | {"norm": "batch"}]


def with_one_graph(bundle: Bundle, engine: str) -> Bundle:
    graphs = export(bundle).graphs
    return replace(
        bundle, weights={}, graphs=replace(graphs, files={OFFLINE[engine]: graphs.files[OFFLINE[engine]]})
    )


@pytest.mark.parametrize("changes", KINDS)
def test_weights_come_back_from_a_graph(changes) -> None:
    bundle = random_model(**changes)
    found = read_weights(with_one_graph(bundle, ONNX))
    assert found.keys() == bundle.weights.keys()
    for name, array in bundle.weights.items():
        if ".norm." not in name or bundle.model.norm != "batch":
            assert np.array_equal(found[name], np.asarray(array, np.float32)), name


def test_batch_norm_comes_back_as_what_it_does() -> None:
    bundle = random_model(**KINDS[-1])
    random = np.random.default_rng(0)
    learnt = {
        name: random.uniform(0.5, 2, array.shape).astype(np.float32)
        for name, array in bundle.weights.items()
        if ".running_" in name
    }
    assert learnt
    trained = replace(bundle, weights={**bundle.weights, **learnt})
    again = replace(bundle, weights=read_weights(with_one_graph(trained, ONNX)))
    assert_same_function(trained, again)


def assert_same_function(one: Bundle, other: Bundle) -> None:
    import torch

    features, lengths = torch.randn(2, 50, one.features.mels), torch.tensor([50, 31])
    results = []
    for bundle in (one, other):
        model = AcousticModel(bundle.model, bundle.features.mels, len(bundle.vocabulary)).eval()
        model.load_state_dict(weights_of(bundle))
        results.append(model(features, lengths)[0].detach().numpy())
    assert np.allclose(*results, atol=1e-5)


@pytest.mark.parametrize("changes", [{}, STREAM])
def test_weights_of_8_bits_come_back_within_half_a_step(changes) -> None:
    bundle = random_model(**changes)
    found = weights_of(with_one_graph(bundle, ONNX_INT8))
    matrices = 0
    for name, array in bundle.weights.items():
        wide = np.asarray(array, np.float32)
        apart = np.abs(found[name].numpy() - wide)
        if ".rnn.weight" in name:
            step = np.abs(wide).max(-1, keepdims=True) / GREATEST
            assert (apart <= step / 2 * 1.001).all(), name
            assert apart.max() > 0, name
            matrices += 1
        else:
            assert apart.max() == 0, name
    assert matrices


def test_a_graph_without_names_is_one_line() -> None:
    bundle = with_one_graph(random_model(), ONNX)
    model = onnx.load_from_string(bundle.graphs.files[OFFLINE[ONNX]].read())
    for one in model.graph.initializer:
        one.name = f"v_{one.name}"
    nameless = {OFFLINE[ONNX]: carried(model.SerializeToString())}
    for files in (nameless, {OFFLINE[ONNX]: carried(b"no graph")}):
        with pytest.raises(BundleError, match=r"does not say which weights are which .*; use the model"):
            read_weights(replace(bundle, graphs=replace(bundle.graphs, files=files)))
    with pytest.raises(BundleError, match="neither weights nor graphs; copy it again"):
        read_weights(replace(bundle, graphs=replace(bundle.graphs, files={})))
