# SPDX-License-Identifier: GPL-3.0-or-later
"""The panes of the main window: plot, alerts with their reason, processes, messages."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence, QResizeEvent
from PyQt6.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QSplitter,
    QWidget,
)

from imsafe.gui.alert_detail import AlertDetail
from imsafe.gui.alert_list import AlertList
from imsafe.gui.alert_model import AlertModel
from imsafe.gui.calls_pane import CallsPane
from imsafe.gui.colours import colours
from imsafe.gui.menus import Menus
from imsafe.gui.process_list import ProcessList
from imsafe.gui.process_model import ProcessModel
from imsafe.gui.score_history import History
from imsafe.gui.score_plot import ScorePlot
from imsafe.words import translate

MOST_MESSAGES = 2_000
DOCKS = 0.42
"""How much of the window's height is not the plot's, at first."""


class Messages(QPlainTextEdit):
    """Lines of which the newest stays in sight when the pane gets its size, not the oldest."""

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: D102
        bar = self.verticalScrollBar()
        at_end = bar is None or bar.value() == bar.maximum()
        super().resizeEvent(event)
        if bar is not None and at_end:
            bar.setValue(bar.maximum())


class Panes:
    """Builds the panes and puts them into a main window, their switches into its View menu.

    Attributes
    ----------
    plot, alerts, alert_list, detail, calls, processes, process_list, messages
    notify : QAction
        Whether alerts are told on the desktop.
    """

    def __init__(self, window: QMainWindow, history: History, menus: Menus) -> None:
        self._window = window
        self._menus = menus
        self._docks: dict[str, QDockWidget] = {}
        self.plot = ScorePlot(history, live=True)
        window.setCentralWidget(self.plot)
        self.alerts = AlertModel(colours(window.palette()), window)
        self.alert_list = AlertList(self.alerts)
        self.detail = AlertDetail()
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(self.alert_list)
        both.addWidget(self.detail)
        both.setSizes([510, 670])
        both.setChildrenCollapsible(False)
        self.processes = ProcessModel(window)
        self.process_list = ProcessList(self.processes)
        self.messages = Messages()
        self.messages.setReadOnly(True)
        self.messages.setMaximumBlockCount(MOST_MESSAGES)
        self.messages.setAccessibleName(translate("panes", "Messages"))
        alerts = self._dock("alerts", translate("panes", "Alerts"), both)
        processes = self._dock("processes", translate("panes", "Processes"), self.process_list)
        self.calls = CallsPane()
        calls = self._dock("calls", translate("panes", "Calls"), self.calls)
        messages = self._dock("messages", translate("panes", "Messages"), self.messages)
        window.tabifyDockWidget(alerts, calls)
        window.tabifyDockWidget(calls, processes)
        window.tabifyDockWidget(processes, messages)
        alerts.raise_()
        window.resizeDocks([alerts], [int(window.height() * DOCKS)], Qt.Orientation.Vertical)
        self._add_ways()
        menus.view.addMenu(self.plot.menu(window))
        self.notify = QAction(translate("panes", "Desktop &notifications"), window)
        self.notify.setCheckable(True)
        self.notify.setToolTip(
            translate("panes", "Tell of alerts on the desktop while this window is not in use")
        )
        toggle = menus.toolbar.toggleViewAction()
        if toggle is not None:
            menus.view.addAction(toggle)
        menus.view.addSeparator()
        menus.view.addAction(self.notify)

    def _add_ways(self) -> None:
        """View > Go to: the keyboard's way to each pane, in the order in which they lie."""
        menu = QMenu(translate("panes", "&Go to"), self._window)
        for place, (name, text) in enumerate(
            (
                ("plot", translate("panes", "&Plot")),
                ("alerts", translate("panes", "&Alerts")),
                ("calls", translate("panes", "&Calls")),
                ("processes", translate("panes", "P&rocesses")),
                ("messages", translate("panes", "&Messages")),
            ),
            1,
        ):
            action = QAction(text, self._window)
            action.setShortcut(QKeySequence(f"Ctrl+{place}"))
            action.triggered.connect(lambda _=False, name=name: self.go_to(name))
            menu.addAction(action)
        self._menus.view.insertMenu(self._menus.view.actions()[0], menu)

    def go_to(self, name: str) -> None:
        """Bring a pane to the front and give it the keyboard."""
        if name != "plot":
            self.bring_up(name)
        # A list without a row is hidden.
        wanted = {
            "plot": (self.plot,),
            "alerts": (self.alert_list.view, self.alert_list.search),
            "calls": (self.calls.table, self.calls),
            "processes": (self.process_list.view, self.process_list.search),
            "messages": (self.messages,),
        }[name]
        visible = [widget for widget in wanted if widget.isVisible()]
        (visible or wanted)[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_alerts(self) -> None:
        """Bring the alerts to the front."""
        self.bring_up("alerts")

    def bring_up(self, name: str) -> None:
        """Show a pane, also where others lie over it."""
        self._docks[name].show()
        self._docks[name].raise_()

    def _dock(self, name: str, title: str, content: QWidget) -> QDockWidget:
        dock = self._docks[name] = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setWidget(content)
        self._window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        action = dock.toggleViewAction()
        if action is not None:
            self._menus.view.addAction(action)
        return dock
