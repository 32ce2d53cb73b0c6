# SPDX-License-Identifier: GPL-3.0-or-later
"""What a score plot shows, as a picture, a drawing or values."""

from __future__ import annotations

import csv
from pathlib import Path

import pyqtgraph as pg
from PyQt6.QtCore import QBuffer, QIODevice, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QImage, QPaintDevice, QPainter
from PyQt6.QtSvg import QSvgGenerator

from imsafe.errors import cannot
from imsafe.gui.score_history import History
from imsafe.monitor.view_protocol import READINGS

_ALL = 10_000_000
_GAP = 16


def picture(view: pg.GraphicsView, legend: list[tuple[str, QColor]], text: QColor) -> QImage:
    """The plot as an image of twice the resolution of the screen.

    Parameters
    ----------
    view
        What holds the plot.
    legend
        The applications that are drawn, with their colours.
    text
        The colour of their names.
    """
    size = _size(view)
    image = QImage(size * 2, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2)
    image.fill(view.backgroundBrush().color())
    _paint(image, view, legend, text)
    return image


def save_picture(
    view: pg.GraphicsView, legend: list[tuple[str, QColor]], text: QColor, path: str, ending: str
) -> bool:
    """Write the plot as PNG or SVG, as `ending` says; False when it cannot be drawn.

    Raises
    ------
    OSError
        The file cannot be written.  (Qt would not say why, and libpng would say it itself.)
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if ending != ".svg":
        drawn = picture(view, legend, text).save(buffer, "PNG")
    else:
        svg = QSvgGenerator()
        svg.setOutputDevice(buffer)
        svg.setSize(_size(view))
        svg.setViewBox(QRect(QPoint(), _size(view)))
        svg.setResolution(view.logicalDpiX())  # the axes keep pictures made for the screen
        svg.setTitle("ImSafe")
        drawn = _paint(svg, view, legend, text)
    if drawn:
        Path(path).write_bytes(buffer.data().data())
    return drawn


def _head(view: pg.GraphicsView) -> int:
    return QFontMetrics(view.font()).height() + 12


def _size(view: pg.GraphicsView) -> QSize:
    return view.size() + QSize(0, _head(view))


def _paint(
    device: QPaintDevice, view: pg.GraphicsView, legend: list[tuple[str, QColor]], text: QColor
) -> bool:
    painter = QPainter()
    if not painter.begin(device):
        return False
    size, head = _size(view), _head(view)
    painter.fillRect(QRect(QPoint(), size), view.backgroundBrush())
    painter.setFont(view.font())
    metrics = QFontMetrics(view.font())
    x = float(_GAP)
    for name, colour in legend:
        painter.fillRect(QRectF(x, head / 2 - 5, 10, 10), colour)
        painter.setPen(text)
        baseline = head / 2 + metrics.ascent() / 2 - 1
        room = round(size.width() - x - 2 * _GAP)
        if room < 3 * _GAP:
            break
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)  # noqa: PLW2901
        painter.drawText(QPointF(x + _GAP, baseline), name)
        x += 2 * _GAP + metrics.horizontalAdvance(name) + _GAP / 2
    view.render(painter, QRectF(0, head, view.width(), view.height()))
    return painter.end()


def save_values(
    history: History, names: dict[int, str], start: float, end: float, path: str
) -> None:
    """Write the scores between two times (s) as comma-separated values.

    They are as fine as they are still kept: of 0.1 s, of 1 s, and so on.

    Raises
    ------
    ImsafeError
        The file cannot be written.
    """
    try:
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                ("time", "seconds", "application", "lowest", "highest", "calls", "highest_at",
                 "pid", "tid", "call", "probability", "reading")
            )  # fmt: skip
            for number, name in names.items():
                band = history.band(number, start, end, _ALL)
                for time, bin_ in zip(band.start.tolist(), band.bins, strict=True):
                    reading = int(bin_["reading"])
                    writer.writerow(
                        (f"{time:.1f}", f"{band.width:g}", name,
                         f"{bin_['minimum']:.6f}", f"{bin_['maximum']:.6f}", int(bin_["calls"]),
                         f"{bin_['time']:.1f}", int(bin_["pid"]), int(bin_["tid"]),
                         history.call(int(bin_["symbol"])), f"{bin_['probability']:.3e}",
                         READINGS[reading] if reading < len(READINGS) else "")
                    )  # fmt: skip
    except OSError as error:
        raise cannot("write", path, error) from error
