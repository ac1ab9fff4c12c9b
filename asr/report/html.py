"""HTML that is escaped by construction: text is text, and only what `element` made is markup."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

_VOID = frozenset({"meta", "br", "img"})
_UNSEEN = {"Cc", "Cs"}
_HIDDEN = {*_UNSEEN, "Cf", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Html:
    """Markup. Only this module makes some; what comes from outside is a `str` and gets escaped."""

    markup: str


Content = Html | str | None
Value = str | int | float | bool | None


def element(name: str, /, *children: Content, **attributes: Value) -> Html:
    """An element with its children.

    >>> element("a", "x < y", href="#r1", data_start=1.5, class_="word").markup
    '<a href="#r1" data-start="1.5" class="word">x &lt; y</a>'

    Args:
        name: Of the element.
        children: Elements, or text that is escaped; None is left out.
        attributes: A final underscore is dropped, others become hyphens. True is an attribute without a
            value, False and None none at all.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(children).markup}</{name}>")


def joined(children: Iterable[Content]) -> Html:
    """Elements and texts one after the other."""
    return Html("".join(_markup(child) for child in children if child is not None))


def verbatim(name: str, content: str) -> Html:
    """A script or a style sheet of this package, which holds no text from outside.

    Raises:
        ValueError: If it would end its element.
    """
    if "</" in content or "<!--" in content:
        raise ValueError(f"this ends the element {name} early")
    return Html(f"<{name}>{content}</{name}>")


def isolated(text: str, **attributes: Value) -> Html:
    """Text in its own direction: marks for right-to-left writing in it change nothing around it."""
    return element("bdi", text, **attributes)


def visible(text: str) -> str:
    """A name with everything that cannot be seen written as an escape, marks of direction among it."""
    return "".join(sign if unicodedata.category(sign) not in _HIDDEN else ascii(sign)[1:-1] for sign in text)


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f" {name}" if value is True else f' {name}="{_escaped(shown)}"'


def _markup(child: Html | str) -> str:
    return child.markup if isinstance(child, Html) else _escaped(child)


def _escaped(text: str) -> str:
    """Escaped, and without what no HTML file can hold: control characters and halves of pairs."""
    if not text.isprintable():
        text = "".join(_held(sign) for sign in text)
    return escape(text)


def _held(sign: str) -> str:
    if unicodedata.category(sign) not in _UNSEEN or sign in "\n\t":
        return sign
    return "\N{REPLACEMENT CHARACTER}"
