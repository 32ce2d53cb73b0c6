# SPDX-License-Identifier: GPL-3.0-or-later
"""One point of the scores, and how its time is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from imsafe.gui.plot_items import ELAPSED_BELOW, elapsed


@dataclass(frozen=True, slots=True)
class Point:
    """The highest score of an application in a stretch of time.

    Attributes
    ----------
    application : int
        Its number.
    time : float
        When, in seconds; the start of the 100 ms.
    pid, tid : int
        Whose call it was.
    symbol : int
        What the history calls by a name.
    score : float
    """

    application: int
    time: float
    pid: int
    tid: int
    symbol: int
    score: float


def time_text(seconds: float, *, date: bool = False) -> str:
    """A moment for a person: local time, or elapsed time for a trace without clock."""
    if seconds < ELAPSED_BELOW:
        return elapsed(seconds)
    moment = datetime.fromtimestamp(seconds).astimezone()
    text = moment.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")
    return f"{text}.{moment.microsecond // 100_000}"


def span_text(seconds: float) -> str:
    """A stretch of time for a person."""
    for unit, words in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {words}"
    return f"{seconds:.3g} s"
