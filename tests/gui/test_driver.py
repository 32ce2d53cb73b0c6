# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Connect to driver: the dialog, the device that it makes, and real work with the tracer."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QDialogButtonBox, QMessageBox

from imsafe.cli import common
from imsafe.gui import lookout
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.device import AUTO, KernelDevice, SensorDevice, TraceDevice
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.sources.kernel_request import KernelRequest, Target
from imsafe.stream.traces import open_trace

from .conftest import SERVICE

LONG = 90_000
WHY_NOT = (
    "the numbers are those of x86_64" if platform.machine() != "x86_64"
    else "only root may load BPF programs" if os.geteuid() != 0
    else "" if Path("/usr/lib/python3/dist-packages/bcc").is_dir()
    else "python3-bpfcc is not here"
)  # fmt: skip
needs_the_kernel = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def asked(window):
    """The dialog, asked for by its menu item."""
    window.menus.actions["driver"].trigger()
    return window.findChildren(DriverDialog)[-1]


def ok(dialog):
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)


def choose(dialog, kind, text):
    dialog.kind.setCurrentIndex(dialog.kind.findData(kind))
    dialog._field(kind).setText(text)


@pytest.fixture
def sleepers(short_folder):
    """Two processes of a name that nobody else has."""
    program = short_folder / "ims2sleeper-with-a-long-name"
    shutil.copy("/bin/sleep", program)
    processes = [subprocess.Popen([program, "1000"]) for _ in range(2)]
    yield program, [process.pid for process in processes]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("name", "", "at least one application"),
        ("name", "sbin/nginx", "base name"),
        ("name", "x" * 300, "longer than 255 bytes"),
        ("path", "nginx", "start with /"),
        ("path", "/no/such/program", "no program"),
        ("path", "/etc/passwd", "not executable"),
        ("pid", "nginx", "not a process number"),
        ("pid", "4194303", "no process"),
        ("unit", "a/b", "not the unit"),
        ("cgroup", "/tmp", "control groups"),
    ],
)
def test_mistakes_are_said_while_one_types(window, kind, text, words):
    dialog = asked(window)
    choose(dialog, kind, text)
    assert words in dialog.problem.text()
    assert not ok(dialog).isEnabled()
    assert not dialog.add.isEnabled()
    choose(dialog, "name", "nginx")
    assert dialog.problem.text() == ""
    assert ok(dialog).isEnabled()


def test_mistakes_in_the_device_name(window, short_folder):
    dialog = asked(window)
    choose(dialog, "name", "nginx")
    assert dialog.device_name.currentText() == AUTO
    for text, words in (
        ("", "auto, or the full path"),
        ("tracer", "auto, or the full path"),
        (str(short_folder / "none"), "no socket"),
        (str(short_folder), "no socket"),
    ):
        dialog.device_name.setEditText(text)
        assert words in dialog.problem.text()
        assert not ok(dialog).isEnabled()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_folder / "t"))
        dialog.device_name.setEditText(str(short_folder / "t"))
        assert dialog.problem.text() == ""
        assert dialog.device().device == str(short_folder / "t")


def test_a_number_means_a_process_that_has_started(window):
    dialog = asked(window)
    choose(dialog, "pid", str(os.getpid()))
    assert ok(dialog).isEnabled()
    dialog.not_yet.setChecked(True)
    assert "has started already" in dialog.problem.text()
    assert not ok(dialog).isEnabled()


def test_several_applications_are_listed_and_remembered(window):
    dialog = asked(window)
    choose(dialog, "name", "nginx")
    dialog.add.click()
    choose(dialog, "path", sys.executable)
    dialog.add.click()
    choose(dialog, "name", "nginx")
    dialog.add.click()  # it is there already
    choose(dialog, "pid", str(os.getpid()))
    dialog.add.click()
    assert dialog.targets.count() == 3
    choose(dialog, "unit", "cron.service")
    dialog.targets.setCurrentRow(0)
    assert dialog.remove.isEnabled()
    dialog.remove.click()
    choose(dialog, "name", "php-fpm, worker")
    dialog.execve.setChecked(False)
    ok(dialog).click()
    assert window.watch.device == KernelDevice(
        KernelRequest(
            (
                Target("path", sys.executable),
                Target("pid", str(os.getpid())),
                Target("name", "php-fpm, worker"),
            ),
            follow_exec=False,
        )
    )
    assert not window.menus.actions["driver"].isEnabled()
    window.watch.close_device()
    again = asked(window)
    assert [target.value for target in again._listed()] == [sys.executable, "php-fpm, worker"]
    assert not again.execve.isChecked()
    assert not again.not_yet.isChecked()
    assert again.device_name.currentText() == AUTO


def test_one_application_is_remembered_in_the_field(window):
    dialog = asked(window)
    choose(dialog, "unit", "cron.service")
    dialog.not_yet.setChecked(True)
    dialog.accept()
    window.watch.close_device()
    again = asked(window)
    assert again._chosen_kind() == "unit"
    assert again._field("unit").text() == "cron.service"
    assert again.targets.count() == 0
    assert again.not_yet.isChecked()
    window.settings.set_texts("driver/targets", ["--shell=rm"])
    again.reject()
    assert asked(window).targets.count() == 0


def test_running_processes_are_counted_and_proposed(qtbot, window, sleepers):
    program, pids = sleepers
    dialog = asked(window)
    choose(dialog, "name", program.name)
    qtbot.waitUntil(lambda: "2 running processes match" in dialog.count.text(), timeout=LONG)
    for pid in pids:
        assert f"({pid})" in dialog.count.text()
        assert f"({pid})  {program}" in dialog.count.toolTip()
    for kind, text in (("name", "SLEEPER-WITH"), ("path", "sleeper-with")):
        completer = dialog._field(kind).completer()
        completer.setCompletionPrefix(text)
        assert completer.completionCount() == 1
        assert completer.currentCompletion() == (program.name if kind == "name" else str(program))
    # Typed whole it needs no proposal, whose list would take the next click for itself.
    field, popup = dialog._field("name"), dialog._field("name").completer().popup()
    field.clear()
    qtbot.keyClicks(field, program.name[:-1])
    qtbot.wait(50)
    assert popup.isVisible()
    qtbot.keyClicks(popup, program.name[-1])
    qtbot.waitUntil(lambda: not popup.isVisible(), timeout=LONG)
    assert field.text() == program.name
    dialog.not_yet.setChecked(True)
    qtbot.waitUntil(lambda: "only those that start later" in dialog.count.text(), timeout=LONG)
    dialog.not_yet.setChecked(False)
    choose(dialog, "pid", str(pids[0]))
    qtbot.waitUntil(lambda: "1 running process matches" in dialog.count.text(), timeout=LONG)
    choose(dialog, "name", "nobody-is-called-so")
    qtbot.waitUntil(lambda: "No running process matches" in dialog.count.text(), timeout=LONG)
    assert dialog.count.toolTip() == ""


def test_looking_at_processes_does_not_hold_the_window_up(qtbot, window, monkeypatch):
    def slow(request):
        time.sleep(1.0)
        return lookout.View(request=request)

    monkeypatch.setattr(lookout, "look", slow)
    dialog = asked(window)
    longest, before = 0.0, time.monotonic()
    for letter in range(40):
        choose(dialog, "name", "n" * letter or "a")
        qtbot.wait(20)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert longest < 0.5
    dialog.reject()
    assert not dialog._lookout._looker.isRunning()


def test_what_cannot_be_matched_is_said(qtbot, window, monkeypatch):
    def without_groups(request):
        return lookout.View(request=request, problem="There are no control groups here.")

    monkeypatch.setattr(lookout, "look", without_groups)
    dialog = asked(window)
    choose(dialog, "unit", "cron.service")
    qtbot.waitUntil(lambda: "no control groups" in dialog.problem.text(), timeout=LONG)
    assert not ok(dialog).isEnabled()


def test_every_field_can_be_found_without_a_mouse(window):
    dialog = asked(window)
    mnemonics = []
    for widget in (dialog.add, dialog.remove, dialog.execve, dialog.not_yet, ok(dialog)):
        assert "&" in widget.text()
        mnemonics.append(widget.text().partition("&")[2][0].lower())
    assert len(set(mnemonics)) == len(mnemonics)
    for widget in (dialog.device_name, dialog.kind, dialog.targets, *dialog._edits.values()):
        assert widget.accessibleName()
        assert widget.toolTip()
    for widget in (dialog.device_name, dialog.execve, dialog.not_yet, *dialog._edits.values()):
        assert widget.whatsThis()


def test_root_is_advised_once(window, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    first = asked(window)
    assert first.advice.isVisible()
    first.reject()
    assert not asked(window).advice.isVisible()
    assert not window.findChildren(QMessageBox)


def test_nobody_else_is_advised(window, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not asked(window).advice.isVisible()


@pytest.mark.parametrize(
    "device",
    [
        KernelDevice(KernelRequest((Target("name", "nginx"),))),
        KernelDevice(
            KernelRequest(
                (
                    Target("name", "-rf"), Target("path", "/usr/bin/a b"), Target("unit", "cron"),
                    Target("cgroup", "/sys/fs/cgroup/x"), Target("pid", "7"),
                ),
                follow_exec=False, not_yet_started=True, ring_size=1 << 20, simulate_loss=7,
            ),
            "/run/imsafe/tracer",
        ),
    ],
)  # fmt: skip
def test_the_device_as_options_and_as_requests(device):
    parser = common.Parser("ims-test", "test", "")
    common.add_source_options(parser)
    (source,) = common.sources_from(parser.parse_args(device.source_options()))
    assert source._request == device.request
    assert source._device == device.device
    (request,) = device.source_requests()
    assert KernelRequest.from_words(request["words"]) == device.request
    assert (request["kind"], request["device"]) == ("driver", device.device)
    assert str(device).endswith(" (by the kernel tracer)")


# With a monitor.


@pytest.fixture
def configured(window, learned):
    """The window with the small service's profile, learned under ptrace, configured."""
    window.configuration = Configuration([WatchedApplication("", str(learned[1]), 0.5)])
    window._keep_configuration()
    return window


def connect(window, kind, text, *, device=AUTO):
    dialog = asked(window)
    choose(dialog, kind, text)
    dialog.device_name.setEditText(device)
    assert dialog.problem.text() == ""
    ok(dialog).click()


def calls(window):
    return window.watch.status["calls"] if window.watch.status else 0


def start(qtbot, window):
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(lambda: window.watch.status is not None, timeout=LONG)


def stop(qtbot, window):
    window.menus.actions["stop"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)


@pytest.fixture
def service(short_folder):
    """The small service under a name of its own, and its folder."""
    program = short_folder / "ims2service"
    shutil.copy("/bin/sh", program)
    process = subprocess.Popen([program, "-c", SERVICE, "service", short_folder])
    yield process, short_folder
    (short_folder / "end").touch()
    process.wait(20)


@needs_the_kernel
def test_a_service_is_watched_attacked_and_let_go(qtbot, configured, service):
    window, (process, folder) = configured, service
    connect(window, "name", "ims2service")
    start(qtbot, window)
    qtbot.waitUntil(lambda: calls(window) > 1000, timeout=LONG)
    (row,) = window.watch.status["sources"]
    assert (row["kind"], row["name"], row["problem"]) == ("driver", "ims2service", "")
    assert "ims2service: tracing" in window.status_line.source.text()
    said = window.messages.toPlainText()
    assert "learned with the ptrace tracer, watched with the kernel tracer" in said
    (folder / "attack").touch()
    qtbot.waitUntil(
        lambda: any(alert["comm"] == "ls" for alert in window.alerts), timeout=LONG
    )  # fmt: skip
    window.menus.actions["close"].trigger()
    qtbot.waitUntil(lambda: window.watch.status["sources"] == [], timeout=LONG)
    before = calls(window)
    assert process.poll() is None
    connect(window, "path", str(folder / "ims2service"))
    qtbot.waitUntil(lambda: calls(window) > before + 500, timeout=LONG)
    assert window.watch.status["lost"] == 0
    assert not window.findChildren(QMessageBox)
    stop(qtbot, window)
    assert process.poll() is None


def test_the_device_is_changed_before_the_monitor_answers(qtbot, configured, learned, short_folder):
    window = configured
    window.watch.open_device(KernelDevice(KernelRequest((Target("name", "nobody-is-it"),))))
    window.menus.actions["start"].trigger()
    assert not window.watch.session.connected
    window.watch.close_device()
    window.watch.open_device(TraceDevice(str(learned[0])))
    qtbot.waitUntil(lambda: calls(window) > 1000, timeout=LONG)
    assert [row["kind"] for row in window.watch.status["sources"]] == ["replay"]
    stop(qtbot, window)
    window.watch.close_device()
    path = short_folder / "s"
    window.watch.open_device(SensorDevice((str(path),)))
    window.menus.actions["start"].trigger()
    window.watch.close_device()
    qtbot.waitUntil(lambda: window.watch.status is not None, timeout=LONG)
    qtbot.waitUntil(lambda: window.watch.status["sources"] == [], timeout=LONG)
    assert not path.exists()
    assert not window.findChildren(QMessageBox)
    stop(qtbot, window)


@needs_the_kernel
def test_loss_in_the_kernel_is_shown(qtbot, configured, service):
    window = configured
    request = KernelRequest((Target("name", "ims2service"),), simulate_loss=200)
    window.watch.open_device(KernelDevice(request))
    start(qtbot, window)
    qtbot.waitUntil(lambda: window.watch.status["lost"] > 20, timeout=LONG)
    assert window.status_line.lost.text() == f"{window.watch.status['lost']} lost"
    qtbot.waitUntil(lambda: window.watch.gaps != [], timeout=LONG)
    assert window.plot._gaps._gaps != []
    (row,) = window.watch.status["sources"]
    assert row["lost"] >= 20
    stop(qtbot, window)
    assert not window.findChildren(QMessageBox)


@needs_the_kernel
def test_the_device_is_recorded_without_a_monitor(qtbot, window, service, tmp_path):
    connect(window, "name", "ims2service")
    trace = tmp_path / "kernel.imt"
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    assert dialog.device.text() == "ims2service (by the kernel tracer)"
    dialog.output.set_path(str(trace))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._totals.get("calls", 0) > 500, timeout=LONG)
    dialog.stop.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=LONG)
    assert str(trace) in dialog.said.text()
    reader = open_trace(trace)
    tracers = [item.meta["tracer"] for _, item in reader if hasattr(item, "meta")]
    reader.close()
    assert tracers == ["ims-trace", "kernel"]
    assert not window.findChildren(QMessageBox)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's socket is a tracer's")
def test_a_tracer_that_does_not_begin(qtbot, configured, short_folder):
    window, path = configured, short_folder / "tracer"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        connect(window, "name", "nginx", device=str(path))
        start(qtbot, window)
        accepted = []
        thread = threading.Thread(target=lambda: accepted.append(listener.accept()[0]))
        thread.start()
        thread.join(30)
        qtbot.waitUntil(
            lambda: window.status_line.state.text() == "Starting the kernel tracer", timeout=LONG
        )
        assert "Waiting for system calls" in window.plot.empty_text()
        assert "nginx" in window.plot.empty_text()
        accepted[0].close()
    qtbot.waitUntil(lambda: window.findChildren(QMessageBox) != [], timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert "ended before it began" in box.text()
    qtbot.waitUntil(lambda: "failed" in window.status_line.source.text(), timeout=LONG)
    assert "ended before it began" in window.plot.empty_text()
    assert "ended before it began" in window.messages.toPlainText()
    for _ in range(3):  # each says that it has failed
        with qtbot.waitSignal(window.watch.session.status, timeout=LONG):
            pass
    assert len(window.findChildren(QMessageBox)) == 1, "it is said once"
    assert window.watch.session.running
    window.menus.actions["close"].trigger()
    qtbot.waitUntil(lambda: window.watch.status["sources"] == [], timeout=LONG)
    stop(qtbot, window)


def test_awaited_permission_is_shown(window):
    window.watch.device = KernelDevice(KernelRequest((Target("name", "nginx"),)))
    session = {"child": object(), "connected": True, "behind": False}
    window.watch.session = type("Session", (), session)()
    row = {
        "number": 1, "kind": "driver", "name": "nginx", "state": "waiting for permission",
        "calls": 0, "lost": 0, "streams": 0, "finished": False, "problem": "", "stopped": 0,
    }  # fmt: skip
    try:
        window.watch._take_status({
            "time": 1.0, "state": "waiting", "rate": 0.0, "calls": 0, "lost": 0, "alerts": 0,
            "open_alerts": 0, "log": None, "recording": None, "recorded_bytes": 0,
            "actions_held_back": 0, "applications": [], "sources": [row],
        })  # fmt: skip
        assert window.status_line.state.text() == "Waiting for permission"
        assert window.status_line.source.text() == "nginx: waiting for permission"
        assert "asked for a password" in window.plot.empty_text()
    finally:
        window.watch.session = None
