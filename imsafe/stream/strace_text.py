# SPDX-License-Identifier: GPL-3.0-or-later
"""Importer of strace's text, best recorded with ``strace -f -ttt -e quiet=none -o FILE``.

Everything that tells processes apart is understood: pids, fork and clone
results, exec, exit, ``<unfinished ...>`` and ``resumed``.  A call is counted
once, where it begins.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

import numpy as np

from imsafe.errors import CutShort, ImsafeError, StreamError
from imsafe.events import EVENT, Abi, Kind
from imsafe.stream import strace_line as grammar
from imsafe.stream.items import Closed, End, Item, ProcessInfo, Tagged
from imsafe.stream.untimed import STEP_NS, cut_at, segment
from imsafe.words import number_of

_BATCH = 8192
_LOOK_AHEAD = 20_000
"""How many lines further the parent of a new thread is searched at most."""

_CREATING = frozenset({b"fork", b"vfork", b"clone", b"clone2", b"clone3"})
_LOADING = frozenset({b"execve", b"execveat"})

Record = tuple[int, int, int, int, int, int, int]


@dataclass(slots=True)
class _Thread:
    """What is known of a thread while it lives."""

    pid: int
    abi: Abi
    begun: bytes = b""
    """A fork, clone or exec that has not come back yet: its line from the call on."""
    creating: bool = False
    """Whether that is a fork or clone."""
    child: int = 0
    """The thread that it created, where that was heard of first."""
    former: int = 0
    """Its tid before it took over its leader's, during an exec."""


@dataclass(frozen=True, slots=True)
class _Birth:
    """Who created a thread that has not been heard of yet."""

    parent_tid: int
    parent: _Thread
    is_thread: bool


@dataclass(frozen=True, slots=True)
class _Program:
    """What a process runs."""

    parent: int
    comm: str = ""
    exe: str = ""


def read_strace(pieces: Iterable[bytes], name: str, warnings: list[str]) -> Iterator[Tagged]:
    """The items of a trace that strace wrote.

    Raises
    ------
    StreamError
        A line is not strace's, and says which one.
    CutShort
        After the last item: the last line has no end.
    """
    cut = 0
    lines = _Lines(pieces, name)
    first = lines.first_match()
    clock = grammar.Clock(first["clock"], STEP_NS)
    path = ""
    if first["call"] in _LOADING:
        path = grammar.program_of(first.string[first.start("call") :])
    application = PurePosixPath(path).name or "strace"
    yield 0, segment("strace", application, abi="x86_64", timed=clock.timed)
    reader = _Reader(lines, clock, name)
    for number, line in lines:
        if line.startswith(grammar.SUMMARY):
            break
        try:
            understood = reader.feed(line)
        except ImsafeError as error:
            raise StreamError(f"Line {number:,} of {name} cannot be read: {error}.") from None
        if not understood:
            if lines.is_cut_end():
                cut = len(line)
                break
            shown = line[:40].decode("ascii", "backslashreplace")
            raise StreamError(
                f"Line {number:,} of {name} is not strace's: {shown!r}; record with"
                " strace -f -o FILE, which keeps the program's own output out of it."
            )
        if reader.pending >= _BATCH:
            reader.pack()
        for item in reader.taken():
            yield 0, item
    reader.pack()
    for item in reader.taken():
        yield 0, item
    if reader.unknown:
        calls = ", ".join(sorted(reader.unknown)[:5])
        warnings.append(f"{name} holds calls that this version has no number for: {calls}.")
    if not cut:
        yield 0, End({"calls": reader.calls, "lost": 0})
    yield 0, Closed(complete=not cut)
    if cut:
        raise CutShort(
            f"{name} is cut short: the last {number_of(cut, 'byte was', 'bytes were')} left out;"
            " all before was used."
        )


class _Lines:
    """Lines with their numbers, and a look at those that follow."""

    def __init__(self, pieces: Iterable[bytes], name: str) -> None:
        self._name = name
        self._last_has_end = True
        self._source = self._split(pieces)
        self._ahead: deque[bytes] = deque()
        self._number = 0

    def _split(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for text in cut_at(pieces, b"\n", self._name):
            self._last_has_end = text.endswith(b"\n")
            yield from text.split(b"\n")[: -1 if self._last_has_end else None]

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while True:
            line = self._ahead.popleft() if self._ahead else next(self._source, None)
            if line is None:
                return
            self._number += 1
            yield self._number, line

    def ahead(self, limit: int) -> Iterator[bytes]:
        """The lines that follow, `limit` at most, which stay in their place."""
        yield from islice(self._ahead, limit)
        while len(self._ahead) < limit:
            line = next(self._source, None)
            if line is None:
                return
            self._ahead.append(line)
            yield line

    def is_cut_end(self) -> bool:
        """Whether the line just read is the last one and has no end."""
        return not self._last_has_end and next(self.ahead(1), None) is None

    def first_match(self) -> re.Match[bytes]:
        """The first line that is not one to be ignored.

        Raises
        ------
        StreamError
            It is not strace's, or there is none.
        """
        for line in self.ahead(1000):
            match = grammar.LINE.match(line)
            if match is not None:
                return match
            if not grammar.IGNORED.match(line):
                break
        raise StreamError(f"{self._name} is not a trace that strace wrote.")


class _Reader:
    """Lines in, items out.

    Attributes
    ----------
    calls
        How many calls have begun.
    unknown
        Names of calls that no table has.
    """

    def __init__(self, lines: _Lines, clock: grammar.Clock, name: str) -> None:
        self.calls = 0
        self.unknown: set[str] = set()
        self._lines = lines
        self._clock = clock
        self._records: list[Record] = []
        self._items: list[Item] = []
        self._threads: dict[int, _Thread] = {}
        self._programs: dict[int, _Program] = {}
        self._born: dict[int, _Birth] = {}
        self._numbers: dict[tuple[bytes, Abi], tuple[Abi, int]] = {}
        # With -ff each process has a file of its own, named for its pid.
        suffix = re.search(r"\.(\d{1,7})$", name)
        self._unnamed = int(suffix[1]) if suffix else 1
        self._names_pids = False
        self._attached: set[int] = set()
        self._interrupted: int | None = None

    @property
    def pending(self) -> int:
        """Records that wait to be packed."""
        return len(self._records)

    def pack(self) -> None:
        """Make an item of the records that wait."""
        if self._records:
            self._items.append(np.array(self._records, EVENT))
            self._records = []

    def taken(self) -> list[Item]:
        """The items that are ready, once."""
        items, self._items = self._items, []
        return items

    def feed(self, line: bytes) -> bool:
        """Take a line; False when it is not one of strace's."""
        if self._interrupted is not None:
            tid, self._interrupted = self._interrupted, None
            if grammar.LINE.match(line) is None:  # it goes on in the middle of whatever it was
                again = grammar.attached(line) if line.endswith(b" attached") else None
                if again:
                    self._note_attached(again[1])
                    self._interrupted = tid
                elif not line.startswith(b" <unfinished"):
                    self._returned(tid, self._threads[tid], line, self._clock.now_ns)
                return True
        broken = grammar.attached(line) if line.endswith(b" attached") else None
        if broken:
            line = line[: broken[0]]
            self._note_attached(broken[1])
        match = grammar.LINE.match(line)
        if match is None:
            return grammar.IGNORED.match(line) is not None
        tid = self._tid(match["bracketed"] or match["plain"])
        time_ns = self._clock.read(match["clock"])
        thread = self._threads.get(tid) or self._appeared(tid, time_ns)
        if match["call"] is not None:
            if broken:
                self._interrupted = tid
                line += b" <unfinished ...>"
            self._call(tid, thread, match["call"], time_ns, line[match.start("call") :])
        elif match["resumed"] is not None:
            self._returned(tid, thread, line, time_ns)
        elif match["mode"] is not None:
            thread.abi = grammar.ABI_OF_MODE[match["mode"]]
        elif match["end"] is not None:
            return self._ended(tid, thread, match["end"], time_ns)
        return True

    def _note_attached(self, tid: int) -> None:
        _check_tid(tid)
        if self._threads:
            self._attached.add(tid)
        else:
            self._unnamed = tid

    def _tid(self, text: bytes | None) -> int:
        """Whose line it is; a terminal's strace leaves the pid out while there is only one."""
        if text is None:
            if not self._names_pids:
                return self._unnamed
            if len(self._threads) != 1:
                raise ImsafeError("it does not say which of several processes it belongs to")
            return next(iter(self._threads))
        tid = int(text)
        _check_tid(tid)
        self._names_pids = True
        if self._unnamed in self._threads and tid not in self._threads.keys() | self._attached:
            # The one that had no number so far; as a process it keeps the one it was given here.
            self._threads[tid] = self._threads.pop(self._unnamed)
        return tid

    def _appeared(self, tid: int, time_ns: int) -> _Thread:
        """A thread's first line: tell of its birth, and of the process if it is a new one."""
        birth = self._born.pop(tid, None) or self._birth_under_way(tid)
        if birth is None:
            thread = self._threads[tid] = _Thread(tid, Abi.X86_64)
            return thread
        parent = birth.parent
        pid = parent.pid if birth.is_thread else tid
        thread = self._threads[tid] = _Thread(pid, parent.abi)
        self._records.append((time_ns, parent.pid, birth.parent_tid, 0, 0, Kind.FORK, tid))
        if not birth.is_thread:
            program = self._programs.get(parent.pid, _Program(0))
            born = _Program(parent.pid, program.comm, program.exe)
            self._joined(time_ns, pid, born, started_ns=time_ns)
        return thread

    def _birth_under_way(self, tid: int) -> _Birth | None:
        """Who is creating this thread, in a call that has not come back yet."""
        creating = [
            (parent_tid, thread)
            for parent_tid, thread in self._threads.items()
            if thread.creating and not thread.child
        ]
        if len(creating) > 1:
            creating = self._from_what_follows(tid, creating)
        if not creating:
            return None
        parent_tid, parent = creating[0]
        parent.child = tid
        return _Birth(parent_tid, parent, grammar.makes_thread(parent.begun))

    def _from_what_follows(
        self, tid: int, creating: list[tuple[int, _Thread]]
    ) -> list[tuple[int, _Thread]]:
        for line in self._lines.ahead(_LOOK_AHEAD):
            if b" resumed>" in line:
                match = grammar.LINE.match(line)
                if (
                    match is not None
                    and match["resumed"] in _CREATING
                    and grammar.child_of(line) == tid
                ):
                    parent = int(match["bracketed"] or match["plain"] or 0)
                    return [pair for pair in creating if pair[0] == parent]
        return creating

    def _call(self, tid: int, thread: _Thread, call: bytes, time_ns: int, line: bytes) -> None:
        key = call, thread.abi
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = grammar.number_of(call, thread.abi)
            if known[0] is Abi.FOREIGN:
                self.unknown.add(call.decode("ascii"))
        abi, number = known
        self._records.append((time_ns, thread.pid, tid, number, abi, Kind.CALL, 0))
        self.calls += 1
        thread.begun = b""
        if call in _CREATING or call in _LOADING:
            thread.begun, thread.child, thread.creating = line, 0, call in _CREATING
            if not grammar.CUT.search(line):
                self._returned(tid, thread, line, time_ns)

    def _returned(self, tid: int, thread: _Thread, line: bytes, time_ns: int) -> None:
        """A fork, clone or exec that came back: its result is at the end of the line."""
        begun, thread.begun = thread.begun, b""
        if not begun:
            return
        if thread.creating:
            thread.creating = False
            child = grammar.child_of(line)
            if child is not None and thread.child == 0:
                self._born[child] = _Birth(tid, thread, grammar.makes_thread(begun))
        elif grammar.succeeded(line):
            former, thread.former = thread.former or tid, 0
            self._records.append((time_ns, thread.pid, tid, 0, 0, Kind.EXEC, former))
            path = grammar.program_of(begun)
            before = self._programs.get(thread.pid, _Program(0))
            comm = PurePosixPath(path).name[:15]
            self._joined(time_ns, thread.pid, _Program(before.parent, comm, path))

    def _joined(self, time_ns: int, pid: int, program: _Program, started_ns: int = 0) -> None:
        self._programs[pid] = program
        self.pack()
        parent, comm, exe = program.parent, program.comm, program.exe
        self._items.append(
            ProcessInfo(time_ns, pid, parent, comm, exe, application=1, started_ns=started_ns)
        )

    def _ended(self, tid: int, thread: _Thread, end: bytes, time_ns: int) -> bool:
        superseded = grammar.SUPERSEDED.match(end)
        if superseded:
            former = int(superseded[1])
            taking = self._threads.pop(former, None)
            if taking is not None:
                taking.former = former
                self._threads[tid] = taking
            return True
        status = grammar.status_of(end)
        if status is None:
            return False
        self._records.append((time_ns, thread.pid, tid, 0, 0, Kind.EXIT, status))
        del self._threads[tid]
        if tid == thread.pid:
            self._programs.pop(tid, None)
        return True


def _check_tid(tid: int) -> None:
    if not 0 < tid < 1 << 32:
        raise ImsafeError(f"{tid} is not a process number")
