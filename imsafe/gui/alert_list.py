# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of alerts: incidents that open to their alerts; sorted, searched, acted upon."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QModelIndex, QPoint, QSortFilterProxyModel, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QKeySequence, QPalette
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.alert_model import (
    APPLICATION,
    COUNT_ROLE,
    ID_ROLE,
    IDS_ROLE,
    NOTHING,
    SORT_ROLE,
    STATE,
    TIMES,
    WHAT,
    AlertModel,
    is_settled,
    search_text,
)
from imsafe.gui.columns import set_widths
from imsafe.monitor.view_protocol import Alert
from imsafe.words import grouped

ALL, UNSETTLED, OPEN = range(3)
_PID = "pid:"
"""Before a number in the search: of that process, and no child of it."""


class _Sieve(QSortFilterProxyModel):
    """Sorts, and lets through what is asked for: an incident with one alert that fits."""

    def __init__(self, model: AlertModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.words: list[str] = []
        self.wanted = ALL
        self._model = model
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)
        self.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def refresh(self) -> None:
        """Sift again."""
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        if not self.words and self.wanted == ALL:
            return True
        found = self._model.row(self._model.index(row, 0, parent))
        if found.notice is not None:
            text = f"{found.notice['comm']} {found.notice['pid']} {found.notice['text']}"
            return (
                self.wanted == ALL
                and self._is_of(found.notice["pid"])
                and self._has_words(text.casefold())
            )
        return any(self._fits(alert) for alert in found.alerts)

    def _fits(self, alert: Alert) -> bool:
        if self.wanted != ALL and is_settled(alert):
            return False
        if self.wanted == OPEN and alert["state"] != "open":
            return False
        return not self.words or (self._is_of(alert["pid"]) and self._has_words(search_text(alert)))

    def _has_words(self, text: str) -> bool:
        return all(word in text for word in self.words if not word.startswith(_PID))

    def _is_of(self, pid: int) -> bool:
        return all(word == f"{_PID}{pid}" for word in self.words if word.startswith(_PID))


class AlertList(QWidget):
    """The alerts and notices, sortable, with a search and what can be done with them.

    Signals
    -------
    chosen(int)
        The id of the row that is current; `NOTHING` for none.
    pointed_at(int)
        The user clicked a row: it should be shown on the plot too.
    acknowledged(list, bool)
        Ids of alerts that the user has seen to; False: takes that back.
    marked_normal(list)
        Ids of alerts that the user calls normal.
    copied(list), exported(list)
        Ids of alerts to put on the clipboard, or into a file.
    """

    chosen = pyqtSignal(int)
    pointed_at = pyqtSignal(int)
    acknowledged = pyqtSignal(list, bool)
    marked_normal = pyqtSignal(list)
    copied = pyqtSignal(list)
    exported = pyqtSignal(list)

    def __init__(self, model: AlertModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._may_steer = True
        self._chosen = NOTHING, 0
        self._sieve = _Sieve(model, self)
        self.view = QTreeView()
        self._set_up_view()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(
            self.tr("Alerts with all these words: program, command, user, parents, pid, call..."
                    " pid:4711 is that process alone.")
        )  # fmt: skip
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Search of the alerts"))
        self.search.setMinimumWidth(10 * self.fontMetrics().averageCharWidth())
        self.search.textChanged.connect(self._sift)
        self.which = QComboBox()
        self.which.addItems([self.tr("All"), self.tr("Not seen"), self.tr("Open")])
        self.which.setAccessibleName(self.tr("Which alerts are listed"))
        self.which.currentIndexChanged.connect(self._sift)
        self._make_actions()
        self.save = QPushButton(self.tr("E&xport..."))
        self.save.setToolTip(self.tr("Save the alerts that are listed as JSON, CSV or text"))
        self.save.clicked.connect(lambda: self.exported.emit(self.listed()))
        self._count = QLabel()
        top = QHBoxLayout()
        top.addWidget(self._count)
        top.addWidget(self.search, 1)
        top.addWidget(self.which)
        top.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(top)
        self._nothing = QLabel()
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        self._nothing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedLayout()
        self._pages.addWidget(self._nothing)
        self._pages.addWidget(self.view)
        layout.addLayout(self._pages, 1)
        for rows in (model, self._sieve):
            for signal in (rows.rowsInserted, rows.modelReset, rows.rowsRemoved):
                signal.connect(self._count_again)
        model.dataChanged.connect(self._selected)
        self._count_again()

    def _set_up_view(self) -> None:
        view = self.view
        view.setModel(self._sieve)
        view.setSortingEnabled(True)
        view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setAlternatingRowColors(True)
        view.setUniformRowHeights(True)
        view.setIndentation(12)
        view.setAllColumnsShowFocus(True)
        view.setAccessibleName(self.tr("Alerts"))
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        header, selection = view.header(), view.selectionModel()
        assert header is not None
        assert selection is not None
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        set_widths(view, (18, 12, 15, 17, 6, 7))
        header.resizeSection(WHAT, header.minimumSectionSize())  # it takes what is left
        view.setColumnHidden(APPLICATION, True)
        view.setColumnHidden(TIMES, True)
        selection.selectionChanged.connect(self._selected)
        selection.currentChanged.connect(self._selected)
        view.clicked.connect(lambda index: self.pointed_at.emit(int(index.data(ID_ROLE))))

    def _make_actions(self) -> None:
        def action(text: str, keys: Any, slot: Any) -> QAction:
            made = QAction(text, self.view)
            made.setShortcut(QKeySequence(keys))
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            made.triggered.connect(slot)
            self.view.addAction(made)
            return made

        self.acknowledge = action(
            self.tr("&Acknowledge"), "A", lambda: self.acknowledged.emit(self.selected(), True)
        )
        self.unacknowledge = action(
            self.tr("Not acknowledged after all"),
            "Shift+A",
            lambda: self.acknowledged.emit(self.selected(), False),
        )
        self.normal = action(
            self.tr("This was &normal"), "N", lambda: self.marked_normal.emit(self.selected())
        )
        self.copy = action(
            self.tr("&Copy"),
            QKeySequence.StandardKey.Copy,
            lambda: self.copied.emit(self.selected()),
        )
        self.save_selected = action(
            self.tr("E&xport..."), "Ctrl+Shift+S", lambda: self.exported.emit(self.selected())
        )

    # What is chosen

    def choose(self, number: int) -> None:
        """Make the alert or notice of an id the current one."""
        place = self._model.place(number)
        if not place.isValid():
            return
        index = self._sieve.mapFromSource(place)
        if not index.isValid():  # filtered away
            self.which.setCurrentIndex(ALL)
            self.search.clear()
            index = self._sieve.mapFromSource(place)
        self.view.expand(index.parent())
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def show_process(self, pid: int) -> None:
        """List all alerts of a process, and nothing else."""
        self.which.setCurrentIndex(ALL)
        self.search.setText(f"{_PID}{pid}")

    def choose_incident(self, number: int) -> None:
        """Make the incident of an alert the current row."""
        place = self._model.place(number)
        index = self._sieve.mapFromSource(place.parent() if place.parent().isValid() else place)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def current(self) -> int:
        """The id of the current row (an incident's worst alert); `NOTHING` for none."""
        selection = self.view.selectionModel()
        index = self.view.currentIndex()
        if selection is None or not index.isValid() or not selection.isSelected(index):
            return NOTHING
        return int(index.data(ID_ROLE))

    def selected(self) -> list[int]:
        """The ids of all alerts in the selected rows."""
        selection = self.view.selectionModel()
        rows = selection.selectedRows() if selection is not None else []
        return sorted({number for row in rows for number in row.data(IDS_ROLE)})

    def current_ids(self) -> list[int]:
        """The ids of all alerts in the current row."""
        index = self.view.currentIndex()
        return list(index.data(IDS_ROLE)) if self.current() != NOTHING else []

    def current_count(self) -> int:
        """How many those are."""
        return int(self.view.currentIndex().data(COUNT_ROLE)) if self.current() != NOTHING else 0

    def listed(self) -> list[int]:
        """The ids of all alerts that pass the search."""
        sieve = self._sieve
        found: set[int] = set()
        for place in range(sieve.rowCount()):
            index = sieve.index(place, 0)
            children = [sieve.index(row, 0, index) for row in range(sieve.rowCount(index))]
            for one in children or [index]:
                found.update(one.data(IDS_ROLE))
        return sorted(found)

    def set_may_steer(self, allowed: bool) -> None:
        """Whether the monitor takes requests from this window."""
        self._may_steer = allowed
        self._allow_all()

    def _allow_all(self) -> None:
        """The keys take what is selected then; only the menu knows what it was opened for."""
        self.acknowledge.setEnabled(True)
        self.unacknowledge.setEnabled(True)
        self.normal.setEnabled(self._may_steer)

    # What happens

    def _selected(self, *_: Any) -> None:
        # An incident and its worst alert have the same id, and are not the same choice.
        chosen = self.current(), self.current_count()
        if chosen != self._chosen:
            self._chosen = chosen
            self.chosen.emit(chosen[0])

    def _sift(self) -> None:
        self._sieve.words = self.search.text().casefold().split()
        self._sieve.wanted = self.which.currentIndex()
        self._sieve.refresh()
        self._count_again()

    def _show_menu(self, at: QPoint) -> None:
        numbers = self.selected()
        if not numbers:
            return
        alerts = [alert for number in numbers if (alert := self._model.alert(number))]
        self.acknowledge.setEnabled(not all(map(is_settled, alerts)))
        self.unacknowledge.setEnabled(any(alert["acknowledged"] is not None for alert in alerts))
        self.normal.setEnabled(self._may_steer and any(a["normal"] is None for a in alerts))
        menu = QMenu(self.view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.aboutToHide.connect(self._allow_all)
        menu.addActions([self.acknowledge, self.unacknowledge, self.normal])
        menu.addSeparator()
        menu.addActions([self.copy, self.save_selected])
        viewport = self.view.viewport()
        assert viewport is not None
        menu.popup(viewport.mapToGlobal(at))

    def _count_again(self, *_: Any) -> None:
        model = self._model
        count, notices = model.alerts, model.notices
        incidents = model.rowCount() - notices
        text = (
            self.tr("{0} alerts", "", count).format(grouped(count)) if count
            else self.tr("No alerts")
        )  # fmt: skip
        if incidents != count:
            together = self.tr("{0} incidents", "alerts in so many", incidents)
            text = self.tr("{0} in {1}").format(text, together.format(grouped(incidents)))
        if notices:
            text += ", " + self.tr("{0} notices", "", notices).format(grouped(notices))
        self._count.setText(text)
        self._nothing.setText(
            self.tr("No alert fits the search.") if count + notices
            else self.tr("There is no alert.\nA score above the threshold raises one.")
        )  # fmt: skip
        self._pages.setCurrentIndex(1 if self._sieve.rowCount() else 0)
        self.save.setEnabled(count > 0)
        # A column that says the same in every row, or nothing, only takes room.
        self.view.setColumnHidden(TIMES, incidents == count)
        self.view.setColumnHidden(APPLICATION, model.applications < 2)
        self.view.setColumnHidden(STATE, count + notices == 0)
