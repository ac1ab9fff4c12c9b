"""An example depends on the seed, the epoch and the utterance, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.features import log_mel
from asr.audio.io import load_audio
from asr.audio.normalization import collect_statistics, normalize
from asr.config import AugmentConfig, FeatureConfig
from asr.data.dataset import Dataset, Example, Recordings, feature_frames
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AudioError
from tests.helpers.corpora import write_short_corpus
from tests.helpers.runs import AUGMENT, FEATURES, dataset, measured


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    data = write_short_corpus(tmp_path_factory.mktemp("data"))
    return read_manifest(data / "train" / "manifest.jsonl")


def drawn(utterances: list[Utterance], augment: AugmentConfig | None = AUGMENT, seed: int = 7) -> Dataset:
    return dataset(utterances, augment, seed, measured(utterances, FEATURES))


def same(one: Example, other: Example) -> bool:
    return (
        one.id == other.id
        and np.array_equal(one.features, other.features)
        and np.array_equal(one.tokens, other.tokens)
    )


@settings(max_examples=10)
@given(st.data())
def test_order_of_drawing_changes_nothing(utterances: list[Utterance], data: st.DataObject) -> None:
    first, second = drawn(utterances), drawn(utterances)
    wanted = data.draw(
        st.lists(st.tuples(st.integers(0, len(first) - 1), st.integers(0, 3)), min_size=1, max_size=6)
    )
    shuffled = data.draw(st.permutations(wanted))
    once = {place: first.example(*place) for place in wanted}
    again = {place: second.example(*place) for place in shuffled}
    assert all(same(once[place], again[place]) for place in wanted)


def test_seed_and_epoch_change_examples(utterances: list[Utterance]) -> None:
    one = drawn(utterances).example(0, 0)
    assert not same(one, drawn(utterances).example(0, 1))
    assert not same(one, drawn(utterances, seed=8).example(0, 0))


def test_company_does_not_change_an_example(utterances: list[Utterance]) -> None:
    whole, part = dataset(utterances, AUGMENT, 7), dataset(utterances[2:], AUGMENT, 7)
    assert np.array_equal(whole.example(2, 1).features, part.example(0, 1).features)


def test_without_augmentation_an_example_is_the_normalised_features(utterances: list[Utterance]) -> None:
    plain = drawn(utterances, None)
    spoken = [log_mel(load_audio(utterance.audio), FEATURES) for utterance in utterances]
    statistics = collect_statistics(spoken, FEATURES)
    for index, features in enumerate(spoken):
        for epoch in (0, 5):
            example = plain.example(index, epoch)
            assert example.id == utterances[index].id
            assert example.tokens.tolist() == [index + 1] * 2
            assert example.features.dtype == np.float32
            np.testing.assert_allclose(example.features, normalize(features, FEATURES, statistics), atol=1e-5)


def test_normalised_training_features_have_mean_0_and_deviation_1(utterances: list[Utterance]) -> None:
    plain = drawn(utterances, None)
    frames = np.concatenate([plain.example(index, 0).features for index in range(len(plain))])
    raw = np.concatenate([log_mel(load_audio(utterance.audio), FEATURES) for utterance in utterances]).std(0)
    np.testing.assert_allclose(frames.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(frames.std(0), raw / np.maximum(raw, FEATURES.deviation_floor), atol=1e-3)


def test_vocal_tracts_differ_from_epoch_to_epoch(utterances: list[Utterance]) -> None:
    warped, plain = drawn(utterances, AugmentConfig(vocal_tract=0.1)), drawn(utterances, None)
    first, second = warped.example(0, 0).features, warped.example(0, 1).features
    assert first.shape == second.shape == plain.example(0, 0).features.shape
    assert not np.allclose(first, second)
    assert not np.allclose(first, plain.example(0, 0).features)


def test_spec_augment_waits_for_its_epoch(utterances: list[Utterance]) -> None:
    late = AugmentConfig(mel_masks=2, mel_mask_bins=10, time_masks=2, spec_from_epoch=3)
    masked, plain = drawn(utterances, late), drawn(utterances, None)
    for epoch, equal in ((2, True), (3, False), (4, False)):
        hidden = [same(masked.example(i, epoch), plain.example(i, epoch)) for i in range(len(plain))]
        assert all(hidden) if equal else not all(hidden)


def test_views_are_as_long_and_say_the_same_but_differ(utterances: list[Utterance]) -> None:
    augment = replace(AUGMENT, vocal_tract=0.1, mel_masks=1, speeds=(0.9, 1.1), non_speech=0.5)
    plain = dataset(utterances, augment, 7)
    for index in range(len(plain)):
        first, second = plain.views(index, 1, 2)
        assert same(first, plain.example(index, 1))
        assert (second.id, second.tokens.tolist()) == (first.id, first.tokens.tolist())
        assert second.features.shape == first.features.shape
        assert not np.allclose(second.features, first.features)


def test_non_speech_is_added_as_asked_and_says_nothing(utterances: list[Utterance]) -> None:
    noisy = drawn(utterances, replace(AUGMENT, non_speech=0.5))
    assert len(noisy) == len(utterances) + 3
    for index in range(len(utterances), len(noisy)):
        example = noisy.example(index, 0)
        assert not len(example.tokens)
        assert len(example.features) == feature_frames(noisy.durations[index : index + 1], FEATURES)[0]
        assert np.isfinite(example.features).all()
    assert len({noisy.example(index, 0).id for index in range(len(noisy))}) == len(noisy)


def test_a_stretch_of_a_recording_is_read_from_its_offset(utterances: list[Utterance]) -> None:
    inner = replace(utterances[0], start=0.1, duration=0.2)
    example = drawn([inner], None).example(0, 0)
    samples = load_audio(inner.audio)[1600 : 1600 + 3200]
    assert len(example.features) == len(log_mel(samples, FEATURES))


@given(st.integers(0, 200_000), st.sampled_from([8000, 16_000, 44_100]))
def test_frames_are_counted_as_the_features_have_them(samples: int, rate: int) -> None:
    config = FeatureConfig(sample_rate=rate, mels=4)
    frames = feature_frames(np.array([samples / rate]), config)
    assert frames.tolist() == [max(0, (samples - 400) // 160 + 1)]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_loud_and_fine_samples_survive_the_cache(tmp_path: Path, subtype: str) -> None:
    samples = np.clip(np.random.default_rng(0).standard_normal(8000), -1, 1).astype(np.float32)
    path = tmp_path / "loud.wav"
    soundfile.write(path, samples, 16_000, subtype=subtype)
    (tmp_path / "m.jsonl").write_text('{"audio_filepath": "loud.wav", "duration": 0.5, "text": "x"}')
    loud = dataset(read_manifest(tmp_path / "m.jsonl"))
    np.testing.assert_allclose(loud.example(0, 0).features, log_mel(samples, FEATURES), atol=2e-2)


def test_a_missing_recording_is_named(utterances: list[Utterance]) -> None:
    gone = replace(utterances[0], audio=replace(utterances[0].audio, path=Path("nowhere.flac")))
    with pytest.raises(AudioError, match=r"nowhere\.flac"):
        Recordings([gone], FEATURES.sample_rate).samples(0)
