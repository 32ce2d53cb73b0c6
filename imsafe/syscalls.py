# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of system calls: what a symbol (ABI and number) is called, and the way back.

Every symbol has a name of its own.  Calls of x86_64, the common case, have
their plain names; those of other ABIs say which (``open@i386``), because
the same name there is another call of another program's habit.  A number that
no table knows is ``syscall_N``.
"""

from __future__ import annotations

import re
from functools import cache

from imsafe._syscall_table import NAMES
from imsafe.errors import ImsafeError
from imsafe.events import OUT_OF_RANGE, Abi

_FOREIGN_ALPHABET = 512
"""Assumed number of calls where the ABI, and so its table, is not known."""

_SUFFIX = {abi.value: "" if abi is Abi.X86_64 else f"@{abi.name.lower()}" for abi in Abi}
_ABI_OF_SUFFIX = {suffix: value for value, suffix in _SUFFIX.items()} | {
    "@x86_64": Abi.X86_64.value
}
_NUMBERED = re.compile(r"syscall_(\d{1,5})")
_OUT_OF_RANGE_NAME = "syscall_out_of_range"


@cache
def name(symbol: int) -> str:
    """What a symbol is called, such as ``openat``, ``open@i386`` or ``syscall_999``."""
    abi, number = symbol >> 16, symbol & 0xFFFF
    suffix = _SUFFIX.get(abi)
    if suffix is None:
        raise ValueError(f"there is no ABI {abi}")
    if number == OUT_OF_RANGE:
        return _OUT_OF_RANGE_NAME + suffix
    return NAMES.get(abi, {}).get(number, f"syscall_{number}") + suffix


@cache
def _numbers(abi: int) -> dict[str, int]:
    return {call: number for number, call in NAMES.get(abi, {}).items()}


def number(abi: Abi | int, call: str) -> int | None:
    """The number of a call in an ABI; None when it has no such call."""
    known = _numbers(int(abi)).get(call)
    if known is not None:
        return known
    if call == _OUT_OF_RANGE_NAME:
        return OUT_OF_RANGE
    match = _NUMBERED.fullmatch(call)
    if match is None or int(match[1]) >= OUT_OF_RANGE:
        return None
    return int(match[1])


def symbol_of(text: str) -> int:
    """The symbol with this name: the inverse of `name`.

    Raises
    ------
    ImsafeError
        No call is called that.
    """
    call, at, rest = text.partition("@")
    abi = _ABI_OF_SUFFIX.get(at + rest.lower())
    found = None if abi is None else number(abi, call)
    if abi is None or found is None:
        raise ImsafeError(
            f"No system call is called {text!r}; write openat, open@i386 or syscall_999."
        )
    return abi << 16 | found


def alphabet(abi: Abi | int) -> int:
    """How many calls an ABI has: 1/N is the chance of a call when nothing is known."""
    return len(NAMES.get(int(abi), ())) or _FOREIGN_ALPHABET
