# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings black boxes to the disk, a few at a time so that a storm of alerts holds nothing up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from imsafe.errors import ImsafeError
from imsafe.monitor.black_box import BlackBox
from imsafe.monitor.box_store import BoxStore
from imsafe.monitor.engine import Engine

EARLY_S = 5.0
"""A black box that has waited so long for further calls is written as it is, and again later."""

A_TURN = 2


class BoxWriter:
    """Writes the boxes of an engine's alerts to a store."""

    def __init__(self, engine: Engine, store: BoxStore, say: Callable[[str], object]) -> None:
        self._engine = engine
        self._store = store
        self._say = say
        self._full: deque[BlackBox] = deque()
        self._since: dict[int, float] = {}
        self._early: set[int] = set()

    @property
    def waiting(self) -> bool:
        """Whether full boxes wait to be written."""
        return bool(self._full)

    def add(self, boxes: Iterable[BlackBox]) -> None:
        """These are full."""
        for box in boxes:
            self._full.append(box)
            self._since.pop(box.alert, None)
            self._early.discard(box.alert)

    def write_some(self, now: float) -> None:
        """Write a few; `now` in seconds of a clock that does not run backwards."""
        for _ in range(min(A_TURN, len(self._full))):
            self._write(self._full.popleft())
        # A thread that makes no further call for a while must not keep the evidence in memory.
        for box in self._engine.filling:
            begun = self._since.setdefault(box.alert, now)
            if now - begun >= EARLY_S and box.alert not in self._early:
                self._early.add(box.alert)
                self._write(box)
                return

    def write_all(self) -> None:
        """Write all that are full."""
        while self._full:
            self._write(self._full.popleft())

    def _write(self, box: BlackBox) -> None:
        alert = self._engine.alerts.get(box.alert)
        try:
            path = self._store.write(box, int((alert["time"] if alert else 0) * 1e9))
            self._engine.box_written(box.alert, str(path))
            for removed in self._store.make_room():
                self._engine.box_removed(str(removed))
        except ImsafeError as error:
            self._say(str(error))
