# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Attach: which running monitor the window shows, found or typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.device import OK, Problem, check_socket
from imsafe.gui.fields import ProblemLine, ok_button
from imsafe.gui.settings import Settings
from imsafe.words import translate

SERVICES = Path("/run/imsafe/monitor")
"""Where imsafe-monitor@NAME.service has its folder NAME, with the view's socket in it."""


class View(NamedTuple):
    """A view's socket that was found.

    Attributes
    ----------
    name
        The monitor's.
    may_look
        Whether this user may connect.
    """

    name: str
    path: str
    may_look: bool


def found_views(services: Path = SERVICES) -> list[View]:
    """The monitors that run as services, the system's and the user's own."""
    folders = [services]
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute():
        folders.append(runtime / "imsafe" / "monitor")
    found = []
    for folder in folders:
        try:
            names = sorted(path.name for path in folder.iterdir())
        except OSError:
            continue  # there are none, or they are nobody's business
        for name in names:
            path = folder / name / "view"
            if os.access(path, os.F_OK) and path.is_socket():
                found.append(View(name, str(path), os.access(path, os.W_OK)))
    return found


def check_view(path: str) -> Problem:
    """What is wrong with the path of a view that somebody chose or typed."""
    if problem := check_socket(path):
        return problem
    if not os.access(path, os.F_OK):
        words = translate("attach", "There is no socket {0}: no monitor has its view there.")
        return Problem(words.format(path))
    if not os.access(path, os.W_OK):
        return Problem(_not_for_you(path))
    return OK


def _not_for_you(path: str) -> str:
    try:
        group = Path(path).group()
    except (KeyError, OSError, NotImplementedError):
        words = translate("attach", "You may not look on at {0}; its group decides who may.")
        return words.format(path)
    words = translate("attach", "You may not look on at {0}: members of the group {1} may.")
    return words.format(path, group)


class AttachDialog(QDialog):
    """Lists the monitors that run as services; any other one is reached by its socket."""

    def __init__(
        self, settings: Settings, parent: QWidget | None = None, services: Path = SERVICES
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Attach to a running monitor"))
        self.views = QListWidget()
        self.views.setAccessibleName(self.tr("Monitors that run as services"))
        self.views.setMinimumHeight(6 * self.fontMetrics().lineSpacing())
        self.socket = QLineEdit(settings.text("attach/view"))
        self.socket.setAccessibleName(self.tr("View socket"))
        self.socket.setPlaceholderText(str(services / "NAME" / "view"))
        self.problem = ProblemLine()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        ok_button(self.buttons).setText(self.tr("&Attach"))
        hint = QLabel(
            self.tr("The window shows what the monitor sees, and its history. Detaching lets it go"
                    " on as it is. Its own user and root may also steer it.")
        )  # fmt: skip
        hint.setWordWrap(True)
        form = QFormLayout()
        form.addRow(self.tr("View &socket:"), self.socket)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(self.tr("Monitors that run as services:")))
        layout.addWidget(self.views, 1)
        layout.addLayout(form)
        layout.addWidget(hint)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(560)

        self._fill(found_views(services))
        self.views.currentItemChanged.connect(self._choose)
        self.views.itemActivated.connect(lambda _: self._try_accept())
        self.socket.textChanged.connect(self._check)
        self.buttons.accepted.connect(self._try_accept)
        self.buttons.rejected.connect(self.reject)
        self._check()

    def _fill(self, views: list[View]) -> None:
        if not views:
            item = QListWidgetItem(self.tr("None was found."), self.views)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            return
        for view in views:
            text = self.tr("{0}   {1}") if view.may_look else self.tr("{0}   {1}   (not for you)")
            item = QListWidgetItem(text.format(view.name, view.path), self.views)
            item.setData(Qt.ItemDataRole.UserRole, view.path)
            item.setSizeHint(QSize(0, self.fontMetrics().lineSpacing() + 6))
        if not self.socket.text():
            self.views.setCurrentRow(0)
            self._choose(self.views.item(0))

    def _choose(self, item: QListWidgetItem | None) -> None:
        path = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if path:
            self.socket.setText(path)

    def _check(self) -> None:
        text = self.socket.text().strip()
        problem = check_view(text)
        # Nothing is wrong yet with what nobody has typed.
        self.problem.tell(problem if text else "")
        ok_button(self.buttons).setEnabled(not problem)

    def _try_accept(self) -> None:
        self._check()
        if ok_button(self.buttons).isEnabled():
            self._settings.set_text("attach/view", self.path)
            self.accept()

    @property
    def path(self) -> str:
        """The socket to attach to."""
        return self.socket.text().strip()
