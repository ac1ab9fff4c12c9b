"""Finding recordings: tar members are read in place, folders are searched, names stay on one line."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest

from asr.audio.io import AudioSource, find_recordings, load_audio, load_bytes, probe
from asr.errors import AudioError
from tests.helpers.recordings import encoded, refused
from tests.helpers.tones import chord, tone

SPEECHLIKE = chord([200, 700, 1_900], 1.0)


def test_tar_members_are_read_in_place(tmp_path):
    archive = tmp_path / "train.tar"
    contents = {"s1/a.flac": encoded(SPEECHLIKE, kind="FLAC"), "./s1/b.wav": encoded(tone(440, 0.5))}
    with tarfile.open(archive, "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    source = AudioSource(archive, "s1/a.flac")
    assert str(source) == f"{archive}:s1/a.flac"
    assert probe(source).samples == 16_000
    assert np.array_equal(load_audio(source), load_bytes(contents["s1/a.flac"], "a.flac"))
    assert len(load_audio(AudioSource(archive, "s1/b.wav"), start=0.25)) == 4_000
    assert list(tmp_path.iterdir()) == [archive]
    assert "s1/none.wav: no such member" in refused(AudioSource(archive, "s1/none.wav"))
    with tarfile.open(archive, "w"):  # a changed archive is read anew
        pass
    assert "no such member" in refused(source)
    archive.write_bytes(b"not a tar file at all, but long enough" * 40)
    assert "not a whole, uncompressed tar file" in refused(source)
    archive.unlink()
    assert "no such file" in refused(source)
    assert "folder" in refused(AudioSource(tmp_path, "a.wav"))


@pytest.mark.data
def test_real_opus_members_have_the_length_of_their_manifest(data_folder):
    archive = data_folder / "librispeech" / "dev-clean.tar"
    lines = archive.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[:: len(lines) // 5]:
        entry = json.loads(line)
        source = AudioSource(archive, entry["audio_filepath"])
        info = probe(source)
        assert info.sample_rate == 16_000
        assert info.samples == len(load_audio(source))
        assert abs(info.duration - entry["duration"]) < 0.001


def test_recordings_are_found_below_a_folder(tmp_path):
    names = ["b/c.FLAC", "a.wav", "b/a.opus", "b/notes.txt", ".hidden.wav", "z.Mp3"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_recordings(tmp_path)]
    assert found == ["a.wav", "b/a.opus", "b/c.FLAC", "z.Mp3"]
    (tmp_path / "none").mkdir()
    with pytest.raises(AudioError, match="none: no recordings"):
        find_recordings(tmp_path / "none")
    with pytest.raises(AudioError, match="missing: no such folder"):
        find_recordings(tmp_path / "missing")


def test_a_name_with_a_line_break_stays_on_one_line(tmp_path):
    with pytest.raises(AudioError) as caught:
        load_audio(AudioSource(tmp_path / "two\nlines.wav"))
    assert "two\\nlines.wav" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    with pytest.raises(AudioError, match="not a possible file name"):
        load_audio(AudioSource(tmp_path / "null\0.wav"))
