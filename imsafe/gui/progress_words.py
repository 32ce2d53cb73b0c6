# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of work that goes on: its rate, what is left, how much has been learned.  No Qt."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

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
    """How long something took, or will: ``40 s``, ``12 min``, ``3 h 5 min``."""
    seconds = round(seconds)
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def saturation_words(report: Mapping[str, Any]) -> tuple[str, bool]:
    """How much was learned, from a program's JSON, and whether that is enough; "" where unsaid."""
    share, enough = report.get("learned"), bool(report.get("learned_enough"))
    words = report.get("saturation")
    if not isinstance(words, str):
        if not isinstance(share, float):
            return "", False
        # Never rounded up: 99.96 % is not all.
        percent = f"{math.floor(1000 * share) / 10:.1f} %"
        words = (
            f"learned: {percent} of what is to be expected"
            if enough
            else f"keep recording: {percent} of what is to be expected is learned"
        )
    return words[:1].upper() + words[1:], enough
