# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that can be read on a light and on a dark desktop."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtGui import QColor, QPalette

_APPLICATIONS_LIGHT = ("#1f5fbf", "#a8500c", "#1b7a3a", "#85389f", "#7d6200", "#0c7278")
_APPLICATIONS_DARK = ("#6fb1ff", "#ffae62", "#6fd68a", "#d794f0", "#e3c94f", "#5fd3d9")


@dataclass(frozen=True, slots=True)
class Colours:
    """What the plots and lists paint with."""

    background: QColor
    text: QColor
    alert: QColor
    lost: QColor
    bar: QColor
    applications: tuple[str, ...]

    def application(self, number: int) -> QColor:
        """The colour of an application, the same wherever it is shown."""
        return QColor(self.applications[(number - 1) % len(self.applications)])


def is_dark(palette: QPalette) -> bool:
    """Whether the desktop's palette is dark."""
    return palette.color(QPalette.ColorRole.Base).lightness() < 128


def colours(palette: QPalette) -> Colours:
    """The colours that fit a palette."""
    background = palette.color(QPalette.ColorRole.Base)
    text = palette.color(QPalette.ColorRole.Text)
    if is_dark(palette):
        return Colours(
            background, text, QColor("#ff7070"), QColor(255, 200, 80, 70),
            QColor("#2f5586"), _APPLICATIONS_DARK,
        )  # fmt: skip
    return Colours(
        background, text, QColor("#b71c2b"), QColor(200, 120, 0, 60),
        QColor("#9cc3f5"), _APPLICATIONS_LIGHT,
    )  # fmt: skip
