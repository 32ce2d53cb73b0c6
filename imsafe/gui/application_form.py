# SPDX-License-Identifier: GPL-3.0-or-later
"""In Monitor > Configure: one application's profile and threshold, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from imsafe.errors import ImsafeError
from imsafe.gui.configuration import (
    WatchedApplication,
    check_profile,
)
from imsafe.gui.device import Device
from imsafe.gui.fields import PathField, ProblemLine, ThresholdField
from imsafe.gui.mode_check import mode_difference
from imsafe.gui.plot_items import rarity
from imsafe.gui.settings import Settings
from imsafe.profile.glance import Glance, glance
from imsafe.profile.pace import NOT_ENOUGH
from imsafe.words import grouped, plural, printable, translate

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
        self.threshold = ThresholdField()
        self.suggest = QPushButton(self.tr("Use &suggested value"))
        self.suggest.setAutoDefault(False)
        self.what_if = QPushButton(self.tr("&What if..."))
        self.what_if.setAutoDefault(False)
        self.what_if.setToolTip(self.tr("See the alerts of a threshold in a recording"))
        self.meaning = QLabel()
        row = QHBoxLayout()
        for widget in (self.threshold, self.suggest, self.what_if):
            row.addWidget(widget)
        row.addStretch(1)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.tr("Applicatio&n:"), self.name)
        form.addRow(self.tr("Behaviour &database:"), self.profile)
        form.addRow("", self.about)
        form.addRow(self.tr("Anomaly t&hreshold:"), self.suggested)
        form.addRow("", row)
        form.addRow("", self.meaning)
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
        suggests = self.summary is None or self.summary.suggested_threshold is not None
        self.suggested.setChecked(watched.threshold is None and suggests)
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
        calls = self.tr("{0} calls", "learned from", plural(summary.calls))
        processes = self.tr("{0} processes", "calls of", plural(summary.processes))
        numbers = calls.format(grouped(summary.calls)), processes.format(grouped(summary.processes))
        if summary.applications:
            names = ", ".join(printable(name, 40) for name in summary.applications[:4])
            words = [self.tr("Learned from {0} of {1} ({2}).").format(*numbers, names)]
        else:
            words = [self.tr("Learned from {0} of {1}.").format(*numbers)]
        if summary.saturation is not None:
            line = str(summary.saturation)
            words.append(f"{line[:1].upper()}{line[1:]}.")
        if summary.programs.learned:
            words.append(str(summary.programs))
        if summary.lost:
            lost = self.tr("{0} calls were lost while recording.", "", plural(summary.lost))
            words.append(lost.format(grouped(summary.lost)))
        return " ".join(words)

    def _price(self, summary: Glance) -> str:
        if summary.suggested_threshold is None:
            why = summary.why_no_threshold
            return self.tr("{0}. Record and learn more, or set a threshold yourself.").format(
                why[:1].upper() + why[1:]
            )
        price = summary.pace.price(self.threshold.value())
        words = self.tr("The price: expect about {0} in a million normal calls.")
        numbers = [_alarms(price.per_million_calls)]
        if price.per_day is not None:
            words = self.tr("The price: expect about {0} in a million normal calls, {1} a day"
                            " at the pace that was learned.")  # fmt: skip
            numbers.append(_alarms(price.per_day))
            if price.at_most_per_day is not None:
                words = self.tr("The price: expect about {0} in a million normal calls, {1} a day"
                                " at the pace that was learned; what was counted rules out more"
                                " than {2} a day.")  # fmt: skip
                numbers.append(_number(price.at_most_per_day))
        return words.format(*numbers)

    def _difference(self, summary: Glance) -> str:
        said = [
            line
            for line in self.warnings.get(self.profile.path, ())
            if not line.startswith(NOT_ENOUGH)  # that is said of the price
        ]
        if said:
            return " ".join(f"{line[:1].upper()}{line[1:]}." for line in said)
        return mode_difference(summary, self.device)


def _number(number: float) -> str:
    """Two digits, as a person writes them: 0.61, 740, 17,000."""
    return f"{number:.2g}" if number < 10 else grouped(float(f"{number:.2g}"))


def _alarms(number: float) -> str:
    shown = _number(number)
    n = 1 if shown == "1" else max(2, plural(number))  # as it is spoken: 0.5 alarms
    return translate("configure", "{0} false alarms", "", n).format(shown)
