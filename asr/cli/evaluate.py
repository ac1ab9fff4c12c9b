"""``asr evaluate``: word and character error rates of a model on a manifest."""

from __future__ import annotations

from pathlib import Path

import click

from asr.cli.options import Choice, recognizer_options
from asr.data.manifest import read_manifest
from asr.files import write_atomically
from asr.progress import counter
from asr.recognize.evaluate import recognize
from asr.recognize.report_formats import format_report, report_json
from asr.recognize.scoring import report
from asr.text.normalize import normalize


@click.command("evaluate")
@click.argument("manifest", type=click.Path(path_type=Path))
@recognizer_options
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write all results here.",
)
@click.option(
    "--worst", type=click.IntRange(min=0), default=5, show_default=True, help="Worst utterances to show."
)
def command(
    manifest: Path,
    choice: Choice,
    json_path: Path | None,
    worst: int,
) -> None:
    """Recognise the utterances of MANIFEST and count the errors.

    Prints word and character error rates, a 95 % bootstrap interval (over speakers where there are
    five or more, else over utterances) and the worst utterances, aligned.

    \b
    asr evaluate data/an4/test/manifest.jsonl --model models/an4-bilstm
    """
    recognizer = choice.load()
    utterances = read_manifest(manifest)
    normalizer = recognizer.bundle.tokenizer_config.normalizer
    strange = recognizer.unwritable(normalize(utterance.text, normalizer) for utterance in utterances)
    if strange:
        shown = " ".join(map(repr, strange[:10]))
        click.echo(f"note: the model cannot write {len(strange)} units of the references: {shown}", err=True)
    with counter("recognising", len(utterances)) as advance:
        result = report(recognize(recognizer, utterances, advance))
    click.echo(format_report(result, worst))
    if json_path is not None:
        write_atomically(json_path, report_json(result))
