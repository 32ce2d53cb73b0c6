# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that takes its time beside the monitor's loop, one piece after the other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from imsafe.errors import ImsafeError

MOST_WAITING = 32
"""Pieces of work that may wait; further ones are refused."""

Keys = dict[str, Any]


class Later:
    """A piece of work in a thread of its own, and what is done with its result in the loop.

    Attributes
    ----------
    reply
        The values for whoever asked, or the error; None before it is finished.
    """

    def __init__(self, work: Callable[[], Any], finish: Callable[[Any], Keys]) -> None:
        self.reply: Keys | ImsafeError | None = None
        self._work = work
        self._finish = finish
        self._result: Any = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="profile", daemon=True)

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - raised again in the loop
            self._error = error

    def try_to_finish(self, *, wait: bool = False) -> bool:
        """Finish it if the thread is done; whether it is finished."""
        if self._thread.is_alive() and not wait:
            return False
        self._thread.join()
        try:
            if self._error is not None:
                raise self._error
            self.reply = self._finish(self._result)
        except ImsafeError as error:
            self.reply = error
        return True


class Waiting:
    """Pieces of work in the order in which they were asked for."""

    def __init__(self) -> None:
        self._pieces: deque[Later] = deque()

    @property
    def busy(self) -> bool:
        """Whether there is work to be done or finished."""
        return bool(self._pieces)

    def add(self, work: Callable[[], Any], finish: Callable[[Any], Keys]) -> Later:
        """Do this when all that was asked for before is done.

        Raises
        ------
        ImsafeError
            Too much waits.
        """
        if len(self._pieces) >= MOST_WAITING:
            raise ImsafeError("The monitor is busy with changes of its profiles; try again later.")
        later = Later(work, finish)
        self._pieces.append(later)
        self._pieces[0].start()
        return later

    def tick(self) -> None:
        """Finish what is done, and begin the next."""
        while self._pieces and self._pieces[0].try_to_finish():
            self._pieces.popleft()
            if self._pieces:
                self._pieces[0].start()

    def finish(self) -> None:
        """Wait for all."""
        while self._pieces:
            self._pieces[0].start()
            self._pieces[0].try_to_finish(wait=True)
            self._pieces.popleft()
