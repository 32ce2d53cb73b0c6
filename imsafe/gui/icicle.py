# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes of the tree with their place in it, and what their colours mean."""

from __future__ import annotations

from html import escape

from PyQt6.QtCore import QEvent, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
)
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from imsafe.gui.call_table import percent
from imsafe.gui.colours import colours
from imsafe.gui.sequence_tree import ROOT, ComparedTree
from imsafe.gui.share_bars import shift_colour
from imsafe.gui.tree_boxes import Boxes, mixed
from imsafe.gui.tree_model import TreeModel


class Icicle(QWidget):
    """The boxes, where they are in the tree, and what their colours mean.

    Signals
    -------
    chosen(int)
        Another current node.
    """

    chosen = pyqtSignal(int)

    def __init__(self, model: TreeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.boxes = Boxes(model)
        self.crumbs = QLabel()
        self.crumbs.setWordWrap(True)
        self.crumbs.setTextFormat(Qt.TextFormat.RichText)
        self.crumbs.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.crumbs.setAccessibleName(self.tr("Where this is in the tree"))
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.addWidget(self.crumbs)
        layout.addWidget(self.boxes, 1)
        layout.addWidget(self.legend)
        self.setFocusProxy(self.boxes)
        self.crumbs.linkActivated.connect(lambda link: self.boxes.zoom(int(link)))
        self.boxes.zoomed.connect(self._tell)
        self.boxes.chosen.connect(self.chosen)
        model.modelReset.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """The tree or what it shows has changed."""
        self.boxes.refresh()
        self._tell()

    def show_node(self, node: int) -> None:
        """Make a node the current one."""
        self.boxes.show_node(node)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: D102
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._tell()

    def _tell(self) -> None:
        tree, focus = self._model.tree, self.boxes.focus
        line = [ROOT, *tree.line(focus)]
        names = [self.tr("start"), *(tree.call(node) for node in line[1:])]
        parts = [
            f"<a href='{node}'>{escape(name)}</a>" if node != focus else f"<b>{escape(name)}</b>"
            for node, name in zip(line, names, strict=True)
        ]
        words = " &rsaquo; ".join(parts)
        if focus != ROOT:
            words += " &nbsp; " + self.tr("{0} of all calls").format(percent(tree.mass(focus)))
        self.crumbs.setText(words)
        palette = self.palette()
        if isinstance(tree, ComparedTree):
            self.legend.setText(
                self.tr("Height: how often. {0} only or more here, {1} only or more there.").format(
                    _chip(shift_colour(palette, -1)), _chip(shift_colour(palette, 1))
                )
            )
        else:
            base, bar = palette.base().color(), colours(palette).bar
            self.legend.setText(
                self.tr("Height: how often. Colour: {0} improbable, {1} certain at that place."
                        " Click a box to zoom in.").format(
                    _chip(mixed(base, bar, 0.25)), _chip(bar)
                )
            )  # fmt: skip


def _chip(colour: QColor) -> str:
    return f"<span style='background-color: {colour.name()}'>&nbsp;&nbsp;&nbsp;&nbsp;</span>"
