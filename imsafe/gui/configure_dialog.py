# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Configure: per application its database and threshold; log, recording, action."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from imsafe.errors import ImsafeError
from imsafe.gui.action_test import ActionTest
from imsafe.gui.configuration import (
    Configuration,
    WatchedApplication,
    check_action,
    check_applications,
    check_output,
    check_profile,
)
from imsafe.gui.device import Device
from imsafe.gui.fields import PathField, ProblemLine, ok_button
from imsafe.gui.mode_check import mode_difference
from imsafe.gui.plot_items import rarity
from imsafe.gui.settings import Settings
from imsafe.gui.what_if_dialog import WhatIfDialog
from imsafe.monitor.score_log import printable
from imsafe.profile.glance import Glance, glance

NO_THRESHOLD = 0.5
"""Where the field starts when a profile suggests none."""


class ApplicationForm(QWidget):
    """Database and threshold of one application.

    Attributes
    ----------
    device : Device or None
        What is to be watched.
    warnings : mapping of str to list of str
        What a running monitor says of each database.
    """

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.device: Device | None = None
        self.warnings: Mapping[str, list[str]] = {}
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("any (needed only to watch several)"))
        self.name.setToolTip(self.tr("The application's name as its tracer gives it"))
        self.profile = PathField(
            settings, "profile", "open", self.tr("Behaviour database"),
            self.tr("Behaviour databases (*.db);;All files (*)"),
        )  # fmt: skip
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.price = QLabel()
        self.price.setWordWrap(True)
        self.difference = ProblemLine()
        self.difference.setMinimumHeight(0)
        self.suggested = QCheckBox(self.tr("As the database suggests"))
        self.suggested.setChecked(True)
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(0.0, 1.0)
        self.threshold.setDecimals(3)
        self.threshold.setSingleStep(0.01)
        self.threshold.setAccessibleName(self.tr("Anomaly threshold"))
        self.suggest = QPushButton(self.tr("Use &suggested value"))
        self.suggest.setAutoDefault(False)
        self.what_if = QPushButton(self.tr("&What if..."))
        self.what_if.setAutoDefault(False)
        self.what_if.setToolTip(self.tr("See the alerts of a threshold in a recording"))
        self.meaning = QLabel()
        row = QHBoxLayout()
        row.addWidget(self.threshold)
        row.addWidget(self.meaning, 1)
        row.addWidget(self.suggest)
        row.addWidget(self.what_if)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.tr("Applicatio&n:"), self.name)
        form.addRow(self.tr("Behaviour &database:"), self.profile)
        form.addRow("", self.about)
        form.addRow(self.tr("Anomaly t&hreshold:"), self.suggested)
        form.addRow("", row)
        form.addRow("", self.price)
        form.addRow("", self.difference)
        self.summary: Glance | None = None
        self.unreadable = ""
        self.profile.changed.connect(self._profile_changed)
        self.suggested.toggled.connect(self._show)
        self.threshold.valueChanged.connect(self._show)
        self.suggest.clicked.connect(self._use_suggested)
        self._show()

    def load(self, watched: WatchedApplication) -> None:
        """Show an application."""
        self.name.setText(watched.name)
        self.profile.set_path(watched.profile)
        self._profile_changed()
        self.suggested.setChecked(watched.threshold is None)
        if watched.threshold is not None:
            self.threshold.setValue(watched.threshold)
        self._show()

    def value(self) -> WatchedApplication:
        """What the fields say."""
        threshold = None if self.suggested.isChecked() else self.threshold.value()
        return WatchedApplication(self.name.text().strip(), self.profile.path, threshold)

    def _profile_changed(self) -> None:
        self.summary, self.unreadable = None, ""
        path = self.profile.path
        if not check_profile(path):
            try:
                self.summary = glance(path)
            except ImsafeError as error:
                self.unreadable = str(error)
        suggested = self.summary.suggested_threshold if self.summary is not None else None
        if suggested is not None:
            if self.suggested.isChecked():
                self.threshold.setValue(suggested)
        elif self.summary is not None:
            if self.suggested.isChecked():
                self.threshold.setValue(NO_THRESHOLD)
            self.suggested.setChecked(False)
        self._show()

    def use_threshold(self, threshold: float) -> None:
        """Take a threshold that is not the suggested one."""
        self.suggested.setChecked(False)
        self.threshold.setValue(threshold)

    def _use_suggested(self) -> None:
        if self.summary is not None and self.summary.suggested_threshold is not None:
            self.suggested.setChecked(True)
            self.threshold.setValue(self.summary.suggested_threshold)

    def _show(self) -> None:
        summary = self.summary
        can = summary is not None and summary.suggested_threshold is not None
        self.suggested.setEnabled(can or summary is None)
        self.suggest.setEnabled(can and not self.suggested.isChecked())
        self.threshold.setEnabled(not self.suggested.isChecked())
        if can and summary is not None and self.suggested.isChecked():
            assert summary.suggested_threshold is not None
            if abs(self.threshold.value() - summary.suggested_threshold) > 5e-4:
                self.threshold.setValue(summary.suggested_threshold)
        self.meaning.setText(
            self.tr("reached by {0} on normal behaviour").format(rarity(self.threshold.value()))
        )
        self.meaning.setVisible(summary is not None or not self.suggested.isChecked())
        self.what_if.setEnabled(summary is not None)
        self.about.setText(self.unreadable if summary is None else self._sentence(summary))
        self.price.setText("" if summary is None else self._price(summary))
        self.difference.tell("" if summary is None else self._difference(summary))
        for label in (self.about, self.price, self.difference):
            label.setVisible(bool(label.text()))

    def _sentence(self, summary: Glance) -> str:
        words = self.tr("Learned from {0:,} calls of {1:,} processes").format(
            summary.calls, summary.processes
        )
        if summary.applications:
            names = ", ".join(printable(name, 40) for name in summary.applications[:4])
            words += f" ({names})"
        words += "."
        if summary.saturation is not None:
            line = str(summary.saturation)
            words += f" {line[:1].upper()}{line[1:]}."
        if summary.lost:
            words += self.tr(" {0:,} calls were lost while recording.").format(summary.lost)
        return words

    def _price(self, summary: Glance) -> str:
        if summary.suggested_threshold is None:
            why = summary.why_no_threshold
            return self.tr("{0}. Record and learn more, or set a threshold yourself.").format(
                why[:1].upper() + why[1:]
            )
        price = summary.pace.price(self.threshold.value())
        words = self.tr("The price: expect about {0} in a million normal calls").format(
            _alarms(price.per_million_calls)
        )
        if price.per_day is not None:
            words += self.tr(", {0} a day at the pace that was learned").format(
                _alarms(price.per_day)
            )
            if price.at_most_per_day is not None:
                words += self.tr("; what was counted rules out more than {0} a day").format(
                    _number(price.at_most_per_day)
                )
        return words + "."

    def _difference(self, summary: Glance) -> str:
        said = [
            line
            for line in self.warnings.get(self.profile.path, ())
            if line != summary.why_no_threshold
        ]
        if said:
            return " ".join(f"{line[:1].upper()}{line[1:]}." for line in said)
        return mode_difference(summary, self.device)


def _number(number: float) -> str:
    """Two digits, as a person writes them: 0.61, 740, 17,000."""
    return f"{number:.2g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


def _alarms(number: float) -> str:
    return QCoreApplication.translate("configure", "{0} false alarms").format(_number(number))


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
        inside.addWidget(self.form, 1)

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
        self.resize(840, self.sizeHint().height())

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
            or check_output(self.log.path, self.tr("the log"))
            or check_output(self.record.path, self.tr("the recording"))
            or action
        )
        self.problem.tell(problem)
        ok_button(self.buttons).setEnabled(not problem)

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
