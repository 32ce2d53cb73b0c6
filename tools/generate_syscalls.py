#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write imsafe/_syscall_table.py from the PyPI package `system-calls`, which follows the kernel.

.venv/bin/pip install -e .[generate] && .venv/bin/python tools/generate_syscalls.py
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import system_calls

from imsafe.events import OUT_OF_RANGE, Abi

TARGET = Path(__file__).resolve().parent.parent / "imsafe" / "_syscall_table.py"
ARCHITECTURES = {
    Abi.X86_64: "x86_64",
    Abi.I386: "i386",
    Abi.X32: "x32",
    Abi.AARCH64: "arm64",
    Abi.ARM: "arm",
}
X32_BIT = 0x40000000


def main() -> None:
    """Write the table."""
    source = system_calls.syscalls()
    lines = [
        "# SPDX-License-Identifier: GPL-3.0-or-later",
        '"""System-call names by ABI; made by tools/generate_syscalls.py, do not edit."""',
        "",
        f"# From system-calls {version('system-calls')}, Linux {source.linux_version}.",
        "NAMES: dict[int, dict[int, str]] = {",
    ]
    for abi, architecture in ARCHITECTURES.items():
        lines.append(f"    {abi.value}: {{  # {abi.name.lower()}")
        by_number: dict[int, str] = {}
        for name, number in source.load_arch_table(architecture).items():
            plain = number & ~X32_BIT if abi is Abi.X32 else number
            # Private calls of arm (0xf0000 and up) do not fit in a record.
            if plain < OUT_OF_RANGE:
                by_number.setdefault(plain, name)
        lines += [f'        {number}: "{by_number[number]}",' for number in sorted(by_number)]
        lines.append("    },")
    lines.append("}")
    TARGET.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
