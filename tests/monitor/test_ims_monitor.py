# SPDX-License-Identifier: GPL-3.0-or-later
"""ims-monitor as a process of its own, on traces and on real commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imsafe.errors import ImsafeError, SourceError
from imsafe.monitor.later import Later
from imsafe.monitor.monitor import Monitor
from imsafe.monitor.options import Options
from imsafe.monitor.score_log_reader import read_score_log
from imsafe.monitor.steering import Steering
from imsafe.monitor.view_client import AlertMessage, BucketsMessage, StatusMessage
from imsafe.monitor.view_requests import Request
from imsafe.monitor.watched import Watched
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.sources.replay import ReplaySource
from imsafe.stream.items import End, Item, Segment
from imsafe.stream.trace_file import TraceWriter
from imsafe.stream.traces import open_trace
from tests.connecting import connected

from .conftest import events_of, normal_calls, process, segment, strange_calls
from .test_view_server import Window

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
linux = pytest.mark.skipif(sys.platform != "linux", reason="ptrace")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "imsafe.cli.monitor", *map(str, arguments)]


def monitor(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=ENVIRONMENT,
        **(options if "input" in options else {"stdin": subprocess.DEVNULL, **options}),
    )


def write_trace(path: Path, items: list[Item]) -> Path:
    first = items[0]
    assert isinstance(first, Segment)
    writer = TraceWriter.create(path, first.meta)
    for item in items[1:]:
        writer.write(item)
    writer.close(End().totals)
    return path


@pytest.fixture
def quiet_trace(tmp_path: Path) -> Path:
    return write_trace(
        tmp_path / "quiet.imt", [segment(), process(), events_of(normal_calls(2000, seed=50))]
    )


@pytest.fixture
def attack_trace(tmp_path: Path) -> Path:
    second = 1_000_000_000
    return write_trace(
        tmp_path / "attack.imt",
        [
            segment(),
            process(),
            events_of(normal_calls(700, seed=51)),
            events_of(strange_calls(60), start_ns=second),
            events_of(normal_calls(700, seed=52), start_ns=2 * second),
        ],
    )


def body(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if not line.startswith("#")]


def test_quiet_and_attack(
    profile_path: Path, quiet_trace: Path, attack_trace: Path, tmp_path: Path
) -> None:
    boxes = tmp_path / "boxes"
    done = monitor("-d", profile_path, "-t", 0.6, "--replay", quiet_trace, "--boxes", boxes)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2,000 calls scored" in done.stdout
    assert " 0 alerts, 0 calls lost." in done.stdout
    assert "worker: 0 % of the calls came in sequences of 6 that were never" in done.stdout
    assert not boxes.exists()

    log = tmp_path / "log"
    done = monitor(
        "-d", profile_path, "-t", 0.6, "--replay", attack_trace, "--boxes", boxes, "-l", log
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "ALERT 1" in done.stdout
    assert "worker (pid 100)" in done.stdout
    data = read_score_log(log)
    assert data.records["score"].max() >= 0.6
    assert data.records["time"][0] == 1_700_000_000.0
    (box,) = boxes.iterdir()
    again = monitor(
        "-d", profile_path, "-t", 0.6, "--replay", box, "--json", "--boxes", tmp_path / "b2"
    )
    assert again.returncode == 1
    objects = [json.loads(line) for line in again.stdout.splitlines()]
    alerts = [o for o in objects if o["type"] == "alert"]
    assert len(alerts) == 1
    assert f"score {alerts[0]['score']:.3f}" in done.stdout
    assert objects[-1]["type"] == "end"
    assert objects[-1]["alerts"] == 1


def test_applications_by_name(profile_path: Path, attack_trace: Path, tmp_path: Path) -> None:
    both = ("--app", f"worker={profile_path}:0.6", "--app", f"other={profile_path}:0.6")
    done = monitor(*both, "--replay", attack_trace, "--boxes", tmp_path / "b")
    assert done.returncode == 1
    done = monitor("--app", f"other={profile_path}:0.6", "--replay", attack_trace)
    assert done.returncode == 0
    assert "1,460 not watched" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-d", "{profile}", "-t", "1.01", "--replay", "{trace}"], "0 to 1"),
        (["-d", "{profile}", "-t", "nan", "--replay", "{trace}"], "0 to 1"),
        (["--app", "a={profile}:-0.1", "--replay", "{trace}"], "0 to 1"),
        (["--app", "a", "--replay", "{trace}"], "NAME=PROFILE"),
        (["--app", "a={profile}:0.5", "--app", "a={profile}", "--replay", "{trace}"], "twice"),
        (["--replay", "{trace}"], "Give a profile"),
        (["-d", "{profile}", "--app", "a={profile}", "--replay", "{trace}"], "Choose one kind"),
        (["-d", "{profile}", "--syslog", "udp:a b", "--replay", "{trace}"], "cannot be found: n"),
        (["-d", "{profile}"], "exactly one"),
        (["-d", "{profile}", "--replay", "{trace}", "--log-keep", "3"], "belong to --log LOG"),
        (["-d", "{profile}", "--replay", "{trace}", "--append"], "belong to --record FILE"),
        (["-d", "{missing}", "--replay", "{trace}"], "missing"),
        (["-d", "{trace}", "--replay", "{trace}"], ""),
        (["-d", "{profile}", "-t", "0.5", "--replay", "{missing}"], "missing"),
        (["-d", "{profile}", "-t", "0.5", "--replay", "{text}"], ""),
        (["-d", "{profile}", "-t", "0.5", "--replay", "{trace}", "-x", "{missing}"], "not a file"),
        (["-d", "{profile}", "-t", "0.5", "--replay", "{trace}", "-x", "{text}"], "chmod"),
        (
            ["-d", "{profile}", "-t", "0.5", "--replay", "{trace}", "-l", "{text}"],
            "not a score log",
        ),
        (["-d", "{profile}", "-t", "0.5", "--replay", "{trace}", "--record", "{text}"], "exists"),
        (
            ["-d", "{profile}", "-t", "0.5", "--replay", "{trace}", "--view", "{text}"],
            "not a socket",
        ),
        (["-d", "{profile}", "-t", "0.5", "--replay", "{trace}", "--boxes", "{text}"], "folder"),
        (["-d", "{profile}", "-t", "0.5", "--", "{missing}"], "missing"),
        (["-d", "{profile}", "-t", "0.5", "--sensor", "{text}"], "not a socket"),
    ],
)
def test_errors_are_one_line_and_status_2(
    profile_path: Path, quiet_trace: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    text = tmp_path / "text"
    text.write_text("\x00\x01 this is nothing\n" * 10)
    names = {
        "profile": profile_path,
        "trace": quiet_trace,
        "missing": tmp_path / "missing",
        "text": text,
    }
    done = monitor(*(argument.format(**names) for argument in arguments))
    assert done.returncode == 2, done
    assert done.stderr.startswith("ims-monitor: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert done.stdout == ""


def test_a_trace_that_is_replayed_is_not_recorded_into(
    profile: Profile, profile_path: Path, quiet_trace: Path, tmp_path: Path
) -> None:
    before = quiet_trace.read_bytes()
    arguments = (
        "-d",
        profile_path,
        "-t",
        0.5,
        "--record",
        quiet_trace,
        "--append",
        "--max-size",
        "1M",
    )
    done = monitor(*arguments, "--replay", quiet_trace, "--boxes", tmp_path / "boxes")
    assert done.returncode == 2
    assert "is the trace that is replayed" in done.stderr

    watched = Watched(1, "worker", str(profile_path), profile, Scorer(profile), 0.5)
    one = Monitor([watched], Options(everything=True, boxes=tmp_path / "boxes"))
    number = one.add_source("replay", ReplaySource(quiet_trace))
    for how in ({"append": True, "replace": False}, {"append": False, "replace": True}):
        with pytest.raises(ImsafeError, match="is the trace that is replayed"):
            one.start_recording(str(quiet_trace), **how)
    one.close_source(number)
    assert quiet_trace.read_bytes() == before

    other = tmp_path / "other.imt"
    one.start_recording(str(other), append=False, replace=False)
    with pytest.raises(SourceError, match="is the trace that is replayed"):
        one.add_source("replay", ReplaySource(other))
    assert one.source_numbers == []
    one.stop_recording()


def test_a_mark_does_not_undo_what_another_program_saved(
    profile: Profile, own_profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(own_profile)
    first = Profile.load(path)
    number = first.mark_normal([events_of(normal_calls(50))], "first")
    first.save(path, replace=True)
    watched = Watched(1, "worker", path, profile, Scorer(profile), 0.5)
    steering = Steering(Monitor([watched], Options(everything=True)))
    undo = Profile.undo_normal

    def undo_while_another_marks(changing: Profile, mark: int) -> None:
        others = Profile.load(path)
        others.mark_normal([events_of(normal_calls(50))], "another's")
        others.save(path, replace=True)
        undo(changing, mark)

    monkeypatch.setattr(Profile, "undo_normal", undo_while_another_marks)
    request = Request(1, "undo-normal", {"mark": number, "application": None})
    refused = steering.do(request)
    steering.waiting.finish()
    assert isinstance(refused, Later)
    assert "worker.db was changed by another program meanwhile" in str(refused.reply)
    assert [mark.note for mark in Profile.load(path).marks] == ["first", "another's"]
    monkeypatch.undo()
    done = steering.do(request)
    steering.waiting.finish()
    assert isinstance(done, Later)
    assert done.reply == {}
    assert [mark.note for mark in Profile.load(path).marks] == ["another's"]


def test_not_learned_enough(quiet_trace: Path, tmp_path: Path) -> None:
    learner = Learner()
    learner.begin_trace("few", "few", segment().meta)
    for pid in (1, 2, 3):
        learner.feed(0, events_of(normal_calls(100), pid=pid))
    learner.end_trace()
    learner.finish().save(tmp_path / "few.db")
    done = monitor("-d", tmp_path / "few.db", "--replay", quiet_trace)
    assert done.returncode == 2
    assert "not learned enough for a threshold" in done.stderr
    assert "give -t" in done.stderr
    assert monitor("-d", tmp_path / "few.db", "-t", 1, "--replay", quiet_trace).returncode in {0, 1}


def learned_from(traces: list[Path], path: Path) -> Path:
    learner = Learner()
    for trace in traces:
        reader = open_trace(trace)
        begun = False
        for stream, item in reader:
            if isinstance(item, Segment):
                if not begun:
                    learner.begin_trace(reader.identity, str(trace), item.meta)
                begun = True
            elif isinstance(item, np.ndarray):
                learner.feed(stream, item)
        learner.end_trace()
        reader.close()
    learner.finish().save(path)
    return path


@linux
def test_live_and_replayed_are_the_same(profile_path: Path, tmp_path: Path) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do ls /etc > /dev/null; cat /etc/passwd > /dev/null; done"
    options = ("-d", profile_path, "-t", 0.5, "--json", "--boxes", tmp_path / "boxes")
    live = monitor(
        *options,
        "-l",
        tmp_path / "live",
        "--record",
        tmp_path / "rec.imt",
        "--",
        "sh",
        "-c",
        script,
    )
    assert live.returncode == 1, live.stderr
    replayed = monitor(*options, "-l", tmp_path / "again", "--replay", tmp_path / "rec.imt")
    assert replayed.returncode == 1
    assert body(tmp_path / "live") == body(tmp_path / "again")
    assert len(body(tmp_path / "live")) >= 17

    def alerts(output: str) -> list[dict[str, Any]]:
        objects = [json.loads(line) for line in output.splitlines()]
        return [o for o in objects if o["type"] == "alert"]

    assert alerts(live.stdout) == alerts(replayed.stdout)
    assert len(alerts(live.stdout)) >= 1
    ends = [json.loads(o.stdout.splitlines()[-1]) for o in (live, replayed)]
    assert {e["calls"] for e in ends} == {ends[0]["calls"]}
    assert ends[0]["calls"] > 1000


@linux
@pytest.mark.parametrize("held", [False, True])
def test_what_the_command_prints_is_not_among_the_reports(profile_path: Path, held: bool) -> None:
    made_up = '{"type": "alert"}'
    reader, writer = os.pipe()
    try:
        # With a pipe that stays open another way is taken to start the command.
        done = monitor(
            *("-d", profile_path, "-t", 1, "--json", "--", "echo", made_up),
            stdin=reader if held else subprocess.DEVNULL,
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()][-1] == "end"
    assert made_up not in done.stdout.splitlines()
    assert done.stderr == made_up + "\n"
    plain = monitor("-d", profile_path, "-t", 1, "--", "echo", made_up)
    assert made_up in plain.stdout.splitlines()
    assert plain.stderr == ""


@linux
def test_a_command_that_behaves_raises_nothing(tmp_path: Path) -> None:
    traces = []
    for number in range(3):
        path = tmp_path / f"{number}.imt"
        done = subprocess.run(
            [sys.executable, "-m", "imsafe.cli.trace", "-o", str(path), "--", "sh", "-c",
             "for i in $(seq 30); do ls / > /dev/null; done"],
            env=ENVIRONMENT, timeout=120, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        traces.append(path)
    profile = learned_from(traces, tmp_path / "ls.db")
    normal = "for i in $(seq 30); do ls / > /dev/null; done"
    done = monitor("-d", profile, "-t", 0.6, "--boxes", tmp_path / "b", "--", "sh", "-c", normal)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    attack = normal + "; exec " + sys.executable + " -c 'import socket; socket.socket()'"
    done = monitor("-d", profile, "-t", 0.6, "--boxes", tmp_path / "b", "--", "sh", "-c", attack)
    assert done.returncode == 1, done.stdout


class Running:
    """A monitor with a view that stays."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.socket = folder / "view"
        self.process = subprocess.Popen(
            command(
                "--view", self.socket, "--json", "--stay", "--boxes", folder / "boxes", *arguments
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        end = time.monotonic() + 60
        while not self.socket.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)

    def wait(self) -> tuple[int, str, str]:
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def own_profile(profile_path: Path, tmp_path: Path) -> Path:
    path = tmp_path / "worker.db"
    path.write_bytes(profile_path.read_bytes())
    return path


@pytest.fixture
def running(own_profile: Path, tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path, "-d", own_profile, "-t", 0.6)
    yield started
    started.kill()


@linux
def test_a_window_steers_it(
    running: Running, own_profile: Path, attack_trace: Path, tmp_path: Path
) -> None:
    with Window(running.socket) as window:
        record = tmp_path / "recorded.imt"
        assert window.ask("record-start", path=str(record)).ok
        assert not window.ask("record-start", path=str(record)).ok
        replay = {"kind": "replay", "trace": str(attack_trace)}
        assert window.ask("add-source", source=replay).ok
        message = window.until(
            lambda m: (
                isinstance(m, AlertMessage) and m.alert["state"] == "closed" and m.alert["box"]
            )
        )
        assert isinstance(message, AlertMessage)
        alert = message.alert
        assert Path(alert["box"]).exists()
        window.until(
            lambda m: (
                isinstance(m, StatusMessage)
                and m.status["sources"] != []
                and m.status["sources"][0]["finished"]
            )
        )
        assert window.ask("record-stop").ok
        calls = [b for m in window.messages if isinstance(m, BucketsMessage) for b in m.buckets]
        assert sum(int(b["calls"]) for b in calls) == 1460

        explained = window.ask("explain", alert=alert["id"]).values["alert"]
        assert explained["calls"] == alert["calls"]

        marked = window.ask("mark-normal", alert=alert["id"])
        assert marked.ok, marked.error
        assert [m.number for m in Profile.load(own_profile).marks] == [marked.values["mark"]]
        assert not window.ask("mark-normal", alert=alert["id"]).ok
        assert window.ask("add-source", source=replay).ok
        window.until(
            lambda m: (
                isinstance(m, StatusMessage)
                and len(m.status["sources"]) == 2
                and all(source["finished"] for source in m.status["sources"])
            )
        )
        status = next(m for m in reversed(window.messages) if isinstance(m, StatusMessage)).status
        assert status["alerts"] == 1, "what was said to be normal raises an alert again"
        assert status["calls"] == 2 * 1460

        assert window.ask("undo-normal", mark=marked.values["mark"]).ok
        assert Profile.load(own_profile).marks == ()
        assert window.ask("add-source", source=replay).ok
        window.until(lambda m: isinstance(m, AlertMessage) and m.alert["id"] == 2)

        assert window.ask("set-threshold", application="made", threshold=0.9).error
        name = status["applications"][0]["name"]
        assert window.ask("set-threshold", application=name, threshold=1.0).ok
        assert window.ask("reload-profile", application=name).ok
        assert not window.ask("reload-profile", application=name, profile=str(attack_trace)).ok
        assert window.ask("close-source").ok
        assert not window.ask("close-source", source=99).ok
        assert window.ask("stop").ok
    code, _, errors = running.wait()
    assert (code, errors) == (1, "")
    assert not running.socket.exists()
    recorded = [item for _, item in open_trace(record)]
    assert sum(len(i) for i in recorded if isinstance(i, np.ndarray)) == 1460


@linux
def test_it_ends_with_the_window_that_started_it(running: Running) -> None:
    time.sleep(0.3)
    assert running.process.poll() is None
    code, output, errors = running.wait()  # closes its standard input
    assert (code, errors) == (0, "")
    assert json.loads(output.splitlines()[-1])["type"] == "end"


@linux
def test_a_script_whose_pipe_is_closed_gets_everything(
    profile_path: Path, quiet_trace: Path
) -> None:
    arguments = ("-d", profile_path, "-t", 1, "--json", "--replay", quiet_trace)
    done = monitor(*arguments, input="")
    assert json.loads(done.stdout.splitlines()[-1])["calls"] == 2000
    ended = monitor(*arguments, "--until-stdin-closes", "--speed", "recorded", input="")
    assert ended.returncode == 0
    assert json.loads(ended.stdout.splitlines()[-1])["calls"] < 2000


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_order(
    profile_path: Path, tmp_path: Path, number: signal.Signals
) -> None:
    sensor = tmp_path / "sensor"
    log = tmp_path / "log"
    process = subprocess.Popen(
        command("-d", profile_path, "-t", 0.5, "--sensor", sensor, "-l", log),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=ENVIRONMENT,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not sensor.exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGHUP)
    assert process.stderr is not None
    assert "was read again" in process.stderr.readline()
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors == ""
    assert "0 calls scored" in output
    assert log.read_text().splitlines()[-1].startswith("# 0 calls scored")
    assert not sensor.exists()


@linux
def test_actions_are_started(profile_path: Path, attack_trace: Path, tmp_path: Path) -> None:
    program = tmp_path / "act"
    program.write_text(f'#!/bin/sh\necho "$IMSAFE_APPLICATION $IMSAFE_PID" > {tmp_path}/acted\n')
    program.chmod(0o755)
    done = monitor(
        "-d", profile_path, "-t", 0.6, "--replay", attack_trace, "-x", program,
        "--boxes", tmp_path / "b",
    )  # fmt: skip
    assert done.returncode == 1
    end = time.monotonic() + 10
    while not (tmp_path / "acted").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert (tmp_path / "acted").read_text() == "worker 100\n"


@linux
def test_garbage_on_the_sensor_socket_is_said_and_is_status_2(
    profile_path: Path, tmp_path: Path
) -> None:
    sensor = tmp_path / "sensor"
    process = subprocess.Popen(
        command("-d", profile_path, "-t", 0.5, "--sensor", sensor),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=ENVIRONMENT,
    )  # fmt: skip
    for _ in range(3):
        with connected(sensor) as bad:
            bad.sendall(b"GET / HTTP/1.0\r\n\r\n")
            bad.settimeout(30)
            assert bad.recv(1) == b""  # the monitor has parted
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert len(errors.splitlines()) == 3
    for line in errors.splitlines():
        assert "is not a valid ImSafe stream" in line
        assert f"rocess {os.getpid()}" in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_under_its_output_does_not_end_it(profile_path, attack_trace, tmp_path) -> None:
    log = tmp_path / "scores.log"
    words = ["-d", profile_path, "-t", "0.6", "-l", log, "--replay", attack_trace]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "imsafe.cli.monitor", *map(str, words)],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=100,
        )  # fmt: skip
    assert done.stderr == (
        "ims-monitor: Cannot write standard output: no space left on device. The monitor goes on.\n"
    )
    assert done.returncode == 1  # there was an alert
    assert "1 alert" in log.read_text().splitlines()[-2]


def test_a_reader_that_goes_away_leaves_the_status(profile_path, attack_trace) -> None:
    words = ["-d", profile_path, "-t", "0.6", "--replay", attack_trace]
    command = [sys.executable, "-m", "imsafe.cli.monitor", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(100) == 1
