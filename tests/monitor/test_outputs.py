# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts read back from the sockets and files that they were sent to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

if sys.platform != "linux":
    pytest.skip("sockets of Linux", allow_module_level=True)

import resource

from imsafe.errors import FileExistsRefused, ImsafeError
from imsafe.monitor.alert_file import AlertFile
from imsafe.monitor.datagrams import Datagrams
from imsafe.monitor.journal import ALERT_CLOSED, ALERT_OPENED, Journal, encoded
from imsafe.monitor.notify_service import NotifyService
from imsafe.monitor.outputs import Outputs
from imsafe.monitor.syslog import LONGEST, Syslog, element, resolved

from .receivers import Receiver, entry, message
from .test_actions import an_alert


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    made = Receiver(tmp_path / "socket")
    yield made
    made.close()


def test_an_alert_in_the_journal_has_its_fields_and_is_whole(tmp_path, receiver):
    journal = Journal("web", str(tmp_path / "socket"))
    # With a reason that is longer than a datagram may be.
    alert = {**an_alert(comm="bad\nname\x1b[31m"), "reason": "x" * 1_000_000}
    journal.alert(alert)
    alert = {**alert, "state": "closed", "peak": 0.875, "reason": "short"}
    journal.alert(alert)
    journal.notice("Two\nlines", error=True)
    journal.out.close()
    opened, closed, notice = map(entry, receiver.take())
    assert opened["MESSAGE"].startswith("Alert 1: web server, pid 100, thread 101; score 0.750")
    assert opened["MESSAGE_ID"] == ALERT_OPENED
    assert opened["PRIORITY"] == "4"
    assert opened["SYSLOG_IDENTIFIER"] == "ims-monitor"
    assert opened["IMSAFE_MONITOR"] == "web"
    assert opened["IMSAFE_COMM"] == "bad\\nname\\x1b[31m"
    assert (opened["IMSAFE_PID"], opened["IMSAFE_SCORE"]) == ("100", "0.750000")
    assert json.loads(opened["IMSAFE_ALERT"])["reason"] == "x" * 1_000_000
    assert closed["MESSAGE_ID"] == ALERT_CLOSED
    assert closed["PRIORITY"] == "6"
    assert closed["IMSAFE_PEAK"] == "0.875000"
    assert notice["MESSAGE"] == "Two\nlines"
    assert notice["PRIORITY"] == "3"


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), st.text()))
def test_any_text_survives_the_journals_protocol(values):
    assert entry(encoded(values)) == {
        name: value.encode(errors="backslashreplace").decode()
        for name, value in values.items()
        if value
    }


@pytest.mark.parametrize("over", ["unix", "udp"])
def test_an_alert_in_the_syslog_is_rfc_5424(tmp_path, over):
    receiver = Receiver(tmp_path / "log" if over == "unix" else None)
    address = str(tmp_path / "log") if over == "unix" else f"udp:127.0.0.1:{receiver.port}"
    syslog = Syslog("web", address)
    syslog.alert(an_alert(comm='a]"\\b'))
    syslog.notice("läuft", error=False)
    syslog.out.close()
    first = receiver.until(b"alert")
    header, values = message(first)
    assert header["pri"] == b"28"  # daemon, warning
    assert header["app"] == b"ims-monitor"
    assert header["pid"] == str(os.getpid()).encode()
    assert header["id"] == b"alert"
    age = datetime.now().astimezone() - datetime.fromisoformat(header["time"].decode())
    assert abs(age.total_seconds()) < 3600
    assert values["monitor"] == "web"
    assert values["comm"] == 'a]"\\\\b'  # as everywhere, a backslash is written as two
    assert values["score"] == "0.750000"
    assert header["text"].startswith(b"Alert 1: web server")
    assert len(first) == LONGEST
    header, _ = message(receiver.until(b"notice"))
    assert header["pri"] == b"30"
    assert header["text"] == b"\xef\xbb\xbfl\xc3\xa4uft"
    receiver.close()


@given(st.text())
def test_any_text_survives_in_structured_data(text):
    value = text.encode(errors="backslashreplace").decode()
    data = element({"name": value}).encode()
    _, values = message(b"<28>1 - h a 1 alert " + data)
    assert values == ({"name": value} if value else {})


@pytest.mark.parametrize(
    "address", ["", "log", "tcp:host:1", "udp:", "udp:host:port", "udp:localhost:99999999"]
)
def test_what_is_no_syslog_is_refused(address):
    with pytest.raises(ImsafeError, match="syslog"):
        resolved(address)


def test_addresses_of_a_syslog():
    assert resolved("/dev/log") == (socket.AF_UNIX, "/dev/log")
    assert resolved("udp:127.0.0.1") == (socket.AF_INET, ("127.0.0.1", 514))
    assert resolved("udp:[::1]:5514") == (socket.AF_INET6, ("::1", 5514))
    assert resolved("udp:::1") == (socket.AF_INET6, ("::1", 514))


def test_a_logger_that_is_away_gets_everything_when_it_is_back(tmp_path):
    path = tmp_path / "log"
    out = Datagrams(socket.AF_UNIX, str(path), most=5)
    for number in range(7):
        out.send(b"%d" % number)
    assert (out.sent, out.waiting, out.dropped) == (0, 5, 2)
    assert out.problem == "no such file or directory"
    receiver = Receiver(path)
    out.flush()
    assert (out.sent, out.waiting, out.problem) == (5, 0, "")
    assert receiver.take() == [b"0", b"1", b"2", b"3", b"4"]
    receiver.close()
    path.unlink()
    receiver = Receiver(path)  # restarted
    out.send(b"5")
    assert receiver.take() == [b"5"]
    receiver.close()
    out.send(b"6")
    out.close()
    assert out.dropped == 3


def test_a_logger_that_does_not_read_holds_nobody_up(tmp_path, receiver):
    outputs = Outputs(loggers=[Syslog("web", str(tmp_path / "socket"))])
    for _ in range(2000):
        outputs.notice("something", error=False)
    (out,) = [logger.out for logger in outputs.loggers]
    assert out.waiting == 1000
    assert out.sent + out.waiting + out.dropped == 2000
    said = outputs.tick(0.0)
    assert any("messages wait for the syslog" in text for text in said)
    assert any(f"{out.dropped} messages were dropped" in text for text in said)
    while out.waiting:
        receiver.take()
        out.flush()
    assert len(receiver.take()) + out.dropped == 2000
    outputs.notice("the last", error=False)
    out.close()
    assert b"the last" in receiver.take()[-1]


def test_json_lines_and_rotation(tmp_path):
    path = tmp_path / "alerts.jsonl"
    file = AlertFile(path)
    outputs = Outputs(files=[file])
    outputs.alert(an_alert())
    path.rename(tmp_path / "old")
    outputs.reloading()
    outputs.update({**an_alert(), "state": "closed"})
    outputs.notice("a\nb", error=True)
    assert [json.loads(line)["type"] for line in (tmp_path / "old").read_text().splitlines()] == [
        "alert"
    ]
    update, notice = [json.loads(line) for line in path.read_text().splitlines()]
    assert (update["type"], update["state"], update["id"]) == ("alert-update", "closed", 1)
    assert (notice["text"], notice["error"]) == ("a\\nb", True)
    assert path.stat().st_mode & 0o077 == 0o040 & ~_umask()
    path.unlink()
    path.mkdir()
    outputs.reloading()
    assert outputs.tick(0.0) == [f"Cannot write {path}: is a directory."]


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_alerts_go_on_when_their_file_is_gone(tmp_path, how):
    path = tmp_path / "alerts.jsonl"
    outputs = Outputs(files=[AlertFile(path)])
    outputs.alert(an_alert())
    if how == "removed":
        path.unlink()
    else:
        path.rename(tmp_path / "old")
    outputs.notice("later", error=False)
    assert [line["text"] for line in lines_of(path)] == ["later"]
    assert outputs.tick(0.0) == [f"{path} was moved or removed; alerts go on in a new file."]
    assert outputs.tick(10.0) == []


def test_a_line_that_was_cut_short_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "alerts.jsonl"
    AlertFile(path).notice("first", error=False)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])  # as a crash leaves it
    file = AlertFile(path)
    file.notice("second", error=False)
    file.notice("third", error=False)
    file.close()
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[1] == whole[:20] + b"\n"
    assert [json.loads(line)["text"] for line in (lines[0], *lines[2:])] == [
        "first", "second", "third",
    ]  # fmt: skip


def test_neither_does_one_that_a_full_disk_cut_short(tmp_path):
    path = tmp_path / "alerts.jsonl"
    file = AlertFile(path)
    file.notice("first", error=False)
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
        with pytest.raises(ImsafeError, match="Cannot write"):
            file.notice("second", error=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    file.notice("third", error=False)
    file.close()
    first, torn, third = path.read_bytes().splitlines()
    assert len(torn) == 10
    assert [json.loads(line)["text"] for line in (first, third)] == ["first", "third"]


def test_what_holds_no_json_lines_is_refused_unchanged(tmp_path):
    path = tmp_path / "precious"
    path.write_bytes(b"SQLite format 3\0")
    with pytest.raises(FileExistsRefused, match="precious exists already and does not hold JSON"):
        AlertFile(path)
    assert path.read_bytes() == b"SQLite format 3\0"


def test_a_pipe_that_nobody_reads_is_refused(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ImsafeError, match=r"Nobody reads the pipe .*; start its reader first"):
        AlertFile(path)


def test_a_pipe_whose_reader_is_busy_holds_nobody_up(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = AlertFile(path)
    outputs = Outputs(files=[file])
    for _ in range(500):  # longer than a pipe takes at once, and than it holds
        outputs.alert({**an_alert(), "reason": "x" * 6000})
    assert file.dropped > 0
    (said,) = outputs.tick(0.0)
    assert said.startswith(f"{file.dropped} lines were dropped so far: the reader of {path} does")
    received = _taken(reader)
    assert outputs.tick(2.0) == []  # it had a part of a line to write yet
    outputs.alert({**an_alert(), "reason": "the last"})
    received += _taken(reader)
    os.close(reader)
    lines = [json.loads(line) for line in received.splitlines()]
    assert len(lines) + file.dropped == 501
    assert lines[-1]["reason"] == "the last"


def _taken(reader: int) -> bytes:
    taken = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(reader, 1 << 20):
            taken += piece
    return taken


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_full_disk_is_said(tmp_path):
    outputs = Outputs(files=[AlertFile("/dev/full")])
    outputs.alert(an_alert())
    outputs.alert(an_alert())
    assert outputs.tick(0.0) == ["Cannot write /dev/full: no space left on device."]


def test_systemd_is_told(tmp_path, receiver):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "socket"), "WATCHDOG_USEC": "2000000"}
    service = NotifyService(environment)
    assert service.watchdog_s == 0.5
    service.ready("Watching")
    service.status("Watching")
    service.status("Idle")
    service.status("Idle")
    service.reloading()
    service.alive()
    service.stopping()
    ready, *rest = receiver.take()
    assert ready == b"READY=1\nSTATUS=Watching"
    assert rest[0] == b"STATUS=Watching"
    assert rest[1] == b"STATUS=Idle"
    assert rest[2].startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert rest[3:] == [b"WATCHDOG=1", b"STOPPING=1"]
    service.close()


def test_systemd_by_an_abstract_socket():
    name = f"imsafe-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name)
        service = NotifyService({"NOTIFY_SOCKET": "@" + name})
        service.stopping()
        assert receiver.recv(100) == b"STOPPING=1"
        service.close()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": "/no/such/socket", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "1000000"},
        {"NOTIFY_SOCKET": "/no/such/socket", "WATCHDOG_USEC": "soon"},
    ],
)
def test_without_systemd_nothing_is_said(environment):
    service = NotifyService(environment)
    assert service.watchdog_s == float("inf")
    service.ready("x")
    service.alive()
    service.close()
