# SPDX-License-Identifier: GPL-3.0-or-later
"""What the profile's tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_signal_handlers() -> Iterator[None]:
    """The programs, called in this process, leave pytest its Ctrl-C."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
