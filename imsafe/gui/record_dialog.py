# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools > Trace to file: records the device, by the monitor if it runs, else by `ims-trace`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.child import Child
from imsafe.gui.configuration import check_output
from imsafe.gui.device import OK, Device, KernelDevice, Problem
from imsafe.gui.fields import PathField, ProblemLine, grow, show_message
from imsafe.gui.plot_items import count_text, elapsed
from imsafe.gui.progress_words import Rate, duration, saturation_words
from imsafe.gui.settings import Settings
from imsafe.gui.watch import Watch
from imsafe.words import grouped, plural, printable


class RecordDialog(QDialog):
    """Records until it is stopped, also while it is closed.

    Attributes
    ----------
    recording
        Whether a recording goes on.
    uses_device
        Whether it is `ims-trace` that records, so that the device is taken.

    Signals
    -------
    changed()
        A recording began or ended.
    learn_asked(str)
        A profile shall be learned from this recording.
    """

    changed = pyqtSignal()
    learn_asked = pyqtSignal(str)

    def __init__(self, settings: Settings, watch: Watch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._watch = watch
        self._child: Child | None = None
        self._device: Device | None = None
        """What it records."""
        self._by_monitor = False
        self._began = 0.0
        self._rate = Rate()
        self._recorded_to = ""
        self._calls_before = 0
        self._calls = self._lost = 0
        self._totals: dict[str, Any] = {}
        self._stopping = False
        self.setWindowTitle(self.tr("Trace to file"))
        self.device = QLabel()
        self.device.setWordWrap(True)
        self.output = PathField(settings, "trace", "save", self.tr("Trace file"),
                                self.tr("Traces (*.imt);;All files (*)"))  # fmt: skip
        self.append = QRadioButton(self.tr("&Append to the file, which exists already"))
        self.replace = QRadioButton(self.tr("Re&place it: what it holds is lost"))
        form = QFormLayout()
        form.addRow(self.tr("Device:"), self.device)
        form.addRow(self.tr("&Trace file:"), self.output)
        form.addRow("", self.append)
        form.addRow("", self.replace)
        self.output.setWhatsThis(
            self.tr("The recording, from which a profile is learned, or which is replayed. Nothing"
                    " is replaced unasked.")
        )  # fmt: skip
        self.problem = ProblemLine()
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.saturation = QLabel()
        self.saturation.setWordWrap(True)
        self.saturation.setTextFormat(Qt.TextFormat.PlainText)
        self.saturation.setAccessibleName(self.tr("Whether enough was recorded"))
        bold = self.saturation.font()
        bold.setBold(True)
        self.saturation.setFont(bold)
        self.saturation.hide()
        self.learn = QPushButton(self.tr("&Learn from it..."))
        self.learn.setToolTip(self.tr("Make a behaviour database from this recording"))
        self.start = QPushButton(self.tr("&Record"))
        self.stop = QPushButton(self.tr("&Stop"))
        self.shut = QPushButton(self.tr("&Close"))
        self.shut.setToolTip(self.tr("A recording goes on while this dialog is closed"))
        buttons = QDialogButtonBox()
        buttons.addButton(self.start, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.stop, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.learn, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.shut, QDialogButtonBox.ButtonRole.RejectRole)
        self.learn.hide()  # the box would show what is hidden when it is added
        self.start.setDefault(True)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addWidget(self.said)
        layout.addWidget(self.saturation)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.setMinimumWidth(560)
        self.start.clicked.connect(self.record)
        self.stop.clicked.connect(self.end_recording)
        self.shut.clicked.connect(self.close)
        self.learn.clicked.connect(lambda: self.learn_asked.emit(self.output.path))
        self.output.changed.connect(self._output_changed)
        self.append.toggled.connect(self._check)
        self.replace.toggled.connect(self._check)
        self._check()

    @property
    def recording(self) -> bool:
        """Whether a recording goes on."""
        return self._child is not None or self._by_monitor

    @property
    def uses_device(self) -> bool:
        """Whether the device is taken by `ims-trace`."""
        return self._child is not None

    def update_status(self) -> None:
        """The device or the monitor's status changed."""
        status = self._watch.status
        if self._child is not None and self._watch.device is not self._device:
            if not self._stopping:
                self.end_recording()  # it was let go
            return
        if self._by_monitor:
            if self._watch.session is None or self._watch.attached or status is None:
                self._by_monitor = False
                self.said.setText(self.tr("The recording ended with the monitor."))
                self.changed.emit()
            elif status["recording"]:
                self._show_progress(
                    status["calls"] - self._calls_before, status["recorded_bytes"], 0
                )
            elif not self._stopping and time.monotonic() - self._began > 2:
                self._by_monitor = False
                self.said.setText(self.tr("The monitor has ended the recording; see Messages."))
                self.changed.emit()
        self._check()

    def _output_changed(self) -> None:
        self._unchoose()  # what was said of another file does not hold for this one
        self.learn.hide()
        self._check()

    def _unchoose(self) -> None:
        """Ask again what is to become of the file."""
        for button in (self.append, self.replace):
            button.setAutoExclusive(False)
            button.setChecked(False)
            button.setAutoExclusive(True)

    def _check(self) -> None:
        watch = self._watch
        device = watch.device if self._child is None else self._device
        self.device.setText(
            str(device) if device is not None else self.tr("none; choose one under File")
        )
        path = self.output.path
        exists = bool(path) and Path(path).is_file()
        for button in (self.append, self.replace):
            button.setVisible(exists)
        problem: Problem = OK
        if watch.device is None:
            problem = Problem(
                self.tr("Choose a device under File first: a driver, a sensor or a trace."),
                missing=True,
            )
        elif not path:
            problem = Problem(self.tr("Name the trace file."), missing=True)
        elif wrong := check_output(path):
            problem = wrong
        elif exists and not (self.append.isChecked() or self.replace.isChecked()):
            problem = Problem(
                self.tr("To record some more, say whether to append to the file or to replace it.")
                if self._recorded_to == path
                else self.tr("The file exists: say whether to append to it or to replace it."),
                missing=True,
            )
        elif watch.session is not None and not watch.attached and not watch.may_steer:
            problem = Problem(self.tr("The monitor does not take requests from this window."))
        running = self.recording
        self.problem.tell("" if running else problem)
        self.start.setEnabled(not running and not problem)
        self.stop.setEnabled(running and not self._stopping)
        for widget in (self.output, self.append, self.replace):
            widget.setEnabled(not running)
        grow(self)

    def record(self) -> None:
        """Begin."""
        path = self.output.path
        exists = Path(path).is_file()
        append = exists and self.append.isChecked()
        replace = exists and self.replace.isChecked()
        self.output.remember()
        self._stopping = False
        self._totals = {}
        self._calls = self._lost = 0
        self._began = time.monotonic()
        self._rate = Rate()
        self.saturation.hide()
        self.learn.hide()
        if self._watch.session is not None and not self._watch.attached:
            status = self._watch.status
            self._calls_before = status["calls"] if status is not None else 0
            self._by_monitor = True
            self._watch.request(
                "record-start", self._monitor_answered, path=path, append=append, replace=replace
            )
            self.said.setText(self.tr("The monitor records..."))
        else:
            self._device = self._watch.device
            assert self._device is not None
            arguments = ["--json", "-o", path]
            if append:
                arguments.append("--append")
            elif replace:
                arguments.append("--force")
            arguments += self._device.source_options()
            child = Child("trace", arguments, self)
            child.reported.connect(self._reported)
            child.ended.connect(self._ended)
            self._child = child
            child.start()
            self._watch.start_program()
            self.said.setText(
                self.tr("Waiting for the kernel tracer; you may be asked for a password...")
                if isinstance(self._watch.device, KernelDevice)
                else self.tr("Waiting for system calls...")
            )
        self.changed.emit()
        self._check()

    def end_recording(self) -> None:
        """Stop and keep what was recorded."""
        self._stopping = True
        if self._child is not None:
            self._child.cancel()
        else:
            self._watch.request("record-stop", self._monitor_stopped)
        self._check()

    def _monitor_answered(self, ok: bool, error: str, _: dict[str, Any]) -> None:
        if not ok:
            self._by_monitor = False
            self.said.setText("")
            show_message(self, self.tr("Trace to file"), error)
            self.changed.emit()
        self._check()

    def _monitor_stopped(self, ok: bool, error: str, _: dict[str, Any]) -> None:
        self._by_monitor = False
        self._recorded() if ok else show_message(self, self.tr("Trace to file"), error)
        self.changed.emit()
        self._check()

    def _reported(self, report: dict[str, Any]) -> None:
        self._totals.update(report)
        words, _ = saturation_words(self._totals)
        self.saturation.setText(words)
        self.saturation.setVisible(bool(words))
        self._show_progress(
            int(self._totals.get("calls", 0)),
            int(self._totals.get("bytes", 0)),
            int(self._totals.get("lost", 0)),
        )

    def _show_progress(self, calls: int, size: int, lost: int) -> None:
        seconds = time.monotonic() - self._began
        self._calls, self._lost = calls, lost
        words = self.tr("{calls} calls, {size}B, {rate} calls/s, {time}", "", plural(calls)).format(
            calls=grouped(calls), size=count_text(size) + (" " if size < 10_000 else ""),
            rate=count_text(self._rate(calls)), time=elapsed(round(seconds)),
        )  # fmt: skip
        if lost:
            words = self.tr("{0}, {1} lost").format(words, grouped(lost))
        self.said.setText(words)

    def _ended(self, status: int, words: str) -> None:
        assert self._child is not None
        self._child.deleteLater()
        self._child = None
        warnings = "\n".join(self._totals.get("warnings", ()))
        if words or warnings or status < 0:
            show_message(
                self, self.tr("Trace to file"),
                words or warnings or self.tr("The recording ended unexpectedly."),
            )  # fmt: skip
        if self._totals.get("type") == "done" or not (words or status < 0):
            self._recorded()
        else:
            self.said.setText("")
        self.changed.emit()
        self._check()

    def _recorded(self) -> None:
        self._settings.add_recent(self.output.path)
        self._unchoose()
        self.learn.show()
        self._recorded_to = self.output.path
        words = self.tr("Recorded to {0}.").format(printable(self.output.path, 300))
        if self._calls:
            words += " " + self.tr("{0} calls in {1}.", "", plural(self._calls)).format(
                grouped(self._calls), duration(time.monotonic() - self._began)
            )
        if self._lost:
            lost = self.tr("{0} calls were lost.", "", plural(self._lost))
            words += " " + lost.format(grouped(self._lost))
        self.said.setText(words)

    def close_now(self) -> None:
        """For the window's own end: what was recorded is kept whole."""
        if self._child is not None:
            self._child.cancel()
            self._child.wait_until_ended(5000)
