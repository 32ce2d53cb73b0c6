# SPDX-License-Identifier: GPL-3.0-or-later
"""What Configure and the device dialogs accept, and the options that come of it."""

from __future__ import annotations

import os
import socket

import pytest

from imsafe.errors import ImsafeError
from imsafe.gui.configuration import (
    Configuration,
    WatchedApplication,
    check_action,
    check_applications,
    check_output,
    check_profile,
)
from imsafe.gui.device import (
    SensorDevice,
    SensorProgram,
    TraceDevice,
    check_command,
    check_pids,
    check_socket,
    check_sockets,
)
from imsafe.gui.file_kinds import file_kind
from imsafe.gui.settings import Settings


def test_configuration_survives_the_settings(tmp_path):
    configuration = Configuration(
        [WatchedApplication("a", "/x/a.db", 0.25), WatchedApplication("b", "/x/b.db")],
        log="/tmp/l", record="/tmp/r", action="/bin/true",
    )  # fmt: skip
    settings = Settings(tmp_path / "i.ini")
    settings.configuration = configuration
    settings.flush()
    assert Settings(tmp_path / "i.ini").configuration == configuration


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"applications": 3}', "null", '{"log": 1'])
def test_damaged_settings_are_an_empty_configuration(text):
    assert Configuration.from_json(text) == Configuration()


def test_options_of_one_application_and_of_several():
    one = Configuration([WatchedApplication("", "/x/a.db", 0.5)], log="/tmp/l", action="/bin/x")
    assert one.monitor_options() == ["-d", "/x/a.db", "-t", "0.5", "-l", "/tmp/l", "-x", "/bin/x"]
    two = Configuration([WatchedApplication("a", "/a.db", 0.5), WatchedApplication("b", "/b.db")])
    assert two.monitor_options() == ["--app", "a=/a.db:0.5", "--app", "b=/b.db"]


def test_applications_are_checked_in_words(tmp_path):
    profile = tmp_path / "p.db"
    profile.write_bytes(b"x")
    path = str(profile)
    assert not check_applications([WatchedApplication("", path, 0.3)])
    for wrong, word in (
        ([], "Choose"),
        ([WatchedApplication("", "/none.db")], "no file"),
        ([WatchedApplication("", path, 1.5)], "between 0 and 1"),
        ([WatchedApplication("a=b", path)], "="),
        ([WatchedApplication("a", path), WatchedApplication("", path)], "Name each"),
        ([WatchedApplication("a", path), WatchedApplication("a", path)], "same name"),
    ):
        assert word in check_applications(wrong).text


def test_files_are_checked_in_words(tmp_path):
    assert not check_output("")
    assert not check_output(str(tmp_path / "new"))
    assert "folder" in check_output(str(tmp_path)).text
    assert "no folder" in check_output(str(tmp_path / "no" / "l")).text
    assert "Choose" in check_profile("").text
    script = tmp_path / "act"
    script.write_text("#!/bin/sh\n")
    assert "chmod +x" in check_action(str(script)).text
    script.chmod(0o755)
    assert not check_action(str(script))
    assert "full path" in check_action("act").text


def test_sockets_are_checked_in_words(tmp_path):
    assert not check_socket(str(tmp_path / "s"))
    assert "start with /" in check_socket("s").text
    assert "too long" in check_socket("/" + "x" * 200).text
    assert "no folder" in check_socket(str(tmp_path / "no" / "s")).text
    (tmp_path / "file").write_text("x")
    assert "not a socket" in check_socket(str(tmp_path / "file")).text
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "real"))
    listener.close()
    assert not check_socket(str(tmp_path / "real"))
    assert "twice" in check_sockets([str(tmp_path / "s")] * 2).text
    assert "at least one" in check_sockets([]).text


def test_programs_and_processes_are_checked_in_words():
    assert check_command("ls -l 'a b'") == (("ls", "-l", "a b"), check_command("x")[1])
    assert "understood" in check_command("ls 'a")[1].text
    assert check_pids(f"{os.getpid()}")[0] == (os.getpid(),)
    assert "no process" in check_pids("4194303")[1].text
    assert "not a process id" in check_pids("abc")[1].text


def test_devices_as_options_and_requests():
    sensor = SensorDevice(("/tmp/a", "/tmp/b"), SensorProgram(argv=("ls", "-p", "--"), full=True))
    assert sensor.source_options() == ["--sensor", "/tmp/a", "--sensor", "/tmp/b"]
    assert sensor.program is not None
    assert sensor.program.sensor_arguments("/tmp/a") == [
        "-s", "/tmp/a", "--full", "--", "ls", "-p", "--",
    ]  # fmt: skip
    assert TraceDevice("/t", "10").source_requests() == [
        {"kind": "replay", "trace": "/t", "speed": 10.0}
    ]
    assert TraceDevice("/t").source_options() == ["--replay", "/t", "--speed", "full"]


def test_files_are_told_apart_by_content(tmp_path):
    for content, kind in (
        (b"SQLite format 3\0rest", "profile"),
        (b"# ImSafe score log 1\n", "log"),
        (b"\x89IMSAFE\n", "trace"),
        (b'execve("/bin/ls"', "trace"),
    ):
        path = tmp_path / "misleading.db"
        path.write_bytes(content)
        assert file_kind(str(path)) == kind
    path.write_bytes(b"")
    with pytest.raises(ImsafeError, match="empty"):
        file_kind(str(path))
    with pytest.raises(ImsafeError, match="no such file"):
        file_kind(str(tmp_path / "none"))
