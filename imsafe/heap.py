# SPDX-License-Identifier: GPL-3.0-or-later
"""What the C library does with memory that is free again."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of glibc's mallopt(3)."""
_KEPT = 16 << 20


def keep_freed_memory() -> None:
    """Keep up to 16 MiB that is free, for the next batch of calls.

    Otherwise the arrays of each batch go back to the kernel, which clears their pages anew for the
    next: a tenth to a quarter of the processor time of who takes some thousand calls at a time.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
        library.mallopt(_MMAP_THRESHOLD, _KEPT)
