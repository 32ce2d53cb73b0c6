# SPDX-License-Identifier: GPL-3.0-or-later
"""The saved state of a process, every value checked: it comes from a file."""

from __future__ import annotations

from typing import Any, NamedTuple

from imsafe.errors import ProfileError
from imsafe.events import Abi
from imsafe.profile.repertoire import UNKNOWN_BITS
from imsafe.profile.tree import MAX_DEPTH
from imsafe.profile.units import BLOCK
from imsafe.profile.windows import BURST, BURST_CAP, DRIFT, DRIFT_CAP, NEW_CALL

VERSION = 2

_LAST_SYMBOL = (len(Abi) << 16) - 1
_MOST_CALLS = 1 << 53

MOST_THREADS = 1 << 17
"""Of a process; a monitor, which snapshots its own, keeps no more threads than that in all."""


class SavedThread(NamedTuple):
    """One thread: last symbols, calls so far, and of the last calls, oldest first, three windows.

    Their shares in burst and novelty, and whether a signal excused them.
    """

    tid: int
    context: list[int]
    calls: int
    burst: list[int]
    novelty: list[int]
    excused: list[int]


class SavedState(NamedTuple):
    """One process.

    Attributes
    ----------
    lost
        The stream's last count of lost calls, -1 before its first call.
    calls, drift
        Calls so far, shares in the drift (oldest first).
    unit_calls, used, used_unknown
        Calls in this unit, the symbols it used, the shared bits of unknown ones.
    repertoire
        The reading.
    threads
        Its threads.
    """

    lost: int
    calls: int
    drift: list[int]
    unit_calls: int
    used: list[int]
    used_unknown: list[int]
    repertoire: float
    threads: list[SavedThread]


def _damaged(what: str) -> ProfileError:
    return ProfileError(f"The saved state of a process is damaged: {what}.")


def _number(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _damaged("a number is out of its range")
    return value


def _numbers(value: Any, longest: int, least: int, most: int) -> list[int]:
    if not isinstance(value, list) or len(value) > longest:
        raise _damaged("a list has a wrong length")
    return [_number(item, least, most) for item in value]


def _window(value: Any, calls: int, width: int, most: int) -> list[int]:
    shares = _numbers(value, width, 0, most)
    if len(shares) != min(calls, width):
        raise _damaged("its windows do not add up")
    return shares


def _thread(value: Any) -> SavedThread:
    if not isinstance(value, dict):
        raise _damaged("a thread is no object")
    calls = _number(value.get("calls"), 0, _MOST_CALLS)
    return SavedThread(
        _number(value.get("tid"), 0, 0xFFFFFFFF),
        _numbers(value.get("context"), MAX_DEPTH, 0, _LAST_SYMBOL),
        calls,
        _window(value.get("burst"), calls, BURST, BURST_CAP),
        _window(value.get("novelty"), calls, BURST, NEW_CALL),
        _window(value.get("excused", [0] * min(calls, BURST)), calls, BURST, 1),
    )


def checked(state: Any) -> SavedState:
    """Read a state that `Scorer.snapshot` gave.

    Raises
    ------
    ProfileError
        It is not one.
    """
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise ProfileError("The saved state of a process is not one that this version knows.")
    reading = state.get("repertoire")
    if not isinstance(reading, (int, float)) or not 0.0 <= reading <= 1.0:
        raise _damaged("its repertoire is no reading")
    threads = state.get("threads")
    if not isinstance(threads, list) or len(threads) > MOST_THREADS:
        raise _damaged("its threads are missing")
    members = [_thread(thread) for thread in threads]
    if len({member.tid for member in members}) != len(members):
        raise _damaged("a thread is there twice")
    calls = _number(state.get("calls"), 0, _MOST_CALLS)
    return SavedState(
        lost=_number(state.get("lost"), -1, 0xFFFFFFFF),
        calls=calls,
        drift=_window(state.get("drift"), calls, DRIFT, DRIFT_CAP),
        unit_calls=_number(state.get("unit_calls"), 0, BLOCK),
        used=_numbers(state.get("used"), _LAST_SYMBOL, 0, _LAST_SYMBOL),
        used_unknown=_numbers(state.get("used_unknown"), UNKNOWN_BITS, 0, UNKNOWN_BITS - 1),
        repertoire=float(reading),
        threads=members,
    )
