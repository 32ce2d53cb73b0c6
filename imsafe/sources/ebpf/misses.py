# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel did not run its programs for, and says of them alone.

A program at a tracepoint is passed over where the kernel is inside of BPF on the same processor
already: on a kernel that may be interrupted there (Arch, Fedora; Debian's may not) a process that
changes a map of any tool is put aside in the middle of that, and whoever comes then goes unseen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_FIELD = re.compile(rb"^recursion_misses:\s*(\d+)$", re.MULTILINE)
_LONGEST = 1 << 12


class Misses:
    """Counts them, with no right but to read what was opened before.

    Parameters
    ----------
    programs
        Their descriptors; they stay open.
    """

    def __init__(self, programs: Iterable[int]) -> None:
        self._files = [os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY) for fd in programs]

    @property
    def total(self) -> int:
        """How often so far; 0 where the kernel does not count it (before 5.12)."""
        return sum(map(self._of, self._files))

    @staticmethod
    def _of(file: int) -> int:
        os.lseek(file, 0, os.SEEK_SET)
        found = _FIELD.search(os.read(file, _LONGEST))
        return int(found[1]) if found else 0
