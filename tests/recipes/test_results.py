"""The table of results: the README has what the file says, and its commands are those of this checkout."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from asr.cli.recipes import load_recipe
from asr.config import Recipe
from asr.reproduce.markdown import replaced
from asr.reproduce.table import TABLE, Row, read_table
from asr.settings import with_settings

ROOT = Path(__file__).parents[2]
ROWS = read_table(ROOT / TABLE)


def test_the_readme_has_the_table_of_the_file() -> None:
    """Make it again with: asr reproduce --markdown."""
    text = (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")
    assert replaced(text, ROWS) == text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_can_be_run(row: Row) -> None:
    assert isinstance(load_recipe(ROOT / row.recipe), Recipe)
    assert any(row.recipe in command for command in row.commands)
    assert row.corpus == Path(row.recipe).parts[1]
    for command in row.commands:
        words = shlex.split(command.format(data="DATA", out="OUT", seed=0))
        assert words[0] in ("python", "asr")
        assert words[0] == "asr" or (ROOT / words[1]).is_file()
        settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        if row.recipe in words:
            changed = with_settings(load_recipe(ROOT / row.recipe), settings)
            assert changed.training.precision in row.hardware.split(", ")
    assert 0 < row.spread < 5
    assert len({run.seed for run in row.runs}) == len(row.runs)
    assert max(row.rates) - min(row.rates) <= row.spread
