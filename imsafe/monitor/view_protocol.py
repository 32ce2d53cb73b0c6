# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitor and a window say to each other, in the stream's own framing.

The monitor listens on a private UNIX socket.  It sends a hello, then the
history that it keeps, then at most 30 times a second what is new.  The window
may ask for a few fixed things; each request is answered by exactly one reply.
Frames are those of `imsafe.stream.frames` with kinds from 64 on; payloads are
JSON objects (UTF-8) but for buckets and gaps, which are numpy records.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal, TypedDict

import numpy as np

VIEW_VERSION = 2

VIEW_FOLDER = "imsafe-"
"""Beginning of the name of a folder that a window makes for the socket of its own monitor."""

BUCKET_NS = 100_000_000
"""Width of a bucket: 100 ms of event time."""


class ViewKind(IntEnum):
    """Kinds of frames on a view socket."""

    HELLO = 64
    """Monitor: `Hello`, once, first."""
    BUCKETS = 65
    """Monitor: array of `BUCKET`, ordered by time within a source."""
    GAPS = 66
    """Monitor: array of `GAP`: intervals in which calls were lost."""
    ALERT = 67
    """Monitor: `Alert`, when it opens, changes (peak, count, state, reason, normal) or closes."""
    PROCESSES = 68
    """Monitor: array of `PROCESS`: all alive or just ended, at most twice a second."""
    STATUS = 69
    """Monitor: `Status`, at least twice a second."""
    NOTICE = 70
    """Monitor: `Notice`, or `IoUringNotice`: something to know, in words."""
    REPLY = 71
    """Monitor: ``{"id": ..., "ok": true, ...}`` or ``{"id": ..., "ok": false, "error": ...}``."""
    IDENTITIES = 72
    """Monitor: ``{"identities": [ProcessIdentity]}``: who those processes are, each once."""
    REQUEST = 96
    """Window: ``{"id": n, "request": name, ...}``; see `REQUESTS`."""


BUCKET = np.dtype(
    [
        ("time_ns", "<i8"),  # wall clock, start of the bucket
        ("application", "<u2"),  # number in Hello.applications
        ("reading", "<u2"),  # index in READINGS: what raised the maximum
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("calls", "<u4"),
        ("symbol", "<u4"),  # abi << 16 | number of the call with the highest score
        ("minimum", "<f4"),
        ("maximum", "<f4"),
        ("mean", "<f4"),
        ("probability", "<f4"),  # of that call
        ("unused", "<u4"),
    ]
)
"""Scores of one thread in one bucket of time."""

GAP = np.dtype([("from_ns", "<i8"), ("to_ns", "<i8"), ("count", "<u8"), ("application", "<u8")])
"""Lost calls; wall clock; application 0 means all."""

PROCESS = np.dtype(
    [
        ("stream", "<u4"),  # pids are unique within a stream only
        ("pid", "<u4"),
        ("tid", "<u4"),  # 0: the process as a whole
        ("application", "<u2"),  # number in Hello.applications
        ("state", "<u2"),  # RUNNING or ENDED
        ("threads", "<u4"),
        ("rate", "<f4"),  # calls/s
        ("score", "<f4"),
        ("peak", "<f4"),
        ("highest", "<f4"),  # score since the last telling; -1: no call
        ("known", "<f4"),  # share of the calls that the profile knows in their place
        ("calls", "<u8"),
    ]
)
"""One process, or one thread of a process that has several."""

RUNNING, ENDED = 0, 1

READINGS = ("burst", "drift", "repertoire", "novelty", "program")
"""The scorer's four, then that of what a process runs (`imsafe.profile.programs`)."""

PROGRAM = READINGS.index("program")


class ApplicationRow(TypedDict):
    """One watched application, as Hello and Status give it."""

    number: int
    name: str
    profile: str
    threshold: float | None
    suggested: float | None
    state: Literal["watching", "waiting", "not learned enough"]
    warnings: list[str]
    """How the watching differs from the learning (mode, follow-exec, program), in words."""


class SourceRow(TypedDict):
    """One open source, as Status gives it."""

    number: int
    kind: Literal["sensor", "replay", "command", "pid", "driver", "other"]
    name: str
    state: str
    calls: int
    lost: int
    streams: int
    finished: bool
    problem: str
    """Why it ended before its time, in words; empty when it did not."""
    stopped: int
    """How many of the processes that send to it stand still."""


class Hello(TypedDict):
    """The first frame that a window receives."""

    version: int
    pid: int
    started: float
    may_steer: bool
    applications: list[ApplicationRow]


class Status(TypedDict):
    """How the monitor fares."""

    time: float
    state: Literal["waiting", "watching", "idle", "ending"]
    rate: float
    """Calls scored per second, over the last second."""
    calls: int
    lost: int
    alerts: int
    open_alerts: int
    log: str | None
    recording: str | None
    recorded_bytes: int
    actions_held_back: int
    applications: list[ApplicationRow]
    sources: list[SourceRow]


class ProcessIdentity(TypedDict):
    """Who a process is: told when it appears, and again when it has loaded a new program."""

    stream: int
    pid: int
    parent: int
    comm: str
    exe: str
    argv: list[str]
    user: str
    started: float | None
    """Wall clock, seconds."""


class ExplainedCall(TypedDict):
    """One call of an alert's sequence."""

    call: str
    surprise: float
    """Bits."""
    probability: float
    expected: list[tuple[str, float]]
    """The likeliest calls there instead, with their probabilities, best first."""


class NearbyCall(ExplainedCall):
    """One of the calls around a moment."""

    time: float
    """Wall clock, seconds."""
    follows: bool
    """Whether it is judged by the call before: no loss, no new program between them."""


class CallsAround(TypedDict):
    """The calls of a thread around a moment: the answer to `calls`."""

    pid: int
    tid: int
    comm: str
    exe: str
    """Empty, like `comm`, where that is not known any more."""
    calls: list[NearbyCall]
    middle: int
    """Which of them was asked for, from 0."""
    kept: Literal["memory", "black box", "recording"]
    """Where they were found."""


class Alert(TypedDict):
    """One alert, with its reason."""

    id: int
    state: Literal["open", "closed"]
    application: str
    application_number: int
    pid: int
    tid: int
    comm: str
    exe: str
    parent: int
    argv: list[str]
    """The command line; empty where nobody could look before the process had ended."""
    user: str
    """The effective user's name; empty where it is not known."""
    started: float | None
    """When the process was born; wall clock, seconds."""
    parents: list[tuple[int, str]]
    """Pid and comm of the parent, its parent and so on, as far as they are known."""
    incident: int
    """The first alert of those that belong together (`imsafe.monitor.incidents`)."""
    acknowledged: float | None
    """When somebody said that this has been seen to; wall clock, seconds."""
    time: float
    """Wall clock, seconds."""
    closed: float | None
    score: float
    """When it opened."""
    peak: float
    threshold: float
    reading: str
    reason: str
    """One sentence that an administrator understands."""
    call: str
    probability: float
    calls_above: int
    calls: list[ExplainedCall]
    lost: int
    box: str | None
    """Path of the black box, a trace that replays to the same scores."""
    normal: int | None
    """Number of the mark when the user said "this was normal"."""


class Notice(TypedDict):
    """Something to know, in words."""

    text: str
    time: float
    """Wall clock, seconds."""
    error: bool
    """Whether it makes the monitor end with status 2: a source failed, a trace was cut short."""


class IoUringNotice(Notice):
    """A process has asked for an io_uring: what it does through that is not seen.

    Said once of each process, and again when it has loaded another program.
    """

    about: Literal["io_uring"]
    application: str
    application_number: int
    pid: int
    tid: int
    comm: str
    exe: str


REQUESTS: dict[str, str] = {
    "set-threshold": "application: name, threshold: 0 to 1 (absent: as the profile suggests)",
    "add-source": "source: {kind: sensor, socket} | {kind: replay, trace, speed} |"
    " {kind: pid, pids, full} | {kind: driver, words, device}",
    "close-source": "source: number, or absent for all",
    "reload-profile": "application: name, profile: path (absent: the same file again)",
    "mark-normal": "alert: id, or a list of ids; the reply gives mark: number",
    "acknowledge": "alert: id, or a list of ids; value: false takes it back",
    "undo-normal": "mark: number, application: name (may be absent where the mark is of one only)",
    "record-start": "path, append: bool, replace: bool",
    "record-stop": "nothing",
    "explain": "alert: id; the reply gives alert: the whole Alert",
    "calls": "application: name, pid, tid, time: seconds, symbol: number (may be absent);"
    " the reply gives around: CallsAround",
    "stop": "nothing; the monitor saves what is to be saved and ends",
}
"""What a window may ask, and with which keys."""

Json = dict[str, Any]
