# SPDX-License-Identifier: GPL-3.0-or-later
"""ims-sensor: traces a command or running processes and sends their calls to a listener."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable

from imsafe.cli.common import FAILED, Parser, command_of, pid, run, say, size
from imsafe.errors import ImsafeError
from imsafe.sources.peer import Allowed, connect_checked
from imsafe.sources.ptrace_tracer import Tracer
from imsafe.sources.sender import BUFFER_LIMIT, Sender
from imsafe.sources.sensor import DEFAULT_SOCKET

_PR_SET_PDEATHSIG = 1

_EXAMPLES = """\
  ims-sensor -- vsftpd /etc/vsftpd.conf        the command, to /tmp/imsensor
  ims-sensor -s /run/user/1000/ftp -p 4711     a running process, to another socket
  ims-sensor --full -- /usr/sbin/sshd -D       sees what sshd's own filter denies, too

The command runs whether anybody listens or not. What the listener has not taken
is kept (64 MiB), then calls are dropped and counted. The status is the command's
own (128 + signal), 2 for an error before it started.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the sensor; returns the command's status."""
    args = _parser().parse_args(argv)
    return run("ims-sensor", lambda: _run(args))


def _parser() -> Parser:
    parser = Parser("ims-sensor", __doc__.partition(": ")[2], _EXAMPLES)
    parser.add_argument("-s", "--socket", default=DEFAULT_SOCKET, metavar="SOCKET")
    parser.add_argument(
        "-p", "--pid", action="append", type=pid, metavar="PID", help="a process (repeatable)"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="two stops a call: sees what the command's own filter denies, and can let go of it",
    )
    parser.add_argument(
        "--no-follow-exec", action="store_true", help="a process leaves when it runs a new program"
    )
    parser.add_argument("--name", metavar="NAME", help="of the application; default: the command's")
    parser.add_argument(
        "--allow-user",
        metavar="USER",
        action="append",
        default=[],
        help="trust a listener of this user, beside yours and root's",
    )
    parser.add_argument(
        "--buffer",
        metavar="BYTES",
        type=size,
        default=BUFFER_LIMIT,
        help="what to keep for a slow listener (K, M, G; default 64M)",
    )
    # For imsafe.sources.tracer_process, which is the other end of both.
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--status-fd", type=int, help=argparse.SUPPRESS)
    # For the window: what it started ends with it, even if it is killed.
    parser.add_argument("--end-with", type=int, metavar="PARENT", help=argparse.SUPPRESS)
    parser.add_argument(
        "command", metavar="-- CMD ARGS", nargs=argparse.REMAINDER, help="the command"
    )
    return parser


def _run(args: argparse.Namespace) -> int:
    command = command_of(args)
    if bool(command) == bool(args.pid):
        raise ImsafeError("Name either processes (-p PID) or a command (-- CMD), see --help.")
    if args.end_with is not None:
        _end_with(args.end_with)
    tracer = Tracer(
        command or None,
        args.pid or (),
        full=args.full,
        follow_exec=not args.no_follow_exec,
        name=args.name,
    )
    if args.fd is None:
        return _send_to_listener(args, tracer)
    return _send_to_parent(args, tracer)


def _end_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent has died."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise ImsafeError("The window that started this sensor has ended.")


def _send_to_listener(args: argparse.Namespace, tracer: Tracer) -> int:
    allowed = Allowed.named(args.allow_user)

    def connect() -> socket.socket:
        return connect_checked(args.socket, allowed)

    # A listener that is not to be trusted is an error now, before anything runs.
    connection = _first(connect)
    tracer.begin()
    sender = Sender(
        tracer.meta,
        tracer.processes.values,
        connection=connection,
        connect=connect,
        limit=args.buffer,
        say=lambda sentence: say("ims-sensor", f"{args.socket}: {sentence}"),
    )
    return tracer.run(sender)


def _first(connect: Callable[[], socket.socket]) -> socket.socket | None:
    try:
        return connect()
    except OSError:
        return None


def _send_to_parent(args: argparse.Namespace, tracer: Tracer) -> int:
    for descriptor in (args.fd, args.status_fd):
        os.set_inheritable(descriptor, False)
    connection = socket.socket(fileno=args.fd)
    connection.setblocking(False)
    try:
        tracer.begin()
    except ImsafeError as error:
        os.write(args.status_fd, str(error).encode("utf-8", "replace"))
        connection.close()
        return FAILED
    sender = Sender(tracer.meta, tracer.processes.values, connection=connection, limit=args.buffer)
    os.write(args.status_fd, b"started\n")
    os.close(args.status_fd)
    return tracer.run(sender)


if __name__ == "__main__":
    sys.exit(main())
