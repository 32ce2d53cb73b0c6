# SPDX-License-Identifier: GPL-3.0-or-later
"""Python, the packages, folders and disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from imsafe.cli.check.finding import Finding, python_says
from imsafe.cli.check.window import WINDOW_PACKAGES, needed_here
from imsafe.cli.distribution import install_for_python

_ENOUGH_DISK = 1 << 30


def python() -> Finding:
    """Tell which interpreter this is."""
    return Finding("Python", "works", f"{platform.python_version()}, {sys.executable}")


def libraries() -> Iterator[Finding]:
    """The Python packages that ImSafe is built on."""
    for name in ("numpy", "numba", *WINDOW_PACKAGES):
        try:
            yield Finding(name, "works", metadata.version(name))
        except metadata.PackageNotFoundError:
            detail, mend = "the Python package is not installed", install_for_python([name])
            if name in WINDOW_PACKAGES:
                yield Finding(name, needed_here(), f"{detail}; only the window needs it", mend)
            else:
                yield Finding(name, "missing", detail, mend)


def number_cruncher() -> Finding:
    """Whether machine code can be kept: else each program compiles it again."""
    code = (
        "import numba, imsafe.profile.compiled as compiled;"
        " folder = numba.config.CACHE_DIR; print(int(compiled.is_kept(folder)), folder)"
    )
    status, output = python_says(code)
    check = "Compiled code"
    if status:
        mend = install_for_python(["numba", "numpy"])
        return Finding(check, "missing", f"numba does not start: {output}", mend)
    is_kept, _, folder = output.partition(" ")
    if is_kept == "0":
        detail = "no folder to keep it in, so that each program compiles it again (about 10 s)"
        return Finding(check, "note", detail, "mkdir -p ~/.cache/imsafe; chmod 700 ~/.cache/imsafe")
    return Finding(check, "works", f"kept in {folder}")


def folders() -> Iterator[Finding]:
    """Where one is, where sockets are made, and how much room there is."""
    places = [("Working folder", Path.cwd())]
    if sys.platform == "linux":
        from imsafe.sources.sensor import DEFAULT_SOCKET  # noqa: PLC0415 - after numpy was checked

        places.append(("Sockets", Path(DEFAULT_SOCKET).parent))
    for check, folder in places:
        if not os.access(folder, os.W_OK | os.X_OK):
            mend = (
                "go to a folder of yours" if check == "Working folder" else f"chmod 1777 {folder}"
            )
            yield Finding(check, "note", f"{folder} cannot be written to", mend)
            continue
        yield Finding(check, "works", f"{folder} can be written to")
    free = shutil.disk_usage(Path.cwd()).free
    detail = f"{free / (1 << 30):.1f} GiB free here"
    if free < _ENOUGH_DISK:
        yield Finding("Disk", "note", f"{detail}: little for a long recording", "df -h")
    else:
        yield Finding("Disk", "works", detail)
