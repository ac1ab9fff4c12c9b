"""The hidden folder beside the target is gone after every end of the work, wherever it was interrupted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from data_prep.writing import staging
from tests.data_prep import corpora


class _Reached(Exception):
    """The work began: nothing more to interrupt."""


def interrupt_at(number: int) -> Callable[[FrameType, str, object], object]:
    """A trace function that raises KeyboardInterrupt at the line with this number of all that are run."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal count
        if event == "line":
            count += 1
            if count == number:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    return trace


def enter(final: Path) -> None:
    with staging(final):
        sys.settrace(None)
        raise _Reached


def attempt(final: Path, number: int) -> bool:
    """Interrupts at a line on the way into the work; whether the work was reached before that line."""
    before = sys.gettrace()
    try:
        sys.settrace(interrupt_at(number))
        enter(final)
    except KeyboardInterrupt:
        return False
    except _Reached:
        return True
    finally:
        sys.settrace(before)
    raise AssertionError("neither interrupted nor reached")


def test_interrupted_at_any_line_leaves_no_folder(tmp_path: Path) -> None:
    number = 1
    while not attempt(tmp_path / "to", number):
        assert corpora.left(tmp_path) == set(), number
        number += 1
    assert number > 20  # lines were interrupted, in `staging` and in all that it calls
    assert corpora.left(tmp_path) == set()


def test_folder_is_for_its_owner_alone_and_goes_away(tmp_path: Path) -> None:
    with staging(tmp_path / "deep/to") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "something").write_text("half")
    assert corpora.left(tmp_path / "deep") == set()
    with pytest.raises(ZeroDivisionError), staging(tmp_path / "deep/to"):
        raise ZeroDivisionError
    assert corpora.left(tmp_path / "deep") == set()
