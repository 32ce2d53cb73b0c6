# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer's process: its request from argv, its stream to standard output.

It starts as root, has the kernel program compiled and attached, marks what
runs already, gives every right up, and from then on only carries records from
the rings to the socket (`carrier`).  It ends when that closes.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
from pathlib import Path

from imsafe.errors import ImsafeError, SourceError
from imsafe.sources.ebpf import privileges
from imsafe.sources.ebpf.load import Compilation
from imsafe.sources.ebpf.wanted import check_pids, wanted
from imsafe.sources.kernel_request import KernelRequest

STARTER = (
    "import sys; sys.path.insert(0, {root!r});"
    " from imsafe.sources.ebpf.tracer import main; sys.exit(main())"
)
"""A program for ``python -I -c`` that runs the tracer of this very ImSafe."""
_SEND_BUFFER = 4 << 20
_SO_SNDBUFFORCE = 32
_INITIAL_PID_NAMESPACE = "pid:[4026531836]"


def main(words: list[str] | None = None) -> int:
    """Run the program; the status is 0, or 2 after one line that says why."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for our reader
    try:
        _run(sys.argv[1:] if words is None else words)
    except ConnectionError:
        return 0
    except ImsafeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _run(words: list[str]) -> None:
    if os.geteuid() != 0:
        raise SourceError("The kernel tracer has to be started as root.")
    privileges.check_code(privileges.code_places(), privileges.code_folders())
    if str(Path("/proc/self/ns/pid").readlink()) != _INITIAL_PID_NAMESPACE:
        raise SourceError(
            "The kernel tracer sees the machine's own process numbers, and in this container"
            " they are others: start it outside."
        )
    option, _, value = words[0].partition("=") if words else ("", "", "")
    # polkit was asked for one trace: its action names the program, not its words.
    if option in ("--listen", "--serve") and "PKEXEC_UID" in os.environ:
        raise SourceError(
            f"By pkexec the kernel tracer takes a request only: {option} is for its service."
        )
    if option == "--listen":
        _listen(value, words[1:])
        return
    output = _output()
    if option == "--serve" and value.isdecimal() and len(words) == 1:
        from imsafe.sources.ebpf.listen import request_of  # noqa: PLC0415

        _trace(request_of(output), output, client=int(value))
    else:
        _trace(KernelRequest.from_words(words), output, client=os.getppid())


def _listen(path: str, words: list[str]) -> None:
    from imsafe.sources.ebpf.listen import listen  # noqa: PLC0415
    from imsafe.sources.peer import Allowed  # noqa: PLC0415

    names: dict[str, list[str]] = {"--user": [], "--group": []}
    for word in words:
        option, _, value = word.partition("=")
        if option not in names:
            raise SourceError(f"The listening kernel tracer knows no {word[:60]!r}.")
        names[option].append(value)
    command = [sys.executable, "-I", *_own_program()]
    listen(path, Allowed.named(names["--user"], names["--group"]), command)


def _own_program() -> list[str]:
    """How this program was started, for one more of it."""
    if sys.argv[0] and sys.argv[0] != "-c":
        return [sys.argv[0]]
    root = str(Path(__file__).resolve().parents[3])
    return ["-c", STARTER.format(root=root)]


def _trace(request: KernelRequest, output: socket.socket, client: int) -> None:
    output.settimeout(None)
    check_pids(request)
    compiling = Compilation(request, wanted(request))
    # numpy is imported only now: while the compiler works, and not for it.  Threads of its
    # libraries would keep the rights that this one gives up.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from imsafe.sources.ebpf.carrier import Carrier  # noqa: PLC0415

    output.setblocking(False)
    carrier = Carrier(request, compiling.result(), output)
    carrier.begin(client)
    carrier.run()


def _output() -> socket.socket:
    """Standard output, which must be a socket: so it is seen to close at the other end."""
    if not stat.S_ISSOCK(os.fstat(1).st_mode):
        raise SourceError("The kernel tracer writes to a socket only; use ims-trace --driver.")
    output = socket.socket(fileno=os.dup(1))
    output.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _SEND_BUFFER)
    return output


if __name__ == "__main__":
    sys.exit(main())
