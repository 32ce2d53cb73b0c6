# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Configure: per application its database and threshold; log, recording, action."""

from __future__ import annotations

import json
import time

from PyQt6.QtCore import QCoreApplication, QProcess, QProcessEnvironment
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
from imsafe.gui.configuration import (
    Configuration,
    WatchedApplication,
    check_action,
    check_applications,
    check_output,
    check_profile,
)
from imsafe.gui.fields import PathField, ProblemLine, ok_button
from imsafe.gui.plot_items import rarity
from imsafe.gui.settings import Settings
from imsafe.profile.glance import Glance, glance

NO_THRESHOLD = 0.5
"""Where the field starts when a profile suggests none."""


class ApplicationForm(QWidget):
    """Database and threshold of one application."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("any (needed only to watch several)"))
        self.name.setToolTip(self.tr("The application's name as its tracer gives it"))
        self.profile = PathField(
            settings, "profile", "open", self.tr("Behaviour database"),
            self.tr("Behaviour databases (*.db);;All files (*)"),
        )  # fmt: skip
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.suggested = QCheckBox(self.tr("As the database suggests"))
        self.suggested.setChecked(True)
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(0.0, 1.0)
        self.threshold.setDecimals(3)
        self.threshold.setSingleStep(0.01)
        self.threshold.setAccessibleName(self.tr("Anomaly threshold"))
        self.suggest = QPushButton(self.tr("Use &suggested value"))
        self.suggest.setAutoDefault(False)
        self.meaning = QLabel()
        row = QHBoxLayout()
        row.addWidget(self.threshold)
        row.addWidget(self.meaning, 1)
        row.addWidget(self.suggest)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.tr("Applica&tion:"), self.name)
        form.addRow(self.tr("Behaviour &database:"), self.profile)
        form.addRow("", self.about)
        form.addRow(self.tr("Anomaly t&hreshold:"), self.suggested)
        form.addRow("", row)
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
            self.tr("what happens {0} on normal behaviour").format(rarity(self.threshold.value()))
        )
        if summary is None:
            self.about.setText(self.unreadable)
        else:
            self.about.setText(self._sentence(summary))
        self.about.setVisible(bool(self.about.text()))

    def _sentence(self, summary: Glance) -> str:
        words = self.tr("Learned from {0:,} calls of {1:,} processes").format(
            summary.calls, summary.processes
        )
        if summary.applications:
            words += f" ({', '.join(summary.applications[:4])})"
        words += ". "
        if summary.suggested_threshold is None:
            words += summary.why_no_threshold[:1].upper() + summary.why_no_threshold[1:] + "."
        else:
            price = summary.pace.price(self.threshold.value())
            words += self.tr("At this threshold, expect about {0} per million normal calls").format(
                _alarms(price.per_million_calls)
            )
            if price.per_day is not None:
                words += self.tr(", {0} a day at the pace that was learned").format(
                    _alarms(price.per_day)
                )
            words += "."
        if summary.lost:
            words += self.tr(" {0:,} calls were lost while recording.").format(summary.lost)
        return words


def _alarms(number: float) -> str:
    return f"{number:.2g} false alarms" if number < 10 else f"{number:,.0f} false alarms"


class ConfigureDialog(QDialog):
    """Edits a `Configuration`; nothing is changed before OK."""

    def __init__(
        self, settings: Settings, configuration: Configuration, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
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
        """Execute the action as the monitor would, with a made-up alert."""
        now = time.time()
        application = self._applications[0].name or "test"
        alert = {
            "id": 0, "state": "open", "application": application, "pid": 1, "tid": 1,
            "comm": "test", "time": now, "score": 0.9, "peak": 0.9, "threshold": 0.5,
            "reading": "burst", "reason": "A test from Monitor > Configure.", "test": True,
        }  # fmt: skip
        # The program may outlast this dialog, and must not be killed with it.
        process = QProcess(QCoreApplication.instance())
        environment = QProcessEnvironment.systemEnvironment()
        for key, value in (
            ("APPLICATION", application), ("PID", "1"), ("TID", "1"), ("COMM", "test"),
            ("SCORE", "0.9"), ("THRESHOLD", "0.5"), ("READING", "burst"), ("TIME", f"{now:.3f}"),
        ):  # fmt: skip
            environment.insert(f"IMSAFE_{key}", value)
        process.setProcessEnvironment(environment)
        process.finished.connect(self._tested)
        process.finished.connect(process.deleteLater)
        process.errorOccurred.connect(self._test_failed)
        process.start(self.action.path, [])
        process.write(json.dumps(alert).encode() + b"\n")
        process.closeWriteChannel()
        self.problem.tell(self.tr("The program was started with a made-up alert."))

    def _tested(self, status: int) -> None:
        if status:
            self.problem.tell(self.tr("The program ended with status {0}.").format(status))
        else:
            self.problem.tell("")

    def _test_failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.problem.tell(self.tr("The program cannot be executed; is its first line right?"))

    def accept(self) -> None:  # noqa: D102
        for field in (self.log, self.record, self.action, self.form.profile):
            field.remember()
        super().accept()
