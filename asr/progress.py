"""What a command tells people while it works: lines and progress bars, on standard error.

Bars are drawn where standard error is a terminal, and vanish when the work is done. Lines printed here come
above them. Standard output is left alone: results can be printed there meanwhile, unless it is the same
terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import length_hint
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

Item = TypeVar("Item")

console = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""Standard error; there is one for all, or lines would be printed into bars."""


def say(text: str) -> None:
    """Prints a line."""
    console.print(text, soft_wrap=True)


def warn(text: str) -> None:
    """Prints a warning, yellow on a terminal."""
    console.print(f"warning: {text}", style="yellow", soft_wrap=True)


def track(items: Iterable[Item], description: str, *, hidden: bool = False) -> Iterator[Item]:
    """Yields the items, and shows how many of them are done.

    Args:
        items: What to go through; where their number is unknown, the bar says only that work goes on.
        description: What is being done: "transcribing".
        hidden: Draw no bar, though standard error may be a terminal.
    """
    with counter(description, length_hint(items) or None, hidden=hidden) as advance:
        for item in items:
            yield item
            advance(1)


def visible() -> bool:
    """Whether bars are drawn: standard error is a terminal."""
    return console.file.isatty()


@contextmanager
def counter(
    description: str, total: int | None, *, hidden: bool = False
) -> Iterator[Callable[[float], None]]:
    """Shows a bar until the end of the block, for work that reports its progress to a callback.

    >>> with counter("recognising", len(utterances)) as advance:
    ...     scored = recognize(recognizer, utterances, advance)

    Args:
        description: What is being done.
        total: How many steps there are; None where nobody knows.
        hidden: Draw no bar, though standard error may be a terminal.

    Yields:
        A function to call with the number of steps done since the last call; parts of one count, too.
    """
    hidden = hidden or not visible()
    with Progress(console=console, transient=True, redirect_stdout=False, disable=hidden) as bar:
        task = bar.add_task(escape(description), total=total)
        yield lambda steps: bar.advance(task, steps)
