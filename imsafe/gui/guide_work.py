# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the guide that record and learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWizardPage,
)

from imsafe.gui.child import Child
from imsafe.gui.device import (
    KernelDevice,
)
from imsafe.gui.fields import ProblemLine
from imsafe.gui.guide_plan import UNSURE_THRESHOLD, Plan
from imsafe.gui.plot_items import count_text, elapsed
from imsafe.gui.progress_words import Rate, no_threshold_words, saturation_words
from imsafe.gui.timers import timer
from imsafe.words import grouped, plural, printable


class Record(QWizardPage):
    """Records until it is enough; more can be added."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._child: Child | None = None
        self._rate = Rate()
        self._seconds = 0
        self._totals: dict[str, Any] = {}
        self._said = ""
        self._ending = False
        self.setTitle(self.tr("Record its normal work"))
        self.setSubTitle(
            self.tr("Use the program now as it is used every day, in all the ways it is used: what"
                    " it does while you record becomes normal.")
        )  # fmt: skip
        self.begin = QPushButton(self.tr("&Record"))
        self.end = QPushButton(self.tr("&That is enough"))
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.saturation = QLabel()
        self.saturation.setWordWrap(True)
        self.problem = ProblemLine()
        row = QHBoxLayout()
        row.addWidget(self.begin)
        row.addWidget(self.end)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.state)
        layout.addWidget(self.saturation)
        layout.addStretch(1)
        layout.addWidget(self.problem)
        self._clock = timer(self, 1000, self._tick)
        self.begin.clicked.connect(self.record)
        self.end.clicked.connect(self.finish)

    def initializePage(self) -> None:  # noqa: D102
        self.problem.tell("")
        self._show()

    @property
    def recorded(self) -> bool:
        """Whether there is anything to learn from."""
        return Path(self._plan.trace).is_file() and self._totals.get("calls", 0) > 0

    def record(self) -> None:
        """Record, or record some more."""
        more = ["--append"] if Path(self._plan.trace).is_file() else []
        arguments = ["--json", "-o", self._plan.trace, *more, *self._plan.trace_options()]
        child = Child("trace", arguments, self, runs_program=self._plan.is_command)
        child.reported.connect(self._reported)
        for signal in (child.complained, child.printed):
            signal.connect(self._complained)
        child.ended.connect(self._ended)
        self._child = child
        self._said = ""
        self._ending = False
        self._seconds = 0
        self._rate = Rate()
        self._totals = {}
        self.problem.tell("")
        child.start()
        self._clock.start()
        self._show()

    def finish(self) -> None:
        """Stop; what was recorded is kept."""
        if self._child is not None:
            self._ending = True
            self._ask_to_end(self._child)
            self._show()

    def _ask_to_end(self, child: Child) -> None:
        """A program that was started to be recorded ends, too; a service goes on."""
        if self._plan.is_command:
            child.signal_to_end()
        else:
            child.cancel()

    def _tick(self) -> None:
        self._seconds += 1
        self._show()

    def _reported(self, report: dict[str, Any]) -> None:
        self._totals.update(report)
        self._show()

    def _complained(self, line: str) -> None:
        self._said = printable(line, 300)

    def _ended(self, status: int, words: str) -> None:
        assert self._child is not None
        self._child.deleteLater()
        self._child = None
        self._clock.stop()
        self._show()
        if words:
            self.problem.tell(words)
        elif not self.recorded:
            self.problem.tell(
                self._said
                or self.tr("Nothing was recorded: the program made no call, or did not start.")
            )

    def _show(self) -> None:
        running = self._child is not None
        calls = int(self._totals.get("calls", 0))
        self.begin.setEnabled(not running)
        self.begin.setText(
            self.tr("&Record some more") if self.recorded and not running else self.tr("&Record")
        )
        self.end.setEnabled(running and not self._ending)
        if running and self._ending:
            self.state.setText(self.tr("Stopping..."))
        elif running and not calls:
            self.state.setText(
                self.tr("Waiting for the first calls ({0})... you may be asked for a password.")
                .format(elapsed(self._seconds))
                if isinstance(self._plan.device, KernelDevice)
                else self.tr("Waiting for the first calls ({0})...").format(elapsed(self._seconds))
            )  # fmt: skip
        elif calls:
            processes = int(self._totals.get("processes", 0))
            of_whom = self.tr("{0} processes", "calls of", plural(processes))
            so_many = self.tr("{0} calls", "", plural(calls)).format(grouped(calls))
            facts = [self.tr("{0} of {1}").format(so_many, of_whom.format(grouped(processes)))]
            if running:
                rate, time = count_text(self._rate(calls)), elapsed(self._seconds)
                facts.append(self.tr("{0} a second, for {1}").format(rate, time))
            if lost := int(self._totals.get("lost", 0)):
                text = self.tr("{0} calls were lost", "", plural(lost))
                facts.append(text.format(grouped(lost)))
            words = ", ".join(facts)
            if not running:
                words = self.tr("{0}. Recorded.").format(words)
                if self._plan.is_command:
                    words += " " + self.tr("Record it several times, from its start to its end:"
                                           " then what is unusual stands out more.")  # fmt: skip
            self.state.setText(words)
        else:
            self.state.setText(self.tr("Press Record; {0} is traced.").format(
                printable(str(self._plan.device), 200)
            ))  # fmt: skip
        words, _ = saturation_words(self._totals)
        self.saturation.setText(words)
        self.completeChanged.emit()

    def isComplete(self) -> bool:  # noqa: D102
        return self.recorded and self._child is None

    def stop(self) -> None:
        """For the guide's end."""
        if self._child is not None:
            self._child.ended.disconnect()
            self._ask_to_end(self._child)
            self._child.wait_until_ended(5000)
            self._child = None
        self._clock.stop()


class Learn(QWizardPage):
    """Learns what was recorded, and says whether it was enough."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._child: Child | None = None
        self.setTitle(self.tr("Learn"))
        self.setSubTitle(self.tr("The sequences of calls go into a behaviour database."))
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.saturation = QLabel()
        self.saturation.setWordWrap(True)
        bold = self.saturation.font()
        bold.setBold(True)
        self.saturation.setFont(bold)
        self.advice = QLabel()
        self.advice.setWordWrap(True)
        self.problem = ProblemLine()
        layout = QVBoxLayout(self)
        for widget in (self.progress, self.state, self.saturation, self.advice):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self.problem)

    def initializePage(self) -> None:  # noqa: D102
        plan = self._plan
        plan.result = {}
        for label in (self.state, self.saturation, self.advice):
            label.clear()
        self.problem.tell("")
        self.progress.setValue(0)
        words = ["--json", "-o", plan.profile, "--force", plan.trace]
        child = Child("learn", words, self, nice=True)
        child.reported.connect(self._reported)
        child.ended.connect(self._ended)
        self._child = child
        child.start()

    def cleanupPage(self) -> None:  # noqa: D102
        self.stop()

    def _reported(self, report: dict[str, Any]) -> None:
        if "progress" in report:
            self.progress.setValue(round(1000 * float(report["progress"])))
            self.state.setText(printable(str(report.get("text", "")), 300).partition("; ")[0])
        else:
            self._plan.result.update(report)

    def _ended(self, status: int, words: str) -> None:
        assert self._child is not None
        self._child.deleteLater()
        self._child = None
        result = self._plan.result
        if not result:
            self.state.clear()
            self.problem.tell(words or self.tr("Learning ended unexpectedly."))
        else:
            self.progress.setValue(1000)
            calls, nodes = int(result.get("calls", 0)), int(result.get("nodes", 0))
            self.state.setText(
                self.tr("{0}, {1}, in {2}").format(
                    self.tr("{0} calls", "", plural(calls)).format(grouped(calls)),
                    self.tr("{0} sequences", "", plural(nodes)).format(grouped(nodes)),
                    self._plan.profile,
                )
            )
            learned, enough = saturation_words(result)
            self.saturation.setText(f"{learned}." if learned else "")
            self.advice.setText(self._advice(enough=enough))
        self.completeChanged.emit()

    def _advice(self, *, enough: bool) -> str:
        if self._plan.result.get("suggested_threshold") is None:
            return self.tr("{0}. Go back and record more of its work; or watch it now with a"
                           " threshold of {1}.").format(
                no_threshold_words(self._plan.result), UNSURE_THRESHOLD
            )  # fmt: skip
        if enough:
            return self.tr("You can watch it now.")
        return self.tr("You can watch it now, and will see false alarms: each can be marked as"
                       " normal. Or go back and record more.")  # fmt: skip

    def isComplete(self) -> bool:  # noqa: D102
        return self._child is None and bool(self._plan.result)

    def stop(self) -> None:
        """End it; nothing is lost: the recording is kept."""
        if self._child is not None:
            self._child.ended.disconnect()
            self._child.cancel()
            self._child.wait_until_ended(5000)
            self._child = None
