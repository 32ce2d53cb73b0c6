# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree as boxes for the eye: a column for each call of a sequence, the height how often.

Icicle plot, after Kruskal and Landwehr (1983), "Icicle plots: better displays for hierarchical
clustering"; as flame graphs, lying on their side so that the names of calls can be read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from imsafe.gui.colours import colours
from imsafe.gui.sequence_tree import ROOT, ComparedTree, SequenceTree
from imsafe.gui.share_bars import shift_colour
from imsafe.gui.tree_model import TreeModel
from imsafe.words import grouped

_LOWEST = 2.0
"""Pixels; what would be lower is one box with its like."""


class Box(NamedTuple):
    """Where a sequence is drawn; `rarer` counts the sequences of a box of many, else 0."""

    node: int
    area: QRectF
    rarer: int = 0


class Boxes(QWidget):
    """The boxes below one node.

    Attributes
    ----------
    focus
        The node in the first column.
    current
        The chosen node.

    Signals
    -------
    chosen(int), zoomed(int)
        Another current node; another focus.
    """

    chosen = pyqtSignal(int)
    zoomed = pyqtSignal(int)

    def __init__(self, model: TreeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.focus = self.current = ROOT
        self._hovered = -1
        self._boxes: list[Box] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Sequences as boxes"))
        self.setWhatsThis(
            self.tr("Each column is one call further in the sequence; the higher a box, the more"
                    " often the sequence was seen. Click a box to see what comes after it, the"
                    " first column to go back. The arrow keys move, Enter zooms in, Backspace out.")
        )  # fmt: skip

    @property
    def _tree(self) -> SequenceTree:
        return self._model.tree

    def refresh(self) -> None:
        """The tree or what it shows has changed."""
        nodes = len(self._tree)
        if self.focus > nodes or not self._tree.is_shown(self.focus):
            self.focus = ROOT
        if self.current > nodes:
            self.current = ROOT
        self._boxes = None
        self.update()

    def zoom(self, node: int) -> None:
        """Put a node into the first column."""
        if node != self.focus:
            self.focus = node
            self._boxes = None
            self.update()
            self.zoomed.emit(node)

    def choose(self, node: int) -> None:
        """Make a node the current one."""
        if node != self.current:
            self.current = node
            self.setAccessibleDescription(self._model.about(node))
            self.update()
            self.chosen.emit(node)

    def show_node(self, node: int) -> None:
        """Make a node the current one, with its surroundings in view."""
        self._bring(node)
        self.choose(node)

    def _bring(self, node: int) -> None:
        """Zoom so that a node's box is drawn."""
        tree = self._tree
        if self.focus in {ROOT, *tree.line(node)} and self._box(node) is not None:
            return
        self.zoom(tree.parent(node))
        if self._box(node) is None:  # one of the rarest there
            self.zoom(node)

    def sizeHint(self) -> QSize:  # noqa: D102
        return QSize(720, 420)

    # Layout

    def boxes(self) -> list[Box]:
        """What is drawn now."""
        if self._boxes is None:
            self._boxes = self._lay_out()
        return self._boxes

    def _lay_out(self) -> list[Box]:
        tree, height = self._tree, float(self.height())
        depth = len(tree.line(self.focus))
        # The start needs little room: it is no call.
        first = 0.6 if self.focus == ROOT else 1.0
        width = self.width() / (first + max(1, tree.depth - depth))
        found: list[Box] = []
        whole = max(tree.mass(self.focus), 1e-300)
        todo = [(self.focus, QRectF(0, 0, first * width, height))]
        while todo:
            node, area = todo.pop()
            found.append(Box(node, area))
            children = tree.children(node)
            children = children[np.argsort(-tree.weight[children], kind="stable")]
            top, left = area.top(), area.right()
            for place, child in enumerate(children.tolist()):
                size = height * tree.mass(child) / whole
                if size < _LOWEST:
                    rest = children[place:]
                    size = height * float(tree.weight[rest].sum())
                    size /= whole * max(float(tree.weight[ROOT]), 1e-300)
                    if size >= 1:
                        found.append(Box(node, QRectF(left, top, width, size), len(rest)))
                    break
                todo.append((child, QRectF(left, top, width, size)))
                top += size
        return found

    def _box(self, node: int) -> Box | None:
        return next((box for box in self.boxes() if box.node == node and not box.rarer), None)

    def _at(self, x: float, y: float) -> Box | None:
        return next((box for box in self.boxes() if box.area.contains(x, y)), None)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: D102
        self._boxes = None
        super().resizeEvent(event)

    # Painting

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: D102
        painter = QPainter(self)
        palette = self.palette()
        painter.fillRect(self.rect(), palette.base())
        edge = palette.base().color()
        metrics = self.fontMetrics()
        for box in self.boxes():
            area = box.area.adjusted(0, 0, -1, -1 if box.area.height() > 4 else -0.5)
            fill = self._colour(box)
            painter.fillRect(area, fill)
            if area.height() < metrics.height() - 2:
                continue
            painter.setPen(_ink(fill))
            words = self._words(box)
            inside = area.adjusted(5, 0, -3, 0)
            text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(inside.width()))
            painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, text)
        for node, colour, width in (
            (self._hovered, palette.text().color(), 1.0),
            (self.current, palette.text().color(), 2.5),
        ):
            if node > ROOT and (found := self._box(node)) is not None:
                painter.setPen(QPen(edge, width + 2))
                around = found.area.adjusted(1, 1, -2, -2)
                painter.drawRect(around)
                painter.setPen(QPen(colour, width))
                painter.drawRect(around)
        if self.hasFocus():
            painter.setPen(QPen(palette.highlight().color(), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _words(self, box: Box) -> str:
        if box.rarer:
            return self.tr("{0} rarer", "", box.rarer).format(grouped(box.rarer))
        if box.node == ROOT:
            return self.tr("start")
        return self._tree.call(box.node)

    def _colour(self, box: Box) -> QColor:
        palette, tree = self.palette(), self._tree
        base = palette.base().color()
        if box.rarer:
            return mixed(base, palette.text().color(), 0.12)
        if box.node == ROOT:
            return mixed(base, palette.text().color(), 0.2)
        if isinstance(tree, ComparedTree):
            shift = tree.shift(box.node)
            grey = mixed(base, palette.text().color(), 0.16)
            return mixed(grey, shift_colour(palette, shift), abs(shift))
        return mixed(base, colours(palette).bar, 0.25 + 0.75 * tree.probability(box.node))

    # Mouse and keyboard

    def event(self, event: QEvent | None) -> bool:  # noqa: D102
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            box = self._at(event.pos().x(), event.pos().y())
            if box is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self._tip(box), self, box.area.toRect())
            return True
        return super().event(event)

    def _tip(self, box: Box) -> str:
        if box.rarer:
            after = ", ".join(self._tree.path(box.node)) or self.tr("the start")
            words = self.tr("{0} rarer calls after {1}", "", box.rarer)
            return words.format(grouped(box.rarer), after)
        return self._model.about(box.node)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: D102
        if event is None:
            return
        box = self._at(event.position().x(), event.position().y())
        node = box.node if box is not None and not box.rarer else -1
        if node != self._hovered:
            self._hovered = node
            self.update()

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: D102
        self._hovered = -1
        self.update()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: D102
        box = None
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            box = self._at(event.position().x(), event.position().y())
        if box is None:
            super().mousePressEvent(event)
            return
        self.setFocus()
        self.choose(box.node)
        self.zoom(self._tree.parent(box.node) if box.node == self.focus else box.node)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """The first click has zoomed in; a second press would zoom out again."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: D102
        if event is None:
            return
        tree, node = self._tree, self.current
        key = Qt.Key
        match event.key():
            case key.Key_Right if len(tree.children(node)):
                self._go(self._heaviest(node)[0])
            case key.Key_Left:
                self._go(tree.parent(node))
            case key.Key_Up | key.Key_Down if node != ROOT:
                siblings = self._heaviest(tree.parent(node))
                step = -1 if event.key() == key.Key_Up else 1
                place = siblings.index(node) + step if node in siblings else 0
                self._go(siblings[min(max(place, 0), len(siblings) - 1)])
            case key.Key_Return | key.Key_Enter:
                self.zoom(node)
            case key.Key_Backspace:
                self._go(tree.parent(self.focus))
            case key.Key_Home:
                self._go(ROOT)
            case _:
                super().keyPressEvent(event)

    def _heaviest(self, node: int) -> list[int]:
        children = self._tree.children(node)
        ordered: list[int] = children[np.argsort(-self._tree.weight[children])].tolist()
        return ordered

    def _go(self, node: int) -> None:
        self._bring(node)
        self.choose(node)


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """The colour so far on the way from one to another."""
    share = min(1.0, max(0.0, share))
    return QColor.fromRgbF(
        one.redF() + share * (other.redF() - one.redF()),
        one.greenF() + share * (other.greenF() - one.greenF()),
        one.blueF() + share * (other.blueF() - one.blueF()),
    )


def _ink(fill: QColor) -> QColor:
    """Black or white, whichever can be read on a colour."""
    light = (
        0.2126 * fill.redF() ** 2.2 + 0.7152 * fill.greenF() ** 2.2 + 0.0722 * fill.blueF() ** 2.2
    )
    return QColor(Qt.GlobalColor.black if light > 0.18 else Qt.GlobalColor.white)
