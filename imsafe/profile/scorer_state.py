# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a process in a scorer as a JSON object, and back."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.automaton import Automaton, step
from imsafe.profile.compiled import compiled
from imsafe.profile.repertoire import (
    CHECKPOINTS,
    LeftOut,
    Remembered,
    Repertoire,
    reading_of,
    unknown_bit,
)
from imsafe.profile.saved_state import VERSION, SavedState, checked
from imsafe.profile.slots import (
    EPOCH,
    LAST_AUX,
    Roster,
    SlotMap,
    end_thread,
    key_for,
    slot_of,
    take_slot,
)
from imsafe.profile.windows import EXCUSED, LATER_REPERTOIRE, NOVELTY, PAIRS, SURPRISE

if TYPE_CHECKING:
    from imsafe.profile.scorer import Scorer


@compiled
def _slot_of(table: SlotMap, stream: int, number: int) -> int:
    return slot_of(table, key_for(stream, number))


@compiled
def _take(table: SlotMap, stream: int, number: int) -> int:
    return take_slot(table, key_for(stream, number))


@compiled
def _end_thread(roster: Roster, thread: int) -> int:
    return end_thread(roster, thread)


@compiled
def _walk(automaton: Automaton, symbols: NDArray[np.int64]) -> int:
    state = 0
    for symbol in symbols:
        _, state, _ = step(automaton, state, symbol)
    return state


@compiled
def _reading_of(
    sets: Repertoire,
    whole: LeftOut,
    remembered: Remembered,
    words: NDArray[np.uint64],
    size: int,
    stage: int,
) -> float:
    return reading_of(sets, whole, remembered, words, size, stage)


def known_symbols(sets: Repertoire) -> set[int]:
    """Symbols that have a bit of their own."""
    return set(np.flatnonzero(sets.bit >= 0).tolist())


def snapshot(scorer: Scorer, stream: int, pid: int) -> dict[str, Any]:
    """See `Scorer.snapshot`."""
    process = _slot_of(scorer.roster.processes, stream, pid)
    if process < 0:
        return {}
    return _snapshot(scorer, stream, int(process))


def snapshot_all(scorer: Scorer) -> list[tuple[int, int, dict[str, Any]]]:
    """Every process: its stream, its pid and its state."""
    key_of = scorer.roster.processes.key_of
    result = []
    for process in np.flatnonzero(key_of).tolist():
        key = int(key_of[process]) - 1
        stream = key >> 32
        result.append((stream, key & 0xFFFFFFFF, _snapshot(scorer, stream, process)))
    return result


def _snapshot(scorer: Scorer, stream: int, process: int) -> dict[str, Any]:
    roster, windows = scorer.roster, scorer.processes
    stream_state = scorer.stream_state(stream)
    members = np.flatnonzero((roster.threads.key_of != 0) & (roster.process_of == process))
    words = windows.words[process]
    bits = np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))
    symbol_of_bit = np.zeros(scorer.sets.known, np.int64)
    known = np.flatnonzero(scorer.sets.bit >= 0)
    symbol_of_bit[scorer.sets.bit[known]] = known
    return {
        "version": VERSION,
        "lost": int(stream_state[LAST_AUX]),
        "calls": int(windows.calls[process]),
        "drift": _in_order(windows.ring[process], int(windows.calls[process])),
        "unit_calls": int(windows.unit_calls[process]),
        "used": symbol_of_bit[bits[bits < scorer.sets.known]].tolist(),
        "used_unknown": (bits[bits >= scorer.sets.known] - scorer.sets.known).tolist(),
        "repertoire": float(windows.repertoire[process]),
        "threads": [_thread(scorer, int(thread), int(stream_state[EPOCH])) for thread in members],
    }


def _thread(scorer: Scorer, thread: int, epoch: int) -> dict[str, Any]:
    is_void = scorer.roster.epoch[thread] != epoch
    length = 0 if is_void else int(scorer.memory.length[thread])
    calls = int(scorer.threads.calls[thread])
    most = max(scorer.profile.depth - 1, 1)
    return {
        "tid": (int(scorer.roster.threads.key_of[thread]) - 1) & 0xFFFFFFFF,
        "context": _in_order(scorer.memory.history[thread], length)[-most:],
        "calls": calls,
        "burst": _in_order(scorer.threads.ring[thread] & SURPRISE, calls),
        "novelty": _in_order(scorer.threads.ring[thread] >> NOVELTY & PAIRS, calls),
        "excused": _in_order(scorer.threads.ring[thread] >> EXCUSED, calls),
    }


def _in_order(ring: NDArray[Any], count: int) -> list[int]:
    """The items of a ring into which `count` were put, oldest first."""
    size = len(ring)
    if count <= size:
        return [int(item) for item in ring[:count]]
    return [int(item) for item in np.roll(ring, -(count % size))]


def _fill(ring: NDArray[Any], items: list[int], count: int) -> None:
    """Put items into a ring so that they are the last of `count`."""
    ring[:] = 0
    for at, item in enumerate(items, count - len(items)):
        ring[at % len(ring)] = item


def restore(
    scorer: Scorer, stream: int, pid: int, state: dict[str, Any], newly: set[int] | None = None
) -> None:
    """See `Scorer.restore`; `newly`: symbols that the profile now knows and did not before."""
    saved = checked(state)
    _forget(scorer, stream, pid, [thread.tid for thread in saved.threads])
    if not saved.threads:
        return
    needed = len(saved.threads)
    while scorer.roster.processes.top[0] == 0 or scorer.roster.threads.top[0] < needed:
        scorer.make_room(needed)
    process = int(_take(scorer.roster.processes, stream, pid))
    scorer.roster.population[process] = needed
    windows = scorer.processes
    _fill(windows.ring[process], saved.drift, saved.calls)
    windows.total[process] = sum(saved.drift)
    windows.calls[process] = saved.calls
    windows.unit_calls[process] = saved.unit_calls
    windows.stage[process] = bisect.bisect_left(CHECKPOINTS, max(saved.unit_calls, 1))
    windows.repertoire[process] = saved.repertoire
    _restore_set(scorer, process, saved, newly or set())
    if newly is not None:
        _read_repertoire(scorer, process)
    stream_state = scorer.stream_state(stream)
    if stream_state[LAST_AUX] < 0:
        stream_state[LAST_AUX] = saved.lost
    for one in saved.threads:
        thread = int(_take(scorer.roster.threads, stream, one.tid))
        scorer.roster.process_of[thread] = process
        scorer.roster.epoch[thread] = stream_state[EPOCH]
        scorer.memory.state[thread] = _walk(scorer.automaton, np.array(one.context, np.int64))
        kept = one.context[-scorer.memory.history.shape[1] :]
        scorer.memory.history[thread, : len(kept)] = kept
        scorer.memory.length[thread] = len(kept)
        shares = [
            excused << EXCUSED | new << NOVELTY | cost
            for cost, new, excused in zip(one.burst, one.novelty, one.excused, strict=True)
        ]
        _fill(scorer.threads.ring[thread], shares, one.calls)
        scorer.threads.total[thread] = sum(shares)
        scorer.threads.calls[thread] = one.calls


def _restore_set(scorer: Scorer, process: int, saved: SavedState, newly: set[int]) -> None:
    unknown = set(saved.used_unknown)
    found = {symbol for symbol in newly if unknown_bit(symbol) in unknown}
    bits = {scorer.sets.known + bit for bit in unknown - {unknown_bit(one) for one in found}}
    for symbol in found | set(saved.used):
        bit = int(scorer.sets.bit[symbol])
        bits.add(bit if bit >= 0 else scorer.sets.known + unknown_bit(symbol))
    flags = np.zeros(scorer.processes.words.shape[1] * 64, np.uint8)
    flags[list(bits)] = 1
    scorer.processes.words[process] = np.packbits(flags, bitorder="little").view(np.uint64)
    scorer.processes.size[process] = len(bits)


def _read_repertoire(scorer: Scorer, process: int) -> None:
    """Compare the process's set with those of a profile that is new to it."""
    windows = scorer.processes
    calls = int(windows.unit_calls[process])
    if calls < min(LATER_REPERTOIRE, int(windows.calls[process])):
        return
    stage = bisect.bisect_left(CHECKPOINTS, calls)
    windows.repertoire[process] = _reading_of(
        scorer.sets,
        scorer.whole,
        scorer.remembered,
        windows.words[process],
        windows.size[process],
        stage,
    )


def _forget(scorer: Scorer, stream: int, pid: int, tids: list[int]) -> None:
    roster = scorer.roster
    process = _slot_of(roster.processes, stream, pid)
    gone = {int(_slot_of(roster.threads, stream, tid)) for tid in tids} - {-1}
    if process >= 0:
        of_process = (roster.threads.key_of != 0) & (roster.process_of == process)
        gone |= set(np.flatnonzero(of_process).tolist())
    for thread in gone:
        _end_thread(roster, thread)
