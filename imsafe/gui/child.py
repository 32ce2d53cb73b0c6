# SPDX-License-Identifier: GPL-3.0-or-later
"""An `ims-*` program run as a child of the window, its standard input held open.

Closing the input asks the child to save what is done and to end; that works
for a child that is root, which a signal could not reach, and it happens by
itself if the window dies.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
from pathlib import Path

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

import imsafe
from imsafe.gui.chatter import Chatter
from imsafe.gui.timers import timer

GRACE_MS = 15_000
"""How long a child that was asked to end may take before it is told to."""

AGAIN_MS = 5_000
"""A traced program that has not heeded SIGTERM for so long ends with its tracer at the second."""

_LONGEST_LINE = 1 << 20


class Child(QObject):
    """One `ims-*` program.

    Signals
    -------
    reported(dict)
        A JSON object that it printed.
    complained(str)
        A line on standard error, as it comes.
    printed(str)
        Of one that runs a program, which prints what it likes: a line of that, if not too many.
    ended(int, str)
        Exit status (-1: crashed or not started) and its error in words, if any.
    """

    reported = pyqtSignal(dict)
    printed = pyqtSignal(str)
    complained = pyqtSignal(str)
    ended = pyqtSignal(int, str)

    def __init__(
        self,
        program: str,
        arguments: list[str],
        parent: QObject | None = None,
        *,
        hold_input: bool = True,
        runs_program: bool = False,
        nice: bool = False,
    ) -> None:
        """Prepare the child; `start` starts it.

        Parameters
        ----------
        program
            The last part of its name: ``learn`` for `ims-learn`.
        arguments
            Its options.
        hold_input
            Whether closing the input asks it to end; False gives it an empty input.
        runs_program
            Whether its standard error is also that of a program that it runs, and its output too if
            the input is not held.
        nice
            Whether it works long and hard, and lets what is watched and the window go first.
        """
        super().__init__(parent)
        self.program = program
        self.arguments = arguments
        self._out = b""
        self._err = b""
        self._last_error = ""
        self._crashed = False
        self._over = False
        self._nice = shutil.which("nice") if nice else None
        self._chatter: Chatter | None = None
        self._all_foreign = runs_program and not hold_input
        if runs_program:
            self._chatter = Chatter(self)
            self._chatter.said.connect(self.printed)
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        # The child is the same ImSafe as the window, wherever that was started from.
        here = str(Path(imsafe.__file__).parent.parent)
        others = environment.value("PYTHONPATH")
        environment.insert("PYTHONPATH", f"{here}:{others}" if others else here)
        self._process.setProcessEnvironment(environment)
        if not hold_input:
            self._process.setStandardInputFile(QProcess.nullDevice())
        self._process.readyReadStandardOutput.connect(self._read_output)
        self._process.readyReadStandardError.connect(self._read_error)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)
        self._patience = timer(self, GRACE_MS, self._process.kill, single=True)
        self._again = timer(self, AGAIN_MS, self._process.terminate, single=True)

    def start(self) -> None:
        """Start the program; how it fares comes as signals."""
        words = [sys.executable, "-m", f"imsafe.cli.{self.program}", *self.arguments]
        if self._nice is not None:
            words = [self._nice, *words]
        self._process.start(words[0], words[1:])

    def instruct(self, arguments: list[str]) -> None:
        """Give a child that was started with ``--standby`` its options."""
        self.arguments = arguments
        self._process.write(json.dumps(arguments).encode() + b"\n")

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return not self._over and self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def pid(self) -> int:
        """Its process id, 0 when it does not run."""
        return self._process.processId()

    def cancel(self) -> None:
        """Ask it to save what is done and to end."""
        if self.running:
            self._process.closeWriteChannel()
            self._patience.start()

    def signal_to_end(self) -> None:
        """Ask it by SIGTERM: for one that runs a program under ptrace, which gets it too."""
        if self.running:
            self._process.terminate()
            self._again.start()
            self._patience.start()

    def kill_now(self) -> None:
        """End one that has nothing to save."""
        if self.running:
            self._process.kill()
            self._process.waitForFinished(1000)

    def wait_until_ended(self, milliseconds: int) -> None:
        """For the window's own end: wait, and kill what does not listen."""
        if self.running and not self._process.waitForFinished(milliseconds):
            self._process.kill()
            self._process.waitForFinished(1000)

    def _read_output(self) -> None:
        octets = self._process.readAllStandardOutput().data()
        if self._chatter is not None and self._all_foreign:
            self._chatter.feed(octets)
            return
        self._out += octets
        *lines, self._out = self._out.split(b"\n")
        if len(self._out) > _LONGEST_LINE:
            self._out = b""
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            try:
                value = json.loads(text) if text.startswith("{") else None
            except ValueError:
                value = None
            if isinstance(value, dict):
                self.reported.emit(value)

    def _read_error(self) -> None:
        octets = self._process.readAllStandardError().data()
        if self._chatter is not None:
            self._chatter.feed(octets)
            octets = self._own_words(octets)
        self._err += octets
        *lines, self._err = self._err.split(b"\n")
        if len(self._err) > _LONGEST_LINE:
            self._err = b""
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            if not text:
                continue
            if text.startswith("Traceback (most recent call last)"):
                self._crashed = True
            if self._crashed or text.startswith(f"ims-{self.program}: "):
                self._last_error = text  # what else is said is the traced program's own
            self.complained.emit(text)

    def _own_words(self, octets: bytes) -> bytes:
        """The lines that are the child's and not its program's; all of them once it fails."""
        if self._crashed:
            return octets
        own = b"ims-%s: |Traceback \\(most" % self.program.encode()
        found = re.search(rb"^(?:%s)" % own, octets, re.MULTILINE)
        return octets[found.start() :][:_LONGEST_LINE] if found is not None else b""

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            words = self.tr("{0} cannot be started: {1}.")
            self._end(-1, words.format(sys.executable, self._process.errorString()))

    def _finished(self, status: int, how: QProcess.ExitStatus) -> None:
        self._read_output()
        self._err += b"\n"
        self._read_error()
        if self._chatter is not None:
            self._chatter.end()
        words = self._last_error.removeprefix(f"ims-{self.program}: ")
        if self._crashed:
            text = self.tr("ims-{0} has a bug and ended: {1}")
            self._end(-1, text.format(self.program, words))
        elif how == QProcess.ExitStatus.CrashExit:
            words = self.tr("ims-{0} was killed ({1}).")
            self._end(-1, words.format(self.program, _signal_name(status)))
        else:
            self._end(status, words if status == 2 else "")

    def _end(self, status: int, words: str) -> None:
        if not self._over:
            self._over = True
            self._again.stop()
            self._patience.stop()
            self.ended.emit(status, words)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
