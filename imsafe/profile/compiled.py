# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles the number crunching with numba, and keeps the machine code in a private folder.

numba looks only at a function's own file to tell whether its cached machine
code is still right; here kernels use functions of other files, so the folder's
name holds a digest of them all.  Its index files are pickles: the folder must
be ours and nobody else's to write.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

_PASSING = "imsafe-kernels-"
_KEPT_S = 30 * 86_400


def _digest() -> str:
    sources = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        sources.update(path.read_bytes())
    return sources.hexdigest()[:16]


def _caches() -> Path:
    for name in ("CACHE_DIRECTORY", "XDG_CACHE_HOME"):  # the first is systemd's
        folder = os.environ.get(name, "").split(os.pathsep)[0]
        if folder and Path(folder).is_absolute():
            return Path(folder)
    return Path.home() / ".cache"


def _is_private(folder: Path) -> bool:
    if os.name != "posix":
        return os.access(folder, os.W_OK)
    status = folder.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        and os.access(folder, os.W_OK)
    )


def cache_folder() -> Path:
    """The private folder for machine code; a passing one where none can be kept."""
    try:
        kept = _caches() / "imsafe"
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = kept / f"kernels-{_digest()}"
        if not folder.exists():
            _remove_old(kept)
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_private(kept) and _is_private(folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: a user without a home folder
        pass
    passing = Path(tempfile.mkdtemp(prefix=_PASSING))
    atexit.register(shutil.rmtree, passing, ignore_errors=True)
    return passing


def is_kept(folder: str) -> bool:
    """Whether machine code in that cache folder is there for the next process, too."""
    return not Path(folder).name.startswith(_PASSING)


def _remove_old(kept: Path) -> None:
    """Take away the machine code of versions that nobody has compiled for a month."""
    for folder in kept.glob("kernels-*"):
        if time.time() - folder.lstat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


# NUMBA_CACHE_DIR may name a folder that others can write; what is read from there is executed.
numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """Compile `function` at its first call, or take it from the cache.

    It runs without Python's lock: while one thread compiles a profile, another scores.
    """
    return cast("Function", numba.njit(cache=True, nogil=True)(function))


def compiled_lean(function: Function) -> Function:
    """As `compiled`, for a function that makes no array.

    Without numba's counting of references to arrays, which in a loop over
    records of arrays (the roster, the windows) cost ten times the work itself:
    100 ns instead of 4 for finding a call's thread.
    """
    lean = numba.njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload]  # its own
    return cast("Function", lean(function))


def inlined(function: Function) -> Function:
    """Compile `function` for use inside other compiled functions only."""
    return cast("Function", numba.njit(function))


@inlined
def integer(number: Any) -> int:
    """A number as a signed 64-bit integer, which compiled code counts in."""
    result: int = np.int64(number)  # type: ignore[assignment]
    return result


@inlined
def index(number: Any) -> int:
    """A number that is not negative, to index with.

    Unsigned: compiled code then need not ask whether it counts from the array's end. To be
    calculated with by nobody: with a signed number it would become a float.
    """
    result: int = np.uint64(number)  # type: ignore[assignment]
    return result


@inlined
def real(number: Any) -> float:
    """A number as a 64-bit float."""
    result: float = np.float64(number)
    return result
