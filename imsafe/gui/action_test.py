# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Configure > Test: executes the action as the monitor does, and shows what it says."""

from __future__ import annotations

import json
import time

from PyQt6.QtCore import QCoreApplication, QProcess, QProcessEnvironment, Qt
from PyQt6.QtGui import QFontDatabase
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.fields import closing_buttons
from imsafe.gui.progress_words import duration
from imsafe.gui.sizes import resize_to_fit
from imsafe.gui.timers import timer
from imsafe.monitor.actions import TIME_LIMIT, environment
from imsafe.monitor.view_protocol import Alert
from imsafe.words import printable

_MOST_SHOWN = 20_000


def sample_alert(application: str) -> Alert:
    """An alert as the monitor would give it, made up."""
    now = time.time()
    return Alert(
        id=0, state="open", application=application, application_number=1, pid=1, tid=1,
        comm="test", exe="/bin/test", parent=0, argv=["test", "alert"], user="nobody",
        started=now, parents=[], incident=0, acknowledged=None, time=now, closed=None, score=0.9,
        peak=0.9, threshold=0.5, reading="burst",
        reason="This is a test from Monitor > Configure; nothing has happened.",
        call="execve", probability=0.0001, calls_above=1,
        calls=[{"call": "execve", "surprise": 13.3, "probability": 0.0001,
                "expected": [("read", 0.9)]}],
        lost=0, box=None, normal=None,
    )  # fmt: skip


class ActionTest(QDialog):
    """Runs a program with a made-up alert and shows its output and how it ended.

    Attributes
    ----------
    finished_running : bool
        Whether it has ended.
    """

    def __init__(self, program: str, application: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Test of the action"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._program = program
        self._began = time.monotonic()
        self._out = b""
        self.finished_running = False
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.output = QPlainTextEdit()
        self.output.setReadOnly(True)
        self.output.setAccessibleName(self.tr("What the program said"))
        self.output.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.output.setPlaceholderText(self.tr("The program has said nothing."))
        self.given = QPlainTextEdit()
        self.given.setReadOnly(True)
        self.given.setFont(self.output.font())
        self.given.setAccessibleName(self.tr("What the program was given"))
        self.given.setMaximumHeight(7 * self.fontMetrics().lineSpacing())
        self.stop = QPushButton(self.tr("&End it"))
        buttons = closing_buttons()
        buttons.addButton(self.stop, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        said = QLabel(self.tr("What it &said (the monitor shows it among the messages):"))
        said.setBuddy(self.output)
        given = QLabel(self.tr("What it was &given, in its environment and on its input:"))
        given.setBuddy(self.given)
        layout = QVBoxLayout(self)
        layout.addWidget(self.state)
        layout.addWidget(said)
        layout.addWidget(self.output, 1)
        layout.addWidget(given)
        layout.addWidget(self.given)
        layout.addWidget(buttons)
        resize_to_fit(self, 620, 420)
        alert = sample_alert(application)
        variables = environment(alert)
        document = json.dumps(alert)
        lines = [f"{key}={value}" for key, value in variables.items()]
        self.given.setPlainText("\n".join([*lines, document]))
        # The program may outlast this dialog, and must not be killed with it.
        self._process = QProcess(QCoreApplication.instance())
        surroundings = QProcessEnvironment.systemEnvironment()
        for key, value in variables.items():
            surroundings.insert(key, value)
        self._process.setProcessEnvironment(surroundings)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._process.readyRead.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.finished.connect(self._process.deleteLater)
        self._process.errorOccurred.connect(self._failed)
        self.stop.clicked.connect(self._process.terminate)
        self._patience = timer(self, round(TIME_LIMIT * 1000), self._process.terminate, single=True)
        self.state.setText(self.tr("{0} runs...").format(printable(program)))
        self._process.start(program, [])
        self._process.write(document.encode() + b"\n")
        self._process.closeWriteChannel()
        self._patience.start()

    def _read(self) -> None:
        self._out = (self._out + self._process.readAll().data())[-_MOST_SHOWN:]
        lines = self._out.decode("utf-8", "replace").splitlines()
        self.output.setPlainText("\n".join(printable(line, 1000) for line in lines))

    def _finished(self, status: int, how: QProcess.ExitStatus) -> None:
        self._read()
        took = duration(time.monotonic() - self._began)
        if how == QProcess.ExitStatus.CrashExit:
            words = self.tr("{0} was ended by a signal after {1}.")
        elif status == 0:
            words = self.tr("{0} ran for {1} and ended with status 0: all is well.")
        else:
            words = self.tr("{0} ran for {1} and ended with status {2}: it says that"
                            " something went wrong.")  # fmt: skip
        self._over(words.format(printable(self._program), took, status))

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._process.deleteLater()
            self._over(
                self.tr("{0} cannot be executed; is its first line right, such as #!/bin/sh?")
                .format(printable(self._program))
            )  # fmt: skip

    def _over(self, words: str) -> None:
        self._patience.stop()
        self.finished_running = True
        self.stop.setEnabled(False)
        self.state.setText(words)

    def done(self, result: int) -> None:  # noqa: D102
        if not self.finished_running:
            for signal in (self._process.readyRead, self._process.errorOccurred):
                signal.disconnect()
            self._process.finished.disconnect(self._finished)
            self.stop.clicked.disconnect()
            self._patience.stop()
        super().done(result)
