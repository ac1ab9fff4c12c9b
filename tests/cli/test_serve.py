"""``asr serve`` as a command: its options, and what is refused before anything is loaded."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.helpers.bundles import random_bundle
from tests.helpers.console import MAIN, asr, asr_here, one_line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "set a token (ASR_TOKEN), or say --no-token"),
        (["--host", "::"], "set a token (ASR_TOKEN), or say --no-token"),
        (["--host", "example.org"], "set a token (ASR_TOKEN), or say --no-token"),
        (["--token", ""], "--token must be of ASCII"),
        (["--token", "a b"], "--token must be of ASCII"),
        (["--token", "ö"], "--token must be of ASCII"),
        (["--token", "a", "--no-token"], "does not go with --no-token"),
        (["--key", __file__], "--key without --cert"),
        (["--sessions", "0"], "--sessions"),
        (["--idle", "0"], "--idle"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_would_be_unsafe_or_makes_no_sense_is_refused(
    options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASR_TOKEN", raising=False)
    shown = asr_here("serve", "--model", "missing", *options)
    assert (shown.status, shown.out) == (2, "")
    assert message in " ".join(shown.err.split())


def test_an_address_that_cannot_be_had_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = asr_here("serve", "--model", "missing", "--port", port)
    one_line(shown, f"127.0.0.1:{port}: cannot listen there (Address already in use)", "choose another")
    elsewhere = asr_here("serve", "--model", "missing", "--host", "192.0.2.1", "--no-token")
    one_line(elsewhere, "192.0.2.1:8000: cannot listen there")


def test_a_file_that_is_no_certificate_is_one_line() -> None:
    one_line(asr_here("serve", "--model", "missing", "--cert", __file__), __file__, "no TLS certificate")


def test_a_model_that_is_missing_is_one_line() -> None:
    one_line(asr_here("serve", "--model", "missing", "--port", 0), "missing", "no such model folder")


def test_without_the_extra_the_remedy_is_told(tmp_path: Path) -> None:
    random_bundle(tmp_path / "model", bidirectional=False, normalization="running")
    code = "import sys; sys.modules['fastapi'] = None; "
    shown = asr("serve", "--model", tmp_path / "model", code=code + MAIN)
    one_line(shown, "fastapi is not installed; pip install 'recurrent-asr[serve]'")
