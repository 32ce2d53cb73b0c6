# SPDX-License-Identifier: GPL-3.0-or-later
"""The window: Qt, its platform plugin, the libraries that it wants, a display."""

from __future__ import annotations

import os
import sys
from typing import Literal

from imsafe.cli.check.finding import Finding, python_says
from imsafe.cli.distribution import QT_LIBRARIES, this_distribution


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


_START_QT = """
from PyQt6.QtGui import QGuiApplication
import pyqtgraph
application = QGuiApplication([])
print(application.platformName())
"""

_FIND_LIBRARIES = """
missing = []
for name in {names!r}:
    try:
        ctypes.CDLL(name)
    except OSError:
        missing.append(name)
print(*missing)
"""


def window() -> Finding:
    """Whether Qt starts, on the display or in memory; which libraries X11 would need."""
    _, found = python_says(f"exec({_FIND_LIBRARIES.format(names=QT_LIBRARIES)!r})")
    missing = [name for name in found.split() if name in QT_LIBRARIES]
    needed: Literal["missing", "note"] = "missing" if _has_display() else "note"
    if missing:
        mend = this_distribution().install(missing)
        detail = "these libraries are not installed: " + ", ".join(missing)
        return Finding("Window", needed, detail, mend)
    environment = {} if _has_display() else {"QT_QPA_PLATFORM": "offscreen"}
    status, output = python_says(f"exec({_START_QT!r})", environment=environment)
    if status:
        pip = f"{sys.executable} -m pip install --upgrade PyQt6 pyqtgraph"
        return Finding("Window", needed, f"Qt does not start: {output}", pip)
    return Finding("Window", "works", f"Qt starts with its platform plugin {output}")


def display() -> Finding:
    """Where the window would be shown."""
    name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if name:
        return Finding("Display", "works", name)
    mend = "ssh -X, or " + this_distribution().install(["xvfb"]) + "; xvfb-run imsafe"
    return Finding("Display", "note", "none: only the window needs one", mend)
