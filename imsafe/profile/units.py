# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of normal behaviour: a process, or a block of 2,000 calls of a long one.

Calibration asks how rare a reading is on a unit that the profile has not
learned.  The profile keeps a sample of units for that: those with the lowest
hashes, so that the same ones remain in whatever order traces come.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BLOCK = 2000
"""Calls of a unit, at most."""

PRECEDING = 512
"""Calls of the process before the unit that are kept with it, for its windows."""

SAMPLE_CALLS = 2_000_000
SAMPLE_UNITS = 10_000
"""Bounds of the sample."""

HASH_LENGTH = 32
NO_BOUND = "g"
"""Greater than every hash in hexadecimal digits."""

VOID = 1 << 31
"""In a row: the context was void at this call though the thread had made calls."""

SYMBOL = VOID - 1

Rows = NDArray[np.int64]
"""Calls of one process: ``thread << 32 | void << 31 | symbol``, shape (N,)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit.

    Attributes
    ----------
    rows
        Its calls, after those that precede it in the process.
    first
        How many of `rows` only precede it.
    """

    rows: Rows
    first: int

    @property
    def calls(self) -> int:
        """How many calls the unit itself has."""
        return len(self.rows) - self.first

    @property
    def beginning(self) -> int | None:
        """The symbol that its process begins with; None of a later unit of a process."""
        return None if self.first else int(self.rows[0] & SYMBOL)


def only_beginnings(units: Sequence[Unit]) -> list[int]:
    """Places of the units that begin a process with a call with which no other one begins.

    A program's start begins with another call than the processes that it forks, so of a
    daemon that was started once these are that start.
    """
    beginnings = [unit.beginning for unit in units]
    times = Counter(beginnings)
    return [
        place
        for place, begins in enumerate(beginnings)
        if begins is not None and times[begins] == 1
    ]


def unit_hash(trace: str, process: int, block: int) -> str:
    """What decides whether a unit is in the sample."""
    return hashlib.sha256(f"{trace}:{process}:{block}".encode()).hexdigest()[:HASH_LENGTH]


@dataclass(slots=True)
class Sample:
    """The bounded sample of units.

    The units below `bound` are all there; whatever has come at or above it,
    now or in another part of the learning, was left out for good.  So the
    sample of a sum is the sample of the parts' samples.
    """

    units: dict[str, Unit] = field(default_factory=dict)
    bound: str = NO_BOUND
    _calls: int = 0

    def offer(self, key: str, unit: Unit) -> None:
        """Keep a unit if its hash is low enough."""
        if key < self.bound:
            self.units[key] = unit
            self._calls += unit.calls
            if self._calls > 2 * SAMPLE_CALLS or len(self.units) > 2 * SAMPLE_UNITS:
                self.trim()

    def add(self, other: Sample) -> None:
        """Take in another part's sample."""
        self.bound = min(self.bound, other.bound)
        for key, unit in other.units.items():
            self.offer(key, unit)

    def trim(self) -> None:
        """Drop what is over the bounds."""
        kept: dict[str, Unit] = {}
        calls = 0
        for key in sorted(self.units):
            unit = self.units[key]
            if key >= self.bound:
                break
            if calls + unit.calls > SAMPLE_CALLS or len(kept) == SAMPLE_UNITS:
                self.bound = key
                break
            kept[key] = unit
            calls += unit.calls
        self.units = kept
        self._calls = calls


class UnitCutter:
    """Cuts the calls of one process into units as they come."""

    def __init__(self) -> None:
        self.block = 0
        self._before: Rows = np.empty(0, np.int64)
        self._pending: list[Rows] = []
        self._length = 0

    def feed(self, rows: Rows) -> list[tuple[int, Unit]]:
        """Take calls; gives the whole blocks with their numbers."""
        self._pending.append(rows)
        self._length += len(rows)
        if self._length < BLOCK:
            return []
        calls = np.concatenate(self._pending)
        whole = len(calls) // BLOCK * BLOCK
        units = [self._unit(calls[at : at + BLOCK]) for at in range(0, whole, BLOCK)]
        self._pending = [calls[whole:].copy()]
        self._length = len(calls) - whole
        return units

    def finish(self) -> list[tuple[int, Unit]]:
        """The process has ended: what is left is a unit too."""
        return [self._unit(np.concatenate(self._pending))] if self._length else []

    def _unit(self, calls: Rows) -> tuple[int, Unit]:
        unit = Unit(np.concatenate([self._before, calls]), len(self._before))
        self._before = unit.rows[-PRECEDING:].copy()
        block = self.block
        self.block += 1
        return block, unit
