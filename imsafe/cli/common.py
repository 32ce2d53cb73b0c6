# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs share: how they end, which source they read, how they show progress."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import select
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill
from types import FrameType
from typing import Any, NoReturn, TextIO

import imsafe
from imsafe.errors import ImsafeError, OutputError
from imsafe.files import forget_output
from imsafe.sources.base import FromFile, Source

OK, ALERTED, FAILED = 0, 1, 2
"""Exit status: nothing abnormal; at least one alert; an error, said in one line."""


class Parser(argparse.ArgumentParser):
    """Arguments of one program; a mistake in them is one line and status 2."""

    def __init__(self, program: str, description: str, examples: str) -> None:
        super().__init__(
            prog=program,
            description=fill(description[:1].upper() + description[1:], 79),
            epilog="examples:\n" + examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.register("type", None, _not_empty)  # of each argument that names no other
        self.add_argument("--version", action="version", version=f"%(prog)s {imsafe.__version__}")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, in one line."""
        self.exit(FAILED, f"{self.prog}: {_one_line(message)} (see {self.prog} --help)\n")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; what stands after the first ``--`` is the command, and nothing else is.

        A forgotten ``--replay`` must not start the trace as a program.
        """
        words = list(sys.argv[1:] if args is None else args)
        if not any(action.dest == "command" for action in self._actions):
            return super().parse_known_args(words, namespace)
        cut = words.index("--") if "--" in words else len(words)
        parsed, unknown = super().parse_known_args(words[:cut], namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        if parsed.command:
            self.error(f"unexpected argument {parsed.command[0]!r}: a command stands after --")
        parsed.command = words[cut + 1 :]
        if cut < len(words) and not any(parsed.command[:1]):
            self.error("there is no command after --")
        return parsed, unknown


def _not_empty(text: str) -> str:
    """A name; an empty one is that of a variable that was never set, not of this folder."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def a_file(text: str) -> str:
    """The type of an option whose file is no stream: ``-`` would be one of that name."""
    if text == "-":
        raise argparse.ArgumentTypeError("this cannot be standard output; name a file")
    return _not_empty(text)


def _one_line(text: str) -> str:
    """Text that may come from a file or a peer, without line breaks and control characters."""
    return "".join(c if c.isprintable() else _visible(c) for c in text).strip()


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is no text
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def run(program: str, body: Callable[[], int]) -> int:
    """Run a program's body; turn what a user can cause into one line and status 2."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see this package's __init__
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _prepare_streams()
    status = FAILED
    try:
        status = body()
        sys.stdout.flush()  # here, where a failure can be told
    except ImsafeError as error:
        say(program, str(error))
        status = status or FAILED
    except BrokenPipeError:
        # The reader (head, less) has gone: not our error, and it has not changed a status.
        forget_output()
        return OK if status == FAILED else status
    except KeyboardInterrupt:
        say(program, "interrupted.")
    with suppress(BrokenPipeError):
        try:
            sys.stdout.flush()
            return status
        except OutputError:
            pass  # said already, or after another error that mattered more
    forget_output()
    return status


class _Output(io.FileIO):
    """Standard output whose errors are told as such, whoever prints."""

    def write(self, octets: Any) -> int | None:  # type: ignore[override]
        """Write; a reader that has gone stays a BrokenPipeError."""
        try:
            return super().write(octets)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from error


def _prepare_streams() -> None:
    """Make errors of standard output ours, and closed streams lead to nowhere.

    A file that is opened later would else be standard output, for us and our children.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115
            os.set_inheritable(opened.fileno(), True)
            setattr(sys, name, opened)
    old = sys.stdout
    # Not what a test, another program or the lines above have put in place.
    if old is sys.__stdout__ and isinstance(old, io.TextIOWrapper):
        old.flush()
        ours = _Output(old.fileno(), "wb", closefd=False)
        sys.stdout = io.TextIOWrapper(
            ours if isinstance(old.buffer, io.FileIO) else io.BufferedWriter(ours),  # as python -u
            encoding=old.encoding,
            # A watched program chooses its name: no letter of it may end our output.
            errors="backslashreplace" if old.errors == "strict" else old.errors,
            line_buffering=bool(old.line_buffering),
            write_through=old.write_through,
        )


def say(program: str, text: str) -> None:
    """Say an error or a warning: one line on standard error."""
    with suppress(OSError):  # of a full disk, say; there is nowhere to say that
        print(f"{program}: {_one_line(text)}", file=sys.stderr, flush=True)


def status_of(program: str, traces: Iterable[object]) -> int:
    """Say what was wrong with traces that were read, a line each; the exit status that makes.

    Parameters
    ----------
    traces
        Those, or the sources that replayed them; other sources are passed over.

    Returns
    -------
    int
        `FAILED` if one was cut short, though all that is whole of it was used; else `OK`.
    """
    read = [trace for trace in traces if isinstance(trace, FromFile)]
    for warning in warnings_of(read):
        say(program, warning)
    return FAILED if any(trace.cut_short for trace in read) else OK


def warnings_of(traces: Iterable[object]) -> list[str]:
    """What was wrong with traces that were read, in words."""
    read = [trace for trace in traces if isinstance(trace, FromFile)]
    return [warning for trace in read for warning in trace.warnings]


def _is_channel(stream: TextIO | None) -> bool:
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream is not None else 0
    except OSError:  # a stand-in without a descriptor too
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class Stop:
    """Whether somebody asked the program to end: Ctrl-C, SIGTERM, or its window gone.

    Parameters
    ----------
    watch_stdin
        End when standard input closes, if it is a pipe or a socket; for
        children of the window, which signals cannot always reach.  (A script's
        /dev/null is at its end from the beginning, and asks for nothing.)
    """

    def __init__(self, *, watch_stdin: bool = False) -> None:
        self._asked = False
        self._signals: list[int] = []
        watch_stdin = watch_stdin and _is_channel(sys.stdin)
        self._watch_stdin = watch_stdin and os.name == "posix"
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if watch_stdin and not self._watch_stdin:
            # Windows cannot select on a pipe; a thread that waits in read() is all it offers.
            threading.Thread(target=self._wait_for_end, name="stdin", daemon=True).start()

    def _wait_for_end(self) -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        self._asked = True

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def take_signals(self) -> list[int]:
        """The signals so far, for somebody else to obey: they ask for nothing any more."""
        signals, self._signals = self._signals, []
        return signals

    def __bool__(self) -> bool:
        if self._watch_stdin and not self._asked:
            descriptor = sys.stdin.fileno()
            if select.select([descriptor], [], [], 0)[0] and not os.read(descriptor, 4096):
                self._asked = True
        return self._asked or bool(self._signals)


class Progress:
    """Shows how far long work has come: a line on a terminal, objects with --json, else nothing."""

    _INTERVAL_S = 0.1

    def __init__(self, *, as_json: bool = False) -> None:
        self._json = as_json
        self._terminal = not as_json and sys.stderr.isatty()
        self._last = 0.0

    def show(self, fraction: float, text: str = "", **more: Any) -> None:
        """Say that `fraction` (0 to 1) is done; calls that come too fast are passed over."""
        now = time.monotonic()
        if now - self._last < self._INTERVAL_S and fraction < 1:
            return
        self._last = now
        if self._json:
            emit({"type": "progress", "progress": round(fraction, 4), "text": text, **more})
        elif self._terminal:
            print(f"\r\x1b[K{fraction:4.0%} {_one_line(text)}"[:200], end="", file=sys.stderr)
            sys.stderr.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._terminal and self._last:
            print("\r\x1b[K", end="", file=sys.stderr)
            sys.stderr.flush()


def emit(fields: dict[str, Any]) -> None:
    """Print one JSON object on a line of its own, at once."""
    print(json.dumps(fields), flush=True)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add SOURCE: what is to be watched or recorded."""
    group = parser.add_argument_group("source (exactly one kind)")
    group.add_argument(
        "--driver",
        metavar="NAME",
        action="append",
        help="programs of this name, by the kernel tracer (repeatable)",
    )
    group.add_argument(
        "--sensor", metavar="SOCKET", action="append", help="listen for sensors (repeatable)"
    )
    group.add_argument("--replay", metavar="TRACE", help="a recorded trace")
    group.add_argument(
        "-p", "--pid", metavar="PID", action="append", type=pid, help="a process (repeatable)"
    )
    group.add_argument(
        "--source",
        metavar="NAME[:WHAT]",
        action="append",
        help="a source that another package adds (repeatable)",
    )
    group.add_argument("command", metavar="-- CMD ARGS", nargs=argparse.REMAINDER, help="a command")
    _add_driver_options(group)
    options = parser.add_argument_group("source options")
    options.add_argument(
        "--speed", metavar="S", type=_speed, default="full", help="full, recorded, or a factor"
    )
    options.add_argument(
        "--format",
        metavar="F",
        default="auto",
        choices=("auto", "imsafe", "strace", "unm", "adfa"),
        help="of the replayed trace: auto, imsafe, strace, unm or adfa",
    )
    options.add_argument(
        "--full",
        action="store_true",
        help="two stops a call: sees what the program's filter denies",
    )
    options.add_argument(
        "--no-follow-exec", action="store_true", help="a process leaves when it runs a new program"
    )
    options.add_argument(
        "--allow-user",
        metavar="USER",
        action="append",
        default=[],
        help="who may connect, beside you and root (repeatable)",
    )
    options.add_argument(
        "--allow-group",
        metavar="GROUP",
        action="append",
        default=[],
        help="whose members may connect (repeatable)",
    )
    options.add_argument(
        "--duration", metavar="SECONDS", type=positive_number, help="end after so long"
    )
    options.add_argument(
        "--max-size", metavar="BYTES", type=size, help="stop recording at this size (K, M, G, T)"
    )


def _add_driver_options(group: argparse._ArgumentGroup) -> None:
    for option, metavar, what in (
        ("--path", "EXE", "the program of this full path"),
        ("--unit", "UNIT", "the processes of this systemd unit"),
        ("--cgroup", "DIR", "those of this control group, a folder in /sys/fs/cgroup"),
        ("--driver-pid", "PID", "this process and its children"),
    ):
        text = f"{what}, by the kernel tracer (repeatable)"
        group.add_argument(option, metavar=metavar, action="append", default=[], help=text)
    group.add_argument(
        "--not-yet-started", action="store_true", help="with the kernel tracer: only new processes"
    )
    group.add_argument(
        "--device", metavar="SOCKET", default="auto", help="a kernel tracer that listens here"
    )
    group.add_argument(
        "--ring-size",
        metavar="BYTES",
        type=size,
        help="kernel tracer's buffer (K, M, G; 4M a processor)",
    )
    group.add_argument(
        "--simulate-loss", metavar="N", type=int, help="lose and count one call in N (for tests)"
    )


def pid(text: str) -> int:
    """A process number."""
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:10]) < 1 << 22:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a process number")
    return int(text)


def any_number(text: str) -> float:
    """A number; nan for what is none, which lies in no range."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def threshold(text: str) -> float:
    """A threshold, 0 to 1."""
    value = any_number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a threshold is a number from 0 to 1, not {text!r}")
    return value


def positive_number(text: str) -> float:
    """A number above zero."""
    value = any_number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def size(text: str) -> int:
    """A number of bytes, with K, M, G or T for powers of 1024."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}.get(text[-1:].upper())
    return int(positive_number(text[:-1]) * factor) if factor else int(positive_number(text))


def _speed(text: str) -> str | float:
    return text if text in {"full", "recorded"} else positive_number(text)


def command_of(args: argparse.Namespace) -> list[str]:
    """The command after ``--``."""
    command: list[str] = args.command
    return command


def driver_targets(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Kind and value of each thing that the kernel tracer shall follow."""
    given = {
        "name": args.driver,
        "path": args.path,
        "unit": args.unit,
        "cgroup": args.cgroup,
        "pid": args.driver_pid,
    }
    return [(kind, value) for kind, values in given.items() for value in values or ()]


def _kernel_source(
    args: argparse.Namespace, targets: list[tuple[str, str]], *, recording: bool
) -> Source:
    from imsafe.sources.kernel import KernelSource  # noqa: PLC0415
    from imsafe.sources.kernel_request import (  # noqa: PLC0415
        DEFAULT_RING,
        KernelRequest,
        Target,
    )

    request = KernelRequest(
        tuple(Target(kind, value) for kind, value in targets),  # type: ignore[arg-type]
        follow_exec=not args.no_follow_exec,
        not_yet_started=args.not_yet_started,
        ring_size=DEFAULT_RING if args.ring_size is None else args.ring_size,
        simulate_loss=args.simulate_loss or 0,
        recording=recording,
    )
    # A window can wait for a password, and shows so; a terminal has nothing else to do.
    return KernelSource(request, args.device, wait=not getattr(args, "stay", False))


_BELONGING: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    (
        {"not_yet_started": False, "device": "auto", "ring_size": None, "simulate_loss": None},
        {"driver": "--driver NAME (or --path, --unit, --cgroup, --driver-pid)"},
    ),
    ({"speed": "full", "format": "auto"}, {"replay": "--replay TRACE"}),
    ({"allow_user": [], "allow_group": []}, {"sensor": "--sensor SOCKET", "view": "--view SOCKET"}),
    ({"full": False}, {"command": "-- COMMAND", "pid": "-p PID"}),
    (
        {"no_follow_exec": False},
        {"driver": "--driver NAME", "command": "-- COMMAND", "pid": "-p PID"},
    ),
)
"""Options, with what they are if not given, and the sources they are for."""


def _check_belonging(args: argparse.Namespace, given: list[str]) -> None:
    """Refuse options that would do nothing."""
    if getattr(args, "view", None):
        given = [*given, "view"]
    for options, kinds in _BELONGING:
        idle = [option for option, default in options.items() if getattr(args, option) != default]
        if idle and not set(given) & set(kinds):
            names = " and ".join("--" + option.replace("_", "-") for option in idle)
            whose = " or ".join(words for kind, words in kinds.items() if kind in {*vars(args)})
            raise ImsafeError(f"{names} belong{'s' * (len(idle) == 1)} to {whose}.")


def sources_from(args: argparse.Namespace, *, recording: bool = False) -> list[Source]:
    """The sources that the arguments name, not yet opened.

    Parameters
    ----------
    recording
        Nobody looks at the calls as they come.

    Raises
    ------
    ImsafeError
        None is named, or two kinds are.
    """
    command = command_of(args)
    driver = driver_targets(args)
    kinds = {
        "driver": driver,
        "sensor": args.sensor,
        "replay": args.replay,
        "pid": args.pid,
        "source": args.source,
        "command": command,
    }
    given = [kind for kind, values in kinds.items() if values]
    _check_belonging(args, given)
    if len(given) != 1:
        raise ImsafeError(
            "Name exactly one kind of source: --driver NAME, --sensor SOCKET, --replay TRACE,"
            " -p PID, --source NAME or -- COMMAND (see --help)."
        )
    if driver:
        return [_kernel_source(args, driver, recording=recording)]
    # Imported here: a program that replays needs neither sockets nor ptrace, which
    # Windows and macOS do not have.
    if args.sensor:
        from imsafe.sources.sensor import SensorSource  # noqa: PLC0415

        return [SensorSource(path, args.allow_user, args.allow_group) for path in args.sensor]
    if args.replay:
        from imsafe.sources.replay import ReplaySource  # noqa: PLC0415

        return [ReplaySource(args.replay, args.format, args.speed)]
    if args.source:
        from imsafe.sources.plugins import plugin_source  # noqa: PLC0415

        return [plugin_source(text) for text in args.source]
    from imsafe.sources.tracer_process import TracerProcess  # noqa: PLC0415

    return [
        TracerProcess(
            argv=command or None,
            pids=args.pid or (),
            full=args.full,
            follow_exec=not args.no_follow_exec,
        )
    ]
