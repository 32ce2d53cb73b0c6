# SPDX-License-Identifier: GPL-3.0-or-later
"""What `kernel/tracer.c` and its user side agree on, beside the record itself."""

from __future__ import annotations

LIFECYCLE_SIZE = 1 << 20
"""Bytes of the ring of births, programs and ends: 26,000 births, or 2,000 programs."""
MARKS = 1 << 22
"""Bytes of the marks: one for each thread number that Linux can have."""
NEVER = 255
"""The mark of ImSafe's own threads."""
CALLS_LOST, LIFECYCLE_LOST = 0, 1
"""Places in the counters."""
