"""Makes a corpus of German dates and times of day, in many voices, out of nothing.

    python recipes/german/generate.py --to data/german

writes `train`, `dev` and `test` as recipes/digits/generate.py does, whose voices, speeds and margins it has:
"Am Dienstag um fünf Uhr dreißig." No voice and no sentence stands in two splits.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

LANGUAGE = "de"
ONES = (
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig")
DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip
IRREGULAR = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}
WHEN = ("heute", "morgen", "übermorgen")
SHAPES = (
    "Um {hour} Uhr {minute}.",
    "Am {day} um {hour} Uhr.",
    "Am {day}, dem {date} {month}.",
    "Vom {date} bis zum {date} {month}.",
    "{when} um {hour} Uhr {minute}.",
    "Schließt {when} um {hour} Uhr.",
    "Geöffnet bis {hour} Uhr {minute}.",
)


def number(value: int) -> str:
    """A number from 0 to 59 as it is read before a noun: 31 is einunddreißig.

    >>> number(31)
    'einunddreißig'
    """
    if value < len(ONES):
        return ONES[value]
    tens, ones = TENS[value // 10 - 2], value % 10
    return f"{ONES[ones]}und{tens}" if ones else tens


def date(value: int) -> str:
    """A day of the month, 1 to 31: 3 is dritten, 20 is zwanzigsten."""
    return IRREGULAR.get(value) or number(value) + ("ten" if value < 20 else "sten")


def sentence(draw: random.Random) -> str:
    """Draws a sentence."""
    text = draw.choice(SHAPES)
    while "{" in text:
        minute = draw.randint(1, 59)
        drawn = {
            "hour": number(draw.randint(0, 24)),
            "minute": "eins" if minute == 1 else number(minute),
            "day": draw.choice(DAYS),
            "date": date(draw.randint(1, 31)),
            "month": draw.choice(MONTHS),
            "when": draw.choice(WHEN),
        }
        before, _, rest = text.partition("{")
        name, _, after = rest.partition("}")
        text = f"{before}{drawn[name]}{after}"
    return text[0].upper() + text[1:]


def plan(split: str, count: int, seed: int) -> Iterator[object]:
    """Draws what is said in a split, and by whom."""
    draw = random.Random(f"{LANGUAGE} {seed} {split}")
    while count:
        text = sentence(draw)
        if digits.split_of(text, seed) == split:
            voice = f"{LANGUAGE}+{draw.choice(digits.VARIANTS[split])}"
            yield digits.Speaking(text, voice, draw.randint(*digits.SPEEDS), draw.randint(*digits.PITCHES))
            count -= 1


def _digits() -> ModuleType:
    """The generator of recipes/digits, which is no package."""
    path = Path(__file__).parents[1] / "digits" / "generate.py"
    specification = importlib.util.spec_from_file_location("recipes_digits_generate", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


digits = _digits()


def main(arguments: list[str] | None = None) -> int:
    """Generates a corpus as the command line says; 0 is success, 2 something the user can mend."""
    return int(digits.main(arguments, plan, "German dates and times", 800))


if __name__ == "__main__":
    raise SystemExit(main())
