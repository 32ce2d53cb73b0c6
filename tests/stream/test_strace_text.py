# SPDX-License-Identifier: GPL-3.0-or-later
"""strace's text: line by line, and as the real strace writes it in many modes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsafe.errors import CutShort, ImsafeError, StreamError
from imsafe.events import EVENT, OUT_OF_RANGE, Abi, Events, Kind, symbols
from imsafe.stream.items import Closed, Item, ProcessInfo, Segment
from imsafe.stream.routing import Routing
from imsafe.stream.strace_text import read_strace
from imsafe.stream.traces import open_trace
from imsafe.syscalls import name as call_name


def _items(text: str | bytes, name: str = "it", step: int = 1 << 20) -> list[Item]:
    octets = text.encode() if isinstance(text, str) else text
    pieces = [octets[i : i + step] for i in range(0, len(octets), step)]
    return [item for _, item in read_strace(pieces, name, [])]


def _events(items: list[Item]) -> Events:
    batches = [item for item in items if isinstance(item, np.ndarray)]
    return np.concatenate(batches) if batches else np.zeros(0, EVENT)


def _calls(text: str | bytes) -> list[tuple[int, str]]:
    events = _events(_items(text))
    calls = events[events["kind"] == Kind.CALL]
    return [
        (tid, call_name(symbol))
        for tid, symbol in zip(calls["tid"].tolist(), symbols(calls).tolist(), strict=True)
    ]


def _lifecycle(text: str | bytes) -> list[tuple[str, int, int, int]]:
    events = _events(_items(text))
    rows = events[events["kind"] != Kind.CALL]
    return [(Kind(r["kind"]).name, int(r["pid"]), int(r["tid"]), int(r["aux"])) for r in rows]


def _processes(text: str | bytes) -> list[tuple[int, int, str, str]]:
    return [
        (item.pid, item.parent, item.comm, item.exe)
        for item in _items(text)
        if isinstance(item, ProcessInfo)
    ]


# -- line by line ----------------------------------------------------------------------

EXEC = '10 execve("/bin/sh", ["sh"], 0x7ffd /* 20 vars */) = 0\n'
CLONE = "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 11\n"
THREAD = "clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x7f} => {parent_tid=[11]}, 88) = 11\n"


def test_a_call_is_counted_once_where_it_begins() -> None:
    text = (
        "10 read(3,  <unfinished ...>\n"
        "11 close(4) = 0\n"
        '10 <... read resumed>"abc) = 5", 3) = 3\n'
        "10 exit_group(0) = ?\n"
        "11 <... close resumed>) = ?\n"
    )
    assert _calls(text) == [(10, "read"), (11, "close"), (10, "exit_group")]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        (["", "", ""], [1_000_000, 2_000_000, 3_000_000]),
        (["12:00:00 ", "12:00:01 ", "12:00:01 "], [43200 * 10**9, *[43201 * 10**9] * 2]),
        (
            ["23:59:59.999999 ", "00:00:00.000001 ", "00:00:01.5 "],
            [86399_999999_000, 86400_000001_000, 86401_500000_000],
        ),
        (
            ["1700000000.123456 ", "1700000000.123457 ", "1700000001.000000 "],
            [1700000000_123456_000, 1700000000_123457_000, 1700000001_000000_000],
        ),
        (["     0.000000 ", "     0.000010 ", "     1.000001 "], [0, 10_000, 1_000_011_000]),
        (
            [f"12:00:00.{n}00000 (+     0.100000) " for n in (1, 2, 3)],
            [43200 * 10**9 + n * 10**8 for n in (1, 2, 3)],
        ),
    ],
    ids=["none", "-t", "-tt", "-ttt", "-r", "-tt -r"],
)
def test_time_stamps(stamps: list[str], expected: list[int]) -> None:
    for prefix in ("", "10 ", "10    ", "[pid    10] ", "10<a b> "):
        text = "".join(f"{prefix}{stamp}close({n}) = 0\n" for n, stamp in enumerate(stamps))
        assert _events(_items(text))["time_ns"].tolist() == expected
        segment = _items(text)[0]
        assert isinstance(segment, Segment)
        assert segment.meta["timed"] is bool(stamps[0])


def test_the_application_is_named_for_the_first_program() -> None:
    segment = _items(EXEC)[0]
    assert isinstance(segment, Segment)
    assert segment.applications == ["sh"]
    assert _calls(EXEC) == [(10, "execve")]
    assert _lifecycle(EXEC) == [("EXEC", 10, 10, 10)]
    assert _processes(EXEC) == [(10, 0, "sh", "/bin/sh")]
    attached = _items("10 read(3, 0x7f, 5) = 0\n")[0]
    assert isinstance(attached, Segment)
    assert attached.applications == ["strace"]


def test_an_exec_that_fails_is_only_a_call() -> None:
    text = EXEC + '10 execve("/x/true", ["true"], 0x7f) = -1 ENOENT (No such file or directory)\n'
    assert [kind for kind, *_ in _lifecycle(text)] == ["EXEC"]
    assert len(_calls(text)) == 2


def test_paths_are_unescaped() -> None:
    text = '10 execve("/tmp/a\\"b\\\\\\303\\251\\n(= 0", ["x"], 0x7f) = 0\n'
    assert _processes(text) == [(10, 0, 'a"b\\é\n(= 0', '/tmp/a"b\\é\n(= 0')]
    byfd = '10 execveat(3</usr/bin/true>, "", ["x"], 0x7f, AT_EMPTY_PATH) = 0\n'
    assert _processes(byfd) == [(10, 0, "true", "/usr/bin/true")]


@pytest.mark.parametrize(
    "created",
    [
        "fork() = 11\n",
        "vfork() = 11\n",
        CLONE,
        "clone3({flags=0, exit_signal=SIGCHLD}, 88) = 11\n",
        "clone(child_stack=NULL, flags=SIGCHLD) = 2 /* 11 in strace's PID NS */\n",
    ],
)
def test_a_new_process(created: str) -> None:
    text = EXEC + "10 " + created + "11 getpid() = 11\n11 +++ exited with 3 +++\n"
    assert _lifecycle(text)[1:] == [("FORK", 10, 10, 11), ("EXIT", 11, 11, 3 << 8)]
    assert _processes(text)[1:] == [(11, 10, "sh", "/bin/sh")]


@pytest.mark.parametrize("created", [THREAD, "clone(0x7f, flags=0x3d0f00) = 11\n"])
def test_a_new_thread(created: str) -> None:
    text = EXEC + "10 " + created + "11 getpid() = 10\n11 +++ exited with 0 +++\n"
    assert _lifecycle(text)[1:] == [("FORK", 10, 10, 11), ("EXIT", 10, 11, 0)]
    assert len(_processes(text)) == 1


def test_a_child_that_runs_before_its_parent_knows_of_it() -> None:
    text = (
        EXEC + "10 vfork( <unfinished ...>\n"
        '11 execve("/bin/ls", ["ls"], 0x7f <unfinished ...>\n'
        "10 <... vfork resumed>) = 11\n"
        "11 <... execve resumed>) = 0\n"
        "11 +++ killed by SIGKILL +++\n"
        "10 getpid() = 10\n"
    )
    assert _lifecycle(text)[1:] == [
        ("FORK", 10, 10, 11), ("EXEC", 11, 11, 11), ("EXIT", 11, 11, 9),
    ]  # fmt: skip
    assert _processes(text)[1:] == [(11, 10, "sh", "/bin/sh"), (11, 10, "ls", "/bin/ls")]


def test_two_children_under_way_are_told_apart_by_what_follows() -> None:
    text = (
        EXEC + "10 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 20\n20 getpid() = 10\n"
        "10 clone3({flags=CLONE_VM|CLONE_THREAD} <unfinished ...>\n"
        "20 clone(flags=SIGCHLD <unfinished ...>\n"
        "31 getpid() = 31\n"
        "30 getpid() = 10\n"
        "10 <... clone3 resumed> => {parent_tid=[30]}, 88) = 30\n"
        "20 <... clone resumed>, child_tidptr=0x7f) = 31\n"
    )
    assert _lifecycle(text)[1:] == [
        ("FORK", 10, 10, 20), ("FORK", 10, 20, 31), ("FORK", 10, 10, 30),
    ]  # fmt: skip
    events = _events(_items(text))
    assert events["pid"][events["tid"] == 30].tolist() == [10]
    assert events["pid"][events["tid"] == 31].tolist() == [31]


def test_a_child_that_is_gone_before_its_parent_returns_is_one_child() -> None:
    text = (
        EXEC + "10 clone(flags=SIGCHLD <unfinished ...>\n11 exit(0) = ?\n"
        "11 +++ exited with 0 +++\n10 <... clone resumed>) = 11\n10 getpid() = 10\n"
    )
    assert [kind for kind, *_ in _lifecycle(text)] == ["EXEC", "FORK", "EXIT"]


def test_exec_by_a_thread_that_is_not_the_leader() -> None:
    text = (
        EXEC + "10 " + THREAD + "10 pause( <unfinished ...>\n"
        '11 execve("/bin/true", ["true"], 0x7f <unfinished ...>\n'
        "10 <... pause resumed>) = ?\n"
        "10 +++ superseded by execve in pid 11 +++\n"
        "10 <... execve resumed>) = 0\n"
        "10 exit_group(0) = ?\n"
        "10 +++ exited with 0 +++\n"
    )
    assert _lifecycle(text)[1:] == [
        ("FORK", 10, 10, 11), ("EXEC", 10, 10, 11), ("EXIT", 10, 10, 0),
    ]  # fmt: skip
    assert _processes(text)[-1] == (10, 0, "true", "/bin/true")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("exited with 0", 0),
        ("exited with 255", 255 << 8),
        ("killed by SIGTERM", 15),
        ("killed by SIGSEGV (core dumped)", 11 | 0x80),
        ("killed by SIGRTMIN", 32),
        ("killed by SIGRT_3", 35),
    ],
)
def test_how_a_thread_ends(end: str, status: int) -> None:
    assert _lifecycle(f"10 close(3) = 0\n10 +++ {end} +++\n") == [("EXIT", 10, 10, status)]


def test_a_number_given_again_is_another_thread() -> None:
    text = "10 close(3) = 0\n10 +++ exited with 0 +++\n10 close(3) = 0\n10 +++ exited with 1 +++\n"
    assert [aux for *_, aux in _lifecycle(text)] == [0, 256]


def test_a_process_with_a_number_given_again_has_loaded_nothing() -> None:
    child = "10 fork() = 11\n11 {0}11 exit_group(0) = ?\n11 +++ exited with 0 +++\n"
    loads = 'execve("/bin/evil", ["evil"], 0x7f) = 0\n'
    text = EXEC + child.format(loads) + child.format("getpid() = 11\n")
    routing, loaded = Routing(), []
    for item in _items(text):
        if isinstance(item, np.ndarray):
            routing.loads(item)
        else:
            routing.feed(item)
        loaded.append(routing.loaded(11))
    assert "evil" in loaded
    assert loaded[-1] == "sh"


def test_modes_and_unknown_calls() -> None:
    text = (
        "10 getpid() = 10\n"
        "10 [ Process PID=10 runs in 32 bit mode. ]\n"
        "10 getpid() = 10\n10 syscall_0x3e7(0, 0) = -1 ENOSYS (Function not implemented)\n"
        "10 [ Process PID=10 runs in x32 mode. ]\n"
        "10 getpid() = 10\n10 syscall_0x400003e7(0) = -1 ENOSYS (Function not implemented)\n"
        "10 [ Process PID=10 runs in 64 bit mode. ]\n"
        "10 syscall_0x10027(0) = -1 ENOSYS (Function not implemented)\n"
        "10 syscall_0xffffffffffffffff(0) = -1 ENOSYS (Function not implemented)\n"
        "10 syscall_0x3e8(0) = -1 ENOSYS (Function not implemented)\n"
        "10 mmap2(NULL, 8192) = 0x7f\n"
    )
    assert [call for _, call in _calls(text)] == [
        "getpid", "getpid@i386", "syscall_999@i386", "getpid@x32", "syscall_999@x32",
        "syscall_out_of_range", "syscall_out_of_range", "syscall_1000", "mmap2@i386",
    ]  # fmt: skip


def test_calls_newer_than_every_table_stay_two_and_are_told() -> None:
    warnings: list[str] = []
    text = b"10 frobnicate(1) = 0\n10 defenestrate(1) = 0\n10 frobnicate(2) = 0\n"
    items = [item for _, item in read_strace([text], "it", warnings)]
    first, other, again = symbols(_events(items)).tolist()
    assert first == again != other
    assert first >> 16 == other >> 16 == Abi.FOREIGN
    assert OUT_OF_RANGE not in (first & 0xFFFF, other & 0xFFFF)
    assert warnings == [
        "it holds calls that this version has no number for: defenestrate, frobnicate."
    ]


def test_what_is_no_call_is_passed_over() -> None:
    text = (
        "strace: Process 10 attached\n\n"
        "10 close(3) = 0\n"
        " > /lib/libc.so.6(close+0x7) [0x1234]\n"
        "10 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---\n"
        "10 --- stopped by SIGTSTP ---\n"
        "10 close(4) = 0\n"
        "% time     seconds  usecs/call     calls    errors syscall\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        "100.00    0.000000           0         2           close\n"
    )
    assert _calls(text) == [(10, "close")] * 2


def test_with_ff_the_file_is_named_for_the_process() -> None:
    events = _events(_items("close(3) = 0\n", "/tmp/trace.4711"))
    assert events["tid"].tolist() == [4711]


def test_a_terminals_output_breaks_lines() -> None:
    text = (
        'execve("/bin/sh", ["sh"], 0x7f) = 0\n'
        "clone(child_stack=NULL, flags=SIGCHLDstrace: Process 11 attached\n"
        ", child_tidptr=0x7f) = 11\n"
        "[pid    10] close(3 <unfinished ...>\n"
        "[pid    11] close(4) = 0\n"
        "[pid    10] <... close resumed>) = 0\n"
        "[pid    11] +++ exited with 0 +++\n"
        "close(5) = 0\n"
        "+++ exited with 0 +++\n"
    )
    assert [call for _, call in _calls(text)] == ["execve", "clone", *["close"] * 3]
    events = _events(_items(text))
    # The one that had no number is one process from its first call to its last.
    assert len(set(events["pid"].tolist())) == 2
    assert Counter(kind for kind, *_ in _lifecycle(text)) == {"EXEC": 1, "FORK": 1, "EXIT": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\x00\xff\xfe" * 100, "not a trace that strace wrote"),
        (b"hello world\n", "not a trace that strace wrote"),
        (b"", "not a trace that strace wrote"),
        (b"10 close(3) = 0\nhello world\n10 close(3) = 0\n", r"Line 2 of it is not strace's"),
        (b"10 close(3) = 0\n\xff\xfe\x00\n10 close(3) = 0\n", r"Line 2 of it is not strace's"),
        (b"10 close(3) = 0\n10 +++ vanished +++\n", "Line 2 of it is not strace's"),
        (b"10 12:00:00 close(3) = 0\n10 close(3) = 0\n", "Line 2 .* others have none"),
        (b"10 close(3) = 0\n" + b"11 write(1, " + b"x" * (2 << 20), "line of over 1,048,576"),
        (b"0 close(3) = 0\n", "0 is not a process number"),
        (b"9999999999 close(3) = 0\n", "9999999999 is not a process number"),
        (b"10 close(3) = 0\n11 close(3) = 0\nclose(3) = 0\n", "which of several processes"),
    ],
)  # fmt: skip
def test_what_is_not_straces_is_one_sentence(text: bytes, words: str) -> None:
    with pytest.raises(StreamError, match=words) as caught:
        _items(text)
    assert str(caught.value).isprintable()


@given(st.binary(max_size=200), st.integers(1, 50))
def test_garbage_raises_nothing_but_an_imsafe_error(garbage: bytes, step: int) -> None:
    for text in (garbage, b"10 close(3) = 0\n10 " + garbage, b"fork() = 5\n5 " + garbage):
        try:
            _items(text, step=step)
        except ImsafeError as error:
            said = str(error)
            assert said.isprintable()


def test_bytes_that_are_no_utf8_within_a_call_do_no_harm() -> None:
    assert _calls(b'10 open("\xff\xfe", 0) = 3\n') == [(10, "open")]


def test_a_line_that_was_cut_is_told() -> None:
    items: list[Item] = []
    with pytest.raises(CutShort, match="it is cut short: the last 6 bytes were left out; all"):
        items.extend(item for _, item in read_strace([b"10 close(3) = 0\n10 clo"], "it", []))
    assert [len(item) for item in items if isinstance(item, np.ndarray)] == [1]
    assert items[-1] == Closed(complete=False)
    # One whose call can be read counts, as an unfinished one does.
    assert _calls(b"10 close(3) = 0\n10 read(3, ") == [(10, "close"), (10, "read")]


# -- the real strace -------------------------------------------------------------------

PROGRAMS = Path(__file__).resolve().parents[1] / "sources" / "programs"
SCRIPT = "ls / | cat; (:) & wait; /bin/true; kill -9 $$"


@pytest.fixture(scope="module")
def strace() -> str:
    path = shutil.which("strace")
    if path is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([path, "true"], check=False, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"strace does not work here: {tried.stderr.strip()[:200]}")
    return path


MODES = [
    [], ["-t"], ["-tt"], ["-ttt"], ["-r"], ["-tt", "-r"], ["-T"], ["-n"], ["-i"], ["-y"],
    ["-Y"], ["-k"], ["-C"], ["-v", "-s", "300"], ["-x", "-x"], ["-X", "raw"],
    ["-e", "quiet=none"], ["-n", "-i", "-T", "-Y", "-ttt", "-yy"],
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_every_mode_of_strace_tells_the_same(strace: str, tmp_path: Path, mode: list[str]) -> None:
    out = tmp_path / "log"
    command = [strace, "-f", *mode, "-o", str(out), "sh", "-c", SCRIPT]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=60)
    reader = open_trace(out)
    assert reader.format == "strace"
    items = [item for _, item in reader]
    assert reader.warnings == []
    events = _events(items)
    kinds = Counter(Kind(kind).name for kind in events["kind"].tolist())
    # sh; ls and cat; the empty subshell; true.
    assert (kinds["FORK"], kinds["EXEC"], kinds["EXIT"]) == (4, 4, 5)
    exits = events[events["kind"] == Kind.EXIT]
    assert sorted(exits["aux"].tolist()) == [0, 0, 0, 0, 9]
    names = [item.comm for item in items if isinstance(item, ProcessInfo)]
    assert Counter(names) == {"sh": 5, "ls": 1, "cat": 1, "true": 1}
    # Each call is counted once: as many as lines that begin one.
    lines = out.read_bytes().split(b"% time")[0].splitlines()
    begun = [
        line
        for line in lines
        if b"(" in line
        and not line.startswith(b" > ")
        and not any(mark in line for mark in (b" resumed>", b"+++", b"---", b"[ Process PID="))
    ]
    assert kinds["CALL"] == len(begun)
    times = events["time_ns"].astype(np.int64)
    assert (np.diff(times) >= 0).all() or mode == ["-k"]


def test_a_terminals_strace(strace: str) -> None:
    command = [strace, "-f", "sh", "-c", "/bin/true; ls / | cat"]
    text = subprocess.run(command, check=False, capture_output=True, timeout=60).stderr
    kinds = Counter(kind for kind, *_ in _lifecycle(text))
    assert (kinds["EXEC"], kinds["EXIT"]) == (4, 4)
    assert kinds["FORK"] == 3


def test_counts_of_a_program_with_threads_forks_and_foreign_calls(
    strace: str, tmp_path: Path
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source = (PROGRAMS / "counted.c").read_text().replace("100003", "1009")
    (tmp_path / "counted.c").write_text(source)
    build = [compiler, "-pthread", "-o", str(tmp_path / "counted"), str(tmp_path / "counted.c")]
    subprocess.run(build, check=True)
    out = tmp_path / "log"
    command = [strace, "-f", "-e", "quiet=none", "-o", str(out), str(tmp_path / "counted")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=60)
    events = _events(_items(out.read_bytes()))
    calls = events[events["kind"] == Kind.CALL]
    names = Counter(call_name(symbol) for symbol in symbols(calls).tolist())
    assert names["getppid"] == 1009
    assert names["getpid@i386"] == 23
    assert names["syscall_out_of_range"] == 17
    lifecycle = Counter(events["kind"].tolist())
    assert (lifecycle[Kind.FORK], lifecycle[Kind.EXIT]) == (7 + 3, 7 + 3 + 1)
    assert len(set(events["pid"].tolist())) == 4
    # Seven threads made the calls, and each belongs to the first process.
    made = calls[[call_name(symbol) == "getppid" for symbol in symbols(calls).tolist()]]
    assert len(set(made["tid"].tolist())) == 7
    assert len(set(made["pid"].tolist())) == 1


@pytest.mark.parametrize("end", [b"<unfinished ...>", b"<pid changed to 10 ...>"])
def test_exec_in_a_thread(end: bytes) -> None:
    """The second end is strace's where nothing else happened meanwhile."""
    text = (
        b'10 1.0 execve("/bin/sh", ["sh"], 0x7ffc /* 3 vars */) = 0\n'
        b"10 1.1 clone3({flags=CLONE_VM|CLONE_THREAD, stack=NULL} => {parent_tid=[11]}, 88) = 11\n"
        b'11 1.2 execve("/bin/true", ["true"], 0x7ffc /* 3 vars */ ' + end + b"\n"
        b"10 1.3 +++ superseded by execve in pid 11 +++\n"
        b"10 1.4 <... execve resumed>) = 0\n"
        b"10 1.5 +++ exited with 0 +++\n"
    )
    events = _events(_items(text))
    execs = events[events["kind"] == Kind.EXEC]
    assert (execs["tid"].tolist(), execs["aux"].tolist()) == ([10, 10], [10, 11])


def test_exec_in_a_thread_of_the_real_strace(strace: str, tmp_path: Path) -> None:
    program = (
        "import os, sys, threading\n"
        "threading.Thread(target=os.execv, args=('/bin/true', ['true'])).start()\n"
        "threading.Event().wait()\n"
    )
    out = tmp_path / "log"
    command = [strace, "-f", "-ttt", "-o", str(out), sys.executable, "-S", "-c", program]
    subprocess.run(command, check=True, timeout=60)
    items = _items(out.read_bytes())
    events = _events(items)
    execs = events[events["kind"] == Kind.EXEC]
    assert execs["tid"].tolist() == [execs["pid"][0]] * len(execs)
    assert execs["aux"][-1] != execs["tid"][-1]
    processes = [item for item in items if isinstance(item, ProcessInfo)]
    assert processes[-1].exe == "/bin/true"
    assert len({item.pid for item in processes}) == 1
