"""What was found, and how it is told: to people as lines, to programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Literal

State = Literal["good", "note", "missing", "broken"]
_MARKS = {"good": "ok", "note": "note", "missing": "-", "broken": "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: Under which it is listed.
        name: What it is.
        state: `good`; `note` where it works and could be better; `missing` where it is not there and only
            some things need it; `broken` where it must be mended.
        text: One line.
        remedy: The command that mends it, or nothing.
        needed: Whether nothing can be transcribed while it is broken.
    """

    topic: str
    name: str
    state: State
    text: str
    remedy: str = ""
    needed: bool = False


def works(findings: Iterable[Finding]) -> bool:
    """Whether transcribing works: one model has transcribed, and nothing that is needed is broken."""
    found = list(findings)
    transcribes = any(one.topic == "models" and one.state == "good" for one in found)
    return transcribes and not any(one.needed and one.state == "broken" for one in found)


def as_lines(findings: Sequence[Finding]) -> str:
    """Findings for people, by topic; commands stand on lines of their own."""
    lines: list[str] = []
    for topic, part in groupby(findings, key=lambda one: one.topic):
        lines += ["", topic] if lines else [topic]
        for one in part:
            lines.append(f"  {_MARKS[one.state]:<5}{one.name}: {one.text}")
            if one.remedy:
                lines.append(f"         {one.remedy}")
    return "\n".join([*lines, "", verdict(findings)])


def verdict(findings: Sequence[Finding]) -> str:
    """The last line."""
    if works(findings):
        return "transcribing works"
    broken = [one.name for one in findings if one.state == "broken"]
    return f"transcribing does not work; mend first: {', '.join(broken) or 'no model was found'}"


def as_json(findings: Sequence[Finding]) -> str:
    """Findings for programs."""
    return json.dumps({"works": works(findings), "findings": [asdict(one) for one in findings]}, indent=2)
