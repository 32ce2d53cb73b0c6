# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogs that choose the device: Connect to sensor, Open trace."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.device import (
    DEFAULT_SOCKET,
    OK,
    Problem,
    SensorDevice,
    SensorProgram,
    TraceDevice,
    check_command,
    check_pids,
    check_socket,
    check_sockets,
)
from imsafe.gui.fields import PathField, ProblemLine, ok_button
from imsafe.gui.file_kinds import trace_filter
from imsafe.gui.settings import Settings


class SensorDialog(QDialog):
    """On which sockets sensors are awaited, and whether the window starts one itself."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Connect to sensor"))
        self.socket = QLineEdit()
        self.socket.setPlaceholderText(DEFAULT_SOCKET)
        self.socket.setAccessibleName(self.tr("Socket descriptor"))
        self.add = QPushButton(self.tr("&Add"))
        self.add.setAutoDefault(False)
        self.add.setToolTip(self.tr("Wait for sensors on this socket too"))
        self.remove = QPushButton(self.tr("&Remove"))
        self.remove.setAutoDefault(False)
        self.sockets = QListWidget()
        self.sockets.setMaximumHeight(5 * self.fontMetrics().lineSpacing() + 8)
        self.sockets.setAccessibleName(self.tr("Sockets"))
        row = QHBoxLayout()
        row.addWidget(self.socket, 1)
        row.addWidget(self.add)
        row.addWidget(self.remove)
        socket_box = QGroupBox(self.tr("Socket descriptor"))
        inside = QVBoxLayout(socket_box)
        inside.addLayout(row)
        inside.addWidget(QLabel(self.tr("Further sockets:")))
        inside.addWidget(self.sockets)
        hint = QLabel(
            self.tr("Any number of sensors may connect to one socket. In a terminal, a program is"
                    " put under a sensor with:  ims-sensor -s SOCKET -- PROGRAM")
        )  # fmt: skip
        hint.setWordWrap(True)
        inside.addWidget(hint)

        self.wait = QRadioButton(self.tr("&Wait for sensors that are started elsewhere"))
        self.run = QRadioButton(self.tr("Run a &program under a sensor:"))
        self.attach = QRadioButton(self.tr("Attach a sensor to running pr&ocesses:"))
        self.wait.setChecked(True)
        self.command = QLineEdit()
        self.command.setPlaceholderText(self.tr("program and arguments"))
        self.command.setAccessibleName(self.tr("Program and arguments"))
        self.pids = QLineEdit()
        self.pids.setPlaceholderText(self.tr("process ids"))
        self.pids.setAccessibleName(self.tr("Process ids"))
        self.full = QCheckBox(self.tr("Also calls that the program's own filter denies (slower)"))
        self.full.setToolTip(
            self.tr("vsftpd, sshd and browsers have such a filter; takes two stops a call")
        )
        self._program_box = QGroupBox(self.tr("Sensor"))
        form = QFormLayout(self._program_box)
        form.addRow(self.wait)
        form.addRow(self.run, self.command)
        form.addRow(self.attach, self.pids)
        form.addRow(self.full)
        note = QLabel(
            self.tr("The program starts when the monitor or a recording does,"
                    " and ends with this window.")
        )  # fmt: skip
        note.setWordWrap(True)
        form.addRow(note)
        self.socket.setWhatsThis(
            self.tr("A file name by which sensors find the monitor. Only your own programs, and"
                    " root's, can connect.")
        )  # fmt: skip
        self.command.setWhatsThis(
            self.tr("It is started as it stands here, without a shell, when the monitor starts.")
        )
        self.pids.setWhatsThis(
            self.tr("Processes of yours that run already; the system may forbid to attach to them.")
        )
        self.problem = ProblemLine()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        ok_button(self.buttons).setText(self.tr("&Connect"))
        layout = QVBoxLayout(self)
        layout.addWidget(socket_box)
        layout.addWidget(self._program_box)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(560)

        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        self.socket.textChanged.connect(self._check)
        self.command.textEdited.connect(lambda: self.run.setChecked(True))
        self.pids.textEdited.connect(lambda: self.attach.setChecked(True))
        for edit in (self.command, self.pids):
            edit.textChanged.connect(self._check)
        for button in (self.wait, self.run, self.attach):
            button.toggled.connect(self._check)
        self.sockets.currentRowChanged.connect(self._check)
        remembered = settings.texts("device/sockets") or [DEFAULT_SOCKET]
        self.socket.setText(remembered[0])
        for socket in remembered[1:]:
            self.sockets.addItem(socket)
        self.command.setText(settings.text("device/command"))
        self.socket.setFocus()
        self.socket.selectAll()
        self._check()

    def _listed(self) -> list[str]:
        return [
            item.text()
            for row in range(self.sockets.count())
            if (item := self.sockets.item(row)) is not None
        ]

    def _all_sockets(self) -> list[str]:
        typed = self.socket.text().strip()
        listed = self._listed()
        return [typed, *listed] if typed and typed not in listed else listed

    def _add(self) -> None:
        path = self.socket.text().strip()
        if check_socket(path) or path in self._listed():
            self._check()
            return
        self.sockets.addItem(path)
        self.socket.clear()
        self.socket.setFocus()

    def _remove(self) -> None:
        self.sockets.takeItem(self.sockets.currentRow())
        self._check()

    def _program(self) -> tuple[SensorProgram | None, Problem]:
        if self.run.isChecked():
            argv, problem = check_command(self.command.text())
            return SensorProgram(argv=argv, full=self.full.isChecked()), problem
        if self.attach.isChecked():
            pids, problem = check_pids(self.pids.text())
            return SensorProgram(pids=pids, full=self.full.isChecked()), problem
        return None, OK

    def _check(self) -> None:
        self.full.setEnabled(not self.wait.isChecked())
        self.remove.setEnabled(self.sockets.currentRow() >= 0)
        problem = check_sockets(self._all_sockets()) or self._program()[1]
        self.problem.tell(problem)
        ok_button(self.buttons).setEnabled(not problem)

    def device(self) -> SensorDevice:
        """What was chosen."""
        return SensorDevice(tuple(self._all_sockets()), self._program()[0])

    def accept(self) -> None:  # noqa: D102
        self._settings.set_texts("device/sockets", self._all_sockets())
        self._settings.set_text("device/command", self.command.text())
        super().accept()


class TraceOpenDialog(QDialog):
    """Which recorded trace is replayed, and how fast."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Open trace"))
        self.trace = PathField(settings, "trace", "open", self.tr("Trace file"), trace_filter())
        self.speed = QComboBox()
        self.speed.setEditable(True)
        self.speed.addItem(self.tr("as fast as possible"), "full")
        self.speed.addItem(self.tr("as recorded"), "recorded")
        for factor in ("2", "10", "100"):
            self.speed.addItem(self.tr("{0} times as fast").format(factor), factor)
        self.speed.setAccessibleName(self.tr("Speed"))
        self.speed.setToolTip(self.tr("Choose, or type a factor such as 0.5"))
        form = QFormLayout()
        form.addRow(self.tr("&Trace file:"), self.trace)
        form.addRow(self.tr("&Speed:"), self.speed)
        hint = QLabel(self.tr("The trace is replayed as if it happened now, to the monitor or into"
                              " a file."))  # fmt: skip
        hint.setWordWrap(True)
        self.speed.setWhatsThis(
            self.tr("The scores are the same at any speed; as recorded, it looks as it did then.")
        )
        self.problem = ProblemLine()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(hint)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(520)
        remembered = settings.text("device/speed", "full")
        place = self.speed.findData(remembered)
        if place >= 0:
            self.speed.setCurrentIndex(place)
        else:
            self.speed.setEditText(remembered)
        self.trace.set_path(settings.text("device/trace"))
        self.trace.changed.connect(self._check)
        self.speed.editTextChanged.connect(self._check)
        self._check()

    def _speed(self) -> str | None:
        text = self.speed.currentText().strip()
        place = self.speed.findText(text)
        if place >= 0:
            return str(self.speed.itemData(place))
        try:
            factor = float(text.rstrip("x "))
        except ValueError:
            return None
        return f"{factor:g}" if 0 < factor < 1e6 else None

    def _check(self) -> None:
        problem: Problem = OK
        path = self.trace.path
        if not path:
            problem = Problem(
                self.tr("Choose a trace (made by Tools > Trace to file)."), missing=True
            )
        elif not Path(path).is_file():
            problem = Problem(self.tr("There is no file {0}.").format(path))
        elif self._speed() is None:
            problem = Problem(self.tr("The speed is one of the list, or a factor such as 0.5."))
        self.problem.tell(problem)
        button = self.buttons.button(QDialogButtonBox.StandardButton.Open)
        assert button is not None
        button.setEnabled(not problem)

    def device(self) -> TraceDevice:
        """What was chosen."""
        return TraceDevice(self.trace.path, self._speed() or "full")

    def accept(self) -> None:  # noqa: D102
        self.trace.remember()
        self._settings.set_text("device/trace", self.trace.path)
        self._settings.set_text("device/speed", self._speed() or "full")
        self._settings.add_recent(self.trace.path)
        super().accept()
