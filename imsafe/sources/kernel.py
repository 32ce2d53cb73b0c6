# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that starts the kernel tracer, or connects to one that runs, and reads its stream."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

import imsafe
from imsafe.errors import SourceError, reason
from imsafe.sources.base import Counters
from imsafe.sources.ebpf.tracer import STARTER
from imsafe.sources.executable import describe, package_of
from imsafe.sources.kernel_request import KernelRequest
from imsafe.sources.matching import look_at, matched
from imsafe.sources.peer import Allowed, connect_checked, received_from
from imsafe.sources.reception import Reception
from imsafe.sources.standstill import SendingProcess
from imsafe.stream.frames import MAGIC
from imsafe.stream.items import Closed, End, Item, Segment, Tagged
from imsafe.words import number_of

INSTALLED_TRACER = Path("/usr/libexec/imsafe/imsafe-tracer")
"""What the polkit policy speaks of; there only where ImSafe is installed by root."""
_BYTES_A_TURN = 1 << 18
_EVENTS_A_READ = 1 << 16
_START_S = 60.0
_END_S = 3.0
_DESCRIBE_S = 0.5
_PROGRAM = STARTER.format(root=str(Path(imsafe.__file__).resolve().parent.parent))
# What sudo and pkexec say by their status when the user was not let through.
_REFUSED = {"pkexec": (126, 127), "sudo": (1,)}


_still_asking: list[subprocess.Popen[bytes]] = []
"""Kept until they end, as nobody waits for them."""


class KernelSource:
    """The audit trail of applications, straight from the kernel.

    Parameters
    ----------
    request
        What to follow.
    device
        ``auto``: start a tracer, as root directly, else by pkexec or sudo;
        otherwise the socket of a tracer that listens.
    wait
        Whether `open` waits until the tracer has begun, however long the user
        takes to type a password; otherwise `read` raises what goes wrong.

    Attributes
    ----------
    name, counters
        See `imsafe.sources.base.Source`.
    """

    def __init__(self, request: KernelRequest, device: str = "auto", *, wait: bool = True) -> None:
        self.name = ", ".join(request.applications)
        self.counters = Counters()
        self._request = request
        self._device = device
        self._wait = wait
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._errors: int | None = None
        self._how: Literal["root", "pkexec", "sudo", "socket"] = "socket"
        self._begun = False
        self._broken = ""
        self._overlooked = 0
        self._known: dict[str, dict[str, Any]] = {}
        self._describing: threading.Thread | None = None
        self._sending: SendingProcess | None = None
        self._reception = Reception(
            f"The kernel tracer of {self.name}", self.counters, itertools.count().__next__
        )

    @property
    def finished(self) -> bool:
        """Whether the tracer has ended: of itself only when it was asked to follow pids."""
        return self._reception.over and not self._broken

    @property
    def state(self) -> str:
        """What goes on, in words."""
        if self._connection is None:
            return "closed" if self._begun else "not started"
        if self._reception.over:
            return "ended"
        if self._begun:
            return "tracing"
        return "starting" if self._how in ("root", "socket") else "waiting for permission"

    def open(self) -> None:
        """Start the tracer or connect to it.

        Raises
        ------
        SourceError
            In words: no permission, no bcc, an old kernel, nobody listens.
        """
        if self._connection is not None:
            return  # a monitor that gets ready meanwhile has opened it early
        connection = self._start() if self._device == "auto" else self._connect()
        self._connection = connection
        # While the tracer's compiler works.
        self._describing = threading.Thread(target=self._describe, daemon=True)
        self._describing.start()
        if self._wait:
            self._await_start(connection)
        connection.setblocking(False)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        errors, theirs_errors = os.pipe()
        try:
            argv = [*self._privileged(), *self._request.words()]
            self._process = subprocess.Popen(
                argv, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=theirs_errors, cwd="/"
            )
        except OSError as error:
            ours.close()
            os.close(errors)
            raise SourceError(
                f"Cannot start the kernel tracer: {reason(error).lower()}."
            ) from error
        finally:
            theirs.close()
            os.close(theirs_errors)
        self._errors = errors
        return ours

    def _privileged(self) -> list[str]:
        """The beginning of a command line that runs the tracer as root."""
        python = [sys.executable, "-I", "-c", _PROGRAM]
        if os.geteuid() == 0:
            self._how = "root"
            return python
        display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if INSTALLED_TRACER.is_file() and display and shutil.which("pkexec"):
            self._how = "pkexec"
            return ["pkexec", str(INSTALLED_TRACER)]
        if not shutil.which("sudo"):
            raise SourceError(
                "The kernel tracer has to be started as root, and there is neither sudo nor"
                " (with ImSafe installed for all users) pkexec: run this as root."
            )
        self._how = "sudo"
        program = [str(INSTALLED_TRACER)] if INSTALLED_TRACER.is_file() else python
        # Without a terminal sudo has nowhere to ask: it goes on only if it need not.
        return ["sudo", *([] if _has_terminal() else ["-n"]), "--", *program]

    def _connect(self) -> socket.socket:
        try:
            connection = connect_checked(self._device, Allowed())
        except OSError as error:
            raise SourceError(
                f"No kernel tracer listens at {self._device} ({reason(error).lower()}): start"
                " imsafe-tracer.service, or use the device auto."
            ) from error
        connection.settimeout(_END_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        connection.sendall(json.dumps(self._request.words()).encode() + b"\n")
        return connection

    def _describe(self) -> None:
        """Find out about the executables, with our own rights only."""
        try:
            running = matched(self._request)
        except SourceError:
            running = {}
        for target in self._request.targets:
            if target.kind == "path" and Path(target.value).is_file():
                self._known[target.application] = _about(target.value, target.value)
            elif target.kind == "name" and (found := shutil.which(target.value)):
                self._known[target.application] = _about(os.path.realpath(found), found)
        for pid, number in running.items():
            name = self._request.applications[number - 1]
            process = look_at(pid) if name not in self._known else None
            if process and process.exe:
                self._known[name] = _about(process.exe, f"/proc/{pid}/exe")

    def _await_start(self, connection: socket.socket) -> None:
        """Wait for the first bytes: the tracer writes nothing before it works."""
        deadline = time.monotonic() + (_START_S if self._how == "root" else 10 * _START_S)
        while not select.select([connection], [], [], 0.2)[0]:
            if time.monotonic() > deadline:
                self.close()
                raise SourceError("The kernel tracer did not start in time.")
        self._check_start(*received_from(connection, 4096, socket.MSG_PEEK))

    def _check_start(self, first: bytes, sender: int) -> None:
        # One that listens has only the socket to say why not.
        if first[:1] != MAGIC[:1]:
            raise self._failure(first)
        self._begun = True
        # Not the process that was started: that may be sudo, or what listens.
        self._sending = SendingProcess(self._reception.name, sender)

    def _failure(self, first: bytes) -> SourceError:
        """Why the tracer ended before it began."""
        said, code = first.decode("utf-8", "replace"), 0
        if self._process is not None:
            try:
                code = self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._end_process()
        if self._errors is not None and not said:
            said = os.read(self._errors, 4096).decode("utf-8", "replace")
        self.close()
        said = " ".join(said.split())
        if code in _REFUSED.get(self._how, ()):
            detail = f" ({said})" if said else ""
            return SourceError(
                f"No permission to start the kernel tracer: {self._how} refused{detail}."
            )
        return SourceError(said or f"The kernel tracer ended before it began, with status {code}.")

    def fileno(self) -> int:
        """The tracer's socket."""
        if self._connection is None:
            raise ValueError("the source is not open")
        return self._connection.fileno()

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """What has arrived.

        Raises
        ------
        SourceError
            The tracer was killed, or could not begin (where `open` did not wait for that).
        """
        if self._broken:
            sentence, self._broken = self._broken, ""
            raise SourceError(sentence)
        items: list[Tagged] = []
        connection = self._connection
        if connection is None or self._reception.over:
            return items
        if timeout:
            select.select([connection], [], [], timeout)
        events = 0
        while events < _EVENTS_A_READ and not self._reception.over:
            try:
                octets, sender = received_from(connection, _BYTES_A_TURN)
            except BlockingIOError:
                break
            except OSError:  # reset: the tracer was killed
                octets, sender = b"", 0
            if not self._begun:
                self._check_start(octets, sender)
            arrived = self._reception.feed(octets) if octets else self._reception.end()
            events += sum(len(item) for _, item in arrived if isinstance(item, np.ndarray))
            items += arrived
        return [(stream, self._completed(item)) for stream, item in items]

    def _completed(self, item: Item) -> Item:
        """The header with what is known of the executables; a broken end is raised later."""
        if isinstance(item, End):
            self._overlooked = item.totals.get("lifecycle_lost", 0)
        if isinstance(item, Closed) and item.warning:
            self._broken = item.warning
            return Closed(item.complete)
        if isinstance(item, Closed) and self._overlooked:
            count = number_of(
                self._overlooked,
                "birth, program or end of a process",
                "births, programs and ends of processes",
            )
            return Closed(
                item.complete,
                f"The kernel tracer of {self.name} has overlooked {count}: calls of some may be"
                " missing, or stand under another name.",
            )
        if isinstance(item, Segment):
            if self._describing is not None:
                self._describing.join(_DESCRIBE_S)  # what takes longer is left out
            for entry in item.meta.get("applications", []):
                for key, value in self._known.get(entry["name"], {}).items():
                    entry.setdefault(key, value)
        return item

    def processes(self) -> list[SendingProcess]:
        """The tracer, while its stream is open."""
        if self._sending is None or self._connection is None or self._reception.over:
            return []
        return [self._sending]

    def stop(self) -> bool:
        """Ask the tracer to end: what it has still comes from `read`, with its totals last."""
        if self._connection is None or self._reception.over:
            return False
        try:
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            return False  # gone already
        return True

    def close(self) -> None:
        """End the tracer; the application goes on as if nothing had been."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._errors is not None:
            os.close(self._errors)
            self._errors = None
        self.counters.streams_open = 0
        if self._process is not None:
            try:
                # One that still asks for a password does not look at its socket.
                self._process.wait(_END_S if self._begun else 0)
            except subprocess.TimeoutExpired:
                self._end_process()

    def _end_process(self) -> None:
        """End what still asks for a password; if it is root's, it sees its socket close."""
        assert self._process is not None
        with contextlib.suppress(PermissionError):
            self._process.terminate()
        _still_asking.append(self._process)


def _about(exe: str, readable: str) -> dict[str, Any]:
    return {"exe": exe, **describe(readable), **package_of(exe)}


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
