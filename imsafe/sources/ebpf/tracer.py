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

_SEND_BUFFER = 4 << 20
_SO_SNDBUFFORCE = 32
_INITIAL_PID_NAMESPACE = "pid:[4026531836]"


def main(words: list[str] | None = None) -> int:
    """Run the program; the status is 0, or 2 after one line that says why."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for our reader
    try:
        _trace(sys.argv[1:] if words is None else words)
    except ConnectionError:
        return 0
    except ImsafeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _trace(words: list[str]) -> None:
    if os.geteuid() != 0:
        raise SourceError("The kernel tracer has to be started as root.")
    privileges.check_code(privileges.code_places(), privileges.code_folders())
    request = KernelRequest.from_words(words)
    check_pids(request)
    if str(Path("/proc/self/ns/pid").readlink()) != _INITIAL_PID_NAMESPACE:
        raise SourceError(
            "The kernel tracer sees the machine's own process numbers, and in this container"
            " they are others: start it outside."
        )
    output = _output()
    compiling = Compilation(request, wanted(request))
    # numpy is imported only now: while the compiler works, and not for it.  Threads of its
    # libraries would keep the rights that this one gives up.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from imsafe.sources.ebpf.carrier import Carrier  # noqa: PLC0415

    carrier = Carrier(request, compiling.result(), output)
    carrier.begin()
    carrier.run()


def _output() -> socket.socket:
    """Standard output, which must be a socket: so it is seen to close at the other end."""
    if not stat.S_ISSOCK(os.fstat(1).st_mode):
        raise SourceError("The kernel tracer writes to a socket only; use ims-trace --driver.")
    output = socket.socket(fileno=os.dup(1))
    output.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _SEND_BUFFER)
    output.setblocking(False)
    return output


if __name__ == "__main__":
    sys.exit(main())
