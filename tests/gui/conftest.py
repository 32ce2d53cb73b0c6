# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the window run without a display, and leave the user's settings alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"


def pytest_collection_modifyitems(items):
    """Ignore what Qt's offscreen plugin says of itself; any other warning fails a test."""
    for item in items:
        if "/gui/" in str(item.path):
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


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
