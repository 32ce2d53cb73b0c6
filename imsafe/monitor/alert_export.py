# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts for other eyes: as text for a mail, as CSV for a table, as JSON for a program."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from imsafe.errors import ImsafeError
from imsafe.files import saved_whole
from imsafe.monitor.view_protocol import Alert
from imsafe.words import number_of, printable, translate

_LONGEST = 4096

_COLUMNS = (
    "id", "incident", "time", "closed", "application", "pid", "tid", "comm", "exe", "argv", "user",
    "started", "parents", "score", "peak", "threshold", "reading", "call", "probability",
    "calls_above", "lost", "state", "acknowledged", "normal", "box", "reason",
)  # fmt: skip

_TIMES = frozenset(("time", "closed", "started", "acknowledged"))


def moment(seconds: float | None) -> str:
    """A wall-clock time as ISO 8601 with the machine's offset; empty for None."""
    if seconds is None:
        return ""
    tenths = round(seconds * 1000)
    zone = time.strftime("%z", time.localtime(tenths // 1000))
    day = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(tenths // 1000))
    return f"{day}.{tenths % 1000:03d}{zone[:3]}:{zone[3:]}"


def as_json(alerts: Iterable[Alert]) -> str:
    """A list of objects, as `imsafe.monitor.view_protocol.Alert` has them."""
    return json.dumps(list(alerts), indent=1) + "\n"


def as_csv(alerts: Iterable[Alert]) -> str:
    """A table with a header; the sequences of calls are left out.

    Names come from foreign processes: what a spreadsheet would take for a
    formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for alert in alerts:
        writer.writerow([_cell(column, alert) for column in _COLUMNS])
    return out.getvalue()


def _cell(column: str, alert: Alert) -> object:
    value = alert[column]  # type: ignore[literal-required]
    if column in _TIMES:
        return moment(value)
    if column == "argv":
        value = shlex.join(value)
    elif column == "parents":
        value = _line_of(alert)
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = printable(value, _LONGEST)
    return "'" + text if text[:1] in tuple("=+-@") else text


def _line_of(alert: Alert) -> str:
    return " < ".join(f"{comm or '?'} ({pid})" for pid, comm in alert["parents"])


def as_text(alerts: Iterable[Alert]) -> str:
    """A few lines an alert, with its calls."""
    return "\n".join("\n".join(_paragraph(alert)) + "\n" for alert in alerts)


def _paragraph(alert: Alert) -> Sequence[str]:
    def plain(text: str) -> str:
        return printable(text, _LONGEST)

    lines = [
        f"Alert {alert['id']} of {plain(alert['application'])}, {moment(alert['time'])}",
        f"  {plain(alert['reason'])}",
        f"  process   {plain(alert['comm'])}, pid {alert['pid']}, thread {alert['tid']},"
        f" {plain(alert['exe']) or 'executable unknown'}",
        f"  command   {plain(shlex.join(alert['argv'])) or 'unknown'}",
        f"  parents   {plain(_line_of(alert)) or 'unknown'}",
        f"  user      {plain(alert['user']) or 'unknown'}",
        f"  started   {moment(alert['started']) or 'unknown'}",
        f"  score     {alert['peak']:.3f} at its peak, threshold {alert['threshold']:.3f},"
        f" reading {plain(alert['reading'])},"
        f" {number_of(alert['calls_above'], 'call')} above the threshold",
    ]
    if alert["lost"]:
        lines.append(f"  lost      {number_of(alert['lost'], 'call')} before it")
    if alert["acknowledged"] is not None:
        lines.append(f"  seen to   {moment(alert['acknowledged'])}")
    if alert["normal"] is not None:
        lines.append(f"  normal    mark {alert['normal']} in the profile")
    if alert["box"]:
        lines.append(f"  black box {plain(alert['box'])}")
    for call in alert["calls"]:
        expected = ", ".join(f"{plain(name)} {chance:.1%}" for name, chance in call["expected"])
        lines.append(
            f"  {call['surprise']:7.1f} bits  {plain(call['call']):<20} expected: {expected}"
        )
    return lines


_FORMS = {".json": as_json, ".csv": as_csv, ".txt": as_text}


def save_alerts(path: str | os.PathLike[str], alerts: Iterable[Alert]) -> None:
    """Write alerts in the form that the file's ending says: .json, .csv or .txt.

    Raises
    ------
    ImsafeError
        Another ending, or the file cannot be written.
    """
    form = _FORMS.get(Path(path).suffix.lower())
    if form is None:
        words = translate("alert_export", "{0} has to end in .json, .csv or .txt.")
        raise ImsafeError(words.format(path))
    text = form(alerts)
    with saved_whole(path, replace=True) as beside:
        beside.write_text(text, "utf-8", "replace")
