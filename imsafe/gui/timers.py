# SPDX-License-Identifier: GPL-3.0-or-later
"""Timers in one line."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer


def timer(
    parent: QObject, milliseconds: int, slot: Callable[[], object], *, single: bool = False
) -> QTimer:
    """Make a timer that calls `slot`; it is not started."""
    made = QTimer(parent)
    made.setInterval(milliseconds)
    made.setSingleShot(single)
    made.timeout.connect(slot)
    return made
