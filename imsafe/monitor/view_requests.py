# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what a window asks for: only known requests, with exactly the keys they have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from imsafe.errors import ImsafeError, SourceError
from imsafe.sources.kernel_request import KernelRequest

LONGEST_REQUEST = 64 << 10
"""Bytes; a longer request is not read."""

MOST_ALERTS = 4096
"""That one request may name."""


class RequestError(ImsafeError):
    """A request that is not one of those in `REQUESTS`, or whose keys are wrong.

    Attributes
    ----------
    id
        The request's own, 0 where it could not be read.
    """

    id: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose form has been checked.

    Attributes
    ----------
    id
        What the reply has to bear.
    keys
        The request's own keys; optional ones that were absent have their default.
    """

    id: int
    name: str
    keys: dict[str, Any]


def threshold(value: object) -> float:
    """A threshold from 0 to 1; RequestError when it is anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError("A threshold is a number from 0 to 1.")
    if not 0 <= value <= 1:  # no NaN is
        raise RequestError(f"A threshold is a number from 0 to 1, which {value!r:.40} is not.")
    return float(value)


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise RequestError("A time in the request is no number of seconds.")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value or len(value) > 4096:
        raise RequestError("A name or path in the request is empty, too long or not a text.")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise RequestError("A name or path in the request is no text.") from None
    return value


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise RequestError("A number in the request is none.")
    return value


def _alerts(value: object) -> list[int]:
    """One alert or several, none twice."""
    numbers = value if isinstance(value, list) else [value]
    if not 0 < len(numbers) <= MOST_ALERTS:
        raise RequestError("The list of alerts in the request is empty or too long.")
    return sorted({_number(number) for number in numbers})


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestError("A flag in the request is neither true nor false.")
    return value


_FASTEST = 1e9
"""What replays a century within a few seconds."""


def _speed(value: object) -> str | float:
    if value in ("full", "recorded"):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _FASTEST:
        raise RequestError("A speed is full, recorded, or a factor above 0.")
    return float(value)


def _pids(value: object) -> list[int]:
    if not isinstance(value, list) or not 0 < len(value) <= 4096:
        raise RequestError("The list of pids in the request is empty, too long or no list.")
    return [_number(pid) for pid in value]


def _kernel_request(value: object) -> KernelRequest:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise RequestError("The words for the kernel tracer are not a list of texts.")
    try:
        return KernelRequest.from_words(value)
    except SourceError as error:
        raise RequestError(str(error)) from None


def _device(value: object) -> str:
    device = _text(value)
    if device != "auto" and not device.startswith("/"):
        raise RequestError("The device of the kernel tracer is auto or the full path of a socket.")
    return device


_SOURCES: dict[str, dict[str, Any]] = {
    "sensor": {"socket": (_text,)},
    "replay": {"trace": (_text,), "speed": (_speed, "full")},
    "pid": {"pids": (_pids,), "full": (_flag, False)},
    "driver": {"words": (_kernel_request,), "device": (_device, "auto")},
}


def _source(value: object) -> dict[str, Any]:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or kind not in _SOURCES:
        raise RequestError(f"The kind of a source is one of {', '.join(_SOURCES)}.")
    rest = {key: item for key, item in value.items() if key != "kind"}
    return {"kind": kind, **_keys(f"source of kind {kind}", _SOURCES[kind], rest)}


# For each request its keys: how to check the value and, where it may be absent, the default.
_FORMS: dict[str, dict[str, Any]] = {
    "set-threshold": {"application": (_text,), "threshold": (threshold, None)},
    "add-source": {"source": (_source,)},
    "close-source": {"source": (_number, None)},
    "reload-profile": {"application": (_text,), "profile": (_text, None)},
    "mark-normal": {"alert": (_alerts,)},
    "acknowledge": {"alert": (_alerts,), "value": (_flag, True)},
    "undo-normal": {"mark": (_number,), "application": (_text, None)},
    "record-start": {"path": (_text,), "append": (_flag, False), "replace": (_flag, False)},
    "record-stop": {},
    "explain": {"alert": (_number,)},
    "calls": {
        "application": (_text,),
        "pid": (_number,),
        "tid": (_number,),
        "time": (_time,),
        "symbol": (_number, None),
    },
    "stop": {},
}


def _keys(what: str, form: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if unknown := given.keys() - form.keys():
        raise RequestError(f"A {what} has no key {min(unknown)!r:.60}.")
    result = {}
    for key, (check, *default) in form.items():
        if given.get(key) is not None:
            result[key] = check(given[key])
        elif default:
            result[key] = default[0]
        else:
            raise RequestError(f"A {what} needs the key {key!r}.")
    return result


def parse_request(payload: bytes) -> Request:
    """Parse and check a request.

    Raises
    ------
    RequestError
        With the reason in words.
    """
    number = 0
    try:
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            raise RequestError("The request is not JSON.") from None
        if not isinstance(value, dict):
            raise RequestError("The request is not a JSON object.")
        number = _number(value.pop("id", 0))
        name = value.pop("request", None)
        if not isinstance(name, str) or name not in _FORMS:
            raise RequestError(f"There is no request {name!r:.60}.")
        return Request(number, name, _keys(f"request {name}", _FORMS[name], value))
    except RequestError as error:
        error.id = number
        raise
