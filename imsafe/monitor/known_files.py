# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices that a file is another one than that which was read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from imsafe.files import state_of


class KnownFiles:
    """Files as they were when they were read, or last looked at."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._marks = {path: state_of(path) for path in paths}

    def know(self, path: str) -> None:
        """It has been read, or written by us, just now."""
        self._marks[path] = state_of(path)

    def news(self, path: str) -> Literal["", "replaced", "removed"]:
        """What has happened to it since; said once."""
        now = state_of(path)
        if path in self._marks and now == self._marks[path]:
            return ""
        self._marks[path] = now
        return "replaced" if now is not None else "removed"
