# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles and attaches the kernel program, in a child that ends when it is done.

The compiler (LLVM, inside bcc) takes 120 MB and keeps them.  So a child does
the work, hands back the descriptors of the maps and of the attachments, and
ends: what is traced stays traced as long as somebody holds them, and all of it
is gone from the kernel when the last holder is.
"""

from __future__ import annotations

import array
import os
import signal
import socket
from dataclasses import dataclass

from imsafe.errors import SourceError
from imsafe.sources.ebpf.wanted import Wanted
from imsafe.sources.kernel_request import KernelRequest

_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Attached:
    """The descriptors of a program that runs in the kernel.

    Attributes
    ----------
    calls, lifecycle, wakes, marks, counters
        The maps of these names.
    links
        The attachments: when the last copy of them is closed, nothing is traced.
    programs
        The programs themselves, for what the kernel says of them.
    """

    calls: int
    lifecycle: int
    wakes: int
    marks: int
    counters: int
    links: tuple[int, ...]
    programs: tuple[int, ...]


class Compilation:
    """The child at work; its maker can do something else meanwhile."""

    def __init__(self, request: KernelRequest, wanted: Wanted) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._child = os.fork()
        if not self._child:
            self._connection.close()
            from imsafe.sources.ebpf.compile import work  # noqa: PLC0415

            work(theirs, request, wanted)
        theirs.close()

    def result(self) -> Attached:
        """Wait for the descriptors.

        Raises
        ------
        SourceError
            In words: no bcc, no rights, an old kernel.
        """
        self._connection.settimeout(_PATIENCE_S)
        try:
            return _receive(self._connection)
        except TimeoutError:
            os.kill(self._child, signal.SIGKILL)
            raise SourceError("The kernel program was not ready within a minute.") from None
        finally:
            self._connection.close()
            os.waitpid(self._child, 0)


def _receive(connection: socket.socket) -> Attached:
    most = 32
    descriptors = array.array("i")
    message, ancillary, _, _ = connection.recvmsg(
        4096, socket.CMSG_LEN(most * descriptors.itemsize)
    )
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if message != b"attached":
        sentence = message.decode("utf-8", "replace")
        raise SourceError(sentence or "The compiler of the kernel program was killed.")
    calls, lifecycle, wakes, marks, counters, *others = descriptors
    links, programs = others[: len(others) // 2], others[len(others) // 2 :]  # one of each
    return Attached(calls, lifecycle, wakes, marks, counters, tuple(links), tuple(programs))
