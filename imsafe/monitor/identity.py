# SPDX-License-Identifier: GPL-3.0-or-later
"""Completes what a live stream says of a process by what /proc says when it appears."""

from __future__ import annotations

import time
from dataclasses import replace

from imsafe.sources import procfs
from imsafe.stream.items import ProcessInfo

LOOKS_A_SECOND = 500
"""Beyond this many new processes a second nobody is looked at: scoring comes first."""

MOST_PARENTS = 12


class Identities:
    """Looks at processes of this machine, with the rights of the monitor's user."""

    def __init__(self) -> None:
        self._second = 0
        self._looks = 0

    def complete(self, info: ProcessInfo) -> ProcessInfo:
        """The same process with what is missing: command line, user, birth, parents.

        What the stream says itself stays.  A process that has ended meanwhile,
        or whose number means another one here (a container's), stays as it is.
        """
        if not info.application or not self._may_look() or not self._is_there(info):
            return info
        argv = info.argv or tuple(word for word in procfs.argv(info.pid) if word)
        found = replace(
            info,
            argv=argv,
            user=info.user or procfs.user(info.pid),
            started_ns=info.started_ns or procfs.started_ns(info.pid),
            parents=info.parents or _parents(info.parent),
        )
        # It may have ended, and its number been used again, while it was looked at.
        return found if self._is_there(info) else info

    def _may_look(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._looks = second, 0
        self._looks += 1
        return self._looks <= LOOKS_A_SECOND

    def _is_there(self, info: ProcessInfo) -> bool:
        """Whether /proc shows the same process, by its program or its name."""
        exe = procfs.exe(info.pid)
        if exe and exe == info.exe:
            return True
        comm = procfs.comm(info.pid)
        return bool(comm) and comm == info.comm


def _parents(pid: int) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    while pid and len(found) < MOST_PARENTS:
        comm = procfs.comm(pid)
        if not comm:
            break
        found.append((pid, comm))
        pid = procfs.number(pid, "PPid")
    return tuple(found)
