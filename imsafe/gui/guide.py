# SPDX-License-Identifier: GPL-3.0-or-later
"""Help > First steps: from nothing to a live plot of a program of the user's own."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QWidget,
    QWizard,
)

from imsafe.gui.configuration import WatchedApplication
from imsafe.gui.guide_pages import Choose, Watch
from imsafe.gui.guide_plan import UNSURE_THRESHOLD, Plan
from imsafe.gui.guide_work import Learn, Record
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit


class Guide(QWizard):
    """The pages in order.

    Signals
    -------
    watch_asked(object, object)
        The device and the `WatchedApplication` to start the monitor with.
    """

    watch_asked = pyqtSignal(object, object)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plan = Plan()
        self._settings = settings
        self.setWindowTitle(self.tr("First steps"))
        self.setWizardStyle(QWizard.WizardStyle.ModernStyle)
        self.setOption(QWizard.WizardOption.NoBackButtonOnStartPage)
        self.setButtonText(QWizard.WizardButton.FinishButton, self.tr("&Watch"))
        self.choose = Choose(self.plan, settings)
        self.record = Record(self.plan)
        self.learn = Learn(self.plan)
        self.watch = Watch(self.plan)
        for page in (self.choose, self.record, self.learn, self.watch):
            self.addPage(page)
        resize_to_fit(self, 680, 460)

    def accept(self) -> None:  # noqa: D102
        plan = self.plan
        self._settings.set_text("guide/folder", self.choose.folder.path)
        threshold = None
        if plan.result.get("suggested_threshold") is None:
            threshold = UNSURE_THRESHOLD
        super().accept()
        self.watch_asked.emit(plan.device, WatchedApplication("", plan.profile, threshold))

    def done(self, result: int) -> None:  # noqa: D102
        self.choose.stop()
        self.record.stop()
        self.learn.stop()
        super().done(result)
