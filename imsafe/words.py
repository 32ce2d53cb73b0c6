# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences and numbers for a person, which the window shows in the user's language.  No Qt.

A module that knows no Qt offers its sentences here; the window's process has a
translator put in at its start (`gui/language.py`).  Everywhere else, in the
`ims-*` programs and the monitor, they stay as they are written: English.

`make translations` finds calls of `translate` by their name; context, text and
disambiguation have to be literals, and a fourth argument makes plural forms.
"""

from __future__ import annotations

from collections.abc import Callable

Translator = Callable[[str, str, str, int], str]
"""Takes context, text, disambiguation and the number that decides the plural (-1: none)."""

_translator: Translator | None = None


def use(translator: Translator | None) -> None:
    """Let this one translate from now on; None: texts stay English."""
    global _translator  # noqa: PLW0603  # a process speaks one language
    _translator = translator


def translate(context: str, text: str, disambiguation: str = "", n: int = -1) -> str:
    """The text in the user's language.

    Parameters
    ----------
    context
        What the text belongs to: translators see it.
    text
        English; of a plural the form for many.
    disambiguation
        What tells it from the same words with another meaning.
    n
        The number that decides which plural form is right, from `plural`.
    """
    return text if _translator is None else _translator(context, text, disambiguation, n)


def is_english() -> bool:
    """Whether texts come as they are written."""
    return translate("words", "English") == "English"


def grouped(number: float) -> str:
    """A number without fraction, its thousands apart: ``1,234,567``."""
    sign = translate("words", ",", "between the thousands of a number")
    return f"{number:,.0f}".replace(",", sign)


def plural(number: float) -> int:
    """A number as plural forms take it: they hold 32 bits, and look at the last digits only."""
    return int(number) if number < 1_000_000 else 1_000_000 + int(number) % 1_000_000


def number_of(count: int, noun: str, plural: str = "") -> str:
    """In English, for programs: 1 call, 2,000 calls; `plural` where that is not noun and s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def printable(text: str, longest: int = 200) -> str:
    """`text` on one line and without control characters, at most `longest` characters.

    Backslashes and everything that is not printable are written as Python
    escapes, so two different names stay different.
    """
    safe = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode()
        for c in text[:longest]
    )
    return safe if len(text) <= longest else safe + "..."
