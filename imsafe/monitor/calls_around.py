# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of a thread around a moment, each with what the profile expected in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events, Kind, symbols
from imsafe.monitor.explanation import explained
from imsafe.monitor.history import Part, State
from imsafe.monitor.view_protocol import BUCKET_NS, CallsAround, NearbyCall
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Lost, ProcessInfo

BEFORE, AFTER = 40, 20
"""So many calls are told before the one in the middle, and behind it."""

_LATE_NS = 10_000_000
"""A call's own time may be so much before that of its bucket: processors' clocks differ."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one process for a while.

    Attributes
    ----------
    parts
        Its records with their surprise, in order; `Lost` where calls are missing.
    process
        Who it is.
    offset_ns
        What to add to a record's time for the wall clock.
    """

    parts: Sequence[Part | Lost]
    process: ProcessInfo
    offset_ns: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the scores.

    Attributes
    ----------
    pid, tid : int
    time_ns : int
        Wall clock; the beginning of a bucket.
    symbol : int or None
        Of the call that is meant, where that is known.
    """

    pid: int
    tid: int
    time_ns: int
    symbol: int | None


def around(kept: Kept, moment: Moment, profile: Profile) -> CallsAround | None:
    """The calls around a moment; None where they are not among what is kept."""
    found, surprise, times, epoch = _calls_of(kept.parts, moment.tid)
    times = times + kept.offset_ns
    meant = times < moment.time_ns + BUCKET_NS
    if moment.symbol is not None:
        meant &= found == moment.symbol
    rows = np.flatnonzero(meant & (times >= moment.time_ns))
    if not len(rows):
        rows = np.flatnonzero(meant & (times >= moment.time_ns - _LATE_NS))
    if not len(rows):
        return None
    middle = int(rows[surprise[rows].argmax()])
    first, last = max(0, middle - BEFORE), min(len(found), middle + AFTER + 1)
    calls: list[NearbyCall] = []
    for row in range(first, last):
        since = row - int((epoch[max(0, row - profile.depth + 1) : row] == epoch[row]).sum())
        context = found[since:row].tolist()
        calls.append(
            {
                **explained(profile, int(found[row]), int(surprise[row]), context),
                "time": int(times[row]) / 1e9,
                "follows": bool(row > 0 and epoch[row - 1] == epoch[row]),
            }
        )
    return {
        "pid": moment.pid,
        "tid": moment.tid,
        "comm": kept.process.comm,
        "exe": kept.process.exe,
        "calls": calls,
        "middle": middle - first,
        "kept": "memory",
    }


def _calls_of(
    parts: Sequence[Part | Lost], tid: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Symbol, surprise, time and epoch of a thread's calls; a context does not cross epochs."""
    columns: list[tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]] = []
    epochs: list[NDArray[np.int64]] = []
    epoch, aux = 0, -1
    for part in parts:
        if isinstance(part, Lost):
            epoch += 1
            continue
        events = part.events
        own = np.flatnonzero((events["tid"] == tid) & (events["kind"] != Kind.FORK))
        if not len(own):
            continue
        events = events[own]
        is_call = events["kind"] == Kind.CALL
        breaks = np.cumsum(~is_call)[is_call]
        calls = events[is_call]
        lost = calls["aux"].astype(np.int64)
        if len(lost):
            before = np.append(aux if aux >= 0 else lost[0], lost[:-1])
            epochs.append(epoch + breaks + np.cumsum(lost != before))
            columns.append(
                (symbols(calls), part.surprise[own][is_call], calls["time_ns"].astype(np.int64))
            )
            epoch, aux = int(epochs[-1][-1]), int(lost[-1])
        epoch += int((~is_call).sum())
    if not columns:
        none = np.empty(0, np.int64)
        return np.empty(0, np.uint32), none, none, none
    found, surprise, times = (np.concatenate(column) for column in zip(*columns, strict=True))
    return found, surprise, times, np.concatenate(epochs)


def scored(
    items: Sequence[Events | Lost], scorer: Scorer, scratch: int, pid: int, state: State
) -> list[Part | Lost]:
    """Records of one process with their surprise.

    Parameters
    ----------
    items
        What was read of it.
    scorer, scratch
        The application's scorer, and a stream number that nobody uses.
    pid, state
        The process, and the scorer's state before the first record; empty for none.
    """
    parts: list[Part | Lost] = []
    scorer.begin_stream(scratch)
    try:
        if state:
            scorer.restore(scratch, pid, state)
        for item in items:
            if isinstance(item, Lost):
                scorer.lost(scratch)
                parts.append(item)
            else:
                parts.append(Part(item, scorer.feed(scratch, item)["surprise"]))
    finally:
        scorer.end_stream(scratch)
    return parts
