"""``asr check`` and recipe files: what is printed, the status, and mistakes in a recipe in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.bundles import random_bundle
from tests.helpers.console import asr_here, one_line
from tests.helpers.recordings import encoded
from tests.helpers.tones import noise

START = "from asr.config import *\n\n"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", noise(1), 16_000)
    return written(tmp_path, ["one two", "hélo"])


def written(folder: Path, texts: list[str], names: str = "ab") -> Path:
    path = folder / "manifest.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"audio_filepath": f"{name}.wav", "duration": 1, "text": text})
            for name, text in zip(names, texts, strict=True)
        )
    )
    return path


def test_a_good_manifest_is_summed_up(manifest: Path) -> None:
    shown = asr_here("check", manifest)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "2 utterances, 0.00 h, 0 speakers",
        "durations: 1.00 s shortest, 1.00 s median, 1.00 s longest",
        "9 units: e×1 h×1 l×1 n×1 o×3 t×1 w×1 é×1 space×1",
        "no problems",
    ]


def test_problems_are_listed_by_line_with_status_1(manifest: Path) -> None:
    manifest.write_text(manifest.read_text() + '\n{"audio_filepath": "no.wav", "duration": 1, "text": "x"}')
    shown = asr_here("check", manifest)
    assert shown.status == 1
    path = manifest.parent / "no.wav"
    assert shown.out.endswith(f"problems: 1\nline 3: {path}: no such file; check the path\n")


def test_only_the_first_problems_are_shown_unless_all_are_wanted(manifest: Path) -> None:
    manifest.write_text("{\n" * 60)
    shown = asr_here("check", manifest)
    assert shown.out.count("\nline ") == 50
    assert shown.out.endswith("… and 10 more: --all shows them\n")
    assert asr_here("check", manifest, "--all").out.count("\nline ") == 60


def test_the_settings_of_a_recipe_count(manifest: Path) -> None:
    written(manifest.parent, ["ab" * 15, "one"])
    recipe = manifest.parent / "r.py"
    for subsampling, status in ((2, 0), (4, 1)):
        recipe.write_text(
            f"{START}recipe = Recipe('x', model=ModelConfig(subsampling={subsampling}), "
            "tokenizer=TokenizerConfig(normalizer='upper'))\n"
        )
        shown = asr_here("check", manifest, "--recipe", recipe)
        assert shown.status == status
        assert " A×15 " in shown.out
    assert "line 1: CTC cannot align it: 25 emission frames for 30 tokens" in shown.out


def test_the_vocabulary_of_a_model_counts(manifest: Path) -> None:
    random_bundle(manifest.parent / "model", texts=("one two",))
    shown = asr_here("check", manifest, "--model", manifest.parent / "model")
    assert shown.status == 1
    assert "line 2: 'h' (U+0068) in 'hélo' is not in the vocabulary" in shown.out
    one_line(asr_here("check", manifest, "--model", manifest), "not a model folder")


def test_decoding_finds_values_that_are_no_numbers(manifest: Path) -> None:
    bad = np.where(np.arange(16_000) == 8_000, np.float32(np.nan), noise(1))
    (manifest.parent / "b.wav").write_bytes(encoded(bad, subtype="FLOAT"))
    assert asr_here("check", manifest).status == 0
    shown = asr_here("check", manifest, "--decode")
    assert shown.status == 1
    assert "line 2: " in shown.out
    assert "the sample at 0.5000 s is not a finite number; export it again" in shown.out


def test_a_manifest_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    one_line(asr_here("check", tmp_path / "no.jsonl"), "no.jsonl: no such manifest; python -m data_prep")
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe")
    one_line(asr_here("check", tmp_path / "x.jsonl"), "not UTF-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "r.py: no such recipe; see recipes/"),
        ("", "r.py: defines no recipe; write recipe = Recipe(name="),
        ("recipe = {}", "r.py: defines no recipe"),
        (START + "recipe = Recipe(", "r.py, line 3: '(' was never closed; correct"),
        (START + "recipe = Recipe('x', trian=())", "line 3: unknown key 'trian'; did you mean 'train'?"),
        (
            START + "recipe = Recipe('x', model=ModelConfig(hiden=3))",
            "line 3: unknown key 'hiden'; did you mean 'hidden'?",
        ),
        (START + "recipe = Recipe()", "line 3: Recipe.__init__() missing 1 required"),
        (
            START + "recipe = Recipe('x', model=ModelConfig(cell='lstmm'))",
            "r.py: model.cell: unknown value 'lstmm'; did you mean 'lstm'?",
        ),
        (START + "recipe = Recipe('x', model=ModelConfig(layers=0))", "r.py: model.layers: "),
        (START + "recipe = Recipe('x', train='train')", "r.py: train: expected list, got str"),
        (
            START + "recipe = Recipe('x', features=FeatureConfig(fft=9))",
            "line 3: fft (9) must be a power of two",
        ),
        (START + "recipe = Recipy('x')", "line 3: name 'Recipy' is not defined; correct the recipe"),
        ("import no_such_module", "line 1: No module named 'no_such_module'"),
        ("\0", "null bytes"),
    ],
)
def test_a_mistake_in_a_recipe_is_one_line(manifest: Path, content: str | None, message: str) -> None:
    recipe = manifest.parent / "r.py"
    if content is not None:
        recipe.write_text(content)
    one_line(asr_here("check", manifest, "--recipe", recipe), str(recipe), message)
