# SPDX-License-Identifier: GPL-3.0-or-later
"""The event record: what every source produces and everything downstream consumes.

One record is 24 bytes, little endian, the same on a socket, on disk, in the
kernel's ring buffer and in numpy.  A batch of them is born once and is never
turned into Python objects on its way to the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype(
    {
        "names": ["time_ns", "pid", "tid", "syscall", "abi", "kind", "aux"],
        "formats": ["<u8", "<u4", "<u4", "<u2", "u1", "u1", "<u4"],
        "offsets": [0, 8, 12, 16, 18, 19, 20],
        "itemsize": 24,
    }
)
"""One record; `aux` depends on the kind (see `Kind`)."""

Events = NDArray[np.void]
"""A batch: array of `EVENT`, shape (N,)."""

# numpy moves records with fields one field at a time, and asks at each joint whether their types
# agree: 7 to 25 times as slow as moving the same octets.
_OPAQUE = np.dtype((np.void, EVENT.itemsize))

OUT_OF_RANGE = 0xFFFF
"""The `syscall` of a call whose number does not fit in 16 bits: never masked."""


class Kind(IntEnum):
    """What a record says happened, and what its `aux` then holds."""

    CALL = 0
    """A system call begins; aux: how many calls the tracer has lost so far (mod 2^32)."""
    FORK = 1
    """A thread or process was created; aux: the child's tid."""
    EXEC = 2
    """A new program was loaded; aux: the former tid of the thread that called exec."""
    EXIT = 3
    """A thread ended, or left the application; aux: its wait status."""


class Abi(IntEnum):
    """The calling convention: number 1 is `write` in one and `exit` in another."""

    UNKNOWN = 0
    X86_64 = 1
    I386 = 2
    X32 = 3
    AARCH64 = 4
    ARM = 5
    FOREIGN = 6


def joined(batches: Sequence[Events]) -> Events:
    """What `numpy.concatenate` gives, without its price for records.

    Parameters
    ----------
    batches : one or more arrays of EVENT, shape (N_i,)

    Returns
    -------
    array of EVENT, shape (sum of N_i,)
        A copy, but of a single batch the batch itself.
    """
    if len(batches) == 1:
        return batches[0]
    return np.concatenate([batch.view(_OPAQUE) for batch in batches]).view(EVENT)


def chosen(events: Events, rows: NDArray[Any] | slice) -> Events:
    """A copy of ``events[rows]``, without numpy's price for records.

    Parameters
    ----------
    events : array of EVENT, shape (N,)
    rows
        Indices, a boolean mask of shape (N,), or a slice.
    """
    octets = events.view(_OPAQUE)
    found = octets[rows].copy() if isinstance(rows, slice) else octets[rows]
    return found.view(EVENT)


def symbols(events: Events) -> NDArray[np.uint32]:
    """The tree's symbol of each record: ``abi << 16 | syscall``.

    Parameters
    ----------
    events : array of EVENT, shape (N,)

    Returns
    -------
    array of uint32, shape (N,)
    """
    found: NDArray[np.uint32] = events["abi"].astype(np.uint32) << np.uint32(16)
    found |= events["syscall"]
    return found
