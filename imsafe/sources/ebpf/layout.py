# SPDX-License-Identifier: GPL-3.0-or-later
"""What `kernel/tracer.c` and its user side agree on, beside the record itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ONLINE = Path("/sys/devices/system/cpu/online")


def _processors() -> int:
    try:
        numbers = re.findall(r"\d+", _ONLINE.read_text())
    except OSError:
        numbers = []
    return int(numbers[-1]) + 1 if numbers else os.cpu_count() or 1


PROCESSORS = _processors()
"""Rings of calls: the highest number of a processor, and one more."""
RING_HEADER = 128
"""Bytes before the words of a ring: its head, its tail, each in a cache line of its own."""
WORD = 8
"""Bytes."""
_FEWEST, _MOST = 16, 1 << 26


def ring_words(ring_size: int) -> int:
    """How many words each processor's ring holds: a power of two, as `kernel/tracer.c` wants it.

    Parameters
    ----------
    ring_size
        Bytes of all together.
    """
    fit = ring_size // PROCESSORS // WORD
    return max(_FEWEST, min(_MOST, 1 << max(fit.bit_length() - 1, 0)))


LIFECYCLE_SIZE = 1 << 20
"""Bytes of the ring of births, programs and ends: 26,000 births, or 2,000 programs."""
MARKS = 1 << 22
"""Bytes of the marks: one for each thread number that Linux can have."""
NEVER = 255
"""The mark of ImSafe's own threads."""
CALLS_LOST, LIFECYCLE_LOST = 0, 1
"""Places in the counters."""
