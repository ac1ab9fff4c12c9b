"""The page read back by a parser: words, times, colours, errors, figures, and nothing that is not ours."""

from __future__ import annotations

import base64
import hashlib
import io
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.config import FeatureConfig
from asr.recognize.scoring import report, score
from asr.report.entries import Entry, beside
from asr.report.page import evaluation_page, recordings_page
from asr.report.pictures import Row, features_png, waveform
from asr.report.recording import clock, shade
from asr.report.tables import LETTERS
from asr.text.error_rate import word_errors
from asr.transcript import Word
from tests.report.parsing import Node, read
from tests.report.test_html import ATTACKS, HOSTILE, kept

ATTACK = st.sampled_from(ATTACKS[:2]).map(lambda one: one.replace(" ", "_"))
WORD = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=6)
ROWS = tuple(
    Row(start, start + 2, waveform(np.sin(np.arange(99, dtype=np.float32))), 0.9,
        features_png(np.zeros((5, 80), np.float32), FeatureConfig()))
    for start in (0.0, 2.0)
)  # fmt: skip


def timed(texts: list[str]) -> list[Word]:
    """Words that follow one another over four seconds."""
    length = 4 / max(len(texts), 1)
    return [
        Word(text, index * length, (index + 0.9) * length, (index % 11) / 10)
        for index, text in enumerate(texts)
    ]


def page_of(name: str, said: str, texts: list[str], *, sound: bytes = b"") -> str:
    words = timed(texts)
    heard = " ".join(texts)
    scored = [score(name, name, said, heard, 4.0), score("b", "bob", "one", "one", 4.0)]
    entry = Entry(name, name, 4.0, beside(said, words), word_errors(said, heard), ROWS, sound)
    return evaluation_page(name, name, report(scored), [entry], [0])


def shown_words(article: Node) -> list[Node]:
    return [word for line in article.all("p", "words") for word in line.all("span", "word")]


def foreign(page: Node) -> list[str]:
    """What could run or fetch something."""
    found = []
    for node in page.everything():
        for name, value in node.attributes.items():
            if name.startswith("on") or name == "style" or (value or "").startswith("javascript:"):
                found.append(f"{node.name} {name}")
            if name in {"src", "href", "action", "srcset"} and not (value or "").startswith(("data:", "#")):
                found.append(f"{node.name} {name}={value}")
    return found + [node.name for node in page.all("link")] + [node.name for node in page.all("iframe")]


@settings(max_examples=40)
@given(HOSTILE, st.lists(WORD | ATTACK, max_size=6), st.lists(WORD, max_size=6))
def test_hostile_names_and_words_stay_text(name: str, texts: list[str], said: list[str]) -> None:
    page = read(page_of(name, " ".join(said), texts))
    assert foreign(page) == []
    assert len(list(page.all("script"))) == len(list(page.all("style"))) == 1
    (article,) = page.all("article")
    assert [word.text for word in shown_words(article)] == [kept(text) for text in texts]
    assert next(article.all("h2")).text == next(page.all("h1")).text == next(page.all("title")).text


@settings(max_examples=40)
@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_errors_stand_beside_what_was_said(said: list[str], texts: list[str]) -> None:
    (article,) = read(page_of("x", " ".join(said), texts)).all("article")
    pairs = [(pair.attributes["class"] or "").split()[1] for pair in article.all("span", "pair")]
    counts = word_errors(" ".join(said), " ".join(texts))
    found = {op: pairs.count(op) for op in LETTERS}
    assert found == {
        "substitute": counts.substitutions, "delete": counts.deletions, "insert": counts.insertions
    }  # fmt: skip
    missed = [next(pair.all("bdi")).text for pair in article.all("span", "delete")]
    assert all(word in said for word in missed)


def test_words_have_times_colours_and_places() -> None:
    words = timed(["a", "b", "c", "d"])
    (article,) = read(page_of("x", "a b c d", ["a", "b", "c", "d"])).all("article")
    for word, node in zip(words, shown_words(article), strict=True):
        assert float(node.attributes["data-start"] or "") == pytest.approx(word.start, abs=1e-4)
        assert float(node.attributes["data-end"] or "") == pytest.approx(word.end, abs=1e-4)
        assert node.attributes["title"] == (
            f"{word.start:.2f} – {word.end:.2f} s, confidence {word.confidence:.2f}"
        )
        assert (node.attributes["class"] or "").split() == ["word", shade(word.confidence)]
    rows = list(article.all("div", "row"))
    assert [[one.text for one in row.all("span", "word")] for row in rows] == [["a", "b"], ["c", "d"]]
    (table,) = article.all("details")
    cells = [[cell.text for cell in row.all("td")] for row in table.all("tr")]
    assert cells[1:] == [
        [word.text, f"{word.start:.2f}", f"{word.end:.2f}", f"{word.confidence:.2f}"] for word in words
    ]


@pytest.mark.parametrize(
    ("confidence", "name"), [(1.0, "c5"), (0.9, "c5"), (0.89, "c4"), (0.5, "c3"), (0.3, "c2"), (0.0, "c1")]
)
def test_colours_of_words(confidence: float, name: str) -> None:
    assert shade(confidence) == name


def test_figures_and_tables_are_those_of_the_evaluation() -> None:
    page = read(page_of("a<b>", "one two three", ["one", "too"]))
    figures = {one.text: two.text for one, two in zip(page.all("dt"), page.all("dd"), strict=True)}
    assert figures["words wrong (WER)"] == "50.00 %"
    assert "%WER 50.00 [ 2 / 4, 0 ins, 1 del, 1 sub ]" in next(page.all("pre")).text
    tables = {next(one.all("h2")).text: one for one in page.all("section") if list(one.all("h2"))}
    assert tables.keys() == {"Most frequent errors", "Speakers", "All utterances"}
    assert "two → too" in tables["Most frequent errors"].text
    rows = [[cell.text for cell in row.all("td")] for row in tables["Speakers"].all("tr")][1:]
    assert rows == [["a<b>", "1", "3", "2", "66.67 %"], ["bob", "1", "1", "0", "0.00 %"]]
    rows = [[cell.text for cell in row.all("td")] for row in tables["All utterances"].all("tr")][1:]
    assert rows[0] == ["a<b>", "a<b>", "2", "66.67 %", "one two three", "one too"]
    (link,) = tables["All utterances"].all("a")
    assert link.attributes["href"] == "#" + (next(page.all("article")).attributes["id"] or "")


def test_nothing_is_fetched_and_only_the_own_script_runs() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(800), 16_000, format="FLAC")
    markup = page_of("x", "a", ["a"], sound=buffer.getvalue())
    page = read(markup)
    policies = [one for one in page.all("meta") if one.attributes.get("http-equiv")]
    policy = policies[0].attributes["content"] or ""
    assert policy.startswith("default-src 'none'")
    for name in ("style", "script"):
        (node,) = page.all(name)
        digest = base64.b64encode(hashlib.sha256(node.text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?:", markup.replace("http-equiv", ""))
    (audio,) = page.all("audio")
    samples, rate = soundfile.read(
        io.BytesIO(base64.b64decode((audio.attributes["src"] or "").split(",")[1]))
    )
    assert (len(samples), rate) == (800, 16_000)


def test_a_page_without_words() -> None:
    page = read(recordings_page("t", "a", [Entry("x", "", 4.0, (), None, ROWS)]))
    assert list(page.all("details")) == []
    assert "0 words" in next(page.all("article")).text
    page = read(recordings_page("t", "a", []))
    assert list(page.all("article")) == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.24, "3.2 s"), (62, "1:02"), (7205, "2:00:05"), (59.97, "1:00")]
)
def test_lengths(seconds: float, text: str) -> None:
    assert clock(seconds) == text
