"""``asr calibrate``: confidences that are right as often as they say, for one way of decoding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.bundle import load_bundle, save_bundle
from asr.cli.options import Choice, recognizer_options
from asr.data.manifest import read_manifest
from asr.progress import counter, say
from asr.settings import to_dict

if TYPE_CHECKING:
    from asr.recognize.confidence import JudgedWords


@click.command("calibrate")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--carried",
    is_flag=True,
    help="Listen with --lm in place of the language model that the folder carries, and with the numbers of "
    "that; what is fitted is kept for that one.",
)
@recognizer_options
def command(manifest: Path, choice: Choice, carried: bool) -> None:
    """Fit the confidences of words to what the model gets right in MANIFEST, and keep that in its folder.

    MANIFEST lists recordings of people whom the model was not trained on, and a language model must not know
    their transcripts, or confidences would promise too much. A few hundred words are enough. Where the one in
    the folder knows them, --carried --lm names one that does not, and is like it otherwise.

    Of words with a confidence of 0.8, four in five are right then, in the decoding that was calibrated and in
    no other: give the options that you transcribe with. A model folder keeps one calibration for each way of
    decoding. asr lm tune -o and asr lm attach --tuned bring one along for a language model that is carried.

    \b
    asr calibrate data/an4/dev/manifest.jsonl --model runs/an4/bundle
    asr calibrate data/an4/dev/manifest.jsonl --model runs/an4/bundle --beam-size 0
    asr calibrate data/an4/dev/manifest.jsonl --model runs/an4/bundle --lm without-dev.arpa --carried
    """
    from asr.recognize.confidence import judged_words

    listening, kept_for = _in_place_of_carried(choice) if carried else (choice, None)
    recognizer = listening.load()
    utterances = read_manifest(manifest)
    with counter("recognising", len(utterances)) as advance:
        words = judged_words(recognizer, utterances, advance)
    calibration = words.fit()
    decoding = (kept_for.load() if kept_for else recognizer).decoding
    assert decoding is not None  # no option names a model from outside
    bundle = load_bundle(choice.model)
    known = {**bundle.calibrations, decoding: calibration}
    save_bundle(replace(bundle, calibrations=known), choice.model)
    say(f"{choice.model}: calibrated for {decoding}: {calibration.offset:+.3f} {calibration.slope:.3f}")
    click.echo(_summary(words))


def _in_place_of_carried(choice: Choice) -> tuple[Choice, Choice]:
    """How to listen with another language model as with the one that is carried, and how with that."""
    language = load_bundle(choice.model, weights=False).language
    if language is None or choice.language.lm is None:
        raise click.UsageError("--carried: --lm names what stands for the language model in the folder")
    given, numbers = choice.language, to_dict(language.tuning)
    tuned = numbers.pop("beam_size")
    beam_size = tuned if choice.beam_size is None else choice.beam_size
    known = {name: value for name, value in numbers.items() if getattr(given, name) is None}
    listening = replace(choice, language=replace(given, **known), beam_size=beam_size)
    return listening, replace(choice, language=replace(given, lm=None))


def _summary(words: JudgedWords) -> str:
    """How many words were right, and how far confidences are from that."""
    from asr.decode.calibration import reliability

    counted = f"{len(words.correct)} words, {100 * words.correct.mean():.1f} % right"
    before = f"expected calibration error {100 * words.error(None):.1f} % without a calibration"
    crosswise = words.crosswise()
    if crosswise is None:
        return f"{counted}; {before}; what it is with it, recordings of several named speakers would tell"
    after = 100 * reliability(crosswise, words.correct).error
    return f"{counted}; {before}, {after:.1f} % fitted on half of the speakers and tried on the others"
