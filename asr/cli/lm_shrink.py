"""``asr lm mix | prune``: one language model of several, and smaller ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from asr.config import TokenizerConfig
from asr.errors import LanguageModelError
from asr.lm.construction import automaton_from, load_ngrams, save_ngrams
from asr.lm.mixing import best_weights, mix
from asr.lm.ngrams import BEGIN, END, UNKNOWN, NgramModel
from asr.lm.pruning import prune
from asr.lm.sources import read_sentences
from asr.lm.vocabulary import limited
from asr.progress import say, track
from asr.text.lexicon_text import read_entries
from asr.text.normalize import normalizer_names

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write: .ngrams, which takes two to four bytes an n-gram; .lm, .arpa or .arpa.gz.",
)
normalizer_option = click.option(
    "--normalizer",
    type=click.Choice(normalizer_names()),
    default=TokenizerConfig().normalizer,
    show_default=True,
    help="Spelling that texts are brought into; take that of the recipe.",
)
path_type = click.Path(path_type=Path)


@click.command("mix", short_help="Make one model of several.")
@click.argument("models", nargs=-1, required=True, type=path_type, metavar="MODEL...")
@output_option
@click.option("--weights", help="How much each counts, such as '0.8 0.2'. Default: all alike.")
@click.option(
    "--tune",
    "texts",
    type=path_type,
    multiple=True,
    help="Find the weights that make this text most probable.",
)
@normalizer_option
def mix_command(
    models: tuple[Path, ...], output: Path, weights: str | None, texts: tuple[Path, ...], normalizer: str
) -> None:
    """Make one model of several: a word is as probable as in the mean of them.

    A model of much general text and one of a little text of your field make a better one than all text
    together, where the little is lost. Text to --tune on must be in none of them. The weights are written to
    stdout.

    \b
    asr lm mix books.arpa mine.arpa -o both.arpa --tune held-out.txt
    asr lm mix books.arpa mine.arpa -o both.arpa --weights '0.7 0.3'
    """
    if weights is not None and texts:
        raise click.UsageError("give --weights or --tune, not both")
    shares = _shares(weights, len(models), "models")
    loaded = [load_ngrams(path) for path in models]
    if texts:
        sentences = chain.from_iterable(read_sentences(text, normalizer) for text in texts)
        shares = best_weights([automaton_from(model) for model in loaded], sentences).tolist()
    _write(mix(loaded, shares), output)
    click.echo(" ".join(f"{share:.4f}" for share in shares))


@click.command("prune", short_help="Make a model smaller.")
@click.argument("model", type=path_type)
@click.argument("texts", nargs=-1, type=path_type, metavar="[TEXT...]")
@output_option
@click.option(
    "--threshold",
    type=click.FloatRange(min=0),
    help="Leave out n-grams worth less than this, in nats a word; 1e-8 to 1e-6 are usual. Needs TEXT.",
)
@click.option("--weights", help="How much each TEXT counts in MODEL, such as '0.8 0.2'. Default: all alike.")
@click.option(
    "--vocabulary", type=path_type, help="Keep only words of this lexicon: a word is the first of a line."
)
@normalizer_option
def prune_command(
    model: Path,
    texts: tuple[Path, ...],
    output: Path,
    vocabulary: Path | None,
    threshold: float | None,
    **text: Any,
) -> None:
    """Make MODEL smaller: fewer words, and only n-grams that it is the worse without (relative entropy).

    TEXT is what MODEL was made of: it says how often each context occurs. MODEL must have been built without
    --prune, or with little.

    \b
    asr lm prune lm.arpa texts/*.txt -o small.ngrams --threshold 1e-7
    asr lm prune lm.arpa -o small.ngrams --vocabulary lexicon.txt
    """
    if (threshold is None) == bool(texts):
        raise click.UsageError("--threshold and TEXT go together: the text says how often contexts occur")
    shares = _shares(text["weights"], len(texts), "texts")
    smaller = load_ngrams(model)
    before = _sizes(smaller)
    if vocabulary is not None:
        smaller = limited(smaller, {entry.word for entry in read_entries(vocabulary)})
    if threshold is not None:
        ids = [_ids(path, text["normalizer"], smaller) for path in texts]
        smaller = prune(smaller, list(zip(ids, shares, strict=True)), threshold)
    say(f"{model}: {before}")
    _write(smaller, output)


def _shares(weights: str | None, count: int, of_what: str) -> list[float]:
    """The numbers of an option, scaled so that they add up to one."""
    if weights is None:
        return [1 / max(count, 1)] * count
    try:
        shares = [float(part) for part in weights.replace(",", " ").split()]
    except ValueError:
        raise click.UsageError(f"--weights {weights}: give numbers, such as '0.8 0.2'") from None
    if len(shares) != count or min(shares) < 0 or not sum(shares) > 0:
        raise click.UsageError(
            f"--weights {weights}: give a number from 0 on for each of the {count} {of_what}"
        )
    return [share / sum(shares) for share in shares]


def _ids(text: Path, normalizer: str, model: NgramModel) -> NDArray[np.int32]:
    """The words of a text by their numbers in a model (T,), each sentence from <s> to </s>."""
    ids = {word: index for index, word in enumerate(model.words)}
    if not ids.keys() >= {BEGIN, END, UNKNOWN}:
        raise LanguageModelError("the model lacks <s>, </s> or <unk>; take one that asr lm build made")

    def numbers() -> Iterator[int]:
        for sentence in track(read_sentences(text, normalizer), f"reading {text.name}"):
            yield ids[BEGIN]
            yield from (ids.get(word, ids[UNKNOWN]) for word in sentence)
            yield ids[END]

    return np.fromiter(numbers(), np.int32)


def _write(model: NgramModel, output: Path) -> None:
    save_ngrams(model, output)
    say(f"{output}: {_sizes(model)}, {output.stat().st_size / 1e6:.2f} MB")


def _sizes(model: NgramModel) -> str:
    return ", ".join(f"{len(level)} {n}-grams" for n, level in enumerate(model.levels, start=1))
