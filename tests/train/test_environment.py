"""A run notes what it depends on: commit, versions, processor."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import asr
from asr.train.environment import commit, describe_environment, processor


def test_the_environment_is_plain_and_true() -> None:
    environment = describe_environment(torch.device("cpu"))
    assert json.loads(json.dumps(environment)) == environment
    assert environment["asr"] == asr.__version__
    assert environment["packages"]["torch"] == version("torch")
    assert environment["device"] == "cpu"
    assert environment["threads"] == torch.get_num_threads()


def test_the_commit_is_a_hash_that_says_whether_the_source_was_changed() -> None:
    assert re.fullmatch(r"([0-9a-f]{40}\+?)?", commit())


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="reads /proc/cpuinfo")
def test_the_processor_is_named_with_its_model_and_what_it_has_for_bf16() -> None:
    text = Path("/proc/cpuinfo").read_text()
    assert re.search(r"\(family .+ model .+; .*\)", processor())
    assert ("avx512_bf16" in processor()) == ("avx512_bf16" in text)
