# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning, evaluating, looking at trees and replaying need Python, numpy and numba alone.

A process in which nothing of Linux alone can be imported runs the programs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imsafe.monitor.score_log_reader import read_score_log
from tests.monitor.conftest import events_of, normal_calls, process, segment, strange_calls
from tests.monitor.test_ims_monitor import write_trace

ROOT = Path(__file__).resolve().parents[2]

BARE = """
import contextlib, importlib.abc, io, json, os, select, signal, socket, sys
import numba  # it may use what it finds; ImSafe may not
import numba.core.caching, numba.np.ufunc, multiprocessing.pool, concurrent.futures.process

GONE = {
    "fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog", "crypt", "spwd",
    "readline", "curses", "PyQt6", "pyqtgraph", "bcc", "systemd",
}

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in list(sys.modules):
    if name.partition(".")[0] in GONE:
        del sys.modules[name]
sys.meta_path.insert(0, Nothing())
sys.platform = "win32"
for module, names in (
    (os, "memfd_create sched_getaffinity sched_setaffinity pidfd_open eventfd splice"
         " posix_fallocate"),
    (socket, "AF_UNIX SO_PEERCRED SCM_RIGHTS send_fds recv_fds CMSG_SPACE"),
    (select, "epoll poll"),
    (signal, "SIGHUP SIGKILL SIGUSR1 SIGCHLD pthread_sigmask setitimer sigwait"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)

def pair():  # as Python makes one where there is none
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return one, other

socket.socketpair = pair

def libc(name, *args, **kwargs):
    raise OSError(f"there is no library {name}")

import ctypes
ctypes.CDLL = libc

from importlib import import_module
for program, *words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = import_module(f"imsafe.cli.{program}").main(words)
        except SystemExit as end:
            status = end.code
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in GONE)
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def traces(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    second = 1_000_000_000
    for number in range(30):
        items = [segment(), process(), events_of(normal_calls(1000, seed=number))]
        kind = folder / ("normal" if number < 25 else "test")
        kind.mkdir(exist_ok=True)
        write_trace(kind / f"{number}.imt", items)
    (folder / "attack").mkdir()
    for number in range(5):
        items = [
            segment(), process(), events_of(normal_calls(700, seed=50 + number)),
            events_of(strange_calls(60, seed=number), start_ns=second),
        ]  # fmt: skip
        write_trace(folder / "attack" / f"{number}.imt", items)
    return folder


def test_the_programs_run_where_only_python_numpy_and_numba_are(traces, tmp_path):
    profile, more, log = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "scores.log"
    attack = traces / "attack" / "0.imt"
    watch = ["monitor", "-d", profile, "-t", "0.6", "--boxes", tmp_path / "boxes", "-l", log]
    commands = [
        ["learn", "-o", profile, traces / "normal"],
        ["learn", "-i", profile, "-o", more, "--json", traces / "test"],
        ["tree", profile, "--text"],
        ["tree", profile, "--json"],
        ["tree", profile, "--dot"],
        ["tree", profile, "--diff", more],
        ["tree", profile, "--export", "seccomp"],
        ["evaluate", "-d", profile, "--normal", traces / "test", "--attack", traces / "attack",
         "--json"],
        [*watch, "--record", tmp_path / "copy.imt", "--replay", traces / "test" / "25.imt"],
        [*watch, "--json", "--alerts", tmp_path / "alerts", "--metrics", tmp_path / "m.prom",
         "--replay", attack],
        ["monitor", "-d", profile, "-t", "0.6", "--replay", tmp_path / "none.imt"],
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BARE,
         json.dumps([[str(word) for word in command] for command in commands])],
        capture_output=True, text=True, check=False, timeout=280, stdin=subprocess.DEVNULL,
        cwd=ROOT, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    *results, loaded = map(json.loads, done.stdout.splitlines())
    assert loaded == []
    assert not any("Traceback" in err for _, _, err in results)
    assert [status for status, _, _ in results] == [0] * 9 + [1, 2], results
    evaluated = json.loads(results[7][1].splitlines()[-1])
    assert evaluated["auc"] == 1.0
    assert "ALERT" not in results[8][1]
    alerts = [json.loads(line) for line in results[9][1].splitlines()]
    assert [one["type"] for one in alerts].count("alert") == 1
    assert (tmp_path / "m.prom").exists()
    assert len(read_score_log(log).records) > 5  # of both runs
    assert results[10][2].count("\n") == 1
