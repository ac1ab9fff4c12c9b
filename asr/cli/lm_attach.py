"""``asr lm attach | detach``: model folders that carry a language model, and how words sound."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from asr.bundle import (
    LANGUAGE_MODEL,
    LETTER_TO_SOUND,
    LEXICON,
    PACKED_MODEL,
    Bundle,
    load_bundle,
    save_bundle,
)
from asr.carried import carried
from asr.cli.lm_tune import as_options
from asr.cli.options import model_option
from asr.config import DecodingConfig
from asr.decode.identity import decoding_name, digest
from asr.decode.tuning import TunedModel, Tuning
from asr.errors import BundleError
from asr.lm.packed_storage import SUFFIX as PACKED
from asr.progress import say
from asr.pronounce.storage import SUFFIX as LETTER_TO_SOUND_SUFFIX
from asr.pronounce.storage import load_letter_to_sound
from asr.recognize.language import Language, fusion_for
from asr.recognize.tuned import Tuned, read_tuned
from asr.text.lexicon import read_lexicon


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
@click.option(
    "--lexicon",
    type=click.Path(path_type=Path, dir_okay=False),
    help="How words are pronounced, where tokens are phones; the model folder carries it from then on, with "
    "the .l2s beside it, which guesses other words.",
)
def attach(lm: str, model: Path, tuned: Path | None, lexicon: Path | None, **changes: Any) -> None:
    """Put the language model MODEL into the model folder --model, in place of the one in it, if any.

    asr transcribe, asr evaluate and asr.load use it from then on, with the numbers of --tuned or those
    given here; --lm none or --beam-size 0 leaves it out, and asr lm detach takes it away again.

    The confidences of words are calibrated as --tuned says, if it is this acoustic model that was tuned and
    no number is given besides. MODEL may be another one than was tuned: one that knows the transcripts of the
    development set, too, which had to be left out for tuning. One that ends in .ngrams (asr lm prune) keeps
    the model folder small.

    \b
    asr lm attach lm.arpa --model models/an4-bilstm --tuned tuned.json
    asr lm attach lm.arpa --model models/an4-bilstm --alpha 0.7 --beta 1.5
    """
    found = read_tuned(tuned) if tuned is not None else Tuned(Tuning())
    given = {name: value for name, value in changes.items() if value is not None}
    tuning = replace(found.tuning, **given)
    bundle = load_bundle(model)
    if lexicon is not None:
        bundle = _with_lexicon(bundle, lexicon)
    bundle, confidences = _attached(bundle, lm, tuning, found)
    save_bundle(bundle, model)
    packed = bundle.language is not None and bundle.language.packed is not None
    size = (model / (PACKED_MODEL if packed else LANGUAGE_MODEL)).stat().st_size / 1e6
    say(f"{model}: carries {lm} ({size:.1f} MB) with {as_options(tuning)}")
    say(f"the confidences of words are {confidences}")


def _attached(bundle: Bundle, lm: str, tuning: Tuning, found: Tuned) -> tuple[Bundle, str]:
    """The bundle with a language model, and what there is to say of its confidences."""
    from asr.recognize.emission_cache import acoustic_digest

    numbers = {field.name: getattr(tuning, field.name) for field in fields(Tuning)}
    search = DecodingConfig(beam_size=numbers.pop("beam_size"))
    fusion = fusion_for(bundle, Language(lm=lm, **numbers))  # raises where they do not go together
    decoding = decoding_name(search, fusion)
    assert fusion is not None
    assert fusion.word_model is not None
    assert decoding is not None  # an n-gram model is no scorer
    same = tuning == found.tuning and acoustic_digest(bundle) == found.acoustic_model
    fitted = {decoding: found.calibration} if found.calibration is not None and same else {}
    calibrations = {**bundle.calibrations, **fitted}
    if decoding not in calibrations:
        told = "not calibrated for this; asr calibrate does it"
    elif fitted and digest(fusion.word_model) != found.language_model:
        told = "calibrated as with the language model that was tuned, which is another one"
    else:
        told = "calibrated for this"
    packed = carried(Path(lm).read_bytes()) if lm.endswith(PACKED) else None
    language = TunedModel(fusion.word_model, tuning, packed)
    return replace(bundle, language=language, calibrations=calibrations), told


def _with_lexicon(bundle: Bundle, lexicon: Path) -> Bundle:
    """The bundle with a lexicon, and with the letter-to-sound model beside it if there is one."""
    if not bundle.tokenizer.units.sounds:
        raise BundleError(
            "--lexicon: the tokens of the model spell words, so it carries no lexicon; leave it out here, "
            "and give it to asr transcribe"
        )
    read_lexicon(lexicon, bundle.tokenizer.units)
    words = {LEXICON: carried(lexicon.read_bytes())}
    beside = lexicon.with_suffix(LETTER_TO_SOUND_SUFFIX)
    if beside.is_file():
        load_letter_to_sound(beside)
        words[LETTER_TO_SOUND] = carried(beside.read_bytes())
    else:
        say(f"note: there is no {beside}; words that are not in the lexicon cannot be guessed")
    return replace(bundle, words=words)


@click.command("detach", short_help="Take the model out of a model folder.")
@model_option
def detach(model: Path) -> None:
    """Take the language model out of the model folder --model."""
    bundle = load_bundle(model)
    if bundle.language is None:
        raise BundleError(f"{model}: carries no language model; there is nothing to take out")
    save_bundle(replace(bundle, language=None), model)
