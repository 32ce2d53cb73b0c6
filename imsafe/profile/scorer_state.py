# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a process in a scorer as a JSON object, and back, with every value checked."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ProfileError
from imsafe.profile.automaton import Automaton, step
from imsafe.profile.compiled import compiled
from imsafe.profile.repertoire import CHECKPOINTS, UNKNOWN_BITS, Repertoire, distance, unknown_bit
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
from imsafe.profile.tree import MAX_DEPTH
from imsafe.profile.units import BLOCK
from imsafe.profile.windows import BURST, BURST_CAP, DRIFT, DRIFT_CAP, LATER_REPERTOIRE

if TYPE_CHECKING:
    from imsafe.profile.scorer import Scorer

VERSION = 1
_MOST_CALLS = 1 << 53
_MOST_THREADS = 1 << 16


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
        _, state = step(automaton, state, symbol)
    return state


@compiled
def _distance(sets: Repertoire, words: NDArray[np.uint64], size: int, stage: int) -> float:
    return distance(sets, words, size, stage, -1)


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
    return {
        "tid": (int(scorer.roster.threads.key_of[thread]) - 1) & 0xFFFFFFFF,
        "context": _in_order(scorer.memory.history[thread], length),
        "calls": calls,
        "burst": _in_order(scorer.threads.ring[thread], calls),
    }


def _in_order(ring: NDArray[Any], count: int) -> list[int]:
    """The items of a ring into which `count` were put, oldest first."""
    size = len(ring)
    if count <= size:
        return [int(item) for item in ring[:count]]
    return [int(item) for item in np.roll(ring, -(count % size))]


def _checked(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ProfileError("The saved state of a process is damaged: a number is out of its range.")
    return value


def _checked_list(value: Any, longest: int, least: int, most: int) -> list[int]:
    if not isinstance(value, list) or len(value) > longest:
        raise ProfileError("The saved state of a process is damaged: a list has a wrong length.")
    return [_checked(item, least, most) for item in value]


def _fill(ring: NDArray[Any], items: list[int], count: int) -> None:
    """Put items into an empty ring so that they are the last of `count`."""
    size = len(ring)
    if len(items) != min(count, size):
        raise ProfileError("The saved state of a process is damaged: its windows do not add up.")
    for at, item in enumerate(items, count - len(items)):
        ring[at % size] = item


def restore(
    scorer: Scorer, stream: int, pid: int, state: dict[str, Any], newly: set[int] | None = None
) -> None:
    """See `Scorer.restore`; `newly`: symbols that the profile now knows and did not before."""
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise ProfileError("The saved state of a process is not one that this version knows.")
    calls = _checked(state.get("calls"), 0, _MOST_CALLS)
    drift = _checked_list(state.get("drift"), DRIFT, 0, DRIFT_CAP)
    unit_calls = _checked(state.get("unit_calls"), 0, BLOCK)
    lost = _checked(state.get("lost"), -1, 0xFFFFFFFF)
    last_symbol = len(scorer.sets.bit) - 1
    used = _checked_list(state.get("used"), last_symbol, 0, last_symbol)
    unknown = _checked_list(state.get("used_unknown"), UNKNOWN_BITS, 0, UNKNOWN_BITS - 1)
    reading = state.get("repertoire")
    if not isinstance(reading, (int, float)) or not 0.0 <= reading <= 1.0:
        raise ProfileError("The saved state of a process is damaged: its repertoire is no reading.")
    threads = state.get("threads")
    if not isinstance(threads, list) or len(threads) > _MOST_THREADS:
        raise ProfileError("The saved state of a process is damaged: its threads are missing.")
    members = [_checked_thread(thread, last_symbol) for thread in threads]

    _forget(scorer, stream, pid, [tid for tid, *_ in members])
    if not members:
        return
    while scorer.roster.processes.top[0] == 0 or scorer.roster.threads.top[0] < len(members):
        scorer.make_room(len(members))
    process = int(_take(scorer.roster.processes, stream, pid))
    scorer.roster.population[process] = len(members)
    windows = scorer.processes
    windows.ring[process] = 0
    _fill(windows.ring[process], drift, calls)
    windows.total[process] = sum(drift)
    windows.calls[process] = calls
    windows.unit_calls[process] = unit_calls
    windows.repertoire[process] = reading
    found = {symbol for symbol in newly or () if unknown_bit(symbol) in unknown}
    rest = set(unknown) - {unknown_bit(symbol) for symbol in found}
    bits = {scorer.sets.known + bit for bit in rest}
    for symbol in found | set(used):
        bit = int(scorer.sets.bit[symbol])
        bits.add(bit if bit >= 0 else scorer.sets.known + unknown_bit(symbol))
    flags = np.zeros(windows.words.shape[1] * 64, np.uint8)
    flags[list(bits)] = 1
    windows.words[process] = np.packbits(flags, bitorder="little").view(np.uint64)
    windows.size[process] = len(bits)
    if newly is not None:
        _read_repertoire(scorer, process)
    stream_state = scorer.stream_state(stream)
    if stream_state[LAST_AUX] < 0:
        stream_state[LAST_AUX] = lost
    for tid, context, thread_calls, ring in members:
        thread = int(_take(scorer.roster.threads, stream, tid))
        scorer.roster.process_of[thread] = process
        scorer.roster.epoch[thread] = stream_state[EPOCH]
        scorer.memory.state[thread] = _walk(scorer.automaton, np.array(context, np.int64))
        span = scorer.memory.history.shape[1]
        kept = context[-span:]
        scorer.memory.history[thread, : len(kept)] = kept
        scorer.memory.length[thread] = len(kept)
        scorer.threads.ring[thread] = 0
        _fill(scorer.threads.ring[thread], ring, thread_calls)
        scorer.threads.total[thread] = sum(ring)
        scorer.threads.calls[thread] = thread_calls


def _read_repertoire(scorer: Scorer, process: int) -> None:
    """Compare the process's set with those of a profile that is new to it."""
    windows = scorer.processes
    calls = int(windows.unit_calls[process])
    if calls < min(LATER_REPERTOIRE, int(windows.calls[process])):
        return
    stage = bisect.bisect_left(CHECKPOINTS, calls)
    windows.repertoire[process] = _distance(
        scorer.sets, windows.words[process], windows.size[process], stage
    )


def _checked_thread(thread: Any, last_symbol: int) -> tuple[int, list[int], int, list[int]]:
    if not isinstance(thread, dict):
        raise ProfileError("The saved state of a process is damaged: a thread is no object.")
    return (
        _checked(thread.get("tid"), 0, 0xFFFFFFFF),
        _checked_list(thread.get("context"), MAX_DEPTH, 0, last_symbol),
        _checked(thread.get("calls"), 0, _MOST_CALLS),
        _checked_list(thread.get("burst"), BURST, 0, BURST_CAP),
    )


def _forget(scorer: Scorer, stream: int, pid: int, tids: list[int]) -> None:
    if len(set(tids)) != len(tids):
        raise ProfileError("The saved state of a process is damaged: a thread is there twice.")
    roster = scorer.roster
    process = _slot_of(roster.processes, stream, pid)
    gone = {int(_slot_of(roster.threads, stream, tid)) for tid in tids} - {-1}
    if process >= 0:
        of_process = (roster.threads.key_of != 0) & (roster.process_of == process)
        gone |= set(np.flatnonzero(of_process).tolist())
    for thread in gone:
        _end_thread(roster, thread)
