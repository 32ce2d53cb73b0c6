# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects to a socket that another process is about to listen on."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path


def connected(path: str | Path, seconds: float = 60.0) -> socket.socket:
    """A connected socket; its listener may not be there yet, or a killed one left its name."""
    end = time.monotonic() + seconds
    peer = socket.socket(socket.AF_UNIX)
    while True:
        try:
            peer.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                peer.close()
                raise
            time.sleep(0.01)
        else:
            return peer
