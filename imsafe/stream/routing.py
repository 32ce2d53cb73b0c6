# SPDX-License-Identifier: GPL-3.0-or-later
"""Which application each process of a stream belongs to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imsafe.stream.items import Item, ProcessInfo, Segment

DEFAULT_APPLICATION = 1
"""Where a process belongs that nobody announced."""


MOST_PROCESSES = 1 << 18
"""What is known of further processes takes the place of those that ended first.

More than any machine runs at a time: what a peer makes up must not fill the memory.
"""


class Routing:
    """The processes of one stream.

    Attributes
    ----------
    names
        Of the applications; application number N is item N - 1.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._processes: dict[int, ProcessInfo] = {}
        self._ended: dict[int, None] = {}  # in that order

    def feed(self, item: Item) -> None:
        """Learn from an item; anything but segments and process frames is passed over."""
        if isinstance(item, Segment):
            self.names = item.applications
            self._processes.clear()
            self._ended.clear()
        elif isinstance(item, ProcessInfo):
            self._ended.pop(item.pid, None)
            self._processes[item.pid] = self._complete(item)
            if len(self._processes) > MOST_PROCESSES:
                oldest = next(iter(self._ended or self._processes))
                self._ended.pop(oldest, None)
                del self._processes[oldest]

    def _complete(self, info: ProcessInfo) -> ProcessInfo:
        """A child that still runs its parent's program has its command line, too.

        Tracers do not repeat it: a shell with a thousand arguments may have as many children.
        """
        parent = self._processes.get(info.parent)
        if info.argv or parent is None or (parent.comm, parent.exe) != (info.comm, info.exe):
            return info
        return replace(info, argv=parent.argv, user=info.user or parent.user)

    def ended(self, pid: int) -> None:
        """A process has ended; it stays known, for a thread whose calls come late, while it may."""
        if pid in self._processes:
            self._ended[pid] = None

    def process(self, pid: int) -> ProcessInfo | None:
        """The last that was said of a process."""
        return self._processes.get(pid)

    def application_of(self, pids: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """The application's number for each pid.

        Parameters
        ----------
        pids : array of uint32, shape (N,)

        Returns
        -------
        array of uint16, shape (N,)
            0 where the process has left every application.
        """
        distinct, inverse = np.unique(pids, return_inverse=True)
        known = (self._processes.get(pid) for pid in distinct.tolist())
        numbers = [process.application if process else DEFAULT_APPLICATION for process in known]
        return np.array(numbers, np.uint16)[inverse]
