# SPDX-License-Identifier: GPL-3.0-or-later
"""The pane of processes: who is watched, live; freeze, sort, search, by process or by thread."""

from __future__ import annotations

from PyQt6.QtCore import QDateTime, Qt, pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.bars import BarDelegate
from imsafe.gui.columns import set_widths
from imsafe.gui.process_model import (
    APPLICATION,
    KNOWN,
    LATELY,
    PEAK,
    SCORE,
    THREADS,
    ProcessModel,
)
from imsafe.gui.sparkline import SparkDelegate
from imsafe.words import grouped

_WIDTHS = (16, 12, 8, 20, 8, 9, 9, 12, 9, 12, 44)


class ProcessList(QWidget):
    """The table of processes and what can be done with it.

    Signals
    -------
    alerts_asked(int)
        The user wants to see the alerts of this pid.
    """

    alerts_asked = pyqtSignal(int)

    def __init__(self, model: ProcessModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.view = QTableView()
        self._set_up_view()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(
            self.tr("Processes with all these words: name, pid, command, user, application")
        )
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Search of the processes"))
        self.search.textChanged.connect(model.search)
        self.search.textChanged.connect(self._tell)
        self.threads = QCheckBox(self.tr("&Threads"))
        self.threads.setToolTip(self.tr("A row for each thread"))
        self.threads.toggled.connect(self._by_thread)
        self.freeze = QCheckBox(self.tr("Free&ze"))
        self.freeze.setToolTip(self.tr("Let the rows stay as they are, to read them"))
        self.freeze.toggled.connect(self._freeze)
        self._count = QLabel()
        top = QHBoxLayout()
        top.addWidget(self._count)
        top.addWidget(self.search, 1)
        top.addWidget(self.threads)
        top.addWidget(self.freeze)
        self._nothing = QLabel()
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedLayout()
        self._pages.addWidget(self._nothing)
        self._pages.addWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(top)
        layout.addLayout(self._pages, 1)
        for signal in (
            model.rowsInserted, model.rowsRemoved, model.dataChanged, model.layoutChanged,
        ):  # fmt: skip
            signal.connect(self._tell)
        self._tell()

    def _set_up_view(self) -> None:
        view = self.view
        view.setModel(self._model)
        view.setSortingEnabled(True)
        view.sortByColumn(SCORE, Qt.SortOrder.DescendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setAlternatingRowColors(True)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setAccessibleName(self.tr("Processes"))
        bars = BarDelegate(view)
        for column in (SCORE, PEAK, KNOWN):
            view.setItemDelegateForColumn(column, bars)
        view.setItemDelegateForColumn(LATELY, SparkDelegate(view))
        vertical, header = view.verticalHeader(), view.horizontalHeader()
        assert vertical is not None
        assert header is not None
        vertical.hide()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header.setStretchLastSection(True)
        set_widths(view, _WIDTHS)
        view.doubleClicked.connect(
            lambda index: self.alerts_asked.emit(self._model.pid(index.row()))
        )

    def _by_thread(self, wanted: bool) -> None:
        self._model.show_threads(wanted)
        self.view.setColumnHidden(THREADS, wanted)

    def _freeze(self, wanted: bool) -> None:
        self._model.frozen = wanted
        self.freeze.setText(
            self.tr("Fro&zen at {0}").format(QDateTime.currentDateTime().toString("HH:mm:ss"))
            if wanted
            else self.tr("Free&ze")
        )
        if not wanted:
            self._model.refresh()

    def _tell(self) -> None:
        model = self._model
        count, ended = model.rowCount(), model.ended
        alive = count - ended
        if self.threads.isChecked():
            text = self.tr("{0} threads", "", alive).format(grouped(alive))
        else:
            text = self.tr("{0} processes", "", alive).format(grouped(alive))
        if ended:
            text = self.tr("{0}, {1} just ended").format(text, grouped(ended))
        self._count.setText(text)
        self._nothing.setText(
            self.tr("No process fits the search.") if self.search.text()
            else self.tr("No process is watched now.")
        )  # fmt: skip
        self._pages.setCurrentIndex(1 if count else 0)
        self.freeze.setChecked(model.frozen)
        self.view.setColumnHidden(APPLICATION, len(model.names) < 2)
