# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that a monitor reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from imsafe.monitor.few_words import FewWords
from imsafe.monitor.view_protocol import SourceRow
from imsafe.sources.base import FromProcesses, Source


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
    ends
        Which ends of its streams are told of: any number of peers may come and go.
    sending, stopped
        How many processes sent to it when they were looked at last, and how many stood still.
    """

    number: int
    kind: str
    source: Source
    descriptor: int
    closed: bool = False
    problem: str = ""
    sending: int = 0
    stopped: int = 0
    ends: FewWords = field(default_factory=FewWords)

    def look(self, say: Callable[[str], bool]) -> None:
        """See which of its processes stand still; `say` is asked again until it says so."""
        source = self.source
        processes = source.processes() if isinstance(source, FromProcesses) else []
        for process in processes:
            process.look()
            if process.stopped != process.told and say(process.sentence):
                process.told = process.stopped
        self.sending = len(processes)
        self.stopped = sum(process.stopped for process in processes)

    def row(self) -> SourceRow:
        """What the status says of it."""
        counters = self.source.counters
        stopped = 0 if self.closed else self.stopped
        if self.problem:
            state = "failed"
        elif stopped and stopped == self.sending:
            state = "stopped"
        else:
            state = self.source.state
        return {
            "number": self.number,
            "kind": self.kind,  # type: ignore[typeddict-item]
            "name": self.source.name,
            "state": state,
            "calls": counters.calls,
            "lost": counters.lost,
            "streams": counters.streams_open,
            "finished": self.closed or self.source.finished,
            "problem": self.problem,
            "stopped": stopped,
        }
