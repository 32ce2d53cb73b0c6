# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the kernel tracer for tests: where it cannot run, they skip and say why."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import Recorded, eventually, kill_and_wait, start, streams_of


def needs_the_kernel() -> list[Any]:
    """Marks for a module of tests that trace with eBPF."""
    why = ""
    if platform.machine() != "x86_64":
        why = "the numbers are those of x86_64"
    elif os.geteuid() != 0:
        why = "only root may load BPF programs"
    elif not Path("/usr/lib/python3/dist-packages/bcc").is_dir():
        why = "python3-bpfcc is not here"
    return [pytest.mark.skipif(bool(why), reason=why)]


@contextlib.contextmanager
def recording(path: Path, *options: object) -> Iterator[subprocess.Popen[str]]:
    """Record with the kernel tracer meanwhile; afterwards the file is complete."""
    path.unlink(missing_ok=True)
    tracer = start("trace", "-v", "-o", path, *options, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: path.exists() or tracer.poll() is not None, "the tracer has begun", 60)
        assert tracer.poll() is None, tracer.stderr.read()
        yield tracer
        tracer.send_signal(signal.SIGINT)
        said = tracer.communicate(timeout=60)[1]
        assert tracer.returncode == 0, said
    finally:
        kill_and_wait(tracer)


_BPF_SYSCALL = 321
_NEXT_ID = {"program": 11, "map": 12}


def bpf_objects() -> set[str]:
    """The BPF programs and maps that are in the kernel, by number."""
    libc = ctypes.CDLL(None, use_errno=True)
    found: set[str] = set()
    for what, command in _NEXT_ID.items():
        attributes = (ctypes.c_uint32 * 32)()
        while not libc.syscall(_BPF_SYSCALL, command, attributes, ctypes.sizeof(attributes)):
            number = attributes[1]
            found.add(f"{what} {number}")
            attributes[0] = number
        assert ctypes.get_errno() == errno.ENOENT
    return found


def recorded(path: Path) -> Recorded:
    """What the tracer sent: the one stream within the recorder's own."""
    own, stream = streams_of(path)
    assert not own.items[:-1]
    return stream
