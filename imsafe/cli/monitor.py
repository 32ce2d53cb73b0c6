# SPDX-License-Identifier: GPL-3.0-or-later
"""ims-monitor: watches applications with their profiles, and raises alerts."""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

from imsafe.cli import common
from imsafe.cli.service_config import ServiceConfig, found_file
from imsafe.errors import ImsafeError
from imsafe.files import mode_of
from imsafe.monitor.actions import check_program, is_the_journal
from imsafe.monitor.box_store import check_folder
from imsafe.monitor.modes import learned_follow_exec, learned_full
from imsafe.monitor.monitor import Monitor
from imsafe.monitor.options import Options, Wanted
from imsafe.monitor.outputs import Outputs
from imsafe.monitor.watched import Watched
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.profile.warm_up import warm_up
from imsafe.sources.base import Source

PROGRAM = "ims-monitor"

_EXAMPLES = """\
  ims-monitor -d vsftpd.db --sensor /tmp/imsensor        wait for sensors, judge what they send
  ims-monitor -d ls.db -t 0.7 -l scores.log -- ls -lR /  start a command and watch it
  ims-monitor -d web.db --record today.imt -p 4711       watch a process, and record it as well
  ims-monitor -d web.db --replay today.imt -x ./mail-me  judge a recording; mail each alert
  ims-monitor --config vsftpd                            as /etc/imsafe/vsftpd.toml says
  ims-monitor --app nginx=nginx.db --app php=php.db:0.8 --sensor /tmp/imsensor

exit status:
  0 nothing was abnormal, 1 at least one alert, 2 an error
"""


def _parser() -> common.Parser:
    parser = common.Parser(
        PROGRAM,
        "Watch applications with what was learned of them, and raise an alert when one"
        " stops behaving so.",
        _EXAMPLES,
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="read all this from a file; or the name of one in /etc/imsafe, without .toml",
    )
    parser.add_argument("-d", "--profile", metavar="PROFILE.db", help="judge everything by this")
    parser.add_argument(
        "-t",
        "--threshold",
        type=common.threshold,
        metavar="T",
        help="0 to 1; without it the one that the profile suggests",
    )
    parser.add_argument(
        "--app",
        metavar="NAME=PROFILE.db[:T]",
        action="append",
        default=[],
        help="judge the application of that name by this (repeatable)",
    )
    parser.add_argument(
        "-l", "--log", metavar="LOG", type=common.a_file, help="write the scores, or append them"
    )
    parser.add_argument(
        "--log-size",
        metavar="BYTES",
        type=common.size,
        help="put the log aside at this size, under its name and the time (256M)",
    )
    parser.add_argument(
        "--log-keep", metavar="N", type=_count, help="remove older parts than the last N (all stay)"
    )
    parser.add_argument(
        "--record", metavar="FILE", type=common.a_file, help="record what is watched as a trace"
    )
    parser.add_argument("--append", action="store_true", help="append to FILE if it exists")
    parser.add_argument(
        "-x", "--execute", metavar="PROGRAM", help="start this for each alert (no shell)"
    )
    parser.add_argument("--view", metavar="SOCKET", help="let windows attach here")
    for option, metavar in (("--view-user", "USER"), ("--view-group", "GROUP")):
        whose = "who" if metavar == "USER" else "whose members"
        parser.add_argument(
            option,
            metavar=metavar,
            action="append",
            default=[],
            help=f"{whose} may look on in windows, but not steer (repeatable)",
        )
    parser.add_argument(
        "--boxes", metavar="DIR", help="keep black boxes here, not in ~/.local/state/imsafe/boxes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--alerts", metavar="FILE", type=common.a_file, help="append alerts as JSON lines"
    )
    parser.add_argument(
        "--journal", action="store_true", help="write alerts to systemd's journal, with fields"
    )
    parser.add_argument(
        "--syslog", metavar="ADDRESS", help="a socket such as /dev/log, or udp:HOST:PORT"
    )
    parser.add_argument(
        "--metrics", metavar="FILE.prom", help="keep numbers for Prometheus in this file"
    )
    parser.add_argument(
        "--stay", action="store_true", help="go on when all sources have ended, for the windows"
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input closes (with --json that is so without saying)",
    )
    parser.add_argument("--standby", action="store_true", help=argparse.SUPPRESS)
    common.add_source_options(parser)
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of files")
    return int(text)


def _watched(number: int, name: str, path: str, threshold: float | None, *, stay: bool) -> Watched:
    """Load a profile; without any threshold it is watched only for a window."""
    profile = Profile.load(path)
    follows = threshold is None
    if threshold is None:
        threshold = profile.suggested_threshold
    if threshold is None and not stay:
        raise ImsafeError(f"{path}: {profile.why_no_threshold}; give -t.")
    if not name:
        learned = profile.applications
        name = learned[0] if len(learned) == 1 else Path(path).stem
    watched = Watched(number, name, path, profile, Scorer(profile), threshold)
    watched.follows_suggestion = follows
    if threshold is None:
        watched.warnings.append(profile.why_no_threshold)
    return watched


def _applications(args: argparse.Namespace) -> list[Watched]:
    if bool(args.profile) == bool(args.app):
        given = "Choose one kind of" if args.profile else "Give a"
        raise ImsafeError(f"{given} profile: -d PROFILE.db, or --app NAME=PROFILE.db for each.")
    if args.profile:
        return [_watched(1, "", args.profile, args.threshold, stay=args.stay)]
    found: dict[str, Watched] = {}
    for number, entry in enumerate(args.app, 1):
        name, path, threshold = _app(entry)
        if name in found:
            raise ImsafeError(f"The application {name} is given twice.")
        if threshold is None:
            threshold = args.threshold
        found[name] = _watched(number, name, path, threshold, stay=args.stay)
    return list(found.values())


def _app(entry: str) -> tuple[str, str, float | None]:
    """Split NAME=PROFILE.db[:T]; a file whose name has a colon may be meant as well."""
    name, equals, path = entry.partition("=")
    if not name or not equals or not path:
        raise ImsafeError(f"{entry!r} is not NAME=PROFILE.db or NAME=PROFILE.db:THRESHOLD.")
    before, colon, after = path.rpartition(":")
    if not colon or mode_of(path):
        return name, path, None
    try:
        return name, before, common.threshold(after)
    except argparse.ArgumentTypeError as error:
        raise ImsafeError(f"--app {entry}: {error}.") from None


def _adopt_modes(args: argparse.Namespace, applications: list[Watched]) -> None:
    """Trace the way the profiles were learned, where the command line leaves it open."""
    follow = {learned_follow_exec(watched.profile) for watched in applications}
    if follow == {False} and (common.driver_targets(args) or args.pid or common.command_of(args)):
        args.no_follow_exec = True
    if common.command_of(args) and all(learned_full(w.profile) for w in applications):
        args.full = True


def _sources(args: argparse.Namespace, until_closed: int | None) -> list[tuple[str, Source]]:
    kinds = (
        ("driver", common.driver_targets(args)),
        ("sensor", args.sensor),
        ("replay", args.replay),
        ("other", args.source),
    )
    kind = next((kind for kind, given in kinds if given), "pid" if args.pid else "command")
    if args.stay and kind == "command" and not common.command_of(args):
        return []  # a window will say what to watch
    if kind == "command" and (args.json or until_closed is not None):
        from imsafe.sources.tracer_process import TracerProcess  # noqa: PLC0415

        common.sources_from(args)  # checks that nothing else is named
        tracer = TracerProcess(
            argv=common.command_of(args),
            full=args.full,
            follow_exec=not args.no_follow_exec,
            # Ours belongs to whoever started us; the command must not eat it.
            stdin=None if until_closed is None else subprocess.DEVNULL,
            # Ours is the reports, which nobody else may make up.
            stdout=2 if args.json else None,
        )
        return [(kind, tracer)]
    return [(kind, source) for source in common.sources_from(args)]


def _held_stdin(args: argparse.Namespace) -> int | None:
    """Standard input, if its end is to be the end of the monitor."""
    if args.replay == "-" or not (args.json or args.until_stdin_closes) or sys.stdin is None:
        return None
    descriptor = sys.stdin.fileno()
    mode = os.fstat(descriptor).st_mode
    # A file or /dev/null is always at its end: nobody holds it open for us.
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return None
    if args.until_stdin_closes or args.view:
        return descriptor
    # Neither does a script that wants JSON and gave us a pipe that is closed already.
    at_its_end = select.select([descriptor], [], [], 0)[0] and not os.read(descriptor, 4096)
    return None if at_its_end else descriptor


def _options(args: argparse.Namespace) -> Options:
    if not args.log and (args.log_size is not None or args.log_keep is not None):
        raise ImsafeError("--log-size and --log-keep belong to --log LOG.")
    if not args.record and (args.append or args.max_size is not None):
        raise ImsafeError("--append and --max-size belong to --record FILE.")
    options = Options(
        everything=bool(args.profile),
        log=args.log,
        log_size=args.log_size,
        log_keep=args.log_keep,
        record=args.record,
        append=args.append,
        max_size=args.max_size,
        program=check_program(args.execute) if args.execute else None,
        view=args.view,
        as_json=args.json,
        stay=args.stay,
        boxes=Path(args.boxes) if args.boxes else None,
        duration=args.duration,
        until_closed=_held_stdin(args),
    )
    if options.boxes is not None:
        check_folder(options.boxes)
    if args.view:
        from imsafe.sources.peer import Allowed  # noqa: PLC0415 - not on Windows

        options.allowed = Allowed.named(
            [*args.allow_user, *args.view_user], [*args.allow_group, *args.view_group]
        )
    elif args.view_user or args.view_group:
        raise ImsafeError("--view-user and --view-group belong to --view SOCKET.")
    return options


def _outputs(args: argparse.Namespace, name: str) -> Outputs:
    """Where alerts go beside the terminal; imported only where it is asked for."""
    outputs = Outputs()
    if args.journal:
        from imsafe.monitor.journal import Journal  # noqa: PLC0415

        outputs.loggers.append(Journal(name))
    if args.syslog:
        from imsafe.monitor.syslog import Syslog  # noqa: PLC0415

        outputs.loggers.append(Syslog(name, args.syslog))
    if args.alerts:
        from imsafe.monitor.alert_file import AlertFile  # noqa: PLC0415

        outputs.files.append(AlertFile(args.alerts))
    if args.metrics:
        from imsafe.monitor.metrics import Metrics  # noqa: PLC0415

        outputs.metrics = Metrics(args.metrics, name)
    if os.environ.get("NOTIFY_SOCKET"):
        from imsafe.monitor.notify_service import NotifyService  # noqa: PLC0415

        outputs.service = NotifyService()
        for told in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
            os.environ.pop(told, None)  # for us, and for no program that we start
    return outputs


def _reread(path: Path, before: ServiceConfig) -> tuple[list[Wanted], list[str]]:
    """The applications as the file has them now, and what of the rest has to wait."""
    now = ServiceConfig.load(path)
    texts = []
    if (now.options, now.command) != (before.options, before.command):
        texts.append(
            f"{path}: more than profiles and thresholds has changed; that holds from the next start"
            " on."
        )
    return [Wanted(one.name, one.profile, one.threshold) for one in now.applications], texts


def _with_config(
    args: argparse.Namespace, argv: list[str]
) -> tuple[argparse.Namespace, ServiceConfig | None]:
    """The arguments with what the configuration file says, if one was named.

    Raises
    ------
    ImsafeError
        The file is wrong, or the command line says what belongs into it.
    """
    if not args.config:
        return args, None
    if args.profile or args.app or args.threshold is not None:
        raise ImsafeError("With --config, profiles and thresholds stand in the file alone.")
    config = ServiceConfig.load(found_file(args.config))
    command = ["--", *config.command] if config.command else []
    if command and "--" in argv:
        raise ImsafeError(f"{config.path} names a command already, in [source].")
    # What stands on the command line goes before what stands in the file.
    return _parser().parse_args([*config.words(), *argv, *command]), config


def _body(args: argparse.Namespace, argv: list[str]) -> int:
    args, config = _with_config(args, argv)
    applications = _applications(args)
    options = _options(args)
    options.outputs = _outputs(args, config.name if config else applications[0].name)
    options.quiet = args.journal and is_the_journal(sys.stderr)
    if config is not None:
        options.reread = partial(_reread, config.path, config)
    _adopt_modes(args, applications)
    sources = _sources(args, options.until_closed)
    for kind, source in sources:
        if kind == "driver" and args.stay:
            source.open()  # its compiler works while we get ready
    warm_up()
    monitor = Monitor(applications, options)

    def stop(*_: object) -> None:
        monitor.stopping = True

    def reload(*_: object) -> None:
        monitor.reload = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, reload)
    return monitor.run(sources)


def _awaited_options() -> list[str] | None:
    """Get ready, then wait for a line of JSON with the options; None: nobody wants us any more."""
    warm_up()
    line = b""
    while not line.endswith(b"\n"):
        octets = os.read(0, 1 << 16)
        if not octets:
            return None
        line += octets
    words: list[str] = json.loads(line)
    return words


def main(argv: list[str] | None = None) -> int:
    """Run the program."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser().parse_args(words)
    if args.standby:
        awaited = _awaited_options()
        if awaited is None:
            return common.OK
        words = awaited
        args = _parser().parse_args(words)
    return common.run(PROGRAM, lambda: _body(args, words))


if __name__ == "__main__":
    sys.exit(main())
