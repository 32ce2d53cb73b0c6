# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of a profile as an allow-list for a seccomp or systemd filter."""

from __future__ import annotations

import json
from collections.abc import Iterable

from imsafe import syscalls
from imsafe.events import OUT_OF_RANGE, Abi

_SECCOMP = {
    Abi.X86_64: "SCMP_ARCH_X86_64",
    Abi.I386: "SCMP_ARCH_X86",
    Abi.X32: "SCMP_ARCH_X32",
    Abi.AARCH64: "SCMP_ARCH_AARCH64",
    Abi.ARM: "SCMP_ARCH_ARM",
}
_SYSTEMD = {
    Abi.X86_64: "x86-64",
    Abi.I386: "x86",
    Abi.X32: "x32",
    Abi.AARCH64: "arm64",
    Abi.ARM: "arm",
}


class AllowList:
    """Calls by ABI.

    Attributes
    ----------
    abis
        Those that were used.
    names
        Of the calls, in alphabetical order.
    unnamed
        Calls that no filter can name: unknown numbers, unknown ABIs.
    """

    def __init__(self, symbols: Iterable[int]) -> None:
        self.abis: list[Abi] = []
        self.unnamed: list[str] = []
        names = set()
        for symbol in sorted(symbols):
            abi, number = Abi(symbol >> 16), symbol & 0xFFFF
            name = syscalls.name(symbol)
            if abi not in _SECCOMP or number == OUT_OF_RANGE or name.startswith("syscall_"):
                self.unnamed.append(name)
                continue
            if abi not in self.abis:
                self.abis.append(abi)
            names.add(name.partition("@")[0])
        self.names = sorted(names)

    def seccomp(self) -> str:
        """A seccomp profile as container runtimes read it (OCI, Docker, Podman)."""
        return json.dumps(
            {
                "defaultAction": "SCMP_ACT_ERRNO",
                "architectures": [_SECCOMP[abi] for abi in self.abis],
                "syscalls": [{"names": self.names, "action": "SCMP_ACT_ALLOW"}],
            },
            indent=2,
        )

    def systemd(self) -> str:
        """A drop-in for a systemd service."""
        architectures = " ".join(_SYSTEMD[abi] for abi in self.abis)
        return "\n".join(
            [
                "[Service]",
                f"SystemCallArchitectures={architectures}",
                f"SystemCallFilter={' '.join(self.names)}",
                "SystemCallErrorNumber=EPERM",
            ]
        )
