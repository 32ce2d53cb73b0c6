# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of a profile as an allow-list for a seccomp or systemd filter."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from imsafe import syscalls
from imsafe.events import OUT_OF_RANGE, Abi
from imsafe.words import number_of

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

    Parameters
    ----------
    uses
        Of each symbol, how often it was called and in how many processes.

    Attributes
    ----------
    abis
        Those that were used.
    names
        Of the calls, in alphabetical order.
    unnamed
        Calls that no filter can name: unknown numbers, unknown ABIs.
    """

    def __init__(self, uses: Mapping[int, tuple[int, int]]) -> None:
        self.abis: list[Abi] = []
        self.unnamed: list[str] = []
        self._calls: Counter[str] = Counter()
        self._processes: dict[str, int] = {}
        for symbol in sorted(uses):
            abi, number = Abi(symbol >> 16), symbol & 0xFFFF
            name = syscalls.name(symbol)
            if abi not in _SECCOMP or number == OUT_OF_RANGE or name.startswith("syscall_"):
                self.unnamed.append(name)
                continue
            if abi not in self.abis:
                self.abis.append(abi)
            name = name.partition("@")[0]
            calls, processes = uses[symbol]
            self._calls[name] += calls
            # One process may use it by two ABIs: at least so many are sure.
            self._processes[name] = max(processes, self._processes.get(name, 0))
        self.names = sorted(self._calls)

    def _seldom_last(self) -> list[tuple[str, str]]:
        """Each call with what stands behind it, the most used first: the last ones are to judge."""
        found = []
        for name, calls in sorted(self._calls.items(), key=lambda item: (-item[1], item[0])):
            processes = number_of(self._processes[name], "process", "processes")
            found.append((name, f"{number_of(calls, 'call')} in {processes}"))
        return found

    def seccomp(self) -> str:
        """A seccomp profile as container runtimes read it (OCI, Docker, Podman).

        The comments are Docker's; other runtimes pass over what they do not know.
        """
        return json.dumps(
            {
                "defaultAction": "SCMP_ACT_ERRNO",
                "architectures": [_SECCOMP[abi] for abi in self.abis],
                "syscalls": [
                    {"names": [name], "action": "SCMP_ACT_ALLOW", "comment": behind}
                    for name, behind in self._seldom_last()
                ],
            },
            indent=2,
        )

    def systemd(self) -> str:
        """A drop-in for a systemd service."""
        architectures = " ".join(_SYSTEMD[abi] for abi in self.abis)
        return "\n".join(
            [
                *(f"# {name}: {behind}" for name, behind in self._seldom_last()),
                "[Service]",
                f"SystemCallArchitectures={architectures}",
                f"SystemCallFilter={' '.join(self.names)}",
                "SystemCallErrorNumber=EPERM",
            ]
        )
