# SPDX-License-Identifier: GPL-3.0-or-later
"""Why there is an alert: the reason, who it was, and the calls with what was expected instead."""

from __future__ import annotations

from pathlib import PurePath

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.alert_model import is_settled, stretch
from imsafe.gui.call_table import CallTable
from imsafe.gui.plain_text import command_line, line, name, tip
from imsafe.gui.plot_items import rarity
from imsafe.gui.point import time_text
from imsafe.gui.progress_words import duration
from imsafe.monitor.view_protocol import Alert, IoUringNotice
from imsafe.words import grouped, plural

LONGEST_COMMAND = 200
"""Letters of a command line that are shown; pointing at it, or a copy, tells the rest."""


class AlertDetail(QWidget):
    """Explains the selected alert, or the worst one of an incident.

    Signals
    -------
    normal_asked(list), undo_asked(int, int)
        Alert ids; alert id and mark.
    acknowledge_asked(list, bool)
        Alert ids; False: not acknowledged after all.
    box_asked(str)
        Path of the black box to replay.
    copy_asked(list)
        Alert ids.
    """

    normal_asked = pyqtSignal(list)
    undo_asked = pyqtSignal(int, int)
    acknowledge_asked = pyqtSignal(list, bool)
    box_asked = pyqtSignal(str)
    copy_asked = pyqtSignal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._alert: Alert | None = None
        self._others: list[Alert] = []
        self._may_steer = True
        self.reason = _label(bold=True)
        # Not a QFormLayout: that gives lines which wrap the height that they have in another width.
        self._facts = QGridLayout()
        self._facts.setContentsMargins(0, 0, 0, 0)
        self._facts.setVerticalSpacing(1)
        self._facts.setColumnStretch(1, 1)
        self._titles: dict[QLabel, QLabel] = {}
        self.command = self._fact(self.tr("Command:"))
        self.process = self._fact(self.tr("Process:"))
        self.parents = self._fact(self.tr("Parents:"))
        self.user = self._fact(self.tr("User:"))
        self.incident = self._fact(self.tr("Incident:"))
        self.score = self._fact(self.tr("Score:"))
        self.reading = self._fact(self.tr("Reading:"))
        self.when = self._fact(self.tr("Time:"))
        self.calls = CallTable()
        self._make_buttons()
        about = QWidget()
        inner = QVBoxLayout(about)
        inner.setContentsMargins(0, 0, 4, 0)
        inner.addLayout(self._facts)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(about)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # A bar that comes and goes makes lines wrap in a width for which no height was made.
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        scroll.setMinimumWidth(220)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(scroll)
        both.addWidget(self.calls)
        both.setSizes([320, 440])
        both.setChildrenCollapsible(False)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        column.addWidget(self.reason)
        column.addWidget(both, 1)
        column.addLayout(self._buttons)
        self.notice = _label()
        self.notice.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.notice.setMargin(6)
        nothing = QLabel(
            self.tr("When an alert is selected, this pane tells why it was raised:\n"
                    "the calls that surprised, and what the profile expected there instead.")
        )  # fmt: skip
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        nothing.setWordWrap(True)
        nothing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedLayout(self)
        for widget in (nothing, page, self.notice):
            self._pages.addWidget(widget)

    def _fact(self, title: str) -> QLabel:
        label = _label()
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        label.setSizePolicy(policy)
        label.setAccessibleName(title.rstrip(":"))
        self._titles[label] = QLabel(title)
        self._titles[label].setTextFormat(Qt.TextFormat.PlainText)
        row, top = len(self._titles), Qt.AlignmentFlag.AlignTop
        self._facts.addWidget(self._titles[label], row, 0, top)
        self._facts.addWidget(label, row, 1)
        return label

    def _make_buttons(self) -> None:
        self.acknowledge = QPushButton()
        self.acknowledge.clicked.connect(self._ask_acknowledge)
        self.normal = QPushButton()
        self.normal.setToolTip(
            self.tr("Add this sequence to the profile's normal behaviour; it can be undone")
        )
        self.normal.clicked.connect(self._ask_normal)
        self.undo = QPushButton(self.tr("&Undo: not normal"))
        self.undo.setToolTip(self.tr("Take back that this was normal"))
        self.undo.clicked.connect(self._ask_undo)
        self.box = QPushButton(self.tr("Replay &black box"))
        self.box.clicked.connect(self._ask_box)
        self.copy = QPushButton(self.tr("Co&py"))
        self.copy.setToolTip(self.tr("Put all of this on the clipboard, as text"))
        self.copy.clicked.connect(lambda: self.copy_asked.emit(self._numbers()))
        self._buttons = QHBoxLayout()
        for button in (self.acknowledge, self.normal, self.undo, self.box, self.copy):
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)

    # What it shows

    def set_may_steer(self, allowed: bool) -> None:
        """Whether the monitor takes requests from this window."""
        self._may_steer = allowed
        self._enable()

    def show_alert(self, alert: Alert | None, incident: list[Alert] | None = None) -> None:
        """Explain this one.

        Parameters
        ----------
        alert
            None: say what the pane is for.
        incident
            All alerts that the buttons are about, where that is more than this one.
        """
        former, self._alert, self._others = self._alert, alert, incident or []
        if alert is None:
            self._pages.setCurrentIndex(0)
            return
        self._pages.setCurrentIndex(1)
        self.reason.setText(line(alert["reason"]))
        self._set(self.incident, self._incident_text())
        self._set(
            self.process,
            self._process_text(alert),
        )
        command = command_line(alert["argv"])
        # All of a long one would push what stands below it out of sight.
        shown = command if len(command) <= LONGEST_COMMAND else command[:LONGEST_COMMAND] + "..."
        self._set(self.command, shown or self.tr("unknown: it had ended before one could look"))
        self.command.setToolTip(tip(command) if shown != command else "")
        self._set(
            self.parents,
            " ← ".join(f"{name(comm) or '?'} ({pid})" for pid, comm in alert["parents"]),
        )
        self._set(self.user, self._user_text(alert))
        self._set(
            self.score,
            self.tr("{peak:.3f} at its peak ({rarity}); threshold {threshold:.3f}").format(
                peak=alert["peak"], rarity=rarity(alert["peak"]), threshold=alert["threshold"]
            ),
        )
        self._set(self.reading, self._reading_text(alert["reading"]))
        self._set(self.when, self._time_text(alert))
        if former is None or former["id"] != alert["id"] or former["calls"] != alert["calls"]:
            self.calls.show_calls(alert["calls"])
        self._enable()

    def _set(self, label: QLabel, text: str) -> None:
        label.setText(text)
        for widget in (label, self._titles[label]):
            widget.setVisible(bool(text))

    def _incident_text(self) -> str:
        if len(self._others) < 2:
            return ""
        names = [name(comm) or "?" for comm in dict.fromkeys(a["comm"] for a in self._others)]
        count = len(self._others)
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        words = self.tr("{count} alerts in {stretch}: {names}; this is the worst", "", count)
        return words.format(count=grouped(count), stretch=stretch(self._others), names=shown)

    def _process_text(self, alert: Alert) -> str:
        exe = line(alert["exe"])
        words = [exe] if exe else [name(alert["comm"]) or "?", self.tr("executable unknown")]
        if exe and PurePath(alert["exe"]).name != alert["comm"]:
            words.append(self.tr("called {0}").format(name(alert["comm"]) or "?"))
        words.append(self.tr("pid {0}").format(alert["pid"]))
        if alert["tid"] != alert["pid"]:
            words.append(self.tr("thread {0}").format(alert["tid"]))
        return ", ".join(words)

    def _user_text(self, alert: Alert) -> str:
        words = [name(alert["user"])] if alert["user"] else []
        if alert["started"] is not None:
            age = max(0.0, alert["time"] - alert["started"])
            since = time_text(alert["started"], date=age > 3600)
            words.append(self.tr("started {0}, {1} before").format(since, duration(age)))
        return ", ".join(words)

    def _reading_text(self, reading: str) -> str:
        return {
            "burst": self.tr("burst: its latest calls, up to 20, are improbable"),
            "drift": self.tr("drift: its latest calls, up to 500, are unlike the program"),
            "repertoire": self.tr("repertoire: no learned process used these calls together"),
            "novelty": self.tr("novelty: pairs of calls that were never seen, close together"),
            "program": self.tr("program: no learned process ran it"),
        }.get(reading, name(reading))

    def _time_text(self, alert: Alert) -> str:
        words = [time_text(alert["time"], date=True)]
        if alert["closed"] is not None:
            over = duration(alert["closed"] - alert["time"])
            words.append(self.tr("over after {0}").format(over))
        above, lost = alert["calls_above"], alert["lost"]
        text = self.tr("{0} calls above the threshold", "", plural(above))
        words.append(text.format(grouped(above)))
        if lost:
            text = self.tr("{0} calls lost before it", "", plural(lost))
            words.append(text.format(grouped(lost)))
        return ", ".join(words)

    def show_notice(self, notice: IoUringNotice) -> None:
        """Explain a notice."""
        self._alert = None
        self._pages.setCurrentIndex(2)
        self.notice.setText(
            self.tr(
                "{text}\n\n"
                "{application}: {comm}, pid {pid}, thread {tid}, {exe}, {time}\n\n"
                "The kernel does what a program queues in such a ring (open, read, connect and"
                " much more) without a system call, so no tracer of system calls can see it."
                " This is no alert: many programs work so. Where the program has no need of it,"
                " forbid it: SystemCallFilter=~io_uring_setup in its systemd unit, or for the whole"
                " machine sysctl kernel.io_uring_disabled=2 (Linux 6.6 and later)."
            ).format(
                text=line(notice["text"]),
                application=line(notice["application"]),
                comm=name(notice["comm"]),
                pid=notice["pid"],
                tid=notice["tid"],
                exe=line(notice["exe"]) or self.tr("executable unknown"),
                time=time_text(notice["time"], date=True),
            )
        )

    # The buttons

    def _numbers(self) -> list[int]:
        if self._alert is None:
            return []
        return [alert["id"] for alert in self._others] or [self._alert["id"]]

    def _enable(self) -> None:
        alert = self._alert
        if alert is None:
            return
        marked = alert["normal"] is not None
        all_marked = all(one["normal"] is not None for one in self._all)
        several = len(self._others) > 1
        self.normal.setText(
            self.tr("All {0} were &normal").format(len(self._others)) if several
            else self.tr("This was &normal")
        )  # fmt: skip
        self.normal.setVisible(not all_marked)
        self.normal.setEnabled(self._may_steer and not all_marked)
        self.undo.setVisible(marked)
        self.undo.setEnabled(self._may_steer and marked)
        self.acknowledge.setText(
            self.tr("Not &acknowledged") if self._all_acknowledged() else self.tr("&Acknowledge")
        )
        self.acknowledge.setToolTip(
            self.tr("You have seen to it: it stays in the list, and is not counted any more")
        )
        self.acknowledge.setEnabled(self._all_acknowledged() or not all(map(is_settled, self._all)))
        self.box.setEnabled(bool(alert["box"]))
        self.box.setToolTip(
            tip(
                self.tr("Replay the calls around the alert in a window of their own, from"),
                line(alert["box"]),
            )
            if alert["box"]
            else self.tr("There is no black box of this alert (yet): it is written 500 calls later")
        )

    @property
    def _all(self) -> list[Alert]:
        return self._others or ([self._alert] if self._alert is not None else [])

    def _all_acknowledged(self) -> bool:
        return all(alert["acknowledged"] is not None for alert in self._all)

    def _ask_acknowledge(self) -> None:
        self.acknowledge_asked.emit(self._numbers(), not self._all_acknowledged())

    def _ask_normal(self) -> None:
        if self._alert is not None:
            self.normal.setEnabled(False)
            self.normal_asked.emit(self._numbers())

    def _ask_undo(self) -> None:
        if self._alert is not None and self._alert["normal"] is not None:
            self.undo.setEnabled(False)
            self.undo_asked.emit(self._alert["id"], self._alert["normal"])

    def _ask_box(self) -> None:
        if self._alert is not None and self._alert["box"]:
            self.box_asked.emit(self._alert["box"])


def _label(*, bold: bool = False) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if bold:
        font = label.font()
        font.setBold(True)
        label.setFont(font)
    return label
