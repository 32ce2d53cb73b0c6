# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of work that goes on: its rate, what is left, how much has been learned.  No Qt."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from imsafe.profile.pace import why_no_threshold
from imsafe.profile.saturation import in_words

_LOOK_BACK_S = 5.0


class Rate:
    """How fast a count has risen in the last few seconds.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()

    def __call__(self, count: float) -> float:
        """Take note of the count; the rate, 0 at first."""
        now = self._clock()
        self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _LOOK_BACK_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return max(0.0, (count - before) / (now - then)) if now > then else 0.0


def time_left(done: float, seconds: float) -> float | None:
    """Seconds that work will still take; None while nobody can tell."""
    if seconds < 3 or done < 0.03:
        return None
    return seconds * (1 - done) / done


def duration(seconds: float) -> str:
    """A stretch of time, roughly: ``40 ms``, ``0.4 s``, ``12 s``, ``3 min``, ``2 h``, ``4 d``."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    for size, unit in ((60, "s"), (60, "min"), (24, "h")):
        if seconds < 1.5 * size:
            return f"{seconds:.0f} {unit}"
        seconds /= size
    return f"{seconds:.0f} d"


def no_threshold_words(report: Mapping[str, Any]) -> str:
    """Why `ims-learn` suggests no threshold, from its JSON."""
    words = why_no_threshold(int(report.get("calibrated_units", 0)))
    return words[:1].upper() + words[1:]


def saturation_words(report: Mapping[str, Any]) -> tuple[str, bool]:
    """How much was learned, from a program's JSON, and whether that is enough; "" where unsaid."""
    share, rate = report.get("learned"), report.get("new_per_1000")
    if not isinstance(share, float) or not isinstance(rate, float):
        return "", False
    enough = bool(report.get("learned_enough"))
    words = in_words(share, rate, enough=enough)
    return words[:1].upper() + words[1:], enough
