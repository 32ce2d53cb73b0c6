# SPDX-License-Identifier: GPL-3.0-or-later
"""One intrusion is one incident, however many processes it takes."""

from __future__ import annotations

from typing import Any

from imsafe.monitor.incidents import KIN_S, MOST_INCIDENTS, SIBLINGS_S, Incidents
from imsafe.monitor.view_protocol import Alert

from .test_actions import an_alert


def alert(number: int, comm: str, pid: int, time: float = 0.0, *parents: int, **more: Any) -> Alert:
    found = {**an_alert(), "id": number, "comm": comm, "exe": f"/bin/{comm}", "pid": pid}
    line = [(parent, "sh") for parent in parents]
    return {**found, "time": time, "parent": next(iter(parents), 0), "parents": line, **more}  # type: ignore[return-value, typeddict-item]


def test_a_shell_and_what_it_runs_are_one_incident() -> None:
    incidents = Incidents()
    assert incidents.of(alert(1, "bash", 10, 0.0, 5)) == 1
    assert incidents.of(alert(2, "id", 11, 0.1, 10, 5)) == 1
    assert incidents.of(alert(3, "nc", 12, 200.0, 11, 10, 5)) == 1
    assert incidents.of(alert(4, "perl", 5, 201.0, 1)) == 1, "an ancestor of those"
    assert incidents.of(alert(5, "cron", 90, 201.0, 80)) == 5


def test_siblings_only_at_once() -> None:
    incidents = Incidents()
    assert incidents.of(alert(1, "ls", 11, 0.0, 10)) == 1
    assert incidents.of(alert(2, "id", 12, SIBLINGS_S, 10)) == 1
    assert incidents.of(alert(3, "cat", 13, 2 * SIBLINGS_S + 1, 10)) == 3
    assert incidents.of(alert(4, "ps", 14, 21.0, 1)) == 4
    assert incidents.of(alert(5, "top", 15, 21.0, 1)) == 5, "init adopts strangers"


def test_the_same_program_again_until_it_is_quiet() -> None:
    incidents = Incidents()
    assert incidents.of(alert(1, "ls", 11)) == 1
    for number in range(2, 12):
        assert incidents.of(alert(number, "ls", 11 + number, (number - 1) * KIN_S)) == 1
    assert incidents.of(alert(20, "ls", 99, 11 * KIN_S + 1)) == 20
    assert incidents.of(alert(21, "ls", 99, 11 * KIN_S + 2, application="other")) == 21


def test_what_was_seen_to_does_not_swallow_what_comes() -> None:
    incidents = Incidents()
    assert incidents.of(alert(1, "ls", 11)) == 1
    incidents.over(1)
    assert incidents.of(alert(2, "ls", 12)) == 2


def test_many_incidents_are_bounded() -> None:
    incidents = Incidents()
    for number in range(1, MOST_INCIDENTS + 2):
        assert incidents.of(alert(number, f"p{number}", number)) == number
    assert incidents.of(alert(1000, "p1", 1)) == 1000, "the first is over"
