"""Laws 3 and 12: a stream, cut in any way, gives what the recording gives, and streams do not meet.

From raw samples at any rate to words with their times: the same texts and times, log-probabilities within
1e-5 of the largest.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio.resample import resample
from asr.config import DecodingConfig
from asr.decode.hotwords import Hotword
from asr.recognize.endpoint import Endpointing
from asr.recognize.language import Language
from asr.recognize.listening import Listener
from asr.recognize.streaming import StreamingRecognizer
from tests.helpers.bundles import random_bundle
from tests.helpers.language import small_lm
from tests.helpers.streams import (
    MODELS,
    RATES,
    SIZES,
    Overheard,
    assert_same,
    assert_same_words,
    listen,
    moved,
    pieces,
    recognizer_of,
    signal,
    streaming_model,
)

BEAM = DecodingConfig(beam_size=8)
ENDS = st.builds(
    Endpointing,
    nothing_heard=st.sampled_from([0.2, 0.6, 2.4]),
    after_words=st.sampled_from([0.1, 0.3, 1.2]),
    longest=st.sampled_from([1.0, 1.5, 20.0]),
)


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Language:
    lm = small_lm(tmp_path_factory.mktemp("lm") / "lm.arpa")
    return Language(lm=lm, alpha=0.6, beta=1.0, hotwords=(Hotword("seven eight", 3.0), Hotword("ja", 2.0)))


@settings(max_examples=25)
@given(MODELS, st.sampled_from(RATES), SIZES, st.integers(0, 12_000), st.sampled_from([1, 5, 16]))
def test_a_stream_is_the_recording(changes, rate, sizes, count, block):
    recognizer = recognizer_of(streaming_model(**changes))
    samples = signal(0.8, rate, count)[:count]
    whole = resample(samples, rate, 16_000)
    streaming = StreamingRecognizer(recognizer, block_frames=block)
    transcript = listen(streaming.start(rate), samples, sizes)
    assert_same(transcript, recognizer.transcribe_samples(whole))
    features = recognizer.features(whole)
    expected = recognizer.engine.run(features[None], np.array([len(features)])).log_probs[0]
    assert isinstance(recognizer.engine, Overheard)
    given = np.concatenate(recognizer.engine.given)
    assert given.shape == expected.shape
    assert np.abs(given - expected).max(initial=0) < 1e-5 * np.abs(expected).max(initial=1)


@settings(max_examples=12)
@given(MODELS, SIZES, st.integers(0, 99), st.sampled_from([5, 60, 2000]))
def test_with_a_beam_too(language, changes, sizes, seed, commit):
    search = DecodingConfig(beam_size=8, commit_frames=commit)
    for known in (None, language):
        recognizer = recognizer_of(streaming_model(**changes), search, known)
        samples = signal(1.5, 16_000, seed)
        transcript = listen(StreamingRecognizer(recognizer).start(), samples, sizes)
        assert_same(transcript, recognizer.transcribe_samples(samples))


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_sample_by_sample(rate):
    streaming = StreamingRecognizer(recognizer_of(streaming_model(lookahead=3)))
    samples = signal(0.3, rate)
    one, other = streaming.start(rate), streaming.start(rate)
    assert listen(one, samples, [1]) == listen(other, samples, [len(samples)])


@settings(max_examples=20)
@given(MODELS, ENDS, SIZES, st.integers(0, 99), st.sampled_from([0.0, 2.0, 4.0]))
def test_every_segment_is_the_recording_of_its_samples(language, changes, ends, sizes, seed, quiet):
    search, known = [(None, None), (BEAM, None), (BEAM, language)][seed % 3]
    recognizer = recognizer_of(streaming_model(quiet=quiet, **changes), search, known)
    samples = signal(4, 16_000, seed)
    streaming, starts = StreamingRecognizer(recognizer, endpointing=ends), []
    with pytest.MonkeyPatch.context() as patch:
        start = Listener.start
        patch.setattr(Listener, "start", lambda self, first: starts.append(first) or start(self, first))
        transcript = listen(streaming.start(), samples, sizes)
    segments = list(transcript.segments)
    assert transcript.duration == 4
    for first, last in pairwise([*starts, len(samples)]):
        alone = recognizer.transcribe_samples(samples[first:last]).segments[0]
        if alone.text:
            segment = segments.pop(0)
            assert (segment.text, segment.start) == (alone.text, first / 16_000)
            assert segment.end == pytest.approx(last / 16_000)
            assert_same_words(segment.words, moved(alone, first / 16_000), 1e-9)
    assert [segment.text for segment in segments if segment.text] == []


@settings(max_examples=12)
@given(MODELS, st.none() | ENDS, st.lists(SIZES, min_size=2, max_size=4), st.booleans(), st.booleans())
def test_streams_side_by_side_do_not_meet(language, changes, ends, several, beam, loud):
    bundle = streaming_model(quiet=0.0 if loud else 3.0, **changes)
    recognizer = recognizer_of(bundle, BEAM, language) if beam else recognizer_of(bundle)
    streaming = StreamingRecognizer(recognizer, endpointing=ends)
    rates = [RATES[index % len(RATES)] for index in range(len(several))]
    sounds = [signal(1.2 + 0.3 * index, rate, index) for index, rate in enumerate(rates)]
    alone = [
        listen(streaming.start(rate), sound, sizes)
        for rate, sound, sizes in zip(rates, sounds, several, strict=True)
    ]
    sessions = [streaming.start(rate) for rate in rates]
    waiting = [list(pieces(sound, [*sizes, 900])) for sound, sizes in zip(sounds, several, strict=True)]
    while any(waiting):
        live = [index for index, rest in enumerate(waiting) if rest]
        streaming.push([sessions[index] for index in live], [waiting[index].pop(0) for index in live])
    for together, single in zip(streaming.finish(sessions), alone, strict=True):
        assert_same(together, single)


@settings(max_examples=12)
@given(MODELS, st.none() | ENDS, SIZES, st.integers(0, 40_000), st.sampled_from(RATES), st.booleans())
def test_a_stored_stream_goes_on_as_if_nothing_had_happened(language, changes, ends, sizes, at, rate, beam):
    bundle = streaming_model(quiet=float(at % 3), **changes)
    search = DecodingConfig(beam_size=8, commit_frames=30)
    recognizer = recognizer_of(bundle, search, language) if beam else recognizer_of(bundle)
    streaming = StreamingRecognizer(recognizer, endpointing=ends)
    samples = signal(2, rate, at)
    session = streaming.start(rate)
    session.push(samples[:at])
    stored = session.save()
    again = StreamingRecognizer(recognizer, endpointing=ends).load(stored)
    assert (again.stable, again.tail, again.seconds) == (session.stable, session.tail, session.seconds)
    assert again.save() == stored
    assert listen(again, samples[at:], sizes) == listen(session, samples[at:], sizes)


RESUME = """
import sys
import numpy as np
import asr
from asr.recognize.formats import to_json
from asr.recognize.streaming import StreamingRecognizer
folder, language = sys.argv[1], asr.Language(lm=sys.argv[2], hotwords=sys.argv[3])
streaming = StreamingRecognizer(asr.load(folder, language=language))
session = streaming.load(open(f"{folder}/stream", "rb").read())
session.push(np.load(f"{folder}/rest.npy"))
print(to_json(session.finish(), "-"), end="")
"""


def test_another_process_goes_on_in_the_middle_of_a_word(tmp_path: Path) -> None:
    import asr
    from asr.recognize.formats import to_json

    random_bundle(tmp_path, bidirectional=False, lookahead=2, normalization="running", layers=2)
    lm, hotwords = small_lm(tmp_path / "lm.arpa"), tmp_path / "hotwords.txt"
    hotwords.write_text("seven eight\t3\nja\n", encoding="utf-8")
    recognizer = asr.load(tmp_path, language=asr.Language(lm=lm, hotwords=hotwords))
    session = StreamingRecognizer(recognizer).start(44_100)
    samples = signal(3, 44_100, 7)
    session.push(samples[:70_001])
    (tmp_path / "stream").write_bytes(session.save())
    np.save(tmp_path / "rest.npy", samples[70_001:])
    command = [sys.executable, "-c", RESUME, tmp_path, lm, hotwords]
    shown = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=600)
    assert shown.stderr == "" or "note" in shown.stderr, shown.stderr
    session.push(samples[70_001:])
    assert shown.stdout == to_json(session.finish(), "-")
