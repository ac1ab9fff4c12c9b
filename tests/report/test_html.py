"""Text stays text, whatever is in it, in elements and in attributes; names show what hides in them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.report.html import element, isolated, joined, verbatim, visible
from tests.report.parsing import read

ATTACKS = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "&lt;b&gt; &amp &#60;",
    "<!-- --><![CDATA[",
    "\u202egnp.exe\u2066",
    "\ud800\0\x1b[31m\r",
)
HOSTILE = st.lists(st.sampled_from(ATTACKS) | st.text(st.characters(), max_size=8), max_size=4).map("".join)


def kept(text: str) -> str:
    """What of a text an HTML file can hold."""
    return "".join(
        sign if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cs"} else "\ufffd"
        for sign in text
    )


@given(HOSTILE, HOSTILE)
def test_what_goes_in_as_text_comes_out_as_text(text: str, value: str) -> None:
    markup = element("p", text, element("b", value), isolated(text, title=value), title=value).markup
    markup.encode()
    (paragraph,) = read(markup).children
    assert paragraph.name == "p"
    assert paragraph.attributes == {"title": kept(value)}
    assert paragraph.text == kept(text + value + text)
    assert [node.name for node in paragraph.everything()] == ["b", "bdi"]


@given(HOSTILE)
def test_a_name_shows_all_that_is_in_it(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable() or all(unicodedata.category(sign) not in {"Cc", "Cf", "Cs"} for sign in shown)
    assert visible(shown) == shown
    assert kept(shown) == shown


def test_the_end_of_a_name_cannot_be_turned_around() -> None:
    assert visible("a\u202egnp.exe") == r"a\u202egnp.exe"
    assert visible("naïve 日本 שלום.wav") == "naïve 日本 שלום.wav"


def test_attributes_are_spelled_as_html_spells_them() -> None:
    shown = element(
        "a", "x", href="#r1", data_start=1.5, class_="word", hidden=True, title=None, controls=False
    )
    assert shown.markup == '<a href="#r1" data-start="1.5" class="word" hidden>x</a>'
    assert element("meta", charset="utf-8").markup == '<meta charset="utf-8">'
    assert joined(["a", None, element("b")]).markup == "a<b></b>"


@pytest.mark.parametrize("content", ["a</script>", "<!-- a"])
def test_what_would_end_a_script_is_no_script(content: str) -> None:
    with pytest.raises(ValueError, match="script"):
        verbatim("script", content)
