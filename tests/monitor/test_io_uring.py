# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that asks for an io_uring is named, once, and it is no alert."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imsafe import syscalls
from imsafe.events import EVENT, Abi, Kind
from imsafe.monitor import io_uring
from imsafe.monitor.engine import Engine
from imsafe.monitor.view_client import NoticeMessage, StatusMessage
from imsafe.monitor.view_protocol import IoUringNotice

from .conftest import events_of, feed_all, normal_calls, process, segment
from .test_ims_monitor import Running, linux, monitor, write_trace
from .test_view_server import Window

SETUP = 425
SECOND = 1_000_000_000
NewEngine = Callable[..., Engine]

RINGS = """
import ctypes, os
def ask():
    for _ in range(3):
        ctypes.CDLL(None).syscall(425, 1, None)
if os.fork() == 0:
    ask()
    os._exit(0)
os.wait()
ask()
"""
"""Two processes ask, three times each, in vain: there is no room for the answer."""


def told(engine: Engine) -> list[IoUringNotice]:
    return engine.take().io_urings


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_each_process_is_told_once(new_engine: NewEngine, chunk: int | None) -> None:
    engine = new_engine(None)
    first = events_of([*normal_calls(50), SETUP, SETUP, *normal_calls(20), SETUP])
    second = events_of([SETUP, *normal_calls(5000), SETUP], pid=101, tid=111, start_ns=SECOND)
    feed_all(engine, [segment(), process(100), process(101, comm="child"), first, second], chunk)
    assert told(engine) == [
        {
            "about": "io_uring",
            "text": f"{comm} (pid {pid}) called io_uring_setup: operations through such a ring"
            " bypass system calls and are not seen.",
            "time": 1_700_000_000 + nanoseconds / 1e9,
            "application": "worker",
            "application_number": 1,
            "error": False,
            "pid": pid,
            "tid": tid,
            "comm": comm,
            "exe": f"/usr/bin/{comm}",
        }
        for comm, pid, tid, nanoseconds in (
            ("worker", 100, 100, 50_000_000),
            ("child", 101, 111, SECOND),
        )
    ]
    assert engine.alerts.count == 0


def test_another_process_of_that_number_and_another_program_in_it(new_engine: NewEngine) -> None:
    engine = new_engine()
    before = events_of([*normal_calls(20), SETUP, SETUP])
    after = events_of([SETUP, *normal_calls(20)], start_ns=2 * SECOND)
    feed_all(engine, [segment(), process(), before, process(), after])
    assert [notice["time"] for notice in told(engine)] == [1_700_000_000.02, 1_700_000_002.0]


def test_who_is_not_watched_is_not_told(new_engine: NewEngine) -> None:
    engine = new_engine(names=("worker",))
    applications = [{"name": "other"}, {"name": "worker"}]
    feed_all(
        engine,
        [
            segment(applications=applications), process(100, 1), process(101, 2), process(102, 0),
            *(events_of([SETUP], pid=pid) for pid in (100, 101, 102)),
        ],
    )  # fmt: skip
    assert [notice["pid"] for notice in told(engine)] == [101]


def test_the_call_is_known_by_its_name_in_each_abi() -> None:
    events = np.zeros(2 * len(Abi), EVENT)
    events["abi"] = [abi for abi in Abi for _ in range(2)]
    events["pid"] = np.arange(len(events))
    events["syscall"] = SETUP
    events["syscall"][1::2] = SETUP + 1
    rows = io_uring.setups(events, np.ones(len(events), np.bool_))
    names = {int(event["abi"]): syscalls.name(int(event["abi"]) << 16 | SETUP) for event in events}
    assert events["abi"][rows].tolist() == [
        abi for abi, name in names.items() if name.partition("@")[0] == "io_uring_setup"
    ]
    assert {Abi.X86_64, Abi.I386, Abi.X32, Abi.AARCH64} <= set(events["abi"][rows].tolist())
    assert (events["syscall"][rows] == SETUP).all()
    events["kind"] = Kind.FORK
    assert len(io_uring.setups(events, events["kind"] == Kind.CALL)) == 0


@linux
def test_real_processes_under_the_tracer(profile_path: Path) -> None:
    arguments = ("-d", profile_path, "-t", 1)
    command = ("--", sys.executable, "-c", RINGS)
    done = monitor(*arguments, *command)
    said = re.findall(r"NOTICE  .*  pid (\d+)  thread \1\n  (.*)", done.stdout)
    assert len({pid for pid, _ in said}) == len(said) == 2
    for pid, words in said:
        assert f"(pid {pid}) called io_uring_setup" in words
        assert "bypass system calls and are not seen" in words
    done = monitor(*arguments, "--json", *command)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    notices = [o for o in objects if o["type"] == "notice" and o.get("about") == "io_uring"]
    assert len({notice["pid"] for notice in notices}) == len(notices) == 2


@linux
def test_a_window_that_comes_later_is_told(profile_path: Path, tmp_path: Path) -> None:
    trace = write_trace(
        tmp_path / "ring.imt",
        [segment(), process(), events_of([*normal_calls(50), SETUP, *normal_calls(50)])],
    )
    running = Running(tmp_path, "-d", profile_path, "-t", 1, "--replay", trace)
    try:
        with Window(running.socket) as early:
            early.until(lambda m: isinstance(m, StatusMessage) and m.status["state"] == "idle")
        with Window(running.socket) as late:
            message = late.until(lambda m: isinstance(m, NoticeMessage) and m.io_uring is not None)
            assert isinstance(message, NoticeMessage)
            assert message.io_uring is not None
            assert (message.io_uring["pid"], message.io_uring["comm"]) == (100, "worker")
            assert message.time == pytest.approx(1_700_000_000.05)
            assert late.ask("stop").ok
        code, output, errors = running.wait()
        assert (code, errors) == (0, "")
        assert sum('"about": "io_uring"' in line for line in output.splitlines()) == 1
    finally:
        running.kill()
