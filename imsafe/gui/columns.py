# SPDX-License-Identifier: GPL-3.0-or-later
"""How wide columns are at first: for what they hold, and never too narrow for their titles."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QTableView, QTreeView


def set_widths(view: QTableView | QTreeView, letters: Iterable[int]) -> None:
    """Give the first columns room for so many letters each; a title may need more than that."""
    header = view.horizontalHeader() if isinstance(view, QTableView) else view.header()
    model = view.model()
    assert header is not None
    assert model is not None
    letter, metrics = view.fontMetrics().averageCharWidth(), header.fontMetrics()
    for column, count in enumerate(letters):
        title = str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        width = max(count * letter, metrics.horizontalAdvance(title) + 2 * letter)
        view.setColumnWidth(column, width)
