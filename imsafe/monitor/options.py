# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitor is asked to do beside scoring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imsafe.monitor.outputs import Outputs

if TYPE_CHECKING:
    from imsafe.sources.peer import Allowed


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an application is to be watched from now on.

    Attributes
    ----------
    name
        Empty: the only one.
    threshold
        None: the one that the profile suggests.
    """

    name: str
    profile: str
    threshold: float | None


@dataclass(slots=True)
class Options:
    """What a monitor does beside scoring.

    Attributes
    ----------
    everything
        All processes belong to the only application.
    stay
        Go on when all sources have ended, until a window says stop.
    log_size, log_keep
        Bytes at which a log is put aside, None for the usual size; how many such are kept.
    boxes
        Folder of the black boxes; None: below the user's state folder.
    duration
        Seconds after which to end.
    until_closed
        A descriptor at whose end the monitor ends, such as standard input.
    reread
        Reads the configuration again: the applications, and what to say about the rest;
        None: there is no configuration, and a reload reads the profiles.
    outputs
        Logs, metrics, the service manager.
    quiet
        Standard output and error say nothing: the journal has it, with fields, from `outputs`.
    """

    everything: bool
    log: str | None = None
    log_size: int | None = None
    log_keep: int | None = None
    record: str | None = None
    append: bool = False
    max_size: int | None = None
    program: Path | None = None
    view: str | None = None
    allowed: Allowed | None = None
    as_json: bool = False
    stay: bool = False
    boxes: Path | None = None
    duration: float | None = None
    until_closed: int | None = None
    reread: Callable[[], tuple[list[Wanted], list[str]]] | None = None
    outputs: Outputs = field(default_factory=Outputs)
    quiet: bool = False
