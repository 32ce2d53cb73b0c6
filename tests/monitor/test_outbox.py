# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a window: a storm of alerts does not keep the status and the scores from it."""

from __future__ import annotations

import numpy as np

from imsafe.monitor.outbox import ALERTS_IN_A_ROW, Outbox, json_frame
from imsafe.monitor.view_protocol import BUCKET, PROCESS, ViewKind
from imsafe.stream.frames import frame


def test_status_and_scores_get_their_share_among_alerts():
    outbox = Outbox(b"hello", np.empty(0, BUCKET), [])
    for number in range(100):
        outbox.alert({"id": number})
    outbox.latest(ViewKind.STATUS, {"calls": 1})
    buckets = np.zeros(3, BUCKET)
    outbox.buckets(buckets)
    sent = list(iter(outbox.next_frame, None))
    alerts = [json_frame(ViewKind.ALERT, {"id": number}) for number in range(100)]
    first, rest = alerts[:ALERTS_IN_A_ROW], alerts[ALERTS_IN_A_ROW:]
    status = json_frame(ViewKind.STATUS, {"calls": 1})
    scores = frame(ViewKind.BUCKETS, buckets.tobytes())
    assert sent == [b"hello", *first, status, scores, *rest]

    # Alerts that come without end: the next status waits for so many of them at most.
    for number in range(100):
        outbox.alert({"id": number})
    outbox.latest(ViewKind.STATUS, {"calls": 2})
    status = json_frame(ViewKind.STATUS, {"calls": 2})
    following = [outbox.next_frame() for _ in range(ALERTS_IN_A_ROW + 1)]
    assert status in following


def test_a_peak_that_waits_is_not_forgotten():
    def rows(*found):
        made = np.zeros(len(found), PROCESS)
        for row, (pid, highest) in zip(made, found, strict=True):
            row["pid"], row["highest"] = pid, highest
        return made

    outbox = Outbox(b"hello", np.empty(0, BUCKET), [])
    outbox.next_frame()
    outbox.latest(ViewKind.PROCESSES, rows((5, 1.0), (6, 0.2), (7, 0.5)))
    outbox.latest(ViewKind.PROCESSES, rows((5, -1.0), (6, 0.3), (8, 0.1)))
    together = rows((5, 1.0), (6, 0.3), (8, 0.1))
    assert outbox.next_frame() == frame(ViewKind.PROCESSES, together.tobytes())
    outbox.latest(ViewKind.PROCESSES, rows((5, -1.0)))
    assert outbox.next_frame() == frame(ViewKind.PROCESSES, rows((5, -1.0)).tobytes())
