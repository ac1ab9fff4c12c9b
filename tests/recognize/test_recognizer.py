"""The recogniser: recordings in, words with times and confidences out, the same every time."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import asr
from asr.audio.io import AudioSource
from asr.config import DecodingConfig
from asr.decode.beam import BeamDecoder
from asr.decode.ctc import greedy
from asr.decode.fusion import Fusion
from asr.errors import AudioError, BundleError, RunError
from asr.recognize.batches import FRAMES_PER_BATCH, emissions
from asr.recognize.recognizer import Recognizer, load
from asr.recognize.torch_engine import TorchEngine
from tests.helpers.bundles import random_bundle, random_model, random_recognizer
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp, noise, silence, tone

SPEECHLIKE = chirp(100, 5_000, 2)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return random_recognizer()


@settings(max_examples=60)
@given(
    st.sampled_from([2, 4]),
    st.integers(0, 3),
    st.sampled_from(["characters", "words"]),
    st.integers(0, 9),
    st.integers(0, len(SPEECHLIKE)),
)
def test_words_lie_in_order_inside_the_recording(subsampling, lookahead, kind, seed, count) -> None:
    model = {"subsampling": subsampling, "lookahead": lookahead, "bidirectional": not lookahead}
    recognizer = random_recognizer(**model, kind=kind, seed=seed)
    transcript = recognizer.transcribe_samples(SPEECHLIKE[:count])
    edges = [edge for word in transcript.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert transcript.duration == count / 16_000
    assert all(0 <= edge <= transcript.duration for edge in edges)
    assert all(0 < word.confidence <= 1 for word in transcript.words)
    assert transcript.text == " ".join(word.text for word in transcript.words)


def test_confidence_is_the_one_of_the_definition(recognizer: Recognizer) -> None:
    ((_, log_probs),) = emissions(recognizer.engine, [recognizer.features(SPEECHLIKE)])
    hypothesis = greedy(log_probs)
    words = recognizer.transcribe_samples(SPEECHLIKE).words
    assert len(words) > 1
    for word, span in zip(words, recognizer.bundle.tokenizer.words(hypothesis.tokens), strict=True):
        best = [
            max(np.exp(log_probs[frame, token]) for frame in range(first, last + 1))
            for token, first, last in list(
                zip(hypothesis.tokens, hypothesis.first_frames, hypothesis.last_frames, strict=True)
            )[span.first : span.last]
        ]
        assert word.confidence == pytest.approx(np.prod(best) ** (1 / len(best)), rel=1e-5)


def test_a_file_a_path_and_a_tar_member_are_the_same(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(SPEECHLIKE, subtype="FLOAT"))
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(path, "in/a.wav")
    expected = recognizer.transcribe_samples(SPEECHLIKE)
    assert expected.text
    assert recognizer.transcribe(path) == expected
    assert recognizer.transcribe(str(path)) == expected
    assert recognizer.transcribe(AudioSource(path)) == expected
    assert recognizer.transcribe(AudioSource(tmp_path / "all.tar", "in/a.wav")) == expected


def test_a_channel_can_be_chosen(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([silence(2), SPEECHLIKE], axis=1), 16_000, subtype="FLOAT")
    assert recognizer.transcribe(path, channel=1) == recognizer.transcribe_samples(SPEECHLIKE)
    assert recognizer.transcribe(path, channel=0) == recognizer.transcribe_samples(silence(2))
    assert recognizer.transcribe(path) == recognizer.transcribe_samples(SPEECHLIKE / np.float32(2))


@pytest.mark.parametrize("count", [0, 1, 399])
def test_less_than_a_frame_says_nothing(recognizer: Recognizer, count: int) -> None:
    transcript = recognizer.transcribe_samples(SPEECHLIKE[:count])
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.duration == count / 16_000


def test_one_frame_is_enough(recognizer: Recognizer) -> None:
    ((_, log_probs),) = emissions(recognizer.engine, [recognizer.features(SPEECHLIKE[:400])])
    assert log_probs.shape == (1, len(recognizer.bundle.vocabulary))
    recognizer.transcribe_samples(SPEECHLIKE[:400])


def test_the_sample_rate_of_the_model_counts(tmp_path: Path) -> None:
    recognizer = random_recognizer(sample_rate=8_000, window=200, hop=80, fft=256)
    (tmp_path / "a.wav").write_bytes(encoded(SPEECHLIKE, 16_000))
    assert recognizer.transcribe(tmp_path / "a.wav").duration == 2.0


def test_batches_stay_under_their_budget_and_yield_every_utterance_once() -> None:
    sizes = []

    class Counting:
        window = random_recognizer().engine.window

        def run(self, features, lengths):
            sizes.append(features.shape[:2])
            return random_recognizer().engine.run(features, lengths)

    lengths = [0, 7_000, 30, 5_000, 5_000, 13_000, 1]
    arrays = [np.zeros((length, 80), np.float32) for length in lengths]
    assert sorted(index for index, _ in emissions(Counting(), arrays)) == list(range(len(lengths)))
    assert all(count == 1 or count * frames <= FRAMES_PER_BATCH for count, frames in sizes)
    assert sum(count for count, _ in sizes) == len(lengths)


def test_beam_search_finds_texts_that_are_at_least_as_probable(recognizer: Recognizer) -> None:
    bundle, engine = recognizer.bundle, recognizer.engine
    searching = Recognizer(bundle, engine, DecodingConfig(beam_size=20))
    recordings = [SPEECHLIKE, SPEECHLIKE[:9000], noise(1), silence(0.2)]
    together = searching.transcribe_batch(recordings)
    alone = [searching.transcribe_samples(samples) for samples in recordings]
    assert [one.text for one in together] == [one.text for one in alone]
    decoder = BeamDecoder(DecodingConfig(beam_size=20), len(bundle.vocabulary))
    for index, log_probs in emissions(engine, [searching.features(samples) for samples in recordings]):
        (found,) = decoder.decode(log_probs)
        assert found.total >= greedy(log_probs).total - 1e-6
        assert together[index].text == bundle.tokenizer.decode(found.tokens)


def test_the_public_way_is_two_calls(tmp_path: Path) -> None:
    random_bundle(tmp_path / "model")
    (tmp_path / "a.wav").write_bytes(encoded(SPEECHLIKE))
    transcript = asr.load(tmp_path / "model").transcribe(tmp_path / "a.wav")
    assert isinstance(transcript, asr.Transcript)
    assert transcript.text
    assert asr.load(str(tmp_path / "model")).transcribe(str(tmp_path / "a.wav")) == transcript


def test_importing_asr_costs_nothing() -> None:
    code = "import asr, sys; print(*{'numpy', 'torch', 'numba', 'soundfile', 'click'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""


def test_what_cannot_be_loaded_is_told(recognizer: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"no\.wav: no such file; check"):
        recognizer.transcribe(tmp_path / "no.wav")
    with pytest.raises(BundleError, match="no such model folder; check"):
        load(tmp_path / "none")
    random_bundle(tmp_path / "model")
    with pytest.raises(RunError, match=r"device 'toaster' cannot be used .*; try --device cpu") as caught:
        load(tmp_path / "model", device="toaster")
    assert "\n" not in str(caught.value)


def test_recognizing_keeps_no_state(recognizer: Recognizer) -> None:
    first = recognizer.transcribe_samples(SPEECHLIKE)
    recognizer.transcribe_samples(noise(1))
    assert recognizer.transcribe_samples(SPEECHLIKE) == first


@pytest.mark.parametrize("steady", [silence(3.0), tone(440, 3.0), tone(440, 3.0, amplitude=0.001)])
@pytest.mark.parametrize("normalization", ["utterance", "speech"])
def test_what_never_changes_says_nothing_where_it_is_normalised_by_itself(
    steady: np.ndarray, normalization: str
) -> None:
    recognizer = random_recognizer(normalization=normalization)
    assert recognizer.transcribe_samples(SPEECHLIKE).text, "a model that writes nothing shows nothing"
    assert recognizer.transcribe_samples(steady).text == ""
    assert not recognizer.features(steady).any()
    assert recognizer.features(SPEECHLIKE).any()
    assert random_recognizer(normalization="corpus").features(steady).any()


def test_with_a_language_nothing_is_said_where_blank_is_likeliest_in_every_frame() -> None:
    for normalization, knowing, said in (
        ("speech", False, True),
        ("corpus", True, True),
        ("speech", True, False),
    ):
        bundle = random_model(normalization=normalization)
        log_probs = np.full((100, len(bundle.vocabulary)), -20.0, np.float32)
        log_probs[:, [0, bundle.vocabulary.index("o")]] = np.log([0.6, 0.4])
        assert not greedy(log_probs).tokens
        fusion = Fusion(units=bundle.tokenizer.units, beta=0.0) if knowing else None
        search = DecodingConfig(beam_size=5)
        recognizer = Recognizer(bundle, TorchEngine.from_bundle(bundle), search, fusion)
        assert bool(recognizer.decode(log_probs)[0].tokens) is said
