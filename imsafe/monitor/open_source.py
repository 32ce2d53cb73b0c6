# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that a monitor reads."""

from __future__ import annotations

from dataclasses import dataclass

from imsafe.monitor.view_protocol import SourceRow
from imsafe.sources.base import Source


@dataclass(slots=True)
class OpenSource:
    """A source with what the monitor keeps of it.

    Attributes
    ----------
    number
        From 1, never used again.
    kind
        As in `SourceRow`.
    closed
        Whether it has ended; it stays in the list until it is closed by a request.
    """

    number: int
    kind: str
    source: Source
    closed: bool = False

    def row(self) -> SourceRow:
        """What the status says of it."""
        counters = self.source.counters
        return {
            "number": self.number,
            "kind": self.kind,  # type: ignore[typeddict-item]
            "name": self.source.name,
            "state": self.source.state,
            "calls": counters.calls,
            "lost": counters.lost,
            "streams": counters.streams_open,
            "finished": self.closed or self.source.finished,
        }
