# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a window is at first: as it is pleasant, and never larger than its screen."""

from __future__ import annotations

from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QWidget

FRAME = QSize(16, 48)
"""Room for what a desktop puts around a window."""


def resize_to_fit(window: QWidget, width: int, height: int) -> None:
    """Resize a window that is not shown yet, to less than that on a small screen."""
    screen = window.screen()
    room = screen.availableGeometry().size() - FRAME if screen is not None else QSize()
    wanted = QSize(width, height)
    window.resize(wanted.boundedTo(room) if room.isValid() else wanted)
