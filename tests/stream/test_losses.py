# SPDX-License-Identifier: GPL-3.0-or-later
"""Lost calls are counted once, in whichever way and order they are told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.stream.items import Lost
from imsafe.stream.losses import Losses, newest


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


def test_counts_that_come_late_are_raised_to_the_newest():
    assert newest(calls(4, 5, 4, 4, 6, 5), 3).tolist() == [4, 5, 5, 5, 6, 6]
    assert newest(calls(4, 4, 7), 5).tolist() == [5, 5, 7]
    assert newest(calls(2**32 - 1, 1, 2**32 - 1), -1).tolist() == [2**32 - 1, 1, 1]
    as_they_are = calls(5, 5, 6)
    for latest in (-1, 5):
        assert newest(as_they_are, latest) is as_they_are
