# SPDX-License-Identifier: GPL-3.0-or-later
"""A display in memory (Xvfb), for a machine that has none; only this process may use it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from demo.steps import end
from demo.web_server import DemoError


def has_display() -> bool:
    """Whether there is a display already."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def display(folder: Path, size: str = "1400x1000") -> Iterator[None]:
    """Give this process a display, in memory where there is none; `folder` keeps its key."""
    if has_display():
        yield
        return
    for program in ("Xvfb", "xauth"):
        if shutil.which(program) is None:
            raise DemoError(f"There is no display, and {program} is not here; run `make demo`.")
    key, authority = secrets.token_hex(16), folder / "display-key"
    _allow(authority, ":0", key)  # the server takes the key whatever the number beside it
    read, write = os.pipe()
    screen = ["-screen", "0", f"{size}x24", "-nolisten", "tcp", "-auth", str(authority)]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *screen],
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    before = {name: os.environ.get(name) for name in ("DISPLAY", "XAUTHORITY", "QT_QPA_PLATFORM")}
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            raise DemoError("Xvfb did not start.")
        _allow(authority, f":{number}", key)
        os.environ.update(DISPLAY=f":{number}", XAUTHORITY=str(authority), QT_QPA_PLATFORM="xcb")
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        end(server)


def _allow(authority: Path, name: str, key: str) -> None:
    command = ["xauth", "-q", "-f", str(authority), "add", name, "MIT-MAGIC-COOKIE-1", key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"xauth failed: {done.stderr.strip()}")
