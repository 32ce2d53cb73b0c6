# SPDX-License-Identifier: GPL-3.0-or-later
"""The ptrace tracer: turns the stops of its tracees into records.

One thread does everything.  It waits for a stop, asks the kernel which call it
is (PTRACE_GET_SYSCALL_INFO), lets the tracee go on, and appends a record to a
buffer.  In seccomp mode there is one stop a call, otherwise two, of which the
one at the entry counts.  No state is kept between the two, so a tracer that
attaches in the middle of a call cannot mistake its end for a beginning.

A timer sets a flag and makes the wait end, nothing more: what is to be done
every 20 ms (hand on the records, look after signals) is done by the loop
itself between two stops, so no handler can run into the middle of anything.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import numpy as np

from imsafe.errors import ImsafeError
from imsafe.events import EVENT, OUT_OF_RANGE, Kind
from imsafe.sources import header, procfs
from imsafe.sources.launch import attach, detach, find_command, start
from imsafe.sources.ptrace import (
    CALL_INFO,
    GROUP_STOP_SIGNALS,
    NATIVE_ABI,
    NATIVE_ARCH,
    NOTHING,
    OP_ENTRY,
    OP_SECCOMP,
    SECCOMP_STOP,
    SYSCALL_STOP,
    WALL,
    Event,
    Request,
    classify,
    event_message,
    request,
    require_kernel,
    resume,
    wait,
)
from imsafe.sources.sink import Sink
from imsafe.stream.items import Item, ProcessInfo

RECORD = struct.Struct("<QIIHBBI")
"""One `EVENT`, for a tracer that makes them one by one."""

FLUSH_S = 0.02
IDLE_S = 0.25
ORPHAN_S = 0.1
_LEFT = 0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


class Tracer:
    """Traces a command that it starts, or processes that run already.

    Parameters
    ----------
    argv
        The command line; None: attach to `pids`.
    pids
        Processes to attach to.
    full
        Two stops a call for a command; an attached process always has two.
    follow_exec
        Whether a process that loads a new program stays in the application.
    name
        Of the application; None: the command's or executable's base name.
    descriptors
        What the command's descriptors shall be, by number: ``{0: null}``; the
        others are inherited.

    Attributes
    ----------
    meta
        The stream's header, after `begin`.
    calls
        Calls handed to the sink so far.
    processes
        The live processes of the application, by pid.
    failure
        What the sink said when it could take no more.
    """

    def __init__(
        self,
        argv: list[str] | None = None,
        pids: Iterable[int] = (),
        *,
        full: bool = False,
        follow_exec: bool = True,
        name: str | None = None,
        descriptors: Mapping[int, int] | None = None,
    ) -> None:
        self.meta: dict[str, Any] = {}
        self.calls = 0
        self.processes: dict[int, ProcessInfo] = {}
        self.failure: ImsafeError | None = None
        self._argv = argv
        self._pids = tuple(pids)
        self._attached = argv is None
        self._full = full or self._attached
        self._go = Request.SYSCALL if self._full else Request.CONT
        self._follow_exec = follow_exec
        self._name = name
        self._descriptors = descriptors or {}
        self._command = 0
        self._status = 0
        # Process of each tracee thread; _LEFT when it is no longer recorded.
        self._process_of: dict[int, int] = {}
        # Newborn threads whose parent has not told of them yet.
        self._held: dict[int, _Newborn] = {}
        self._buffer = bytearray()
        self._lifecycle = 0
        self._sink: Sink | None = None
        self._recording = True
        self._alarm = False
        self._idle = False
        self._signals: list[int] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}
        self._forwarded = False
        self._command_lives = False
        self._unwanted = False
        self._over = False

    def begin(self) -> None:
        """Start the command (it does not run yet) or attach to the processes.

        Raises
        ------
        TraceeError
            In words; nothing is left started or attached.
        """
        self._catch_signals()  # obeyed in order, by `run`
        try:
            require_kernel()
            applications = self._attach() if self._argv is None else self._start(self._argv)
        except BaseException:
            self._restore_signals()
            raise
        mode = "attach" if self._attached else "full" if self._full else "seccomp"
        self.meta = header.of_stream(applications, f"ptrace-{mode}", self._follow_exec)

    def _start(self, argv: list[str]) -> list[dict[str, Any]]:
        path = find_command(argv[0])
        application = header.of_command(path, argv, self._name)
        self._command = start(path, argv, full=self._full, descriptors=self._descriptors)
        self._command_lives = True
        self._process_of[self._command] = self._command
        self._join(self._command, os.getpid(), 1)
        return [application]

    def _attach(self) -> list[dict[str, Any]]:
        applications: list[dict[str, Any]] = []
        try:
            for pid in self._pids:
                if procfs.number(pid, "Tgid") in self.processes:
                    continue  # named twice, or by two of its threads
                found = header.of_process(pid, self._name)
                seized = attach(pid)
                names = [str(entry["name"]) for entry in applications]
                if found["name"] not in names:
                    applications.append(found)
                    names.append(found["name"])
                for tid in seized.tids:
                    self._process_of[tid] = seized.pid
                parent = procfs.number(seized.pid, "PPid")
                self._join(seized.pid, parent, names.index(found["name"]) + 1)
        except ImsafeError:
            detach(set(self._process_of))
            raise
        return applications

    def obey(self, signals: Iterable[int]) -> None:
        """Take these signals, which came before `begin`, for ones that come now."""
        for number in signals:
            self._on_signal(number, None)

    def abandon(self) -> None:
        """Undo `begin`: the command has never run, the processes are detached."""
        self._restore_signals()
        if self._attached:
            detach(set(self._process_of))
        else:
            os.kill(self._command, signal.SIGKILL)
            os.waitpid(self._command, WALL)

    def run(self, sink: Sink) -> int:
        """Trace until every tracee has ended or was detached.

        An attached process is detached at SIGINT, SIGTERM or SIGHUP.  A
        command gets these signals itself, and the tracer waits for its end; at
        the second SIGTERM or SIGHUP it returns at once, and the command ends
        with the tracer's process.

        Returns
        -------
        int
            The command's exit status (128 + signal); 0 for attached processes.
        """
        self._sink = sink
        signal.setitimer(signal.ITIMER_REAL, FLUSH_S, FLUSH_S)
        try:
            for info in list(self.processes.values()):
                self._write(info)
            if self._command:
                resume(self._go, self._command)
            self._loop()
            self._close_sink()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._restore_signals()
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    def _catch_signals(self) -> None:
        for number in (*_STOP_SIGNALS, signal.SIGALRM):
            # What was ignored when we were started (nohup) stays so.
            if number == signal.SIGALRM or signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._on_signal)

    def _restore_signals(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._handlers.clear()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._alarm = True
        if number != signal.SIGALRM:
            self._signals.append(number)

    def _loop(self) -> None:
        status_buffer = ctypes.c_int()
        status_reference = ctypes.byref(status_buffer)
        info = bytearray(CALL_INFO.size)
        info_size = ctypes.c_void_p(CALL_INFO.size)
        info_buffer = (ctypes.c_char * CALL_INFO.size).from_buffer(info)
        info_address = ctypes.c_void_p(ctypes.addressof(info_buffer))
        call_stop = SYSCALL_STOP if self._full else SECCOMP_STOP
        call_op = OP_ENTRY if self._full else OP_SECCOMP
        go, get_info = int(self._go), int(Request.GET_SYSCALL_INFO)
        unpack, pack = CALL_INFO.unpack_from, RECORD.pack
        append, now = self._buffer.extend, time.monotonic_ns
        process_of = self._process_of.get
        native_arch, native_abi, kind = NATIVE_ARCH, int(NATIVE_ABI), int(Kind.CALL)
        while not self._over:
            tid = wait(-1, status_reference, WALL)
            status = status_buffer.value
            if tid <= 0:  # interrupted, or no tracee is left: the slower waitpid tells which
                try:
                    tid, status = os.waitpid(-1, WALL | os.WNOHANG)
                except ChildProcessError:
                    return
            if status == call_stop and tid:
                pid = process_of(tid)
                if pid and request(get_info, tid, info_size, info_address) > 0:
                    time_ns = now()
                    request(go, tid, NOTHING, NOTHING)
                    op, arch, number = unpack(info)
                    if op == call_op:
                        abi = native_abi
                        if arch != native_arch or number >= OUT_OF_RANGE:
                            abi, number = classify(arch, number)
                        append(pack(time_ns, pid, tid, number, abi, kind, 0))
                else:
                    request(go, tid, NOTHING, NOTHING)
            elif tid:
                self._stopped(tid, status)
            if self._alarm:
                self._tick()

    def _stopped(self, tid: int, status: int) -> None:
        """Deal with any stop but that of a call, and with an end."""
        if not os.WIFSTOPPED(status):
            self._ended(tid, status)
            return
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == Event.STOP:
            if tid in self._process_of:
                self._let_go(tid, number)
            else:
                # Its parent's event is still to come, and the record of the birth must
                # precede the calls.
                parent = procfs.number(tid, "PPid")
                self._held[tid] = _Newborn(time.monotonic(), number, parent)
            return
        if event in (Event.FORK, Event.VFORK, Event.CLONE):
            child = event_message(tid)
            if child is not None:
                self._born(child, tid)
        elif event == Event.EXEC and self._loaded(tid):
            return
        resume(self._go, tid, 0 if event else number)

    def _let_go(self, tid: int, number: int) -> None:
        resume(Request.LISTEN if number in GROUP_STOP_SIGNALS else self._go, tid)

    def _born(self, child: int, parent_tid: int) -> None:
        """The thread `parent_tid` has created a thread or a process."""
        parent = self._process_of.get(parent_tid, _LEFT)
        if child not in self._process_of:
            self._enter(child, parent, parent_tid)
        held = self._held.pop(child, None)
        if held is not None:
            self._let_go(child, held.stop_signal)

    def _enter(self, child: int, parent: int, parent_tid: int) -> None:
        if parent == _LEFT:
            self._process_of[child] = _LEFT
            return
        pid = parent if procfs.belongs_to(child, parent) else child
        self._process_of[child] = pid
        self._record(parent, parent_tid, Kind.FORK, child)
        if pid != parent:
            self._join(pid, parent, self._application_of(parent), is_born=True)

    def _application_of(self, pid: int) -> int:
        info = self.processes.get(pid)
        return 1 if info is None else info.application

    def _free_orphans(self) -> None:
        """Let newborns run whose parent was killed before it could tell of them."""
        if not self._held:
            return
        oldest = time.monotonic() - ORPHAN_S
        for tid, newborn in list(self._held.items()):
            if newborn.since < oldest:
                leader = procfs.number(tid, "Tgid")
                parent = newborn.parent if leader == tid else leader
                self._enter(tid, parent if self._recording else _LEFT, parent)
                del self._held[tid]
                self._let_go(tid, newborn.stop_signal)

    def _loaded(self, tid: int) -> bool:
        """A process has loaded a new program; True when it was detached for that."""
        former = event_message(tid)
        if former is None:
            return False
        if former != tid:  # a thread took over the leader's tid
            self._process_of[tid] = self._process_of.pop(former, _LEFT)
        pid = self._process_of.get(tid, _LEFT)
        if pid == _LEFT:
            return False
        self._record(pid, tid, Kind.EXEC, former)
        parent = self.processes[pid].parent if pid in self.processes else 0
        self._join(pid, parent, self._application_of(pid) if self._follow_exec else 0)
        if self._follow_exec:
            return False
        del self.processes[pid]
        for thread, process in self._process_of.items():
            if process == pid:
                self._process_of[thread] = _LEFT
        if not self._full:
            return False  # its seccomp filter cannot be taken away
        resume(Request.DETACH, tid)
        del self._process_of[tid]
        return True

    def _ended(self, tid: int, status: int) -> None:
        self._held.pop(tid, None)
        pid = self._process_of.pop(tid, _LEFT)
        if tid == self._command:
            self._status = status
            self._command_lives = False
        if pid:
            self._record(pid, tid, Kind.EXIT, status)
            if tid == pid:
                self.processes.pop(pid, None)

    def _record(self, pid: int, tid: int, kind: Kind, aux: int) -> None:
        self._buffer += RECORD.pack(time.monotonic_ns(), pid, tid, 0, 0, kind, aux & 0xFFFFFFFF)
        self._lifecycle += 1

    def _join(self, pid: int, parent: int, application: int, *, is_born: bool = False) -> None:
        """Say what the process `pid` runs now, before its next call."""
        now = time.monotonic_ns()
        mother, former = self.processes.get(parent), self.processes.get(pid)
        if is_born and mother is not None:
            argv, user = mother.argv, mother.user
        else:
            argv, user = tuple(procfs.argv(pid)), procfs.user(pid)
        info = ProcessInfo(
            time_ns=now,
            pid=pid,
            parent=parent,
            comm=procfs.comm(pid),
            exe=procfs.exe(pid),
            application=application,
            argv=argv,
            user=user,
            started_ns=now if is_born else former.started_ns if former is not None else 0,
        )
        self.processes[pid] = info
        self._flush()
        if mother is not None and is_born:
            info = replace(info, argv=(), user="")  # the mother's, which stand there already
        self._write(info)

    def _tick(self) -> None:
        had_records = self._flush() or bool(self._held)
        self._free_orphans()
        while self._signals:
            self._asked_to_end(self._signals.pop(0))
        if self._recording and not self._still_wanted():
            self._release()
        # While nothing happens the timer is slow, and the next stop counts as its ringing.
        self._idle = not had_records and not self._idle
        period = IDLE_S if self._idle else FLUSH_S
        signal.setitimer(signal.ITIMER_REAL, period, period)
        self._alarm = self._idle and self._recording

    def _still_wanted(self) -> bool:
        if self._sink is None or self._unwanted:
            return False
        try:
            return self._sink.tick()
        except ImsafeError as error:
            self.failure = error
            return False

    def _asked_to_end(self, number: int) -> None:
        if self._attached:
            self._unwanted = True
        elif number in (signal.SIGINT, signal.SIGQUIT) and _has_terminal():
            return  # typed there: the command has got it too
        elif self._forwarded and number in (signal.SIGTERM, signal.SIGHUP):
            self._status = number
            self._over = True
        elif self._command_lives:
            self._forwarded = number in (signal.SIGTERM, signal.SIGHUP)
            os.kill(self._command, number)
        elif number in (signal.SIGTERM, signal.SIGHUP):
            # The command has ended and what it left behind has not.
            self._over = True

    def _flush(self) -> bool:
        """Hand the records on; whether there were any."""
        count = len(self._buffer) // RECORD.size
        if not count:
            return False
        events = np.frombuffer(bytes(self._buffer), EVENT)
        self._buffer.clear()
        if self._recording:
            self.calls += count - self._lifecycle
            self._write(events)
        self._lifecycle = 0
        return True

    def _write(self, item: Item) -> None:
        if self._sink is None or not self._recording:
            return
        try:
            self._sink.write(item)
        except ImsafeError as error:
            self.failure = error
            # Not here: a tracee may be in a stop that is being dealt with.
            self._unwanted = self._alarm = True

    def _release(self) -> None:
        """Record no more: detach where that is possible, else let the tracees run on unseen."""
        if self._full:
            for tid in self._held:
                resume(Request.DETACH, tid)
            for tid, status in detach(set(self._process_of)).items():
                self._ended(tid, status)
            self._held.clear()
            self._process_of.clear()
            self._over = not self._command_lives
        self._close_sink()
        self.processes.clear()
        self._process_of.update(dict.fromkeys(self._process_of, _LEFT))

    def _close_sink(self) -> None:
        self._flush()
        if self._sink is None or not self._recording:
            return
        self._recording = False
        try:
            self._sink.close({"calls": self.calls, "lost": 0})
        except ImsafeError as error:
            self.failure = self.failure or error


@dataclass(frozen=True, slots=True)
class _Newborn:
    """A thread that has stopped for the first time, earlier than its parent's event."""

    since: float
    stop_signal: int
    parent: int


def _has_terminal() -> bool:
    """Whether a key typed at the terminal signals this process's group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
