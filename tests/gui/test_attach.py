# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Attach: a monitor that runs by itself is found, shown, and left alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from PyQt6.QtWidgets import QMessageBox

from imsafe.gui.attach_dialog import AttachDialog, View, check_view, found_views
from imsafe.gui.device import SensorDevice

from .conftest import SERVICE

LONG = 150_000


@pytest.fixture
def service(short_folder, learned):
    """A monitor that runs as a service, with a traced program, below a folder of services."""
    folder = short_folder / "web"
    folder.mkdir()
    config = short_folder / "web.toml"
    config.write_text(
        f"profile = '{learned[1]}'\nthreshold = 0.99\n"
        f"[source]\nkind = 'command'\ncommand = ['sh', '-c', '''{SERVICE}''', 'x',"
        f" '{short_folder}']\n"
        f"[view]\nsocket = '{folder}/view'\n"
    )
    monitor = subprocess.Popen(
        [sys.executable, "-m", "imsafe.cli.monitor", "--config", str(config)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    yield folder / "view", monitor
    (short_folder / "end").touch()
    if monitor.poll() is None:
        monitor.terminate()
    assert monitor.wait(timeout=60) in (0, 1)


def test_attach_look_and_detach(qtbot, window, settings, service, short_folder):
    view, monitor = service
    qtbot.waitUntil(view.exists, timeout=LONG)
    assert found_views(short_folder) == [View("web", str(view), True)]

    # A device of the window's own is none of the service's business.
    window.watch.open_device(SensorDevice((str(short_folder / "own"),)))
    for turn in range(2):
        window.menus.actions["attach"].trigger()
        (dialog,) = window.findChildren(AttachDialog)
        if turn:
            assert dialog.path == str(view)  # remembered
        else:
            dialog.socket.setText(str(view))
        dialog.buttons.button(dialog.buttons.StandardButton.Ok).click()
        qtbot.waitUntil(lambda: not window.findChildren(AttachDialog), timeout=LONG)
        qtbot.waitUntil(lambda: window.watch.status is not None, timeout=LONG)
        calls = window.watch.status["calls"]
        qtbot.waitUntil(lambda n=calls: window.watch.status["calls"] > n, timeout=LONG)
        qtbot.waitUntil(lambda: window.watch.history.span() is not None, timeout=LONG)
        assert window.watch.attached
        assert not window.menus.actions["attach"].isEnabled()
        assert not window.menus.actions["start"].isEnabled()
        assert window.menus.actions["stop"].text() == "De&tach"
        window.menus.actions["close"].trigger()
        assert len(window.watch.status["sources"]) == 1
        window.menus.actions["stop"].trigger()
        qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
        assert monitor.poll() is None
        assert "Detached; the monitor goes on" in window.messages.toPlainText()
        assert window.menus.actions["stop"].text() == "S&top Monitor"
        assert window.menus.actions["attach"].isEnabled()
    assert not window.findChildren(QMessageBox)
    window.watch.attach(str(view))
    qtbot.waitUntil(lambda: window.watch.status is not None, timeout=LONG)
    sources = window.watch.status["sources"]
    assert [(row["kind"], row["finished"]) for row in sources] == [("command", False)]

    # What is dragged is said to the service, and kept by it alone.
    window.set_threshold(1, 0.5)
    qtbot.waitUntil(lambda: window.watch.application_rows()[0]["threshold"] == 0.5, timeout=LONG)
    assert not window.configuration.applications

    # The service ends: one dialog, and the window goes on.
    monitor.terminate()
    monitor.wait(timeout=60)
    qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=LONG)
    assert window.findChildren(QMessageBox)[0].text() == "The monitor has ended."
    assert window.watch.session is None


def test_what_is_wrong_with_a_view(qtbot, settings, short_folder):
    assert check_view(str(short_folder / "none")).text.startswith("There is no socket ")
    assert check_view("view").text == "view is not a full path: it has to start with /."
    dialog = AttachDialog(settings, services=short_folder)
    qtbot.addWidget(dialog)
    ok = dialog.buttons.button(dialog.buttons.StandardButton.Ok)
    assert dialog.views.item(0).text() == "None was found."
    assert not ok.isEnabled()
    assert dialog.problem.text() == ""
    dialog.socket.setText(str(short_folder / "none"))
    assert "no monitor has its view there" in dialog.problem.text()
    with socket.socket(socket.AF_UNIX) as listener:
        (short_folder / "web").mkdir()
        listener.bind(str(short_folder / "web" / "view"))
        second = AttachDialog(settings, services=short_folder)
        qtbot.addWidget(second)
        assert second.path == str(short_folder / "web" / "view")
        assert second.views.item(0).text().startswith("web ")
        assert second.buttons.button(second.buttons.StandardButton.Ok).isEnabled()


def test_who_may_not_look_is_told_so(qtbot, window, short_folder):
    """A monitor that admits nobody else parts at once."""
    path = short_folder / "view"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        window.watch.attach(str(path))
        connection, _ = listener.accept()
        connection.close()
        qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert box.text() == f"The monitor at {path} does not let you look on."


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
@pytest.mark.usefixtures("open_checkout")
def test_a_socket_of_others_is_not_for_everybody(short_folder):
    """Asked as a user whom the socket is closed to."""
    path = short_folder / "view"
    short_folder.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)
        words = f"from imsafe.gui.attach_dialog import check_view; print(check_view({str(path)!r}))"
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run(
            [*nobody, sys.executable, "-c", words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert "You may not look on at" in done.stdout, done.stderr
    assert "members of the group root may" in done.stdout
