# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of profiles go on beside the loop, one after the other."""

from __future__ import annotations

import threading
import time

import pytest

from imsafe.errors import ImsafeError
from imsafe.monitor.later import MOST_WAITING, Waiting


def turn_until(waiting: Waiting) -> None:
    end = time.monotonic() + 20
    while waiting.busy and time.monotonic() < end:
        waiting.tick()
        time.sleep(0.001)
    assert not waiting.busy


def test_the_loop_goes_on_and_the_order_holds() -> None:
    waiting, gate, order = Waiting(), threading.Event(), list[str]()
    loop = threading.get_ident()

    def finish(value: object) -> dict[str, object]:
        assert threading.get_ident() == loop
        order.append(f"finished {value}")
        return {"value": value}

    def work(value: int) -> int:
        assert threading.get_ident() != loop
        order.append(f"worked {value}")
        return value

    first = waiting.add(lambda: gate.wait(20) and work(1), finish)
    second = waiting.add(lambda: work(2), finish)
    for _ in range(100):
        waiting.tick()
    assert first.reply is None
    assert order == []
    gate.set()
    turn_until(waiting)
    assert order == ["worked 1", "finished 1", "worked 2", "finished 2"]
    assert (first.reply, second.reply) == ({"value": 1}, {"value": 2})


def test_an_error_is_the_reply_and_a_bug_is_raised() -> None:
    waiting = Waiting()

    def refuse() -> None:
        raise ImsafeError("It cannot be read.")

    later = waiting.add(refuse, lambda _: {})
    turn_until(waiting)
    assert str(later.reply) == "It cannot be read."
    waiting.add(lambda: {}["bug"], lambda _: {})
    with pytest.raises(KeyError):
        waiting.finish()


def test_the_end_waits_and_too_many_are_refused() -> None:
    waiting, done = Waiting(), list[int]()
    for number in range(MOST_WAITING):
        waiting.add(lambda: time.sleep(0.001), lambda _, n=number: done.append(n) or {})  # type: ignore[misc]
    with pytest.raises(ImsafeError, match="busy"):
        waiting.add(lambda: None, lambda _: {})
    waiting.finish()
    assert done == list(range(MOST_WAITING))
