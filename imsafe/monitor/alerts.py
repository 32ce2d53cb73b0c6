# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts of a monitor: all are counted, a bounded number is kept with its details."""

from __future__ import annotations

from collections.abc import Iterator

from imsafe.monitor.view_protocol import Alert

MOST_ALERTS = 1_000
"""Alerts that are kept; beyond it the oldest closed one gives way, or the oldest of all."""


class Alerts:
    """Numbers alerts from 1 and keeps the latest.

    Attributes
    ----------
    count
        How many there were.
    """

    def __init__(self, most: int = MOST_ALERTS) -> None:
        self.count = 0
        self._most = most
        self._kept: dict[int, Alert] = {}

    def __iter__(self) -> Iterator[Alert]:
        return iter(self._kept.values())

    def get(self, number: int) -> Alert | None:
        """The alert of that number, if it is still kept."""
        return self._kept.get(number)

    def next_number(self) -> int:
        """The number of the next alert, which `add` then has to be given."""
        self.count += 1
        return self.count

    def add(self, alert: Alert) -> int | None:
        """Keep an alert; the number of the one that had to give way."""
        self._kept[alert["id"]] = alert
        if len(self._kept) <= self._most:
            return None
        closed = (n for n, kept in self._kept.items() if kept["state"] == "closed")
        oldest = next(closed, next(iter(self._kept)))
        del self._kept[oldest]
        return oldest
