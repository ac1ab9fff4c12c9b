"""``asr export``: a model for ONNX Runtime, which needs no torch."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np

from asr.bundle import Bundle, load_bundle, save_bundle
from asr.graphs import FILES
from asr.progress import say, track

SIGNAL_FRAMES = 1_000
"""Of the test signal with which engines are compared: ten seconds."""


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a model folder for machines without torch here, and leave MODEL as it is.",
)
@click.option(
    "--fp32/--no-fp32",
    default=True,
    show_default=True,
    help="Make graphs that compute what torch does; without them, those of 8 bits are used by default.",
)
@click.option(
    "--int8/--no-int8",
    default=True,
    show_default=True,
    help="Make graphs with weights of 8 bits, too, for --engine onnx-int8. Only LSTM models have them.",
)
@click.option(
    "--offline/--no-offline",
    default=True,
    show_default=True,
    help="Make a graph for whole recordings; without it, a unidirectional model takes them as streams, which "
    "is half the space.",
)
@click.option(
    "--beside",
    default="",
    metavar="NAME",
    help="A model folder next to that of -o. What it has of the language (language model, lexicon) is read "
    "from there, so that several models of a language hold it once. The folders then belong together.",
)
def command(model: Path, output: Path | None, fp32: bool, int8: bool, offline: bool, beside: str) -> None:
    """Make ONNX graphs of MODEL, a model folder, so that it is used faster and without torch.

    They are put into the folder: one for whole recordings and, where MODEL is unidirectional, one for
    streams. With -o, a new folder gets all but the weights of torch, with which a model is trained on.

    asr transcribe, asr evaluate and asr align take them from then on; --engine onnx-int8 takes those with
    weights of 8 bits. How far what they compute is from what torch computes goes to stderr, if that is
    installed.

    \b
    asr export runs/an4/bundle
    asr export runs/an4/bundle -o an4-small --no-int8
    """
    from asr.export.bundle import planned, quantizable, with_graphs

    bundle = load_bundle(model)
    if int8 and not quantizable(bundle):
        say(f"no graphs of 8 bits: ONNX Runtime has them for LSTM layers, and these are {bundle.model.cell}")
    works = planned(bundle, fp32=fp32, int8=int8, offline=offline)
    if not works:
        raise click.UsageError("nothing is left to export; leave out --no-fp32 or --no-int8")
    exported = with_graphs(bundle, {work.name: work.make() for work in track(works, "exporting")})
    _compare(exported)
    folder = output or model
    save_bundle(exported if output is None else replace(exported, weights={}), folder, beside=beside)
    names = [name for name in FILES if name in exported.graphs.files]
    sizes = (f"{name} {(folder / name).stat().st_size / 1e6:.1f} MB" for name in names)
    say(f"{folder}: {', '.join(sizes)}")
    click.echo(folder)


def _compare(bundle: Bundle) -> None:
    """Says how far probabilities are from those of torch, over a test signal of noise."""
    if find_spec("torch") is None:
        say("torch is not installed, so there is nothing to compare with")
        return
    from asr.recognize.engines import TORCH, start_engine

    noise = np.random.default_rng(0).standard_normal((1, SIGNAL_FRAMES, bundle.features.mels))
    features, lengths = noise.astype(np.float32), np.array([SIGNAL_FRAMES])
    expected = start_engine(bundle, TORCH).run(features, lengths).log_probs
    for engine in bundle.graphs.engines:
        found = start_engine(bundle, engine).run(features, lengths).log_probs
        difference = np.abs(np.exp(found) - np.exp(expected)).max()
        say(f"{engine}: probabilities of noise differ from torch's by {difference:.1g} at most")
