"""``asr reproduce``: a row of the table of results, run again and compared."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from asr.errors import RunError
from asr.progress import say
from asr.reproduce.markdown import errors, markdown
from asr.reproduce.running import reproduce, side_by_side
from asr.reproduce.table import Row, find_table, read_table, row_named


@click.command("reproduce")
@click.argument("row", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the splits of the row's corpus.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the run here, and keep it. Default: a temporary folder.",
)
@click.option("--seed", type=int, help="Which of the row's seeds. Default: the first.")
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="The table. Default: recipes/results.json of the checkout that this is run in.",
)
@click.option("--list", "shown", flag_value="list", help="List the rows, what they need and take.")
@click.option("--markdown", "shown", flag_value="markdown", help="Print the table for recipes/README.md.")
def command(
    row: str | None,
    data: Path | None,
    out: Path | None,
    seed: int | None,
    table: Path | None,
    shown: str | None,
) -> int:
    """Run ROW of the table of results again, training included, and compare.

    The commands of the row are printed and run. What was published and what was found stand side by side;
    status 1 if the difference of word error rates is not within the spread of the row. Where the row was
    measured with an older commit, settings may have changed since: git checkout that one to run it as it was.

    \b
    asr reproduce --list
    asr reproduce yesno --data data/yesno
    asr reproduce an4 --data data/an4 --seed 2 --out runs/an4-again
    """
    place = find_table(table, Path.cwd())
    rows = read_table(place)
    if shown is not None:
        click.echo(markdown(rows) if shown == "markdown" else "\n".join(map(_line, rows)))
        return 0
    if row is None:
        raise click.UsageError("name a row; --list shows them")
    wanted = row_named(rows, row)
    published = wanted.run(seed)
    if wanted.needs_data and data is None:
        raise click.UsageError(f"row {row} needs --data, the folder of the splits of {wanted.corpus}")
    if data is not None and not data.is_dir():
        raise RunError(f"{data}: no such folder; python -m data_prep {wanted.corpus} --to {data} makes it")
    with tempfile.TemporaryDirectory(prefix="asr-reproduce-") as folder:
        target = out.absolute() if out is not None else Path(folder) / "run"
        source = data.absolute() if data is not None else None
        checkout = place.absolute().parents[1]
        comparison = reproduce(wanted, published, checkout, (source, target), say)
    click.echo(f"{wanted.name}, seed {published.seed}, {wanted.split}, {wanted.decoding}")
    click.echo(side_by_side(comparison))
    return 0 if comparison.agrees else 1


def _line(row: Row) -> str:
    seeds = ", ".join(
        f"seed {run.seed}: {rate:.2f} % ({errors(run)})"
        for run, rate in zip(row.runs, row.rates, strict=True)
    )
    minutes = row.runs[0].cpu_minutes
    took = "" if minutes is None else f"; {minutes:g} CPU minutes"
    needs = f"needs {row.corpus}" if row.needs_data else "needs no data"
    return f"{row.name}: {seeds}{took}; {needs}; {row.decoding}, commit {row.commit}"
