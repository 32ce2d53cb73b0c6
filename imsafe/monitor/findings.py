# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine has found out since it was asked last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imsafe import syscalls
from imsafe.monitor.black_box import BlackBox
from imsafe.monitor.buckets import probabilities
from imsafe.monitor.score_log import LogLine
from imsafe.monitor.view_protocol import BUCKET_NS, GAP, READINGS, Alert, IoUringNotice
from imsafe.monitor.watched import Watched


@dataclass(frozen=True, slots=True)
class Scored:
    """Buckets of one stream that are complete.

    Attributes
    ----------
    buckets : array of BUCKETED, shape (N,)
        Ordered by time, pid, tid.
    lost : array of int64, shape (N,)
        Calls of the stream that were lost up to the bucket's end, and not
        told of by a bucket before.
    """

    buckets: NDArray[np.void]
    lost: NDArray[np.int64]


@dataclass(slots=True)
class Findings:
    """Everything new, in the order in which it happened.

    Attributes
    ----------
    gaps : list of (from_ns, to_ns, count)
        Intervals in which calls were lost; wall clock.
    alerts
        Opened, changed or closed; each alert once, as it is now.
    opened
        Those among them that have opened.
    forgotten
        Numbers of alerts that are kept no longer.
    boxes
        Black boxes that are full.
    notices
        Warnings in words.
    io_urings
        Processes that have asked for a ring.
    """

    scored: list[Scored] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    alerts: dict[int, Alert] = field(default_factory=dict)
    opened: list[Alert] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    boxes: list[BlackBox] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    io_urings: list[IoUringNotice] = field(default_factory=list)


def gap_records(gaps: list[tuple[int, int, int]]) -> NDArray[np.void]:
    """Intervals of loss for the view: those that begin in the same bucket of time are one.

    Where every second call is lost there would be as many intervals as calls.

    Parameters
    ----------
    gaps
        At least one, as in `Findings`.

    Returns
    -------
    array of GAP
        In the order of time; the counts add up to the same.
    """
    begin, end, count = np.array(sorted(gaps), np.int64).T
    firsts = np.flatnonzero(np.diff(begin // BUCKET_NS, prepend=begin[0] // BUCKET_NS - 1))
    records = np.zeros(len(firsts), GAP)
    records["from_ns"] = begin[firsts]
    records["to_ns"] = np.maximum.reduceat(end, firsts)
    records["count"] = np.add.reduceat(count, firsts)
    return records


def log_lines(scored: Scored, applications: Mapping[int, Watched]) -> Iterator[LogLine]:
    """The lines of the score log for these buckets."""
    names = (
        "time_ns",
        "maximum",
        "application",
        "pid",
        "tid",
        "symbol",
        "reading",
    )
    for time_ns, maximum, number, pid, tid, symbol, reading, probability, lost in zip(
        *(scored.buckets[name].tolist() for name in names),
        probabilities(scored.buckets).tolist(),
        scored.lost.tolist(),
        strict=True,
    ):
        watched = applications[number]
        yield LogLine(
            time_ns=time_ns,
            score=maximum,
            threshold=watched.threshold,
            application=watched.name,
            pid=pid,
            tid=tid,
            call=syscalls.name(symbol),
            probability=probability,
            reading=READINGS[reading],
            lost=lost,
        )
