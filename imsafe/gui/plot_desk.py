# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings together what is about the live plot: the monitor's scores, its calls, saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QWidget

from imsafe.errors import ImsafeError
from imsafe.gui.file_kinds import graph_filter
from imsafe.gui.panes import Panes
from imsafe.gui.plain_text import name
from imsafe.gui.point import Point
from imsafe.gui.saving import ask_to_save
from imsafe.gui.settings import Settings
from imsafe.gui.watch import Watch

MOST_NAMED = 20_000
"""Processes whose names are remembered for what is said beside the mouse."""


class PlotDesk(QObject):
    """What happens to the live plot of one main window.

    Signals
    -------
    failed(str)
        An error in words, for a dialog.
    """

    failed = pyqtSignal(str)

    def __init__(self, window: QWidget, panes: Panes, watch: Watch, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._panes = panes
        self._watch = watch
        self._settings = settings
        self._comms: dict[int, str] = {}
        self._asked: Point | None = None
        self.plot, self.calls = panes.plot, panes.calls
        watch.identities.connect(self._name_processes)
        watch.alert.connect(lambda alert: self._name(alert["pid"], alert["comm"]))
        watch.restarted.connect(self._restart)
        self.plot.point_clicked.connect(self.show_calls)
        self.plot.alert_clicked.connect(lambda _: panes.bring_up("alerts"))
        self.plot.save_asked.connect(self.ask_save)

    def _restart(self) -> None:
        self._comms.clear()
        self.calls.clear()

    def _name_processes(self, rows: list[Any]) -> None:
        for row in rows:
            self._name(row["pid"], row["comm"])

    def _name(self, pid: int, comm: str) -> None:
        if self._comms.get(pid) != comm:
            self._comms[pid] = name(comm)
            if len(self._comms) > MOST_NAMED:
                del self._comms[next(iter(self._comms))]
            self.plot.set_comms(self._comms)

    def show_calls(self, point: Point) -> None:
        """Show the calls around a point of the plot."""
        rows = {row["number"]: row["name"] for row in self._watch.application_rows()}
        self._panes.bring_up("calls")
        if self._watch.session is None or point.application not in rows:
            self.calls.say(
                self.tr("The monitor has ended: the calls of its scores cannot be looked up.\n"
                        "Alerts have black boxes, which can be replayed; so can a recording.")
            )  # fmt: skip
            return
        self._asked = point
        self._watch.request(
            "calls", lambda *reply: self._answered(point, *reply),
            application=rows[point.application], pid=point.pid, tid=point.tid,
            time=point.time, symbol=point.symbol,
        )  # fmt: skip

    def _answered(self, point: Point, ok: bool, error: str, values: dict[str, Any]) -> None:
        if point is not self._asked:
            return  # another point was clicked meanwhile
        if ok:
            self.calls.show_around(values["around"])
        else:
            self.calls.say(error)

    def ask_save(self) -> None:
        """Ask for a file, and keep what the plot shows in it."""
        place = str(Path(self._settings.folder("image")) / "imsafe.png")
        ask_to_save(self._window, self.tr("Save graph"), place, graph_filter(), self.save)

    def save(self, path: str) -> None:
        """Keep what the plot shows: PNG, SVG or CSV, by the file's ending."""
        self._settings.set_folder("image", path)
        try:
            self.plot.save(str(Path(path)))
        except ImsafeError as error:
            self.failed.emit(str(error))
