r"""ARPA files: language models as text, which all toolkits read and write.

    \data\
    ngram 1=3
    ngram 2=1

    \1-grams:
    -0.6	<unk>
    -1.2	yes	-0.3
    -0.5	</s>

    \2-grams:
    -0.1	yes </s>

    \end\

A line holds a log-probability (base 10), the words, and the weight of backing off, which may be left
out where it is 0 and does not exist for the longest n-grams. Every n-gram stands after its context.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.errors import LanguageModelError
from asr.files import write_atomically
from asr.lm.ngrams import LN_10, WORD_BITS, Level, NgramModel, Rows, key
from asr.lm.sources import opened

ROWS = 1 << 13
"""Lines that are read or written together."""

_COUNT = re.compile(rb"ngram\s+(\d{1,3})\s*=\s*(\d{1,12})")


@dataclass(slots=True)
class _Lines:
    """The lines of a file, counted."""

    path: Path
    file: Iterator[bytes]
    number: int = 0

    def take(self, count: int) -> list[bytes]:
        """The next `count` lines, or as many as there are."""
        lines = list(islice(self.file, count))
        self.number += len(lines)
        return lines

    def next_text(self) -> bytes:
        """The next line that is not blank, without white space around it."""
        for line in self.file:
            self.number += 1
            if text := line.strip():
                return text
        raise self.cut_off()

    def error(self, problem: str, back: int = 0) -> LanguageModelError:
        """An error in the line that was read last, or `back` lines before it."""
        return LanguageModelError(
            f"{self.path}, line {self.number - back}: {problem}; correct the line, or make the model again"
        )

    def cut_off(self) -> LanguageModelError:
        return self.error("the file ends here, without \\end\\: it was cut off")


def read_arpa(path: Path) -> NgramModel:
    """Reads an ARPA file, plain, .gz or .xz, in UTF-8.

    Raises:
        LanguageModelError: If it is missing, empty, no ARPA file, cut off, or a line is wrong: not as
            many n-grams as the header says, something that is not a number, a positive
            log-probability, an n-gram that stands twice or whose words or context are missing. The
            line is named.
    """
    with opened(path) as file:
        lines = _Lines(path, iter(file))
        counts = _read_header(lines)
        words = _read_words(lines, counts)
        levels = [words[1]]
        known = Rows()
        for n in range(2, len(counts) + 1):
            levels.append(_read_level(lines, n, counts, words[0], known))
        if lines.next_text() != b"\\end\\":
            raise lines.error(f"expected \\end\\: there are more {len(counts)}-grams than the header says")
    return NgramModel(tuple(word.decode() for word in words[0]), tuple(levels))


def _read_header(lines: _Lines) -> list[int]:
    r"""How many n-grams of each length the file promises; goes on to the line ``\1-grams:``."""
    mark = b"\xef\xbb\xbf"
    for line in lines.file:  # comments may come before
        lines.number += 1
        if line.removeprefix(mark).strip() == b"\\data\\":
            break
    else:
        if not lines.number:
            raise LanguageModelError(f"{lines.path}: the file is empty; make the model again")
        raise LanguageModelError(f"{lines.path}: not an ARPA file: it has no line \\data\\; name a model")
    counts: list[int] = []
    while not (text := lines.next_text()).startswith(b"\\"):
        match = _COUNT.fullmatch(text)
        if not match or int(match[1]) != len(counts) + 1:
            raise lines.error(f"expected a count such as ngram {len(counts) + 1}=1000, not {_shown(text)}")
        counts.append(int(match[2]))
    if not counts or not counts[0]:
        raise lines.error("the header promises no words (ngram 1=…)")
    if counts[0] >= 1 << WORD_BITS:
        raise lines.error(f"{counts[0]} words are too many; {(1 << WORD_BITS) - 1} at most")
    if text != b"\\1-grams:":
        raise lines.error(f"expected \\1-grams:, not {_shown(text)}")
    return counts


def _read_words(lines: _Lines, counts: list[int]) -> tuple[dict[bytes, int], Level]:
    """Reads the section of single words."""
    ids: dict[bytes, int] = {}
    log_probs, backoffs = [], []
    for rows in _chunks(lines, 1, counts):
        numbers = _numbers(lines, rows, 1, len(counts))
        log_probs.append(numbers[0])
        backoffs.append(numbers[1])
        for place, row in enumerate(rows, start=1):
            count = len(ids)
            if ids.setdefault(row[1], count) != count or _foreign(row[1]):
                problem = "is not UTF-8" if _foreign(row[1]) else "stands twice among the 1-grams"
                raise lines.error(f"{_shown(row[1])} {problem}", len(rows) - place)
    zeros = np.zeros(len(ids), np.int32)
    unigrams = np.arange(len(ids), dtype=np.int32)
    return ids, Level(zeros, unigrams, np.concatenate(log_probs), np.concatenate(backoffs))


def _read_level(lines: _Lines, n: int, counts: list[int], ids: dict[bytes, int], known: Rows) -> Level:
    """Reads the section of n-grams, n > 1, and adds them to those that are known."""
    heading = f"\\{n}-grams:".encode()
    if (text := lines.next_text()) != heading:
        more = "" if text.startswith(b"\\") else f": there are more {n - 1}-grams than the header says"
        raise lines.error(f"expected {heading.decode()}, not {_shown(text)}{more}")
    parts = [(np.zeros(0, np.int32), np.zeros(0, np.int32), *(np.zeros(0, np.float32),) * 2)]
    for rows in _chunks(lines, n, counts):
        numbers = _numbers(lines, rows, n, len(counts))
        columns = _columns(lines, rows, n, ids)
        contexts = known.find(columns[:, :-1])
        if contexts.min() < 0:
            place = int(np.argmin(contexts))
            context = b" ".join(rows[place][1:n]).decode()
            problem = f"its context {context!r} is not among the {n - 1}-grams"
            raise lines.error(problem, len(rows) - place - 1)
        parts.append((contexts.astype(np.int32), columns[:, -1], *numbers))
    level = Level(*map(np.concatenate, zip(*parts, strict=True)))
    _refuse_twins(lines, level, n)
    known.add(level)
    return level


def _refuse_twins(lines: _Lines, level: Level, n: int) -> None:
    """Raises where an n-gram stands twice in its section, which has been read to its end."""
    keys = key(level.contexts, level.words)
    order = np.argsort(keys, kind="stable")
    twins = order[1:][keys[order[1:]] == keys[order[:-1]]]
    if len(twins):
        raise lines.error(f"this {n}-gram stands there twice", len(keys) - int(twins.min()) - 1)


def _chunks(lines: _Lines, n: int, counts: list[int]) -> Iterator[list[list[bytes]]]:
    """The lines of a section, cut at white space, some at a time; all have as many fields as they should."""
    left = counts[n - 1]
    fields = {n + 1} if n == len(counts) else {n + 1, n + 2}
    while left:
        taken = lines.take(min(left, ROWS))
        rows = [line.split() for line in taken]
        if not taken or not set(map(len, rows)) <= fields:
            for place, row in enumerate(rows):
                if not row or row[0].startswith(b"\\"):
                    done = counts[n - 1] - left + place
                    problem = f"only {done} {n}-grams, but the header says {counts[n - 1]}"
                    raise lines.error(problem, len(rows) - place - 1)
                if len(row) not in fields:
                    wanted = " or ".join(map(str, sorted(fields)))
                    problem = f"a line of {n}-grams has {wanted} fields, not {len(row)}"
                    raise lines.error(problem, len(rows) - place - 1)
            raise lines.cut_off()
        left -= len(rows)
        yield rows


def _numbers(
    lines: _Lines, rows: list[list[bytes]], n: int, order: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Natural log-probabilities and back-off weights."""
    try:
        log_probs = np.array([float(row[0]) for row in rows])
        backoffs = np.array([float(row[n + 1]) if len(row) > n + 1 else 0.0 for row in rows])
    except ValueError:
        log_probs = backoffs = np.array([np.nan])
    if not (np.abs(log_probs).max() < 1e30 and np.abs(backoffs).max() < 1e30 and log_probs.max() <= 0):
        for place, row in enumerate(rows):
            if problem := _number_problem(row, n):
                raise lines.error(problem, len(rows) - place - 1)
    return (log_probs * LN_10).astype(np.float32), (backoffs * LN_10).astype(np.float32)


def _number_problem(row: list[bytes], n: int) -> str:
    """What is wrong with the numbers of a line; empty where they are right."""
    for text in (row[0], *row[n + 1 :]):
        try:
            number = float(text)
        except ValueError:
            return f"{_shown(text)} is not a number"
        if not abs(number) < 1e30:
            return f"{_shown(text)} is not a finite number"
    return f"a log-probability cannot be positive: {_shown(row[0])}" if float(row[0]) > 0 else ""


def _columns(lines: _Lines, rows: list[list[bytes]], n: int, ids: dict[bytes, int]) -> NDArray[np.int32]:
    """The ids of the words (M, n)."""
    try:
        words = chain.from_iterable(row[1 : n + 1] for row in rows)
        return np.fromiter(map(ids.__getitem__, words), np.int32, n * len(rows)).reshape(-1, n)
    except KeyError as error:
        missing = error.args[0]
        place = next(place for place, row in enumerate(rows) if missing in row[1 : n + 1])
        raise lines.error(f"{_shown(missing)} is not among the 1-grams", len(rows) - place - 1) from None


def _foreign(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return True
    return False


def _shown(text: bytes) -> str:
    return repr(text[:60].decode(errors="replace"))


def write_arpa(path: Path, model: NgramModel) -> None:
    """Writes a model as an ARPA file, packed where the name ends in .gz.

    Raises:
        RunError: If it cannot be written.
    """
    parts = [header([len(level) for level in model.levels])]
    for n, level in enumerate(model.levels, start=1):
        parts.append(f"\n\\{n}-grams:\n")
        for first in range(0, len(level), ROWS):
            rows = slice(first, first + ROWS)
            backoffs = level.backoffs[rows] / LN_10 if n < model.order else None
            columns = model.spelled(n, first, first + ROWS)
            parts.append(entries(columns, level.log_probs[rows] / LN_10, backoffs))
    content = "".join([*parts, "\n\\end\\\n"]).encode()
    write_atomically(path, gzip.compress(content, 6, mtime=0) if path.suffix == ".gz" else content)


def header(counts: Sequence[int]) -> str:
    """The first lines of an ARPA file with so many n-grams of each length."""
    return "\\data\\\n" + "".join(f"ngram {n}={count}\n" for n, count in enumerate(counts, start=1))


def entries(
    columns: Sequence[Sequence[str]],
    log_probs: NDArray[np.floating],
    backoffs: NDArray[np.floating] | None,
) -> str:
    """The lines of some n-grams.

    Args:
        columns: n columns of words (M,) each, first words first.
        log_probs: Logarithms to base 10 (M,).
        backoffs: The same of the back-off weights; None for the longest n-grams.
    """
    probs = [f"{value:.7g}" for value in (log_probs + 0.0).tolist()]  # + 0.0: no -0
    grams = map(" ".join, zip(*columns, strict=True))
    if backoffs is None:
        return "".join(f"{prob}\t{gram}\n" for prob, gram in zip(probs, grams, strict=True))
    weights = (backoffs + 0.0).tolist()
    return "".join(
        f"{prob}\t{gram}\t{weight:.7g}\n" for prob, gram, weight in zip(probs, grams, weights, strict=True)
    )
