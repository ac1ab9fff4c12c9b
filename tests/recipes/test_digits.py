"""The generator of spoken digit strings: what it writes, that it repeats itself, and how it fails."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from asr.audio.io import load_audio, probe
from asr.data.manifest import Utterance, read_manifest

FOLDER = Path(__file__).parents[2] / "recipes/digits"
SMALL = ("--train", "3", "--dev", "1", "--test", "2")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    specification = importlib.util.spec_from_file_location("digits_generate", FOLDER / "generate.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["digits_generate"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpus(generate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("espeakng_loader", reason="needs the extra 'demo'")
    folder = tmp_path_factory.mktemp("digits") / "corpus"
    assert generate.main(["--to", str(folder), *SMALL]) == 0
    return folder


def utterances(folder: Path) -> dict[str, list[Utterance]]:
    return {split: read_manifest(folder / split / "manifest.jsonl") for split in ("train", "dev", "test")}


def test_speech_is_plausible(corpus: Path, generate: ModuleType) -> None:
    found = utterances(corpus)
    assert {split: len(ones) for split, ones in found.items()} == {"train": 3, "dev": 1, "test": 2}
    for one in [one for ones in found.values() for one in ones]:
        words = one.text.split()
        assert 1 <= len(words) <= 7 and set(words) <= set(generate.WORDS)
        assert probe(one.audio).sample_rate == 16_000
        assert probe(one.audio).duration == pytest.approx(one.duration, abs=1e-3)
        assert 0.1 < (one.duration - 0.35) / len(words) < 1.0
        samples = load_audio(one.audio)
        speech = samples[np.abs(samples) > 0.02]
        assert 0.02 < np.sqrt(np.mean(samples**2)) < 0.4
        assert len(speech) > 0.1 * len(samples)
        assert np.abs(samples[:400]).max() < 0.01 > np.abs(samples[-400:]).max()


def test_same_seed_same_bytes_and_again_is_no_work(
    corpus: Path, generate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["--to", str(tmp_path / "again"), *SMALL]) == 0
    files = sorted(path.relative_to(corpus) for path in corpus.rglob("*") if path.is_file())
    assert len(files) == 6 + 3 + 1
    for file in files:
        assert (corpus / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"again"}
    capsys.readouterr()
    assert generate.main(["--to", str(tmp_path / "again"), *SMALL]) == 0
    assert capsys.readouterr().err.endswith("is there already\n")
    assert generate.main(["--to", str(tmp_path / "again"), *SMALL, "--seed", "1"]) == 2
    assert "something else is there" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [0, 1])
def test_no_string_and_no_voice_in_two_splits(generate: ModuleType, seed: int) -> None:
    planned = {split: list(generate.plan(split, 300, seed)) for split in generate.VARIANTS}
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not {said.text for said in planned[one]} & {said.text for said in planned[other]}
        assert not {said.voice for said in planned[one]} & {said.voice for said in planned[other]}
    said = {word for ones in planned.values() for one in ones for word in one.text.split()}
    assert said == set(generate.WORDS)
    assert planned["test"] != list(generate.plan("test", 300, seed + 1))


def test_every_voice_exists_and_every_word_sounds_different(generate: ModuleType) -> None:
    loader = pytest.importorskip("espeakng_loader", reason="needs the extra 'demo'")
    known = {path.name for path in (Path(loader.get_data_path()) / "voices/!v").iterdir()}
    assert {name for names in generate.VARIANTS.values() for name in names} <= known
    with generate.speaker() as speaker:
        for accent in generate.ACCENTS:
            voice = f"{accent}+{generate.VARIANTS['test'][0]}"
            said = [generate.Speaking(word, voice, 160, 50) for word in generate.WORDS]
            spoken = [speaker.say(one).samples for one in said]
            powers = [np.abs(np.fft.rfft(word, 16_000))[:8000] ** 2 for word in spoken]
            bands = [np.log(power.reshape(80, 100).mean(axis=1) + 1e-9) for power in powers]
            likeness = np.corrcoef(bands) - 2 * np.eye(len(bands))
            assert likeness.max() < 0.99


def loudness(samples: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(samples[round(16_000 * begin) : round(16_000 * end)] ** 2)))


def test_words_are_where_they_are_said_to_be(generate: ModuleType) -> None:
    pytest.importorskip("espeakng_loader", reason="needs the extra 'demo'")
    with generate.speaker() as speaker:
        one = speaker.say(generate.Speaking("seven", "en-us+m3", 150, 50))
        two = speaker.say(generate.Speaking("seven, four", "en-us+m3", 150, 50))
        six = speaker.say(generate.Speaking("oh eight oh nine one oh", "en-us+f2", 170, 50))
    ((begin, end),) = one.words
    assert begin < 0.02 and 0.3 < end < len(one.samples) / 16_000
    (first, second), duration = two.words, len(two.samples) / 16_000
    assert 0.1 < second[0] - first[1] < 0.5 and second[1] < duration  # a comma is a pause
    pause = loudness(two.samples, first[1] + 0.05, second[0] - 0.05)
    assert 50 * pause < min(loudness(two.samples, *first), loudness(two.samples, *second))
    assert len(six.words) == 6
    assert all(left[1] == right[0] for left, right in pairwise(six.words))  # said without a pause
    assert all(0.1 < end - begin < 0.5 for begin, end in six.words)


def test_margins_move_the_words_along(generate: ModuleType) -> None:
    spoken = generate.Spoken(np.full(8_000, 0.5, np.float32), ((0.0, 0.2), (0.2, 0.5)))
    moved = generate.with_margins(spoken, np.random.default_rng(0))
    (begin, _), (_, end) = moved.words
    assert loudness(moved.samples, begin, end) == pytest.approx(0.5, abs=1e-3)
    assert loudness(moved.samples, 0, begin) < 0.01 > loudness(moved.samples, end, end + 0.05)


def environment(tmp_path: Path) -> dict[str, str]:
    """An environment without the wheel, and with a PATH of our own."""
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError")
    (tmp_path / "bin").mkdir()
    return os.environ | {"PYTHONPATH": str(tmp_path), "PATH": str(tmp_path / "bin")}


def test_without_a_synthesizer_one_clear_line(tmp_path: Path) -> None:
    command = [sys.executable, FOLDER / "generate.py", "--to", tmp_path / "to"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: no speech synthesizer; pip install 'recurrent-asr[demo]'\n"
    assert not (tmp_path / "to").exists()


def test_program_speaks_where_the_wheel_is_missing(tmp_path: Path) -> None:
    """A program that answers as espeak-ng does, with a wav on standard output whose length is a guess."""
    without = environment(tmp_path)
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        file.writeframes(b"\1\2" * 500)
    content = bytearray((tmp_path / "said.wav").read_bytes())
    content[4:8], content[40:44] = b"\x24\xf0\xff\x7f", b"\x00\xf0\xff\x7f"
    (tmp_path / "said.wav").write_bytes(content)
    program = tmp_path / "bin/espeak-ng"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\nexec /bin/cat {tmp_path}/said.wav\n')
    program.chmod(0o755)
    request = json.dumps({"text": "one two", "voice": "en-us+f2", "speed": 150, "pitch": 40}) + "\n"
    command = [sys.executable, FOLDER / "speak.py"]
    done = subprocess.run(command, input=request.encode(), env=without, capture_output=True, check=True)
    hello, header, samples = done.stdout.split(b"\n", 2)
    assert json.loads(hello) == {"synthesizer": str(program)}
    assert json.loads(header) == {"samples": 500, "sample_rate": 22_050, "words": None}
    assert samples == b"\1\2" * 500
    assert (tmp_path / "arguments").read_text().split()[:6] == ["-v", "en-us+f2", "-s", "150", "-p", "40"]


def test_library_is_never_in_this_process(corpus: Path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc/self/maps")
    assert corpus.exists()
    assert "libespeak" not in maps.read_text()
