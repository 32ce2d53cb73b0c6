# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from imsafe.errors import ImsafeError
from imsafe.monitor.actions import Actions, check_program
from imsafe.monitor.view_protocol import Alert
from tests.sources.running import eventually, state_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="scripts with #!")


def an_alert(number: int = 1, comm: str = "httpd") -> Alert:
    return {
        "id": number,
        "state": "open",
        "application": "web server",
        "application_number": 1,
        "pid": 100,
        "tid": 101,
        "comm": comm,
        "exe": "/usr/sbin/httpd",
        "parent": 1,
        "argv": ["httpd", "-k", "start"],
        "user": "www-data",
        "started": 1_700_000_000.0,
        "parents": [(1, "systemd")],
        "incident": number,
        "acknowledged": None,
        "time": 1_700_000_000.25,
        "closed": None,
        "score": 0.75,
        "peak": 0.75,
        "threshold": 0.5,
        "reading": "burst",
        "reason": "x" * 200_000,  # more than any pipe holds
        "call": "execve",
        "probability": 1e-9,
        "calls_above": 1,
        "calls": [],
        "lost": 0,
        "box": None,
        "normal": None,
    }


def script(folder: Path, text: str) -> Path:
    path = folder / "on alert.sh"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return check_program(str(path))


def run_out(actions: Actions, seconds: float = 20.0) -> list[str]:
    notices = actions.tick()
    end = time.monotonic() + seconds
    while actions.running and time.monotonic() < end:
        time.sleep(0.01)
        notices += actions.tick()
    assert actions.running == 0
    return notices


def test_the_program_gets_the_alert(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        f'cat > "{tmp_path}/in"\nenv | grep ^IMSAFE_ | sort > "{tmp_path}/env"\n'
        f'echo $# > "{tmp_path}/args"\nps -o sid= -p $$ > "{tmp_path}/sid"\n'
        f'echo $$ >> "{tmp_path}/sid"',
    )
    actions = Actions(program)
    hostile = "x\ny'; touch /tmp/no; $(id)"
    assert actions.start(an_alert(comm=hostile))
    assert run_out(actions) == []
    assert json.loads((tmp_path / "in").read_text()) == json.loads(
        json.dumps(an_alert(comm=hostile))
    )
    assert (tmp_path / "args").read_text() == "0\n"
    assert (tmp_path / "env").read_text().splitlines() == [
        "IMSAFE_APPLICATION=web server",
        "IMSAFE_COMM=x\\ny'; touch /tmp/no; $(id)",
        "IMSAFE_PID=100",
        "IMSAFE_READING=burst",
        "IMSAFE_SCORE=0.750000",
        "IMSAFE_THRESHOLD=0.500000",
        "IMSAFE_TID=101",
        "IMSAFE_TIME=1700000000.250000",
    ]
    session, pid = (tmp_path / "sid").read_text().split()
    assert session == pid


def test_a_program_that_does_not_read_or_end_holds_nothing_up(tmp_path: Path) -> None:
    program = script(tmp_path, "exec sleep 60")
    actions = Actions(program, at_once=2, time_limit=0.5)
    begin = time.monotonic()
    assert [actions.start(an_alert(i)) for i in range(4)] == [True, True, False, False]
    assert time.monotonic() - begin < 0.4
    assert actions.held_back == 2
    notices = run_out(actions)
    assert time.monotonic() - begin < 5
    assert sum("was held back, 2 times" in text for text in notices) == 1
    assert sum("was ended" in text for text in notices) == 2


def test_what_it_prints_and_how_it_fails_is_said(tmp_path: Path) -> None:
    lines = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"
    actions = Actions(script(tmp_path, f"printf '\\033[31mred\\n<b>' >&2; {lines}; exit 3"))
    assert actions.start(an_alert())
    (said,) = run_out(actions)
    assert "ended with status 3: \\x1b[31mred\\n<b>line 0" in said
    assert said.isprintable()
    assert len(said) < 3_000  # however much it prints
    actions = Actions(script(tmp_path, "kill -9 $$"))
    assert actions.start(an_alert())
    assert "ended by signal 9." in run_out(actions)[0]


def processes_of_group(group: int) -> list[str]:
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in found.stdout.splitlines()]
    return [state for number, state in rows if int(number) == group and state[0] != "Z"]


def test_the_whole_group_is_ended(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        f"trap '' TERM; echo $$ > {tmp_path}/pid; (trap '' TERM; sleep 100; sleep 100) & sleep 100",
    )
    actions = Actions(program, time_limit=0.5)
    assert actions.start(an_alert())
    notices = run_out(actions)
    assert sum("was ended" in text for text in notices) == 1
    assert processes_of_group(int((tmp_path / "pid").read_text())) == []


def test_what_it_leaves_behind_has_the_same_limit(tmp_path: Path) -> None:
    program = script(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 100 &")
    actions = Actions(program, time_limit=0.5)
    assert actions.start(an_alert())
    pid = tmp_path / "pid"
    eventually(lambda: pid.exists() and state_of(int(pid.read_text() or 0)) == "Z", "sh has ended")
    actions.tick()
    assert actions.running == 1  # it counts among those that run at once
    run_out(actions)
    assert processes_of_group(int((tmp_path / "pid").read_text())) == []


def test_the_end_waits_a_moment_and_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    actions = Actions(script(tmp_path, "sleep 0.3; echo done"))
    assert actions.start(an_alert())
    assert ["said: done" in text for text in actions.close()] == [True]
    monkeypatch.setattr("imsafe.monitor.actions.LAST_WAIT", 0.2)
    program = script(tmp_path, f"trap '' TERM; echo $$ > {tmp_path}/pid; sleep 100; sleep 100")
    actions = Actions(program)
    assert actions.start(an_alert())
    assert any("the monitor ends" in text for text in actions.close())
    assert actions.running == 0
    assert processes_of_group(int((tmp_path / "pid").read_text())) == []


def test_at_most_so_many_a_minute(tmp_path: Path) -> None:
    now = 1000.0
    actions = Actions(script(tmp_path, "exit 0"), at_once=99, a_minute=3, clock=lambda: now)
    assert [actions.start(an_alert(i)) for i in range(5)] == [True] * 3 + [False] * 2
    now += 59.9
    assert not actions.start(an_alert())
    now += 0.1
    assert actions.start(an_alert())
    assert (actions.started, actions.held_back) == (4, 3)
    run_out(actions)


def test_a_program_that_vanished_is_said(tmp_path: Path) -> None:
    program = script(tmp_path, "exit 0")
    actions = Actions(program)
    program.unlink()
    assert not actions.start(an_alert())
    assert ["Cannot execute" in text for text in actions.tick()] == [True]


def test_what_cannot_be_executed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImsafeError, match="not a file"):
        check_program(str(tmp_path / "no"))
    with pytest.raises(ImsafeError, match="not a file"):
        check_program(str(tmp_path))
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    with pytest.raises(ImsafeError, match="not executable"):
        check_program(str(tmp_path / "plain"))
    assert check_program("true").is_absolute()
