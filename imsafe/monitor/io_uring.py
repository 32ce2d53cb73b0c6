# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the processes that ask for an io_uring, through which they work unseen.

What a program queues in such a ring (open, read, connect, send and more) the
kernel does without a system call, so that no tracer of system calls sees it.
That a process asks for one is a call like any other, and the administrator is
told: not as an alert, since nothing says that it is abnormal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe import syscalls
from imsafe.events import Abi, Events, symbols

CALL = "io_uring_setup"

_NUMBERS = {abi: syscalls.number(abi, CALL) for abi in Abi}
_SYMBOLS = np.array([abi << 16 | n for abi, n in _NUMBERS.items() if n is not None], np.uint32)
_SUSPECTS = np.unique(_SYMBOLS & 0xFFFF).astype(np.uint16)  # one number, in every ABI known


def setups(events: Events, watched: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first call of each process that asks for a ring.

    The call counts whether or not the kernel grants it: a tracer sees calls as they begin.

    Parameters
    ----------
    events : array of EVENT, shape (N,)
    watched : array of bool, shape (N,)
        Which of them are calls of watched applications.

    Returns
    -------
    array of intp
        Rows, in order; most often none.
    """
    rows = np.flatnonzero(watched & np.isin(events["syscall"], _SUSPECTS))
    if len(rows):
        rows = rows[np.isin(symbols(events[rows]), _SYMBOLS)]
        rows = rows[np.sort(np.unique(events["pid"][rows], return_index=True)[1])]
    return rows


def sentence(comm: str, pid: int) -> str:
    """What an administrator has to know of it."""
    return (
        f"{comm or 'a process'} (pid {pid}) called {CALL}: operations through such a ring"
        " bypass system calls and are not seen."
    )
