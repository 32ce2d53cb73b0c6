# SPDX-License-Identifier: GPL-3.0-or-later
"""What a learned trace's metadata says of its recording."""

from __future__ import annotations

from typing import Any, NamedTuple


class Mode(NamedTuple):
    """How traces were recorded."""

    tracer: str
    follow_exec: bool | None


def modes_of(meta: dict[str, Any]) -> list[Mode]:
    """The ways in which the segments of a trace were recorded."""
    listed = meta.get("modes")
    pairs = listed if isinstance(listed, list) else [[meta.get("tracer"), meta.get("follow_exec")]]
    return [
        Mode(str(pair[0] or ""), pair[1] if isinstance(pair[1], bool) else None)
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    ]


def applications_of(meta: dict[str, Any]) -> list[str]:
    """Names of the applications that a trace was recorded from."""
    entries = meta.get("applications")
    return [
        str(entry["name"])
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and "name" in entry
    ]
