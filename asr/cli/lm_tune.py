"""``asr lm tune | attach | detach``: how much a language model counts, and in which model folder it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from asr.bundle import LANGUAGE_MODEL, Bundle, load_bundle, save_bundle
from asr.cli.options import device_option, model_option
from asr.data.manifest import read_manifest
from asr.decode.tuning import TunedModel, Tuning
from asr.errors import BundleError, ConfigError
from asr.files import write_atomically
from asr.lm.construction import load_language_model
from asr.progress import counter, say, warn
from asr.recognize.language import SOUND_ALONE, Language, fusion_for
from asr.settings import from_dict, to_dict
from asr.text.error_rate import format_wer

if TYPE_CHECKING:
    from asr.recognize.tune import Heard, Trial

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
    search with the best of what was tried.

    \b
    asr lm tune data/an4/dev/manifest.jsonl --model models/an4-bilstm --lm lm.arpa -o tuned.json
    asr lm attach lm.arpa --model models/an4-bilstm --tuned tuned.json
    """
    from asr.recognize.tune import best_of, trials

    bundle = load_bundle(model)
    language = Language(lm=search["lm"], lexicon=search["lexicon"], closed=search["closed"] or None)
    fusion = fusion_for(bundle, language)
    assert fusion is not None
    heard = _heard(bundle, manifest, emissions, (model, device))
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
        write_atomically(output, _json(best, done))
    say(f"best: {_row(best)}")
    click.echo(_as_options(best.tuning))
    return status


def _heard(bundle: Bundle, manifest: Path, cache: Path | None, engine: tuple[Path, str]) -> list[Heard]:
    """The emissions of a manifest, from the cache where they are in there."""
    from asr.recognize.emission_cache import load_emissions, origin, save_emissions

    utterances = read_manifest(manifest)
    source = origin(bundle, manifest) if cache is not None else ""
    if cache is not None and (known := load_emissions(cache, source)) is not None:
        say(f"{cache}: what the model heard is known already")
        return known
    from asr.recognize.recognizer import load
    from asr.recognize.tune import hear

    model, device = engine
    recognizer = load(model, device=device, language=SOUND_ALONE)
    with counter("listening", len(utterances)) as advance:
        heard = hear(recognizer, utterances, advance)
    if cache is not None:
        save_emissions(heard, cache, source)
    return heard


def _row(trial: Trial) -> str:
    tuning = trial.tuning
    return (
        f"alpha {tuning.alpha:6.4g}  beta {tuning.beta:5.4g}  "
        f"unknown {tuning.unknown_score:5.4g} {tuning.unknown_letter:5.4g}  "
        f"{format_wer(trial.words)}  {format_wer(trial.characters, 'CER').partition(',')[0]} ]"
    )


def _json(best: Trial, trials: Sequence[Trial]) -> str:
    content = {
        "tuning": to_dict(best.tuning),
        "trials": [
            to_dict(trial.tuning) | {"words": to_dict(trial.words), "characters": to_dict(trial.characters)}
            for trial in trials
        ],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _as_options(tuning: Tuning) -> str:
    closed = " --closed" if tuning.closed else ""
    return (
        f"--alpha {tuning.alpha:g} --beta {tuning.beta:g} --unknown-score {tuning.unknown_score:g} "
        f"--unknown-letter {tuning.unknown_letter:g} --beam-size {tuning.beam_size}{closed}"
    )


@click.command("attach", short_help="Put a model into a model folder, which uses it from then on.")
@click.argument("lm", metavar="MODEL")
@model_option
@click.option("--tuned", type=click.Path(path_type=Path), help="What asr lm tune -o wrote.")
@click.option("--alpha", type=click.FloatRange(min=0), help="Factor of the log-probabilities.")
@click.option("--beta", type=float, help="Bonus of every word, in nats.")
@click.option("--unknown-score", type=float, help="Of words that MODEL does not know, in nats.")
@click.option("--unknown-letter", type=click.FloatRange(max=0), help="For each of their characters.")
@click.option("--closed/--open", default=None, help="Write only words that MODEL knows, or others too.")
@click.option("--beam-size", type=click.IntRange(min=1), help="Prefixes kept.")
def attach(lm: str, model: Path, tuned: Path | None, **changes: Any) -> None:
    """Put the language model MODEL into the model folder --model, in place of the one in it, if any.

    asr transcribe, asr evaluate and asr.load use it from then on, with the numbers of --tuned or those
    given here; --lm none or --beam-size 0 leaves it out, and asr lm detach takes it away again.

    \b
    asr lm attach lm.arpa --model models/an4-bilstm --tuned tuned.json
    asr lm attach lm.arpa --model models/an4-bilstm --alpha 0.7 --beta 1.5
    """
    tuning = _read_tuning(tuned) if tuned is not None else Tuning()
    given = {name: value for name, value in changes.items() if value is not None}
    tuning = replace(tuning, **given)
    bundle = load_bundle(model)
    fusion_for(bundle, Language(lm=lm))  # raises where they do not go together
    known = load_language_model(Path(lm))
    save_bundle(replace(bundle, language=TunedModel(known, tuning)), model)
    size = (model / LANGUAGE_MODEL).stat().st_size / 1e6
    say(f"{model}: carries {lm} ({size:.1f} MB) with {_as_options(tuning)}")
    if bundle.calibration is not None:
        warn("the confidences of words were calibrated without it; fit them again")


def _read_tuning(path: Path) -> Tuning:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        values = content["tuning"]
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; asr lm tune -o writes one") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check it") from None
    except (msgspec.DecodeError, KeyError):
        raise ConfigError(f"{path}: not what asr lm tune -o writes; name such a file") from None
    return from_dict(Tuning, values, where=str(path))


@click.command("detach", short_help="Take the model out of a model folder.")
@model_option
def detach(model: Path) -> None:
    """Take the language model out of the model folder --model."""
    bundle = load_bundle(model)
    if bundle.language is None:
        raise BundleError(f"{model}: carries no language model; there is nothing to take out")
    save_bundle(replace(bundle, language=None), model)
