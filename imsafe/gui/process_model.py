# SPDX-License-Identifier: GPL-3.0-or-later
"""The watched processes and threads as a table of arrays, sorted and sifted by numpy.

With ten thousand of them twice a second, a Python object each, and Qt asking
Python to compare two, would hold the window up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PyQt6.QtGui import QColor, QFont, QPalette

from imsafe.gui.alert_model import Index
from imsafe.gui.bars import FRACTION_ROLE, HOT_ROLE
from imsafe.gui.plain_text import command_line, line, name, tip
from imsafe.gui.plot_items import count_text
from imsafe.gui.point import time_text
from imsafe.gui.sparkline import SPARK_ROLE, THRESHOLD_ROLE
from imsafe.monitor.view_protocol import ENDED, PROCESS, ProcessIdentity
from imsafe.words import grouped

POINTS = 120
"""Of the small plot: a minute, as the monitor tells of processes twice a second."""

SPARE_IDENTITIES = 1_000
"""Beside those shown, as many are remembered: a name may come before its first row."""

(PROGRAM, PID, SCORE, LATELY, PEAK, RATE, KNOWN, CALLS, THREADS, USER, COMMAND, APPLICATION) = (
    range(12)
)

_NUMBERS = {
    PID: "pid",
    SCORE: "score",
    LATELY: "score",
    PEAK: "peak",
    RATE: "rate",
    KNOWN: "known",
    CALLS: "calls",
    THREADS: "threads",
}

_NONE = np.empty(0, PROCESS)


@dataclass(frozen=True, slots=True)
class _Who:
    """Who a process is, as it is shown and searched."""

    identity: ProcessIdentity
    comm: str
    user: str
    command: str
    text: str

    @classmethod
    def of(cls, identity: ProcessIdentity) -> _Who:
        words = identity["comm"], identity["exe"], " ".join(identity["argv"]), identity["user"]
        return cls(
            identity,
            name(identity["comm"]) or "?",
            name(identity["user"]),
            command_line(identity["argv"]),
            "\n".join(words).casefold(),
        )


class ProcessModel(QAbstractTableModel):
    """One row a process, or a thread.

    Attributes
    ----------
    names
        Applications by number.
    thresholds
        By application: a process above it is shown in the colour of alerts.
    frozen
        Whether the rows stay as they are, whatever comes.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.names: dict[int, str] = {}
        self.thresholds: dict[int, float] = {}
        self.frozen = False
        self._latest = _NONE  # as the monitor told them
        self._latest_slots = np.empty(0, np.intp)
        self._rows = _NONE  # as they are shown
        self._row_slots = np.empty(0, np.intp)
        self._known: dict[tuple[int, int], _Who] = {}
        self._slots: dict[tuple[int, int, int], int] = {}
        self._free: list[int] = []
        self._history = np.full((64, POINTS), -1.0, np.float32)
        self._tick = 0
        self._by_thread = False
        self._words: list[str] = []
        self._sort = (SCORE, Qt.SortOrder.DescendingOrder)
        self._columns = (
            self.tr("Process"),
            self.tr("Pid"),
            self.tr("Score"),
            self.tr("Last minute"),
            self.tr("Peak"),
            self.tr("Calls/s"),
            self.tr("Known"),
            self.tr("Calls"),
            self.tr("Threads"),
            self.tr("User"),
            self.tr("Command"),
            self.tr("Application"),
        )

    # In

    def introduce(self, identities: Iterable[ProcessIdentity]) -> None:
        """Say who some of the processes are."""
        for identity in identities:
            key = identity["stream"], identity["pid"]
            self._known.pop(key, None)  # the latest stand last
            self._known[key] = _Who.of(identity)

    def _forget_strangers(self) -> None:
        if len(self._known) > 2 * (len(self._latest) + SPARE_IDENTITIES):
            shown = {(stream, pid) for stream, pid, _ in _keys(self._latest)}
            for key in list(self._known)[:-SPARE_IDENTITIES]:
                if key not in shown:
                    del self._known[key]

    def set_rows(self, rows: NDArray[np.void]) -> None:
        """Show these; rows of processes that live on keep their selection."""
        self._latest = rows
        self._latest_slots = self._remember(rows)
        self._forget_strangers()
        if not self.frozen:
            self.refresh()

    def clear(self) -> None:
        """Forget all: another monitor."""
        self.frozen = False
        self._known.clear()
        self.set_rows(_NONE)

    def _remember(self, rows: NDArray[np.void]) -> NDArray[np.intp]:
        """Add a point to everybody's small plot; the slot of each row."""
        keys = _keys(rows)
        gone = [] if self.frozen else list(self._slots.keys() - set(keys))
        for key in keys:
            if key not in self._slots:
                # A slot tells the row: it is not used again in the step that frees it.
                slot = self._free.pop() if self._free else len(self._slots) + len(self._free)
                if slot == len(self._history):
                    self._history = np.concatenate([self._history] * 2)
                self._slots[key] = slot
                self._history[slot] = -1.0
        slots = np.array([self._slots[key] for key in keys], np.intp)
        self._free += [self._slots.pop(key) for key in gone]
        self._tick = (self._tick + 1) % POINTS
        self._history[:, self._tick] = -1.0
        self._history[slots, self._tick] = rows["highest"]
        return slots

    # What is shown

    def show_threads(self, wanted: bool) -> None:
        """A row for each thread, or for each process."""
        self._by_thread = wanted
        self.refresh()

    def search(self, text: str) -> None:
        """Show those with all these words: name, pid, command, user, application."""
        self._words = text.casefold().split()
        self.refresh()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:  # noqa: D102
        self._sort = column, order
        self.refresh()

    def refresh(self) -> None:
        """Show the latest rows, sifted and sorted; frozen ones are only sorted."""
        if self.frozen:
            rows, slots = self._rows, self._row_slots
        else:
            rows, slots = self._latest, self._latest_slots
            shown = rows["tid"] == 0
            if self._by_thread:
                shown = ~shown | (rows["threads"] <= 1)
            rows, slots = rows[shown], slots[shown]
            if self._words:
                fit = np.array([self._fits(row) for row in rows], np.bool_)
                rows, slots = rows[fit], slots[fit]
        order = self._order(rows)
        self._replace(rows[order], slots[order])

    def _fits(self, row: np.void) -> bool:
        who = self._who(row)
        text = who.text if who is not None else ""
        text += f"\n{row['pid']}\n{row['tid'] or ''}\n{self._application(row).casefold()}"
        return all(word in text for word in self._words)

    def _order(self, rows: NDArray[np.void]) -> NDArray[np.intp]:
        column, direction = self._sort
        if column in _NUMBERS:
            values = rows[_NUMBERS[column]].astype(np.float64)
        else:
            texts = [self._text(row, column).casefold() for row in rows]
            values = np.unique(np.array(texts, np.str_), return_inverse=True)[1].astype(np.float64)
        if direction == Qt.SortOrder.DescendingOrder:
            values = -values
        return np.lexsort((rows["tid"], rows["pid"], rows["stream"], values))

    def _replace(self, rows: NDArray[np.void], slots: NDArray[np.intp]) -> None:
        old = self._row_slots
        if np.array_equal(old, slots):
            self._rows = rows
            if len(rows):
                self.dataChanged.emit(
                    self.index(0, 0), self.index(len(rows) - 1, len(self._columns) - 1)
                )
            return
        stays, is_new = _among(old, slots), ~_among(slots, old)
        if not stays.all():
            self._permute(np.concatenate([np.flatnonzero(stays), np.flatnonzero(~stays)]))
            kept = int(np.count_nonzero(stays))
            self.beginRemoveRows(QModelIndex(), kept, len(old) - 1)
            self._rows, self._row_slots = self._rows[:kept], self._row_slots[:kept]
            self.endRemoveRows()
        if is_new.any():
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, len(slots) - 1)
            self._rows = np.concatenate([self._rows, rows[is_new]])
            self._row_slots = np.concatenate([self._row_slots, slots[is_new]])
            self.endInsertRows()
        self._permute(_inverse(self._row_slots)[slots], rows)

    def _permute(self, order: NDArray[np.intp], rows: NDArray[np.void] | None = None) -> None:
        """Put the rows into another order, and with it what is selected."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        self._rows = self._rows[order] if rows is None else rows
        self._row_slots = self._row_slots[order]
        if before:
            place = _inverse(order)
            after = [self.index(int(place[one.row()]), one.column()) for one in before]
            self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    # Out

    @property
    def ended(self) -> int:
        """How many of the rows are of processes that have ended."""
        return int(np.count_nonzero(self._rows["state"] == ENDED))

    def pid(self, row: int) -> int:
        """The process of a row."""
        return int(self._rows[row]["pid"])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._columns)

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        if role == Qt.ItemDataRole.ToolTipRole and section == KNOWN:
            return self.tr(
                "How much of what it does the profile knows: the share of its calls that were"
                " expected in their place at least once in 256 times"
            )
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        row = self._rows[index.row()]
        column = index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                if column in (PID, RATE, CALLS, THREADS):
                    return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole | Qt.ItemDataRole.FontRole:
                return _look(role) if row["state"] == ENDED else None
        if role in (FRACTION_ROLE, HOT_ROLE) and column in (SCORE, PEAK, KNOWN):
            value = float(row[_NUMBERS[column]])
            if role == FRACTION_ROLE:
                return value
            return column != KNOWN and value >= self._threshold(row)
        if role == SPARK_ROLE and column == LATELY:
            return np.roll(self._history[self._row_slots[index.row()]], -self._tick - 1)
        if role == THRESHOLD_ROLE:
            return self._threshold(row)
        return None

    def _threshold(self, row: np.void) -> float:
        return self.thresholds.get(int(row["application"]), 2.0)

    def _application(self, row: np.void) -> str:
        return self.names.get(int(row["application"]), "")

    def _who(self, row: np.void) -> _Who | None:
        return self._known.get((int(row["stream"]), int(row["pid"])))

    def _text(self, row: np.void, column: int) -> str:
        if column in (PROGRAM, USER, COMMAND):
            who = self._who(row)
            if who is None:
                return "?" if column == PROGRAM else ""
            return {PROGRAM: who.comm, USER: who.user, COMMAND: who.command}[column]
        match column:
            case 1:
                return f"{row['pid']}/{row['tid']}" if row["tid"] else str(row["pid"])
            case 2:
                return f"{row['score']:.2f}"
            case 4:
                return f"{row['peak']:.2f}"
            case 5:
                return self.tr("ended") if row["state"] == ENDED else count_text(float(row["rate"]))
            case 6:
                return f"{np.floor(1000 * row['known']) / 10:.1f}%"
            case 7:
                return grouped(row["calls"])
            case 8:
                return "" if row["tid"] or row["state"] == ENDED else str(row["threads"])
            case 11:
                return name(self._application(row))
        return ""

    def _tip(self, row: np.void) -> str:
        who = self._who(row)
        if who is None:
            return tip(self.tr("Nothing is known of this process but its calls."))
        identity = who.identity
        started = identity["started"]
        return tip(
            who.command,
            line(identity["exe"]) or self.tr("executable unknown"),
            self.tr("parent {0}").format(identity["parent"]),
            self.tr("started {0}").format(time_text(started, date=True)) if started else "",
        )


def _among(some: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of some slots are among the others."""
    is_other = np.zeros(max(some.max(initial=0), others.max(initial=0)) + 1, np.bool_)
    is_other[others] = True
    return is_other[some]


def _inverse(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """At each of these numbers, its place among them."""
    places = np.zeros(numbers.max(initial=-1) + 1, np.intp)
    places[numbers] = np.arange(len(numbers))
    return places


def _keys(rows: NDArray[np.void]) -> list[tuple[int, int, int]]:
    return list(zip(*(rows[key].tolist() for key in ("stream", "pid", "tid")), strict=True))


def _look(role: int) -> QColor | QFont:
    """How one that has ended looks."""
    if role == Qt.ItemDataRole.FontRole:
        font = QFont()
        font.setItalic(True)
        return font
    colour = QPalette().color(QPalette.ColorRole.Text)
    colour.setAlpha(170)
    return colour
