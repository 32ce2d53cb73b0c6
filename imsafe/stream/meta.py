# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata of a stream: which keys it has, and the check of what others wrote there."""

from __future__ import annotations

from typing import Any

from imsafe.errors import StreamError

MAX_APPLICATIONS = 0xFFFF
MAX_NAME = 256
"""Longest name of an application, characters."""

_TEXTS = ("host", "kernel", "abi", "tracer", "imsafe")
_FLAGS = ("follow_exec", "timed")
_TIMES = ("wall_ns", "monotonic_ns")


def checked(meta: dict[str, Any]) -> dict[str, Any]:
    """The metadata itself; keys that are not known here may hold anything.

    Raises
    ------
    StreamError
        A known key has a value of the wrong kind.
    """
    for key in _TEXTS:
        if not isinstance(meta.get(key, ""), str):
            raise StreamError(f"the header's {key!r} is not a text")
    for key in _FLAGS:
        if not isinstance(meta.get(key, True), bool):
            raise StreamError(f"the header's {key!r} is neither true nor false")
    for key in _TIMES:
        value = meta.get(key, 0)
        if type(value) is not int or not 0 <= value < 1 << 64:
            raise StreamError(f"the header's {key!r} is not a time in nanoseconds")
    applications = meta.get("applications", [])
    if not isinstance(applications, list) or len(applications) > MAX_APPLICATIONS:
        raise StreamError("the header's 'applications' is not a list")
    for entry in applications:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            raise StreamError(f"an application has no name of 1 to {MAX_NAME} characters")
    return meta
