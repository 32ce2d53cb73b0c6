# SPDX-License-Identifier: GPL-3.0-or-later
"""Trace files: whatever cuts, fills, limits or locks them, whole frames stay."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsafe.errors import FileExistsRefused, ImsafeError, StreamError
from imsafe.events import EVENT, Events
from imsafe.stream.frames import MAX_PAYLOAD, FrameParser
from imsafe.stream.items import Closed, End, Item, Lost, ProcessInfo, Segment
from imsafe.stream.trace_file import DiskAlmostFull, SizeLimitReached, TraceWriter
from imsafe.stream.traces import open_trace
from tests.stream.strategies import same

META = {"applications": [{"name": "daemon"}], "timed": True}
OTHER = {"applications": [{"name": "other"}], "timed": True}
SHELL = ProcessInfo(5, 10, 1, "sh", "/bin/sh", 1)


def _events(count: int, first: int = 0) -> Events:
    batch = np.zeros(count, EVENT)
    batch["time_ns"] = np.arange(first, first + count)
    batch["syscall"] = np.random.default_rng(count).integers(0, 400, count)
    batch["tid"] = batch["pid"] = 10
    batch["abi"] = 1
    return batch


def _write(path: Path, batches: int = 4) -> None:
    writer = TraceWriter.create(path, META)
    writer.write(SHELL)
    for number in range(batches):
        writer.write(_events(9, 9 * number))
        writer.write(Lost(number, 1, 2))
    writer.close({"calls": 9 * batches})


def _read(path: Path) -> list[Item]:
    return [item for _, item in open_trace(path)]


def _recorded(items: list[Item]) -> bytes:
    return b"".join(item.tobytes() for item in items if isinstance(item, np.ndarray))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    _write(path, 2)
    items = _read(path)
    expected = [
        Segment(META), SHELL, _events(9), Lost(0, 1, 2), _events(9, 9), Lost(1, 1, 2),
        End({"calls": 18}), Closed(complete=True),
    ]  # fmt: skip
    assert len(items) == len(expected)
    assert all(map(same, items, expected))
    assert path.stat().st_mode & 0o777 == 0o600


def test_small_batches_are_packed_together(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    for number in range(100):
        writer.write(_events(3, 3 * number))
    assert _recorded(_read(path)) == b""
    writer.flush()
    batches = [item for item in _read(path) if isinstance(item, np.ndarray)]
    assert [len(batch) for batch in batches] == [300]
    writer.close()
    writer.close()


def test_a_buffer_that_is_used_again_does_not_change_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    buffer = _events(5)
    writer.write(buffer)
    expected = buffer.tobytes()
    buffer["syscall"] = 7
    writer.close()
    assert _recorded(_read(path)) == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_cut_file_gives_a_prefix_and_append_repairs_it(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "a.imt"
    path.unlink(missing_ok=True)
    _write(path)
    whole = _read(path)
    octets = path.read_bytes()
    cut = data.draw(st.integers(0, len(octets)))
    path.write_bytes(octets[:cut])
    kept: list[Item] = []
    reader = None
    try:
        reader = open_trace(path)
        kept = [item for _, item in reader][:-1]
    except StreamError as error:
        assert "empty" in str(error) or "header" in str(error)  # noqa: PT017
    assert all(map(same, kept, whole))
    if kept:
        assert reader is not None
        ends = {frame.end for frame in FrameParser().feed(octets)}
        assert reader.cut_short == (cut not in ends)
        assert len(reader.warnings) == (cut < len(octets))
    writer = TraceWriter.append(path, OTHER)
    writer.write(_events(7))
    writer.close({"calls": 7})
    repaired = open_trace(path)
    items = [item for _, item in repaired]
    ended = len(kept) == len(whole) - 1
    assert len(repaired.warnings) == (bool(kept) and not ended)
    assert not repaired.cut_short
    expected = kept + ([Closed(complete=ended)] if kept else [])
    expected += [Segment(OTHER), _events(7), End({"calls": 7}), Closed(complete=True)]
    assert len(items) == len(expected)
    assert all(map(same, items, expected))


def test_a_cut_is_told_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    _write(path)
    octets = path.read_bytes()
    path.write_bytes(octets[:-5])
    reader = open_trace(path)
    items = [item for _, item in reader]
    assert isinstance(items[-1], Closed)
    assert not items[-1].complete
    assert items[-1].warning
    end_frame = 12 + len(b'{"calls":36}')
    assert reader.warnings == [
        f"{path} is cut short: {end_frame - 5} bytes after the last whole frame,"
        f" from byte {len(octets) - end_frame} on, were left out; all before was used."
    ]
    assert reader.cut_short


def test_damage_in_the_middle_keeps_what_stands_before(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    _write(path)
    whole = _read(path)
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)
    reader = open_trace(path)
    items = [item for _, item in reader]
    assert 2 < len(items) < len(whole)
    assert all(map(same, items[:-1], whole))
    assert isinstance(items[-1], Closed)
    assert "checksum" in items[-1].warning
    (warning,) = reader.warnings
    assert "is damaged" in warning
    assert "checksum" in warning
    # Twice read, once said.
    assert len(list(reader)) == len(items)
    assert len(reader.warnings) == 1


def test_append_never_cuts_off_more_than_a_broken_tail(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META, compress=False)
    for _ in range(4):
        writer.write(_events(60_000))
    writer.close()
    octets = bytearray(path.read_bytes())
    assert len(octets) > MAX_PAYLOAD + 1_000_000
    octets[500] ^= 1
    path.write_bytes(octets)
    with pytest.raises(StreamError, match=r"is damaged at byte .* nothing was changed"):
        TraceWriter.append(path, OTHER)
    assert path.read_bytes() == octets


@pytest.mark.parametrize(
    "content", [b"#!/bin/sh\n", b"\x89PNG\r\n\x1a\n" + bytes(100), b"SQLite format 3\0", b"\0" * 99]
)
def test_append_to_something_else_is_refused_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(StreamError, match=r"is not an ImSafe trace.*nothing was changed"):
        TraceWriter.append(path, META)
    assert path.read_bytes() == content


def test_an_existing_file_is_never_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsRefused, match="exists already"):
        TraceWriter.create(path, META)
    assert path.read_bytes() == b"precious"
    TraceWriter.create(path, META, replace=True).close()
    assert _read(path)[0] == Segment(META)


@pytest.mark.parametrize("why", ["size", "disk"])
def test_a_recording_that_cannot_begin_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    path = tmp_path / "a.imt"
    TraceWriter.create(path, META).close({})
    before = path.read_bytes()
    if why == "disk":
        monkeypatch.setattr("imsafe.stream.trace_file.almost_full", lambda _: 3)
    with pytest.raises(ImsafeError, match=r"reached its limit|almost full"):
        TraceWriter.create(path, META, replace=True, max_size=10 if why == "size" else None)
    assert path.read_bytes() == before
    monkeypatch.undo()
    TraceWriter.create(path, META, replace=True).close({})  # it is not locked any more


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    before = path.read_bytes()
    for open_again in (
        lambda: TraceWriter.append(path, OTHER),
        lambda: TraceWriter.create(path, OTHER, replace=True),
    ):
        with pytest.raises(ImsafeError, match="being written by another program"):
            open_again()
    assert path.read_bytes() == before
    writer.close()
    TraceWriter.append(path, OTHER).close()


def test_a_writer_that_was_killed_leaves_no_lock_and_whole_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    program = (
        "import os, signal, sys, numpy as np\n"
        "from imsafe.events import EVENT\n"
        "from imsafe.stream.trace_file import TraceWriter\n"
        "writer = TraceWriter.create(sys.argv[1], {'applications': []})\n"
        "for _ in range(3): writer.write(np.zeros(9000, EVENT))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    reader = open_trace(path)
    assert sum(len(item) for _, item in reader if isinstance(item, np.ndarray)) == 27_000
    (warning,) = reader.warnings
    assert warning.startswith(f"{path} has no end")
    assert not reader.cut_short  # nothing is missing that could be known
    TraceWriter.append(path, META).close()


def test_the_size_limit_holds_and_the_file_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META, max_size=5_000)
    made = 0
    with pytest.raises(SizeLimitReached, match=r"limit of 5,000 bytes"):  # noqa: PT012
        while True:
            writer.write(_events(100, made))
            writer.flush()
            made += 100
    with pytest.raises(SizeLimitReached):  # for good: no later item slips in
        writer.write(SHELL)
    writer.close({"calls": made})
    assert 4_000 < path.stat().st_size == writer.bytes_written <= 5_000
    reader = open_trace(path)
    items = [item for _, item in reader]
    assert reader.warnings == []
    assert items[-2:] == [End({"calls": made}), Closed(complete=True)]
    assert len(_recorded(items)) == made * EVENT.itemsize
    with pytest.raises(SizeLimitReached):
        TraceWriter.append(path, META, max_size=5_000)
    assert open_trace(path).warnings == []


def test_a_limit_below_the_header_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    with pytest.raises(SizeLimitReached):
        TraceWriter.create(path, META, max_size=20)
    assert not path.exists()


def test_each_channel_is_a_stream_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    first, second = writer.open_channel({"host": "a"}), writer.open_channel({"host": "b"})
    assert (first, second) == (1, 2)
    writer.write(_events(3), second)
    writer.write(_events(5), first)
    writer.write(End({"calls": 5}), first)
    writer.close({})
    streams: dict[int, list[Item]] = {}
    for stream, item in open_trace(path):
        streams.setdefault(stream, []).append(item)
    assert [len(_recorded(items)) // EVENT.itemsize for items in streams.values()] == [0, 5, 3]
    complete = [items[-1] == Closed(complete=True) for items in streams.values()]
    assert complete == [True, True, False]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_device_is_one_sentence() -> None:
    with pytest.raises(ImsafeError, match=r"^Cannot write /dev/full: no space left on device\.$"):
        TraceWriter.create("/dev/full", META, replace=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 80 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_recording_stops_before_the_disk_is_full(small_disk: Path) -> None:
    path = small_disk / "a.imt"
    writer = TraceWriter.create(path, META, compress=False)
    made = 0
    with pytest.raises(DiskAlmostFull, match=r"almost full \(63 MiB left\)"):  # noqa: PT012
        while made < 10_000_000:
            writer.write(_events(20_000, made))
            made += 20_000
    writer.close({"calls": made})
    free = os.statvfs(small_disk)
    assert free.f_bavail * free.f_frsize > 60 << 20
    reader = open_trace(path)
    items = [item for _, item in reader]
    assert reader.warnings == []
    assert items[-1] == Closed(complete=True)
    assert len(_recorded(items)) == made * EVENT.itemsize
    with pytest.raises(DiskAlmostFull):
        TraceWriter.create(small_disk / "b.imt", META)
    assert not (small_disk / "b.imt").exists()


def test_a_disk_that_another_fills_meanwhile_leaves_whole_frames(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC in the middle of a frame; the room that is normally kept is taken away."""
    monkeypatch.setattr("imsafe.files._ROOM_BYTES", 0)
    path = small_disk / "a.imt"
    writer = TraceWriter.create(path, META, compress=False)
    writer.write(_events(30_000))
    with (small_disk / "other").open("wb") as other:
        disk = os.fstatvfs(other.fileno())
        # All but so little that a part of the next frame fits; 1 % is 0.8 MiB.
        other.write(bytes(disk.f_bavail * disk.f_frsize - (1 << 20)))
    with pytest.raises(ImsafeError, match=r"^Cannot write .*a\.imt: no space left on device\.$"):
        writer.write(_events(60_000))
    writer.close({"calls": 30_000})
    reader = open_trace(path)
    items = [item for _, item in reader]
    assert reader.warnings == []
    assert len(_recorded(items)) == 30_000 * EVENT.itemsize


def test_standard_output(tmp_path: Path) -> None:
    program = (
        "from imsafe.stream.trace_file import TraceWriter\n"
        "from imsafe.stream.items import Lost\n"
        "writer = TraceWriter.create('-', {'host': 'here'})\n"
        "writer.write(Lost(3, 1, 2))\n"
        "writer.close({'calls': 0})\n"
    )
    path = tmp_path / "out"
    with path.open("wb") as out:
        subprocess.run([sys.executable, "-c", program], check=True, stdout=out, timeout=60)
    assert _read(path)[1:] == [Lost(3, 1, 2), End({"calls": 0}), Closed(complete=True)]


@pytest.mark.parametrize("method", [TraceWriter.create, TraceWriter.append])
def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path, method: object) -> None:
    with pytest.raises(ImsafeError, match=r"^Cannot write .*: no such file or directory\.$"):
        method(tmp_path / "nowhere" / "a.imt", META)  # type: ignore[operator]
    with pytest.raises(ImsafeError, match=r"^Cannot .*: is a directory\.$"):
        (
            TraceWriter.append(tmp_path, META)
            if method == TraceWriter.append
            else TraceWriter.create(tmp_path, META, replace=True)
        )


def test_the_lock_is_the_kernels(tmp_path: Path) -> None:
    """flock, not a file beside it: it is gone with its process."""
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    with path.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    writer.close()
    assert list(tmp_path.iterdir()) == [path]
