"""A run notes what it depends on, in plain values."""

from __future__ import annotations

import json
from importlib.metadata import version

import torch

import asr
from asr.environment import commit, processor
from asr.train.environment import describe_environment


def test_the_environment_is_plain_and_true() -> None:
    environment = describe_environment(torch.device("cpu"))
    assert json.loads(json.dumps(environment)) == environment
    assert environment["asr"] == asr.__version__
    assert (environment["commit"], environment["processor"]) == (commit(), processor())
    assert environment["packages"]["torch"] == version("torch")
    assert environment["device"] == "cpu"
    assert environment["threads"] == torch.get_num_threads()
