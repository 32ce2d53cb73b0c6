# SPDX-License-Identifier: GPL-3.0-or-later
"""Which application a process belongs to."""

from __future__ import annotations

import numpy as np

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
