# SPDX-License-Identifier: GPL-3.0-or-later
"""The few lines of kernel headers that bcc includes in every program.

bcc wants the headers of the running kernel.  A program that reads no kernel
structure needs only the names of the integer types from them, so these stand
in: nothing has to be installed, and nothing has to fit the running kernel.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_TYPES = """\
#pragma once
typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __s8 s8;
typedef __u8 u8;
typedef __s16 s16;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef __u16 __le16;
typedef __u16 __be16;
typedef __u32 __le32;
typedef __u32 __be32;
typedef __u64 __le64;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };
typedef unsigned long size_t;
typedef unsigned long uintptr_t;
typedef long ssize_t;
typedef int pid_t;
typedef unsigned int gfp_t;
#define __bitwise
#define __always_inline inline __attribute__((always_inline))
#ifndef NULL
#define NULL ((void *)0)
#endif
#define __aligned_u64 __u64 __attribute__((aligned(8)))
"""

_REGISTERS = """\
#pragma once
#if defined(__aarch64__)
struct user_pt_regs { __u64 regs[31]; __u64 sp; __u64 pc; __u64 pstate; };
#endif
struct pt_regs {
#if defined(__aarch64__)
    unsigned long regs[31], sp, pc, pstate;
#else
    unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
    unsigned long ip, cs, flags, sp, ss;
#endif
};
"""


def kernel_version(release: str | None = None) -> tuple[int, int, int]:
    """The running kernel's version: 6.1.0-18-amd64 is (6, 1, 0)."""
    numbers = re.findall(r"\d+", platform.release() if release is None else release)
    major, minor, patch = ([int(number) for number in numbers[:3]] + [0, 0, 0])[:3]
    return major, minor, min(patch, 255)


def write(folder: Path) -> None:
    """Write the headers below a folder, for bcc's ``BCC_KERNEL_SOURCE``."""
    major, minor, patch = kernel_version()
    arch = "CONFIG_ARM64" if platform.machine() == "aarch64" else "CONFIG_X86_64"
    code = (major << 16) + (minor << 8) + patch
    files = {
        "linux/kconfig.h": f"#define CONFIG_BPF_SYSCALL 1\n#define CONFIG_64BIT 1\n"
        f"#define {arch} 1\n",
        "linux/types.h": _TYPES,
        "linux/bpf_common.h": "",
        "uapi/linux/bpf.h": "",
        "uapi/linux/if_packet.h": "",
        "uapi/linux/ptrace.h": _REGISTERS,
        "linux/version.h": "#define KERNEL_VERSION(a,b,c) (((a)<<16)+((b)<<8)+(c))\n"
        f"#define LINUX_VERSION_CODE {code}\n",
        "linux/log2.h": "",
        "asm/page.h": f"#define PAGE_SIZE {os.sysconf('SC_PAGESIZE')}\n",
    }
    for name, text in files.items():
        path = folder / "include" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#pragma once\n" + text, encoding="ascii")
