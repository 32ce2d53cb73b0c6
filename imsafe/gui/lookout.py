# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks every second, beside the window, which processes run and which of them a request means.

To look at one process takes a quarter of a millisecond: on a machine with
hundreds of them that is too long for the window's own thread.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from PyQt6.QtCore import QObject, QThread, pyqtSignal

from imsafe.errors import SourceError
from imsafe.gui.timers import timer
from imsafe.sources.kernel_request import KernelRequest
from imsafe.sources.matching import Running, matched, running
from imsafe.words import translate

INTERVAL_MS = 1000
SOON_MS = 100
"""After a change; somebody may be typing on."""
CGROUPS = "/sys/fs/cgroup"


@dataclass(slots=True)
class View:
    """What was seen at one moment.

    Attributes
    ----------
    processes
        All that run, but for this one, which is never followed.
    request
        The one that was asked for, if any.
    meant
        The processes that it means, whether or not it is for later ones only.
    problem
        Why that cannot be said, in words.
    """

    processes: list[Running] = field(default_factory=list)
    request: KernelRequest | None = None
    meant: list[Running] = field(default_factory=list)
    problem: str = ""

    def names(self) -> Counter[str]:
        """The names by which programs can be meant, each with how many processes have it."""
        return Counter(name for process in self.processes for name in process.names)

    def paths(self) -> Counter[str]:
        """The executables, as far as they may be seen."""
        return Counter(process.exe for process in self.processes if process.exe)

    def units(self) -> Counter[str]:
        """The systemd units."""
        folders = (process.cgroup.rpartition("/")[2] for process in self.processes)
        return Counter(folder for folder in folders if folder.endswith(".service"))

    def cgroups(self) -> Counter[str]:
        """The control groups, as folders."""
        groups = (process.cgroup for process in self.processes)
        return Counter(CGROUPS + group for group in groups if group not in ("", "/"))


def look(request: KernelRequest | None) -> View:
    """Look now."""
    if not Path("/proc").is_dir():
        words = translate("lookout", "Only Linux has the kernel tracer.")
        return View(request=request, problem=words)
    processes = {process.pid: process for process in running() if process.pid != os.getpid()}
    view = View(list(processes.values()), request)
    if request is not None:
        try:
            # A request for later processes alone means none now, but says which programs.
            asked = replace(request, not_yet_started=False)
            view.meant = [processes[pid] for pid in sorted(matched(asked, processes))]
        except SourceError as error:
            view.problem = str(error)
    return view


class _Looker(QThread):
    request: KernelRequest | None = None
    view: View | None = None

    def run(self) -> None:
        self.view = look(self.request)


class Lookout(QObject):
    """Looks until it is stopped.

    Signals
    -------
    seen(object)
        A `View`, every second and soon after `ask`.
    """

    seen = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request: KernelRequest | None = None
        self._stopped = False
        self._looker = _Looker(self)
        self._looker.finished.connect(self._tell)
        self._timer = timer(self, INTERVAL_MS, self._look)
        self._timer.start()
        self._soon = timer(self, SOON_MS, self._look, single=True)

    def ask(self, request: KernelRequest | None) -> None:
        """Look for the processes that this means, now and from now on."""
        self._request = request
        self._soon.start()

    def stop(self) -> None:
        """Look no more; waits until a look that goes on is over."""
        self._stopped = True
        self._timer.stop()
        self._soon.stop()
        self._looker.wait()

    def _look(self) -> None:
        if not self._stopped and not self._looker.isRunning():
            self._looker.request = self._request
            self._looker.start(QThread.Priority.LowPriority)

    def _tell(self) -> None:
        if self._stopped or self._looker.view is None:
            return
        self.seen.emit(self._looker.view)
        if self._request != self._looker.request:
            self._soon.start()
