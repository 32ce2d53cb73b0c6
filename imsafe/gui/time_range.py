# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stretch of time a plot shows: the newest, which it follows, or one that is past.  No Qt."""

from __future__ import annotations

SHORTEST_S = 0.5
"""What can be zoomed into at most."""

LEAST_S = 60.0
"""One can always zoom out as far as this, whatever there is to see."""

_MARGIN = 0.01


class TimeRange:
    """A view of `width` seconds within what there is.

    Attributes
    ----------
    first, end : float
        Seconds: from when to when there is something to see.
    width : float
        Seconds shown; 0 for everything.
    following : bool
        Whether the newest stays in view.
    """

    def __init__(self, width: float) -> None:
        self.first, self.end = 0.0, LEAST_S
        self.width = width
        self.following = True
        self._low = 0.0

    @property
    def low(self) -> float:
        """The first time (s) that is shown."""
        return self.end - self.shown if self.following else self._low

    @property
    def high(self) -> float:
        """The last time (s) that is shown; when following, with a margin behind the newest."""
        return self.low + self.shown * (1 + _MARGIN * self.following)

    @property
    def shown(self) -> float:
        """How many seconds are shown, without the margin."""
        return self.width or max(self.end - self.first, 1.0)

    def show_newest(self, width: float | None = None) -> None:
        """Follow the newest; with another width, where one is given."""
        self.following = True
        self.width = self.width if width is None else width

    def hold(self) -> None:
        """Follow no longer: stay with what is shown."""
        self._low, self.width = self.low, self.shown
        self.following = False

    def look_at(self, low: float, width: float | None = None) -> None:
        """Show the past from a time (s) on; where that reaches the newest, follow it."""
        width = self.shown if width is None else width
        width = min(max(width, SHORTEST_S), max(self.end - self.first, LEAST_S))
        self.width = width
        self._low = max(low, min(self.first, self.end - width))
        self.following = self._low + width >= self.end

    def move(self, widths: float) -> None:
        """Move by so many of the widths shown."""
        self.look_at(self.low + widths * self.shown)

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Show so many times the time.

        Parameters
        ----------
        factor
            Above 1: more time.
        around
            The time (s) that keeps its place; None: the newest when following, else the middle.
        """
        width = max(self.shown * factor, SHORTEST_S)
        if self.following and (around is None or factor > 1):
            # There is nothing later than the newest to be shown.
            self.width = min(width, max(self.end - self.first, LEAST_S))
            return
        if around is None:
            around = self.low + self.shown / 2
        self.look_at(around - (around - self.low) * width / self.shown, width)

    def share(self) -> float:
        """Where the view lies, from 0 at the beginning to 1 at the newest."""
        room = self.end - self.first - self.shown
        if self.following or room <= 0:
            return 1.0
        return min(max((self.low - self.first) / room, 0.0), 1.0)

    def look_at_share(self, share: float) -> None:
        """Go to where `share` says."""
        self.look_at(self.first + share * (self.end - self.first - self.shown))
