"""``asr lm``: make n-gram language models from text, and judge them; `asr.cli.lm_tune` has the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click

from asr.cli.lm_attach import attach, detach
from asr.cli.lm_shrink import mix_command, prune_command
from asr.cli.lm_tune import tune
from asr.config import TokenizerConfig
from asr.errors import LanguageModelError
from asr.lm.automaton import Automaton
from asr.lm.construction import SUFFIX, load_language_model
from asr.lm.kneser_ney import Estimated, Estimation, estimate
from asr.lm.ngrams import LN_10
from asr.lm.perplexity import Perplexity, measure
from asr.lm.sources import read_sentences
from asr.progress import say, track, warn
from asr.text.normalize import normalizer_names

EMPTY_TEXT = "the text is empty; write one sentence a line"
ENDINGS = (".arpa", ".arpa.gz", SUFFIX)


class PruneCommand(click.Command):
    """A command whose option --prune takes as many numbers as follow it: ``--prune 0 0 1``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Makes one argument of the numbers."""
        joined: list[str] = []
        for argument in args:
            if argument.isdigit() and len(joined) > 1 and joined[-2] == "--prune" and _numbers(joined[-1]):
                joined[-1] += f" {argument}"
            else:
                joined.append(argument)
        return super().parse_args(context, joined)


def _numbers(text: str) -> bool:
    return text.replace(" ", "").isdigit()


def text_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how text is read; the same for making a model and for judging it."""
    function = click.option(
        "--characters",
        is_flag=True,
        help="The units are characters, and ▁ for the space between words, as in tokens.txt.",
    )(function)
    return click.option(
        "--normalizer",
        type=click.Choice(normalizer_names()),
        default=TokenizerConfig().normalizer,
        show_default=True,
        help="Spelling that the text is brought into; take that of the recipe.",
    )(function)


@click.group("lm")
def command() -> None:
    """Make n-gram language models from text, judge them, and find how much they should count.

    A language model says how likely a word is after the words before it. A decoder that asks one writes
    "recognise speech" where it would have written "wreck a nice beach". It is made from text alone, so
    text of your own field helps most, and much more of it than there are recordings.

    \b
    asr lm build texts/*.txt -o lm.arpa --order 3 --prune 0 0 1
    asr lm perplexity lm.arpa held-out.txt
    asr lm tune data/an4/dev/manifest.jsonl --model models/an4-bilstm --lm lm.arpa -o tuned.json
    asr lm attach lm.arpa --model models/an4-bilstm --tuned tuned.json
    """


for _part in (mix_command, prune_command, tune, attach, detach):
    command.add_command(_part)


@command.command("build", cls=PruneCommand, short_help="Estimate a model from text.")
@click.argument("texts", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TEXT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write: .arpa, .arpa.gz, or .lm, which loads in milliseconds.",
)
@click.option(
    "--order",
    type=int,
    default=3,
    show_default=True,
    help="Words that are looked at together: the word and ORDER - 1 before it. Characters need 5 to 8.",
)
@click.option(
    "--prune",
    default="0",
    show_default=True,
    metavar="N...",
    help="Leave out what occurs N times or less; one N for single words (0), one for pairs, …; the last "
    "one holds for all that are longer. 0 0 1 halves a model and costs little.",
)
@text_options
def build(
    texts: tuple[Path, ...], output: Path, order: int, prune: str, normalizer: str, characters: bool
) -> None:
    """Estimate a model from TEXT: one sentence a line, plain, .gz or .xz; - is standard input.

    Interpolated modified Kneser-Ney smoothing, the numbers that lmplz computes. Probability is taken
    from what was counted and given to what was not, so that every sequence of words has some; words
    that are not in the text have that of <unk>. Memory does not grow with the text, but for its
    vocabulary, unless a .lm is written; intermediate files stand beside the output.

    \b
    asr lm build texts/*.txt -o lm.arpa --order 3 --prune 0 0 1
    xz -dc books.xz | asr lm build - -o lm.arpa.gz
    asr lm build train.txt -o characters.lm --order 6 --characters
    """
    if not output.name.endswith(ENDINGS):
        raise click.UsageError(f"-o {output}: the name must end in {', '.join(ENDINGS[:2])} or {SUFFIX}")
    thresholds = prune.replace(",", " ").split()
    if not thresholds or not all(map(_numbers, thresholds)):
        raise click.UsageError(f"--prune {prune}: give numbers, such as --prune 0 0 1")
    wanted = Estimation(order, tuple(map(int, thresholds)))
    sentences = chain.from_iterable(read_sentences(text, normalizer, characters=characters) for text in texts)
    done = estimate(_counted(sentences, " ".join(map(str, texts))), output, wanted)
    _report(done, output, characters)


def _counted(sentences: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    """Passes sentences on, shows their number, and says how many were empty."""
    count = empty = 0
    for sentence in track(sentences, "reading"):
        count += 1
        empty += not sentence
        yield sentence
    if empty == count:
        raise LanguageModelError(f"{name}: {EMPTY_TEXT}")
    if empty:
        say(f"{empty} empty lines left out")


def _report(done: Estimated, output: Path, characters: bool) -> None:
    unit = "characters" if characters else "words"
    say(f"{done.sentences} sentences, {done.words} {unit}, {done.vocabulary} different ones")
    for n, discounts in enumerate(done.discounts, start=1):
        if discounts.problem:
            warn(
                f"{n}-grams have the discounts 0.5 1 1.5 of small texts: {discounts.problem}; "
                "usual for characters, and for texts with few or repeated sentences"
            )
    sizes = ", ".join(f"{count} {n}-grams" for n, count in enumerate(done.counts, start=1))
    say(f"{output}: {sizes}")


@command.command("score", short_help="Write how likely each line of a text is.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("text", type=click.Path(path_type=Path))
@text_options
def score(model: Path, text: Path, normalizer: str, characters: bool) -> None:
    """Write how likely MODEL thinks each line of TEXT, as logarithms to base 10.

    First the sum, then each word with its own; a word that the model does not know is marked with *.

    \b
    echo "good morning" | asr lm score lm.arpa -
    -4.6128 good -2.9021 morning -1.2004 </s> -0.5103
    """
    automaton = load_language_model(model)
    for sentence in read_sentences(text, normalizer, characters=characters):
        scores = [value / LN_10 for value in automaton.score(sentence)]
        words = [word if _known(automaton, word) else f"{word}*" for word in sentence]
        parts = [f"{word} {value:.4f}" for word, value in zip([*words, "</s>"], scores, strict=True)]
        click.echo(f"{sum(scores):.4f} {' '.join(parts)}")


def _known(automaton: Automaton, word: str) -> bool:
    return automaton.ids.get(word, automaton.unknown) != automaton.unknown


@command.command("perplexity", short_help="Measure how well a model predicts a text.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("texts", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TEXT...")
@text_options
def perplexity(model: Path, texts: tuple[Path, ...], normalizer: str, characters: bool) -> None:
    """Measure how well MODEL predicts each TEXT: its perplexity, lower is better.

    A perplexity of 100 is that of choosing between 100 equally likely words each time. Measure on
    text that the model was not made from. The first figure counts words that are not in the model
    (OOV) as <unk>, the second leaves them out; compare models by the share of OOV as well, for a
    model that knows few words finds all others easy.

    \b
    asr lm perplexity lm.arpa held-out.txt
    """
    automaton = load_language_model(model)
    total = Perplexity()
    for text in texts:
        result = measure(automaton, track(read_sentences(text, normalizer, characters=characters), "reading"))
        click.echo(_line(str(text), result))
        total += result
    if not total.words:
        raise LanguageModelError(f"{' '.join(map(str, texts))}: {EMPTY_TEXT}")
    if len(texts) > 1:
        click.echo(_line("all", total))
    if total.unknown > total.words / 2:
        warn("most words are not in the model: is it one of --characters, or of another --normalizer?")


def _line(name: str, result: Perplexity) -> str:
    share = 100 * result.unknown / result.words if result.words else 0.0
    return (
        f"{name}: perplexity {result.with_unknown:.2f} with OOV, {result.without_unknown:.2f} without; "
        f"OOV {result.unknown} of {result.words} words ({share:.2f} %), {result.sentences} sentences"
    )
