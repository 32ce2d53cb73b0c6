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
    descriptor
        What the monitor waits on; the source may have closed it.
    problem
        Why it failed, in words.
    """

    number: int
    kind: str
    source: Source
    descriptor: int
    closed: bool = False
    problem: str = ""

    def row(self) -> SourceRow:
        """What the status says of it."""
        counters = self.source.counters
        return {
            "number": self.number,
            "kind": self.kind,  # type: ignore[typeddict-item]
            "name": self.source.name,
            "state": "failed" if self.problem else self.source.state,
            "calls": counters.calls,
            "lost": counters.lost,
            "streams": counters.streams_open,
            "finished": self.closed or self.source.finished,
            "problem": self.problem,
        }
