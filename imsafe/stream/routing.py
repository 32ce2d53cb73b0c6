# SPDX-License-Identifier: GPL-3.0-or-later
"""Which application each process of a stream belongs to, and which program it loaded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events, Kind
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
        self._loading: set[int] = set()
        self._loaded: dict[int, str] = {}

    def feed(self, item: Item) -> None:
        """Learn from an item; anything but segments and process frames is passed over."""
        if isinstance(item, Segment):
            self.names = item.applications
            self._processes.clear()
            self._ended.clear()
            self._loading.clear()
            self._loaded.clear()
        elif isinstance(item, ProcessInfo):
            is_again = item.pid in self._ended  # another process with its number
            self._ended.pop(item.pid, None)
            self._note_program(item, is_again=is_again)
            self._processes[item.pid] = self._complete(item)
            if not item.application:  # it has left, which nothing but this tells
                self.ended(item.pid)
            if len(self._processes) > MOST_PROCESSES:
                oldest = next(iter(self._ended or self._processes))
                self._ended.pop(oldest, None)
                self._loaded.pop(oldest, None)
                del self._processes[oldest]

    def _complete(self, info: ProcessInfo) -> ProcessInfo:
        """A child that still runs its parent's program has its command line, too.

        Tracers do not repeat it: a shell with a thousand arguments may have as many children.
        """
        parent = self._processes.get(info.parent)
        if info.argv or parent is None or (parent.comm, parent.exe) != (info.comm, info.exe):
            return info
        return replace(info, argv=parent.argv, user=info.user or parent.user)

    def _note_program(self, info: ProcessInfo, *, is_again: bool) -> None:
        pid, is_born = info.pid, is_again or info.started_ns == info.time_ns > 0
        if pid in self._loading:
            self._loading.remove(pid)
            self._loaded[pid] = info.comm
        elif is_born or pid not in self._processes:
            if pid in self._processes:  # one that ended, with the same number
                self._loaded.pop(pid, None)
            if info.parent in self._loaded:
                self._loaded.setdefault(pid, self._loaded[info.parent])

    def loads(self, events: Events) -> None:
        """Take in records: of a process that loads a program in them, the next frame names it."""
        rows = np.flatnonzero(events["kind"] == Kind.EXEC)
        if len(rows):
            self._loading.update(events["pid"][rows].tolist())
            if len(self._loading) > MOST_PROCESSES:
                self._loading.clear()  # somebody makes them up

    def is_loading(self, pid: int) -> bool:
        """Whether the next frame of a process names the program that it has loaded."""
        return pid in self._loading

    def assume(self, pid: int, loaded: str) -> None:
        """A process, the first of the stream, loaded a program of that name before it began."""
        self._loaded[pid] = loaded

    def loaded(self, pid: int) -> str:
        """The name (comm) of the program that a process, or who made it, was seen to load.

        That is before the process can give itself another name.  Empty where it ran before the
        stream began.
        """
        return self._loaded.get(pid, "")

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
