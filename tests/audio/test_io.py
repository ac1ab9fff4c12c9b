"""Reading recordings: every kind that works, every kind that cannot, and at most one note."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.io import AudioSource, Encoded, audio_blocks, load_audio, load_bytes, probe
from asr.errors import AudioError
from tests.helpers.recordings import encoded, refused, saved
from tests.helpers.tones import chord, noise, silence, tone

SPEECHLIKE = chord([200, 700, 1_900], 1.0)


def notes(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "asr"]


@pytest.mark.parametrize(
    ("kind", "subtype", "step"),
    [
        ("WAV", "PCM_U8", 2**-7),
        ("WAV", "PCM_16", 2**-15),
        ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_32", 2**-24),
        ("WAV", "FLOAT", 0.0),
        ("WAV", "DOUBLE", 0.0),
        ("FLAC", "PCM_16", 2**-15),
        ("FLAC", "PCM_24", 2**-23),
        ("AIFF", "PCM_16", 2**-15),
        ("AU", "PCM_16", 2**-15),
    ],
)
def test_lossless_formats_come_back_within_a_step(tmp_path, kind, subtype, step, caplog):
    source = saved(tmp_path, encoded(SPEECHLIKE, kind=kind, subtype=subtype))
    samples = load_audio(source)
    assert samples.dtype == np.float32
    assert samples.shape == SPEECHLIKE.shape
    assert np.abs(samples - SPEECHLIKE).max() <= step
    assert not notes(caplog)


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_formats_keep_length_and_sound(tmp_path, kind, subtype):
    samples = load_audio(saved(tmp_path, encoded(SPEECHLIKE, kind=kind, subtype=subtype), "a.sound"))
    assert len(samples) == len(SPEECHLIKE)
    inner = slice(2_000, -2_000)
    assert np.corrcoef(samples[inner], SPEECHLIKE[inner])[0, 1] > 0.99


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_any_rate_becomes_the_one_asked_for(tmp_path, rate):
    source = saved(tmp_path, encoded(tone(440, 1, rate), rate, subtype="FLOAT"))
    assert probe(source).sample_rate == rate
    samples = load_audio(source)
    assert len(samples) == 16_000
    assert np.abs(samples - tone(440, 1))[400:-400].max() < 1e-4
    assert len(load_audio(source, sample_rate=8_000)) == 8_000


def test_channels_are_averaged_or_chosen(tmp_path):
    channels = np.stack([tone(100 * n, 0.2) for n in range(1, 7)], axis=1)
    source = saved(tmp_path, encoded(channels, subtype="FLOAT"))
    assert probe(source).channels == 6
    assert np.abs(load_audio(source) - channels.mean(axis=1)).max() < 1e-6
    for channel in range(6):
        assert np.array_equal(load_audio(source, channel=channel), channels[:, channel])
    for channel in (6, -1):
        assert "choose one of 0 to 5" in refused(source, channel=channel)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_single_sample_is_a_recording(tmp_path, rate):
    source = saved(tmp_path, encoded(np.array([0.25], np.float32), rate, subtype="FLOAT"))
    assert len(load_audio(source)) == -(-16_000 // rate)


def test_probing_decodes_nothing(tmp_path, monkeypatch):
    source = saved(tmp_path, encoded(noise(2, 44_100), 44_100, "FLAC"), "a.flac")
    monkeypatch.delattr(soundfile.SoundFile, "read")
    info = probe(source)
    assert (info.sample_rate, info.channels, info.samples, info.encoding) == (
        44_100,
        1,
        88_200,
        "FLAC PCM_16",
    )
    assert info.duration == 2.0


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_a_stretch_is_cut_at_whole_samples(tmp_path, kind):
    source = saved(tmp_path, encoded(SPEECHLIKE, kind=kind))
    whole = load_audio(source)
    assert np.array_equal(load_audio(source, start=0.25, duration=0.5), whole[4_000:12_000])
    assert np.array_equal(load_audio(source, start=0.75), whole[12_000:])
    assert np.array_equal(load_audio(source, duration=1.01), whole)


def test_bytes_are_read_like_a_file(tmp_path):
    content = encoded(np.stack([SPEECHLIKE, silence(1)], axis=1))
    source = saved(tmp_path, content)
    assert np.array_equal(load_bytes(content, "standard input"), load_audio(source))
    assert not load_bytes(content, "standard input", channel=1).any()
    with pytest.raises(AudioError, match="standard input: empty file"):
        load_bytes(b"", "standard input")


def test_headers_of_streams_without_a_length_are_read_to_the_end(tmp_path, caplog):
    wav = bytearray(encoded(SPEECHLIKE))
    wav[4:8] = wav[40:44] = b"\xff" * 4  # what ffmpeg writes to a pipe
    flac = bytearray(encoded(SPEECHLIKE, kind="FLAC"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    for content in (wav, flac):
        source = saved(tmp_path, bytes(content))
        assert len(load_audio(source)) == probe(source).samples == 16_000
    assert not notes(caplog)


def test_a_pipe_is_read(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(encoded(tone(440, 0.1)))
    assert len(load_audio(AudioSource(Path(f"/dev/fd/{reading}")))) == 1_600
    os.close(reading)


def m4a() -> bytes:
    return struct.pack(">I", 32) + b"ftypM4A " + bytes(500)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty file (0 bytes)"),
        (b"the quick brown fox jumps over the lazy dog\n" * 50, "not audio in a known format"),
        (b"PK\x03\x04" + bytes(500), "not audio in a known format"),
        (m4a(), "for example with ffmpeg"),
        (encoded(SPEECHLIKE)[:30], "damaged, cut off"),
        (encoded(SPEECHLIKE, kind="FLAC")[:20], "damaged, cut off"),
        (encoded(SPEECHLIKE, kind="OGG", subtype="OPUS")[:60], "damaged, cut off"),
        (encoded(silence(0)), "holds no samples"),
        (encoded(SPEECHLIKE)[:44], "holds no samples"),
        (encoded(noise(1), kind="FLAC")[:200], "nothing in it can be decoded"),
    ],
    ids=[
        "empty",
        "text",
        "zip",
        "m4a",
        "wav-header",
        "flac-header",
        "opus-header",
        "zero",
        "no-data",
        "no-frame",
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(tmp_path, content, told):
    assert told in refused(saved(tmp_path, content))


def test_what_the_system_refuses_is_told_in_one_line(tmp_path):
    assert "no such file" in refused(AudioSource(tmp_path / "none.wav"))
    assert "a folder" in refused(AudioSource(tmp_path))
    plain = saved(tmp_path, b"x", "file").path
    assert "cannot be read" in refused(AudioSource(plain / "a.wav"))


def test_a_file_without_read_permission_is_told(tmp_path):
    source = saved(tmp_path, encoded(SPEECHLIKE))
    source.path.chmod(0)
    if os.access(source.path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "no permission" in refused(source)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_time(tmp_path, bad):
    samples = np.stack([SPEECHLIKE, SPEECHLIKE], axis=1)
    samples[8_000, 1] = bad
    source = saved(tmp_path, encoded(samples, subtype="FLOAT"))
    assert "0.5000 s" in refused(source)
    assert "0.5000 s" in refused(source, start=0.4)
    assert np.isfinite(load_audio(source, channel=0)).all()
    assert np.isfinite(load_audio(source, start=0.6)).all()


def test_a_stretch_outside_the_recording_is_refused(tmp_path):
    source = saved(tmp_path, encoded(SPEECHLIKE))
    for start in (1.0, 12.5, -0.1):
        assert "1.00 s long" in refused(source, start=start)


def test_an_absurd_sample_rate_is_damage(tmp_path):
    content = bytearray(encoded(SPEECHLIKE))
    content[24:28] = struct.pack("<I", 2_000_000_000)
    assert "damaged" in refused(saved(tmp_path, bytes(content)))


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", None), ("FLAC", None), ("AIFF", None), ("MP3", None), ("WAV", "PCM_24")]
)
def test_what_is_left_of_a_cut_off_recording_is_read_with_a_note(tmp_path, kind, subtype, caplog):
    content = encoded(noise(4), kind=kind, subtype=subtype)
    samples = load_audio(saved(tmp_path, content[: len(content) * 6 // 10]))
    assert 2.0 < len(samples) / 16_000 <= 2.5
    (note,) = notes(caplog)
    assert "a.wav: only 2." in note
    assert "of 4.00 s are there" in note


def test_a_clipped_recording_gives_one_note(tmp_path, caplog):
    source = saved(tmp_path, encoded(np.clip(tone(300, 1, 8_000, amplitude=4), -1, 1), 8_000))
    load_audio(source)
    load_audio(source)
    (note,) = notes(caplog)
    assert "a.wav: clipped" in note


def test_a_low_rate_gives_one_note(tmp_path, caplog):
    load_audio(saved(tmp_path, encoded(tone(300, 1, 8_000), 8_000)))
    (note,) = notes(caplog)
    assert "8000 Hz recording: nothing above 4 kHz" in note


def test_a_tone_at_full_scale_is_not_clipped(tmp_path, caplog):
    load_audio(saved(tmp_path, encoded(tone(301, 1, amplitude=1.0))))
    assert not notes(caplog)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("channel", [None, 1])
def test_blocks_joined_are_the_whole_to_the_last_bit(tmp_path, rate, channel):
    channels = np.stack([noise(20, rate, seed) for seed in range(2)], axis=1)
    source = saved(tmp_path, encoded(channels, rate))
    blocks = list(audio_blocks(source, channel=channel))
    assert len(blocks) > 1
    assert np.array_equal(np.concatenate(blocks), load_audio(source, channel=channel))
    content = Encoded(source.path.read_bytes(), "content")
    assert all(map(np.array_equal, audio_blocks(content, channel=channel), blocks))


def test_blocks_before_the_damage_are_given_out(tmp_path):
    samples = noise(40)
    samples[-1] = np.nan
    blocks = audio_blocks(saved(tmp_path, encoded(samples, subtype="FLOAT")))
    assert np.array_equal(next(blocks), samples[: 1 << 18])
    with pytest.raises(AudioError, match="not a finite number"):
        list(blocks)
