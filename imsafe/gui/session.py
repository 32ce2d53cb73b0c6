# SPDX-License-Identifier: GPL-3.0-or-later
"""What was open when the window was closed: its device and the windows beside it.  No Qt here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imsafe.errors import SourceError
from imsafe.gui.device import (
    Device,
    KernelDevice,
    SensorDevice,
    SensorProgram,
    TraceDevice,
    check_sockets,
)
from imsafe.sources.kernel_request import KernelRequest


@dataclass(frozen=True, slots=True)
class Session:
    """What can be opened again.

    Attributes
    ----------
    device
        None: there was none, or it cannot be there any more.
    trees, logs
        Paths of the files that were shown.
    """

    device: Device | None = None
    trees: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The text that the settings keep."""
        return json.dumps({"device": _written(self.device), "trees": self.trees, "logs": self.logs})

    @classmethod
    def from_json(cls, text: str) -> Session:
        """Read back what `to_json` gave, without what is gone; anything else gives nothing."""
        try:
            raw: Any = json.loads(text)
            trees, logs = (
                tuple(path for path in map(str, raw[key]) if Path(path).is_file())
                for key in ("trees", "logs")
            )
            return cls(_read(raw["device"]), trees, logs)
        except (ValueError, KeyError, TypeError, OSError, SourceError):
            return cls()


def _written(device: Device | None) -> dict[str, Any] | None:
    if isinstance(device, TraceDevice):
        return {"trace": device.trace, "speed": device.speed}
    if isinstance(device, KernelDevice):
        # Process numbers mean other processes the next time.
        if any(target.kind == "pid" for target in device.request.targets):
            return None
        return {"driver": device.request.words(), "name": device.device}
    if isinstance(device, SensorDevice):
        program = device.program
        if program is not None and program.pids:
            return None
        return {
            "sockets": list(device.sockets),
            "argv": list(program.argv) if program is not None else None,
            "full": program.full if program is not None else False,
        }
    return None


def _read(raw: Any) -> Device | None:
    if raw is None:
        return None
    if "trace" in raw:
        trace = str(raw["trace"])
        return TraceDevice(trace, str(raw["speed"])) if Path(trace).is_file() else None
    if "driver" in raw:
        words = [str(word) for word in raw["driver"]]
        return KernelDevice(KernelRequest.from_words(words), str(raw["name"]))
    sockets = tuple(str(socket) for socket in raw["sockets"])
    if check_sockets(list(sockets)):
        return None
    argv = raw["argv"]
    program = None
    if argv is not None:
        program = SensorProgram(argv=tuple(map(str, argv)), full=bool(raw["full"]))
    return SensorDevice(sockets, program)
