# SPDX-License-Identifier: GPL-3.0-or-later
"""A crash inside of Qt ends the window at once: what Python did then is kept for the next start.

No Qt here.  Each window has a file of its own, which it locks while it runs and removes when it
ends; a file that nobody locks was left by one that ended otherwise.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import sys
import time
from pathlib import Path
from typing import IO

from imsafe.monitor.box_store import default_folder

_LONGEST = 100_000
_kept: tuple[Path, IO[str]] | None = None


def begin(folder: Path | None = None) -> str:
    """Keep from now on what a crash of this process tells.

    Parameters
    ----------
    folder
        None: the user's state folder.

    Returns
    -------
    str
        What the latest one has left, if any since the last start; else empty.
    """
    global _kept  # noqa: PLW0603  # the signal's handler writes to it as long as the process lives
    folder = folder or default_folder().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = _left_in(folder)
        path = folder / f"window-{os.getpid()}.crash"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        file = os.fdopen(descriptor, "w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        faulthandler.enable(file)
        _kept = path, file
    except OSError:  # a home that cannot be written to: the terminal has to do
        if sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)
        return ""
    return found


def end() -> None:
    """The window ends as it should: nothing is left."""
    global _kept  # noqa: PLW0603
    faulthandler.disable()
    if _kept is not None:
        path, file = _kept
        path.unlink(missing_ok=True)
        file.close()
        _kept = None


def _left_in(folder: Path) -> str:
    """Take what is left there; the newest that says something."""
    latest, report = 0.0, ""
    for path in folder.glob("window-*.crash"):
        with contextlib.suppress(BlockingIOError), path.open(errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # else its window still runs
            text, moment = file.read(_LONGEST), os.fstat(file.fileno()).st_mtime
            path.unlink()
            if text and moment > latest:
                latest, report = moment, text
    return report and f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(latest))}\n{report}"
