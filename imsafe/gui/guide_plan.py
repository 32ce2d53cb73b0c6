# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide has chosen and made so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imsafe.gui.device import (
    Device,
    SensorDevice,
)

UNSURE_THRESHOLD = 0.7
"""For a profile that suggests none: alerts at what one in 16,000 does."""


@dataclass
class Plan:
    """What has been chosen and made so far.

    Attributes
    ----------
    device
        What is recorded, and watched at the end.
    trace, profile
        The files made.
    result
        What `ims-learn` reported.
    """

    device: Device | None = None
    name: str = ""
    trace: str = ""
    profile: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def is_command(self) -> bool:
        """Whether the program is one that the guide starts."""
        return isinstance(self.device, SensorDevice) and self.device.program is not None

    def trace_options(self) -> list[str]:
        """The source, for `ims-trace`: a command is traced without a socket between."""
        assert self.device is not None
        if isinstance(self.device, SensorDevice) and self.device.program is not None:
            program = self.device.program
            return [*(["--full"] if program.full else []), "--", *program.argv]
        return self.device.source_options()

    def choose_files(self, folder: Path) -> None:
        """Names that no file has."""
        stem = re.sub(r"[^\w.-]", "_", self.name)[:60] or "program"
        number, tried = 1, stem
        while any((folder / f"{tried}{ending}").exists() for ending in (".imt", ".db")):
            number += 1
            tried = f"{stem}-{number}"
        self.trace = str(folder / f"{tried}.imt")
        self.profile = str(folder / f"{tried}.db")
