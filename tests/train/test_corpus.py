"""What trains and what chooses is kept apart, and a corpus that cannot be used says why in one line."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.config import AugmentConfig, ModelConfig, Recipe, TokenizerConfig
from asr.data.manifest import file_hash
from asr.errors import ManifestError
from asr.model.lengths import emission_window
from asr.text.tokenizer import BLANK
from asr.text.units import SPACE
from asr.train.corpus import impossible_utterances, prepare_corpus

RECIPE = Recipe(name="r", test=(), model=ModelConfig(subsampling=2))


def write(data: Path, split: str, texts: Sequence[str], duration: float = 2.0) -> None:
    (data / split).mkdir(parents=True, exist_ok=True)
    (data / split / "any.wav").touch()
    lines = [
        {
            "audio_filepath": "any.wav",
            "duration": duration,
            "text": text,
            "id": f"{split}-{i}",
            "speaker": f"s{i % 5}",
        }
        for i, text in enumerate(texts)
    ]
    (data / split / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def refused(recipe: Recipe, data: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        prepare_corpus(recipe, data)
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value), "the message names no remedy"
    return str(caught.value)


def test_dev_speakers_are_set_apart(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a b"] * 20)
    corpus = prepare_corpus(replace(RECIPE, dev_speakers=("s1", "s3")), tmp_path)
    assert {utterance.speaker for utterance in corpus.dev} == {"s1", "s3"}
    assert {utterance.speaker for utterance in corpus.train} == {"s0", "s2", "s4"}
    assert len(corpus.train) + len(corpus.dev) == 20


@given(st.integers(2, 60), st.floats(0, 0.95))
def test_a_dev_fraction_is_a_share_fixed_by_the_ids(
    tmp_path_factory: pytest.TempPathFactory, count: int, fraction: float
) -> None:
    data = tmp_path_factory.mktemp("data")
    write(data, "train", ["a"] * count)
    recipe = replace(RECIPE, dev_fraction=fraction)
    expected = max(1, round(fraction * count))
    if expected == count:
        assert "to choose on" in refused(recipe, data)
        return
    corpus = prepare_corpus(recipe, data)
    dev = {utterance.id for utterance in corpus.dev}
    assert len(dev) == expected
    assert not dev & {utterance.id for utterance in corpus.train}
    path = data / "train" / "manifest.jsonl"
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    assert {utterance.id for utterance in prepare_corpus(recipe, data).dev} == dev


@given(st.integers(1, 40), st.floats(0.05, 1), st.floats(0.05, 1))
def test_a_smaller_share_to_train_on_is_part_of_a_larger_one(
    tmp_path_factory: pytest.TempPathFactory, count: int, one: float, other: float
) -> None:
    data = tmp_path_factory.mktemp("data")
    write(data, "train", ["a"] * count)
    write(data, "dev", ["b"])
    few, many = (
        prepare_corpus(replace(RECIPE, dev=("dev",), train_fraction=share), data)
        for share in sorted((one, other))
    )
    whole = prepare_corpus(replace(RECIPE, dev=("dev",)), data)
    assert set(few.train) <= set(many.train) <= set(whole.train)
    assert {u.speaker for u in few.train} == {u.speaker for u in whole.train}
    for speaker in {u.speaker for u in whole.train}:
        own = sum(u.speaker == speaker for u in whole.train)
        assert sum(u.speaker == speaker for u in few.train) == math.ceil(min(one, other) * own)
    assert few.dev == whole.dev


def test_a_split_to_choose_on_leaves_the_training_set_whole(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"] * 5)
    write(tmp_path, "more", ["b"] * 3)
    write(tmp_path, "dev", ["c"] * 2)
    corpus = prepare_corpus(replace(RECIPE, train=("train", "more"), dev=("dev",)), tmp_path)
    assert (len(corpus.train), len(corpus.dev)) == (8, 2)
    assert dict(corpus.hashes) == {
        f"{split}/manifest.jsonl": file_hash(tmp_path / split / "manifest.jsonl")
        for split in ("train", "more", "dev")
    }


def test_the_vocabulary_comes_from_training_texts_alone(tmp_path: Path) -> None:
    write(tmp_path, "train", ["B a", "ä"])
    write(tmp_path, "dev", ["xyz"])
    corpus = prepare_corpus(replace(RECIPE, dev=("dev",)), tmp_path)
    assert corpus.tokenizer.vocabulary == (BLANK, *sorted(["a", "b", "ä", SPACE]))
    assert [corpus.tokenizer.decode(tokens) for tokens in corpus.tokens] == ["b a", "ä"]


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    assert "'train'" in refused(RECIPE, tmp_path)
    write(tmp_path, "train", ["a"] * 3)
    assert "'dev2'" in refused(replace(RECIPE, dev=("dev2",)), tmp_path)


def test_missing_recordings_are_counted_and_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"] * 3)
    (tmp_path / "train" / "any.wav").unlink()
    message = refused(RECIPE, tmp_path)
    assert "3 of 3 recordings are missing" in message
    assert "any.wav" in message


def test_test_splits_are_read_and_may_hold_silence(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"] * 3)
    write(tmp_path, "clean", ["b", ""])
    corpus = prepare_corpus(replace(RECIPE, test=("clean",)), tmp_path)
    assert [utterance.text for utterance in corpus.tests["clean"]] == ["b", ""]
    assert "clean/manifest.jsonl" in corpus.hashes
    assert "'noisy'" in refused(replace(RECIPE, test=("clean", "noisy")), tmp_path)


def test_the_licence_of_the_data_folder_comes_along(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"] * 3)
    assert prepare_corpus(RECIPE, tmp_path).terms == ""
    (tmp_path / "LICENSE").write_text("Do as you like.\n")
    assert prepare_corpus(RECIPE, tmp_path).terms == "Do as you like.\n"


def test_the_licences_of_several_corpora_come_along_by_name(tmp_path: Path) -> None:
    for split in ("one/train", "one/more", "two/train"):
        write(tmp_path, split, ["a"] * 3)
    recipe = replace(RECIPE, train=("one/train", "one/more", "two/train"))
    (tmp_path / "two" / "LICENSE").write_text("Share alike.\n")
    assert prepare_corpus(recipe, tmp_path).terms == "Share alike.\n"
    (tmp_path / "one" / "LICENSE").write_text("Name us.\n")
    assert prepare_corpus(recipe, tmp_path).terms == "one:\n\nName us.\n\ntwo:\n\nShare alike.\n"


def test_two_utterances_of_one_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"] * 3)
    assert "id 'train-0'" in refused(replace(RECIPE, train=("train", "train")), tmp_path)


def test_an_unknown_dev_speaker_is_named(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"] * 10)
    assert "'nobody'" in refused(replace(RECIPE, dev_speakers=("s1", "nobody")), tmp_path)


def test_nothing_to_train_or_to_choose_on_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "train", ["a"])
    assert "0 utterances to train on and 1 to choose on" in refused(RECIPE, tmp_path)


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "…"])
@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_text_of_which_nothing_is_left_is_refused(tmp_path: Path, split: str, text: str) -> None:
    write(tmp_path, "train", ["a"] * 3)
    write(tmp_path, "dev", ["a"] * 3)
    write(tmp_path, split, ["a", text, "b"])
    recipe = replace(RECIPE, dev=("dev",), tokenizer=TokenizerConfig(normalizer="lower_words"))
    message = refused(recipe, tmp_path)
    assert f"'{split}-1'" in message
    assert str(tmp_path / split / "manifest.jsonl") in message


def test_utterances_too_short_for_their_text_are_listed_at_the_fastest_speed(tmp_path: Path) -> None:
    # 0.5 s are 48 frames and 24 emission frames: 24 letters fit, with a repeat one fewer does.
    letters = "abcdefghijklmnopqrstuvwx"
    write(tmp_path, "train", [letters, letters + "y", "aa" + letters[:21], "aa" + letters[:22]], 0.5)
    write(tmp_path, "dev", ["a"])
    recipe = replace(RECIPE, dev=("dev",))
    corpus = prepare_corpus(recipe, tmp_path)
    window = emission_window(recipe.model)
    assert impossible_utterances(corpus, recipe, window) == ["train-1", "train-2", "train-3"]
    faster = replace(recipe, augment=AugmentConfig(speeds=(0.9, 1.1)))
    assert impossible_utterances(corpus, faster, window) == ["train-0", "train-1", "train-2", "train-3"]
