"""The table of results as a file: what was measured, how, where, and with which commands."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from asr.errors import RunError, did_you_mean, readable

TABLE = Path("recipes/results.json")


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one seed gave.

    Attributes:
        seed: Of the training.
        substitutions, deletions, insertions: Errors in words.
        cpu_minutes: Of all commands together; None where nobody has counted.
    """

    seed: int
    substitutions: int
    deletions: int
    insertions: int
    cpu_minutes: float | None = None

    @property
    def errors(self) -> int:
        """All of them."""
        return self.substitutions + self.deletions + self.insertions

    def rate(self, words: int) -> float:
        """Word error rate in percent, of so many words that were said."""
        return 100 * self.errors / words if words else math.nan


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table.

    Attributes:
        name: What `asr reproduce` calls it.
        title: What the table calls it, in Markdown.
        recipe: The file of the recipe.
        corpus: Its name; its folder of splits is what `--data` gives. Empty where the commands make it.
        trained_on, chosen_on: The splits that trained, and that chose weights and settings.
        split: The one that is reported.
        words: How many were said in that split.
        decoding: How text was made of emissions.
        commit: With which it was measured.
        hardware: On which.
        threads: That computed.
        spread: How far a run on another machine may be, in points of the word error rate.
        commands: That make `result`, one after the other, with ``{data}``, ``{out}`` and ``{seed}``.
        result: The JSON of the last evaluation, below ``{out}``.
        runs: One for each seed.
        note: For the table.
    """

    name: str
    title: str
    recipe: str
    corpus: str
    trained_on: str
    chosen_on: str
    split: str
    words: int
    decoding: str
    commit: str
    hardware: str
    threads: int
    spread: float
    commands: tuple[str, ...]
    result: str
    runs: tuple[Run, ...]
    note: str = ""

    @property
    def rates(self) -> list[float]:
        """Word error rates in percent, seed by seed."""
        return [run.rate(self.words) for run in self.runs]

    @property
    def needs_data(self) -> bool:
        """Whether the commands read a corpus."""
        return any("{data}" in command for command in self.commands)

    def run(self, seed: int | None) -> Run:
        """The run with this seed, by default the first one. Raises RunError if there is none."""
        if seed is None:
            return self.runs[0]
        found = next((run for run in self.runs if run.seed == seed), None)
        if found is None:
            seeds = ", ".join(str(run.seed) for run in self.runs)
            raise RunError(f"row {self.name}: was not measured with seed {seed}; choose one of {seeds}")
        return found


def find_table(given: Path | None, start: Path) -> Path:
    """Where the table is: as given, else in the checkout that `start` is in, else in that of the package.

    Raises:
        RunError: If it is in neither.
    """
    if given is not None:
        return given
    for folder in (start, *start.parents, Path(__file__).parents[2]):
        if (folder / TABLE).is_file():
            return folder / TABLE
    raise RunError(
        f"{start}: no {TABLE} here or above; recipes are no part of the installed package, so run this in a "
        "checkout of the repository, or name a table with --table"
    )


def read_table(path: Path) -> tuple[Row, ...]:
    """Reads the rows.

    Raises:
        RunError: If the file is missing, or no table.
    """
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=tuple[Row, ...])
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}; name a table with --table") from None
    except msgspec.DecodeError as error:
        raise RunError(f"{path}: no table of results: {readable(error)}; correct it") from None
    names = [row.name for row in rows]
    for row in rows:
        if names.count(row.name) > 1 or not row.runs or not row.commands:
            raise RunError(f"{path}: row {row.name}: is there twice, or has no runs or commands; correct it")
    return rows


def row_named(rows: tuple[Row, ...], name: str) -> Row:
    """The row of this name. Raises RunError, with the nearest name, if there is none."""
    found = {row.name: row for row in rows}
    if name not in found:
        raise RunError(f"no row {name!r}{did_you_mean(name, found)}")
    return found[name]
