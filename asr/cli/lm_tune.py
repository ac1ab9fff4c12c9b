"""``asr lm tune``: how much a language model counts beside an acoustic model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.bundle import (
    Bundle,
    load_bundle,
)
from asr.cli.options import device_option, model_option
from asr.data.manifest import read_manifest
from asr.decode.fusion import Fusion
from asr.decode.identity import digest
from asr.decode.tuning import Tuning
from asr.progress import counter, say
from asr.recognize.language import SOUND_ALONE, Language, fusion_for
from asr.text.error_rate import format_wer

if TYPE_CHECKING:
    from asr.recognize.hearing import Heard
    from asr.recognize.tune import Trial

lm_option = click.option("--lm", required=True, help="Language model of words: .arpa, .arpa.gz or .lm.")
closed_option = click.option("--closed", is_flag=True, help="Write only words that the language model knows.")
beam_option = click.option(
    "--beam-size", type=click.IntRange(min=1), default=100, show_default=True, help="Prefixes kept."
)


@click.command("tune", short_help="Find how much a model should count beside the sound.")
@click.argument("manifest", type=click.Path(path_type=Path))
@model_option
@lm_option
@closed_option
@click.option("--lexicon", help="Write only words of this list, as in asr evaluate.")
@beam_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write all trials here, as JSON; asr lm attach reads the best of them.",
)
@click.option(
    "--emissions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep what the acoustic model heard in this file (.safetensors), for the next time.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Utterances searched at once. Default: one per processor."
)
@device_option
def tune(
    manifest: Path, model: Path, device: str, output: Path | None, emissions: Path | None, **search: Any
) -> int:
    """Find the alpha and beta with which a model folder and a language model make the fewest word errors.

    MANIFEST lists recordings of a development set: neither model may have been made from them, nor from
    their transcripts, or the language model would be trusted too much. Every trial is a line on stderr,
    and the best one is written to stdout, as options for asr evaluate and asr transcribe. Ctrl-C ends the
    search with the best of what was tried. What unknown words cost is tuned where MANIFEST holds ten or more.

    The file of -o also calibrates the confidences of words for the best trial, but with --lexicon, which
    asr lm attach does not keep.

    \b
    asr lm tune data/an4/dev/manifest.jsonl --model models/an4-bilstm --lm lm.arpa -o tuned.json
    asr lm attach lm.arpa --model models/an4-bilstm --tuned tuned.json
    """
    from asr.recognize.emission_cache import acoustic_digest
    from asr.recognize.tune import best_of, calibrate, trials
    from asr.recognize.tuned import Tuned, write_tuned

    bundle = load_bundle(model)
    language = Language(lm=search["lm"], lexicon=search["lexicon"], closed=search["closed"] or None)
    fusion = fusion_for(bundle, language)
    assert fusion is not None
    heard = _heard(bundle, manifest, emissions, (model, device))
    _tell_unknown(heard, fusion, manifest)
    threads = search["threads"] or os.cpu_count() or 1
    done: list[Trial] = []
    status = 0
    try:
        with counter("tuning", None) as advance:
            for trial in trials(heard, bundle.tokenizer, fusion, search["beam_size"], threads):
                done.append(trial)
                say(_row(trial))
                advance(1)
    except KeyboardInterrupt:
        if not done:
            raise
        say("interrupted; the best of what was tried:")
        status = 130
    best = best_of(done)
    if output is not None:
        calibration = None
        if search["lexicon"] is None:
            calibration = calibrate(heard, bundle.tokenizer, fusion, best.tuning, threads)
        models = acoustic_digest(bundle), digest(fusion.word_model)
        write_tuned(output, Tuned(best.tuning, calibration, *models), done)
    say(f"best: {_row(best)}")
    click.echo(as_options(best.tuning))
    return status


def _heard(bundle: Bundle, manifest: Path, cache: Path | None, engine: tuple[Path, str]) -> list[Heard]:
    """The emissions of a manifest, from the cache where they are in there."""
    from asr.recognize.emission_cache import load_emissions, origin, save_emissions

    utterances = read_manifest(manifest)
    source = origin(bundle, manifest) if cache is not None else ""
    if cache is not None and (known := load_emissions(cache, source)) is not None:
        say(f"{cache}: what the model heard is known already")
        return known
    from asr.recognize.hearing import hear
    from asr.recognize.recognizer import load

    model, device = engine
    recognizer = load(model, device=device, language=SOUND_ALONE)
    with counter("listening", len(utterances)) as advance:
        heard = list(hear(recognizer, utterances, advance))
    if cache is not None:
        save_emissions(heard, cache, source)
    return heard


def _tell_unknown(heard: Sequence[Heard], fusion: Fusion, manifest: Path) -> None:
    """Says so where too few unknown words were spoken to tune what they cost."""
    from asr.recognize.tune import UNKNOWN_WORDS, unknown_words

    count = unknown_words(heard, fusion)
    if fusion.vocabulary == "open" and count < UNKNOWN_WORDS:
        say(
            f"unknown words stay at {fusion.unknown_score:g} and {fusion.unknown_letter:g} a letter: "
            f"{manifest} holds {count}, and fewer than {UNKNOWN_WORDS} cannot tell"
        )


def _row(trial: Trial) -> str:
    tuning = trial.tuning
    return (
        f"alpha {tuning.alpha:6.4g}  beta {tuning.beta:5.4g}  "
        f"unknown {tuning.unknown_score:5.4g} {tuning.unknown_letter:5.4g}  "
        f"{format_wer(trial.words)}  {format_wer(trial.characters, 'CER').partition(',')[0]} ]"
    )


def as_options(tuning: Tuning) -> str:
    """A tuning as options of `asr transcribe` and `asr evaluate`."""
    closed = " --closed" if tuning.closed else ""
    return (
        f"--alpha {tuning.alpha:g} --beta {tuning.beta:g} --unknown-score {tuning.unknown_score:g} "
        f"--unknown-letter {tuning.unknown_letter:g} --beam-size {tuning.beam_size}{closed}"
    )
