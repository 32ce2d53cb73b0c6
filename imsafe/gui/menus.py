# SPDX-License-Identifier: GPL-3.0-or-later
"""The menus: every action with its shortcut, icon and tip; and why one is not possible now."""

from __future__ import annotations

from typing import NamedTuple

from PyQt6.QtCore import QCoreApplication, QSize, Qt
from PyQt6.QtGui import QAction, QKeySequence, QPalette
from PyQt6.QtWidgets import QMainWindow, QMenu, QStyle, QToolBar

from imsafe.gui.glyphs import Glyph, glyph

Icon = QStyle.StandardPixmap

GLYPHS: dict[str, Glyph] = {"close": "cross", "start": "play", "stop": "stop"}
"""Actions whose icon takes the colour of the text."""


class Entry(NamedTuple):
    """One action: name in the code, text, shortcut, icon, tip."""

    name: str
    text: str
    shortcut: str
    icon: Icon | None
    tip: str


def _tr(text: str) -> str:
    return QCoreApplication.translate("menus", text)


def entries() -> dict[str, list[Entry | None]]:
    """The menus in order; None is a separator."""
    return {
        _tr("&File"): [
            Entry("driver", _tr("Connect to &driver..."), "Ctrl+D", Icon.SP_ComputerIcon,
                  _tr("Trace an application from inside the kernel")),
            Entry("sensor", _tr("Connect to &sensor..."), "Ctrl+E", Icon.SP_DriveNetIcon,
                  _tr("Wait for sensors on a socket, or run a program under one")),
            Entry("trace", _tr("&Open trace..."), "Ctrl+O", Icon.SP_DialogOpenButton,
                  _tr("Replay a recorded trace")),
            Entry("open", _tr("Open &file..."), "Ctrl+Shift+O", None,
                  _tr("Open a behaviour database, a trace or a score log, by its content")),
            Entry("close", _tr("&Close device"), "Ctrl+W", None,
                  _tr("Let the device go, also while monitoring")),
            None,
            Entry("quit", _tr("&Quit"), "Ctrl+Q", None, _tr("End ImSafe and its monitor")),
        ],
        _tr("&Monitor"): [
            Entry("configure", _tr("&Configure..."), "Ctrl+,", Icon.SP_FileDialogDetailedView,
                  _tr("Behaviour database, threshold, log, action on alert")),
            Entry("start", _tr("&Start Monitor"), "Ctrl+R", None,
                  _tr("Watch the device and react")),
            Entry("stop", _tr("S&top Monitor"), "Ctrl+T", None,
                  _tr("Stop watching; what was shown stays")),
            Entry("attach", _tr("&Attach..."), "Ctrl+Shift+A", Icon.SP_FileLinkIcon,
                  _tr("Show a monitor that runs already, such as a service")),
            Entry("reload", _tr("&Read profiles again"), "F5", Icon.SP_BrowserReload,
                  _tr("After learning more: the monitor goes on with the databases as they are"
                      " on the disk now")),
            None,
            Entry("plot", _tr("&Plot graph..."), "Ctrl+P", Icon.SP_FileDialogContentsView,
                  _tr("Plot a score log, also one that is still being written")),
        ],
        _tr("&Tools"): [
            Entry("learn", _tr("&Learn profile..."), "Ctrl+L", Icon.SP_FileDialogNewFolder,
                  _tr("Make a behaviour database from recorded traces, or add to one")),
            Entry("record", _tr("&Trace to file..."), "Ctrl+S", Icon.SP_DialogSaveButton,
                  _tr("Record the device's system calls, to learn from")),
            Entry("tree", _tr("&Display tree..."), "Ctrl+B", Icon.SP_FileDialogListView,
                  _tr("Show the sequences in a behaviour database and their probabilities")),
        ],
        _tr("&Help"): [
            Entry("manual", _tr("&Manual"), "F1", Icon.SP_DialogHelpButton, _tr("The manual")),
            Entry("whatsthis", _tr("&What's this?"), "Shift+F1", None,
                  _tr("Then click what you want explained; F1 in a dialog opens its chapter")),
            Entry("guide", _tr("&First steps..."), "Ctrl+G", None,
                  _tr("From nothing to a live plot of a program of yours")),
            Entry("about", _tr("&About"), "", Icon.SP_MessageBoxInformation,
                  _tr("Version and licence")),
        ],
    }  # fmt: skip


def _short() -> dict[str, str]:
    """The actions of the toolbar, with their short texts; an empty name is a separator."""
    return {
        "driver": _tr("Driver"),
        "sensor": _tr("Sensor"),
        "trace": _tr("Trace"),
        "close": _tr("Close device"),
        "": "",
        "configure": _tr("Configure"),
        "start": _tr("Start"),
        "stop": _tr("Stop"),
        " ": "",
        "record": _tr("Record"),
        "learn": _tr("Learn"),
        "tree": _tr("Tree"),
    }


class Menus:
    """The actions of a main window, by name.

    Attributes
    ----------
    actions : dict of str to QAction
    file, recent : QMenu
        File, and in it Recent files, filled by the window.
    restore : QAction
        Whether the last session is restored.
    """

    def __init__(self, window: QMainWindow) -> None:
        self.actions: dict[str, QAction] = {}
        self._tips: dict[str, str] = {}
        bar, style = window.menuBar(), window.style()
        assert bar is not None
        assert style is not None
        for title, listed in entries().items():
            menu = bar.addMenu(title)
            assert menu is not None
            menu.setToolTipsVisible(True)
            for entry in listed:
                if entry is None:
                    menu.addSeparator()
                    continue
                action = QAction(entry.text, window)
                if entry.shortcut:
                    action.setShortcut(QKeySequence(entry.shortcut))
                if entry.icon is not None:
                    action.setIcon(style.standardIcon(entry.icon))
                action.setWhatsThis(entry.tip)
                self.actions[entry.name] = action
                self._tips[entry.name] = entry.tip
                self.allow(entry.name)
                menu.addAction(action)
            if "quit" in self.actions and not hasattr(self, "recent"):
                self.file = menu
                self.recent = QMenu(_tr("&Recent files"), window)
                menu.insertMenu(self.actions["close"], self.recent)
        self.actions["quit"].setMenuRole(QAction.MenuRole.QuitRole)
        self.actions["about"].setMenuRole(QAction.MenuRole.AboutRole)
        self.view = QMenu(_tr("&View"), window)
        help_menu = bar.actions()[-1]
        bar.insertMenu(help_menu, self.view)
        self.restore = QAction(_tr("&Restore the last session at start"), window)
        self.restore.setCheckable(True)
        self.view.addAction(self.restore)
        self.view.addSeparator()
        toolbar = QToolBar(_tr("Toolbar"), window)
        toolbar.setObjectName("toolbar")
        toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        toolbar.setIconSize(QSize(20, 20))
        for name, text in _short().items():
            if text:
                self.actions[name].setIconText(text)
                toolbar.addAction(self.actions[name])
            else:
                toolbar.addSeparator()
        window.addToolBar(toolbar)
        self.toolbar = toolbar
        self.dress(window.palette())

    def dress(self, palette: QPalette) -> None:
        """Take the colours of a palette."""
        for name, which in GLYPHS.items():
            self.actions[name].setIcon(glyph(which, palette))

    def allow(self, name: str, why_not: str = "") -> None:
        """Enable an action, or disable it and say why in its tip."""
        action = self.actions[name]
        action.setEnabled(not why_not)
        tip = self._tips[name]
        shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        words = f"{tip} ({shortcut})" if shortcut else tip
        action.setToolTip(f"{words}\n{why_not}" if why_not else words)
        action.setStatusTip(why_not or tip)
