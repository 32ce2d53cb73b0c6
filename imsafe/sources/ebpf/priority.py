# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracer goes before other programs: it needs little, and who reads late loses calls."""

from __future__ import annotations

import contextlib
import os
import resource
import signal

_MOST_NICE = -20
_REAL_TIME = 1
"""The lowest of the priorities that go before all ordinary programs."""
_LONGEST_US, _END_US = 500_000, 5_000_000
"""Processor time without a pause after which the precedence is given up; the kernel's last word."""


def take_precedence() -> None:
    """Ask for real time, or where that is not allowed for the highest ordinary priority.

    Real time is given back when the tracer does not pause for half a second: a flood of births
    and ends shall not stop a processor.
    """
    with contextlib.suppress(PermissionError):  # a service may lack CAP_SYS_NICE
        os.setpriority(os.PRIO_PROCESS, 0, _MOST_NICE)
    signal.signal(signal.SIGXCPU, _yield_precedence)
    resource.setrlimit(resource.RLIMIT_RTTIME, (_LONGEST_US, _END_US))
    with contextlib.suppress(PermissionError):
        _schedule(os.SCHED_RR, _REAL_TIME)


def _yield_precedence(*_: object) -> None:
    _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
