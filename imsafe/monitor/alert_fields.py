# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert as a sentence and as named fields: what journald, syslog and JSON lines are given."""

from __future__ import annotations

import json
import shlex

from imsafe.monitor.view_protocol import Alert
from imsafe.words import number_of, printable


def sentence(alert: Alert) -> str:
    """One line for a person: what opened or closed, where, how high."""
    who = f"{printable(alert['application'])}, pid {alert['pid']}, thread {alert['tid']}"
    if alert["state"] == "closed":
        return (
            f"Alert {alert['id']} closed: {who}; highest score {alert['peak']:.3f},"
            f" {number_of(alert['calls_above'], 'call')} above the threshold"
            f" {alert['threshold']:.3f}."
        )
    return (
        f"Alert {alert['id']}: {who}; score {alert['score']:.3f} (threshold"
        f" {alert['threshold']:.3f}, {alert['reading']}). {printable(alert['reason'], 2000)}"
    )


def fields(alert: Alert) -> dict[str, str]:
    """The alert's values by name, in lower case with underscores; texts are printable."""
    return {
        "alert_id": str(alert["id"]),
        "alert_state": alert["state"],
        "application": printable(alert["application"]),
        "pid": str(alert["pid"]),
        "tid": str(alert["tid"]),
        "comm": printable(alert["comm"]),
        "exe": printable(alert["exe"], 4096),
        "argv": printable(shlex.join(alert["argv"]), 4096),
        "user": printable(alert["user"]),
        "incident": str(alert["incident"]),
        "score": f"{alert['score']:.6f}",
        "peak": f"{alert['peak']:.6f}",
        "threshold": f"{alert['threshold']:.6f}",
        "reading": alert["reading"],
        "call": printable(alert["call"]),
        "probability": f"{alert['probability']:.3e}",
        "calls_above": str(alert["calls_above"]),
        "lost": str(alert["lost"]),
        "box": printable(alert["box"] or "", 4096),
    }


def document(alert: Alert) -> str:
    """The whole alert, its explained calls too, as one line of JSON."""
    return json.dumps(alert)
