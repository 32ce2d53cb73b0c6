# SPDX-License-Identifier: GPL-3.0-or-later
"""The menus: every action with its shortcut, icon and tip; and why one is not possible now."""

from __future__ import annotations

from typing import NamedTuple

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QAction, QKeySequence, QPalette
from PyQt6.QtWidgets import QMainWindow, QMenu, QStyle, QToolBar, QToolButton

from imsafe.gui.glyphs import Glyph, glyph
from imsafe.words import translate

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


def entries() -> dict[str, list[Entry | None]]:
    """The menus in order; None is a separator."""
    return {
        translate("menus", "&File"): [
            Entry(
                "driver",
                translate("menus", "Connect to &driver..."),
                "Ctrl+D",
                Icon.SP_ComputerIcon,
                translate("menus", "Trace an application from inside the kernel"),
            ),
            Entry(
                "sensor",
                translate("menus", "Connect to &sensor..."),
                "Ctrl+E",
                Icon.SP_DriveNetIcon,
                translate("menus", "Wait for sensors on a socket, or run a program under one"),
            ),
            Entry(
                "trace",
                translate("menus", "&Open trace..."),
                "Ctrl+O",
                Icon.SP_DialogOpenButton,
                translate("menus", "Replay a recorded trace"),
            ),
            Entry(
                "open",
                translate("menus", "Open &file..."),
                "Ctrl+Shift+O",
                None,
                translate(
                    "menus", "Open a behaviour database, a trace or a score log, by its content"
                ),
            ),
            Entry(
                "close",
                translate("menus", "&Close device"),
                "Ctrl+W",
                None,
                translate("menus", "Let the device go, also while monitoring"),
            ),
            None,
            Entry(
                "quit",
                translate("menus", "&Quit"),
                "Ctrl+Q",
                None,
                translate("menus", "End ImSafe and its monitor"),
            ),
        ],
        translate("menus", "&Monitor"): [
            Entry(
                "configure",
                translate("menus", "&Configure..."),
                "Ctrl+,",
                Icon.SP_FileDialogDetailedView,
                translate("menus", "Behaviour database, threshold, log, action on alert"),
            ),
            Entry(
                "start",
                translate("menus", "&Start Monitor"),
                "Ctrl+R",
                None,
                translate("menus", "Watch the device and react"),
            ),
            Entry(
                "stop",
                translate("menus", "S&top Monitor"),
                "Ctrl+T",
                None,
                translate("menus", "Stop watching; what was shown stays"),
            ),
            Entry(
                "attach",
                translate("menus", "&Attach..."),
                "Ctrl+Shift+A",
                Icon.SP_FileLinkIcon,
                translate("menus", "Show a monitor that runs already, such as a service"),
            ),
            Entry(
                "reload",
                translate("menus", "&Read profiles again"),
                "F5",
                Icon.SP_BrowserReload,
                translate(
                    "menus",
                    "After learning more: the monitor goes on with the databases as they are"
                    " on the disk now",
                ),
            ),
            None,
            Entry(
                "plot",
                translate("menus", "&Plot graph..."),
                "Ctrl+P",
                Icon.SP_FileDialogContentsView,
                translate("menus", "Plot a score log, also one that is still being written"),
            ),
        ],
        translate("menus", "&Tools"): [
            Entry(
                "learn",
                translate("menus", "&Learn profile..."),
                "Ctrl+L",
                Icon.SP_FileDialogNewFolder,
                translate("menus", "Make a behaviour database from recorded traces, or add to one"),
            ),
            Entry(
                "record",
                translate("menus", "&Trace to file..."),
                "Ctrl+S",
                Icon.SP_DialogSaveButton,
                translate("menus", "Record the device's system calls, to learn from"),
            ),
            Entry(
                "tree",
                translate("menus", "&Display tree..."),
                "Ctrl+B",
                Icon.SP_FileDialogListView,
                translate(
                    "menus", "Show the sequences in a behaviour database and their probabilities"
                ),
            ),
        ],
        translate("menus", "&Help"): [
            Entry(
                "manual",
                translate("menus", "&Manual"),
                "F1",
                Icon.SP_DialogHelpButton,
                translate("menus", "The manual"),
            ),
            Entry(
                "whatsthis",
                translate("menus", "&What's this?"),
                "Shift+F1",
                None,
                translate(
                    "menus", "Then click what you want explained; F1 in a dialog opens its chapter"
                ),
            ),
            Entry(
                "guide",
                translate("menus", "&First steps..."),
                "Ctrl+G",
                None,
                translate("menus", "From nothing to a live plot of a program of yours"),
            ),
            Entry(
                "about",
                translate("menus", "&About"),
                "",
                Icon.SP_MessageBoxInformation,
                translate("menus", "Version and licence"),
            ),
        ],
    }


def _short() -> dict[str, str]:
    """The actions of the toolbar, with their short texts; an empty name is a separator."""
    return {
        "driver": translate("menus", "Driver"),
        "sensor": translate("menus", "Sensor"),
        "trace": translate("menus", "Trace"),
        "close": translate("menus", "Close device"),
        "": "",
        "configure": translate("menus", "Configure"),
        "start": translate("menus", "Start"),
        "stop": translate("menus", "Stop"),
        " ": "",
        "record": translate("menus", "Record"),
        "learn": translate("menus", "Learn"),
        "tree": translate("menus", "Tree"),
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
                self.recent = QMenu(translate("menus", "&Recent files"), window)
                menu.insertMenu(self.actions["close"], self.recent)
        self.actions["quit"].setMenuRole(QAction.MenuRole.QuitRole)
        self.actions["about"].setMenuRole(QAction.MenuRole.AboutRole)
        self.view = QMenu(translate("menus", "&View"), window)
        help_menu = bar.actions()[-1]
        bar.insertMenu(help_menu, self.view)
        self.restore = QAction(translate("menus", "&Restore the last session at start"), window)
        self.restore.setCheckable(True)
        self.view.addAction(self.restore)
        self.view.addSeparator()
        toolbar = QToolBar(translate("menus", "Toolbar"), window)
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
        # Qt's own button for what finds no room.
        more = self.toolbar.findChild(QToolButton, "qt_toolbar_ext_button")
        if more is not None:
            more.setIcon(glyph("more", palette))
            more.setToolTip(translate("menus", "What else the toolbar has"))

    def allow(self, name: str, why_not: str = "") -> None:
        """Enable an action, or disable it and say why in its tip."""
        action = self.actions[name]
        action.setEnabled(not why_not)
        tip = self._tips[name]
        shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        words = f"{tip} ({shortcut})" if shortcut else tip
        action.setToolTip(f"{words}\n{why_not}" if why_not else words)
        action.setStatusTip(why_not or tip)
