# SPDX-License-Identifier: GPL-3.0-or-later
"""The listening tracer, for systemd: a tracer for everyone in a group who asks, one each.

A client connects, sends its request as a line of JSON (the words of a command
line), and gets a stream, or a sentence that says why not.  The listener itself
reads nothing else, and starts a fresh tracer process for each request.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections import Counter

from imsafe.errors import SourceError, reason
from imsafe.sources.kernel_request import KernelRequest
from imsafe.sources.peer import Allowed, Peer, PrivateListener, peer_of

_LONGEST_REQUEST = 64 << 10
_PATIENCE_S = 5.0
_LARGEST_RING = 128 << 20
"""The kernel's memory is not its clients' to take."""
_MOST_TRACERS = 32
_MOST_OF_A_USER = 8


def listen(path: str, allowed: Allowed, command: list[str]) -> None:
    """Serve until SIGTERM or SIGINT; running tracers go on until their clients leave.

    Parameters
    ----------
    command
        Starts a tracer; the words of the request are put behind it.

    Raises
    ------
    SourceError
        It cannot listen there.
    """
    listener = PrivateListener(path, allowed)
    ending, end = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(end, b"!"))
    serving = _Serving(allowed, command)
    try:
        while True:
            ready, _, _ = select.select([listener.socket.fileno(), ending], [], [], 1.0)
            serving.collect()
            if ending in ready:
                return
            if listener.socket.fileno() in ready:
                connection, _ = listener.socket.accept()
                with connection:
                    serving.serve(connection)
    finally:
        listener.close()


class _Serving:
    def __init__(self, allowed: Allowed, command: list[str]) -> None:
        self._allowed = allowed
        self._command = command
        self._asking: list[tuple[subprocess.Popen[bytes], int]] = []

    def collect(self) -> None:
        """Forget tracers that have ended."""
        self._asking = [(child, uid) for child, uid in self._asking if child.poll() is None]

    def serve(self, connection: socket.socket) -> None:
        """Answer one client; a child reads its request, so that a slow one delays nobody."""
        try:
            peer = peer_of(connection)
            self._admit(peer)
        except (SourceError, OSError) as error:
            _say(connection, str(error))
            return
        self._start(connection, peer)

    def _admit(self, peer: Peer) -> None:
        if not self._allowed.admits(peer):
            raise SourceError(
                f"No permission to use the kernel tracer: {peer} is in none of the groups that may."
            )
        of_user = Counter(uid for _, uid in self._asking)[peer.uid]
        if len(self._asking) >= _MOST_TRACERS or of_user >= _MOST_OF_A_USER:
            raise SourceError(
                f"The kernel tracer serves at most {_MOST_OF_A_USER} requests of a user and"
                f" {_MOST_TRACERS} in all at once: close one first."
            )

    def _start(self, connection: socket.socket, peer: Peer) -> None:
        connection.setblocking(True)
        try:
            child = subprocess.Popen(
                [*self._command, f"--serve={peer.pid}"],
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=connection.fileno(),
            )
        except OSError as error:
            _say(connection, f"The kernel tracer could not be started: {reason(error).lower()}.")
            return
        self._asking.append((child, peer.uid))


def request_of(connection: socket.socket) -> KernelRequest:
    """The request that a client sends first.

    Raises
    ------
    SourceError
        It comes too slowly, is too long, or is none.
    """
    deadline = time.monotonic() + _PATIENCE_S
    octets = b""
    try:
        while not octets.endswith(b"\n"):
            connection.settimeout(max(deadline - time.monotonic(), 1e-3))
            part = connection.recv(4096)
            octets += part
            if not part or len(octets) > _LONGEST_REQUEST:
                raise SourceError("The request to the kernel tracer is cut short or too long.")
        words = json.loads(octets)
    except TimeoutError:
        raise SourceError("The request to the kernel tracer did not come in time.") from None
    except (ValueError, RecursionError):
        raise SourceError("The request to the kernel tracer is not JSON.") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise SourceError("The request to the kernel tracer is not a list of words.")
    request = KernelRequest.from_words(words)
    if request.ring_size > _LARGEST_RING:
        raise SourceError(
            f"A ring of more than {_LARGEST_RING >> 20}M is root's to ask for, not this socket's."
        )
    return request


def _say(connection: socket.socket, sentence: str) -> None:
    connection.setblocking(False)
    try:
        connection.send(sentence.encode() + b"\n")
    except OSError:
        return  # it did not wait for the answer
