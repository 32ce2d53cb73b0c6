# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that runs the ptrace tracer as a child and reads its stream from a socketpair."""

from __future__ import annotations

import itertools
import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import imsafe
from imsafe.errors import SourceError, reason
from imsafe.sources.base import Counters
from imsafe.sources.reception import Reception
from imsafe.sources.standstill import SendingProcess
from imsafe.stream.items import Tagged

_BYTES_A_TURN = 1 << 18
_EVENTS_A_READ = 1 << 16
_START_S = 60.0
_DETACH_S = 3.0

# The child must run this very ImSafe, wherever it was imported from, and must not take
# modules from the folder that it happens to be started in (-P).
_ROOT = str(Path(imsafe.__file__).resolve().parent.parent)
_PROGRAM = (
    f"import sys; sys.path.insert(0, {_ROOT!r});"
    " from imsafe.cli.sensor import main; sys.exit(main())"
)

_left_running: list[subprocess.Popen[bytes]] = []
"""Tracers whose command lives on after `close`; they are collected when they end."""


class TracerProcess:
    """Starts a command or attaches to processes, in a tracer of its own.

    Parameters
    ----------
    argv
        The command line; None: attach to `pids`.
    pids
        Processes to attach to.
    full
        Two stops a call for the command (see `docs/tracing.md`).
    follow_exec
        Whether a process that loads a new program stays in the application.
    name
        Of the application; None: the command's or executable's base name.
    stdin
        The command's standard input, as `subprocess.Popen` takes it; None: ours.
    stdout
        Likewise its standard output.

    Attributes
    ----------
    name, counters
        See `imsafe.sources.base.Source`.
    """

    def __init__(
        self,
        argv: Sequence[str] | None = None,
        pids: Sequence[int] = (),
        full: bool = False,
        follow_exec: bool = True,
        name: str | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> None:
        if (argv is None) == (not pids):
            raise ValueError("either a command or pids")
        self.name = " ".join(argv) if argv else ", ".join(f"process {pid}" for pid in pids)
        self.counters = Counters()
        self._argv = argv
        self._pids = tuple(pids)
        self._stdin = stdin
        self._stdout = stdout
        self._options = [
            *(["--full"] if full else []),
            *([] if follow_exec else ["--no-follow-exec"]),
            *([f"--name={name}"] if name else []),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._sending: SendingProcess | None = None
        self._reception = Reception(
            f"The tracer of {self.name}", self.counters, itertools.count().__next__
        )

    @property
    def returncode(self) -> int | None:
        """The command's exit status (128 + signal); None while the tracer runs."""
        code = None if self._process is None else self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    @property
    def finished(self) -> bool:
        """Whether the command, or all attached processes, have ended."""
        return self._reception.over and self.returncode is not None

    @property
    def state(self) -> str:
        """What goes on, in words."""
        if self._process is None:
            return "not started"
        if self._connection is None:
            return "closed"
        return "ended" if self._reception.over else "tracing"

    def open(self) -> None:
        """Start the tracer, and with it the command.

        Raises
        ------
        SourceError
            What the tracer said: no such command, no right to trace it.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        status_read, status_write = os.pipe()
        try:
            self._process = self._start(theirs.fileno(), status_write)
        except OSError as error:
            ours.close()
            os.close(status_read)
            raise SourceError(f"Cannot start a tracer: {reason(error).lower()}.") from error
        finally:
            theirs.close()
            os.close(status_write)
        try:
            self._await_start(status_read)
        except SourceError:
            ours.close()
            raise
        finally:
            os.close(status_read)
        ours.setblocking(False)
        self._connection = ours
        self._sending = SendingProcess(self._reception.name, self._process.pid)

    def _start(self, stream: int, status: int) -> subprocess.Popen[bytes]:
        target = [f"-p{pid}" for pid in self._pids] if self._argv is None else ["--", *self._argv]
        descriptors = [f"--fd={stream}", f"--status-fd={status}"]
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, *descriptors, *self._options, *target],
            stdin=self._stdin,
            stdout=self._stdout,
            pass_fds=(stream, status),
        )

    def _await_start(self, status: int) -> None:
        """Wait until the tracer says "started", or why it could not."""
        assert self._process is not None
        answer = b""
        while select.select([status], [], [], _START_S)[0]:
            octets = os.read(status, 4096)
            answer += octets
            if answer == b"started\n":
                return
            if not octets:
                break
        else:
            self._process.kill()
            answer = b"The tracer did not start within a minute."
        code = self._process.wait()
        sentence = answer.decode("utf-8", "replace").strip()
        raise SourceError(sentence or f"The tracer ended before it began, with status {code}.")

    def fileno(self) -> int:
        """The socketpair's end."""
        if self._connection is None:
            raise ValueError("the source is not open")
        return self._connection.fileno()

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """What has arrived; closing items once the tracer has ended."""
        items: list[Tagged] = []
        connection = self._connection
        if connection is None:
            return items
        if self._reception.over:
            # Its end has been read: what is left is to collect the process.
            if self._process is not None and timeout:
                self._await_end(timeout)
            return items
        if timeout:
            select.select([connection], [], [], timeout)
        events = 0
        while events < _EVENTS_A_READ and not self._reception.over:
            try:
                octets = connection.recv(_BYTES_A_TURN)
            except BlockingIOError:
                break
            except OSError:  # reset: the tracer was killed
                octets = b""
            arrived = self._reception.feed(octets) if octets else self._reception.end()
            events += sum(len(item) for _, item in arrived if isinstance(item, np.ndarray))
            items += arrived
        return items

    def _await_end(self, timeout: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def processes(self) -> list[SendingProcess]:
        """The tracer, while its stream is open."""
        if self._sending is None or self._connection is None or self._reception.over:
            return []
        return [self._sending]

    def stop(self) -> bool:
        """Nothing is on its way that `close` would lose."""
        return False

    def close(self) -> None:
        """Stop reading: attached processes are detached, a command lives on untraced."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.counters.streams_open = 0
        process = self._process
        if process is None:
            return
        _left_running[:] = [left for left in _left_running if left.poll() is None]
        patience = _DETACH_S if self._pids else 0.0
        if not self._await_end(patience) and process not in _left_running:
            _left_running.append(process)
