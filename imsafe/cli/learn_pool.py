# SPDX-License-Identifier: GPL-3.0-or-later
"""Learns traces in helper processes, each some of them; what they give is summed."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from imsafe.cli.common import Stop
from imsafe.errors import ImsafeError
from imsafe.stream.traces import TraceReader

if TYPE_CHECKING:
    from imsafe.profile.part import Part

_WAIT_S = 0.1
_WORTH = 8 << 20
"""Bytes of traces for which one more helper is worth its start."""


@dataclass(frozen=True, slots=True)
class Order:
    """One trace that is to be learned; `earlier` times it has been learned before."""

    trace: TraceReader
    earlier: int


def default_jobs(traces: Sequence[TraceReader]) -> int:
    """How many traces to learn at a time: by the processors, and by how much there is to do."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    worth = 1 + sum(trace.size for trace in traces) // _WORTH
    return max(min(cores, len(traces), worth), 1)


Said: TypeAlias = "queue.Queue[tuple[_Helper, dict[str, Any], bytes]]"
"""Who said what, and the octets that came with it."""


class _Helper:
    """One process, and what it says, put into a queue by a thread."""

    def __init__(
        self, depth: int, said: queue.Queue[tuple[_Helper, dict[str, Any], bytes]]
    ) -> None:
        # -P: the working folder's modules are not ours.  A group of its own: Ctrl-C is not for it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "imsafe.cli.learn_helper", str(depth)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        self._said = said
        self.order: Order | None = None
        self.position = 0
        self.has_ended = False
        threading.Thread(target=self._listen, name="helper", daemon=True).start()

    def _listen(self) -> None:
        with self._answers as pipe:
            while line := pipe.readline():
                fields = json.loads(line)
                self._said.put((self, fields, pipe.read(fields.get("bytes", 0))))
        self._said.put((self, {"type": "gone"}, b""))

    def give(self, order: Order | None, application: str | None) -> None:
        """Have a trace learned; None: there are no more."""
        self.order, self.position = order, 0
        fields: dict[str, Any] = {}
        if order is not None:
            fields = {
                "path": order.trace.path,
                "format": order.trace.format,
                "identity": order.trace.identity,
                "earlier": order.earlier,
                "app": application,
            }
        with contextlib.suppress(OSError):  # it has gone, which its own thread says
            self._orders.write(json.dumps(fields).encode() + b"\n")
            self._orders.flush()

    def stop(self) -> None:
        """Have it forget the trace at hand, and hand over the rest."""
        with contextlib.suppress(OSError):
            self._orders.close()

    def reap(self) -> int:
        """Wait for its end; its exit status."""
        self.stop()
        return int(self._process.wait())

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


class Pool:
    """Helpers that learn traces.

    Parameters
    ----------
    depth
        Of the profile.
    application
        The only one to learn; None where the traces have one.
    on_part
        Called with what a helper hands over.
    on_progress
        Called with the bytes read so far.

    Attributes
    ----------
    learned
        The traces that were learned whole.
    """

    def __init__(
        self,
        depth: int,
        application: str | None,
        on_part: Callable[[Part], None],
        on_progress: Callable[[int], None],
    ) -> None:
        self._depth = depth
        self._application = application
        self._on_part = on_part
        self._on_progress = on_progress
        self._said: Said = queue.Queue()
        self._left: deque[Order] = deque()
        self._failure = ""
        self._stopping = False
        self.learned: list[TraceReader] = []

    def learn(self, orders: Sequence[Order], jobs: int, stop: Stop) -> None:
        """Learn traces, as many at a time as there are jobs.

        Raises
        ------
        ImsafeError
            One cannot be learned, or a helper was ended.
        """
        # The longest first, so that nobody waits for one at the end.
        self._left.extend(sorted(orders, key=lambda order: -order.trace.size))
        helpers = [_Helper(self._depth, self._said) for _ in range(jobs)]
        running = len(helpers)
        try:
            while running:
                if stop or self._failure:
                    self._stop(helpers)
                try:
                    helper, fields, octets = self._said.get(timeout=_WAIT_S)
                except queue.Empty:
                    continue
                running -= fields["type"] == "gone"
                self._take(helper, fields, octets)
                read = sum(trace.size for trace in self.learned)
                self._on_progress(read + sum(helper.position for helper in helpers))
        except BaseException:
            for helper in helpers:
                helper.kill()
            raise
        finally:
            for helper in helpers:
                helper.reap()
        if self._failure:
            raise ImsafeError(self._failure)

    def _stop(self, helpers: list[_Helper]) -> None:
        if not self._stopping:
            self._stopping = True
            for helper in helpers:
                helper.stop()

    def _take(self, helper: _Helper, fields: dict[str, Any], octets: bytes) -> None:
        from imsafe.profile.part import Part  # noqa: PLC0415

        match fields["type"]:
            case "ready" if not self._stopping:
                more = self._left.popleft() if self._left else None
                helper.give(more, self._application)
            case "progress":
                helper.position = fields["position"]
            case "done":
                assert helper.order is not None
                trace, helper.position = helper.order.trace, 0
                trace.warnings[:] = fields["warnings"]
                trace.cut_short = fields["cut_short"]
                self.learned.append(trace)
            case "part":
                self._on_part(Part.from_bytes(octets))
            case "failed":
                helper.has_ended = True
                self._failure = self._failure or fields["text"]
            case "end":
                helper.has_ended = True
            case "gone" if not helper.has_ended:
                status = helper.reap()
                why = f"signal {-status}" if status < 0 else f"status {status}"
                what = f" while it learned {helper.order.trace.name}" if helper.order else ""
                self._failure = self._failure or (
                    f"A helper process was ended ({why}){what}; was there too little memory?"
                    " Fewer at a time (--jobs) need less."
                )
