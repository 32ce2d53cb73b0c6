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

# Numbers that were given out, whose calls the kernel no longer has (or never had), and which
# will not be given out again.  Old programs and old recordings (ADFA-LD) still make them; the
# headers of the kernel still name them, its tables, from which the package is made, do not.
RETIRED_32: dict[int, str] = {
    86: "uselib",
    127: "create_module",
    130: "get_kernel_syms",
    134: "bdflush",
    137: "afs_syscall",
    149: "_sysctl",
    167: "query_module",
    169: "nfsservctl",
    188: "getpmsg",
    189: "putpmsg",
}
NEVER_THERE_X86_64: dict[int, str] = {
    181: "getpmsg",
    182: "putpmsg",
    183: "afs_syscall",
    184: "tuxcall",
    185: "security",
}
RETIRED: dict[Abi, dict[int, str]] = {
    Abi.X86_64: NEVER_THERE_X86_64
    | {
        134: "uselib",
        156: "_sysctl",
        174: "create_module",
        177: "get_kernel_syms",
        178: "query_module",
        180: "nfsservctl",
        236: "vserver",
    },
    Abi.X32: NEVER_THERE_X86_64,
    Abi.I386: RETIRED_32
    | {
        17: "break",
        31: "stty",
        32: "gtty",
        35: "ftime",
        44: "prof",
        53: "lock",
        56: "mpx",
        58: "ulimit",
        98: "profil",
        112: "idle",
        273: "vserver",
    },
    Abi.ARM: RETIRED_32 | {313: "vserver"},
    Abi.AARCH64: {42: "nfsservctl"},
}


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
        by_number = RETIRED[abi] | by_number
        lines += [f'        {number}: "{by_number[number]}",' for number in sorted(by_number)]
        lines.append("    },")
    lines.append("}")
    TARGET.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
