"""Video, m4a, aac and webm: the same sound as the wav, and one clear line where that cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asr.audio import decoders
from asr.audio.io import AudioSource, Encoded, audio_blocks, load_audio, probe
from tests.helpers.containers import CODECS, container, saved_container
from tests.helpers.recordings import encoded, refused, saved
from tests.helpers.tones import chirp, noise

SECONDS = 3.3
PRIMING = 1_024
"""Samples that AAC puts before the first one; files of nothing but AAC have no place to say so."""


def sound(rate: int) -> np.ndarray:
    return chirp(200, 3_000, SECONDS, rate)


@pytest.mark.parametrize("suffix", CODECS)
def test_containers_sound_like_the_wav(tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    rate = 48_000 if suffix == "webm" else 16_000
    samples = load_audio(saved_container(tmp_path, sound(rate), suffix, rate))
    wav = load_audio(saved(tmp_path, encoded(sound(rate), rate)))
    delay = PRIMING if suffix == "aac" else 0
    assert 0 <= len(samples) - len(wav) - delay < 1_024
    assert np.corrcoef(samples[delay : delay + len(wav)][2_000:-2_000], wav[2_000:-2_000])[0, 1] > 0.999
    assert probe(AudioSource(tmp_path / f"a.{suffix}")).samples * 16_000 == len(samples) * rate
    assert not caplog.messages


def test_the_sound_of_a_video_is_that_without_the_picture(tmp_path: Path) -> None:
    film = saved(tmp_path, container(sound(16_000), "mp4", video=True), "film.mp4")
    assert np.array_equal(load_audio(film), load_audio(saved_container(tmp_path, sound(16_000), "m4a")))
    info = probe(film)
    assert (info.sample_rate, info.channels, info.samples) == (16_000, 1, round(16_000 * SECONDS))


def test_a_stretch_is_cut_at_whole_samples(tmp_path: Path) -> None:
    source = saved_container(tmp_path, sound(16_000), "m4a")
    whole = load_audio(source)
    assert np.array_equal(load_audio(source, start=1, duration=0.5), whole[16_000:24_000])
    assert "cannot start at 4 s, it is 3.30 s long" in refused(source, start=4)


def test_content_and_file_are_the_same(tmp_path: Path) -> None:
    content = container(sound(16_000), "mp4")
    blocks = list(audio_blocks(Encoded(content, "upload")))
    assert np.array_equal(np.concatenate(blocks), load_audio(saved(tmp_path, content, "a.mp4")))


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_without_pyav_one_line_names_the_extra(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = saved_container(tmp_path, sound(48_000), suffix, 48_000)
    monkeypatch.setattr(decoders, "has_pyav", lambda: False)
    assert "pip install 'recurrent-asr[video]'" in refused(source)
    assert "not audio in a known format" in refused(saved(tmp_path, b"the quick brown fox\n" * 50, "a.mp4"))


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="needs PyAV: pip install av")
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
        file.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        file.mux(picture.encode(None))
    assert "no sound in it; choose" in refused(AudioSource(path))


@pytest.mark.parametrize("kept", [40, 400, 3_000])
def test_a_container_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    content = container(noise(1), "m4a")
    assert kept < len(content)
    assert "copy it again" in refused(saved(tmp_path, content[:kept], "a.m4a"))


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="needs PyAV: pip install av")
    other = saved_container(tmp_path, sound(16_000), "aac").path
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{other}\n#EXT-X-ENDLIST\n"
    assert "not audio" in refused(saved(tmp_path, playlist.encode(), "a.m4a"))
    listed = f"ffconcat version 1.0\nfile {other.name}\n"
    assert "not audio" in refused(saved(tmp_path, listed.encode(), "b.m4a"))
