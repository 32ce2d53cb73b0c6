# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces of every format: found, recognised by content, identified, read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsafe import syscalls
from imsafe.errors import ImsafeError, StreamError
from imsafe.events import EVENT, OUT_OF_RANGE, Abi, Events, symbols
from imsafe.stream.items import Closed, End, Segment
from imsafe.stream.trace_file import TraceWriter
from imsafe.stream.traces import FORMATS, find_traces, open_trace, recognised


def _events(path: Path | str, format: str = "auto") -> Events:  # noqa: A002
    batches = [item for _, item in open_trace(path, format) if isinstance(item, np.ndarray)]
    return np.concatenate(batches) if batches else np.zeros(0, EVENT)


def _native(path: Path, count: int = 10) -> Path:
    writer = TraceWriter.create(path, {"applications": [{"name": "x"}]})
    writer.write(np.zeros(count, EVENT))
    writer.close({"calls": count})
    return path


# -- ADFA-LD and UNM -----------------------------------------------------------------


def test_adfa_numbers_are_calls_of_i386(tmp_path: Path) -> None:
    path = tmp_path / "UTD-1.txt"
    path.write_text("6 63 6 42 120 6 195 ")
    events = _events(path)
    names = [syscalls.name(symbol) for symbol in symbols(events).tolist()]
    assert names == [
        f"{call}@i386" for call in ("close", "dup2", "close", "pipe", "clone", "close", "stat64")
    ]
    assert np.diff(events["time_ns"]).tolist() == [1_000_000] * 6
    assert len(set(events["pid"].tolist())) == 1
    segment = next(item for _, item in open_trace(path))
    assert isinstance(segment, Segment)
    assert segment.meta["timed"] is False
    assert segment.meta["tracer"] == "adfa"


def test_unm_lines_are_a_process_and_a_call(tmp_path: Path) -> None:
    path = tmp_path / "sendmail.int"
    path.write_text("22799 4  \n22799 2\n\n22800 66\n22799 70000\n")
    events = _events(path)
    assert events["pid"].tolist() == events["tid"].tolist() == [22799, 22799, 22800, 22799]
    assert events["syscall"].tolist() == [4, 2, 66, OUT_OF_RANGE]
    assert set(events["abi"].tolist()) == {Abi.UNKNOWN}
    items = [item for _, item in open_trace(path)]
    assert items[-2:] == [End({"calls": 4, "lost": 0}), Closed(complete=True)]


@pytest.mark.public_data
def test_the_public_traces_are_read_to_the_last_call(adfa: Path, unm: Path) -> None:
    paths = find_traces([adfa / "Training_Data_Master", unm])
    assert len(paths) == 833 + 93
    for path in paths[::8]:
        words = path.read_bytes().split()
        events = _events(path)
        if path.suffix == ".int":
            assert events["pid"].tolist() == [int(word) for word in words[::2]]
            assert events["syscall"].tolist() == [int(word) for word in words[1::2]]
        else:
            assert events["syscall"].tolist() == [int(word) for word in words]
            assert set(events["abi"].tolist()) == {Abi.I386}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4000), st.integers(1, 300))
def test_numbers_are_the_same_in_pieces_of_any_size(
    tmp_path: Path, numbers: list[int], step: int
) -> None:
    from imsafe.stream.adfa import read_adfa

    text = " ".join(map(str, numbers)).encode()
    pieces = [text[i : i + step] for i in range(0, len(text), step)]
    got = [item for _, item in read_adfa(pieces, "it", []) if isinstance(item, np.ndarray)]
    events = np.concatenate(got)
    assert events["syscall"].tolist() == [min(number, OUT_OF_RANGE) for number in numbers]
    assert events["time_ns"].tolist() == [i * 1_000_000 for i in range(len(numbers))]


@pytest.mark.parametrize(
    ("content", "format", "words"),
    [
        ("1 2 three", "adfa", "holds 'three'"),
        ("1 2 -3", "adfa", "holds '-3'"),
        ("1 2 3\n", "unm", "every line must be PID CALL"),
        ("1\n2\n", "unm", "every line must be PID CALL"),
        ("99999999999 4\n1 2\n", "unm", "99999999999 is not a process number"),
        ("\0\0\0", "adfa", "is not a trace of numbers"),
        ("1" * 3_000_000, "adfa", "over 1,048,576 bytes"),
        ("1 2", "imsafe", "does not begin like"),
        ("hello\n", "strace", "is not a trace that strace wrote"),
        ("hello\n", "auto", "not a trace of a known format"),
        ("", "auto", "is empty"),
        ("", "adfa", "is empty"),
    ],
)
def test_what_is_no_trace_is_one_sentence(
    tmp_path: Path,
    content: str,
    format: str,  # noqa: A002
    words: str,
) -> None:
    path = tmp_path / "trace"
    path.write_text(content)
    with pytest.raises(StreamError, match=words) as caught:
        _events(path, format)
    assert str(path) in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_number_of_any_length_is_out_of_range_not_masked(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("65534 65535 65536 65575 " + "9" * 5000)
    assert _events(path)["syscall"].tolist() == [65534] + [OUT_OF_RANGE] * 4


# -- recognising -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "format"),
    [
        (b"\x89IMSAFE\n\x01\0", "imsafe"),
        (b"\x89IM", "imsafe"),
        (b"6 6 63 6 42", "adfa"),
        (b"6\n", "adfa"),
        (b"6 63", "adfa"),
        (b"12 4\n12 5\n", "unm"),
        (b"  12   4  \r\n12 5\n", "unm"),
        (b"12 4\n" * 5000, "unm"),
        (b"6 " * 5000, "adfa"),
        (b'execve("/bin/ls", ["ls"], 0x7ffd /* 20 vars */) = 0\n', "strace"),
        (b'123   execve("/bin/ls", ["ls"], 0x7ffd /* 20 vars */) = 0\n', "strace"),
        (b"[pid  1234] 12:00:01 read(3, ", "strace"),
        (b"1700000000.123456 close(3) = 0\n", "strace"),
        (b"     0.000012 close(3) = 0\n", "strace"),
        (b"12 +++ exited with 0 +++\n", "strace"),
    ],
)
def test_recognised_by_content(start: bytes, format: str) -> None:  # noqa: A002
    assert recognised(start[:4096], "whatever.txt") == format


def test_a_single_pair_is_unm_where_the_name_says_so() -> None:
    assert recognised(b"12 4\n", "lpr.int") == "unm"


@pytest.mark.parametrize(
    "start", [b"\x7fELF\x02", b"SQLite format 3\0", b"\0" * 4096, b"\n\n\n", b"def main():\n"]
)
def test_other_files_are_not_recognised(start: bytes) -> None:
    with pytest.raises(StreamError, match="not a trace of a known format"):
        recognised(start, "file")


def test_a_format_that_does_not_exist(tmp_path: Path) -> None:
    assert FORMATS[0] == "auto"
    with pytest.raises(ImsafeError, match="no trace format 'pcap'"):
        open_trace(_native(tmp_path / "a.imt"), "pcap")


# -- the reader ------------------------------------------------------------------------


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImsafeError, match=r"^Cannot read .*none: no such file or directory\.$"):
        open_trace(tmp_path / "none")
    with pytest.raises(ImsafeError, match=r"^Cannot read .*: is a directory\.$"):
        open_trace(tmp_path)


def test_read_twice_it_is_the_same(tmp_path: Path) -> None:
    path = _native(tmp_path / "a.imt", 100_000)
    reader = open_trace(path)
    assert reader.size == path.stat().st_size
    for _ in range(2):
        calls = sum(len(item) for _, item in reader if isinstance(item, np.ndarray))
        assert calls == 100_000
        assert reader.position == reader.size


def test_progress_shows_in_steps(tmp_path: Path) -> None:
    writer = TraceWriter.create(tmp_path / "a.imt", {}, compress=False)
    for _ in range(20):
        writer.write(np.zeros(8192, EVENT))
    writer.close()
    reader = open_trace(tmp_path / "a.imt")
    positions = [reader.position for _ in reader]
    assert positions == sorted(positions)
    assert len(set(positions)) > 15


def test_identity_of_recordings_is_their_content(tmp_path: Path) -> None:
    one, two = _native(tmp_path / "a.imt"), _native(tmp_path / "b.imt")
    other = _native(tmp_path / "c.imt", 11)
    assert open_trace(one).identity == open_trace(two).identity
    assert open_trace(one).identity != open_trace(other).identity
    assert len(open_trace(one).identity) == 64


@pytest.mark.parametrize("text", ["6 6 63 6\n", "12 4\n12 5\n"])
def test_identity_without_clock_is_name_and_content(tmp_path: Path, text: str) -> None:
    """Two processes that did the same are two; the same file in another folder is one."""
    (tmp_path / "copy").mkdir()
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "copy" / "a"]
    for path in paths:
        path.write_text(text)
    a, b, copy = (open_trace(path).identity for path in paths)
    assert a == copy != b


def test_a_pipe_is_read_as_it_comes_and_identified_whole(tmp_path: Path) -> None:
    path = _native(tmp_path / "a.imt", 50_000)
    expected = open_trace(path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for ask_identity in (True, False):
        feeder = threading.Thread(target=lambda: fifo.write_bytes(path.read_bytes()))
        feeder.start()
        reader = open_trace(fifo)
        assert reader.size == 0
        if ask_identity:
            assert reader.identity == expected.identity
        assert sum(len(i) for _, i in reader if isinstance(i, np.ndarray)) == 50_000
        reader.close()
        reader.close()
        feeder.join()


@pytest.mark.skipif(sys.platform != "linux", reason="a pipe that is opened for both")
def test_a_pipe_that_does_not_fit_into_the_temporary_folder(tmp_path: Path) -> None:
    import resource  # not on Windows

    data = _native(tmp_path / "a.imt", 8_000).read_bytes()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    both = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    assert os.write(both, data) == len(data)
    reader = open_trace(fifo)
    os.close(both)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(data) // 2, before[1]))
    try:
        with pytest.raises(ImsafeError, match=r"^Cannot keep .*fifo in the temporary folder: file"):
            assert reader.identity
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    reader.close()


def test_standard_input(tmp_path: Path) -> None:
    path = _native(tmp_path / "a.imt", 50_000)
    program = (
        "import numpy as np\n"
        "from imsafe.stream.traces import open_trace\n"
        "reader = open_trace('-')\n"
        "print(sum(len(i) for _, i in reader if isinstance(i, np.ndarray)), reader.format)\n"
    )
    with path.open("rb") as trace:
        out = subprocess.run(
            [sys.executable, "-c", program],
            stdin=trace,
            capture_output=True,
            check=True,
            timeout=60,
        )
    assert out.stdout.split() == [b"50000", b"imsafe"]


# -- finding ---------------------------------------------------------------------------


def test_folders_are_searched_in_order_and_other_files_passed_over(tmp_path: Path) -> None:
    week = tmp_path / "week"
    (week / "b").mkdir(parents=True)
    (week / ".cache").mkdir()
    traces = [_native(week / name) for name in ("a.imt", "b/1.imt", "b/2.imt", "c.imt")]
    _native(week / ".hidden.imt")
    _native(week / ".cache" / "x.imt")
    (week / "web.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    (week / "scores.log").write_bytes(b"# ImSafe score log 1\n")
    (week / "link.imt").symlink_to(traces[0])
    (week / "gone.imt").symlink_to(week / "nowhere")
    assert find_traces([week]) == [*traces, week / "link.imt"]
    # A file that is named is taken as it is, once, in the order of the names.
    assert find_traces([traces[3], week, traces[3]]) == [traces[3], *traces[:3], week / "link.imt"]
    assert find_traces([week / ".hidden.imt", "-"]) == [week / ".hidden.imt", Path("-")]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    with pytest.raises(ImsafeError, match=r"The folder .*empty holds no traces\."):
        find_traces([tmp_path / "empty"])
    with pytest.raises(ImsafeError, match=r"Cannot read .*none: no such file or directory\."):
        find_traces([tmp_path / "none"])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o000)
    with pytest.raises(ImsafeError, match="permission denied"):
        find_traces([tmp_path])
