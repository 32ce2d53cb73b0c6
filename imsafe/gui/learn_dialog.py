# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools > Learn profile: `ims-learn` as a child, with progress and cancel."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from imsafe.errors import ImsafeError
from imsafe.gui.child import Child
from imsafe.gui.configuration import check_output, check_profile
from imsafe.gui.device import OK, Problem
from imsafe.gui.fields import PathField, ProblemLine, grow, show_message
from imsafe.gui.file_kinds import database_filter, file_kind, trace_filter
from imsafe.gui.progress_words import (
    duration,
    no_threshold_words,
    saturation_words,
    time_left,
)
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit
from imsafe.gui.trace_list import TraceList
from imsafe.profile.programs import in_words
from imsafe.words import grouped, plural, printable

DEEPEST = 32


class LearnDialog(QDialog):
    """Makes a behaviour database from traces, or adds to one.

    Signals
    -------
    use_asked(str)
        The new database shall be used by the monitor.
    """

    use_asked = pyqtSignal(str)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._child: Child | None = None
        self._cancelled = False
        self._began = 0.0
        self._result: dict[str, Any] = {}
        self.setWindowTitle(self.tr("Learn profile"))
        self.setAcceptDrops(True)
        self.traces = TraceList()
        self.traces.setAccessibleName(self.tr("Input trace files"))
        self.add_files = QPushButton(self.tr("Add &files..."))
        self.add_folder = QPushButton(self.tr("Add f&older..."))
        self.remove = QPushButton(self.tr("&Remove"))
        for button in (self.add_files, self.add_folder, self.remove):
            button.setAutoDefault(False)
        beside = QVBoxLayout()
        beside.addWidget(self.add_files)
        beside.addWidget(self.add_folder)
        beside.addWidget(self.remove)
        beside.addStretch(1)
        self._inputs = QGroupBox(self.tr("Input trace files or folders (they can be dropped here)"))
        inside = QHBoxLayout(self._inputs)
        inside.addWidget(self.traces, 1)
        inside.addLayout(beside)

        self.output = PathField(settings, "profile", "save", self.tr("Output database"),
                                database_filter())  # fmt: skip
        self.input = PathField(settings, "profile", "open", self.tr("Input database"),
                               database_filter())  # fmt: skip
        self.input.edit.setPlaceholderText(
            self.tr("none; an older database to which the sequences are added")
        )
        self.append = QRadioButton(self.tr("Add &to the output database, which exists already"))
        self.replace = QRadioButton(self.tr("Re&place it: what it has learned is lost"))
        self.tree_depth = QSpinBox()
        self.tree_depth.setRange(2, DEEPEST)
        self.tree_depth.setValue(8)
        self.tree_depth.setToolTip(self.tr("How many calls the longest sequence has"))
        self.app = QLineEdit()
        self.app.setPlaceholderText(self.tr("all that the traces hold"))
        self.again = QCheckBox(self.tr("Also traces that the database has learned already"))
        self.resume = QCheckBox(self.tr("&Go on from where an earlier run was ended"))
        self._form_box = QGroupBox(self.tr("Databases"))
        form = QFormLayout(self._form_box)
        form.addRow(self.tr("O&utput database:"), self.output)
        form.addRow("", self.append)
        form.addRow("", self.replace)
        form.addRow(self.tr("&Input database:"), self.input)
        form.addRow(self.tr("&Depth of the tree:"), self.tree_depth)
        form.addRow(self.tr("Only &application:"), self.app)
        form.addRow("", self.again)
        form.addRow("", self.resume)
        for widget, words in (
            (
                self.traces,
                self.tr(
                    "What was recorded while the program did its normal work: all of"
                    " it becomes normal."
                ),
            ),
            (self.output, self.tr("The file in which what is learned is kept.")),
            (
                self.input,
                self.tr(
                    "What it knows is kept, and the traces are added, as if all had"
                    " been learned at once."
                ),
            ),
            (
                self.tree_depth,
                self.tr(
                    "A call is judged by at most so many calls, itself included."
                    " Deeper finds more and takes longer to learn."
                ),
            ),
            (self.app, self.tr("Of traces that hold several applications, only this one.")),
        ):
            widget.setWhatsThis(words)
        self.problem = ProblemLine()
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.hide()
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.saturation = QLabel()
        self.saturation.setWordWrap(True)
        self.saturation.setTextFormat(Qt.TextFormat.PlainText)
        self.saturation.setAccessibleName(self.tr("Whether enough was recorded"))
        bold = self.saturation.font()
        bold.setBold(True)
        self.saturation.setFont(bold)
        self.saturation.hide()
        self.buttons = QDialogButtonBox()
        self.start = QPushButton(self.tr("&Learn"))
        self.cancel = QPushButton(self.tr("&Stop"))
        self.cancel.setToolTip(self.tr("Stop and save what has been learned so far"))
        self.use = QPushButton(self.tr("Use this data&base"))
        self.use.setToolTip(self.tr("Put it into Monitor > Configure"))
        self.shut = QPushButton(self.tr("&Close"))
        role = QDialogButtonBox.ButtonRole
        self.buttons.addButton(self.start, role.ActionRole)
        self.buttons.addButton(self.cancel, role.ActionRole)
        self.buttons.addButton(self.use, role.ActionRole)
        self.buttons.addButton(self.shut, role.RejectRole)
        self.start.setDefault(True)
        self.use.hide()
        layout = QVBoxLayout(self)
        layout.addWidget(self._inputs, 1)
        layout.addWidget(self._form_box)
        layout.addWidget(self.problem)
        layout.addWidget(self.progress)
        layout.addWidget(self.said)
        layout.addWidget(self.saturation)
        layout.addWidget(self.buttons)
        resize_to_fit(self, 720, 560)

        self.add_files.clicked.connect(self._ask_files)
        self.add_folder.clicked.connect(self._ask_folder)
        self.remove.clicked.connect(self._remove)
        self.start.clicked.connect(self.learn)
        self.cancel.clicked.connect(self._cancel)
        self.use.clicked.connect(self._use)
        self.shut.clicked.connect(self.close)
        self.output.changed.connect(self._output_changed)
        self.input.changed.connect(self._check)
        self.append.toggled.connect(self._check)
        self.replace.toggled.connect(self._check)
        self.traces.itemSelectionChanged.connect(self._check)
        self._check()

    # Inputs

    def add_paths(self, paths: list[str]) -> None:
        """Add traces or folders of traces; a behaviour database becomes the input database."""
        for path in paths:
            if self._is_database(path):
                self.input.set_path(path)
            else:
                self.traces.add(path)
                self._settings.set_folder("trace", path)
        self._check()

    @staticmethod
    def _is_database(path: str) -> bool:
        try:
            return Path(path).is_file() and file_kind(path) == "profile"
        except ImsafeError:
            return False  # the list says what is wrong with it

    def paths(self) -> list[str]:
        """The traces and folders in the list."""
        return self.traces.paths()

    def _ask_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(
            self, self.tr("Input trace files"), self._settings.folder("trace"), trace_filter()
        )
        self.add_paths(paths)

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, self.tr("Folder of traces"), self._settings.folder("trace")
        )
        if path:
            self.add_paths([path])

    def _remove(self) -> None:
        self.traces.remove_selected()
        self._check()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: D102
        data = event.mimeData() if event is not None else None
        if event is not None and data is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: D102
        data = event.mimeData() if event is not None else None
        if data is not None and self._child is None:
            self.add_paths([url.toLocalFile() for url in data.urls() if url.isLocalFile()])

    # Checking

    def _output_changed(self) -> None:
        self._unchoose()  # what was said of another file does not hold for this one
        self.use.hide()
        self.said.clear()
        self.saturation.hide()
        self._check()

    def _check(self) -> None:
        output, source = self.output.path, self.input.path
        running = self._child is not None
        exists = bool(output) and Path(output).is_file()
        for button in (self.append, self.replace):
            button.setVisible(exists)
        adding = exists and self.append.isChecked()
        part = Path(f"{output}.part")
        self.resume.setVisible(bool(output) and part.is_file())
        self.remove.setEnabled(bool(self.traces.selectedItems()))
        self.input.setEnabled(not adding)
        self.tree_depth.setEnabled(not source and not adding)
        self.tree_depth.setToolTip(
            self.tr("As in the database that is added to") if source or adding
            else self.tr("How many calls the longest sequence has")
        )  # fmt: skip
        problem: Problem = OK
        if not self.traces.count():
            problem = Problem(
                self.tr("Add at least one trace (made by Tools > Trace to file), or drop it here."),
                missing=True,
            )
        elif wrong_trace := self.traces.problem():
            problem = Problem(wrong_trace)
        elif not output:
            problem = Problem(self.tr("Name the output database."), missing=True)
        elif source and not adding and (wrong := check_profile(source)):
            problem = wrong
        elif exists and not (adding or self.replace.isChecked()):
            problem = Problem(
                self.tr("The output database exists already: say whether to add to it or to replace"
                        " it."),
                missing=True,
            )  # fmt: skip
        elif adding and not self._is_database(output):
            problem = Problem(
                self.tr("{0} is no behaviour database: it cannot be added to.").format(output)
            )
        else:
            problem = check_output(output)
        self.problem.tell("" if running else problem)
        self.start.setEnabled(not running and not problem)
        self.cancel.setVisible(running)
        self._inputs.setEnabled(not running)
        self._form_box.setEnabled(not running)
        grow(self)

    # Learning

    def arguments(self) -> list[str]:
        """The arguments of `ims-learn`."""
        arguments = ["--json", "-o", self.output.path]
        exists = Path(self.output.path).is_file()
        adding = exists and self.append.isChecked()
        if adding:
            arguments += ["-i", self.output.path]
        elif self.input.path:
            arguments += ["-i", self.input.path]
        else:
            arguments += ["-D", str(self.tree_depth.value())]
        if self.app.text().strip():
            arguments += ["--app", self.app.text().strip()]
        if self.again.isChecked():
            arguments.append("--again")
        if exists and self.replace.isChecked():
            arguments.append("--force")
        if self.resume.isVisible() and self.resume.isChecked():
            arguments.append("--resume")
        return [*arguments, *(os.path.abspath(path) for path in self.paths())]  # noqa: PTH100

    def learn(self) -> None:
        """Start `ims-learn`."""
        self.output.remember()
        self._cancelled = False
        self._result = {}
        self.use.hide()
        child = Child("learn", self.arguments(), self, nice=True)
        child.reported.connect(self._reported)
        child.complained.connect(self.said.setText)
        child.ended.connect(self._ended)
        self._child = child
        self._began = time.monotonic()
        self.saturation.hide()
        self.progress.setValue(0)
        self.progress.show()
        self.said.setText(self.tr("Starting..."))
        child.start()
        self._check()

    def _reported(self, report: dict[str, Any]) -> None:
        if "progress" in report:
            done = float(report["progress"])
            self.progress.setValue(round(1000 * done))
            words = printable(str(report.get("text", "")), 400).partition("; ")[0]
            left = time_left(done, time.monotonic() - self._began)
            if left is not None:
                words = self.tr("{0}; about {1} left").format(words, duration(left))
            self.said.setText(words)
            self._show_saturation(report)
        else:
            self._result.update(report)

    def _show_saturation(self, report: dict[str, Any]) -> None:
        words, enough = saturation_words(report)
        self.saturation.setVisible(bool(words))
        self.saturation.setText(
            words if enough or not words
            else self.tr("{0}. What is learned from more of the program's work raises fewer false"
                         " alarms.").format(words)
        )  # fmt: skip

    def _cancel(self) -> None:
        if self._child is not None:
            self._cancelled = True
            self.said.setText(self.tr("Stopping; saving what has been learned..."))
            self.cancel.setEnabled(False)
            self._child.cancel()

    def _ended(self, status: int, words: str) -> None:
        assert self._child is not None
        self._child.deleteLater()
        self._child = None
        self.cancel.setEnabled(True)
        self.progress.hide()
        learned = bool(self._result)  # also from a trace that was cut short, with status 2
        self.said.setText(self._sentence() if learned else "")
        self.saturation.hide()
        if learned:
            self._show_saturation(self._result)
            self.use.setVisible(Path(self.output.path).is_file())
            self._settings.add_recent(self.output.path)
        warnings = "\n".join(self._result.get("warnings", ()))
        if status != 0 or warnings:
            show_message(
                self,
                self.tr("Learn profile"),
                warnings or words or self.tr("Learning ended unexpectedly."),
            )
        self._unchoose()
        self._check()
        if learned:
            self.problem.tell("")

    def _unchoose(self) -> None:
        """Ask again, the next time, what is to become of the output database."""
        for button in (self.append, self.replace):
            button.setAutoExclusive(False)
            button.setChecked(False)
            button.setAutoExclusive(True)

    def _sentence(self) -> str:
        result = self._result
        words = [self.tr("Stopped; what was learned is saved.") if self._cancelled
                 else self.tr("Learned.")]  # fmt: skip
        if "calls" in result:
            calls = int(result["calls"])
            words.append(self.tr("{0} calls.", "", plural(calls)).format(grouped(calls)))
        if "nodes" in result:
            nodes = int(result["nodes"])
            words.append(self.tr("{0} nodes.", "", plural(nodes)).format(grouped(nodes)))
        if result.get("programs"):
            words.append(in_words(result["programs"], result["program_score"]))
        suggested = result.get("suggested_threshold")
        if suggested is not None:
            words.append(self.tr("Suggested threshold: {0:.3f}.").format(suggested))
        elif "why_no_threshold" in result:
            words.append(f"{no_threshold_words(result)}.")
        return " ".join(words)

    def _use(self) -> None:
        self.use_asked.emit(os.path.abspath(self.output.path))  # noqa: PTH100
        self.close()

    def close_now(self) -> None:
        """For the window's own end: what was learned so far is saved."""
        if self._child is not None:
            self._child.cancel()
            self._child.wait_until_ended(10_000)
