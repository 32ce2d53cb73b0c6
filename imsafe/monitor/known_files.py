# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices that a file is another one than that which was read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

Mark = tuple[int, ...] | None
"""What tells one state of a file from another; None: there is none."""


class KnownFiles:
    """Files as they were when they were read, or last looked at."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._marks = {path: _mark(path) for path in paths}

    def know(self, path: str) -> None:
        """It has been read, or written by us, just now."""
        self._marks[path] = _mark(path)

    def news(self, path: str) -> Literal["", "replaced", "removed"]:
        """What has happened to it since; said once."""
        now = _mark(path)
        if path in self._marks and now == self._marks[path]:
            return ""
        self._marks[path] = now
        return "replaced" if now is not None else "removed"


def _mark(path: str) -> Mark:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
