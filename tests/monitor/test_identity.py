# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a process is, by /proc, on real processes."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imsafe.monitor import identity
from imsafe.monitor.identity import Identities
from imsafe.stream.items import ProcessInfo

ARGV = (sys.executable, "-c", "print(flush=True); input()", "<b>\n\x1b[31m")


@pytest.fixture
def child() -> Iterator[ProcessInfo]:
    process = subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    exe = str(Path(f"/proc/{process.pid}/exe").readlink())
    yield ProcessInfo(0, process.pid, os.getpid(), "", exe, 1)
    process.kill()
    process.communicate()


def test_what_is_missing_is_looked_up(child: ProcessInfo) -> None:
    found = Identities().complete(child)
    assert found.argv == ARGV
    assert found.user == getpass.getuser()
    assert 0 <= time.monotonic_ns() - found.started_ns < 60e9
    assert found.parents[0][0] == os.getpid()
    assert found.parents[1][0] == os.getppid()
    assert replace(found, argv=(), user="", started_ns=0, parents=()) == child


def test_what_the_stream_says_stays(child: ProcessInfo) -> None:
    told = replace(child, argv=("x",), user="y", started_ns=3, parents=((1, "z"),))
    assert Identities().complete(told) == told


def test_another_process_of_that_number_is_not_taken_for_it(child: ProcessInfo) -> None:
    for other in (replace(child, exe="/bin/other"), replace(child, application=0)):
        assert Identities().complete(other) == other
    gone = replace(child, pid=2**22 + 1)
    assert Identities().complete(gone) == gone


def test_a_storm_of_processes_is_not_looked_at(
    child: ProcessInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "LOOKS_A_SECOND", 0)
    assert Identities().complete(child) == child
