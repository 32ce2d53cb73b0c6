# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a BPF ring buffer as memory: no system call, no callback, whole batches.

The kernel's layout: a page with the consumer's position, a page with the
producer's, then the data.  Each record has a header of 8 bytes, whose first
word is its length and, while it is still being written, the busy bit.

There is no acquire barrier between reading a header and what it covers: right
on x86-64, whose loads keep their order; on aarch64 it is untested.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence

import numpy as np

from imsafe.events import EVENT, Events

_BUSY = 1 << 31
_DISCARDED = 1 << 30
_HEADER = struct.Struct("<II")
SLOT = 32
"""Bytes of one call in the ring: the header and an `EVENT`."""


class _Ring:
    def __init__(self, descriptor: int, size: int) -> None:
        page = mmap.PAGESIZE
        self.size = size
        self._consumer_page = mmap.mmap(descriptor, page, mmap.MAP_SHARED)
        # The kernel maps the data twice in a row; once is enough here, and half the pages.
        self._map = mmap.mmap(descriptor, page + size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)
        self._consumed = np.frombuffer(self._consumer_page, np.uint64, 1)
        self._produced = np.frombuffer(self._map, np.uint64, 1)

    @property
    def empty(self) -> bool:
        """Whether everything that was written has been taken."""
        return bool(self._produced[0] == self._consumed[0])


class CallRing(_Ring):
    """The ring of calls: records of one size, an array of slots."""

    def __init__(self, descriptor: int, size: int) -> None:
        super().__init__(descriptor, size)
        self._slots = np.frombuffer(self._map, "<u8", size // 8, mmap.PAGESIZE).reshape(-1, 4)
        self._lengths = self._slots.view("<u4")[:, 0]
        self._times = self._slots[:, 1]

    def take(self, now: int, most: int) -> tuple[Events, int]:
        """Take the oldest records.

        Parameters
        ----------
        now
            The time at the moment of the call, nanoseconds.
        most
            How many to take at most.

        Returns
        -------
        events : array of EVENT, shape (N,)
            A copy.
        horizon : int
            Every call older than this has been taken, now or before: those that
            come take their time after they have taken their place.
        """
        begin, end = int(self._consumed[0]) // SLOT, int(self._produced[0]) // SLOT
        count = len(self._slots)
        pieces = []
        horizon = now
        stop = begin
        while stop < end:
            first = stop % count
            length = min(end - stop, count - first)
            busy = np.flatnonzero(self._lengths[first : first + length] & _BUSY)
            ready = int(busy[0]) if len(busy) else length
            room = most - (stop - begin)
            taken = min(ready, room)
            pieces.append(self._slots[first : first + taken, 1:].copy())
            stop += taken
            if taken < length:
                break
        if stop < end:
            horizon = min(now, self._oldest(stop, end))
        if not pieces:
            return np.empty(0, EVENT), horizon
        slots = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        self._consumed[0] = stop * SLOT
        return slots.view(EVENT).reshape(-1), horizon

    def _oldest(self, begin: int, end: int) -> int:
        """The earliest time of what is left and written already.

        A record that is still being written belongs to a thread that is in the middle
        of it, so nothing of that thread can be younger and elsewhere.
        """
        count = len(self._slots)
        places = np.arange(begin, end) % count
        places = places[(self._lengths[places] & _BUSY) == 0]
        return int(self._times[places].min()) if len(places) else (1 << 64) - 1


class CallRings:
    """All rings of calls, as if they were one, and in the order of time.

    Parameters
    ----------
    descriptors
        Of rings of the same size.
    size
        Of all together.
    """

    def __init__(self, descriptors: Sequence[int], size: int) -> None:
        self._rings = [CallRing(ring, size // len(descriptors)) for ring in descriptors]
        self._early = np.empty(0, EVENT)

    def __len__(self) -> int:
        """How many calls have been taken that wait for those before them."""
        return len(self._early)

    def take(self, now: int, most: int) -> tuple[Events, int]:
        """Take the oldest records: `CallRing.take`.

        A thread that changes the processor changes the ring: what is younger than the horizon
        waits until nothing older can come from another one.
        """
        if len(self._rings) == 1:
            return self._rings[0].take(now, most)
        if not len(self._early) and all(ring.empty for ring in self._rings):
            return self._early, now
        taken = [ring.take(now, most // len(self._rings)) for ring in self._rings]
        horizon = min(until for _, until in taken)
        events = np.concatenate([self._early, *(calls for calls, _ in taken)])
        times = np.ascontiguousarray(events["time_ns"])
        if (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            events, times = events[order], times[order]
        ready = int(np.searchsorted(times, horizon))
        self._early = events[ready:].copy()
        return events[:ready], horizon


class LifecycleRing(_Ring):
    """The ring of births, programs and ends: records of several sizes, and few of them."""

    def take(self) -> list[bytes]:
        """All records that are there, oldest first."""
        records: list[bytes] = []
        position, end = int(self._consumed[0]), int(self._produced[0])
        page = mmap.PAGESIZE
        while position < end:
            at = position % self.size
            length, _ = _HEADER.unpack_from(self._map, page + at)
            if length & _BUSY:
                break
            wide = length & ~_DISCARDED
            start = at + _HEADER.size
            octets = self._map[page + start : page + min(start + wide, self.size)]
            if start + wide > self.size:  # around the end
                octets += self._map[page : page + start + wide - self.size]
            if not length & _DISCARDED:
                records.append(octets)
            position += (wide + _HEADER.size + 7) & ~7
        self._consumed[0] = position
        return records
