# SPDX-License-Identifier: GPL-3.0-or-later
"""The readings: burst and novelty of a thread, drift and repertoire of a process.

The same code reads for scoring and for calibration.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe import syscalls
from imsafe.events import Abi
from imsafe.profile.compiled import index, inlined, real
from imsafe.profile.repertoire import (
    CHECKPOINTS,
    LeftOut,
    Remembered,
    Repertoire,
    bit_of,
    reading_of,
)
from imsafe.profile.surprise import BIT
from imsafe.profile.units import BLOCK

BURST = 20
"""Calls of a thread that the burst is the mean of; those not yet made count 0."""

BURST_CAP = 8 * BIT
"""A call's share in the burst, at most: one rare call is not a burst."""

DRIFT = 500
"""Calls of a process that the drift is the mean of."""

DRIFT_CAP = 8 * BIT
"""A call's share in the drift, at most."""

DRIFT_LEAST = 100
"""The drift's sum is divided by at least this, so that few calls raise nothing by themselves."""

LATER_REPERTOIRE = DRIFT
"""Calls into a later unit of a long process from which on its repertoire is read.

Such a unit begins anywhere in the process's work: its first calls, were they a
shutdown's, say nothing of how a unit begins.
"""


NEW_CALL, NEW_PAIR = 2, 1
"""New pairs that a call makes which was never seen (it makes two, with its neighbours), or never
directly after the one before it."""

NOVELTY_MOST = 10
"""More, five new pairs, says nothing more."""

NOVELTY, EXCUSED = 40, 48
"""In a thread's ring and its sum the novelty stands above this bit and the surprise below it, and
above the other one whether a signal excuses the call: one look into memory for all three, and
room for 20 of each."""

MOST_EXCUSED = 4
"""Calls among the last 20 of a thread that signals excuse: those of two.  Whoever calls
rt_sigreturn without a signal gains no more by it (Bosman and Bos, "Framing Signals", 2014)."""

SIGNAL_RETURNS = tuple(
    sorted(
        int(abi) << 16 | number
        for abi in Abi
        for call in ("rt_sigreturn", "sigreturn")
        if (number := syscalls.number(abi, call)) is not None
    )
)
"""The calls with which the handler of a signal ends."""

SURPRISE = (1 << NOVELTY) - 1
PAIRS = (1 << EXCUSED - NOVELTY) - 1


class ThreadWindows(NamedTuple):
    """By the slot of a thread: a ring (surprise, novelty, excused), its sum, calls so far."""

    ring: NDArray[np.int64]
    total: NDArray[np.int64]
    calls: NDArray[np.int64]


class ProcessWindows(NamedTuple):
    """By the slot of a process.

    Attributes
    ----------
    ring, total, calls
        Surprises of the last calls, their sum, calls so far.
    words, size
        Set of the calls used in this unit, as bits, and how many those are.
    unit_calls, stage
        Calls in this unit, and the stage of the repertoire that it is in.
    repertoire
        The reading; a later unit keeps the one before it until it is long enough.
    """

    ring: NDArray[np.int64]
    total: NDArray[np.int64]
    calls: NDArray[np.int64]
    words: NDArray[np.uint64]
    size: NDArray[np.int64]
    unit_calls: NDArray[np.int64]
    stage: NDArray[np.int64]
    repertoire: NDArray[np.float64]


def thread_windows(capacity: int) -> ThreadWindows:
    """Make empty windows for `capacity` threads."""
    return ThreadWindows(
        np.zeros((capacity, BURST), np.int64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int64),
    )


def process_windows(capacity: int, words: int) -> ProcessWindows:
    """Make empty windows for `capacity` processes and sets of `words` 64-bit words."""
    return ProcessWindows(
        np.zeros((capacity, DRIFT), np.int64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int64),
        np.zeros((capacity, words), np.uint64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.float64),
    )


@inlined
def clear_thread(windows: ThreadWindows, thread: int) -> None:
    """Begin a thread."""
    windows.ring[thread, :] = 0
    windows.total[thread] = 0
    windows.calls[thread] = 0


@inlined
def clear_process(windows: ProcessWindows, process: int) -> None:
    """Begin a process."""
    windows.ring[process, :] = 0
    windows.total[process] = 0
    windows.calls[process] = 0
    windows.repertoire[process] = 0.0
    begin_unit(windows, process)


@inlined
def begin_unit(windows: ProcessWindows, process: int) -> None:
    """Begin a unit of a process."""
    windows.words[process, :] = 0
    windows.size[process] = 0
    windows.unit_calls[process] = 0
    windows.stage[process] = 0


@inlined
def new_pairs(foreign: int) -> int:
    """How many new pairs a call makes, by the length of what was never seen (0: nothing)."""
    if foreign == 0 or foreign > 2:
        return 0
    return NEW_CALL if foreign == 1 else NEW_PAIR


@inlined
def is_excused(windows: ThreadWindows, thread: int, before: int, symbol: int, foreign: int) -> bool:
    """Whether a call is where it is because a signal came just then: it surprises nobody.

    That is the return from a signal's handler, and the call after it: a signal may come anywhere.
    Unless the call was never seen at all (`foreign` is 1), or too many have come.

    Parameters
    ----------
    before
        The thread's call before it; -1 where its context is void.
    """
    by_signal = symbol in SIGNAL_RETURNS or before in SIGNAL_RETURNS
    return by_signal and foreign != 1 and windows.total[thread] >> EXCUSED < MOST_EXCUSED


@inlined
def burst(
    windows: ThreadWindows, thread: int, cost: int, new: int, excused: bool
) -> tuple[float, float]:
    """Burst and novelty of the thread's last calls, this one included.

    Parameters
    ----------
    cost, new
        Its surprise and new pairs; 0 where a signal excuses it.

    Returns
    -------
    burst
        Mean of their surprises, each capped (bits).
    novelty
        How many ways there are to take two new pairs of calls from them: n (n - 1) / 2, at
        most 10.  One new pair happens; a second one so near to it hardly ever does.
    """
    share = min(cost, BURST_CAP) | new << NOVELTY | excused << EXCUSED
    place = index(windows.calls[thread]) % index(BURST)
    windows.total[thread] += share - windows.ring[thread, place]
    windows.ring[thread, place] = share
    windows.calls[thread] += 1
    total = windows.total[thread]
    new_lately = total >> NOVELTY & PAIRS
    return (
        real((total & SURPRISE) / (BURST * BIT)),
        real(min(new_lately * (new_lately - 1) >> 1, NOVELTY_MOST)),
    )


@inlined
def drift(windows: ProcessWindows, process: int, cost: int) -> float:
    """Mean surprise of the process's last calls, this one included, each capped (bits)."""
    share = min(cost, DRIFT_CAP)
    place = index(windows.calls[process]) % index(DRIFT)
    windows.total[process] += share - windows.ring[process, place]
    windows.ring[process, place] = share
    windows.calls[process] += 1
    held = min(windows.calls[process], DRIFT)
    return real(windows.total[process] / (max(held, DRIFT_LEAST) * BIT))


@inlined
def note_call(windows: ProcessWindows, process: int, bit: int) -> bool:
    """Add a call to the set of its process; says whether the set is to be read anew.

    The unit is not full.  Without a loop, so that compiled code needs no
    bookkeeping of the arrays here.
    """
    calls = windows.unit_calls[process] + 1
    windows.unit_calls[process] = calls
    mask = np.uint64(1) << np.uint64(bit & 63)
    word = index(bit >> 6)
    is_new = windows.words[process, word] & mask == 0
    windows.words[process, word] |= mask
    windows.size[process] += is_new
    is_next_stage = calls > CHECKPOINTS[index(windows.stage[process])]
    windows.stage[process] += is_next_stage
    # The call is in the drift already: more calls there than here means an earlier unit.
    if windows.calls[process] > calls and calls <= LATER_REPERTOIRE:
        return bool(calls == LATER_REPERTOIRE)
    return bool(is_new or is_next_stage)


@inlined
def use_call(
    windows: ProcessWindows,
    process: int,
    symbol: int,
    sets: Repertoire,
    without: LeftOut,
    remembered: Remembered,
) -> float:
    """Repertoire of the process, this call included: 0 (as a normal unit's) to 1."""
    if windows.unit_calls[process] == BLOCK:
        begin_unit(windows, process)
    if note_call(windows, process, bit_of(sets.bit, sets.known, symbol)):
        read_set(windows, process, sets, without, remembered)
    return real(windows.repertoire[process])


@inlined
def read_set(
    windows: ProcessWindows,
    process: int,
    sets: Repertoire,
    without: LeftOut,
    remembered: Remembered,
) -> None:
    """Read the repertoire of a process from its set."""
    windows.repertoire[process] = reading_of(
        sets,
        without,
        remembered,
        windows.words[process],
        windows.size[process],
        windows.stage[process],
    )
