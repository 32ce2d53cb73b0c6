# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of strace's output: who, when, and what the rest of the line says."""

from __future__ import annotations

import re
from zlib import crc32

from imsafe import syscalls
from imsafe.errors import ImsafeError
from imsafe.events import OUT_OF_RANGE, Abi

# [pid 12] or 12 (with -Y followed by <name>), then -t, -tt, -ttt, -r or -t with -r, then
# the number of the call (-n) and the instruction pointer (-i).  The names that -Y writes are
# short, and white space is never given back: no line, however long and strange, takes longer to
# match than to read.
LINE = re.compile(
    rb"(?:\[pid +(?P<bracketed>\d{1,10})(?:<.{0,80}?>)?\] ++"
    rb"|(?P<plain>\d{1,10})(?:<.{0,80}?>)? ++)?"
    rb" *+(?:(?P<clock>\d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{1,10}\.\d{1,9}|\d{9,10}(?= )) ++)?"
    rb"(?:\(\+ +[\d.]+\) +)?(?:\[[ \d]+\] +)?(?:\[[0-9a-f?]{8,16}\] +)?"
    rb"(?:"
    rb"<\.\.\. (?P<resumed>\w+(?:#64)?|\?+) resumed>"
    rb"|(?P<call>[A-Za-z_]\w*(?:#64)?|\?+)\("
    rb"|\+\+\+ (?P<end>.*) \+\+\+$"
    rb"|(?P<signal>--- )"
    rb"|\[ Process PID=\d+ runs in (?P<mode>64 bit|32 bit|x32) mode\. \]"
    rb")"
)

IGNORED = re.compile(rb"\s*$| > |(?:/\S*)?strace: ")
"""Empty lines, stack traces (-k), and what strace says about itself."""

SUMMARY = b"% time"
"""Begins the table of counts (-C) after the last call."""

_ATTACHED = re.compile(rb"strace: Process (\d{1,10}) attached$")

EXITED = re.compile(rb"exited with (\d{1,3})$")
KILLED = re.compile(rb"killed by (SIG\w+)( \(core dumped\))?$")
CUT = re.compile(rb"<(?:unfinished|detached|pid changed to \d{1,10}) \.\.\.>$")
"""How a call ends whose result comes later, if at all."""
SUPERSEDED = re.compile(rb"superseded by execve in pid (\d{1,10})$")

ABI_OF_MODE = {b"64 bit": Abi.X86_64, b"32 bit": Abi.I386, b"x32": Abi.X32}

_SIGNALS = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP"
    " TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_NUMBER_OF_SIGNAL = {f"SIG{name}": n for n, name in enumerate(_SIGNALS.split(), 1)}
_X32_BIT = 0x4000_0000

_UNNAMED = re.compile(rb"syscall_0x([0-9a-fA-F]{1,16})")
_CREATED = re.compile(rb" = (\d{1,10})(?: /\* (\d{1,10}) in strace's PID NS \*/)?[^=]*$")
_SUCCEEDED = re.compile(rb" = 0(?: <[\d.]+>)?\s*$")
_ATTACHED_LENGTH = len("strace: Process 1234567890 attached")
_FLAGS = re.compile(rb"flags=(0x[0-9a-f]+)")
_PROGRAM = re.compile(
    rb'execve(?:at)?\((?:(?:AT_FDCWD|\d+)(?:<(?P<directory>[^>]*)>)?, )?"(?P<path>(?:[^"\\]|\\.)*)"'
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-f]{2}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_CLONE_THREAD = 0x10000


def number_of(call: bytes, abi: Abi) -> tuple[Abi, int]:
    """The ABI and number of the call that strace calls so, in a thread that runs in `abi`.

    strace writing to a file does not say by default that a thread has changed
    its mode; a name that only another ABI has is then taken as that ABI's.  A
    name newer than every table gets a number made of the name, as
    `Abi.FOREIGN`: two unknown calls stay two, in every trace the same.
    """
    unnamed = _UNNAMED.fullmatch(call)
    if unnamed:
        number = int(unnamed[1], 16)
        if abi is Abi.X32 and number & _X32_BIT:
            number &= ~_X32_BIT
        return abi, min(number, OUT_OF_RANGE)
    if call.startswith(b"?"):
        return abi, OUT_OF_RANGE
    text = call.decode("ascii")
    if text.endswith("#64"):
        # x32 has a call of its own there; this one has x86_64's number, made in x32's mode.
        found = syscalls.number(Abi.X86_64, text[:-3])
        if found is not None:
            return Abi.X32, found
    for tried in (abi, Abi.X86_64, Abi.I386, Abi.X32, Abi.AARCH64, Abi.ARM):
        found = syscalls.number(tried, text)
        if found is not None:
            return tried, found
    return Abi.FOREIGN, crc32(call) % OUT_OF_RANGE


def attached(line: bytes) -> tuple[int, int] | None:
    """Where strace, writing to a terminal, breaks into a line with the thread it has attached.

    Returns
    -------
    tuple of int and int, or None
        Where its words (with its own path) begin, and the thread.
    """
    last = max(0, len(line) - _ATTACHED_LENGTH)
    match = _ATTACHED.search(line, last)
    if match is None:
        return None
    begin = match.start()
    word = max(line.rfind(space, 0, begin) for space in (b" ", b"\t")) + 1
    path = line.find(b"/", word, begin)
    return (begin if path < 0 else path), int(match[1])


def child_of(line: bytes) -> int | None:
    """The tid that a fork, vfork, clone or clone3 gave back."""
    match = _CREATED.search(line)
    return int(match[2] or match[1]) or None if match else None


def makes_thread(line: bytes) -> bool:
    """Whether a clone creates a thread, not a process."""
    if b"CLONE_THREAD" in line:
        return True
    raw = _FLAGS.search(line)
    return raw is not None and bool(int(raw[1], 16) & _CLONE_THREAD)


def succeeded(line: bytes) -> bool:
    """Whether a call gave back 0."""
    return _SUCCEEDED.search(line) is not None


def program_of(line: bytes) -> str:
    """The path that an execve or execveat was given; empty when it cannot be read.

    Parameters
    ----------
    line
        From the call's name on.
    """
    match = _PROGRAM.match(line)
    if match is None:
        return ""
    path = match["path"] or match["directory"] or b""
    return _ESCAPE.sub(_unescaped, path).decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if escape[:1] in b"01234567":
        return bytes([int(escape, 8) & 0xFF])
    if escape[:1] == b"x" and len(escape) == 3:
        return bytes([int(escape[1:], 16)])
    return _ESCAPED.get(escape, escape)


def status_of(end: bytes) -> int | None:
    """The wait status in the last line of a thread; None when it is no end."""
    exited = EXITED.match(end)
    if exited:
        return (int(exited[1]) & 0xFF) << 8
    killed = KILLED.match(end)
    if killed is None:
        return None
    text = killed[1].decode("ascii")
    if text == "SIGRTMIN":
        number = 32
    elif text.startswith("SIGRT_") and text[6:].isdecimal():
        number = 32 + int(text[6:8])
    else:
        number = _NUMBER_OF_SIGNAL.get(text, 0)
    return number | (0x80 if killed[2] else 0)


class Clock:
    """Nanoseconds of the time stamps in one trace.

    ``-ttt`` gives the time since 1970, ``-t`` and ``-tt`` the time of day,
    ``-r`` the time since the line before; without any of them a call takes a
    made-up millisecond.
    """

    _DAY_NS = 86_400 * 10**9

    _LATEST_NS = (1 << 63) - 1

    def __init__(self, first: bytes | None, step_ns: int) -> None:
        self.timed = first is not None
        self.now_ns = 0
        self._step_ns = step_ns
        self._midnight_ns = 0
        # Since 1970 more than 10^8 seconds have passed; between two lines they have not.
        self._of_day = first is not None and b":" in first
        self._relative = first is not None and not self._of_day and _ns(first) < 10**17

    def read(self, stamp: bytes | None) -> int:
        """The time of a line with this stamp, in nanoseconds.

        Raises
        ------
        ImsafeError
            Some lines have a stamp and others have none, or one of another kind.
        """
        if (stamp is not None) != self.timed:
            raise ImsafeError("some lines have a time and others have none")
        if stamp is None:
            self.now_ns += self._step_ns
        elif (b":" in stamp) != self._of_day:
            raise ImsafeError("its time is of another kind than that of the first line")
        elif self._relative:
            self.now_ns += _ns(stamp)
        elif self._of_day:
            hours, minutes, seconds = stamp.split(b":")
            time_ns = (int(hours) * 3600 + int(minutes) * 60) * 10**9 + _ns(seconds)
            if time_ns + self._midnight_ns < self.now_ns - self._DAY_NS // 2:
                self._midnight_ns += self._DAY_NS
            self.now_ns = time_ns + self._midnight_ns
        else:
            self.now_ns = _ns(stamp)
        self.now_ns = min(self.now_ns, self._LATEST_NS)
        return self.now_ns


def _ns(seconds: bytes) -> int:
    whole, _, part = seconds.partition(b".")
    return int(whole) * 10**9 + int(part.ljust(9, b"0") or b"0")
