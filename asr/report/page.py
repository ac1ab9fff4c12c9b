"""The page: one file that needs no network, and in which no script runs but its own."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence

from asr.recognize.scoring import Report
from asr.report.behaviour import SCRIPT
from asr.report.entries import Entry
from asr.report.html import Content, element, verbatim, visible
from asr.report.look import STYLE
from asr.report.recording import article
from asr.report.summary import evaluation, legend, recordings
from asr.report.tables import confusions, speakers, utterances


def recordings_page(title: str, about: str, entries: Sequence[Entry]) -> str:
    """A page of transcripts.

    Args:
        title: Heads the page.
        about: Where it comes from.
        entries: The recordings.
    """
    articles = [article(entry, number) for number, entry in enumerate(entries, start=1)]
    return _page(title, about, [recordings(entries), legend(errors=False), *articles])


def evaluation_page(
    title: str, about: str, report: Report, entries: Sequence[Entry], places: Sequence[int]
) -> str:
    """A page of an evaluation.

    Args:
        title: Heads the page.
        about: Where it comes from.
        report: The scores.
        entries: The utterances that are shown in detail.
        places: Their indices in the report.
    """
    articles = [article(entry, number) for number, entry in enumerate(entries, start=1)]
    drawn = {place: number for number, place in enumerate(places, start=1)}
    scored = report.scored
    before = [evaluation(report), confusions(scored), legend(errors=True)]
    return _page(title, about, [*before, *articles, speakers(scored), utterances(scored, drawn)])


def _page(title: str, about: str, parts: Sequence[Content]) -> str:
    style, script = verbatim("style", STYLE), verbatim("script", SCRIPT)
    shown = visible(title)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **{"http-equiv": "Content-Security-Policy"}, content=_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", shown),
        style,
    )
    body = element(
        "body",
        element("header", element("h1", shown), element("p", visible(about), class_="facts")),
        element("main", *parts),
        script,
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').markup}\n"


def _policy() -> str:
    """What the browser may do: show pictures and play sound of this file, run its own script, no more."""
    own = f"style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'"
    return f"default-src 'none'; img-src data:; media-src data:; {own}; base-uri 'none'; form-action 'none'"


def _hash(content: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
