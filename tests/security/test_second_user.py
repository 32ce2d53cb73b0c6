# SPDX-License-Identifier: GPL-3.0-or-later
"""A second user of the machine reads nothing of the first one's, and moves nothing."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux" or os.geteuid() != 0:
    pytest.skip("only root can make an account", allow_module_level=True)

from tests.faults.kills import learned
from tests.sources.running import ROOT, eventually, kill_and_wait, tool

_TRY = """
import json, os, socket, sys
got = []
for path in json.loads(sys.argv[1]):
    try:
        if path.endswith(".socket"):
            with socket.socket(socket.AF_UNIX) as there:
                there.connect(path)
                there.settimeout(2)
                there.sendall(b"x")
                if there.recv(1):
                    got.append(path)
        elif os.path.isdir(path):
            os.listdir(path)
            got.append(path)
        else:
            open(path, "rb").read(1)
            got.append(path)
    except OSError:
        pass
print(json.dumps(got))
"""


@pytest.fixture
def account() -> Iterator[pwd.struct_passwd]:
    """A second account, made and removed."""
    if not shutil.which("useradd"):
        pytest.skip("useradd is not here")
    name = f"imsafe{os.getpid()}"
    subprocess.run(["useradd", "--create-home", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        # It is refused while a process of that user has not quite ended.
        words = ["userdel", "--remove", name]
        eventually(
            lambda: subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode == 0,
            "the account is removed",
        )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory(prefix="imsafe-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_user(account: pwd.struct_passwd) -> list[str]:
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def test_a_second_user_gets_nothing(account: pwd.struct_passwd, folder: Path) -> None:
    before = os.umask(0)  # whatever the first user's is
    try:
        profile = learned(folder)
        words = [
            *("-d", profile, "-t", 0.1, "-l", folder / "log", "--record", folder / "a.imt"),
            *("--view", folder / "view.socket", "--boxes", folder / "boxes", "--stay"),
            *("--sensor", folder / "sensor.socket", "--until-stdin-closes", "--json"),
        ]
        monitor = subprocess.Popen(
            tool("monitor", *words), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        sensor = None
        try:
            eventually((folder / "sensor.socket").exists, "it listens", 60)
            program = ["-s", folder / "sensor.socket", "--", "sh", "-c", "ls / | cat"]
            sensor = subprocess.Popen(tool("sensor", *program), cwd=ROOT, stdout=subprocess.DEVNULL)
            assert sensor.wait(60) == 0
            assert monitor.stdin is not None
            assert monitor.stdout is not None
            eventually(lambda: list((folder / "boxes").glob("*")), "an alert has its box", 60)
            paths = [str(path) for path in folder.rglob("*")]
            wanted = {"log", "a.imt", "worker.db", "boxes", "view.socket", "sensor.socket"}
            assert wanted <= {Path(path).name for path in paths}
            script = [sys.executable, "-I", "-c", _TRY, json.dumps(paths)]
            mine = subprocess.run(script, capture_output=True, text=True, check=True)
            assert str(folder / "log") in json.loads(mine.stdout)  # so that the test can fail
            got = subprocess.run(
                [*as_user(account), *script], capture_output=True, text=True, check=True
            )
            assert json.loads(got.stdout) == []
            # Nor does it end or move the programs.
            for signal in ("TERM", "KILL"):
                done = subprocess.run(
                    [*as_user(account), "kill", f"-{signal}", str(monitor.pid)],
                    capture_output=True,
                    check=False,
                )
                assert done.returncode != 0
            assert monitor.poll() is None
        finally:
            kill_and_wait(monitor)
            if sensor is not None:
                kill_and_wait(sensor)
    finally:
        os.umask(before)


@pytest.mark.usefixtures("open_checkout")
def test_a_second_user_cannot_start_the_tracer(account: pwd.struct_passwd, folder: Path) -> None:
    environment = {"HOME": account.pw_dir, "PATH": os.environ["PATH"], "USER": account.pw_name}
    trace = Path(account.pw_dir) / "a.imt"
    done = subprocess.run(
        [*as_user(account), *tool("trace", "-o", trace, "--driver", "sh")],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal nobody is asked
        timeout=60,
    )
    assert done.returncode == 2
    assert "No permission to start the kernel tracer" in done.stderr
    assert not trace.exists()
