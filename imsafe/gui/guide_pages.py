# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the guide at its begin and end: which program; what comes now."""

from __future__ import annotations

import shutil
from pathlib import Path

from PyQt6.QtCore import QStringListModel, Qt, QTimer
from PyQt6.QtWidgets import (
    QFormLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWizardPage,
)

from imsafe.errors import SourceError
from imsafe.gui.device import (
    DEFAULT_SOCKET,
    OK,
    KernelDevice,
    Problem,
    SensorDevice,
    SensorProgram,
    check_command,
)
from imsafe.gui.fields import PathField, ProblemLine, Proposals
from imsafe.gui.guide_plan import Plan
from imsafe.gui.lookout import Lookout, View
from imsafe.gui.settings import Settings
from imsafe.sources.kernel_request import KernelRequest
from imsafe.words import printable


class Choose(QWizardPage):
    """Which program, and where the files go."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        super().__init__()
        self._plan = plan
        self._problem: Problem = OK
        self.setTitle(self.tr("Which program shall be watched?"))
        self.setSubTitle(
            self.tr("ImSafe first learns what it normally does, then tells when it does something"
                    " else.")
        )  # fmt: skip
        self.run = QRadioButton(self.tr("A program that I &start now; no rights are needed:"))
        self.command = QLineEdit()
        self.command.setPlaceholderText(
            self.tr("command and arguments, such as: python3 server.py")
        )
        self.command.setAccessibleName(self.tr("Command and arguments"))
        self.name_it = QRadioButton(
            self.tr("A program that &runs already, such as a service; you may be asked for root's"
                    " password:")
        )  # fmt: skip
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("its name, such as nginx; what runs is proposed"))
        self.name.setAccessibleName(self.tr("Name of a running program"))
        self.folder = PathField(settings, "guide", "folder", self.tr("Folder for what is recorded"))
        self.folder.set_path(settings.text("guide/folder", str(Path.home() / "imsafe")))
        self.problem = ProblemLine()
        self.run.setChecked(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self.run)
        layout.addWidget(self.command)
        layout.addSpacing(8)
        layout.addWidget(self.name_it)
        layout.addWidget(self.name)
        layout.addSpacing(8)
        form = QFormLayout()
        form.addRow(self.tr("&Keep recording and profile in:"), self.folder)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addWidget(self.problem)
        self._lookout = Lookout(self)
        self._lookout.seen.connect(self._propose)
        self._names = QStringListModel(self)
        Proposals(self._names, self.name)
        for button, field in ((self.run, self.command), (self.name_it, self.name)):
            button.clicked.connect(field.setFocus)
        self.command.textEdited.connect(lambda: self.run.setChecked(True))
        self.name.textEdited.connect(lambda: self.name_it.setChecked(True))
        for edit in (self.command, self.name):
            edit.textChanged.connect(self._check)
        self.run.toggled.connect(self._check)
        self.folder.changed.connect(self._check)
        self._check()

    def initializePage(self) -> None:  # noqa: D102
        field = self.command if self.run.isChecked() else self.name
        QTimer.singleShot(0, field.setFocus)  # QWizard gives it to the first button, after this

    def stop(self) -> None:
        """Stop looking at what runs."""
        self._lookout.stop()

    def _propose(self, view: View) -> None:
        names = sorted(view.names())
        if names == self._names.stringList() or (self.name.hasFocus() and self.name.text()):
            return  # a list that changes under the hand is no help
        self._names.setStringList(names)

    def _asked(self) -> Problem:
        plan, folder = self._plan, self.folder.path
        if not folder or not Path(folder).is_absolute():
            return Problem(self.tr("Give the full path of a folder."))
        if Path(folder).exists() and not Path(folder).is_dir():
            return Problem(self.tr("{0} is not a folder.").format(folder))
        if self.run.isChecked():
            argv, problem = check_command(self.command.text())
            if problem:
                return problem
            if shutil.which(argv[0]) is None:
                return Problem(
                    self.tr("There is no program {0}; give its full path.").format(
                        printable(argv[0])
                    )
                )
            plan.device = SensorDevice((DEFAULT_SOCKET,), SensorProgram(argv=argv))
            plan.name = Path(argv[0]).name
            return OK
        name = self.name.text().strip()
        if not name:
            return Problem(self.tr("Type the name of a program."), missing=True)
        try:
            request = KernelRequest.from_words([f"--name={name}"])
        except SourceError as error:
            return Problem(str(error))
        plan.device, plan.name = KernelDevice(request), name
        return OK

    def _check(self) -> None:
        self._problem = self._asked()
        self.problem.tell(self._problem)
        self.completeChanged.emit()

    def isComplete(self) -> bool:  # noqa: D102
        return not self._problem

    def validatePage(self) -> bool:  # noqa: D102
        folder = Path(self.folder.path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.problem.tell(
                self.tr("Cannot make the folder {0}: {1}.").format(folder, error.strerror)
            )
            return False
        self._plan.choose_files(folder)
        return True


class Watch(QWizardPage):
    """The last word."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self.setTitle(self.tr("Watch"))
        self.setSubTitle(self.tr("What it does from now on is judged by what was learned."))
        self.setFinalPage(True)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addStretch(1)

    def initializePage(self) -> None:  # noqa: D102
        self.words.setText(
            self.tr(
                "Press Watch: the monitor starts on {0} and the plot shows how unusual all that it"
                " does is. Make it do something it has never done, and there is an alert, with its"
                " reason.\n\nThe same by hand: File chooses the device, Tools > Trace to file"
                " records, Tools > Learn profile learns, Monitor > Configure has the threshold."
            ).format(printable(str(self._plan.device), 200))
        )
