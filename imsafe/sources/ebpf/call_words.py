# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that the kernel program writes for calls (`kernel/tracer.c`), made records again.

A word is a call, or it says what holds for the calls behind it: their thread, the time, how many
were lost before.  Which of these its upper two bits tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_THREAD, _TIME, _LOST = np.arange(1, 4, dtype=np.uint64)  # a call is 0
_KIND, _VALUE = np.uint64(62), np.uint64((1 << 62) - 1)
_HALF, _SINCE = np.uint64(32), np.uint64(0xFFFFFFFF)


class WordReader:
    """Reads the words of one ring, in pieces of any length."""

    def __init__(self) -> None:
        self._time = self._thread = self._lost = np.uint64(0)

    @property
    def time_ns(self) -> int:
        """The time of the last word: a call that follows is not older."""
        return int(self._time)

    def read(self, words: Words, records: Words) -> int:
        """Make records of the calls among the ring's next words.

        Parameters
        ----------
        words
            Shape (N,).
        records
            Where they go, as many as there are: shape (N or more, 3), a row for each
            `imsafe.events.EVENT`.

        Returns
        -------
        int
            How many.
        """
        others = np.flatnonzero(words > _VALUE)
        calls = words[words <= _VALUE] if len(others) else words
        kinds, values = words[others] >> _KIND, words[others] & _VALUE
        before = others - np.arange(len(others))  # so many calls stand before each of them

        def held(kind: np.uint64, values: Words, now: np.uint64) -> tuple[Words, np.uint64]:
            # For each call what the last word of this kind says; and that for the calls to come.
            mine = np.flatnonzero(kinds == kind)
            if not len(mine):
                return np.full(1, now), now
            every = np.append(now, values[mine])
            return np.repeat(every, np.diff(before[mine], prepend=0, append=len(calls))), every[-1]

        passed = np.zeros(len(calls) + 1, np.uint64)
        np.cumsum(calls & _SINCE, out=passed[1:])
        start, last = held(_TIME, values - passed[before], self._time)
        threads, self._thread = held(_THREAD, values >> _HALF | values << _HALF, self._thread)
        lost, self._lost = held(_LOST, values << _HALF, self._lost)
        self._time = last + passed[-1]
        records = records[: len(calls)]
        np.add(passed[1:], start, out=records[:, 0])
        records[:, 1] = threads
        np.bitwise_or(calls >> _HALF, lost, out=records[:, 2])
        return len(calls)
