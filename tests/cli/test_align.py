"""``asr align`` in this process: pairs, manifests, formats, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.recognize.align import BAD_MATCH, align_recording
from asr.recognize.recognizer import load
from tests.helpers.bundles import random_bundle
from tests.helpers.console import Shown, asr_here, one_line
from tests.helpers.timed import read_srt, read_textgrid
from tests.helpers.tones import chirp, noise


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "random"
    random_bundle(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", chirp(100, 5_000, 2) + noise(2), 16_000)
    soundfile.write(tmp_path / "b.flac", noise(1), 16_000)
    (tmp_path / "a.txt").write_text("\ufeffOne two\nSEVEN\n", encoding="utf-8")
    return tmp_path


def align(model: Path, *arguments: object, stdin: bytes = b"") -> Shown:
    return asr_here("align", *arguments, "--model", model, stdin=stdin)


def write_manifest(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps({"duration": 1.0, **line}) + "\n" for line in lines))
    return path


def test_a_textgrid_goes_to_stdout(model: Path, folder: Path) -> None:
    shown = align(model, folder / "a.wav", folder / "a.txt")
    assert shown.status == 0
    duration, tiers = read_textgrid(shown.out)
    assert duration == 2
    assert [text for _, _, text in tiers["words"] if text] == ["One", "two", "SEVEN"]
    assert "".join(text for _, _, text in tiers["tokens"]) == "one▁two▁seven"
    expected = align_recording(load(model), folder / "a.wav", "one two seven").transcript.words
    starts = [start for start, _, text in tiers["words"] if text]
    assert starts == pytest.approx([word.start for word in expected], abs=1e-6)


def test_a_text_from_standard_input_as_json(model: Path, folder: Path) -> None:
    shown = align(model, folder / "a.wav", "-", "-f", "json", stdin="Zero ß".encode())
    values = json.loads(shown.out)
    assert (values["audio"], values["text"]) == (str(folder / "a.wav"), "Zero ß")
    assert len(values["tokens"]) == 6
    words = values["segments"][0]["words"]
    assert all(word["doubtful"] == (word["match"] < BAD_MATCH) for word in words)


def test_words_that_match_badly_are_named_on_stderr(model: Path, folder: Path) -> None:
    counts = set()
    recognizer = load(model)
    written = recognizer.transcribe(folder / "a.wav").text
    for text in ("one two three", "four " * 15, written):
        (folder / "a.txt").write_text(text)
        doubtful = align_recording(recognizer, folder / "a.wav", text).doubtful
        shown = align(model, folder / "a.wav", folder / "a.txt", "-f", "srt")
        assert " ".join(cue for _, _, cue in read_srt(shown.out)) == text.strip()
        counts.add(min(len(doubtful), 11))
        if not doubtful:
            assert shown.err == ""
            continue
        assert shown.err.startswith(
            f"warning: {folder / 'a.wav'}: {len(doubtful)} of {len(text.split())} words"
        )
        assert f"{doubtful[0].text} at {doubtful[0].start:.2f} s" in shown.err
        assert (f" and {len(doubtful) - 10} more" in shown.err) == (len(doubtful) > 10)
    assert {0, 11} <= counts, "the cases no longer show what they should"


@pytest.mark.parametrize("chosen", ["TextGrid", "textgrid"])
def test_files_are_written_with_o(model: Path, folder: Path, chosen: str) -> None:
    out = folder / "new" / "out"
    shown = align(model, folder / "a.wav", folder / "a.txt", "-o", out, "-f", chosen)
    assert (shown.status, shown.out) == (0, "")
    assert [path.name for path in out.iterdir()] == ["a.TextGrid"]
    assert align(model, folder / "a.wav", folder / "a.txt", "-o", out, "-f", "all").status == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.TextGrid", "a.json", "a.srt"]
    assert read_textgrid((out / "a.TextGrid").read_text(encoding="utf-8"))[0] == 2


def test_a_manifest_is_aligned_as_far_as_it_can_be(model: Path, folder: Path) -> None:
    manifest = write_manifest(
        folder / "m.jsonl",
        {"audio_filepath": "a.wav", "text": "One two", "duration": 2.0},
        {"audio_filepath": "missing.wav", "text": "one"},
        {"audio_filepath": "a.wav", "text": "two", "offset": 0.5, "id": "x/../../part 2"},
        {"audio_filepath": "b.flac", "text": "queue", "id": "odd"},
        {"audio_filepath": "b.flac", "text": "one " * 40, "id": "long"},
        {"audio_filepath": "b.flac", "text": "", "id": "empty"},
    )
    shown = align(model, "--manifest", manifest, "-f", "json", "-o", folder / "out")
    assert (shown.status, shown.out) == (1, "")
    written = sorted(str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*.json"))
    assert written == ["a.json", "x/part 2.json"]
    values = json.loads((folder / "out" / "x" / "part 2.json").read_text())
    assert (values["text"], values["duration"], values["audio"]) == ("two", 1.0, str(folder / "a.wav"))
    errors = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4
    assert f"error: {folder / 'missing.wav'}: no such file" in shown.err
    assert "error: utterance odd: the model cannot write 'q' (U+0071); spell" in shown.err
    assert "error: utterance long: the text is too long for the recording: 159 tokens need" in shown.err
    assert "error: utterance empty: the text is empty" in shown.err
    assert "4 of 6 utterances could not be aligned\n" in shown.err


def test_two_utterances_are_not_written_to_one_file(model: Path, folder: Path) -> None:
    lines = [{"audio_filepath": "a.wav", "text": "one", "id": name} for name in ("x", "../x")]
    manifest = write_manifest(folder / "m.jsonl", *lines)
    shown = align(model, "--manifest", manifest, "-o", folder / "out")
    one_line(shown, f"{manifest}: two utterances would be written to x; change the id of one")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["a.wav"], ["a.wav", "a.txt", "b.txt"], ["a.wav", "a.txt", "--manifest", "m.jsonl", "-o", "out"]],
)
def test_one_pair_or_a_manifest_must_be_named(model: Path, arguments: list[str]) -> None:
    shown = align(model, *arguments)
    assert (shown.status, shown.out) == (2, "")
    assert "name one recording and its text file, or a manifest" in shown.err


@pytest.mark.parametrize("arguments", [["--manifest", "m.jsonl"], ["a.wav", "a.txt", "-f", "all"]])
def test_several_files_need_a_folder(model: Path, arguments: list[str]) -> None:
    assert "name a folder with -o" in align(model, *arguments).err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such text file; check the path"),
        (b"", "the text is empty; write what is said"),
        (" \n".encode("utf-8-sig"), "the text is empty; write what is said"),
        ("grün".encode("latin-1"), "not UTF-8 (byte 2); save it as UTF-8"),
        (b"\xe2\x80\x8b", "the text is empty once the normaliser lower is applied"),
        (
            "öde, Ähre".encode(),
            "the model cannot write 'ö' (U+00F6), 'd' (U+0064), ',' (U+002C), 'ä' (U+00E4)",
        ),
        (b"seven " * 50, "299 tokens need 299 emission frames, and its 2.00 s have 99; check"),
    ],
)
def test_a_text_that_cannot_be_used_is_one_line(
    model: Path, folder: Path, content: bytes | None, message: str
) -> None:
    text = folder / "t.txt"
    if content is not None:
        text.write_bytes(content)
    one_line(align(model, folder / "a.wav", text), f"{text}: ", message)


def test_what_is_no_file_is_one_line(model: Path, folder: Path) -> None:
    one_line(align(model, folder / "a.wav", folder), f"{folder}: cannot be read: Is a directory; name a text")
    one_line(align(model, folder / "a.wav", "-"), "standard input: the text is empty")
    one_line(align(model, folder / "x.wav", folder / "a.txt"), f"{folder / 'x.wav'}: no such file")
    one_line(align(model, folder / "a.txt", folder / "a.txt"), "not audio in a known format")
    one_line(align(model, "--manifest", folder / "m", "-o", folder), f"{folder / 'm'}: no such manifest")
    (folder / "nan.wav").write_bytes(b"")
    soundfile.write(folder / "nan.wav", np.full(16_000, np.nan, np.float32), 16_000, subtype="FLOAT")
    one_line(align(model, folder / "nan.wav", folder / "a.txt"), "not a finite number")
