# SPDX-License-Identifier: GPL-3.0-or-later
"""Why there is an alert: the reason, the calls with their surprise, what was expected instead."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.alert_list import Index
from imsafe.gui.bars import FRACTION_ROLE, HOT_ROLE, BarDelegate
from imsafe.gui.plot_items import rarity
from imsafe.gui.score_plot import time_text
from imsafe.monitor.view_protocol import Alert, ExplainedCall, IoUringNotice

FULL_BAR_BITS = 16.0
HOT_BITS = 8.0
"""A call beyond this many bits (1 in 256) is one of those that raised the alert."""


def percent(probability: float) -> str:
    """A probability for a person."""
    if probability >= 0.0995:
        return f"{probability:.0%}"
    if probability >= 0.001:
        return f"{probability:.1%}"
    return f"{probability:.0e}" if probability > 0 else "0"


class CallModel(QAbstractTableModel):
    """The calls of one alert: call, surprise, what was expected there instead."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._calls: list[ExplainedCall] = []
        self._columns = (self.tr("Call"), self.tr("Surprise"), self.tr("Expected instead"))

    def set_calls(self, calls: list[ExplainedCall]) -> None:
        """Show these."""
        self.beginResetModel()
        self._calls = list(calls)
        self.endResetModel()

    def hottest(self) -> int:
        """The row of the most surprising call; -1 when there are none."""
        if not self._calls:
            return -1
        return max(range(len(self._calls)), key=lambda row: self._calls[row]["surprise"])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._calls)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else 3

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return self._columns[section]
            return section + 1
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        call = self._calls[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            if column == 0:
                return call["call"]
            if column == 1:
                return self.tr("{0} bits").format(f"{call['surprise']:.1f}")
            return ",  ".join(
                f"{name} {percent(probability) if probability >= 0.001 else '<0.1%'}"
                for name, probability in call["expected"]
            )
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tr("Probability here: {0}").format(percent(call["probability"]))
        if column == 1:
            if role == FRACTION_ROLE:
                return min(1.0, call["surprise"] / FULL_BAR_BITS)
            if role == HOT_ROLE:
                return call["surprise"] >= HOT_BITS
        return None


class AlertDetail(QWidget):
    """Explains the selected alert.

    Signals
    -------
    normal_asked(int), undo_asked(int, int)
        Alert id; alert id and mark.
    box_asked(str)
        Path of the black box to replay.
    """

    normal_asked = pyqtSignal(int)
    undo_asked = pyqtSignal(int, int)
    box_asked = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._alert: Alert | None = None
        self._may_steer = True
        self._reason = QLabel()
        self._reason.setWordWrap(True)
        self._reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        font = self._reason.font()
        font.setBold(True)
        self._reason.setFont(font)
        self._process = self._value()
        self._score = self._value()
        self._when = self._value()
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(2)
        form.addRow(self.tr("Process:"), self._process)
        form.addRow(self.tr("Score:"), self._score)
        form.addRow(self.tr("Time:"), self._when)
        self._calls = CallModel(self)
        self._table = QTableView()
        self._table.setModel(self._calls)
        self._table.setItemDelegateForColumn(1, BarDelegate(self._table))
        self._table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setAccessibleName(self.tr("Calls of the alert"))
        header, vertical = self._table.horizontalHeader(), self._table.verticalHeader()
        assert header is not None
        assert vertical is not None
        header.setStretchLastSection(True)
        vertical.setDefaultSectionSize(self.fontMetrics().height() + 4)
        letter = self.fontMetrics().averageCharWidth()
        self._table.setColumnWidth(0, 20 * letter)
        self._table.setColumnWidth(1, 18 * letter)
        self.normal = QPushButton(self.tr("This was &normal"))
        self.normal.setToolTip(
            self.tr("Add this sequence to the profile's normal behaviour; it can be undone")
        )
        self.normal.clicked.connect(self._ask_normal)
        self.undo = QPushButton(self.tr("&Undo"))
        self.undo.setToolTip(self.tr("Take back that this was normal"))
        self.undo.clicked.connect(self._ask_undo)
        self.box = QPushButton(self.tr("Replay &black box"))
        self.box.clicked.connect(self._ask_box)
        buttons = QHBoxLayout()
        buttons.addWidget(self.normal)
        buttons.addWidget(self.undo)
        buttons.addWidget(self.box)
        buttons.addStretch(1)
        page = QWidget()
        inner = QVBoxLayout(page)
        inner.setContentsMargins(6, 6, 6, 6)
        inner.setSpacing(4)
        inner.addWidget(self._reason)
        inner.addLayout(form)
        inner.addWidget(self._table, 1)
        inner.addLayout(buttons)
        self._notice = QLabel()
        self._notice.setWordWrap(True)
        self._notice.setTextFormat(Qt.TextFormat.PlainText)
        self._notice.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._notice.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._notice.setMargin(6)
        nothing = QLabel(
            self.tr("When an alert is selected, this pane tells why it was raised:\n"
                    "the calls that surprised, and what the profile expected there instead.")
        )  # fmt: skip
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        nothing.setWordWrap(True)
        nothing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(nothing)
        self._pages.addWidget(page)
        self._pages.addWidget(self._notice)

    def _value(self) -> QLabel:
        label = QLabel()
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        return label

    def set_may_steer(self, allowed: bool) -> None:
        """Whether the monitor takes requests from this window."""
        self._may_steer = allowed
        self._enable()

    def show_alert(self, alert: Alert | None) -> None:
        """Explain this one."""
        same = self._alert is not None and alert is not None and self._alert["id"] == alert["id"]
        calls_changed = not same or alert is None or self._alert is None or (
            alert["calls"] != self._alert["calls"]
        )  # fmt: skip
        self._alert = alert
        if alert is None:
            self._pages.setCurrentIndex(0)
            return
        self._pages.setCurrentIndex(1)
        self._reason.setText(alert["reason"])
        self._process.setText(
            self.tr("{comm}, pid {pid}, thread {tid}, parent {parent}, {exe}").format(
                comm=alert["comm"],
                pid=alert["pid"],
                tid=alert["tid"],
                parent=alert["parent"],
                exe=alert["exe"] or self.tr("executable unknown"),
            )
        )
        self._score.setText(
            self.tr(
                "{peak:.3f} at its peak ({rarity}), threshold {threshold:.3f}, reading: {reading}"
            ).format(
                peak=alert["peak"],
                rarity=rarity(alert["peak"]),
                threshold=alert["threshold"],
                reading=alert["reading"],
            )
        )
        words = time_text(alert["time"], date=True)
        if alert["closed"] is not None:
            words += self.tr(", over after {0:.1f} s").format(alert["closed"] - alert["time"])
        words += self.tr(", {0:,} calls above the threshold").format(alert["calls_above"])
        if alert["lost"]:
            words += self.tr(", {0:,} calls lost nearby").format(alert["lost"])
        self._when.setText(words)
        if calls_changed:
            self._calls.set_calls(alert["calls"])
            # The table has its size only once the page is shown and laid out.
            QTimer.singleShot(0, self._scroll_to_hottest)
        self._enable()

    def show_notice(self, notice: IoUringNotice) -> None:
        """Explain a notice."""
        self._alert = None
        self._pages.setCurrentIndex(2)
        self._notice.setText(
            self.tr(
                "{text}\n\n"
                "{application}: {comm}, pid {pid}, thread {tid}, {exe}, {time}\n\n"
                "The kernel does what a program queues in such a ring (open, read, connect and"
                " much more) without a system call, so no tracer of system calls can see it."
                " This is no alert: many programs work so. Where the program has no need of it,"
                " forbid it: SystemCallFilter=~io_uring_setup in its systemd unit, or for the whole"
                " machine sysctl kernel.io_uring_disabled=2 (Linux 6.6 and later)."
            ).format(
                text=notice["text"],
                application=notice["application"],
                comm=notice["comm"],
                pid=notice["pid"],
                tid=notice["tid"],
                exe=notice["exe"] or self.tr("executable unknown"),
                time=time_text(notice["time"], date=True),
            )
        )

    def _scroll_to_hottest(self) -> None:
        row = self._calls.hottest()
        if row >= 0:
            self._table.scrollTo(self._calls.index(row, 0), QTableView.ScrollHint.PositionAtCenter)

    def _enable(self) -> None:
        alert = self._alert
        if alert is None:
            return
        marked = alert["normal"] is not None
        self.normal.setEnabled(self._may_steer and not marked)
        self.undo.setEnabled(self._may_steer and marked)
        self.box.setEnabled(bool(alert["box"]))
        self.box.setToolTip(
            self.tr("Replay the calls around the alert, from {0}").format(alert["box"])
            if alert["box"]
            else self.tr("There is no black box of this alert (yet): it is written 500 calls later")
        )

    def _ask_normal(self) -> None:
        if self._alert is not None:
            self.normal.setEnabled(False)
            self.normal_asked.emit(self._alert["id"])

    def _ask_undo(self) -> None:
        if self._alert is not None and self._alert["normal"] is not None:
            self.undo.setEnabled(False)
            self.undo_asked.emit(self._alert["id"], self._alert["normal"])

    def _ask_box(self) -> None:
        if self._alert is not None and self._alert["box"]:
            self.box_asked.emit(self._alert["box"])
