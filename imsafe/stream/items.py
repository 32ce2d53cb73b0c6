# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stream consists of, once its bytes have been checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imsafe.events import Events


@dataclass(frozen=True, slots=True)
class Segment:
    """A stream begins: everything known of earlier threads and processes is void.

    Attributes
    ----------
    meta
        The header's JSON object; `docs/stream-format.md` lists the keys.
    """

    meta: dict[str, Any]

    @property
    def applications(self) -> list[str]:
        """Names of the traced applications; application number N is item N - 1."""
        return [str(entry["name"]) for entry in self.meta.get("applications", [])]

    @property
    def wall_offset_ns(self) -> int:
        """What to add to an event's `time_ns` to get nanoseconds since 1970."""
        return int(self.meta.get("wall_ns", 0)) - int(self.meta.get("monotonic_ns", 0))


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A process joined an application (application > 0) or left it (0).

    It is sent when a process starts and again when it has loaded a new
    program, always before the first call that it applies to.

    Attributes
    ----------
    argv, user
        The command line and the (effective) user's name; empty where nobody has looked.
    started_ns
        When the process was born, by the clock of `time_ns`; 0 where it is not known.
    parents
        Pid and comm of its parent, of that one's parent and so on, as far as
        somebody has looked.
    """

    time_ns: int
    pid: int
    parent: int
    comm: str
    exe: str
    application: int
    argv: tuple[str, ...] = ()
    user: str = ""
    started_ns: int = 0
    parents: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """`count` calls were lost between two moments (nanoseconds, the events' clock)."""

    count: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class End:
    """The tracer's own totals (`calls` made, `lost`), sent when it ends in order."""

    totals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream is over; never written to disk.

    Attributes
    ----------
    complete
        Whether an `End` was seen.
    warning
        What was wrong with the last bytes, in words; empty when nothing was.
    broken
        Whether they were no stream, not merely the beginning of something that did not come.
    """

    complete: bool
    warning: str = ""
    broken: bool = False


Item = Segment | Events | ProcessInfo | Lost | End | Closed
"""One element of a stream; a batch of events is a plain array of `EVENT`."""

Tagged = tuple[int, Item]
"""An item and the number of its stream, unique within one source."""
