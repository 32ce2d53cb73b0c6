# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the rings of the kernel program as memory: no system call, no callback, whole batches.

That of births, programs and ends is a BPF ring buffer: a page with the consumer's position, a
page with the producer's, then the data.  Each record has a header of 8 bytes, whose first word
is its length and, while it is still being written, the busy bit.  Those of calls are arrays of
`kernel/tracer.c`, one for each processor.

There is no acquire barrier between reading a head and what it covers: right on x86-64, whose
loads and stores keep their order.
"""

from __future__ import annotations

import mmap
import platform
import struct

import numpy as np

from imsafe.events import EVENT, Events, chosen
from imsafe.sources.ebpf.call_words import WordReader
from imsafe.sources.ebpf.layout import RING_HEADER, WORD

_BUSY = 1 << 31
_DISCARDED = 1 << 30
_HEADER = struct.Struct("<II")
_PIECE = 1 << 14
"""Words at a time: what is made of them stays in the processor's cache."""
_WRITING_NS = 1_000_000
"""A record takes its time, and may be interrupted before it is in the ring: others of this age
wait for it, so that calls of several processors come in the order of time.  Those of one thread
do so anyway: it makes its next call, on whatever processor, when the last is in a ring."""


class CallRings:
    """The rings of calls, one for each processor, as if they were one.

    Parameters
    ----------
    descriptor
        Of the map.
    processors
        How many rings it has.
    words
        How many words each holds.
    ordered
        Whether this machine keeps the order of loads and of stores.  Where it does not, a look
        takes what the look before it saw: by then the records behind a head have arrived as well.
    """

    def __init__(
        self,
        descriptor: int,
        processors: int,
        words: int,
        *,
        ordered: bool = platform.machine() == "x86_64",
    ) -> None:
        stride = RING_HEADER + words * WORD
        self._map = mmap.mmap(descriptor, processors * stride, mmap.MAP_SHARED)
        rings = np.frombuffer(self._map, "<u8").reshape(processors, stride // WORD)
        self._heads = rings[:, 0]
        self._tails = rings[:, RING_HEADER // 16]
        self._wakes = rings[:, RING_HEADER // 16 + 1]
        self._words = rings[:, RING_HEADER // WORD :]
        self._size = words
        self._readers = [WordReader() for _ in range(processors)]
        self._ordered = ordered
        self._seen = 0, self._heads.copy()
        self._early = np.empty(0, EVENT)
        self.left = 0
        """Words that wait in the rings, as of the last look."""

    def __len__(self) -> int:
        """How many words wait in the rings, and calls for those before them: at the last look."""
        return len(self._early) + self.left

    @property
    def fill(self) -> float:
        """What share of the fullest ring is taken up."""
        return float((self._heads - self._tails).max()) / self._size

    def wake_at(self, share: float) -> None:
        """Have the kernel wake its reader at the word that finds a ring so full; 0: at the next."""
        self._wakes[:] = max(1, int(share * self._size)) if share else 0

    def take(self, now: int, most: int) -> tuple[Events, int]:
        """Take the oldest records of each ring.

        Parameters
        ----------
        now
            The time at the moment of the call, nanoseconds.
        most
            How many words to take at most, of each ring.

        Returns
        -------
        events : array of EVENT, shape (N,)
            A copy, in the order of time.
        horizon : int
            Every call older than this has been taken, now or before.
        """
        heads = latest = self._heads.copy()
        if not self._ordered:
            (now, heads), self._seen = self._seen, (now, latest)
        horizon = max(now - _WRITING_NS, 0)
        stops = np.minimum(heads, self._tails + np.uint64(most))
        early, count = len(self._early), int((stops - self._tails).sum())
        records = np.empty((early + count, EVENT.itemsize // WORD), np.uint64)
        records[:early].view(EVENT)[:, 0] = self._early
        made = early
        for ring in np.flatnonzero(stops != self._tails).tolist():
            begin, stop, reader = int(self._tails[ring]), int(stops[ring]), self._readers[ring]
            while begin < stop:
                first = begin % self._size
                length = min(stop - begin, self._size - first, _PIECE)
                made += reader.read(self._words[ring, first : first + length], records[made:])
                begin += length
            self._tails[ring] = stop
        for ring in np.flatnonzero(stops != heads).tolist():  # within a ring time only rises
            horizon = min(horizon, self._readers[ring].time_ns)
        self.left = int((latest - self._tails).sum())
        events = records[:made].view(EVENT)[:, 0]
        times = np.ascontiguousarray(events["time_ns"])
        if (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            events, times = chosen(events, order), times[order]
        ready = int(np.searchsorted(times, horizon))
        self._early = chosen(events, slice(ready, None))
        return events[:ready], horizon


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


class WakeRing(_Ring):
    """What stands in it says only that somebody should look."""

    def skip(self) -> None:
        """Be done with what is there."""
        self._consumed[0] = self._produced[0]


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
