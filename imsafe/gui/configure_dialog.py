# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Configure: per application its database and threshold; log, recording, action."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.action_test import ActionTest
from imsafe.gui.application_form import ApplicationForm
from imsafe.gui.configuration import (
    Configuration,
    WatchedApplication,
    check_action,
    check_applications,
    check_output,
)
from imsafe.gui.device import Device
from imsafe.gui.fields import PathField, ProblemLine, Squeezable, grow, ok_button
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit
from imsafe.gui.what_if_dialog import WhatIfDialog


class ConfigureDialog(QDialog):
    """Edits a `Configuration`; nothing is changed before OK.

    Parameters
    ----------
    device
        The device that is chosen, to tell when it watches another way than was learned.
    warnings
        What the running monitor says of each database's way of watching.
    """

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        parent: QWidget | None = None,
        *,
        device: Device | None = None,
        warnings: Mapping[str, list[str]] | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Configure the monitor"))
        self._applications = [
            WatchedApplication(entry.name, entry.profile, entry.threshold)
            for entry in configuration.applications
        ] or [WatchedApplication()]
        self._row = 0
        self._loading = False
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Applications"))
        self.list.setMaximumWidth(180)
        self.add = QPushButton(self.tr("&Add"))
        self.remove = QPushButton(self.tr("&Remove"))
        for button in (self.add, self.remove):
            button.setAutoDefault(False)
        self.form = ApplicationForm(settings)
        self.form.device = device
        self.form.warnings = warnings or {}
        applications = QGroupBox(self.tr("Applications"))
        beside = QVBoxLayout()
        beside.addWidget(self.list, 1)
        pair = QHBoxLayout()
        pair.addWidget(self.add)
        pair.addWidget(self.remove)
        beside.addLayout(pair)
        inside = QHBoxLayout(applications)
        inside.addLayout(beside)
        inside.addWidget(Squeezable(self.form), 1)

        self.log = PathField(settings, "log", "save", self.tr("Log to file"),
                             self.tr("Score logs (*.log);;All files (*)"))  # fmt: skip
        self.log.edit.setPlaceholderText(self.tr("none; needed to plot the complete history"))
        self.record = PathField(settings, "trace", "save", self.tr("Record to file"),
                                self.tr("Traces (*.imt);;All files (*)"))  # fmt: skip
        self.record.edit.setPlaceholderText(self.tr("none; keeps what is watched, to replay"))
        self.action = PathField(settings, "action", "open", self.tr("Execute on alert"))
        self.action.edit.setPlaceholderText(
            self.tr("none; a program that gets the alert as JSON on its input")
        )
        self.test = QPushButton(self.tr("&Test"))
        self.test.setAutoDefault(False)
        self.test.setToolTip(self.tr("Execute it now with a made-up alert"))
        action_row = QHBoxLayout()
        action_row.addWidget(self.action, 1)
        action_row.addWidget(self.test)
        outputs = QGroupBox(self.tr("While monitoring"))
        form = QFormLayout(outputs)
        form.addRow(self.tr("&Log to file:"), self.log)
        form.addRow(self.tr("Re&cord to file:"), self.record)
        action_label = QLabel(self.tr("&Execute on alert:"))
        action_label.setBuddy(self.action)
        form.addRow(action_label, action_row)
        for widget, words in (
            (
                self.form.name,
                self.tr(
                    "Which of several applications of one device this profile is"
                    " for. One alone needs no name."
                ),
            ),
            (self.form.profile, self.tr("What is normal, as Tools > Learn profile has made it.")),
            (
                self.form.threshold,
                self.tr(
                    "A score above it is an alert. 0.5 is reached by one in"
                    " 1,000 on normal behaviour, 0.667 by one in 10,000."
                ),
            ),
            (
                self.log,
                self.tr(
                    "The complete history of the scores, as text. It is continued if it"
                    " exists; Monitor > Plot graph shows it."
                ),
            ),
            (
                self.record,
                self.tr(
                    "All calls that are watched, to be replayed or learned. It is"
                    " continued if it exists."
                ),
            ),
            (
                self.action,
                self.tr(
                    "A program, with no arguments and no shell. It gets the alert as"
                    " JSON on its input, the most important of it in IMSAFE_..."
                ),
            ),
        ):
            widget.setWhatsThis(words)
        self.problem = ProblemLine()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        layout = QVBoxLayout(self)
        layout.addWidget(applications)
        layout.addWidget(outputs)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        # What is said of a profile comes later, and is to be seen whole.
        lines = 40 * self.fontMetrics().lineSpacing()
        resize_to_fit(self, 840, max(self.sizeHint().height(), lines))

        self.log.set_path(configuration.log)
        self.record.set_path(configuration.record)
        self.action.set_path(configuration.action)
        self._fill_list()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.currentRowChanged.connect(self._choose)
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        self.test.clicked.connect(self._test)
        self.form.what_if.clicked.connect(self._ask_what_if)
        self.form.name.textChanged.connect(self._edited)
        self.form.profile.changed.connect(self._edited)
        self.form.suggested.toggled.connect(self._edited)
        self.form.threshold.valueChanged.connect(self._edited)
        for field in (self.log, self.record, self.action):
            field.changed.connect(self._check)
        self.list.setCurrentRow(0)
        self._choose(0)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: D102
        super().showEvent(event)
        grow(self)

    def configuration(self) -> Configuration:
        """What the fields say."""
        return Configuration(
            list(self._applications), self.log.path, self.record.path, self.action.path
        )

    def _title(self, watched: WatchedApplication) -> str:
        return watched.name or self.tr("any application")

    def _fill_list(self) -> None:
        self.list.clear()
        self.list.addItems([self._title(watched) for watched in self._applications])

    def _choose(self, row: int) -> None:
        if row < 0 or self._loading:
            return
        self._row = row
        self._loading = True
        self.form.load(self._applications[row])
        self._loading = False
        self._check()

    def _edited(self) -> None:
        if self._loading:
            return
        self._applications[self._row] = watched = self.form.value()
        item = self.list.item(self._row)
        if item is not None:
            item.setText(self._title(watched))
        self._check()

    def _add(self) -> None:
        self._applications.append(WatchedApplication())
        self._fill_list()
        self.list.setCurrentRow(len(self._applications) - 1)
        self.form.name.setFocus()

    def _remove(self) -> None:
        del self._applications[self._row]
        if not self._applications:
            self._applications.append(WatchedApplication())
        self._loading = True
        self._fill_list()
        self._loading = False
        self.list.setCurrentRow(0)
        self._choose(0)

    def _check(self) -> None:
        action = check_action(self.action.path)
        self.test.setEnabled(bool(self.action.path) and not action)
        problem = (
            check_applications(self._applications)
            or (self.form.unreadable or None)
            or check_output(self.log.path)
            or check_output(self.record.path)
            or action
        )
        self.problem.tell(problem)
        ok_button(self.buttons).setEnabled(not problem)
        grow(self)

    def _test(self) -> None:
        """Execute the action as the monitor would, with a made-up alert, and show what it says."""
        ActionTest(self.action.path, self._applications[0].name or "test", self).open()

    def _ask_what_if(self) -> None:
        watched = self.form.value()
        dialog = WhatIfDialog(
            self._settings, watched.profile, watched.name, self.form.threshold.value(),
            self.log.path, self,
        )  # fmt: skip
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.taken.connect(self.form.use_threshold)
        dialog.open()

    def accept(self) -> None:  # noqa: D102
        for field in (self.log, self.record, self.action, self.form.profile):
            field.remember()
        super().accept()
