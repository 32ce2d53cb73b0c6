# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs share: arguments, one line for an error, how they are asked to end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imsafe.cli.common import (
    FAILED,
    OK,
    Parser,
    Progress,
    add_source_options,
    command_of,
    pid,
    positive_number,
    run,
    size,
    sources_from,
    threshold,
)
from imsafe.errors import ImsafeError
from imsafe.sources.replay import ReplaySource
from imsafe.sources.sensor import SensorSource
from imsafe.sources.tracer_process import TracerProcess


def _parsed(*words: str) -> argparse.Namespace:
    parser = Parser("ims-test", "A test.", "  none")
    parser.add_argument("-o", "--output")
    add_source_options(parser)
    return parser.parse_args(words)


def _refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        _parsed(*words)
    assert caught.value.code == FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("\n")
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("ims-test: ")
    return captured.err


# -- arguments -------------------------------------------------------------------------


def test_options_stand_before_the_dashes_and_the_command_behind() -> None:
    args = _parsed("-o", "a.imt", "--full", "--", "ls", "-o", "x", "--full", "--", "-p", "1")
    assert args.output == "a.imt"
    assert args.full
    assert args.pid is None
    assert command_of(args) == ["ls", "-o", "x", "--full", "--", "-p", "1"]


def test_without_dashes_there_is_no_command() -> None:
    args = _parsed("--replay", "a.imt", "--speed", "2.5")
    assert command_of(args) == []
    assert args.speed == 2.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ls", "-l"], "unexpected argument 'ls': a command stands after --"),
        (["-o", "a.imt", "trace.imt"], "unexpected argument 'trace.imt'"),
        (["trace.imt", "-o", "a.imt"], "unexpected argument 'trace.imt'"),
        (["stray", "--", "ls"], "unexpected argument 'stray'"),
        (["--"], "no command after --"),
        (["--", ""], "no command after --"),
        (["-o", ""], "argument -o/--output: it is empty"),
        (["--replay", ""], "argument --replay: it is empty"),
        (["--driver", ""], "argument --driver: it is empty"),
        (["-o", "--", "ls"], "expected one argument"),
        (["--sens", "x"], "unrecognized arguments: --sens"),
        (["--ful", "--", "ls"], "unrecognized arguments: --ful"),
        (["-p", "x"], "'x' is not a process number"),
        (["-p", "9" * 5000], "process number"),
        (["--speed", "nan", "--replay", "x"], "'nan' is not a number above 0"),
        (["--format", "pcap"], "invalid choice: 'pcap'"),
        (["--duration", "-1"], "not a number above 0"),
        (["--max-size", "K"], "not a number above 0"),
        (["evil\n\x1b[31m\udcff"], "unexpected argument"),
    ],
)
def test_a_wrong_argument_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    line = _refused(capsys, *words)
    assert said in line
    assert line[:-1].isprintable()
    assert line.endswith("(see ims-test --help)\n")


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--help", "--version"):
        with pytest.raises(SystemExit) as caught:
            _parsed(option)
        assert caught.value.code == OK
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("4096", 4096), ("2k", 2048), ("1.5M", 3 << 19), ("2T", 2 << 40)]
)
def test_sizes(text: str, value: int) -> None:
    assert size(text) == value


@pytest.mark.parametrize("text", ["", "G", "-1", "0", "nan", "inf", "1e999", "1X", "1 000"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        size(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(pid, ""), (pid, "0"), (pid, "-1"), (pid, "+1"), (pid, "١"), (pid, "1.0"), (pid, "4194304"),
     (positive_number, "x"), (positive_number, "0"), (positive_number, "-inf"),
     (threshold, "x"), (threshold, "nan"), (threshold, "-0.1"), (threshold, "1.1")],
)  # fmt: skip
def test_what_is_no_number(kind: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        kind(text)


# -- sources ---------------------------------------------------------------------------


def test_each_kind_of_source(tmp_path: Path) -> None:
    (replay,) = sources_from(_parsed("--replay", "a.imt", "--speed", "recorded"))
    assert isinstance(replay, ReplaySource)
    sensors = sources_from(_parsed("--sensor", str(tmp_path / "a"), "--sensor", "b"))
    assert [type(source) for source in sensors] == [SensorSource, SensorSource]
    for words in (["-p", str(os.getpid())], ["--full", "--", "true"]):
        (source,) = sources_from(_parsed(*words))
        assert isinstance(source, TracerProcess)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "exactly one kind of source"),
        (["--replay", "a", "--", "ls"], "exactly one kind of source"),
        (["--sensor", "a", "-p", "1"], "exactly one kind of source"),
        (["--driver", "sshd", "--replay", "a"], "exactly one kind of source"),
        (["--driver", "a/b"], "base name"),
        (["--path", "sshd"], "full path"),
        (["--ring-size", "1M", "--replay", "x"], "--ring-size belongs to --driver NAME"),
        (["--speed", "2", "--format", "adfa", "-p", "1"], "--speed and --format belong to --rep"),
        (["--allow-user", "root", "--replay", "x"], "--allow-user belongs to --sensor SOCKET\\.$"),
        (["--full", "--sensor", "x"], "--full belongs to -- COMMAND or -p PID"),
        (["--no-follow-exec", "--replay", "x"], "--no-follow-exec belongs to --driver NAME or"),
    ],
)
def test_not_one_kind_of_source(words: list[str], said: str) -> None:
    with pytest.raises(ImsafeError, match=said):
        sources_from(_parsed(*words))


# -- how programs end ------------------------------------------------------------------


def _fails(error: BaseException) -> Callable[[], int]:
    def body() -> int:
        raise error

    return body


def test_an_error_of_the_user_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ims-test", _fails(ImsafeError("Line one\nline two\x1b[2J\x07."))) == FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "ims-test: Line one line two\\x1b[2J\\x07.\n"


def test_bytes_of_a_name_that_are_no_text_are_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ims-test", _fails(ImsafeError("Cannot read \udcff\udcfe."))) == FAILED
    assert capsys.readouterr().err == "ims-test: Cannot read \\xff\\xfe.\n"


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ims-test", _fails(KeyboardInterrupt())) == FAILED
    assert capsys.readouterr().err == "ims-test: interrupted.\n"


def test_a_bug_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        run("ims-test", _fails(ZeroDivisionError()))


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_status_is_the_bodys(status: int) -> None:
    assert run("ims-test", lambda: status) == status


def _python(program: str, **options: object) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "import sys, time\nfrom imsafe.cli.common import *\n" + program,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = "def body():\n    while True: print('x' * 1000)\nsys.exit(run('ims-test', body))\n"
    with _python(program) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(100)
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(30) == OK


STOP = (
    "stop = Stop(watch_stdin={})\n"
    "print('ready', flush=True)\n"
    "while not stop: time.sleep(0.01)\n"
    "print('saved')\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_to_end(number: int) -> None:
    with _python(STOP.format(False), stdin=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        assert child.stdout.read() == b"saved\n"
        assert child.wait(30) == 0


def test_a_window_that_is_gone_asks_to_end() -> None:
    with _python(STOP.format(True), stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.stdin.write(b"anything\n")
        child.stdin.flush()
        time.sleep(0.1)
        assert child.poll() is None
        child.stdin.close()
        assert child.stdout.read() == b"saved\n"
        assert child.wait(30) == 0


def test_progress_is_quiet_in_a_pipe_and_objects_with_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet = Progress()
    quiet.show(0.5, "half")
    quiet.show(1, "all")
    quiet.done()
    assert capsys.readouterr() == ("", "")
    told = Progress(as_json=True)
    for step in range(100):
        told.show(step / 100, "learning\n")
    told.show(1, "done", nodes=5)
    told.done()
    captured = capsys.readouterr()
    assert captured.err == ""
    objects = [json.loads(line) for line in captured.out.splitlines()]
    assert objects[-1] == {"type": "progress", "progress": 1, "text": "done", "nodes": 5}
    assert objects[0]["progress"] == 0
    assert len(objects) < 50


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
NO_SPACE = b"ims-test: Cannot write standard output: no space left on device.\n"


@FULL
@pytest.mark.parametrize(("size", "status", "ended"), [(5, 0, 2), (5, 1, 1), (100_000, 1, 2)])
def test_output_that_cannot_be_written_is_told(size: int, status: int, ended: int) -> None:
    program = f"def body():\n    print('x' * {size})\n    return {status}\n"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c",
             f"import sys\nfrom imsafe.cli.common import run\n{program}"
             "sys.exit(run('ims-test', body))"],
            stdout=full, stderr=subprocess.PIPE, check=False, timeout=60,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert (done.stderr, done.returncode) == (NO_SPACE, ended)


@pytest.mark.skipif(os.name != "posix", reason="descriptors are a matter of POSIX")
def test_closed_streams_lead_to_nowhere(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\nfrom imsafe.cli.common import run\n"
        "def body():\n"
        "    file = open(sys.argv[1], 'w')\n"
        "    print(file.fileno() > 2, sys.stdin.read(), file=file, flush=True)\n"
        "    print('to nobody')\n"
        "    subprocess.run(['sh', '-c', 'echo to nobody; echo to nobody >&2'], check=True)\n"
        "    return 0\n"
        "sys.exit(run('ims-test', body))\n"
    )
    line = '"$0" -c "$1" "$2" <&- >&- 2>&-'
    command = ["sh", "-c", line, sys.executable, program, str(tmp_path / "file")]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    assert (tmp_path / "file").read_text() == "True \n"


@pytest.mark.skipif(os.name != "posix", reason="signals are a matter of POSIX")
@pytest.mark.parametrize(
    ("loaded", "said", "status"),
    [("", b"", -signal.SIGINT), ("run('ims-x', body)", b"ims-x: interrupted.\n", 2)],
)
def test_ctrl_c_while_a_program_is_loaded(loaded: str, said: bytes, status: int) -> None:
    program = (
        "import os, signal, sys\nsys.argv[0] = 'ims-x'\nfrom imsafe.cli.common import run\n"
        "def body():\n    os.kill(os.getpid(), signal.SIGINT)\n    return 0\n"
        f"sys.exit({loaded or 'body()'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, check=False, timeout=60
    )
    assert (done.stderr, done.returncode) == (said, status)
