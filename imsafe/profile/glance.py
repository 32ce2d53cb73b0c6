# SPDX-License-Identifier: GPL-3.0-or-later
"""What a `.db` says without the number crunching: for the window, which does not import that."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from imsafe.profile.opening import Damaged, opened
from imsafe.profile.pace import Pace, why_no_threshold
from imsafe.profile.programs import Programs
from imsafe.profile.saturation import Saturation, as_saturation
from imsafe.profile.trace_meta import Mode, applications_of, modes_of
from imsafe.profile.tree import MAX_DEPTH, Alphabets, PrefixTree
from imsafe.profile.tree_rows import read_first_level
from imsafe.profile.tree_rows import read_tree as _rows


@dataclass(frozen=True, slots=True)
class Glance:
    """A profile at a glance.

    Attributes
    ----------
    depth, nodes, calls, processes, lost
        Length of the longest sequences, how many sequences; of the traces.
    traces, marks
        How many were learned, and how many sequences marked as normal.
    applications
        Names, as the tracers gave them.
    modes
        Tracers, and whether they followed exec.
    pace
        What a threshold costs.
    suggested_threshold, why_no_threshold
        One of them is None or empty.
    saturation
        How much of what is to be expected was learned; None where the file does not say.
    programs
        What its processes ran, without what was marked as normal since.
    """

    depth: int
    nodes: int
    calls: int
    processes: int
    lost: int
    traces: int
    marks: int
    applications: tuple[str, ...]
    modes: tuple[Mode, ...]
    pace: Pace
    suggested_threshold: float | None
    why_no_threshold: str
    saturation: Saturation | None
    programs: Programs


def glance(path: str | os.PathLike[str]) -> Glance:
    """Look at a `.db`.

    Raises
    ------
    ProfileError
        It is no profile, is damaged, or comes from a newer version.
    ImsafeError
        It cannot be read.
    """
    with opened(path) as connection:
        (nodes,) = connection.execute("SELECT count(*) - 1 FROM nodes").fetchone()
        (marks,) = connection.execute("SELECT count(*) FROM marks").fetchone()
        names: set[str] = set()
        modes: set[Mode] = set()
        totals = np.zeros(6, np.int64)
        metas: list[dict[str, Any]] = []
        traces = 0
        rows = connection.execute(
            "SELECT meta, calls, processes, lost, units, duration_ns FROM traces"
        )
        for text, *numbers in rows:
            if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers):
                raise Damaged("a total of a trace is out of range")
            calls, processes, lost, units, duration = numbers
            timed = duration > 0
            totals += [calls, processes, lost, units, units * timed, duration * timed]
            traces += 1
            meta = _object(text, "a trace's header")
            metas.append(meta)
            modes.update(modes_of(meta))
            names.update(applications_of(meta))
        calibrated = _object(_setting(connection, "calibration"), "its calibration").get("units")
        if type(calibrated) is not int:
            raise Damaged("its calibration lacks values")
        calls, processes, lost, units, timed_units, timed_ns = totals.tolist()
        if calibrated > 0 and not units:
            raise Damaged("its traces have no units, but its calibration has")
        pace = Pace(units, calls, timed_units, timed_ns, processes)
        why = why_no_threshold(calibrated)
        known = _saturation(_setting(connection, "saturation"))
        return Glance(
            depth=_depth(connection),
            nodes=nodes,
            calls=calls,
            processes=processes,
            lost=lost,
            traces=traces,
            marks=marks,
            applications=tuple(sorted(names)),
            modes=tuple(sorted(modes, key=str)),
            pace=pace,
            suggested_threshold=None if why else pace.suggested_threshold(),
            why_no_threshold=why,
            saturation=known,
            programs=Programs(metas, units, 1.0 if known is None else known.unseen_at_most),
        )


def read_tree(
    path: str | os.PathLike[str],
    progress: Callable[[int], None] | None = None,
    first: Callable[[PrefixTree, Alphabets], None] | None = None,
) -> tuple[PrefixTree, Alphabets]:
    """Read what was learned, without what was marked as normal since.

    Parameters
    ----------
    path
        The `.db`.
    progress
        Called with the number of nodes read so far.
    first
        Called at once with the tree's first level; its nodes have the same numbers in the whole
        tree, which takes longer.

    Raises
    ------
    ProfileError
        It is no profile, is damaged, or comes from a newer version.
    ImsafeError
        It cannot be read.
    """
    with opened(path) as connection:
        alphabets: dict[int, int] = {}
        for abi, calls in connection.execute("SELECT abi, calls FROM alphabets"):
            if type(abi) is not int or type(calls) is not int or not 0 < calls <= 1 << 16:
                raise Damaged("an alphabet is out of range")
            alphabets[abi] = calls
        if first is not None:
            first(read_first_level(connection), alphabets)
        return _rows(connection, _depth(connection), progress), alphabets


def _setting(connection: sqlite3.Connection, key: str) -> Any:
    row = connection.execute("SELECT value FROM profile WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def _depth(connection: sqlite3.Connection) -> int:
    text = _setting(connection, "depth")
    # A number of thousands of digits is none for int().
    is_number = isinstance(text, str) and text.isdecimal() and len(text) < 9
    if not is_number or not 0 < int(text) <= MAX_DEPTH:
        raise Damaged("its depth is out of range")
    return int(text)


def _saturation(text: Any) -> Saturation | None:
    return None if text is None else as_saturation(_object(text, "its saturation"))


def _object(text: Any, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Damaged(f"{what} is no JSON object")
    return found
