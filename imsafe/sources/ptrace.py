# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's ptrace and seccomp interfaces, by ctypes.

Two bindings of the same functions: the frequent ones keep the interpreter's
lock and do not look at errno (a tracer is one thread, and 10 % of its time was
lock handling); the rare ones raise `OSError`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import signal
import struct
from enum import IntEnum, IntFlag

from imsafe.errors import TraceeError
from imsafe.events import OUT_OF_RANGE, Abi


class Request(IntEnum):
    """First argument of ptrace(2), from `linux/ptrace.h`."""

    CONT = 7
    DETACH = 17
    SYSCALL = 24
    GETEVENTMSG = 0x4201
    SEIZE = 0x4206
    INTERRUPT = 0x4207
    LISTEN = 0x4208
    GET_SYSCALL_INFO = 0x420E  # Linux 5.3


class Option(IntFlag):
    """Options of PTRACE_SEIZE."""

    TRACESYSGOOD = 0x01
    TRACEFORK = 0x02
    TRACEVFORK = 0x04
    TRACECLONE = 0x08
    TRACEEXEC = 0x10
    TRACESECCOMP = 0x80
    EXITKILL = 0x100000


class Event(IntEnum):
    """Why a tracee stopped: bits 16 and up of its wait status."""

    FORK = 1
    VFORK = 2
    CLONE = 3
    EXEC = 4
    SECCOMP = 7
    STOP = 128


FOLLOW = Option.TRACEFORK | Option.TRACEVFORK | Option.TRACECLONE | Option.TRACEEXEC

WALL = 0x40000000
"""waitpid option: threads and children that do not signal with SIGCHLD too."""

SECCOMP_STOP = (Event.SECCOMP << 8 | signal.SIGTRAP) << 8 | 0x7F
"""Wait status of a tracee whose seccomp filter returned RET_TRACE."""

SYSCALL_STOP = (signal.SIGTRAP | 0x80) << 8 | 0x7F
"""Wait status of a tracee that enters or leaves a call (with TRACESYSGOOD)."""

GROUP_STOP_SIGNALS = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})

CALL_INFO = struct.Struct("<B3xI16xQ")
"""The beginning of `struct ptrace_syscall_info`: op, architecture, number."""

OP_ENTRY, OP_SECCOMP = 1, 3

_AUDIT_X86_64 = 0xC000003E
_AUDIT_ABI = {
    _AUDIT_X86_64: Abi.X86_64,
    0x40000003: Abi.I386,
    0xC00000B7: Abi.AARCH64,
    0x40000028: Abi.ARM,
}
_AUDIT_NATIVE = {"x86_64": _AUDIT_X86_64, "aarch64": 0xC00000B7, "armv7l": 0x40000028}
_X32_BIT = 0x40000000

NATIVE_ARCH: int = _AUDIT_NATIVE.get(platform.machine(), 0)
"""AUDIT_ARCH of a call in this machine's own convention; 0 on machines not known here."""
NATIVE_ABI: Abi = _AUDIT_ABI.get(NATIVE_ARCH, Abi.FOREIGN)


def classify(arch: int, number: int) -> tuple[Abi, int]:
    """The ABI and the recorded number of a call.

    Parameters
    ----------
    arch
        AUDIT_ARCH of the call, which says by which gate it came: `int 0x80`
        in a 64-bit program is a call of i386.
    number
        As the kernel gives it, 64 bits, sign extended.

    Returns
    -------
    tuple of Abi and int
        The number is `OUT_OF_RANGE` when it does not fit; it is never masked.
    """
    abi = _AUDIT_ABI.get(arch, Abi.FOREIGN)
    if arch == _AUDIT_X86_64 and number & _X32_BIT and number < 1 << 31:
        abi = Abi.X32
        number -= _X32_BIT
    return abi, min(number, OUT_OF_RANGE)


def require_kernel() -> None:
    """Refuse a kernel that cannot tell which call a tracee makes.

    Raises
    ------
    TraceeError
        It is older than Linux 5.3.
    """
    release = platform.release()
    version = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    if version < (5, 3):
        raise TraceeError(
            f"Cannot trace with Linux {release}: PTRACE_GET_SYSCALL_INFO came with Linux 5.3."
        )


_quick = ctypes.PyDLL(None)
_checked = ctypes.CDLL(None, use_errno=True)

request = _quick.ptrace
"""ptrace(2) for the frequent requests: request, tid, `NOTHING`, `NOTHING`; -1 on failure."""
request.restype = ctypes.c_long

wait = _quick.waitpid
"""waitpid(2): pid, reference of a c_int, options; unlike `os.waitpid` it ends when interrupted."""

NOTHING = ctypes.c_void_p(0)

_ptrace = _checked.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _call(what: Request, tid: int, address: int = 0, argument: int = 0) -> None:
    if _ptrace(what, tid, address, argument) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def seize(tid: int, options: Option) -> None:
    """Make the thread `tid` a tracee without stopping it.

    Raises
    ------
    OSError
        It is gone (ESRCH), or may not be traced (EPERM).
    """
    _call(Request.SEIZE, tid, 0, options)


def interrupt(tid: int) -> bool:
    """Ask a running tracee to stop; False when it is gone."""
    return _unless_gone(Request.INTERRUPT, tid)


def resume(how: Request, tid: int, signal_number: int = 0) -> bool:
    """Let a stopped tracee go on (CONT, SYSCALL), wait (LISTEN) or leave (DETACH).

    Returns False when it is gone: SIGKILL ends a tracee in any stop, and its
    exit is then reported by `wait`.
    """
    return _unless_gone(how, tid, signal_number)


def _unless_gone(what: Request, tid: int, argument: int = 0) -> bool:
    try:
        _call(what, tid, 0, argument)
    except ProcessLookupError:
        return False
    return True


_message = ctypes.c_ulong()


def event_message(tid: int) -> int | None:
    """The new thread's tid, or the former tid of one that called exec; None when it is gone."""
    try:
        _call(Request.GETEVENTMSG, tid, 0, ctypes.addressof(_message))
    except ProcessLookupError:
        return None
    return int(_message.value)


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jump_true", ctypes.c_ubyte),
        ("jump_false", ctypes.c_ubyte),
        ("operand", ctypes.c_uint),
    )


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.POINTER(_Instruction)))


_RETURN, _RET_TRACE = 0x06, 0x7FF00000
_code = (_Instruction * 1)(_Instruction(_RETURN, 0, 0, _RET_TRACE))
_filter = _Filter(1, _code)

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2


def stop_at_every_call() -> None:
    """Install, in the calling process, a seccomp filter that stops it once a call.

    The filter says RET_TRACE to everything and passes nothing on in its 16
    bits of data: there is no room in them for the number and the ABI, and a
    program could forge them with a filter of its own.  The tracer asks the
    kernel (PTRACE_GET_SYSCALL_INFO), which costs the same as reading them.

    Raises
    ------
    OSError
        The kernel has no seccomp filters.
    """
    if _checked.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_filter), 0, 0) == 0:
        return
    if ctypes.get_errno() == errno.EACCES:  # not root: only with no_new_privs
        one = ctypes.c_ulong(1)
        if (
            _checked.prctl(_PR_SET_NO_NEW_PRIVS, one, NOTHING, NOTHING, NOTHING) == 0
            and _checked.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_filter), 0, 0) == 0
        ):
            return
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
