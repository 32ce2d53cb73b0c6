# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of traces and folders to learn from, each with what it is by its content."""

from __future__ import annotations

import os
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QBrush
from PyQt6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from imsafe.errors import ImsafeError
from imsafe.gui.colours import colours
from imsafe.gui.file_kinds import file_kind
from imsafe.gui.plot_items import count_text
from imsafe.stream.traces import open_trace
from imsafe.words import printable, translate

_PATH = Qt.ItemDataRole.UserRole
_PROBLEM = Qt.ItemDataRole.UserRole + 1


def described(path: str) -> tuple[str, str]:
    """What a file or folder is, in words; and what is wrong with it, or nothing."""
    shown = printable(path, 300)
    if Path(path).is_dir():
        return translate("trace_list", "folder, searched for traces"), ""
    try:
        kind = file_kind(path)
        if kind == "profile":
            return "", translate(
                "trace_list", "{0} is a behaviour database: name it as input database."
            ).format(shown)
        if kind == "log":
            return "", translate(
                "trace_list", "{0} is a score log, which cannot be learned."
            ).format(shown)
        trace = open_trace(path)
    except ImsafeError as error:
        return "", str(error)
    trace.close()
    names = {
        "imsafe": translate("trace_list", "recording of ImSafe"),
        "strace": translate("trace_list", "strace log"),
        "unm": translate("trace_list", "UNM trace"),
        "adfa": translate("trace_list", "ADFA-LD trace"),
    }
    return f"{names.get(trace.format, trace.format)}, {count_text(trace.size)}B", ""


class TraceList(QListWidget):
    """The traces; what cannot be learned is in the colour of alerts and says why in its tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.setMinimumHeight(6 * self.fontMetrics().lineSpacing())

    def paths(self) -> list[str]:
        """The traces and folders."""
        return [str(item.data(_PATH)) for item in self._items()]

    def _items(self) -> list[QListWidgetItem]:
        rows = range(self.count())
        return [item for row in rows if (item := self.item(row)) is not None]

    def add(self, path: str) -> None:
        """Add one, unless it is there already."""
        path = os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
        if path in self.paths():
            return
        words, problem = described(path)
        shown = printable(path, 300)
        item = QListWidgetItem(f"{shown}  ({words})" if words else shown)
        item.setData(_PATH, path)
        item.setData(_PROBLEM, problem)
        item.setToolTip(problem or path)
        if problem:
            item.setForeground(QBrush(colours(self.palette()).alert))
        self.addItem(item)

    def remove_selected(self) -> None:
        """Take the selected ones out."""
        for item in self.selectedItems():
            self.takeItem(self.row(item))

    def problem(self) -> str:
        """What is wrong with the first one with which anything is."""
        for item in self._items():
            path = str(item.data(_PATH))
            if not Path(path).exists():
                return translate("trace_list", "There is no {0} any more.").format(
                    printable(path, 300)
                )
            if item.data(_PROBLEM):
                return translate("trace_list", "{0} Remove it from the list.").format(
                    item.data(_PROBLEM)
                )
        return ""
