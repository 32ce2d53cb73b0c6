# SPDX-License-Identifier: GPL-3.0-or-later
"""A helper of `ims-learn`: learns the traces it is told to, and hands over what they gave.

Its standard input has one JSON object a line, each a trace, or that there are no
more; when it closes, the trace at hand is forgotten.  Its standard output has JSON
lines too, and behind a line that says so a `Part`: numbers and JSON, no pickle.
"""

from __future__ import annotations

import json
import queue
import signal
import sys
import threading
import time
from typing import Any, BinaryIO

from imsafe.cli.learning import learn_trace
from imsafe.errors import ImsafeError
from imsafe.profile.learner import Learner
from imsafe.stream.traces import open_trace

HAND_OVER_S = 5.0
"""What was learned is handed over so often, at the end of a trace."""

_SHOW_S = 0.2


class _Orders:
    """Lines of standard input, read by a thread of their own so that its end is noticed."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.over = False
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def _read(self) -> None:
        for line in self._pipe:
            self._lines.put(json.loads(line))
        self.over = True
        self._lines.put(None)

    def next(self) -> dict[str, Any] | None:
        """The next trace; None when there is none, or whoever asked has gone."""
        order = self._lines.get()
        return None if order is None or self.over or "path" not in order else order


class Helper:
    """Learns by order.

    Parameters
    ----------
    depth
        Of the profile.
    """

    def __init__(self, depth: int, orders: BinaryIO, answers: BinaryIO) -> None:
        self._learner = Learner(depth)
        self._orders = _Orders(orders)
        self._answers = answers
        self._handed_over = self._shown = time.monotonic()
        self._has_more = False

    def run(self) -> None:
        """Until there are no more orders."""
        self._say({"type": "ready"})
        while (order := self._orders.next()) is not None:
            try:
                is_whole = self._learn(order)
            except ImsafeError as error:
                self._say({"type": "failed", "text": str(error)})
                return
            if not is_whole:
                break
            self._has_more = True
            if time.monotonic() - self._handed_over > HAND_OVER_S:
                self._hand_over()
            self._say({"type": "ready"})
        self._hand_over()
        self._say({"type": "end"})

    def _learn(self, order: dict[str, Any]) -> bool:
        trace = open_trace(order["path"], order["format"])
        self._learner.begin_trace(order["identity"], trace.name, earlier=order["earlier"])

        def go_on() -> bool:
            now = time.monotonic()
            if now - self._shown > _SHOW_S:
                self._shown = now
                self._say({"type": "progress", "position": trace.position})
            return not self._orders.over

        is_whole = learn_trace(self._learner, trace, order["app"], go_on)
        if is_whole:
            self._say({"type": "done", "warnings": trace.warnings, "cut_short": trace.cut_short})
        return is_whole

    def _hand_over(self) -> None:
        if self._has_more:
            part = self._learner.take_part().to_bytes()
            self._say({"type": "part", "bytes": len(part)})
            self._answers.write(part)
            self._answers.flush()
            self._has_more = False
        self._handed_over = time.monotonic()

    def _say(self, fields: dict[str, Any]) -> None:
        self._answers.write(json.dumps(fields).encode() + b"\n")
        self._answers.flush()


def main() -> None:
    """Run; the argument is the depth."""
    # Ctrl-C at a terminal is for ims-learn, which closes our standard input then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Helper(int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer).run()
    except BrokenPipeError:
        # Whoever asked has gone.  Spare the interpreter a second error at its end.
        sys.stdout = None


if __name__ == "__main__":
    main()
