# SPDX-License-Identifier: GPL-3.0-or-later
"""Where alerts and numbers go beside the terminal and the windows: logs, metrics, systemd."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError
from imsafe.monitor.view_protocol import Alert, Status
from imsafe.words import number_of

if TYPE_CHECKING:
    from imsafe.monitor.alert_file import AlertFile
    from imsafe.monitor.journal import Journal
    from imsafe.monitor.metrics import Metrics
    from imsafe.monitor.notify_service import NotifyService
    from imsafe.monitor.syslog import Syslog

RETRY_S = 1.0
SAY_AGAIN_S = 60.0


@dataclass(slots=True)
class Outputs:
    """All of them; what one cannot take disturbs neither the others nor the monitor.

    Attributes
    ----------
    loggers
        Journal and syslog.
    files
        JSON lines.
    """

    loggers: list[Journal | Syslog] = field(default_factory=list)
    files: list[AlertFile] = field(default_factory=list)
    metrics: Metrics | None = None
    service: NotifyService | None = None
    _open: set[int] = field(default_factory=set)
    _problems: list[str] = field(default_factory=list)
    _dropped: int = 0
    _dropped_lines: dict[str, int] = field(default_factory=dict)  # told of each file
    _due: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.time)

    @property
    def dropped(self) -> int:
        """Messages that a logger did not take while it was away."""
        return sum(logger.out.dropped for logger in self.loggers)

    # What the monitor has to say.

    def alert(self, alert: Alert) -> None:
        """An alert has opened."""
        self._open.add(alert["id"])
        if self.metrics is not None:
            self.metrics.alert(alert["application_number"])
        for logger in self.loggers:
            logger.alert(alert)
        self._write_alert(alert)

    def update(self, alert: Alert) -> None:
        """An alert has closed, or its black box was written; loggers are told once."""
        if alert["id"] in self._open:
            self._open.discard(alert["id"])
            for logger in self.loggers:
                logger.alert(alert)
        self._write_alert(alert)

    def notice(self, text: str, *, error: bool) -> None:
        """Something to know, or an error."""
        for logger in self.loggers:
            logger.notice(text, error=error)
        for file in self.files:
            with self._attempt():
                file.notice(text, error=error)

    def scored(self, buckets: NDArray[np.void]) -> None:
        """Complete buckets, shape (N,)."""
        if self.metrics is not None and len(buckets):
            self.metrics.scored(buckets)

    def _write_alert(self, alert: Alert) -> None:
        for file in self.files:
            with self._attempt():
                file.alert(alert)

    # Turns of the loop.

    def tick(self, now: float) -> list[str]:
        """Do what is due, with `now` in seconds of a steady clock; what there is to say."""
        if self.service is not None and self._is_due("watchdog", now, self.service.watchdog_s):
            self.service.alive()
        if self.loggers and self._is_due("retry", now, RETRY_S):
            for logger in self.loggers:
                logger.out.flush()
            self._judge_loggers(now)
        if self.files and self._is_due("files", now, RETRY_S):
            for file in self.files:
                with self._attempt():
                    file.flush()
                self._judge_file(file, now)
        said, self._problems = self._problems, []
        return said

    def status(self, status: Status, now: float) -> None:
        """How the monitor fares, for systemd and, every 15 s, for Prometheus."""
        if self.service is not None:
            self.service.status(status_line(status))
        if self.metrics is not None:
            from imsafe.monitor.metrics import INTERVAL_S  # noqa: PLC0415

            if self._is_due("metrics", now, INTERVAL_S):
                self._write_metrics(status)

    def ready(self, status: Status) -> None:
        """The monitor watches: for the first time, or after a reload."""
        if self.service is not None:
            self.service.ready(status_line(status))

    def reloading(self) -> None:
        """The configuration is read again; files that were rotated away are made anew."""
        if self.service is not None:
            self.service.reloading()
        for file in self.files:
            with self._attempt():
                file.reopen()

    def stopping(self) -> None:
        """The monitor is about to end."""
        if self.service is not None:
            self.service.stopping()

    def close(self, status: Status) -> list[str]:
        """The last numbers, and the end; what there is to say."""
        if self.metrics is not None:
            self._write_metrics(status)
        for file in self.files:
            with self._attempt():
                file.close()
            self._judge_file(file, float("inf"))
        for logger in self.loggers:
            logger.out.close()
        said = self._problems
        if self.dropped:
            said.append(f"{number_of(self.dropped, 'message')} found no logger to take them.")
        if self.service is not None:
            self.service.close()
        return said

    def _write_metrics(self, status: Status) -> None:
        assert self.metrics is not None
        with self._attempt():
            self.metrics.write(status, self._started)

    def _judge_loggers(self, now: float) -> None:
        for logger in self.loggers:
            problem = logger.out.problem
            if problem and self._is_due(logger.name, now, SAY_AGAIN_S):
                self._problems.append(
                    f"{number_of(logger.out.waiting, 'message waits', 'messages wait')}"
                    f" for {logger.name}: {problem}."
                )
        if self.dropped > self._dropped and self._is_due("dropped", now, SAY_AGAIN_S):
            self._dropped = self.dropped
            self._problems.append(
                f"{number_of(self.dropped, 'message was', 'messages were')} dropped so far,"
                " which no logger took."
            )

    def _judge_file(self, file: AlertFile, now: float) -> None:
        self._problems += file.news
        file.news.clear()
        is_more = file.dropped > self._dropped_lines.get(file.name, 0)
        if is_more and self._is_due(f"lines of {file.name}", now, SAY_AGAIN_S):
            self._dropped_lines[file.name] = file.dropped
            self._problems.append(
                f"{number_of(file.dropped, 'line was', 'lines were')} dropped so far: the reader"
                f" of {file.name} does not keep up."
            )

    def _is_due(self, what: str, now: float, interval: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + interval
        return True

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """An error becomes something to say, each once a turn."""
        try:
            yield
        except ImsafeError as error:
            if str(error) not in self._problems:
                self._problems.append(str(error))


def status_line(status: Status) -> str:
    """One line for `systemctl status`."""
    return (
        f"{status['state'].capitalize()}: {number_of(status['calls'], 'call')} scored,"
        f" {number_of(status['alerts'], 'alert')}, {number_of(status['lost'], 'call')} lost"
    )
