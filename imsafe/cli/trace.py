# SPDX-License-Identifier: GPL-3.0-or-later
"""ims-trace: records the system calls of an application to a file, to learn from."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from typing import Any

from imsafe.cli.common import (
    FAILED,
    OK,
    Parser,
    Stop,
    add_source_options,
    command_of,
    driver_targets,
    emit,
    run,
    sources_from,
    status_of,
    warnings_of,
)
from imsafe.cli.recording import Recording, record_sources
from imsafe.errors import ImsafeError
from imsafe.heap import keep_freed_memory
from imsafe.sources.replay import refuse_what_is_read
from imsafe.stream.trace_file import SizeLimitReached, TraceWriter
from imsafe.words import number_of

_LESS_NICE = -5
"""A kernel tracer never waits for its reader: what is traced must not keep it from reading."""

_EXAMPLES = """\
  ims-trace -o ftp.imt -- vsftpd /etc/vsftpd.conf    a command, until it ends
  ims-trace -o ftp.imt --append -p 4711              a running process, one more segment
  ims-trace -o all.imt --sensor /tmp/imsensor        whatever sensors send, until Ctrl-C
  ims-trace -o week.imt --duration 604800 --max-size 4G -p 4711
  ims-trace -o normal.imt --replay strace.log        a strace log as a trace of ImSafe

When --duration or --max-size is reached the file is closed; the command goes on.
The status is the command's own (128 + signal), 2 for an error before it started or
where a replayed trace was cut short.
"""


def main(argv: list[str] | None = None) -> int:
    """Record; returns the command's status."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.json and args.output == "-":
        parser.error("--json and -o - both want standard output")
    if args.output == "-" and sys.stdout is None:
        parser.error("standard output, where -o - writes, is closed")
    if args.append and args.output == "-":
        parser.error("standard output cannot be appended to")
    return run("ims-trace", lambda: _run(args))


def _parser() -> Parser:
    parser = Parser("ims-trace", __doc__.partition(": ")[2], _EXAMPLES)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="- is stdout")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--append", action="store_true", help="add to an existing trace")
    existing.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("-v", "--verbose", action="store_true", help="print totals at the end")
    parser.add_argument(
        "--json", action="store_true", help="progress and totals as JSON; stop when stdin closes"
    )
    add_source_options(parser)
    return parser


def _run(args: argparse.Namespace) -> int:
    # Checks that there is exactly one kind.  Whoever reads standard output may look at it live.
    sources = sources_from(args, recording=args.output != "-")
    refuse_what_is_read(args.output, sources)
    began = time.monotonic()
    if args.pid or command_of(args):
        recording, status = _trace(args)
    else:
        if driver_targets(args):
            with contextlib.suppress(PermissionError):  # root's alone
                os.nice(_LESS_NICE)
            keep_freed_memory()
        recording = record_sources(
            sources, lambda meta: _writer(args, meta), _recording(args, Stop(watch_stdin=args.json))
        )
        status = FAILED if recording.received_garbage else OK
    recording.finish()
    totals = {**recording.totals, "seconds": round(time.monotonic() - began, 3)}
    if args.json:
        warnings = recording.warnings + warnings_of(sources)
        seen = recording.saturation
        fields = {**totals, **(seen.as_fields() if seen else {}), "warnings": warnings}
        emit({"type": "done", "file": args.output, **fields})
    elif args.verbose or sys.stderr.isatty():
        counts = recording.totals
        print(
            f"ims-trace: {number_of(counts['calls'], 'call')} of"
            f" {number_of(counts['processes'], 'process', 'processes')}, {counts['lost']:,} lost;"
            f" {number_of(counts['bytes'], 'byte')} in {args.output}",
            file=sys.stderr,
        )
        if counts["calls"]:
            print(f"ims-trace: {recording.saturation}", file=sys.stderr)
    status = status_of("ims-trace", sources) or status
    if recording.failure is not None:
        print(f"ims-trace: {recording.failure}", file=sys.stderr)
        if not command_of(args) and not isinstance(recording.failure, SizeLimitReached):
            return FAILED
    return status


def _writer(args: argparse.Namespace, meta: dict[str, Any]) -> TraceWriter:
    if args.append:
        return TraceWriter.append(args.output, meta, max_size=args.max_size)
    return TraceWriter.create(args.output, meta, replace=args.force, max_size=args.max_size)


def _recording(args: argparse.Namespace, stop: Stop) -> Recording:
    return Recording(
        stop=stop,
        duration=args.duration,
        as_json=args.json,
        # A line on the terminal would run into the command's own output.
        on_terminal=not command_of(args) and sys.stderr.isatty(),
        counted=args.verbose or sys.stderr.isatty(),
    )


def _trace(args: argparse.Namespace) -> tuple[Recording, int]:
    """Trace in this process, which writes the file itself: the command waits, nothing is lost."""
    # Imported here: --replay works where there is no ptrace.
    from imsafe.sources.ptrace_tracer import Tracer  # noqa: PLC0415

    descriptors = {}
    if args.json:
        descriptors[0] = os.open(os.devnull, os.O_RDONLY)  # ours tells when to stop
    if args.output == "-" or args.json:
        descriptors[1] = 2  # ours is the trace, or the reports, which nobody else may make up
    command = command_of(args)
    tracer = Tracer(
        command or None,
        args.pid or (),
        full=args.full,
        follow_exec=not args.no_follow_exec,
        descriptors=descriptors,
    )
    stop = Stop(watch_stdin=args.json)
    tracer.begin()
    # One that came before the tracer took them is for the command, not for the recording alone.
    tracer.obey(stop.take_signals())
    recording = _recording(args, stop)
    try:
        recording.begin(_writer(args, tracer.meta))
    except ImsafeError:
        tracer.abandon()
        raise
    status = tracer.run(recording)
    recording.failure = recording.failure or tracer.failure
    return recording, status


if __name__ == "__main__":
    sys.exit(main())
