"""``asr lexicon``: pronunciations of new words, said by a person or guessed from the letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from asr.errors import LexiconError
from asr.progress import say, warn
from asr.pronounce.model import Guess, LetterToSound
from asr.pronounce.storage import SUFFIX, load_letter_to_sound, save_letter_to_sound
from asr.pronounce.training import Training, train
from asr.text.lexicon_text import Entry, add_entry, check_entry, read_entries

FEW = 2000
"""Words of a lexicon from which a model learns little."""

SHOWN = 3
"""Guesses that are shown when one is written."""

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    help=f"Letter-to-sound model ({SUFFIX}), as asr lexicon train writes it.",
)


@click.group("lexicon")
def command() -> None:
    """Say how words are pronounced, or let their letters tell.

    A model whose tokens are phones can only write words that a lexicon has: a text file, one pronunciation
    a line, the most usual first. Names and new words must be added to it. Who does not know the phones of
    a word lets a letter-to-sound model guess them; it learns from the lexicon how letters sound.

    \b
    read R IY D
    read R EH D

    \b
    asr lexicon add lexicon.txt Reykjavik R EY K Y AH V IH K
    asr lexicon add lexicon.txt colic
    asr lexicon guess colic --lexicon lexicon.txt -n 3
    """


@command.command("add", short_help="Add a word to a lexicon.")
@click.argument("lexicon", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("word")
@click.argument("phones", nargs=-1)
@model_option
def add(lexicon: Path, word: str, phones: tuple[str, ...], model: Path | None) -> None:
    """Add WORD with its PHONES to LEXICON, or with phones that are guessed from its letters.

    The new line comes after other pronunciations of the word, or at the end; all other lines stay as they
    are, comments (lines that begin with # and a space) too. Phones must be among those that the lexicon
    uses. A guess is a guess: look at what was written, and correct it in the file where it is wrong.

    Without --model, the guess comes from a model that is trained on the lexicon itself and kept beside it
    (lexicon.l2s); that takes half a minute for a large lexicon, and is done once.

    \b
    asr lexicon add lexicon.txt read R EH D
    asr lexicon add lexicon.txt colic
    """
    known = read_entries(lexicon)
    given = tuple(" ".join(phones).split())
    if not given:
        there = [entry for entry in known if entry.word == word]
        if there:
            say(f"{lexicon}: has it already: {'; '.join(map(str, there))}; nothing was written")
            return
        given = _guessed(lexicon, word, known, model)
    entry = Entry(word, given)
    done = add_entry(lexicon, entry)
    say(f"{lexicon}: added: {entry}" if done else f"{lexicon}: has it already: {entry}; nothing was written")


def _guessed(lexicon: Path, word: str, known: Sequence[Entry], model: Path | None) -> tuple[str, ...]:
    """The best guess for a word that fits into a lexicon; says what else it might be."""
    letter_to_sound = load_letter_to_sound(model) if model else _beside(lexicon, known)
    (guesses,) = letter_to_sound.guess([word], SHOWN)
    for guess in guesses:
        say(f"guess: {_line(word, guess, shares=True)}")
    check_entry(lexicon, Entry(word, guesses[0].phones), known)
    return guesses[0].phones


def _beside(lexicon: Path, known: Sequence[Entry] = ()) -> LetterToSound:
    """The model of a lexicon, which is kept beside it; trained where there is none yet."""
    path = lexicon.with_suffix(SUFFIX)
    if path.exists():
        return load_letter_to_sound(path)
    return _train(known or read_entries(lexicon), path, Training())


def _train(entries: Sequence[Entry], path: Path, wanted: Training) -> LetterToSound:
    words = len({entry.word for entry in entries})
    if words < FEW:
        warn(f"{words} words are few to learn from; guesses will often be wrong")
    trained = train(entries, wanted)
    if trained.left_out:
        examples = "; ".join(map(str, trained.left_out[:3]))
        say(f"left out: {len(trained.left_out)} that their letters cannot stand for, such as {examples}")
    save_letter_to_sound(trained.model, path)
    count = sum(map(len, trained.model.ngrams.levels))
    say(f"{path}: {trained.words} pronunciations, {len(trained.model.graphones)} graphones, {count} n-grams")
    return trained.model


@command.command("guess", short_help="Guess how words are pronounced.")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@model_option
@click.option(
    "--lexicon",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A lexicon to learn from; the model is kept beside it.",
)
@click.option(
    "-n",
    "--number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Guesses for each word, at most; with more than one, each has its probability.",
)
def guess(words: tuple[str, ...], model: Path | None, lexicon: Path | None, number: int) -> None:
    """Guess how each WORD is pronounced; the lines that are written can be put into a lexicon as they are.

    \b
    asr lexicon guess colic --lexicon lexicon.txt -n 2
    colic 0.7730 K AA L IH K
    colic 0.1324 K OW L IH K
    """
    if model is None and lexicon is None:
        raise click.UsageError("name --model, or --lexicon to learn from")
    if model is not None and lexicon is not None:
        raise click.UsageError("name --model or --lexicon, not both")
    letter_to_sound = load_letter_to_sound(model) if model else _beside(lexicon or Path())
    for word, guesses in zip(words, letter_to_sound.guess(words, number), strict=True):
        for one in guesses:
            click.echo(_line(word, one, shares=number > 1))


def _line(word: str, guess: Guess, *, shares: bool) -> str:
    """A line of a lexicon, with or without the probability."""
    share = f" {max(guess.probability, 1e-4):.4f}" if shares else ""
    return f"{word}{share} {' '.join(guess.phones)}"


@command.command("train", short_help="Train a letter-to-sound model.")
@click.argument("lexicon", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--order",
    type=click.IntRange(1, 16),
    default=Training().order,
    show_default=True,
    help="Pieces of a word that are looked at together.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(min=0),
    default=Training().threshold,
    show_default=True,
    help="What an n-gram must be worth to stay; smaller makes a larger file, 0 keeps all.",
)
def train_command(lexicon: Path, out: Path, order: int, threshold: float) -> None:
    """Train a model on LEXICON and write it to OUT, a file that ends in .l2s.

    Letters are aligned with phones first, by expectation maximisation; then an n-gram model is made of
    the pieces (graphones). CMUdict, 135,000 pronunciations, takes half a minute and gives 0.8 MB.

    \b
    asr lexicon train lexicon.txt english.l2s
    asr lexicon guess colic --model english.l2s
    """
    if out.suffix != SUFFIX:
        raise click.UsageError(f"OUT {out}: the name must end in {SUFFIX}")
    if out.resolve() == lexicon.resolve():
        raise LexiconError(f"{out}: is the lexicon itself; choose another OUT")
    _train(read_entries(lexicon), out, Training(order, threshold))
