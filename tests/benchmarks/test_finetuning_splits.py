"""The split of benchmarks.finetuning: so many minutes, in order, nothing twice; also out of tar files."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.io import AudioSource, load_audio
from asr.data.manifest import Utterance, read_manifest
from benchmarks.finetuning import in_minutes, spread, write_part
from tests.helpers.corpora import write_split


def lasting(seconds: list[float]) -> list[Utterance]:
    return [Utterance(f"u{n}", AudioSource(Path(f"{n}.wav")), one, "x") for n, one in enumerate(seconds)]


@given(st.lists(st.floats(0.5, 30), max_size=60), st.lists(st.floats(0.1, 3), max_size=3))
def test_parts_are_in_order_complete_and_no_longer_than_they_may_be(
    seconds: list[float], minutes: list[float]
) -> None:
    utterances = lasting(seconds)
    parts = in_minutes(utterances, minutes)
    assert len(parts) == len(minutes) + 1
    assert [one for part in parts for one in part] == utterances
    for part, longest in zip(parts, minutes, strict=False):
        assert sum(one.duration for one in part) <= 60 * longest + 1e-6


def test_a_part_is_as_full_as_it_can_be() -> None:
    parts = in_minutes(lasting([20.0] * 10), [1.0, 1.0])
    assert [len(part) for part in parts] == [3, 3, 4]


def test_a_spread_part_has_about_so_many_minutes() -> None:
    chosen = spread(lasting([6.0] * 1000), 4.0)
    assert sum(one.duration for one in chosen) / 60 == pytest.approx(4.0, rel=0.1)
    assert spread(lasting([6.0] * 3), 4.0) == lasting([6.0] * 3)


def test_a_part_of_a_tar_file_can_be_read_where_it_is_written(tmp_path: Path) -> None:
    write_split(tmp_path, "all", ["do", "re", "mi"])
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for path in sorted((tmp_path / "all").glob("*.flac")):
            archive.add(path, path.name)
    (tmp_path / "all.jsonl").write_bytes((tmp_path / "all" / "manifest.jsonl").read_bytes())
    utterances = read_manifest(tmp_path / "all.jsonl")
    assert all(one.audio.member for one in utterances)
    written = write_part(tmp_path / "parts" / "first.jsonl", utterances[:2])
    found = read_manifest(Path(written))
    assert [one.id for one in found] == [one.id for one in utterances[:2]]
    assert all(len(load_audio(one.audio)) for one in found)
    assert write_part(tmp_path / "parts" / "first.jsonl", utterances[1:]) == written, "again is no mistake"
