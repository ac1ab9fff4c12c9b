"""A model that streams, and a server for it that many tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asr.recognize.recognizer import Recognizer, load
from tests.helpers.bundles import random_bundle
from tests.helpers.tones import chirp
from tests.serve.running import Server, final, pcm, rounded, running, say, talk, wait_for

IDLE = 1.0


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "random"
    random_bundle(folder, bidirectional=False, normalization="running", lookahead=4, hidden=16, seed=1)
    return folder


@pytest.fixture(scope="session")
def recognizer(model: Path) -> Recognizer:
    return load(model)


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with running(model, folder, "--store", folder / "store", "--idle", 20) as server:
        yield server


@pytest.fixture(scope="session")
def strict(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose limits are soon reached."""
    limits = {"idle": IDLE, "max-upload": 1, "max-seconds": 5, "sessions": 6, "uploads": 2}
    options = [part for name, value in limits.items() for part in (f"--{name}", value)]
    with running(model, tmp_path_factory.mktemp("strict"), *options) as server:
        yield server


@pytest.fixture
def free_again(strict: Server, recognizer: Recognizer) -> Iterator[None]:
    """After every fault the server serves as before, and nobody's place stays taken."""
    yield

    def empty() -> bool:
        health = strict.health()
        return health["sessions"] == health["uploads"] == 0

    wait_for(empty)
    sound = chirp(100, 5_000, 1.5)
    with talk(strict) as client:
        text = final(say(client, pcm(sound), 16_000))
    assert text == recognizer.transcribe_samples(rounded(sound)).text
