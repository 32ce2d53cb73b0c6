# SPDX-License-Identifier: GPL-3.0-or-later
"""What is freed and needed again is not fetched from the kernel again."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux")

BATCHES = """
import resource, sys
import numpy as np
from imsafe.heap import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for batch in range(23):
    arrays = [np.ones(1 << 17) for _ in range(7)]
    del arrays
    if batch == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_batches_use_the_same_pages_again() -> None:
    faults = {
        how: int(subprocess.check_output([sys.executable, "-c", BATCHES, how], text=True))
        for how in ("keep", "leave")
    }
    assert faults["keep"] < 100
    assert faults["leave"] > 1000
