# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the kernel tracer follows: names, paths, children, exec, control groups; never ImSafe."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from imsafe.sources.kernel_request import MAX_TARGETS
from imsafe.stream.routing import Routing

from .kernel_tracer import needs_the_kernel, recorded, recording
from .running import GETPPID, Recorded, eventually, kill_and_wait, state_of

pytestmark = needs_the_kernel()

BY_SHELL = 1
"""getppid calls of the shell itself, for its $PPID."""


@pytest.fixture
def only(program, tmp_path):
    """A copy of a program under a name that nothing else on this machine has."""

    def copied(name: str, called: str = "") -> Path:
        copy = tmp_path / f"{called or name}-{os.getpid()}"
        shutil.copy(program(name), copy)
        return copy

    return copied


def by_application(trace: Recorded) -> dict[str, int]:
    """How many getppid calls each application made, as a monitor would route them."""
    routing = Routing()
    routing.names = [entry["name"] for entry in trace.meta["applications"]]
    found = dict.fromkeys(routing.names, 0)
    for item in trace.items:
        routing.feed(item)
        if isinstance(item, np.ndarray):
            calls = item[(item["kind"] == 0) & (item["syscall"] == GETPPID)]
            for number in routing.application_of(calls["pid"]).tolist():
                assert number, "a call of a process that had left"
                found[routing.names[number - 1]] += 1
    return found


def test_long_names_scripts_and_paths(only, tmp_path) -> None:
    long = only("calls", "a-name-that-is-longer-than-fifteen-characters")
    other = only("calls", "a-name-that-is-longer-than-fifteen-characters-too")
    linked = tmp_path / f"a-link-{os.getpid()}"
    by_path = only("calls", "by-path")
    linked.symlink_to(by_path)
    script = tmp_path / f"a-script-with-a-long-name-{os.getpid()}"
    script.write_text(f"#!/bin/sh\n{by_path.parent}/inner 13\n")
    script.chmod(0o755)
    shutil.copy(by_path, tmp_path / "inner")
    path = tmp_path / "t.imt"
    options = ["--driver", long.name, "--driver", script.name, "--path", linked]
    with recording(path, *options):
        for command, count in ((long, 3), (other, 5), (script, ""), (by_path, 7), (linked, 11)):
            subprocess.run([command, *([str(count)] if count else [])], check=True)
        subprocess.run([f"./{linked.name}", "17"], cwd=tmp_path, check=True)
        time.sleep(0.1)
    found = by_application(recorded(path))
    assert found == {long.name: 3, script.name: BY_SHELL + 13, linked.name: 7 + 11 + 17}


@pytest.mark.parametrize("how", ["-f", "-v", "-c", "-t", ""])
@pytest.mark.parametrize("follow", [True, False])
def test_exec(only, tmp_path, how, follow) -> None:
    """A program loaded by a fork, vfork, clone, another thread, or in place."""
    first, second = only("calls", "first"), only("calls", "second")
    path = tmp_path / "t.imt"
    options = ["--driver", first.name, *([] if follow else ["--no-follow-exec"])]
    with recording(path, *options):
        subprocess.run([first, *([how] if how else []), "11", second, "13"], check=True)
        time.sleep(0.1)
    trace = recorded(path)
    assert by_application(trace) == {first.name: 11 + (13 if follow else 0)}
    assert trace.totals["lost"] == 0
    last = {info.pid: info for info in trace.processes}
    if follow:
        assert [Path(info.exe).name for info in last.values()][-1] == second.name
    else:
        assert sorted(info.application for info in last.values()) == (
            [0, 1] if how in ("-f", "-v", "-c") else [0]
        )


def test_exec_joins_by_its_new_name(only, tmp_path) -> None:
    """Without following exec a process goes over; with it, it stays."""
    first, second = only("calls", "first"), only("calls", "second")
    for options, expected in (
        (["--no-follow-exec"], {first.name: 11, second.name: 13}),
        ([], {first.name: 24, second.name: 0}),
    ):
        path = tmp_path / "t.imt"
        with recording(path, "--driver", first.name, "--driver", second.name, *options):
            subprocess.run([first, "11", second, "13"], check=True)
            time.sleep(0.1)
        assert by_application(recorded(path)) == expected


def test_twenty_three_children(only, tmp_path) -> None:
    calls = only("calls")
    path = tmp_path / "t.imt"
    script = f"for i in $(seq 23); do {calls} 29 & done; wait"
    shell = tmp_path / f"shell-{os.getpid()}"
    shutil.copy(Path("/bin/sh").resolve(), shell)
    with recording(path, "--driver", shell.name):
        subprocess.run([shell, "-c", script], check=True)
        time.sleep(0.2)
    trace = recorded(path)
    assert by_application(trace) == {shell.name: BY_SHELL + 23 * 29}
    assert len({info.pid for info in trace.processes}) == 1 + 23 + 1  # and seq


def test_running_children_belong_too(only, tmp_path) -> None:
    calls = only("calls")
    shell = tmp_path / f"shell-{os.getpid()}"
    shutil.copy(Path("/bin/sh").resolve(), shell)
    parent = subprocess.Popen([shell, "-c", f"{calls} -w 31; true"], stdin=subprocess.PIPE)
    path = tmp_path / "t.imt"
    try:
        eventually(lambda: state_of(parent.pid) == "S", "it waits")
        time.sleep(0.2)
        with recording(path, "--driver", shell.name):
            parent.communicate(b"!")
            time.sleep(0.1)
        assert by_application(recorded(path)) == {shell.name: 31}
        with recording(path, "--driver", shell.name, "--not-yet-started"):
            subprocess.run([shell, "-c", f"{calls} 37"], check=True)
            time.sleep(0.1)
        assert by_application(recorded(path)) == {shell.name: BY_SHELL + 37}
    finally:
        kill_and_wait(parent)


def test_not_yet_started_leaves_the_running_alone(only, tmp_path) -> None:
    calls = only("calls")
    running = subprocess.Popen([calls, "-w", "41"], stdin=subprocess.PIPE)
    path = tmp_path / "t.imt"
    try:
        eventually(lambda: state_of(running.pid) == "S", "it waits")
        with recording(path, "--driver", calls.name, "--not-yet-started"):
            running.communicate(b"!")
            subprocess.run([calls, "43"], check=True)
            time.sleep(0.1)
    finally:
        kill_and_wait(running)
    assert by_application(recorded(path)) == {calls.name: 43}


def test_never_imsafe_itself(tmp_path) -> None:
    """Python is watched, and the tracer, its reader and their starter are Python."""
    python = Path(sys.executable).name
    path = tmp_path / "t.imt"
    script = "import os\nfor _ in range(47): os.getppid()"
    with recording(path, "--driver", python) as tracer:
        done = subprocess.Popen([sys.executable, "-I", "-c", script])
        done.wait()
        time.sleep(0.5)
        own = {tracer.pid, *(int(p) for p in _children(tracer.pid))}
    trace = recorded(path)
    assert {info.pid for info in trace.processes} >= {done.pid}
    assert not {info.pid for info in trace.processes} & own
    calls = trace.calls[trace.calls["pid"] == done.pid]
    assert np.count_nonzero(calls["syscall"] == GETPPID) == 47


def test_a_shell_that_speaks_of_imsafe(only, tmp_path) -> None:
    """It starts the tracer, and is none of ImSafe's programs: its children are followed."""
    calls, path = only("calls"), tmp_path / "t.imt"
    script = f"""
        {sys.executable} -m imsafe.cli.trace -o {path} --driver {calls.name} & tracer=$!
        until [ -e {path} ]; do kill -0 $tracer || exit; sleep 0.05; done
        {calls} 53
        kill $tracer; wait $tracer  # from imsafe.errors import ImsafeError
    """
    subprocess.run(["sh", "-c", script], check=True, timeout=60)
    assert by_application(recorded(path)) == {calls.name: 53}


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture
def cgroups(tmp_path):
    """Control groups of version 2, mounted for this test where they are not."""
    from imsafe.errors import SourceError
    from imsafe.sources.matching import cgroup_root

    try:
        yield cgroup_root()
        return
    except SourceError:
        place = tmp_path / "cgroup2"
    place.mkdir()
    if ctypes.CDLL(None, use_errno=True).mount(b"none", bytes(place), b"cgroup2", 0, None):
        pytest.skip("control groups of version 2 cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_control_groups(only, tmp_path, cgroups) -> None:
    """One that exists, a unit that does not yet, and a group below one."""
    calls = only("calls")
    group = cgroups / f"imsafe-{os.getpid()}"
    unit = cgroups / "system.slice" / f"unit-{os.getpid()}.service"
    made_slice = not unit.parent.exists()
    path = tmp_path / "t.imt"
    folders = [group, group / "below"]
    try:
        group.mkdir()
        with recording(path, "--cgroup", group, "--unit", unit.name):
            unit.mkdir(parents=True)
            (group / "below").mkdir()
            for folder, count in ((group, 3), (group / "below", 5), (unit, 7), (cgroups, 11)):
                enter = f"echo $$ > {folder}/cgroup.procs; exec {calls} {count}"
                subprocess.run(["/bin/sh", "-c", enter], check=True)
            time.sleep(0.1)
    finally:
        for folder in [*reversed(folders), unit, *([unit.parent] if made_slice else [])]:
            if folder.exists():
                folder.rmdir()
    assert by_application(recorded(path)) == {group.name: 8, unit.stem: 7}


def test_a_unit_that_is_restarted_thousands_of_times(only, tmp_path, cgroups) -> None:
    """Each start makes a new group, and one that is gone takes no room."""
    calls, path = only("calls"), tmp_path / "t.imt"
    group = cgroups / f"imsafe-again-{os.getpid()}"
    try:
        with recording(path, "--cgroup", group):
            for _ in range(4200):
                group.mkdir()
                group.rmdir()
            group.mkdir()
            enter = f"echo $$ > {group}/cgroup.procs; exec {calls} 13"
            subprocess.run(["/bin/sh", "-c", enter], check=True)
            time.sleep(0.1)
    finally:
        if group.exists():
            eventually(lambda: not (group / "cgroup.procs").read_text(), "its last process is gone")
            group.rmdir()
    assert by_application(recorded(path)) == {group.name: 13}


def test_as_many_paths_through_links_as_a_request_may_hold(only, tmp_path) -> None:
    """Each is two: as it is written, and as it is."""
    calls, path = only("calls"), tmp_path / "t.imt"
    folders = [tmp_path / str(number) for number in range(MAX_TARGETS)]
    links = [folder / f"linked-{os.getpid()}" for folder in folders]
    for number, (folder, link) in enumerate(zip(folders, links, strict=True)):
        folder.mkdir()
        link.symlink_to(folder / f"{number}-{os.getpid()}")
    links[-1].unlink()
    links[-1].symlink_to(calls)
    with recording(path, *(word for link in links for word in ("--path", link))):
        subprocess.run([links[-1], "17"], check=True)
        subprocess.run([calls, "19"], check=True)
        time.sleep(0.1)
    assert by_application(recorded(path)) == {links[0].name: 17 + 19}
