# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds the curves of a score plot: the legend, the box beside the mouse, zooming."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QPoint, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QColor, QIcon, QPainter, QPalette, QPixmap
from PyQt6.QtWidgets import QFrame, QLabel, QToolBar, QVBoxLayout, QWidget

ZOOM = 1.25
"""By how much one notch of the wheel, or one key, zooms."""

_NOTCH = 120.0


class TimeBox(pg.ViewBox):
    """A view in which the wheel zooms in time, and dragging, or Shift and the wheel, scrolls.

    Signals
    -------
    zoomed(float, float)
        By what factor the view shall be wider, and around which time (s).
    scrolled(float)
        By how many of its widths the view shall move.
    """

    zoomed = pyqtSignal(float, float)
    scrolled = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(x=True, y=False)

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: D102
        ev.accept()
        if axis == 1:
            return  # over the score's axis: it always shows 0 to 1
        notches = ev.delta() / _NOTCH
        sideways = ev.orientation() == Qt.Orientation.Horizontal
        if sideways or ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.scrolled.emit(-notches / 10)
        else:
            self.zoomed.emit(ZOOM**-notches, self.mapSceneToView(ev.scenePos()).x())

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: D102
        ev.accept()
        if axis == 1 or ev.button() != Qt.MouseButton.LeftButton:
            return
        moved = self.mapSceneToView(ev.lastScenePos()) - self.mapSceneToView(ev.scenePos())
        low, high = self.viewRange()[0]
        self.scrolled.emit(moved.x() / (high - low))


class Legend(QToolBar):
    """The applications with their colours; each can be shown or hidden.

    What does not fit is behind the bar's own button for more.

    Signals
    -------
    toggled()
        Another set of applications is shown.
    """

    toggled = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(12, 12))
        self.setMovable(False)
        self.setContentsMargins(0, 0, 0, 0)
        self.setAccessibleName(self.tr("Applications on the plot"))
        self._applications: dict[int, QAction] = {}

    def set_applications(self, names: dict[int, str], colours: dict[int, QColor]) -> None:
        """Show these, by number."""
        for number in self._applications.keys() - names.keys():
            action = self._applications.pop(number)
            self.removeAction(action)
            action.deleteLater()
        for number, name in sorted(names.items()):
            known = self._applications.get(number)
            if known is None:
                known = self._applications[number] = QAction(self)
                known.setCheckable(True)
                known.setChecked(True)
                known.toggled.connect(self.toggled)
                self.addAction(known)
            known.setText(name.replace("&", "&&"))
            known.setIcon(_swatch(colours[number], self.devicePixelRatioF()))
            known.setToolTip(self.tr("Show or hide {0}").format(name.replace("<", "&lt;")))

    def is_shown(self, number: int) -> bool:
        """Whether an application is to be drawn."""
        action = self._applications.get(number)
        return action is None or action.isChecked()

    def toggle(self, number: int) -> None:
        """Show an application if it is hidden, hide it if it is shown."""
        self._applications[number].toggle()


def _swatch(colour: QColor, ratio: float) -> QIcon:
    """A filled square for what is shown, an empty one for what is hidden."""
    icon = QIcon()
    for state, fill in ((QIcon.State.On, colour), (QIcon.State.Off, QColor(0, 0, 0, 0))):
        picture = QPixmap(QSize(12, 12) * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colour)
        painter.setBrush(fill)
        painter.drawRoundedRect(1, 1, 10, 10, 2, 2)
        painter.end()
        icon.addPixmap(picture, QIcon.Mode.Normal, state)
        icon.addPixmap(picture, QIcon.Mode.Active, state)
    return icon


class HoverBox(QFrame):
    """Tells beside the mouse what is there; lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setForegroundRole(QPalette.ColorRole.ToolTipText)
        self.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.RichText)
        self._label.setForegroundRole(QPalette.ColorRole.ToolTipText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self._label)
        self.hide()

    def tell(self, html: str, beside: QPoint) -> None:
        """Show a text, beside a point of the parent; nothing hides the box."""
        parent = self.parentWidget()
        if not html or parent is None:
            self.hide()
            return
        if html != self._label.text():
            self._label.setText(html)
        self.resize(self.sizeHint())
        room = parent.size() - self.size()
        x = beside.x() + 16
        if x > room.width():
            x = beside.x() - 16 - self.width()
        y = min(max(beside.y() - self.height() - 12, 0), max(room.height(), 0))
        self.move(max(x, 0), y)
        self.show()
        self.raise_()


class EmptyText(QLabel):
    """What to do first, in the middle of a plot that has nothing to show."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setOpenExternalLinks(False)
        # The lines of the grid would run through the words.
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.setMargin(8)
        parent.installEventFilter(self)

    def eventFilter(self, watched: Any, event: QEvent | None) -> bool:  # noqa: D102
        if event is not None and event.type() == QEvent.Type.Resize:
            self.place()
        return super().eventFilter(watched, event)

    def place(self) -> None:
        """Take the middle of the parent."""
        parent = self.parentWidget()
        if parent is None:
            return
        room = max(parent.width() - 40, 1)
        width = min(720, room)
        height = self.heightForWidth(width)
        if height > parent.height():  # a low plot may be wide
            width, height = room, self.heightForWidth(room)
        left = (parent.width() - width) // 2
        self.setGeometry(left, max(0, (parent.height() - height) // 2 - 20), width, height)
