# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts as a tree of two levels, in bounded memory: incidents, and in each its alerts.

An incident of one alert is that alert.  Between them stand notices: something
to know of a process that has no score and is no alert.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt
from PyQt6.QtGui import QColor, QFont
from PyQt6.QtWidgets import QWidget

from imsafe.gui.colours import Colours
from imsafe.gui.plain_text import command_line, line, name, tip
from imsafe.gui.point import time_text
from imsafe.gui.progress_words import duration
from imsafe.gui.timers import timer
from imsafe.monitor.reason import SURPRISING_BITS
from imsafe.monitor.view_protocol import Alert, IoUringNotice
from imsafe.words import grouped

MOST_ALERTS = 10_000
"""Beyond this the oldest incident is dropped; the monitor's log keeps them all."""

MOST_NOTICES = 1_000
"""Later ones are not listed, so that no flood of them drives the alerts away."""

MANY = 50
"""An incident of more alerts is not looked at as a whole for each one that comes."""

LATER_MS = 33
"""Instead so often."""

NOTHING = -1
"""The id of no row; those of notices are below it."""

SORT_ROLE = Qt.ItemDataRole.UserRole
ID_ROLE = Qt.ItemDataRole.UserRole + 1
"""Of an alert or notice; of an incident, that of its worst alert."""

IDS_ROLE = Qt.ItemDataRole.UserRole + 2
"""All alerts of a row; empty for a notice."""

COUNT_ROLE = IDS_ROLE + 1
"""How many those are."""

TIME, APPLICATION, PROCESS, TIMES, PEAK, STATE, WHAT = range(7)

Index = QModelIndex | QPersistentModelIndex
"""What Qt's stubs say that the questions of a table model bear."""

_SHOWN_NAMES = 4
_SHOWN_CALLS = 4


@dataclass(slots=True)
class Row:
    """One row of the first level.

    Attributes
    ----------
    number
        Of the incident, or below `NOTHING` for a notice.
    alerts
        In the order in which they came; empty for a notice.
    """

    number: int
    alerts: list[Alert] = field(default_factory=list)
    notice: IoUringNotice | None = None
    _worst: Alert | None = None

    @property
    def worst(self) -> Alert:
        """The alert with the highest score, the first of those."""
        if self._worst is None:
            self._worst = max(self.alerts, key=_badness)
        return self._worst

    def place(self, number: int) -> int:
        """Where the alert of an id is; they nearly always come in the order of their ids."""
        place = bisect_left(self.alerts, number, key=lambda alert: alert["id"])
        if place < len(self.alerts) and self.alerts[place]["id"] == number:
            return place
        return next(i for i, one in enumerate(self.alerts) if one["id"] == number)

    def add(self, alert: Alert) -> None:
        """Append an alert."""
        self.alerts.append(alert)
        self._compare(alert)

    def change(self, place: int, alert: Alert) -> None:
        """Put an alert in the place of what was known of it."""
        self.alerts[place] = alert
        self._compare(alert)

    def _compare(self, alert: Alert) -> None:
        """Of thousands of alerts not all are looked at for each one that comes or changes."""
        if self._worst is not None and _badness(alert) >= _badness(self._worst):
            self._worst = alert
        elif self._worst is not None and alert["id"] == self._worst["id"]:
            self._worst = None

    def drop(self, place: int) -> Alert:
        """Remove an alert."""
        self._worst = None
        return self.alerts.pop(place)


def _badness(alert: Alert) -> tuple[float, int]:
    return alert["peak"], -alert["id"]


def is_settled(alert: Alert) -> bool:
    """Whether somebody has seen to it."""
    return alert["acknowledged"] is not None or alert["normal"] is not None


def surprising_calls(alert: Alert) -> list[str]:
    """The calls that surprised, the most surprising first, each once."""
    calls = sorted(alert["calls"], key=lambda call: -call["surprise"])
    found = [call["call"] for call in calls if call["surprise"] >= SURPRISING_BITS]
    return list(dict.fromkeys(found)) or [alert["call"]]


def stretch(alerts: list[Alert]) -> str:
    """How long an incident took, to the tenth of a second."""
    begun = min(alert["time"] for alert in alerts)
    over = max(alert["closed"] or alert["time"] for alert in alerts)
    return duration(max(0.1, over - begun))


class AlertModel(QAbstractItemModel):
    """Incidents, alerts and notices as rows; one that changes keeps its row.

    Attributes
    ----------
    notices
        How many of the rows are notices.
    """

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours = colours
        self.notices = 0
        self._rows: list[Row] = []  # oldest first: a new one is appended
        self._alerts: dict[int, Alert] = {}
        self._places: dict[int, int] = {}  # of rows, counted from the first one ever
        self._dropped = 0
        self._applications: set[str] = set()
        self._notice_ids = itertools.count(NOTHING - 1, -1)
        self._changed: set[int] = set()  # incidents of many alerts
        self._later = timer(self, LATER_MS, self._tell_later, single=True)
        self._columns = (
            self.tr("Time"),
            self.tr("Application"),
            self.tr("Process"),
            self.tr("Alerts"),
            self.tr("Peak"),
            self.tr("State"),
            self.tr("What surprised"),
        )

    # In

    def put(self, alert: Alert) -> None:
        """Add an alert, or change the one of that id."""
        known = self._alerts.get(alert["id"])
        if known is not None and not alert["calls"] and known["calls"]:
            alert = {**alert, "calls": known["calls"]}
        number = known["incident"] if known is not None else alert["incident"]
        self._alerts[alert["id"]] = alert
        self._applications.add(alert["application"])
        row = self._find(number)
        if known is not None and row is not None:
            place = row.place(alert["id"])
            row.change(place, alert)
            self._row_changed(row)
            if len(row.alerts) > 1:
                index = self._row_index(row)
                self.dataChanged.emit(
                    self.index(place, 0, index), self.index(place, len(self._columns) - 1, index)
                )
        elif row is not None:
            self._grow(row, alert)
        else:
            self._append(Row(number, [alert]))
        while len(self._alerts) > MOST_ALERTS:
            self._drop_oldest()

    def _grow(self, row: Row, alert: Alert) -> None:
        index = self._row_index(row)
        count = len(row.alerts)
        # One alert is its incident; two are its children.
        self.beginInsertRows(index, 0 if count == 1 else count, count)
        row.add(alert)
        self.endInsertRows()
        self._row_changed(row)

    def _row_changed(self, row: Row) -> None:
        if len(row.alerts) <= MANY:
            self._tell(row)
        else:
            self._changed.add(row.number)
            if not self._later.isActive():
                self._later.start()

    def _tell(self, row: Row) -> None:
        index = self._row_index(row)
        self.dataChanged.emit(index, index.siblingAtColumn(len(self._columns) - 1))

    def _tell_later(self) -> None:
        changed, self._changed = self._changed, set()
        for row in filter(None, map(self._find, changed)):
            self._tell(row)

    def put_notice(self, notice: IoUringNotice) -> None:
        """Add a notice, unless there are very many."""
        if self.notices < MOST_NOTICES:
            self.notices += 1
            self._applications.add(notice["application"])
            self._append(Row(next(self._notice_ids), notice=notice))

    def _append(self, row: Row) -> None:
        place = len(self._rows)
        self.beginInsertRows(QModelIndex(), place, place)
        self._rows.append(row)
        self._places[row.number] = place + self._dropped
        self.endInsertRows()

    def _drop_oldest(self) -> None:
        place = next(i for i, row in enumerate(self._rows) if row.alerts)
        row = self._rows[place]
        if len(self._rows) - self.notices == 1 and len(row.alerts) > 2:
            # One incident without end: its worst alert is what a person needs.
            first = next(i for i, one in enumerate(row.alerts) if one is not row.worst)
            self.beginRemoveRows(self._row_index(row), first, first)
            del self._alerts[row.drop(first)["id"]]
            self.endRemoveRows()
            return
        # Notices older than the oldest alert go with it.
        self.beginRemoveRows(QModelIndex(), 0, place)
        for gone in self._rows[: place + 1]:
            self.notices -= gone.notice is not None
            del self._places[gone.number]
            for alert in gone.alerts:
                del self._alerts[alert["id"]]
        del self._rows[: place + 1]
        self._dropped += place + 1
        self.endRemoveRows()

    def clear(self) -> None:
        """Forget all."""
        self.beginResetModel()
        self._rows.clear()
        self._alerts.clear()
        self._places.clear()
        self._applications.clear()
        self.notices = 0
        self._dropped = 0
        self.endResetModel()

    # Out

    def __iter__(self) -> Iterator[Alert]:
        """All alerts, in the order in which they came."""
        return iter(self._alerts.values())

    @property
    def alerts(self) -> int:
        """How many alerts there are."""
        return len(self._alerts)

    @property
    def applications(self) -> int:
        """How many applications there are alerts or notices of."""
        return len(self._applications)

    def alert(self, number: int) -> Alert | None:
        """The alert of an id; None where that is a notice's, or nothing's."""
        return self._alerts.get(number)

    def notice(self, number: int) -> IoUringNotice | None:
        """The notice of an id; None where that is an alert's, or nothing's."""
        row = self._find(number)
        return row.notice if row is not None else None

    def place(self, number: int) -> QModelIndex:
        """Where the alert or notice of an id is; invalid for none."""
        alert = self._alerts.get(number)
        row = self._find(alert["incident"] if alert is not None else number)
        if row is None or (alert is None and row.alerts):
            return QModelIndex()
        index = self._row_index(row)
        if len(row.alerts) < 2:
            return index
        return self.index(row.place(number), 0, index)

    def marks(self) -> list[tuple[int, float, float]]:
        """What the plot marks: id, time, peak; those called normal are left out."""
        return [
            (alert["id"], alert["time"], alert["peak"])
            for alert in self._alerts.values()
            if alert["normal"] is None
        ]

    def row(self, index: Index) -> Row:
        """What stands at an index; an alert within an incident as an incident of its own."""
        if isinstance(index, QPersistentModelIndex):
            index = QModelIndex(index)
        if not index.internalId():
            return self._rows[index.row()]
        row = self._find(index.internalId() - 1)
        assert row is not None
        return Row(row.number, [row.alerts[index.row()]])

    def _find(self, number: int) -> Row | None:
        place = self._places.get(number)
        return None if place is None else self._rows[place - self._dropped]

    def _row_index(self, row: Row) -> QModelIndex:
        return self.createIndex(self._places[row.number] - self._dropped, 0, 0)

    # Qt's questions

    def index(self, row: int, column: int, parent: QModelIndex = QModelIndex()) -> QModelIndex:  # noqa: B008, D102
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, column, 0)
        return self.createIndex(row, column, self._rows[parent.row()].number + 1)

    def parent(self, index: QModelIndex = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008, D102
        if not index.isValid() or not index.internalId():
            return QModelIndex()
        row = self._find(index.internalId() - 1)
        return QModelIndex() if row is None else self._row_index(row)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, D102
        if not parent.isValid():
            return len(self._rows)
        if parent.column() or parent.internalId():
            return 0
        count = len(self._rows[parent.row()].alerts)
        return count if count > 1 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return len(self._columns)

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        row = self.row(index)
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._notice_text(row, column) if row.notice else self._text(row, column)
        if role == SORT_ROLE:
            return self._sort_key(row, column)
        if role == ID_ROLE:
            return row.number if row.notice else row.worst["id"]
        if role == COUNT_ROLE:
            return len(row.alerts)
        if role == IDS_ROLE:
            return [alert["id"] for alert in row.alerts]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(row, column)
        if role == Qt.ItemDataRole.FontRole:
            return _font(row)
        if role == Qt.ItemDataRole.TextAlignmentRole and column == PEAK:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, row: Row, column: int) -> str:
        worst = row.worst
        match column:
            case 0:
                return time_text(row.alerts[-1]["time"])
            case 1:
                return name(worst["application"])
            case 2:
                return self._who(row)
            case 3:
                return self._times(row)
            case 4:
                return f"{worst['peak']:.2f}"
            case 5:
                return self._state(row)
            case _:
                return self._what_surprised(worst)

    def _what_surprised(self, alert: Alert) -> str:
        calls = surprising_calls(alert)
        words = [name(call) for call in calls[:_SHOWN_CALLS]]
        if alert["reading"] == "program":
            words.insert(0, self.tr("new program"))
        return ", ".join(words) + (", ..." if len(calls) > _SHOWN_CALLS else "")

    def _who(self, row: Row) -> str:
        """The programs, in the order in which they came; of a single process its pid too."""
        names = [name(comm) or "?" for comm in dict.fromkeys(a["comm"] for a in row.alerts)]
        if len({alert["pid"] for alert in row.alerts}) == 1:
            return f"{', '.join(names[:_SHOWN_NAMES])} ({row.alerts[0]['pid']})"
        more = len(names) - _SHOWN_NAMES
        shown = ", ".join(names[:_SHOWN_NAMES])
        return self.tr("{0} and {1} more").format(shown, more) if more > 0 else shown

    def _times(self, row: Row) -> str:
        count = len(row.alerts)
        if count == 1:
            return ""
        if len({alert["comm"] for alert in row.alerts}) == 1:
            words = self.tr("{0} times in {1}", "", count)
        else:
            words = self.tr("{0} alerts in {1}", "", count)
        return words.format(grouped(count), stretch(row.alerts))

    def _state(self, row: Row) -> str:
        if all(alert["normal"] is not None for alert in row.alerts):
            return self.tr("normal")
        if all(is_settled(alert) for alert in row.alerts):
            return self.tr("seen")
        is_open = any(alert["state"] == "open" for alert in row.alerts)
        return self.tr("open") if is_open else self.tr("over")

    def _notice_text(self, row: Row, column: int) -> str:
        notice = row.notice
        assert notice is not None
        match column:
            case 0:
                return time_text(notice["time"])
            case 1:
                return name(notice["application"])
            case 2:
                return f"{name(notice['comm'])} ({notice['pid']})"
            case 5:
                return self.tr("notice")
            case 6:
                return line(notice["text"])
        return ""

    def _sort_key(self, row: Row, column: int) -> Any:
        if column == TIME:
            return row.notice["time"] if row.notice else row.alerts[-1]["time"]
        if column == PEAK:
            return -1.0 if row.notice else row.worst["peak"]
        if column == TIMES:
            return len(row.alerts)
        return self._notice_text(row, column) if row.notice else self._text(row, column)

    def _tip(self, row: Row) -> str:
        if row.notice:
            return tip(time_text(row.notice["time"], date=True), line(row.notice["text"]))
        worst = row.worst
        return tip(
            time_text(worst["time"], date=True),
            line(worst["reason"]),
            command_line(worst["argv"]),
            self.tr("Somebody has acknowledged it.") if worst["acknowledged"] else "",
        )

    def _colour(self, row: Row, column: int) -> QColor | None:
        if row.notice:
            return None
        if all(is_settled(alert) for alert in row.alerts):
            faint = QColor(self.colours.text)
            faint.setAlpha(150)
            return faint
        return QColor(self.colours.alert) if column in (PEAK, STATE) else None


def _font(row: Row) -> QFont | None:
    font = QFont()
    if row.notice:
        font.setItalic(True)
    elif any(alert["state"] == "open" and not is_settled(alert) for alert in row.alerts):
        font.setBold(True)
    else:
        return None
    return font


def search_text(alert: Alert) -> str:
    """Everything of an alert that can be searched for."""
    words = [
        alert["application"], alert["comm"], str(alert["pid"]), alert["exe"], alert["user"],
        " ".join(alert["argv"]), alert["reason"], alert["call"], alert["reading"],
        *(f"{comm} {pid}" for pid, comm in alert["parents"]), *surprising_calls(alert),
    ]  # fmt: skip
    return "\n".join(words).casefold()
