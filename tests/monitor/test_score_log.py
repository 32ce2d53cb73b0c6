# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.errors import FileExistsRefused, ImsafeError
from imsafe.monitor.score_log import LogLine, ScoreLog, format_line
from imsafe.monitor.score_log_reader import PART, ScoreLogReader, read_score_log
from imsafe.words import printable

LINE = LogLine(
    time_ns=1_700_000_000_300_000_000,
    score=0.5,
    threshold=0.7,
    application="vsftpd",
    pid=10,
    tid=11,
    call="openat",
    probability=0.125,
    reading="burst",
    lost=0,
)


def written(path: Path, *lines: LogLine) -> Path:
    log = ScoreLog(path, ["profile: p.db"])
    log.write(lines)
    log.close(["calls: 3"])
    return path


def test_a_line_is_what_the_manual_says() -> None:
    assert format_line(LINE) == (
        "1700000000.3\t0.500000\t0.700000\tvsftpd\t10\t11\topenat\t1.250e-01\tburst\t0\n"
    )


def test_read_back(tmp_path: Path) -> None:
    second = dataclasses.replace(LINE, threshold=None, application="sshd", lost=7, call="execve")
    data = read_score_log(written(tmp_path / "log", LINE, second))
    assert data.records["time"].tolist() == [1_700_000_000.3] * 2
    assert data.records["threshold"][0] == 0.7
    assert math.isnan(data.records["threshold"][1])
    assert [data.applications[i] for i in data.records["application"]] == ["vsftpd", "sshd"]
    assert [data.calls[i] for i in data.records["call"]] == ["openat", "execve"]
    assert data.records["lost"].tolist() == [0, 7]
    assert data.skipped == 0
    assert "profile: p.db" in data.header
    assert "calls: 3" in data.header


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=300))
def test_no_name_breaks_a_line(name: str) -> None:
    text = format_line(dataclasses.replace(LINE, application=name, call=name))
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert len(text.split("\t")) == 10
    assert len(text.split()) == 10
    text.rstrip("\n").encode()
    assert text.rstrip("\n").isprintable() or "\t" in text
    assert all(c.isprintable() or c in "\t\n" for c in text)


def test_different_names_stay_different() -> None:
    assert printable("a\tb") != printable("a\\tb")
    assert printable("a\x1b[31m") == "a\\x1b[31m"


def test_a_growing_log_is_read_to_its_last_whole_line(tmp_path: Path) -> None:
    whole = written(tmp_path / "log", *[LINE] * 5)
    content = whole.read_bytes()
    header_end = content.index(b"1700000000")
    line = len(format_line(LINE))
    cut = tmp_path / "cut"
    for size in range(header_end, header_end + 3 * line):
        cut.write_bytes(content[:size])
        data = read_score_log(cut)
        assert len(data.records) == (size - header_end) // line
        assert data.skipped == 0


def test_damaged_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "log", LINE)
    with path.open("ab") as file:
        file.write(b"1.0\t7.5\t-\ta\t1\t1\tread\t1\tburst\t0\n\xff\xfe\nnan\t0\n")
        file.write(format_line(LINE).encode())
    data = read_score_log(path)
    assert len(data.records) == 2
    assert data.skipped == 3


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x00" * 4096, b"# ImSafe score log 12\n"])
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ImsafeError, match="is not a score log"):
        read_score_log(path)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "log", LINE)
    with path.open("ab") as file:
        file.write(b"1" * 3_000_000)
    with pytest.raises(ImsafeError, match="no end"):
        read_score_log(path)


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("mine")
    with pytest.raises(FileExistsRefused):
        ScoreLog(path)
    assert path.read_text() == "mine"


def test_a_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = written(tmp_path / "log", LINE)
    with path.open("ab") as file:
        file.write(b"1700000")
    written(path, LINE, LINE)
    data = read_score_log(path)
    assert len(data.records) == 3
    assert data.skipped == 1


def test_missing_folder_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImsafeError, match="Cannot write"):
        ScoreLog(tmp_path / "no" / "log")
    with pytest.raises(ImsafeError, match="Cannot read"):
        read_score_log(tmp_path / "log")
    with pytest.raises(ImsafeError, match="Cannot read"):
        read_score_log(tmp_path)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(ImsafeError, match="Cannot write /dev/full: no space left"):
        ScoreLog(full)


def read_all(reader: ScoreLogReader) -> list[float]:
    found: list[float] = []
    while (records := reader.read()) is not None:
        found += records["score"].tolist()
    return found


def test_a_reader_goes_on_where_the_log_has_grown(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = ScoreLog(path)
    log.write([LINE] * (PART // 40))  # more than one part
    log.flush()
    reader = ScoreLogReader(path)
    assert read_all(reader) == [0.5] * (PART // 40)
    assert read_all(reader) == []
    log.write([dataclasses.replace(LINE, score=0.75, application="sshd")])
    log.close(["the end"])
    assert not reader.is_other()
    assert read_all(reader) == [0.75]
    assert (reader.applications, reader.header[-1]) == (["vsftpd", "sshd"], "the end")
    assert reader.position == reader.size == path.stat().st_size
    reader.close()


def test_a_reader_notices_another_file_of_that_name(tmp_path: Path) -> None:
    path = written(tmp_path / "log", LINE, LINE)
    reader = ScoreLogReader(path)
    read_all(reader)
    assert not reader.is_other()
    path.write_bytes(path.read_bytes()[:50])
    assert reader.is_other()
    path.unlink()
    with pytest.raises(ImsafeError, match="no such file"):
        reader.is_other()
    written(path, *[LINE] * 9)
    assert reader.is_other()
    reader.close()


def test_a_log_is_private_unless_it_was_there(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        new = written(tmp_path / "new", LINE)
        there = written(tmp_path / "there", LINE)
        there.chmod(0o640)
        written(there, LINE)
    finally:
        os.umask(before)
    assert new.stat().st_mode & 0o777 == 0o600
    assert there.stat().st_mode & 0o777 == 0o640


def test_a_log_is_put_aside_at_its_size(tmp_path: Path) -> None:
    path = tmp_path / "scores.[log]"
    log = ScoreLog(path, ["a header"], most_bytes=1000)
    path.chmod(0o640)
    said = []
    for _ in range(40):
        log.write([LINE])
        said += log.flush()
    log.close()
    parts = sorted(tmp_path.iterdir())
    assert len(parts) == len(said) + 1 > 3
    assert all(str(part) in text for part, text in zip(parts[1:], said, strict=True))
    # Nothing is lost, and each part is a log of its own.
    assert sum(len(read_score_log(part).records) for part in parts) == 40
    assert all("a header" in read_score_log(part).header for part in parts)
    assert {part.stat().st_mode & 0o777 for part in parts} == {0o640}
    assert all(part.stat().st_size < 1200 for part in parts)


def test_only_the_latest_parts_are_kept_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log"
    others = [tmp_path / "log.old", tmp_path / "log.2026", tmp_path / "catalog"]
    for other in others:
        other.touch()
    log = ScoreLog(path, most_bytes=100, keep=2)
    for _ in range(12):
        log.write([LINE])
        log.flush()
    log.close()
    assert all(other.exists() for other in others)
    assert len(list(tmp_path.iterdir())) == 3 + 1 + 2


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_log_goes_on_when_its_file_is_gone(tmp_path: Path, how: str) -> None:
    path = tmp_path / "log"
    log = ScoreLog(path)
    log.write([LINE])
    assert log.flush() == []
    if how == "moved":
        path.rename(tmp_path / "log.1")
    else:
        path.unlink()
    log.write([LINE, LINE])
    (said,) = log.flush()
    assert "was moved or removed" in said
    log.close()
    assert len(read_score_log(path).records) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_put_in_a_logs_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = ScoreLog(path)
    path.unlink()
    path.write_text("mine")
    log.write([LINE])
    with pytest.raises(FileExistsRefused):
        log.flush()
    log.abandon()
    assert path.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_a_pipe_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ImsafeError, match=r"Nobody reads the pipe .*; start its reader first"):
        ScoreLog(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = ScoreLog(path)
    log.write([LINE])
    assert log.flush() == []
    assert os.read(reader, 1 << 20).endswith(format_line(LINE).encode())
    monkeypatch.setattr("imsafe.monitor.score_log.PATIENCE_S", 0.05)
    log.write([LINE] * 5000)
    with pytest.raises(ImsafeError, match=r"The reader of .*pipe does not keep up\."):
        log.flush()
    log.abandon()
    os.close(reader)
