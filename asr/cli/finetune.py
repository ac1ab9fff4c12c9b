"""``asr finetune``: train a model on, on one's own voice, words or room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.cli.options import model_option

if TYPE_CHECKING:
    from asr.train.before_after import Comparison


def _manifests(name: str, text: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """An option that names manifests, as often as it is given."""
    return click.option(
        name, multiple=True, type=click.Path(path_type=Path), metavar="MANIFEST", help=f"{text} Repeatable."
    )


@click.command("finetune")
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MANIFEST...")
@model_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Run folder to write.")
@_manifests("--dev", "New speech to choose on. Default: a share of MANIFEST, fixed by hashes.")
@_manifests("--test", "New speech to report on, which is neither trained nor chosen on.")
@_manifests("--replay", "Old speech to train on, too, so that less is forgotten.")
@click.option(
    "--replay-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Share of the old speech in the seconds of an epoch.",
)
@_manifests("--old-dev", "Old speech that must not get worse; a quarter of an hour is plenty.")
@_manifests("--old-test", "Old speech to report on.")
@click.option(
    "--most-forgotten",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Points by which the error rate on --old-dev may rise.",
)
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Train so many times, by other chance each time; the mean of all learns a voice better than each "
    "of them, and takes as much longer.",
)
@click.option(
    "--freeze",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Parts that stay as they are, from below: 1 the convolutions, 2 the lowest recurrent layer too, …",
)
@click.option(
    "--lexicon",
    type=click.Path(path_type=Path, dir_okay=False),
    help="For models that write phones: how words are pronounced. Default: lexicon.txt of the model folder.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="training.epochs=5, augment.noise=0.4, …"
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, or auto: a GPU if there is one."
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out where it stopped.")
def command(manifests: tuple[Path, ...], out: Path, **chosen: Any) -> None:
    """Train a model on with the utterances of MANIFEST, and show what that changed.

    Ten minutes of somebody's speech are enough to make a model better at it, and take minutes on a CPU.
    MODEL is left as it is; the new one (OUT/bundle) has its tokens and its language model. Those weights are
    kept that are best on --dev, of those that cost at most --most-forgotten points on --old-dev.

    The table on stdout compares both models on every set. The gain is the share of word errors that are
    gone, with a paired bootstrap over speakers where there are five or more, else over utterances.

    Ctrl-C stops after the step at hand; the same command with --resume goes on exactly there.

    \b
    asr record prompts.txt --to data/me
    asr finetune data/me/manifest.jsonl --model models/an4-bilstm --out runs/me
    asr finetune data/me/manifest.jsonl --model models/an4-bilstm --out runs/me2 --freeze 2 \\
        --replay data/an4/train/manifest.jsonl --old-dev data/an4/dev/manifest.jsonl
    asr transcribe talk.wav --model runs/me/bundle
    """
    from asr.train.finetune import FineTuningOptions, run_finetuning
    from asr.train.material import FineTuning

    options = FineTuningOptions(out, chosen["settings"], chosen["device"], chosen["resume"])
    sets = {name: tuple(map(str, chosen[name])) for name in ("dev", "test", "replay", "old_dev", "old_test")}
    wanted = FineTuning(
        model=str(chosen["model"]),
        train=tuple(map(str, manifests)),
        dev=sets["dev"],
        test=sets["test"],
        replay=sets["replay"],
        old_dev=sets["old_dev"],
        old_test=sets["old_test"],
        lexicon=str(chosen["lexicon"] or ""),
        replay_share=chosen["replay_share"],
        most_forgotten=chosen["most_forgotten"],
        runs=chosen["runs"],
        freeze=chosen["freeze"],
    )
    done = run_finetuning(wanted, options)
    click.echo(done.comparison.table())
    for line in _forgotten(done.comparison):
        click.echo(line)
    click.echo(f"{done.bundle}: asr transcribe RECORDING --model {done.bundle}", err=True)


def _forgotten(comparison: Comparison) -> list[str]:
    """What is right now and was not, and the other way round."""
    return [
        f"{name}: {one.learnt} utterances that were wrong are right now, "
        f"{one.unlearnt} that were right are wrong"
        for name, one in comparison.sets.items()
    ]
