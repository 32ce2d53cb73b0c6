# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign text for a person: on one line, and never taken for markup.

Names and command lines of watched processes are chosen by whoever attacks
them.  Qt takes a tip that looks like HTML for HTML, and a newline, an escape
sequence or a change of the writing direction can make one name look like another.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from html import escape

from imsafe.words import printable

LONGEST_NAME = 64
LONGEST_LINE = 1000


def name(text: str) -> str:
    """A process's or user's name."""
    return printable(text, LONGEST_NAME)


def line(text: str) -> str:
    """A path, or any longer text."""
    return printable(text, LONGEST_LINE)


def command_line(argv: Iterable[str]) -> str:
    """A command line as one would type it, so that words with blanks can be told apart."""
    return line(" ".join(shlex.quote(word) if word else "''" for word in argv))


def tip(*lines: str) -> str:
    """A tool tip of these lines, shown as they are."""
    rows = "<br>".join(escape(text) for text in lines if text)
    return f"<qt>{rows}</qt>" if rows else ""
