# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the icon's sizes from its SVG: .venv/bin/python tools/render_icons.py."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication, QImage, QPainter
from PyQt6.QtSvg import QSvgRenderer

FOLDER = Path(__file__).resolve().parent.parent / "imsafe" / "gui" / "icons"
SIZES = (16, 24, 32, 48, 64, 128, 256)


def main() -> None:
    application = QGuiApplication([])
    renderer = QSvgRenderer(str(FOLDER / "org.imsafe.ImSafe.svg"))
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        image.save(str(FOLDER / f"{size}.png"))
    del application


if __name__ == "__main__":
    main()
