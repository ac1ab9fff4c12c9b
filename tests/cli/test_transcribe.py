"""``asr transcribe`` in this process: what goes in, where it comes out, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.config import DecodingConfig
from asr.recognize.formats import FORMATS
from asr.recognize.recognizer import load
from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr_here, one_line
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp, noise, silence


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "random"
    random_bundle(folder)
    return folder


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "sub").mkdir(parents=True)
    soundfile.write(folder / "a.wav", chirp(100, 5_000, 2), 16_000)
    soundfile.write(folder / "b.flac", noise(1), 16_000)
    soundfile.write(folder / "sub" / "a.wav", chirp(5_000, 100, 1), 16_000)
    (folder / "notes.txt").write_text("no recording")
    return folder


def text_of(model: Path, file: Path) -> str:
    return load(model).transcribe(file).text


def test_one_file_is_its_text_and_nothing_else(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings / "a.wav", "--model", model)
    assert shown.status == 0
    assert shown.out == text_of(model, recordings / "a.wav") + "\n"
    assert shown.err == ""
    assert len(shown.out) > 3


def test_a_beam_can_be_asked_for(model: Path, recordings: Path) -> None:
    file = recordings / "a.wav"
    shown = asr_here("transcribe", file, "--model", model, "--beam-size", "20")
    assert shown.out == load(model, decoding=DecodingConfig(beam_size=20)).transcribe(file).text + "\n"
    assert (
        asr_here("transcribe", file, "--model", model, "--beam-size", "0").out == text_of(model, file) + "\n"
    )
    assert asr_here("transcribe", file, "--model", model, "--beam-size", "-1").status == 2


def test_several_files_are_told_apart(model: Path, recordings: Path) -> None:
    files = [recordings / "b.flac", recordings / "a.wav"]
    shown = asr_here("transcribe", *files, "--model", model)
    assert shown.out == "".join(f"{file}: {text_of(model, file)}\n" for file in files)


def test_a_folder_is_all_recordings_below_it(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings, "--model", model)
    files = [recordings / "a.wav", recordings / "b.flac", recordings / "sub" / "a.wav"]
    assert shown.out == "".join(f"{file}: {text_of(model, file)}\n" for file in files)
    assert (shown.status, shown.err) == (0, "")


def test_a_folder_of_one_recording_names_it_too(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings / "sub", "--model", model)
    assert shown.out.startswith(f"{recordings / 'sub' / 'a.wav'}: ")


def test_standard_input(model: Path, recordings: Path) -> None:
    content = (recordings / "a.wav").read_bytes()
    shown = asr_here("transcribe", "-", "--model", model, stdin=content)
    assert shown.out == text_of(model, recordings / "a.wav") + "\n"
    one_line(asr_here("transcribe", "-", "--model", model), "standard input: empty file", status=1)


def test_json_has_words_with_times_and_probabilities(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings, "--model", model, "-f", "json")
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [line["audio"] for line in lines] == [
        str(recordings / name) for name in ("a.wav", "b.flac", "sub/a.wav")
    ]
    transcript = load(model).transcribe(recordings / "a.wav")
    assert lines[0]["text"] == transcript.text
    (segment,) = lines[0]["segments"]
    assert [word["word"] for word in segment["words"]] == [word.text for word in transcript.words]
    assert segment["words"][0]["start"] == pytest.approx(transcript.words[0].start, abs=1e-3)
    assert segment["words"][0]["probability"] == pytest.approx(transcript.words[0].confidence, abs=1e-4)


def test_files_are_written_with_o(model: Path, recordings: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "texts"
    shown = asr_here("transcribe", recordings, "--model", model, "-f", "all", "-o", out)
    assert (shown.status, shown.out, shown.err) == (0, "", "")
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert written == sorted(f"{name}.{extension}" for name in ("a", "b", "sub/a") for extension in FORMATS)
    assert (out / "sub" / "a.txt").read_text() == text_of(model, recordings / "sub" / "a.wav") + "\n"
    assert json.loads((out / "a.json").read_text())["audio"] == str(recordings / "a.wav")


def test_the_same_name_twice_overwrites_nothing(model: Path, recordings: Path, tmp_path: Path) -> None:
    first, second = recordings / "a.wav", recordings / "sub" / "a.wav"
    asr_here("transcribe", first, second, first, "--model", model, "-o", tmp_path / "out")
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert written.keys() == {"a.txt", "a-2.txt", "a-3.txt"}
    assert written["a.txt"] == written["a-3.txt"] == text_of(model, first) + "\n"
    assert written["a-2.txt"] == text_of(model, second) + "\n"


def test_all_formats_need_a_folder(model: Path) -> None:
    shown = asr_here("transcribe", "a.wav", "--model", model, "-f", "all")
    assert shown.status == 2
    assert "name a folder with -o" in shown.err


def test_a_file_is_no_folder_for_the_output(model: Path, recordings: Path) -> None:
    shown = asr_here("transcribe", recordings / "a.wav", "--model", model, "-o", recordings / "notes.txt")
    assert (shown.status, shown.out) == (2, "")
    assert "notes.txt' is a file" in shown.err


def test_a_channel_can_be_chosen(model: Path, tmp_path: Path) -> None:
    stereo = np.stack([silence(1), chirp(100, 5_000, 1)], axis=1)
    (tmp_path / "a.wav").write_bytes(encoded(stereo))
    both = [asr_here("transcribe", tmp_path / "a.wav", "--model", model, "--channel", n) for n in (0, 1)]
    assert both[0].out != both[1].out
    shown = asr_here("transcribe", tmp_path / "a.wav", "--model", model, "--channel", 2)
    one_line(shown, "no channel 2; choose one of 0 to 1", status=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; check the path"),
        (b"", "empty file (0 bytes); record or copy it again"),
        (encoded(noise(1))[:20], "copy it again"),
        (b"this is not audio", "not audio in a known format; convert it"),
        (encoded(np.full(999, np.nan, np.float32), subtype="FLOAT"), "not a finite number; export it again"),
    ],
    ids=["missing", "empty", "cut off in the header", "not audio", "nan"],
)
def test_a_file_that_cannot_be_used_is_one_line(
    model: Path, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)
    one_line(asr_here("transcribe", path, "--model", model), f"{path}: ", message, status=1)


@pytest.mark.parametrize("name", ["", "x" * 300])
def test_a_name_that_cannot_be_opened_is_one_line(model: Path, name: str) -> None:
    one_line(asr_here("transcribe", name, "--model", model), name, status=1)


def test_a_folder_without_audio_is_one_line(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shown = asr_here("transcribe", tmp_path / "empty", "--model", model)
    assert shown.status == 1
    assert f"{tmp_path / 'empty'}: no recordings in this folder; put" in shown.err


def test_a_model_that_cannot_be_used_is_one_line(recordings: Path, tmp_path: Path) -> None:
    for folder, message in (
        (tmp_path / "none", "no such model folder"),
        (recordings, "it has no model.json"),
    ):
        one_line(asr_here("transcribe", "a.wav", "--model", folder), str(folder), message)


def test_a_device_that_is_not_there_is_one_line(model: Path) -> None:
    shown = asr_here("transcribe", "a.wav", "--model", model, "--device", "toaster")
    one_line(shown, "device 'toaster' cannot be used", "try --device cpu")
