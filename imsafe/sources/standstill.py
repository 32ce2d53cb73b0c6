# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process that sends stands still: it looks like a program that makes no calls."""

from __future__ import annotations

import functools
import time
from pathlib import Path, PurePath

from imsafe.errors import SourceError
from imsafe.sources import procfs
from imsafe.sources.matching import cgroup_mounts, cgroup_of

_STOPPED = {"T": "stopped (by SIGSTOP or the like)", "t": "stopped by a debugger"}
_FROZEN = "frozen with its control group"


class SendingProcess:
    """The process that sends one or more streams.

    Its number may be used again after its end: it is known by when it was born, too.

    Parameters
    ----------
    name
        What to call it at the beginning of a sentence.
    pid
        0, or one that cannot be looked at: of this process nothing is ever said.

    Attributes
    ----------
    stopped
        Whether it stood still when it was looked at last.
    told
        What has been said of that, by whoever says it.
    """

    def __init__(self, name: str, pid: int) -> None:
        self.told = False
        self._name = name
        self._pid = pid
        self._born = procfs.state(pid)[1]
        self._how = ""
        self._since = self._until = time.monotonic()

    @property
    def stopped(self) -> bool:
        """See the class."""
        return bool(self._how)

    def look(self) -> None:
        """See what it does now; one that has ended stays what it was, as its stream ends, too."""
        letter, born = procfs.state(self._pid)
        if not self._born or born != self._born or letter in "ZX":
            return
        how = _STOPPED.get(letter) or (_FROZEN if _is_frozen(self._pid) else "")
        self._until = time.monotonic()
        if how and not self._how:
            self._since = self._until
        self._how = how

    @property
    def sentence(self) -> str:
        """What to say of it now."""
        if self._how:
            return (
                f"{self._name} is {self._how}: until it goes on, no call of what it traces is seen."
            )
        return f"{self._name} goes on; it stood still for {self._until - self._since:.0f} s."


def _is_frozen(pid: int) -> bool:
    """Whether its control group (version 2), or one above that, is frozen."""
    group = cgroup_of(pid)
    if group in ("", "/"):
        return False
    for place, root in _mounts().items():
        if PurePath(group).is_relative_to(root):
            try:
                told = (place / PurePath(group).relative_to(root) / "cgroup.events").read_text()
            except OSError:  # gone, or hidden from us
                return False
            return "frozen 1" in told
    return False


@functools.cache
def _mounts() -> dict[Path, str]:
    try:
        return cgroup_mounts()
    except SourceError:
        return {}
