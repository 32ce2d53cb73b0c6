# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads and processes as slots of growing arrays, freed when they end.

The same code follows who is who for learning and for scoring.  A slot map is
an open-addressing hash table from (stream, tid or pid) to a slot number; the
kernels stop where one is full, and Python grows the arrays and lets them go on.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from imsafe.events import EVENT, Abi, Kind
from imsafe.profile.compiled import compiled, index, inlined, integer

CALL, FORK, EXEC, EXIT = (int(kind) for kind in Kind)

NOT_A_CALL = -1
FULL = -2

FIRST_CAPACITY = 64

_FOREIGN = int(Abi.FOREIGN)

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


class SlotMap(NamedTuple):
    """Which slot a key has.

    Attributes
    ----------
    keys, slots
        The hash table; key 0 is an empty place.  Size: a power of two, at
        least twice the capacity.
    key_of
        Each slot's key, 0 when it is free; shape (capacity,).
    free
        Stack of the free slots; shape (capacity,).
    top
        How many are on the stack; shape (1,).
    """

    keys: NDArray[np.int64]
    slots: NDArray[np.int32]
    key_of: NDArray[np.int64]
    free: NDArray[np.int32]
    top: NDArray[np.int64]


class Roster(NamedTuple):
    """Who is alive.

    Attributes
    ----------
    threads, processes
        Slot maps by (stream, tid) and (stream, pid).
    process_of
        The process's slot of each thread's slot.
    epoch
        The stream's epoch in which the thread's context was built; it is void
        when the stream has gone on to another epoch.
    population
        How many threads with a slot a process's slot has.
    """

    threads: SlotMap
    processes: SlotMap
    process_of: NDArray[np.int32]
    epoch: NDArray[np.int64]
    population: NDArray[np.int64]


Records = NDArray[np.uint32]
"""A batch of events as the numbers that compiled code reads, shape (N, 6): `records`."""

LAST_AUX, EPOCH, LOST, LAST_THREAD = range(4)
"""What a stream's own array (int64, shape (4,)) holds.

Its last aux is -1 at first; so is the slot of the thread that called last,
which is only where to look first.
"""


def new_slot_map(capacity: int = FIRST_CAPACITY) -> SlotMap:
    """Make an empty map of `capacity` (a power of two) slots."""
    return SlotMap(
        np.zeros(2 * capacity, np.int64),
        np.zeros(2 * capacity, np.int32),
        np.zeros(capacity, np.int64),
        np.arange(capacity - 1, -1, -1, dtype=np.int32),
        np.array([capacity], np.int64),
    )


def new_roster() -> Roster:
    """Nobody yet."""
    return Roster(
        new_slot_map(),
        new_slot_map(),
        np.zeros(FIRST_CAPACITY, np.int32),
        np.zeros(FIRST_CAPACITY, np.int64),
        np.zeros(FIRST_CAPACITY, np.int64),
    )


def new_stream() -> NDArray[np.int64]:
    """State of a stream of which nothing has been seen."""
    return np.array([-1, 0, 0, -1], np.int64)


def records(events: NDArray[np.void]) -> Records:
    """The numbers of a batch of `EVENT`: always contiguous and writable, so of one type."""
    whole = np.ascontiguousarray(events)
    if not whole.flags.writeable:
        whole = whole.copy()
    return whole.view(np.uint32).reshape(len(whole), EVENT.itemsize // 4)


@inlined
def pid_of(batch: Records, i: int) -> int:
    """Of record `i`; the columns are those of `EVENT`."""
    return integer(batch[i, 2])


@inlined
def tid_of(batch: Records, i: int) -> int:
    """Of record `i`."""
    return integer(batch[i, 3])


@inlined
def symbol_of(batch: Records, i: int) -> int:
    """Of record `i`; an ABI that nobody knows must not lead a kernel out of its tables."""
    number = integer(batch[i, 4])
    abi = (number >> 16) & 0xFF
    return min(abi, _FOREIGN) << 16 | (number & 0xFFFF)


@inlined
def kind_of(batch: Records, i: int) -> int:
    """Of record `i`."""
    return integer(batch[i, 4]) >> 24


@inlined
def aux_of(batch: Records, i: int) -> int:
    """Of record `i`."""
    return integer(batch[i, 5])


def _grown_map(old: SlotMap) -> SlotMap:
    capacity = 2 * len(old.key_of)
    new = new_slot_map(capacity)
    new.key_of[: len(old.key_of)] = old.key_of
    free = np.flatnonzero(new.key_of == 0)[::-1].astype(np.int32)
    new.free[: len(free)] = free
    new.top[0] = len(free)
    for slot in np.flatnonzero(old.key_of):
        place = _place(new, int(old.key_of[slot]))
        new.keys[place] = old.key_of[slot]
        new.slots[place] = slot
    return new


def _place(table: SlotMap, key: int) -> int:
    mask = len(table.keys) - 1
    place = (((key * int(_MULTIPLIER)) & (2**64 - 1)) >> 32) & mask
    while table.keys[place] not in (0, key):
        place = (place + 1) & mask
    return place


Record = TypeVar("Record", bound=tuple[Any, ...])


def doubled(arrays: Record) -> Record:
    """The same record of arrays, each twice as long, the new half zero."""
    return type(arrays)(*(twice(array) for array in arrays))


def twice(array: NDArray[Any]) -> NDArray[Any]:
    """The array with as many zeros appended."""
    return np.concatenate([array, np.zeros_like(array)])


def grow_roster(old: Roster, threads: int = 1) -> tuple[Roster, bool, bool]:
    """Make room for a process, and for so many threads; says whether threads, processes grew."""
    more_threads = bool(old.threads.top[0] < threads)
    more_processes = bool(old.processes.top[0] == 0)
    of_threads, processes, process_of, epoch, population = old
    if more_threads:
        of_threads = _grown_map(of_threads)
        process_of, epoch = twice(process_of), twice(epoch)
    if more_processes:
        processes = _grown_map(processes)
        population = twice(population)
    return (
        Roster(of_threads, processes, process_of, epoch, population),
        more_threads,
        more_processes,
    )


@inlined
def key_for(stream: int, number: int) -> int:
    """The key of a tid or pid of a stream; never 0."""
    return (integer(stream) << 32 | integer(number)) + 1


@inlined
def _home(table: SlotMap, key: int) -> int:
    return integer((np.uint64(key) * _MULTIPLIER) >> _SHIFT) & (len(table.keys) - 1)


@inlined
def slot_of(table: SlotMap, key: int) -> int:
    """The slot of `key`, or -1."""
    place = _home(table, key)
    while table.keys[place] != 0:
        if table.keys[place] == key:
            return integer(table.slots[place])
        place = (place + 1) & (len(table.keys) - 1)
    return -1


@inlined
def take_slot(table: SlotMap, key: int) -> int:
    """Give `key`, which has none, a slot; there must be a free one."""
    table.top[0] -= 1
    slot = table.free[table.top[0]]
    place = _home(table, key)
    while table.keys[place] != 0:
        place = (place + 1) & (len(table.keys) - 1)
    table.keys[place] = key
    table.slots[place] = slot
    table.key_of[slot] = key
    return integer(slot)


@inlined
def free_slot(table: SlotMap, slot: int) -> None:
    """Give a slot back, closing the gap in the probe sequence (Knuth 6.4, algorithm R)."""
    mask = len(table.keys) - 1
    key = table.key_of[slot]
    place = _home(table, key)
    while table.keys[place] != key:
        place = (place + 1) & mask
    gap = place
    while True:
        place = (place + 1) & mask
        if table.keys[place] == 0:
            break
        home = _home(table, table.keys[place])
        if ((place - home) & mask) >= ((place - gap) & mask):
            table.keys[gap] = table.keys[place]
            table.slots[gap] = table.slots[place]
            gap = place
    table.keys[gap] = 0
    table.key_of[slot] = 0
    table.free[table.top[0]] = slot
    table.top[0] += 1


@inlined
def end_thread(roster: Roster, thread: int) -> int:
    """Free a thread's slot; returns the slot of its process if that ended with it, else -1."""
    process = integer(roster.process_of[thread])
    free_slot(roster.threads, thread)
    roster.population[process] -= 1
    if roster.population[process] > 0:
        return -1
    free_slot(roster.processes, process)
    return process


@compiled
def end_threads(roster: Roster, stream: int) -> NDArray[np.int64]:
    """End every thread of a stream; gives the slots of its processes."""
    ended = np.empty(len(roster.population), np.int64)
    found = 0
    for thread in range(len(roster.process_of)):
        key = roster.threads.key_of[thread]
        if key != 0 and (key - 1) >> 32 == stream:
            process = end_thread(roster, thread)
            if process >= 0:
                ended[found] = process
                found += 1
    return ended[:found]


@inlined
def note_loss(state: NDArray[np.int64], aux: int) -> None:
    """Void every context of the stream when the tracer's lost count has gone up."""
    if state[LAST_AUX] < 0:
        state[LAST_AUX] = aux
        state[LOST] += aux
        return
    newer = (aux - state[LAST_AUX]) & 0xFFFFFFFF
    if 0 < newer < 0x80000000:
        state[LAST_AUX] = aux
        state[LOST] += newer
        state[EPOCH] += 1


@inlined
def known_thread(
    roster: Roster, state: NDArray[np.int64], stream: int, batch: Records, i: int
) -> int:  # fmt: skip
    """The slot of the thread that makes call `i`, where one look suffices, else -1: `admit` it.

    Without a loop, so that compiled code needs no bookkeeping of the arrays here.
    """
    tid_key = key_for(stream, tid_of(batch, i))
    thread = integer(state[LAST_THREAD])
    if thread < 0 or roster.threads.key_of[index(thread)] != tid_key:
        place = index(_home(roster.threads, tid_key))
        if roster.threads.keys[place] != tid_key:
            return -1
        thread = integer(roster.threads.slots[place])
        state[LAST_THREAD] = thread
    process = index(roster.process_of[index(thread)])
    is_new = (
        kind_of(batch, i) != CALL
        or aux_of(batch, i) != state[LAST_AUX]
        or roster.processes.key_of[process] != key_for(stream, pid_of(batch, i))
    )
    return -1 if is_new else thread


@inlined
def admit(
    roster: Roster, state: NDArray[np.int64], stream: int, batch: Records, i: int
) -> tuple[int, bool, bool, int]:
    """Take note of event `i`; gives a call the slot of its thread.

    Returns
    -------
    thread
        The slot; `NOT_A_CALL`, or `FULL`: nothing was changed, make room and come again.
    is_new_thread, is_new_process
        Whether slots were given for the first time, so that their state has to be emptied.
    ended
        Slot of a process that has ended with this event, or -1.
    """
    kind = kind_of(batch, i)
    ended = -1
    tid_key = key_for(stream, tid_of(batch, i))
    thread = slot_of(roster.threads, tid_key)
    pid_key = key_for(stream, pid_of(batch, i))
    if kind == CALL:
        note_loss(state, aux_of(batch, i))
        if thread >= 0:
            process = integer(roster.process_of[thread])
            if roster.processes.key_of[process] == pid_key:
                return thread, False, False, ended
        if roster.threads.top[0] == 0 or roster.processes.top[0] == 0:
            return FULL, False, False, ended
        if thread >= 0:  # the tid of a thread whose end was not seen
            ended = end_thread(roster, thread)
        process = slot_of(roster.processes, pid_key)
        is_new_process = process < 0
        if is_new_process:
            process = take_slot(roster.processes, pid_key)
            roster.population[process] = 0
        thread = take_slot(roster.threads, tid_key)
        roster.process_of[thread] = process
        roster.population[process] += 1
        roster.epoch[thread] = state[EPOCH]
        return thread, True, is_new_process, ended
    if kind == EXIT:
        if thread >= 0:
            ended = end_thread(roster, thread)
    elif kind == FORK:
        child = slot_of(roster.threads, key_for(stream, aux_of(batch, i)))
        if child >= 0:
            ended = end_thread(roster, child)
    elif kind == EXEC:
        # The kernel has ended every other thread of the process.
        process = slot_of(roster.processes, pid_key)
        if process >= 0:
            for other in range(len(roster.process_of)):
                if (
                    roster.threads.key_of[other] != 0
                    and roster.process_of[other] == process
                    and other != thread
                ):
                    ended = end_thread(roster, other)
        if thread >= 0:
            roster.epoch[thread] = -1
    return NOT_A_CALL, False, False, ended
