# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert says to an administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from imsafe.events import Kind
from imsafe.monitor.engine import Engine
from imsafe.monitor.explanation import recently
from imsafe.monitor.history import Part, Stretch
from imsafe.monitor.reason import Recent, reason_of, then_started
from imsafe.monitor.view_protocol import ExplainedCall
from imsafe.profile.profile import Profile
from imsafe.stream.items import Lost, ProcessInfo

from .conftest import (
    EXECVE,
    POLL,
    READ,
    SOCKET,
    WORK,
    WRITE,
    events_of,
    feed_all,
    normal_calls,
    process,
    segment,
    strange_calls,
)

WORKER = ProcessInfo(0, 10, 1, "worker", "/usr/bin/worker", 1)
SHELL = ProcessInfo(0, 11, 10, "sh", "/bin/sh", 1, ("sh", "-c", "id > x"))
KNOWN = {"read": 60, "write": 60}


def call(name: str, surprise: float, expected: str = "read") -> ExplainedCall:
    return {
        "call": name, "surprise": surprise, "probability": 2.0**-surprise,
        "expected": [(expected, 0.75)],
    }  # fmt: skip


def test_calls_that_were_never_made_are_named_with_what_they_are_for() -> None:
    recent = Recent(20, 9, {**KNOWN, "execve": 0, "quux": 0}, 60)
    assert reason_of(WORKER, None, "burst", [call("execve", 30)], recent) == (
        "worker (pid 10) does what was not learned: it called execve (starts a program) and quux,"
        " which no learned process ever did; 9 of its last 20 calls came where they hardly ever"
        " come."
    )


def test_a_program_that_another_one_started_is_named_with_both() -> None:
    text = reason_of(SHELL, WORKER, "repertoire", [], Recent(90, 0, {**KNOWN, "getcwd": 0}, 60))
    assert text == (
        "sh (pid 11: /bin/sh -c 'id > x', started by worker, pid 10) uses calls together that no"
        " learned process used together by this point: it called getcwd (asks for its working"
        " folder), which no learned process ever did."
    )
    # A child that still runs its parent's program is no other program.
    child = ProcessInfo(0, 12, 10, "worker", "/usr/bin/worker", 1)
    assert "started by" not in reason_of(child, WORKER, "burst", [], Recent(1, 0, KNOWN, 60))


def test_calls_that_few_made_are_named_with_how_few() -> None:
    recent = Recent(300, 31, {**KNOWN, "chdir": 3, "mount": 1}, 60)
    text = reason_of(WORKER, None, "drift", [call("chdir", 9)], recent)
    assert "mount (changes what is mounted) and chdir (changes its working folder)" in text
    assert "which at most 3 of 60 learned processes did" in text
    assert "31 of its last 300 calls" in text


def test_of_known_calls_the_least_expected_are_named_in_their_order() -> None:
    shown = [call("fsync", 7), call("read", 1), call("chdir", 12), call("fsync", 20)]
    recent = Recent(4, 3, {**KNOWN, "fsync": 60, "chdir": 60}, 60)
    assert reason_of(WORKER, None, "burst", shown, recent).endswith(
        "3 of its last 4 calls came where they hardly ever come; most unusual were"
        " fsync (writes a file to the disk) and chdir (changes its working folder)."
    )
    assert reason_of(WORKER, None, "burst", shown[1:3], Recent(2, 1, KNOWN, 60)).endswith(
        "most unusual was chdir (changes its working folder) where read is usual (75%)."
    )


def test_calls_for_the_same_are_named_together_and_the_most_telling_first() -> None:
    new = dict.fromkeys(["getuid", "quux", "getgid", "connect", "execve"], 0)
    text = reason_of(WORKER, None, "burst", [], Recent(20, 0, new, 60))
    assert (
        "it called execve (starts a program), connect (connects to another), getuid, getgid"
        " (asks who it is) and 1 more, which no learned process ever did"
    ) in text


def test_names_of_others_are_neutral_and_many_calls_are_counted() -> None:
    evil = ProcessInfo(0, 11, 10, "\x1b[2Jsh", "/tmp/\x1b]0;a\n", 1)
    recent = Recent(20, 20, {f"call_{n}": 0 for n in range(30)}, 60)
    text = reason_of(evil, ProcessInfo(0, 10, 1, "\x07", "/a", 1), "burst", [], recent)
    assert text.isprintable()
    assert "call_3 and 26 more, which no learned process ever did" in text
    assert then_started("Why.", evil).isprintable()


def test_what_it_did_lately_is_what_it_did(profile: Profile) -> None:
    events = events_of([*normal_calls(90), SOCKET, EXECVE, READ])
    events["tid"][::2] = 101
    part = Part(events, np.where(np.arange(93) < 90, 0, 9 << 32))
    stretches = [Stretch({}, 0, [part])]
    # The last record is later than the alert.
    whole = recently(profile, stretches, 100, 1, "drift")
    assert (whole.calls, whole.unusual, whole.new) == (92, 2, ["execve", "socket"])
    assert whole.processes == 60
    assert whole.makers["read"] == 60
    of_thread = recently(profile, stretches, 100, 1, "burst")
    assert (of_thread.calls, of_thread.new) == (20, ["execve"])


def test_pairs_that_were_never_seen_are_named(profile: Profile) -> None:
    order = [*WORK * 11, *WORK[:5], WRITE, POLL]
    part = Part(events_of(order), np.zeros(len(order), np.int64))
    recent = recently(profile, [Stretch({}, 0, [part])], 100, 0, "novelty")
    assert recent.new_pairs == (("close", "write"), ("write", "poll"))
    text = reason_of(WORKER, None, "novelty", [], recent)
    assert text == (
        "worker (pid 10) does what was not learned: for the first time write came directly after"
        " close, and poll directly after write."
    )
    # A burst is told by what was most unusual in it.
    assert not recently(profile, [Stretch({}, 0, [part])], 100, 0, "burst").new_pairs
    # Over a loss nothing is directly after anything.
    before, after = events_of(order[:-2]), events_of(order[-2:])
    parts = [Part(before, np.zeros(len(before), np.int64)), Lost(3, 0, 1)]
    parts.append(Part(after, np.zeros(2, np.int64)))
    across = recently(profile, [Stretch({}, 0, parts)], 100, 0, "novelty")
    assert across.new_pairs == (("write", "poll"),)


def test_an_alert_says_what_its_process_started_then(
    new_engine: Callable[..., Engine],
) -> None:
    engine = new_engine(threshold=0.5)
    attack = events_of([*normal_calls(400), *strange_calls(40)])
    exec_ = events_of([0], start_ns=500_000_000)
    exec_["kind"] = Kind.EXEC
    feed_all(
        engine,
        [segment(), process(), attack, process(comm="sh"), exec_, process(comm="ls")],
    )
    (alert,) = engine.alerts
    assert alert["reason"].endswith(". Then it started /usr/bin/sh.")
    assert "which no learned process ever did" in alert["reason"]


def test_what_was_never_learned_is_counted(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine(threshold=0.5)
    known: list[Any] = [segment(), process(), events_of(normal_calls(2000, seed=77))]
    feed_all(engine, known, 13)
    counted = engine.applications[1].covering.counted
    assert (counted.sequences, counted.unseen) == (1995, 0)
    feed_all(engine, [segment(), process(), events_of(strange_calls(500))], 13)
    counted = engine.applications[1].covering.counted
    assert (counted.sequences, counted.unseen) == (1995 + 495, 495)
    assert counted.is_far_below
