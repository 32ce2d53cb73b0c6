# SPDX-License-Identifier: GPL-3.0-or-later
"""The window: Qt, its platform plugin, the libraries that it wants, a display."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Literal

from imsafe.cli.check.finding import Finding, python_says
from imsafe.cli.distribution import QT_LIBRARIES, install_for_python, this_distribution

WINDOW_PACKAGES = ("PyQt6", "pyqtgraph")
"""The Python packages that only the window needs; a server does without."""


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def needed_here() -> Literal["missing", "note"]:
    """What it is that the window does not work: with a display, it would be shown."""
    return "missing" if _has_display() else "note"


_START_QT = """
from PyQt6.QtGui import QGuiApplication
import pyqtgraph
application = QGuiApplication([])
print(application.platformName())
"""

_FIND_LIBRARIES = """
import ctypes
missing = []
for name in {names!r}:
    try:
        ctypes.CDLL(name)
    except OSError:
        missing.append(name)
print(*missing)
"""


def window() -> Finding:
    """Whether Qt starts, on the display or in memory; if not, what it lacks."""
    lacking = [name for name in WINDOW_PACKAGES if find_spec(name) is None]
    if lacking:
        detail = f"it needs {' and '.join(lacking)}"
        return Finding("Window", needed_here(), detail, install_for_python(lacking))
    environment = {} if _has_display() else {"QT_QPA_PLATFORM": "offscreen"}
    status, output = python_says(f"exec({_START_QT!r})", environment=environment)
    if not status:
        return Finding("Window", "works", f"Qt starts with its platform plugin {output}")
    _, found = python_says(f"exec({_FIND_LIBRARIES.format(names=QT_LIBRARIES)!r})")
    missing = [name for name in found.split() if name in QT_LIBRARIES]
    detail = f"Qt does not start: {output}"
    if not missing:
        return Finding("Window", needed_here(), detail, install_for_python(WINDOW_PACKAGES))
    detail += f"; these libraries are not installed: {', '.join(missing)}"
    return Finding("Window", needed_here(), detail, this_distribution().install(missing))


def display() -> Finding:
    """Where the window would be shown."""
    name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if name:
        return Finding("Display", "works", name)
    mend = "ssh -X, or " + this_distribution().install(["xvfb"]) + "; xvfb-run imsafe"
    return Finding("Display", "note", "none: only the window needs one", mend)
