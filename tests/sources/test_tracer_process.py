# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracer as a child: its stream, its errors, and what becomes of the command."""

from __future__ import annotations

import os
import platform
import select
import subprocess
import sys
import time

import pytest

from imsafe.errors import SourceError
from imsafe.sources.base import Source
from imsafe.sources.tracer_process import TracerProcess

from .running import (
    GETPPID,
    ROOT,
    children_of,
    eventually,
    is_traced,
    kill_and_wait,
    sorted_out,
    state_of,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")


def read_all(source: TracerProcess):
    streams = {}

    def step() -> bool:
        select.select([source], [], [], 0.05)
        sorted_out(source.read(0.05), streams)
        return source.finished

    eventually(step, "finished", 30)
    return streams


@pytest.mark.parametrize("full", [False, True])
def test_a_command(program, full) -> None:
    source = TracerProcess([str(program("calls")), "10007"], full=full)
    assert isinstance(source, Source)
    assert not source.finished
    source.open()
    try:
        assert source.state == "tracing"
        (trace,) = read_all(source).values()
    finally:
        source.close()
    assert trace.count(GETPPID) == 10_007
    assert trace.closed.complete
    assert trace.totals == {"calls": len(trace.calls), "lost": 0}
    assert source.counters.calls == len(trace.calls)
    assert source.returncode == 0
    source.close()


def test_status_and_name() -> None:
    source = TracerProcess(["sh", "-c", "exit 7"], name="shell", follow_exec=False)
    source.open()
    (trace,) = read_all(source).values()
    source.close()
    assert source.returncode == 7
    assert trace.meta["applications"][0]["name"] == "shell"
    assert trace.meta["follow_exec"] is False
    assert source.name == "sh -c exit 7"


def test_the_command_has_our_own_input_and_output(tmp_path) -> None:
    """Nothing of the tracer's descriptors reaches the command."""
    script = "import os, sys; print(sorted(os.listdir('/proc/self/fd')), sys.stdin.read())"
    (tmp_path / "input").write_text("words")
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "from imsafe.sources.tracer_process import TracerProcess\n"
        "s = TracerProcess(sys.argv[1:])\n"
        "s.open()\n"
        "while not s.finished: s.read(0.1)\n"
        "s.close()\n"
    )
    with (tmp_path / "input").open() as stdin:
        done = subprocess.run(
            [sys.executable, tmp_path / "run.py", sys.executable, "-c", script],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert done.stdout == "['0', '1', '2', '3'] words\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"argv": ["no-such-command"]}, "no such command along PATH"),
        ({"argv": ["/no/such/file"]}, "there is no such file"),
        ({"argv": ["/etc/passwd"]}, "it is not an executable file"),
        ({"argv": ["/etc"]}, "it is not an executable file"),
        ({"pids": [4194303]}, "there is no such process"),
    ],
)
def test_errors_before_the_start_in_words(arguments, words, capfd) -> None:
    source = TracerProcess(**arguments)
    with pytest.raises(SourceError, match=words):
        source.open()
    source.close()
    assert source.returncode == 2
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_program(tmp_path) -> None:
    path = tmp_path / "script"
    path.write_text("echo without a first line\n")
    path.chmod(0o755)
    source = TracerProcess([str(path)])
    with pytest.raises(SourceError, match="exec format error"):
        source.open()
    source.close()


SLEEPER = "import time, sys\nfor _ in range(150): time.sleep(0.01)\nopen(sys.argv[1], 'w').close()"


@pytest.mark.parametrize("full", [False, True])
def test_closed_the_command_lives_on(tmp_path, full) -> None:
    done = tmp_path / "done"
    source = TracerProcess([sys.executable, "-c", SLEEPER, str(done)], full=full)
    source.open()
    eventually(lambda: source.read(0.05) and source.counters.calls > 50, "calls")
    (command,) = children_of(source._process.pid)
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 1
    assert source.state == "closed"
    assert source.read(0.1) == []
    if full:
        eventually(lambda: not is_traced(command), "detached")
    eventually(done.exists, "it ran to its end")
    eventually(lambda: source.returncode == 0, "the tracer ended with it")


def test_closed_the_process_is_detached() -> None:
    command = subprocess.Popen([sys.executable, "-c", "import time\nwhile True: time.sleep(0.01)"])
    source = TracerProcess(pids=[command.pid])
    try:
        source.open()
        eventually(lambda: source.read(0.05) and source.counters.calls > 20, "calls")
        source.close()
        assert not is_traced(command.pid)
        assert source.returncode == 0
        assert state_of(command.pid) in "SR"
    finally:
        source.close()
        kill_and_wait(command)


def test_a_killed_tracer_closes_its_stream_with_a_warning() -> None:
    command = subprocess.Popen([sys.executable, "-c", "import time\nwhile True: time.sleep(0.01)"])
    source = TracerProcess(pids=[command.pid])
    try:
        source.open()
        streams = {}
        eventually(lambda: sorted_out(source.read(0.05), streams) and streams[0].items, "items")
        source._process.kill()
        eventually(lambda: sorted_out(source.read(0.05), streams)[0].closed, "closed")
        assert not streams[0].closed.complete
        assert "went away" in streams[0].closed.warning
        eventually(lambda: source.finished, "finished")
        assert source.returncode == 128 + 9
        assert command.poll() is None
    finally:
        source.close()
        kill_and_wait(command)
