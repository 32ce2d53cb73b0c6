# SPDX-License-Identifier: GPL-3.0-or-later
"""The status bar: where calls come from, how many, how many were lost, what scoring does."""

from __future__ import annotations

from pathlib import PurePath

from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QLabel, QStatusBar, QWidget

from imsafe.gui.colours import colours
from imsafe.gui.plot_items import count_text
from imsafe.gui.timers import timer
from imsafe.gui.watch import Watch
from imsafe.monitor.view_protocol import Status

LONGEST_NAME = 40

SILENT_S = 5.0
"""A monitor that says nothing for so long is held up: by a slow disk, or stopped."""


class StatusLine:
    """Keeps the permanent fields of a status bar up to date."""

    def __init__(self, bar: QStatusBar, watch: Watch) -> None:
        self._watch = watch
        self._bar = bar
        self.source = self._field(self._tr("Where system calls come from"), 300)
        self.rate = self._field(self._tr("Calls scored per second"), 90)
        self.lost = self._field(self._tr("Calls that the tracer or the socket had to drop"), 90)
        self.unseen = self._field("", 0)
        self.state = self._field(self._tr("What the scoring does"), 150)
        self._was_silent = False
        timer(bar, 1000, self._look_for_silence).start()

    def _tr(self, text: str) -> str:
        return self._bar.tr(text)

    def _field(self, tip: str, width: int) -> QLabel:
        label = QLabel()
        label.setToolTip(tip)
        label.setMinimumWidth(width)
        self._bar.addPermanentWidget(label)
        return label

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
        self.rate.setText(self._tr("{0} calls/s").format(count_text(rate)))
        self.lost.setText(self._tr("{0} lost").format(count_text(lost)))
        _colour(self.lost, alarming=lost > 0)
        self._update_unseen()
        text, alarming = self._state_text()
        self.state.setText(text)
        _colour(self.state, alarming=alarming)

    def _update_unseen(self) -> None:
        count = self._watch.io_uring_count
        self.unseen.setVisible(count > 0)
        self.unseen.setText(
            self._tr("io_uring in 1 process") if count == 1
            else self._tr("io_uring in {0:,} processes").format(count)
        )  # fmt: skip
        texts = [notice["text"] for notice in self._watch.io_urings]
        if count > len(texts):
            texts.insert(0, self._tr("The latest {0} of them:").format(len(texts)))
        self.unseen.setToolTip("\n".join(texts))
        _colour(self.unseen, alarming=True)

    def _source_text(self) -> str:
        watch = self._watch
        if watch.status is not None and watch.session is not None:
            sources = watch.status["sources"]
            if not sources and watch.device is None:
                return self._tr("No device")
            # Of a trace the name alone: its folder would leave no room for what it does.
            names = [
                short(PurePath(row["name"]).name if row["kind"] == "replay" else row["name"])
                for row in sources[:3]
            ]
            return "; ".join(
                f"{name}: {row['state']}" for name, row in zip(names, sources, strict=False)
            ) + (self._tr(" and {0} more").format(len(sources) - 3) if len(sources) > 3 else "")
        return str(watch.device) if watch.device is not None else self._tr("No device")

    def _state_text(self) -> tuple[str, bool]:
        watch = self._watch
        if watch.session is None:
            return self._tr("Not monitoring"), False
        if watch.stopping:
            return self._tr("Stopping..."), False
        if watch.silent_for > SILENT_S:
            return self._tr("No answer for {0:.0f} s").format(watch.silent_for), True
        if watch.status is None:
            return self._tr("Starting..."), False
        open_alerts = watch.status["open_alerts"]
        if open_alerts:
            return (
                self._tr("1 open alert") if open_alerts == 1
                else self._tr("{0} open alerts").format(open_alerts)
            ), True  # fmt: skip
        if any(row["state"] == "not learned enough" for row in watch.status["applications"]):
            return self._tr("Not learned enough for a threshold"), False
        return {
            "waiting": self._waiting_text(watch.status),
            "watching": self._tr("Watching"),
            "idle": self._tr("Idle"),
            "ending": self._tr("Ending"),
        }[watch.status["state"]], False

    def _waiting_text(self, status: Status) -> str:
        awaited = [row for row in status["sources"] if not row["finished"] and not row["streams"]]
        if any(row["kind"] == "driver" for row in awaited):
            permission = any(row["state"] == "waiting for permission" for row in awaited)
            return (
                self._tr("Waiting for permission") if permission
                else self._tr("Starting the kernel tracer")
            )  # fmt: skip
        return self._tr("Waiting for a sensor")


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
