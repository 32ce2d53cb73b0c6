# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys typed at a terminal reach the traced command as they would without a tracer."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time

import pytest

from .running import ROOT, children_of, eventually, kill_and_wait, state_of, stream_of, tool

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")

COUNTS_INTERRUPTS = """
import signal, sys, time
got = 0
def count(number, frame):
    global got
    got += 1
signal.signal(signal.SIGINT, count)
print("ready", flush=True)
end = time.monotonic() + 20
while not got and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.6)
print("interrupts:", got, flush=True)
sys.exit(40 + got)
"""


class Terminal:
    """A terminal of its own, in which one program runs in the foreground."""

    def __init__(self, words: list[str]) -> None:
        self.end, theirs = os.openpty()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                # Become the leader of a session with this terminal, then the program.
                "import fcntl, os, sys, termios\n"
                "os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
                "os.execv(sys.argv[1], sys.argv[1:])",
                *words,
            ],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
        )
        os.close(theirs)
        self.seen = ""

    def type(self, keys: bytes) -> None:
        os.write(self.end, keys)

    def expect(self, words: str) -> None:
        def step() -> bool:
            try:
                self.seen += os.read(self.end, 4096).decode()
            except OSError:  # all programs of the terminal have ended
                return True
            return words in self.seen

        eventually(step, words)
        assert words in self.seen, self.seen

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.end)


@pytest.fixture
def terminal():
    opened: list[Terminal] = []

    def start(words: list[str]) -> Terminal:
        opened.append(Terminal(words))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_control_c_goes_to_the_command_once(terminal, tmp_path) -> None:
    path = tmp_path / "t.imt"
    it = terminal(tool("trace", "-o", path, "--", sys.executable, "-c", COUNTS_INTERRUPTS))
    it.expect("ready")
    it.type(b"\x03")
    it.expect("interrupts: 1")
    it.expect("calls of 1 process, 0 lost")
    assert it.process.wait(10) == 41
    trace = stream_of(path)
    assert trace.closed.complete
    assert trace.totals["calls"] == len(trace.calls)


def test_control_c_detaches_from_a_process(terminal, tmp_path) -> None:
    command = subprocess.Popen([sys.executable, "-c", "import time\nwhile True: time.sleep(0.01)"])
    try:
        it = terminal(tool("trace", "-o", tmp_path / "t.imt", "-p", command.pid))
        it.expect("calls of 1 process")
        it.type(b"\x03")
        it.expect("bytes in")
        assert it.process.wait(10) == 0
        assert command.poll() is None
        assert stream_of(tmp_path / "t.imt").closed.complete
    finally:
        command.kill()
        command.wait()


def test_an_interrupt_that_was_not_typed_is_passed_on(tmp_path) -> None:
    words = tool("trace", "-o", tmp_path / "t.imt", "--", sys.executable, "-c", COUNTS_INTERRUPTS)
    tracer = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    assert tracer.stdout.readline() == "ready\n"
    tracer.send_signal(signal.SIGINT)
    assert tracer.communicate(timeout=20)[0] == "interrupts: 1\n"
    assert tracer.returncode == 41


def test_suspended_and_continued(tmp_path) -> None:
    """Control-Z and fg, as a shell does them: signals to the whole process group."""
    script = "import time\nprint(flush=True)\nfor _ in range(50): time.sleep(0.01)\nexit(9)"
    words = tool("trace", "-o", tmp_path / "t.imt", "--", sys.executable, "-c", script)
    tracer = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, process_group=0)
    try:
        assert tracer.stdout.readline() == b"\n"
        (command,) = children_of(tracer.pid)
        for _ in range(2):
            os.killpg(tracer.pid, signal.SIGTSTP)
            eventually(lambda: state_of(tracer.pid) == "T", "the tracer is suspended")
            time.sleep(0.2)
            assert (state_of(tracer.pid), state_of(command)) in {("T", "t"), ("T", "T")}
            os.killpg(tracer.pid, signal.SIGCONT)
            time.sleep(0.1)
        assert tracer.wait(10) == 9
    finally:
        kill_and_wait(tracer)
