# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the calls that a stream has lost, told in two ways, once.

A loss is told by the tracer's own count in the calls that follow it, and by a
frame of its own: where both are there they speak of the same calls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.stream.items import Lost

MOST = 1 << 62
"""A stream counts no further: more calls than that nobody makes, and sums stay within 64 bits."""


def newest(aux: NDArray[np.uint32], latest: int) -> NDArray[np.uint32]:
    """The counts of calls, those that came late replaced by the newest before them.

    Parameters
    ----------
    aux : array of uint32, shape (N,)
    latest
        The newest count before the first of them; -1: there was none.

    Returns
    -------
    array of uint32, shape (N,)
        `aux` itself where none came late.
    """
    if not len(aux) or (aux == latest).all():
        return aux
    starts = np.flatnonzero(np.concatenate([[True], aux[1:] != aux[:-1]])).tolist()
    result = aux
    for start, stop in zip(starts, [*starts[1:], len(aux)], strict=True):
        count = int(aux[start])
        if latest < 0 or (count - latest) & 0xFFFFFFFF < 1 << 31:
            latest = count
            continue
        if result is aux:
            result = aux.copy()
        result[start:stop] = latest
    return result


class Losses:
    """The losses of one stream.

    Attributes
    ----------
    total : int
        Calls that were lost so far.
    aux : int
        The tracer's count in the latest call, modulo 2^32.
    """

    def __init__(self) -> None:
        self.total = 0
        self.aux = 0
        self._by_calls = 0
        self._by_frames = 0

    def frame(self, lost: Lost) -> int:
        """Take in a frame; how many calls were not counted before."""
        self._by_frames += lost.count
        return self._count()

    def calls(self, aux: NDArray[np.uint32]) -> list[tuple[int, int]]:
        """Take in the `aux` of calls; for each place of new loss its row and the count.

        With several processors a count may arrive late, behind a newer one: it tells
        nothing new.
        """
        if not len(aux) or (aux[-1] == self.aux and (aux == self.aux).all()):
            return []
        places: list[tuple[int, int]] = []
        rows = np.flatnonzero(np.concatenate([[aux[0] != self.aux], aux[1:] != aux[:-1]]))
        for row in rows.tolist():
            newer = (int(aux[row]) - self.aux) & 0xFFFFFFFF
            if newer < 1 << 31:
                self.aux = int(aux[row])
                self._by_calls += newer
                if counted := self._count():
                    places.append((row, counted))
        return places

    def _count(self) -> int:
        new = min(max(self._by_calls, self._by_frames), MOST) - self.total
        self.total += new
        return new
