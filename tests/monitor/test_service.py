# SPDX-License-Identifier: GPL-3.0-or-later
"""A monitor run as systemd would run it: by a configuration file, told to reload, and to stop."""

from __future__ import annotations

import json
import os
import random as random_module
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("a service of Linux", allow_module_level=True)

from imsafe.monitor.journal import ALERT_OPENED
from imsafe.monitor.view_client import AlertMessage, StatusMessage
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from tests.connecting import connected

from .conftest import events_of, normal_calls, process, segment, strange_calls
from .receivers import Receiver, message
from .test_ims_monitor import ENVIRONMENT, ROOT, command
from .test_metrics import samples
from .test_view_server import Window


class Service:
    """A monitor with a configuration, and what stands around it."""

    def __init__(
        self,
        folder: Path,
        profile: Path,
        more: str = "",
        *,
        view: str = "",
        under: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.config = folder / "web.toml"
        self.syslog = Receiver(folder / "log")
        self.manager = Receiver(folder / "notify")
        self.profile = profile
        self.more = more
        self.view = view
        self.configure()
        self.process = subprocess.Popen(
            [*under, *command("--config", self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **ENVIRONMENT,
                "NOTIFY_SOCKET": str(folder / "notify"),
                "WATCHDOG_USEC": "1000000",
                "XDG_STATE_HOME": str(folder),
            },
        )
        self.sensors: list[Sensor] = []

    def sensor(self) -> Sensor:
        """A new peer, once the monitor is ready."""
        self.manager.until(b"READY=1")
        self.sensors.append(Sensor(self.folder / "sensor"))
        return self.sensors[-1]

    def configure(self, threshold: str = "0.6", profile: str = "") -> None:
        self.config.write_text(
            f"profile = '{profile or self.profile}'\nthreshold = {threshold}\n{self.more}\n"
            "[source]\nkind = 'sensor'\nsocket = 'sensor'\n"
            f"[view]\nsocket = 'view'\n{self.view}\n"
            "[outputs]\nsyslog = '" + str(self.folder / "log") + "'\n"
            "json = 'alerts.jsonl'\nmetrics = 'web.prom'\n"
        )

    def reload(self) -> str:
        """Have it read again; what it said of that."""
        seen = len(self.manager.take())
        said = len(self.syslog.take())
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while not any(b"READY=1" in told for told in self.manager.take()[seen:]):
            assert time.monotonic() < end
            time.sleep(0.02)
        assert any(told.startswith(b"RELOADING=1") for told in self.manager.received[seen:])
        return b"\n".join(self.syslog.take()[said:]).decode()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        output, errors = self.process.communicate(timeout=60)
        assert "Traceback" not in errors
        assert "calls scored" in output
        return self.process.returncode

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        for one in (*self.sensors, self.syslog, self.manager):
            one.close()


@pytest.fixture
def service(profile_path: Path) -> Iterator[Service]:
    folder = Path(tempfile.mkdtemp(prefix="imsvc-"))
    made = Service(folder, profile_path)
    yield made
    made.end()
    shutil.rmtree(folder)


class Sensor:
    """A peer that sends a stream of one process to a socket, as a sensor does."""

    def __init__(self, path: Path) -> None:
        self.socket = connected(path)
        self.now_ns = 0
        self.socket.sendall(segment_header(segment().meta) + encode(process()))

    def calls(self, numbers: list[int]) -> None:
        self.socket.sendall(encode(events_of(numbers, start_ns=self.now_ns)))
        self.now_ns += len(numbers) * 1_000_000

    def close(self) -> None:
        self.socket.close()


def test_alerts_reload_and_end(service: Service, tmp_path: Path) -> None:
    sensor = service.sensor()
    with Window(service.folder / "view") as window:
        sensor.calls(normal_calls(1500))
        sensor.calls(strange_calls(60))
        alert = window.until(lambda m: isinstance(m, AlertMessage))
        assert isinstance(alert, AlertMessage)
        header, values = message(service.syslog.until(b" alert ["))
        assert header["id"] == b"alert"
        assert values["monitor"] == "web"
        assert values["score"] == f"{alert.alert['score']:.6f}"
        assert (values["application"], values["pid"]) == ("worker", "100")

        # The watchdog is fed, and what runs is told.
        service.manager.until(b"WATCHDOG=1")
        service.manager.until(b"1,560 calls scored, 1 alert, 0 calls lost")

        # Another threshold and another profile, while calls go on.
        copy = service.folder / "copy.db"
        shutil.copy(service.profile, copy)
        service.configure(threshold="0.99", profile="copy.db")
        sensor.calls(normal_calls(1000))
        said = service.reload()
        assert f"worker: the profile {copy} was read again; the threshold is 0.990." in said
        sensor.calls(normal_calls(500) + strange_calls(60))
        service.manager.until(b"3,120 calls scored, 1 alert, 0 calls lost")
        status = window.until(lambda m: isinstance(m, StatusMessage) and m.status["calls"] == 3120)
        assert isinstance(status, StatusMessage)
        (row,) = status.status["applications"]
        assert (row["profile"], row["threshold"]) == (str(copy), 0.99)

        # A mistake changes nothing, and is told.
        service.configure(threshold="'high'")
        said = service.reload()
        assert "threshold has to be a number from 0 to 1, not 'high'. The configuration in" in said
        service.configure(profile="none.db")
        assert "The profile in use stays." in service.reload()
        service.more = "log = 'scores.log'"
        service.configure(threshold="0.98")
        assert "more than profiles and thresholds has changed" in service.reload()
        sensor.calls(normal_calls(40))
        service.manager.until(b"3,160 calls scored, 1 alert, 0 calls lost")
    assert service.stop() == 1
    assert service.manager.take()[-1] == b"STOPPING=1"
    said = [message(one)[0]["text"] for one in service.syslog.take()]
    assert any(b"3,160 calls scored" in text for text in said)
    found = samples(service.folder / "web.prom")
    assert found["imsafe_calls_total", "worker"] == 3160
    assert found["imsafe_alerts_total", "worker"] == 1
    lines = (service.folder / "alerts.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert kinds.count("alert") == 1
    assert "alert-update" in kinds
    assert not (service.folder / "view").exists()


def allowed_by(unit: Path) -> set[str]:
    """The system calls that the unit's filter lets through, as systemd here resolves it."""
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sets: dict[str, list[str]] = {}
    members: list[str] = []
    for line in text.splitlines():
        if line.startswith("@"):
            members = sets[line.strip()] = []
        elif line.startswith(" ") and "#" not in line:
            members.append(line.strip())

    def calls(name: str) -> set[str]:
        return set().union(*map(calls, sets[name])) if name.startswith("@") else {name}

    allowed: set[str] = set()
    for words in re.findall(r"(?m)^SystemCallFilter=(.*)", unit.read_text(encoding="utf-8")):
        named = set().union(*map(calls, words.removeprefix("~").split()))
        allowed = allowed - named if words.startswith("~") else allowed | named
    return allowed


def test_the_units_filter_lets_it_work(profile_path: Path) -> None:
    """What strace sees of a whole life, with a view for a group and an action, is permitted."""
    import grp

    for name in ("strace", "systemd-analyze"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not here")
    folder = Path(tempfile.mkdtemp(prefix="imsvc-"))
    (folder / "webhook.toml").write_text("url = 'http://127.0.0.1:1/'\n")
    action = folder / "action"
    action.write_text(
        f"#!/bin/sh\nexport IMSAFE_WEBHOOK_SETTINGS={folder}/webhook.toml\n"
        f"exec {sys.executable} {ROOT}/packaging/actions/imsafe-webhook\n"
    )
    action.chmod(0o700)
    log = folder / "strace"
    service = Service(
        folder,
        profile_path,
        f"[actions]\nexecute = '{action}'\n",
        view=f"groups = '{grp.getgrgid(os.getegid()).gr_name}'",
        under=("strace", "-D", "-f", "-o", str(log)),
    )
    try:
        sensor = service.sensor()
        with Window(folder / "view") as window:
            sensor.calls(normal_calls(1500) + strange_calls(60))
            window.until(lambda m: isinstance(m, AlertMessage))
            service.syslog.until(b"not sent to 127.0.0.1")  # what the action said
        service.reload()
        assert service.stop() == 1
        end = time.monotonic() + 60
        ended = re.compile(rf"^{service.process.pid} +\+\+\+ exited", flags=re.MULTILINE)
        while not ended.search(text := log.read_text()):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        service.end()
        shutil.rmtree(folder)
    made = set(re.findall(r"^\d+ +(\w+)\(", text, flags=re.MULTILINE))
    assert {"bind", "connect", "execve"} <= made
    assert made & {"lchown", "fchownat"}  # the view, for its group
    # OpenBLAS asks for memory that is near (mbind), and does without where it may not.
    unit = ROOT / "packaging/systemd/imsafe-monitor@.service"
    assert made - allowed_by(unit) - {"mbind"} == set()


def test_windows_that_come_and_go_lose_no_event(service: Service) -> None:
    """The short form of `bench/attach.py`."""
    sensor = service.sensor()
    random = random_module.Random(7)
    sent, gap = 0, normal_calls(16_000)  # quiet for so long (ms) that the alert closes
    for turn in range(20):
        with Window(service.folder / "view") as window:
            sensor.calls(gap[: random.randrange(15_000, 16_000)])
            sensor.calls(strange_calls(60))
            sent = sensor.now_ns // 1_000_000
            service.syslog.take()  # as a real one would
            if turn % 3:
                window.until(
                    lambda m, n=turn: isinstance(m, AlertMessage) and m.alert["id"] == n + 1
                )
            elif turn % 2:
                window.read()
    service.manager.until(f"{sent:,} calls scored, 20 alerts, 0 calls lost".encode())
    assert service.stop() == 1
    opened = [one for one in service.syslog.take() if b" alert [" in one]
    assert len(opened) == 20


def test_the_journal_takes_it(profile_path: Path, tmp_path: Path) -> None:
    """A real journald in a namespace of mounts gives back what it was given."""
    daemon = Path("/lib/systemd/systemd-journald")
    if os.geteuid() != 0 or not daemon.exists() or not shutil.which("journalctl"):
        pytest.skip("there is no journald, or only root could start one")
    script = """
        mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log || exit 77
        mkdir -p /run/systemd/journal.ims /run/log/journal
        "$1" ims 2>/run/said &
        daemon=$!
        for i in $(seq 100); do [ -S /run/systemd/journal.ims/socket ] && break; sleep 0.1; done
        "$2" -c '
import sys, time
from imsafe.monitor.journal import Journal
from tests.monitor.test_actions import an_alert
journal = Journal("web", "/run/systemd/journal.ims/socket")
journal.alert({**an_alert(), "reason": "x" * 1_000_000})
end = time.monotonic() + 20
while journal.out.waiting and time.monotonic() < end:
    journal.out.flush()
    time.sleep(0.01)
'
        kill -0 $daemon 2>/dev/null || { cat /run/said; exit 78; }  # as without control groups
        for i in $(seq 100); do
            journalctl --namespace=ims -o json --all -t ims-monitor | grep . && break
            sleep 0.1
        done
        kill $daemon && wait $daemon
    """
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", daemon, sys.executable],
        capture_output=True, text=True, check=False, timeout=120, cwd=ROOT,
    )  # fmt: skip
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    if done.returncode == 78:
        pytest.skip(f"journald does not run here: {done.stdout.strip()}")
    entry = json.loads(done.stdout.splitlines()[0])
    assert entry["IMSAFE_APPLICATION"] == "web server"
    assert entry["IMSAFE_PID"] == "100"
    assert json.loads(entry["IMSAFE_ALERT"])["reason"] == "x" * 1_000_000
    assert entry["MESSAGE_ID"] == ALERT_OPENED
