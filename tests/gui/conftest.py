# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the window run without a display, and leave the user's settings alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

SERVICE = """
while [ -d "$1" ] && [ ! -e "$1/end" ]; do
    cat /etc/hostname > /dev/null
    if [ -e "$1/attack" ]; then
        rm "$1/attack"
        ls -lR /usr/share/doc > /dev/null
    fi
    sleep 0.02
done
"""
"""A small service; a file in its folder makes it do what it has never done."""


def pytest_collection_modifyitems(items):
    """Ignore what Qt says of itself; any other warning fails a test."""
    for item in items:
        if "/gui/" in str(item.path):
            item.add_marker(
                pytest.mark.qt_log_ignore(
                    "This plugin does not support",
                    # QTBUG: Qt 6.11 says this of itself whenever a QLocalSocket closes.
                    "wildcard call disconnects from destroyed signal of QNativeSocketEngine",
                )
            )


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Settings and black boxes of the tests' own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def qapp(qapp):
    """The application object, which speaks English whatever the machine's language is."""
    from imsafe.gui.language import speak

    speak(qapp, ["en"])
    return qapp


@pytest.fixture
def qtbot(qtbot):
    """Has Qt take the windows away while Python has them: plots do not bear the other order."""
    from PyQt6.QtCore import QCoreApplication, QEvent
    from PyQt6.QtWidgets import QWhatsThis

    kept, add = [], qtbot.addWidget

    def add_widget(widget, **more):
        kept.append(widget)
        add(widget, **more)

    qtbot.addWidget = add_widget
    yield qtbot
    QWhatsThis.leaveWhatsThisMode()  # the next click, in another test, would be for it
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def settings(tmp_path):
    from imsafe.gui.settings import Settings

    return Settings(tmp_path / "settings.ini")


@pytest.fixture
def short_folder():
    """A folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="imsgui-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def window(qtbot, settings):
    """A main window; its children end with it."""
    from PyQt6.QtWidgets import QDialog

    from imsafe.gui.main_window import MainWindow

    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    yield made
    for dialog in made.findChildren(QDialog):
        dialog.close()
    made.close()
    assert made.watch.session is None
    assert not made.watch.program_running


def run(program, *arguments):
    """Run an `ims-*` program to its end."""
    done = subprocess.run(
        [sys.executable, "-m", f"imsafe.cli.{program}", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def service_argv(short_folder):
    """The small service as a command."""
    return ("sh", "-c", SERVICE, "service", str(short_folder))


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """A trace of the small service's normal work, and the profile learned from it."""
    folder = tmp_path_factory.mktemp("learned")
    trace, profile = folder / "normal.imt", folder / "service.db"
    end = threading.Timer(8.0, (folder / "end").touch)
    end.start()
    run("trace", "-o", trace, "--", "sh", "-c", SERVICE, "service", folder)
    end.join()
    run("learn", "-o", profile, trace)
    return trace, profile
