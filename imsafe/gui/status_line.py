# SPDX-License-Identifier: GPL-3.0-or-later
"""The status bar: the latest message; where calls come from, how many, how many were lost."""

from __future__ import annotations

from pathlib import PurePath

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QMoveEvent, QPalette
from PyQt6.QtWidgets import QLabel, QStatusBar, QWidget

from imsafe.gui.colours import colours
from imsafe.gui.plot_items import count_text
from imsafe.gui.timers import timer
from imsafe.gui.watch import Watch
from imsafe.monitor.view_protocol import Status
from imsafe.words import grouped, translate

LONGEST_NAME = 40

SHOWN_MS = 8_000
"""So long a message stands there."""

SILENT_S = 5.0
"""A monitor that says nothing for so long is held up: by a slow disk, or stopped."""


class Field(QLabel):
    """A field that tells when what is beside it has moved it.

    Signals
    -------
    moved()
    """

    moved = pyqtSignal()

    def moveEvent(self, event: QMoveEvent | None) -> None:  # noqa: D102
        super().moveEvent(event)
        self.moved.emit()


class StatusLine:
    """Keeps the fields of a status bar up to date, and shows messages beside them."""

    def __init__(self, bar: QStatusBar, watch: Watch) -> None:
        self._watch = watch
        self._bar = bar
        self.source = self._field(translate("status_line", "Where system calls come from"), 240)
        self.rate = self._field(translate("status_line", "Calls scored per second"), 90)
        self.lost = self._field(
            translate("status_line", "Calls that the tracer or the socket had to drop"), 90
        )
        self.unseen = self._field("", 0)
        self.state = self._field(translate("status_line", "What the scoring does"), 150)
        self._latest = self._shown = ""
        self.source.moved.connect(self._fields_moved)
        self._was_silent = False
        timer(bar, 1000, self._look_for_silence).start()

    def _field(self, tip: str, width: int) -> Field:
        label = Field()
        label.setToolTip(tip)
        label.setMinimumWidth(width)
        label.setContentsMargins(label.fontMetrics().averageCharWidth(), 0, 0, 0)
        self._bar.addPermanentWidget(label)
        return label

    def tell(self, text: str) -> None:
        """Show a message for a while, to the left of the fields."""
        self._latest = " ".join(text.split())
        self._show_latest()

    def _fields_moved(self) -> None:
        if self._bar.currentMessage() == self._shown:
            self._show_latest()

    def _show_latest(self) -> None:
        if not self._latest:
            return
        # What stands to the right of it would cut it off in the middle of a word.
        metrics = self._bar.fontMetrics()
        room = self.source.x() - 2 * metrics.averageCharWidth()
        short = metrics.elidedText(self._latest, Qt.TextElideMode.ElideRight, room)
        self._shown = short if room > 0 else self._latest
        self._bar.showMessage(self._shown, SHOWN_MS)

    def _look_for_silence(self) -> None:
        silent = self._watch.silent_for > SILENT_S
        if silent or self._was_silent:
            self.update()
        self._was_silent = silent

    def update(self) -> None:
        """Show how things are now."""
        status = self._watch.status if self._watch.session is not None else None
        self.source.setText(self._source_text())
        lost = status["lost"] if status else 0
        rate = status["rate"] if status else 0.0
        self.rate.setText(translate("status_line", "{0} calls/s").format(count_text(rate)))
        self.lost.setText(translate("status_line", "{0} lost").format(count_text(lost)))
        _colour(self.lost, alarming=lost > 0)
        self._update_unseen()
        text, alarming = self._state_text()
        self.state.setText(text)
        _colour(self.state, alarming=alarming)

    def _update_unseen(self) -> None:
        count = self._watch.io_uring_count
        self.unseen.setVisible(count > 0)
        self.unseen.setText(
            translate("status_line", "io_uring in {0} processes", "", count).format(grouped(count))
        )
        texts = [notice["text"] for notice in self._watch.io_urings]
        if count > len(texts):
            words = translate("status_line", "The latest {0} of them:")
            texts.insert(0, words.format(len(texts)))
        self.unseen.setToolTip("\n".join(texts))
        _colour(self.unseen, alarming=True)

    def _source_text(self) -> str:
        watch = self._watch
        if watch.status is not None and watch.session is not None:
            sources = watch.status["sources"]
            if not sources and watch.device is None:
                return translate("status_line", "No device")
            # Of a trace the name alone: its folder would leave no room for what it does.
            names = [
                short(PurePath(row["name"]).name if row["kind"] == "replay" else row["name"])
                for row in sources[:3]
            ]
            shown = "; ".join(
                f"{name}: {source_state(row['state'])}"
                for name, row in zip(names, sources, strict=False)
            )
            more = len(sources) - 3
            if more <= 0:
                return shown
            return translate("status_line", "{0} and {1} more").format(shown, more)
        return (
            str(watch.device) if watch.device is not None else translate("status_line", "No device")
        )

    def _state_text(self) -> tuple[str, bool]:
        watch = self._watch
        if watch.session is None:
            return translate("status_line", "Not monitoring"), False
        if watch.stopping:
            return translate("status_line", "Stopping..."), False
        if watch.silent_for > SILENT_S:
            return translate("status_line", "No answer for {0:.0f} s").format(
                watch.silent_for
            ), True
        if watch.status is None:
            return translate("status_line", "Starting..."), False
        open_alerts = watch.status["open_alerts"]
        if open_alerts:
            return (
                translate("status_line", "{0} open alerts", "", open_alerts)
                .format(grouped(open_alerts))
            ), True  # fmt: skip
        if any(row["state"] == "not learned enough" for row in watch.status["applications"]):
            return translate("status_line", "Not learned enough for a threshold"), False
        return {
            "waiting": self._waiting_text(watch.status),
            "watching": translate("status_line", "Watching"),
            "idle": translate("status_line", "Idle"),
            "ending": translate("status_line", "Ending"),
        }[watch.status["state"]], False

    def _waiting_text(self, status: Status) -> str:
        awaited = [row for row in status["sources"] if not row["finished"] and not row["streams"]]
        if any(row["kind"] == "driver" for row in awaited):
            permission = any(row["state"] == "waiting for permission" for row in awaited)
            return (
                translate("status_line", "Waiting for permission") if permission
                else translate("status_line", "Starting the kernel tracer")
            )  # fmt: skip
        return translate("status_line", "Waiting for a sensor")


def source_state(state: str) -> str:
    """A source's state, which the monitor tells in a few fixed English words."""
    number, _, word = state.partition(" ")
    if number.isdecimal() and word in ("sensor", "sensors"):
        return translate("status_line", "{0} sensors", "", int(number)).format(number)
    if state.startswith("replaying, "):
        return translate("status_line", "replaying, {0}").format(state.removeprefix("replaying, "))
    return {
        "closed": translate("status_line", "closed"),
        "ended": translate("status_line", "ended"),
        "failed": translate("status_line", "failed"),
        "not started": translate("status_line", "not started"),
        "replay closed": translate("status_line", "replay closed"),
        "replay finished": translate("status_line", "replay finished"),
        "replay not started": translate("status_line", "replay not started"),
        "replaying": translate("status_line", "replaying"),
        "starting": translate("status_line", "starting"),
        "stopped": translate("status_line", "stopped"),
        "tracing": translate("status_line", "tracing"),
        "waiting for a sensor": translate("status_line", "waiting for a sensor"),
        "waiting for permission": translate("status_line", "waiting for permission"),
    }.get(state, state)


def short(name: str) -> str:
    """A name that leaves room for others."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _colour(label: QWidget, *, alarming: bool) -> None:
    palette = label.palette()
    source = label.parentWidget()
    normal = (source or label).palette()
    colour = colours(normal).alert if alarming else normal.color(QPalette.ColorRole.WindowText)
    if palette.color(QPalette.ColorRole.WindowText) != colour:
        palette.setColor(QPalette.ColorRole.WindowText, colour)
        label.setPalette(palette)
