# SPDX-License-Identifier: GPL-3.0-or-later
"""Lost calls are counted once, in whichever way and order they are told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.stream.items import Lost
from imsafe.stream.losses import Losses


def calls(*aux: int) -> NDArray[np.uint32]:
    return np.array(aux, np.uint32)


def test_told_by_calls_and_by_a_frame_it_counts_once():
    losses = Losses()
    assert losses.calls(calls(0, 0, 5, 5, 7)) == [(2, 5), (4, 2)]
    assert losses.frame(Lost(7, 0, 1)) == 0
    assert losses.total == 7


def test_a_count_that_arrives_late_tells_nothing_new():
    losses = Losses()
    assert losses.calls(calls(9, 4, 9)) == [(0, 9)]
    assert losses.calls(calls(3)) == []
    assert losses.total == 9


def test_the_count_wraps():
    losses = Losses()
    losses.calls(calls(2**31 - 1))
    losses.calls(calls(2**32 - 2))
    assert losses.calls(calls(1)) == [(0, 3)]
