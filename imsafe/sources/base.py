# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a source: whatever yields streams of items, without ever blocking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from imsafe.stream.items import Tagged

if TYPE_CHECKING:  # for Linux only
    from imsafe.sources.standstill import SendingProcess


@dataclass(slots=True)
class Counters:
    """What went through a source since it was opened."""

    calls: int = 0
    lost: int = 0
    streams_open: int = 0
    streams_total: int = 0
    bytes: int = 0


@runtime_checkable
class Source(Protocol):
    """Where streams come from.

    A source is opened once, read many times and closed once.  Other packages
    can add sources through the entry point group ``imsafe.sources``.

    Attributes
    ----------
    name
        What a person calls it: ``/tmp/imsensor``, a file's name, a command.
    counters
        Live totals.
    finished
        True once no further item can ever come (a trace that was replayed to
        its end, a command that ended); a listening socket is never finished.
    state
        One short phrase for the status bar, such as "waiting for a sensor".
    """

    name: str
    counters: Counters

    @property
    def finished(self) -> bool:
        """See the class."""

    @property
    def state(self) -> str:
        """See the class."""

    def open(self) -> None:
        """Begin.

        Raises
        ------
        SourceError
            With the reason in words.
        """

    def fileno(self) -> int:
        """A descriptor that becomes readable when `read` has something (an epoll or pipe)."""

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """The items that have arrived, at most about 64 K events; waits `timeout` s at most.

        A call that lasts longer than that, or that raises because of what a
        peer sent, is a bug: a bad peer's stream ends with `Closed(warning=...)`.
        """

    def stop(self) -> bool:
        """Ask for the end; True where `read` still has what is on its way, until `finished`."""

    def close(self) -> None:
        """End every stream and release everything; safe to call twice."""


@runtime_checkable
class FromProcesses(Protocol):
    """A source that knows which processes send to it: one that is stopped is told of."""

    def processes(self) -> list[SendingProcess]:
        """Those whose streams are open."""


@runtime_checkable
class FromFile(Protocol):
    """A trace, or a source that replays one: at its end it says what was wrong with the file.

    Attributes
    ----------
    warnings
        In words.
    cut_short
        Whether the file's last part could not be read, which one of the warnings says.
    """

    warnings: list[str]
    cut_short: bool
