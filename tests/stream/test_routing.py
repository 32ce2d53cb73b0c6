# SPDX-License-Identifier: GPL-3.0-or-later
"""Which application a process belongs to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import imsafe.stream.routing as routing_module
from imsafe.events import EVENT, Events, Kind
from imsafe.stream.items import Lost, ProcessInfo, Segment
from imsafe.stream.routing import Routing


def _info(pid: int, application: int) -> ProcessInfo:
    return ProcessInfo(1, pid, 1, "x", "/x", application)


def _applications(routing: Routing, *pids: int) -> list[int]:
    return routing.application_of(np.array(pids, np.uint32)).tolist()


def test_processes_join_leave_and_come_back_with_another_segment() -> None:
    routing = Routing()
    routing.feed(Segment({"applications": [{"name": "web"}, {"name": "db"}]}))
    assert routing.names == ["web", "db"]
    routing.feed(_info(10, 1))
    routing.feed(_info(20, 2))
    routing.feed(Lost(1, 2, 3))
    # One that nobody announced belongs to the first application.
    assert _applications(routing, 20, 10, 20, 99, 2**32 - 1) == [2, 1, 2, 1, 1]
    routing.feed(_info(20, 0))
    assert _applications(routing, 20, 10) == [0, 1]
    assert routing.process(20) == _info(20, 0)
    assert routing.process(99) is None
    routing.feed(Segment({"applications": [{"name": "mail"}]}))
    assert routing.names == ["mail"]
    assert _applications(routing, 20, 10) == [1, 1]


def test_no_pids_no_applications() -> None:
    result = Routing().application_of(np.zeros(0, np.uint32))
    assert result.dtype == np.uint16
    assert len(result) == 0


def test_made_up_processes_do_not_fill_the_memory(monkeypatch) -> None:
    monkeypatch.setattr(routing_module, "MOST_PROCESSES", 10)
    routing = Routing()
    for pid in range(1, 11):
        routing.feed(ProcessInfo(0, pid, 0, "a", "", 2))
    routing.ended(7)
    routing.ended(8)
    routing.feed(ProcessInfo(0, 8, 0, "b", "", 2))  # the number was used again
    for pid in (11, 12):
        routing.feed(ProcessInfo(0, pid, 0, "a", "", 2))
    # What has ended goes first, then what is oldest.
    assert [pid for pid in range(1, 13) if routing.process(pid) is None] == [1, 7]
    routing.ended(99)
    for pid in range(100, 1100):
        routing.feed(ProcessInfo(0, pid, 0, "a", "", 2))
    assert sum(routing.process(pid) is not None for pid in range(1100)) == 10


def test_what_has_left_gives_way_before_what_is_watched(monkeypatch) -> None:
    monkeypatch.setattr(routing_module, "MOST_PROCESSES", 10)
    routing = Routing()
    routing.feed(_info(1, 2))
    for pid in range(100, 120):
        routing.feed(_info(pid, 2))
        routing.feed(_info(pid, 0))
    assert routing.process(1) == _info(1, 2)
    assert routing.process(100) is None
    routing.feed(_info(119, 2))  # one that comes back
    for pid in range(200, 220):
        routing.feed(_info(pid, 0))
    assert routing.process(119) == _info(119, 2)


def test_a_child_has_the_command_line_of_the_parent_whose_program_it_runs() -> None:
    routing = Routing()
    mother = replace(_info(10, 1), argv=("x", "-a"), user="me")
    child = replace(_info(11, 1), parent=10)
    routing.feed(mother)
    routing.feed(child)
    assert routing.process(11) == replace(child, argv=mother.argv, user="me")
    routing.feed(replace(child, comm="y", exe="/y"))
    assert routing.process(11) == replace(child, comm="y", exe="/y")
    other = replace(child, argv=("x", "-b"))
    routing.feed(other)
    assert routing.process(11) == other


def _loads(*pids: int) -> Events:
    events = np.zeros(len(pids), EVENT)
    events["pid"], events["kind"] = pids, Kind.EXEC
    return events


def test_a_loaded_program_goes_by_its_first_name_and_to_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    routing = Routing()
    routing.feed(Segment({"applications": [{"name": "x"}]}))
    routing.feed(_info(10, 1))
    routing.loads(_loads(10))
    assert routing.loaded(10) == ""  # it is named next
    routing.feed(replace(_info(10, 1), comm="sh"))
    routing.feed(replace(_info(10, 1), comm="renamed"))
    routing.feed(ProcessInfo(5, 20, 10, "renamed", "/x", 1, started_ns=5))
    routing.feed(ProcessInfo(5, 30, 1, "other", "/x", 1, started_ns=5))
    assert [routing.loaded(pid) for pid in (10, 20, 30)] == ["sh", "sh", ""]
    routing.feed(ProcessInfo(9, 20, 30, "other", "/x", 1, started_ns=9))  # the number, used again
    assert routing.loaded(20) == ""
    routing.feed(ProcessInfo(11, 20, 10, "sh", "/x", 1, started_ns=11))
    assert routing.loaded(20) == "sh"
    routing.ended(20)
    routing.feed(ProcessInfo(13, 20, 30, "other", "/x", 1))  # nobody saw it being born
    assert routing.loaded(20) == ""

    monkeypatch.setattr(routing_module, "MOST_PROCESSES", 10)
    routing.loads(_loads(*range(100, 150)))
    routing.feed(_info(100, 1))
    assert routing.loaded(100) == ""  # so many are made up
    for pid in range(200, 220):
        routing.feed(_info(pid, 1))
    assert routing.loaded(10) == ""
    routing.feed(Segment({}))
    routing.assume(40, "sh")
    routing.feed(ProcessInfo(5, 40, 1, "sh", "/x", 1, started_ns=5))
    assert routing.loaded(40) == "sh"
