"""``asr report`` as a user meets it: recordings, manifests, hostile names, mistakes in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.cli.report import _chosen
from asr.recognize.recognizer import load
from asr.recognize.scoring import score
from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr_here, one_line
from tests.helpers.corpora import spoken
from tests.report.parsing import Node, read
from tests.report.test_page import foreign, shown_words

HOSTILE = "<img src=x onerror=alert(1)>\"'& \u202e.wav"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "<b>m"
    random_bundle(folder, texts=("<b>x</b> <i>", "&amp; \"a' <img>"))
    return folder


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / HOSTILE
    soundfile.write(path, spoken("do re mi fa"), 16_000, format="WAV")
    return path


def page_at(path: Path) -> Node:
    page = read(path.read_text(encoding="utf-8"))
    assert foreign(page) == []
    return page


def test_a_page_says_what_transcribe_says(model: Path, recording: Path, tmp_path: Path) -> None:
    shown = asr_here("report", recording, "--model", model, "-o", tmp_path / "new" / "r.html", "--audio")
    assert (shown.status, shown.out) == (0, "")
    page = page_at(tmp_path / "new" / "r.html")
    transcript = load(model).transcribe(recording)
    assert transcript.words
    (article,) = page.all("article")
    assert [word.text for word in shown_words(article)] == [word.text for word in transcript.words]
    assert next(article.all("h2")).text == str(recording).replace("\u202e", r"\u202e")
    assert len(list(article.all("audio"))) == 1


def test_folders_and_files_that_cannot_be_read(model: Path, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    shown = asr_here("report", tmp_path, "--model", model, "-o", tmp_path / "r.html", "--title", "<i>")
    assert shown.status == 1
    assert "bad.wav: damaged" in shown.err
    page = page_at(tmp_path / "r.html")
    assert len(list(page.all("article"))) == 1
    assert next(page.all("h1")).text == "<i>"
    assert list(page.all("audio")) == []


def test_where_nothing_can_be_read_no_page_is_written(model: Path, tmp_path: Path) -> None:
    shown = asr_here("report", tmp_path / "no.wav", "--model", model, "-o", tmp_path / "r.html")
    assert shown.status == 1
    assert "no.wav: no such file" in shown.err
    assert not (tmp_path / "r.html").exists()


def test_a_manifest_is_evaluated(model: Path, recording: Path, tmp_path: Path) -> None:
    transcript = load(model).transcribe(recording)
    lines = [
        {"audio_filepath": HOSTILE, "duration": 1.26, "text": transcript.text, "id": "<a>", "speaker": "<s>"},
        {"audio_filepath": HOSTILE, "duration": 1.26, "text": "so wrong it is", "id": "b", "speaker": "t"},
    ]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    options = ("--model", model, "-o", tmp_path / "r.html", "--worst", 1)
    shown = asr_here("report", "--manifest", manifest, *options)
    assert shown.status == 0, shown.err
    printed = asr_here("evaluate", manifest, "--model", model, "--worst", 0).out
    page = page_at(tmp_path / "r.html")
    assert next(page.all("pre")).text == printed.rstrip("\n")
    (article,) = page.all("article")
    assert next(article.all("h2")).text == "b"
    utterances = list(page.all("section"))[-1]
    assert [row.text for row in utterances.all("tr")][1].startswith("<a><s>0")


def test_the_worst_come_first_and_then_others() -> None:
    scored = [score(str(n), "", "a b c", "a b c" if n % 2 else "a b", 1.0) for n in range(6)]
    assert _chosen(scored, 4) == [0, 2, 4, 1]
    assert _chosen(scored, 2) == [0, 2]


def test_one_channel(model: Path, tmp_path: Path) -> None:
    left = spoken("do re mi fa")
    soundfile.write(tmp_path / "a.wav", np.stack([left, 0 * left], 1), 16_000)
    soundfile.write(tmp_path / "b.wav", left, 16_000)
    for name, options in (("a", ("--channel", 0)), ("b", ())):
        shown = asr_here(
            "report", tmp_path / f"{name}.wav", "--model", model, "-o", tmp_path / name, *options
        )
        assert shown.status == 0
    pictures = [next(page_at(tmp_path / name).all("image")).attributes["href"] for name in "ab"]
    assert pictures[0] == pictures[1]


def test_mistakes_are_one_line(model: Path, recording: Path, tmp_path: Path) -> None:
    usage = asr_here("report", "--model", model)
    assert usage.status == 2
    assert "name recordings, or a manifest" in usage.err
    usage = asr_here("report", "--model", model, "--manifest", tmp_path, "--channel", 0)
    assert (usage.status, "--channel is for recordings" in usage.err) == (2, True)
    one_line(asr_here("report", recording, "--model", tmp_path), "not a model folder")
    missing = asr_here("report", "--manifest", tmp_path / "no.jsonl", "--model", model)
    one_line(missing, "no.jsonl: no such manifest")
    shutil.copy(recording, tmp_path / "file")
    one_line(
        asr_here("report", recording, "--model", model, "-o", tmp_path / "file" / "r.html"),
        "cannot be written",
    )
