# SPDX-License-Identifier: GPL-3.0-or-later
"""A few sentences are said, the rest is counted: who comes again and again fills no log."""

from __future__ import annotations

import time
from collections.abc import Callable

AT_ONCE = 20
PERIOD_S = 60.0
"""So many sentences are let through in that time."""


class FewWords:
    """Sentences of one kind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = float("-inf")
        self._said = 0
        self._unsaid = 0

    def may_be_said(self) -> bool:
        """Whether the next one is among the few; else it is counted."""
        if self._clock() - self._since >= PERIOD_S and not self._unsaid:
            self._since, self._said = self._clock(), 0
        if self._said < AT_ONCE:
            self._said += 1
            return True
        self._unsaid += 1
        return False

    def rest(self, *, now: bool = False) -> int:
        """How many were not said, once the time is over (or `now`); 0 until then."""
        if not self._unsaid or not (now or self._clock() - self._since >= PERIOD_S):
            return 0
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid
