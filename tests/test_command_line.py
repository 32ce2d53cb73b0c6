# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs share: how they end, which source is meant, how progress is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from imsafe.cli.common import (
    Parser,
    Progress,
    add_source_options,
    command_of,
    run,
    size,
    sources_from,
)
from imsafe.errors import ImsafeError
from imsafe.sources.base import Source
from imsafe.sources.kernel import KernelSource
from imsafe.sources.replay import ReplaySource


def _parser() -> Parser:
    parser = Parser("ims-test", "A program of the tests.", "  ims-test -- true\n")
    add_source_options(parser)
    return parser


def _sources(*words: str) -> list[Source]:
    return sources_from(_parser().parse_args(words))


def test_a_replay_with_its_options() -> None:
    (source,) = _sources("--replay", "a.imt", "--speed", "2.5", "--format", "strace")
    assert isinstance(source, ReplaySource)
    assert source.name == "a.imt"


@pytest.mark.skipif(sys.platform != "linux", reason="sockets and ptrace of Linux")
def test_the_other_kinds() -> None:
    from imsafe.sources.sensor import SensorSource
    from imsafe.sources.tracer_process import TracerProcess

    sensors = _sources("--sensor", "/tmp/a", "--sensor", "/tmp/b", "--allow-user", "root")
    assert [type(source) for source in sensors] == [SensorSource, SensorSource]
    assert [type(source) for source in _sources("-p", "1", "-p", "2")] == [TracerProcess]
    assert [type(source) for source in _sources("--full", "--", "true")] == [TracerProcess]


def test_everything_after_two_dashes_is_the_command() -> None:
    args = _parser().parse_args(["--full", "--", "ls", "--full", "--", "-l", "--pid"])
    assert command_of(args) == ["ls", "--full", "--", "-l", "--pid"]
    assert args.full
    assert args.pid is None


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--sensor", "/tmp/a", "--replay", "b"],
        ["-p", "1", "--", "true"],
        ["--replay", "a", "-p", "1"],
    ],
)
def test_exactly_one_kind_of_source(words: list[str]) -> None:
    with pytest.raises(ImsafeError, match="exactly one kind of source"):
        _sources(*words)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--driver", "sshd"], "sshd"),
        (["--driver", "sshd", "--driver", "nginx", "--not-yet-started"], "sshd, nginx"),
        (["--path", "/usr/sbin/sshd", "--ring-size", "16M"], "sshd"),
        (["--unit", "ssh.service", "--cgroup", "/sys/fs/cgroup/a"], "ssh, a"),
        (["--driver-pid", "1", "--simulate-loss", "7", "--no-follow-exec"], "process 1"),
    ],
)
def test_the_kernel_tracer(words: list[str], name: str) -> None:
    (source,) = _sources(*words)
    assert isinstance(source, KernelSource)
    assert source.name == name


def test_options_of_the_driver_without_it() -> None:
    with pytest.raises(ImsafeError, match="belongs to --driver"):
        _sources("--ring-size", "1M", "--", "true")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["trace.imt"], "unexpected argument 'trace.imt': a command stands after --"),
        (["--replay", "a", "b", "--full"], "unexpected argument 'b'"),
        (["--"], "no command after --"),
        (["-p", "0"], "'0' is not a process number"),
        (["-p", "99999999"], "is not a process number"),
        (["--replay", "a", "--speed", "fast"], "'fast' is not a number above 0"),
        (["--replay", "a", "--speed", "-1"], "argument --speed"),
        (["--replay", "a", "--speed", "inf"], "'inf' is not a number above 0"),
        (["--duration", "nan", "--", "true"], "'nan' is not a number above 0"),
        (["--max-size", "much", "--", "true"], "--max-size"),
        (["--no-such-option", "--", "true"], "--no-such-option"),
        (["--sens=/tmp/a"], "--sens"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(words)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("ims-test: ")
    assert complaint in printed.err
    assert printed.err.count("\n") == 1


def test_sizes() -> None:
    assert size("1000") == 1000
    assert size("1.5K") == 1536
    assert size("4g") == 4 << 30


def test_run_says_an_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise ImsafeError("The file a\nb\x1b[31m\udcff is bad.")

    assert run("ims-test", fail) == 2
    assert capsys.readouterr().err == "ims-test: The file a b\\x1b[31m\\xff is bad.\n"
    assert run("ims-test", lambda: 1) == 1


def test_run_lets_bugs_through() -> None:
    with pytest.raises(ZeroDivisionError):
        run("ims-test", lambda: 1 // 0)


def test_run_survives_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert run("ims-test", interrupted) == 2
    assert capsys.readouterr().err == "ims-test: interrupted.\n"


def _child(body: str, **options: object) -> subprocess.Popen[bytes]:
    program = (
        "import sys, time\nfrom imsafe.cli.common import Stop, Progress, run, emit\n"
        f"def body():\n{body}\nsys.exit(run('ims-test', body))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("size_of_output", [1, 100_000])
def test_a_reader_that_goes_away_is_no_error(size_of_output: int) -> None:
    with _child(f"    time.sleep(0.5)\n    print('x' * {size_of_output})\n    return 0") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.wait(30) == 0
        assert child.stderr.read() == b""


WAIT = """
    stop = Stop(watch_stdin=True)
    emit({"ready": True})
    for _ in range(3000):
        if stop:
            emit({"saved": True})
            return 0
        time.sleep(0.01)
    return 5
"""


@pytest.mark.parametrize("how", ["stdin", "SIGTERM", "SIGINT"])
def test_what_asks_a_child_of_the_window_to_stop(how: str) -> None:
    if how != "stdin" and os.name != "posix":
        pytest.skip("signals of POSIX")
    with _child(WAIT) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == {"ready": True}
        if how == "stdin":
            child.stdin.close()
        else:
            child.send_signal(getattr(signal, how))
        assert child.wait(30) == 0
        assert json.loads(child.stdout.readline()) == {"saved": True}


def test_progress_is_quiet_in_a_pipe_and_objects_with_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet = Progress()
    quiet.show(0.5, "half")
    quiet.done()
    assert capsys.readouterr() == ("", "")
    loud = Progress(as_json=True)
    loud.show(0.25, "a quarter", calls=7)
    loud.show(0.26, "too soon")
    loud.show(1.0, "done")
    loud.done()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["progress"], line["text"]) for line in lines] == [
        (0.25, "a quarter"),
        (1.0, "done"),
    ]
    assert lines[0]["calls"] == 7


def test_version_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for option, expected in (("--version", "ims-test 1."), ("--help", "examples:\n  ims-test")):
        with pytest.raises(SystemExit) as ended:
            _parser().parse_args([option])
        assert ended.value.code == 0
        assert expected in capsys.readouterr().out
