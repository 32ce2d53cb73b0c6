# SPDX-License-Identifier: GPL-3.0-or-later
"""What `kernel/tracer.c` and its user side agree on, beside the record itself."""

from __future__ import annotations

import mmap
import os

MOST_RINGS = 4


def call_rings(ring_size: int) -> int:
    """How many rings calls are written to: 1, 2 or 4, no more than there are processors.

    Processors that write to one ring at the same moment wait for each other.
    """
    processors = min(os.cpu_count() or 1, ring_size // mmap.PAGESIZE, MOST_RINGS)
    return 1 << (processors.bit_length() - 1)


LIFECYCLE_SIZE = 1 << 20
"""Bytes of the ring of births, programs and ends: 26,000 births, or 2,000 programs."""
MARKS = 1 << 22
"""Bytes of the marks: one for each thread number that Linux can have."""
NEVER = 255
"""The mark of ImSafe's own threads."""
CALLS_LOST, LIFECYCLE_LOST = 0, 1
"""Places in the counters."""
