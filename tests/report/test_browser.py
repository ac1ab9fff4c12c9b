"""The page in a headless Chromium: keys, marks, sound, light and dark, narrow screens, no foreign script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asr.config import FeatureConfig
from asr.recognize.scoring import report, score
from asr.report.entries import Entry, Illustrator
from asr.report.page import evaluation_page
from asr.report.pictures import Stretch
from asr.transcript import Segment, Transcript, Word
from tests.helpers.recordings import encoded, saved
from tests.helpers.tones import tone
from tests.report.test_html import ATTACKS
from tests.serve.browser import PROGRAM, Page, opened

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]
WORDS = ("<img/src=x/onerror=document.title='hacked'>", "two", "three", "four")
FOCUSED = "document.activeElement.textContent"


def entry(folder: Path) -> Entry:
    words = tuple(Word(text, index, index + 0.8, 0.3 * index) for index, text in enumerate(WORDS))
    transcript = Transcript((Segment(words, " ".join(WORDS), 0, 3.8),), 4.0)
    one = score(ATTACKS[1], ATTACKS[2], "one two tree", transcript.text, 4.0)
    stretch = Stretch(saved(folder, encoded(tone(440, 4.0))), 0.0, 4.0)
    return Illustrator(FeatureConfig(), sound=True).beside(one, transcript, stretch)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("report")
    name = " ".join(ATTACKS)
    scored = [score(name, name, "one two tree", " ".join(WORDS), 4.0), score("b", "bob", "one", "one", 4.0)]
    shown = evaluation_page(name, name, report(scored), [entry(folder), entry(folder)], [0, 1])
    (folder / "page.html").write_text(shown, encoding="utf-8")
    with opened((folder / "page.html").as_uri(), folder) as page:
        page.wait("document.querySelectorAll('article').length === 2")
        yield page


def press(page: Page, key: str) -> None:
    page.command("Input.dispatchKeyEvent", type="keyDown", key=key)
    page.command("Input.dispatchKeyEvent", type="keyUp", key=key)


def test_it_loads_without_complaints_and_runs_nothing_foreign(page: Page) -> None:
    assert page.complaints == []
    assert page.value("document.title") != "hacked"
    assert page.value("document.querySelectorAll('img, iframe, object, link').length") == 0
    fetched = page.value("performance.getEntriesByType('resource').map((one) => one.name.slice(0, 5))")
    assert set(fetched) <= {"data:"}
    shown = "[...document.querySelectorAll('#r1 .words .word')].map((one) => one.textContent)"
    assert page.value(shown) == list(WORDS)


def test_keys_go_from_word_to_word(page: Page) -> None:
    assert page.value("document.querySelectorAll('#r1 .word[tabindex=\"0\"]').length") == 1
    page.value("document.querySelector('#r1 .words .word').focus()")
    keys = ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home")
    for key, place in zip(keys, (1, 2, 1, 3, 3, 0), strict=True):
        press(page, key)
        assert page.value(FOCUSED) == WORDS[place]
        assert page.value("document.querySelector('#r1 .about').textContent").startswith(f"{WORDS[place]}: ")
        mark = "document.querySelector('#r1 .mark')"
        assert page.value(f"Number({mark}.getAttribute('x'))") == pytest.approx(250 * place)
        assert page.value(f"Number({mark}.getAttribute('width'))") == pytest.approx(200)
    assert page.value("document.querySelector('#r1 .about').children.length") == 0


def test_enter_plays_from_the_word(page: Page) -> None:
    page.value("document.querySelectorAll('#r1 .words .word')[2].focus()")
    press(page, "Enter")
    page.wait("document.querySelector('#r1 audio').currentTime > 2")
    page.value("document.querySelector('#r1 audio').pause()")
    assert page.value("document.querySelector('#r1 audio').duration") == pytest.approx(4, abs=0.01)
    assert page.value("document.querySelector('#r2 audio').currentTime") == 0
    assert page.value("document.querySelector('#r1 .head').getAttribute('visibility')") == "visible"


def test_it_fits_a_small_screen_and_knows_the_dark(page: Page) -> None:
    colours = []
    for dark in (False, True):
        page.size(360, 740, dark=dark)
        assert page.value("document.documentElement.scrollWidth") <= 360
        colours.append(page.value("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]
    page.size(1200, 900)


CONTRAST = """(() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => parts(colour).map((one) => one / 255)
        .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
        .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = (node) => {
        const colour = getComputedStyle(node).backgroundColor;
        return colour === "rgba(0, 0, 0, 0)" ? ground(node.parentElement) : colour;
    };
    const nodes = document.querySelectorAll("h1, h2, p, dt, dd, td, th, summary, .word, .said, .key");
    return Math.min(...[...nodes].filter((node) => node.textContent).map((node) => {
        const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05);
    }));
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_can_be_read(page: Page, dark: bool) -> None:
    """WCAG 2.2 asks for a contrast of 4.5."""
    page.size(1200, 900, dark=dark)
    assert page.value(CONTRAST) >= 4.5
