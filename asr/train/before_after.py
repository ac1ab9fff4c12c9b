"""Two models on the same recordings: what fine-tuning gained, and what it cost."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from asr.bundle import Bundle
from asr.data.manifest import Utterance
from asr.files import write_atomically
from asr.progress import counter
from asr.recognize.comparison import Gain, compare
from asr.recognize.evaluate import recognize
from asr.recognize.language import Language
from asr.recognize.recognizer import load
from asr.recognize.report_formats import report_json
from asr.recognize.scoring import Report, report
from asr.text.error_rate import format_wer

SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """What two models make of one set of utterances.

    Attributes:
        before, after: Their scores.
        gain: Of the second over the first.
    """

    before: Report
    after: Report
    gain: Gain

    @property
    def lost_points(self) -> float:
        """By how many points the error rate rose; below 0 where it fell."""
        return 100 * (self.after.words.rate - self.before.words.rate)

    @property
    def unlearnt(self) -> int:
        """Utterances that were right before and are wrong now."""
        return self._turned(self.before, self.after)

    @property
    def learnt(self) -> int:
        """Utterances that were wrong before and are right now."""
        return self._turned(self.after, self.before)

    @staticmethod
    def _turned(right: Report, wrong: Report) -> int:
        pairs = zip(right.scored, wrong.scored, strict=True)
        return sum(not one.words.errors and other.words.errors > 0 for one, other in pairs)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models, compared on every set that was given."""

    sets: Mapping[str, BeforeAfter]

    @property
    def results(self) -> dict[str, dict[str, str]]:
        """The rates after, as the facts of a bundle have them."""
        return {
            name: {
                "wer": format_wer(one.after.words),
                "cer": format_wer(one.after.characters, "CER"),
                "wer_before": format_wer(one.before.words),
            }
            for name, one in self.sets.items()
        }

    def table(self) -> str:
        """A Markdown table for people; S, D and I are substitutions, deletions and insertions."""
        rows = [
            ("set", "words", "before: WER % (S/D/I)", "after: WER % (S/D/I)", "points", "gain, 95 % interval")
        ]
        rows += [
            (
                name,
                str(one.after.words.reference),
                _rate(one.before),
                _rate(one.after),
                f"{one.lost_points:+.2f}",
                format_gain(one.gain),
            )
            for name, one in self.sets.items()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
        return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def compare_models(
    models: Sequence[Path],
    sets: Mapping[str, Sequence[Utterance]],
    languages: Sequence[Language | None],
    device: torch.device,
    out: Path,
) -> Comparison:
    """Recognises every set with the model before and the one after, as `asr evaluate` does.

    Args:
        models: Two model folders.
        sets: Utterances by the name of their set.
        languages: What to know besides the sound, for each; None for what the folder carries.
        device: Where to compute.
        out: Gets a report for each set and side, and comparison.json.

    Raises:
        AsrError: If a folder or a recording cannot be read.
    """
    reports: dict[str, dict[str, Report]] = {name: {} for name in sets}
    for side, folder, language in zip(SIDES, models, languages, strict=True):
        recognizer = load(folder, device=str(device), language=language)
        for name, utterances in sets.items():
            with counter(f"evaluating on {name}, {side}", len(utterances)) as advance:
                reports[name][side] = report(recognize(recognizer, utterances, advance))
            path = out / f"{name.replace(' ', '-')}-{side}.json"
            write_atomically(path, report_json(reports[name][side]))
    comparison = Comparison(
        {
            name: BeforeAfter(**both, gain=compare(both["before"].scored, both["after"].scored))
            for name, both in reports.items()
        }
    )
    write_atomically(out / "comparison.json", json.dumps(_plain(comparison), indent=2) + "\n")
    return comparison


def comparison_card(base: Bundle, facts: Mapping[str, Any], comparison: Comparison) -> str:
    """The card of the base, with what was done to the model, and what that changed, before it."""
    data, training, environment = facts["data"], facts["training"], facts["environment"]
    lines = [
        f"# {base.name}, fine-tuned",
        "",
        f"- Trained on: {60 * data['new_hours']:.1f} minutes of new speech, "
        f"{60 * data['old_hours']:.1f} minutes of old speech to draw from.",
        f"- Training: {training['epochs']} epochs, {training['cpu_minutes']:.1f} CPU minutes in "
        f"{training['precision']} on {environment['processor']}.",
        f"- Weights: {training['weights']}.",
        "- Confidences are not calibrated.",
        "",
        comparison.table(),
        "",
        "What follows is the card of the base.",
        "",
    ]
    front, marker, rest = base.card.partition("\n---\n") if base.card.startswith("---\n") else ("", "", "")
    body = rest if marker else base.card
    return (front + marker if marker else "") + "\n".join(lines) + "\n" + body.lstrip("\n")


def format_gain(gain: Gain) -> str:
    """``+18.2 %, 9.1 … 26.3 (utterances)``: how many of the errors are gone."""
    if math.isnan(gain.relative):
        return "no error before"
    if math.isnan(gain.low):
        return f"{100 * gain.relative:+.1f} %"
    interval = f"{100 * gain.low:.1f} … {100 * gain.high:.1f}"
    return f"{100 * gain.relative:+.1f} %, {interval} ({gain.units} {gain.unit}s)"


def _rate(result: Report) -> str:
    words = result.words
    return f"{100 * words.rate:.2f} ({words.substitutions}/{words.deletions}/{words.insertions})"


def _plain(comparison: Comparison) -> dict[str, Any]:
    def finite(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in values.items()
        }

    return {
        name: {
            "before": asdict(one.before.words) | finite({"rate": one.before.words.rate}),
            "after": asdict(one.after.words) | finite({"rate": one.after.words.rate}),
            "gain": finite(asdict(one.gain)),
            "unlearnt": one.unlearnt,
            "learnt": one.learnt,
        }
        for name, one in comparison.sets.items()
    }
