# SPDX-License-Identifier: GPL-3.0-or-later
"""The `ims-tree` program: what a profile has learned, as text, JSON, a graph or an allow-list."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from imsafe.cli.common import OK, Parser, a_file, run
from imsafe.cli.learn import threshold_in_words
from imsafe.errors import ImsafeError
from imsafe.files import check_not_read, saved_whole
from imsafe.syscalls import symbol_of
from imsafe.words import number_of, printable

if TYPE_CHECKING:
    from imsafe.profile.profile import Profile
    from imsafe.profile.tree_text import WrittenTree

_LONGEST = 2000
"""Of a line that a stranger may have written."""

EXAMPLES = """\
  ims-tree ftpd.db                                  what it is, and the tree
  ims-tree ftpd.db --prefix openat,read             what comes after openat, read
  ims-tree ftpd.db --text --min-count 100           the common sequences
  ims-tree ftpd.db --diff new.db                    sequences that only one of them has
  ims-tree ftpd.db --json | jq -c 'select(.probability < 0.01)'
  ims-tree ftpd.db --dot --min-count 500 | dot -Tsvg -o tree.svg
  ims-tree ftpd.db --export systemd                 the calls it uses, as a filter
  ims-tree ftpd.db --export seccomp -o ftpd.json    the same for containers, into a file

A line of the tree: the call, how often the sequence that ends with it was seen,
in how many processes, and how probable the call is after those before it.
A line of --diff: - for the first profile or + for the other, how often the sequence
was seen, which share of that profile's calls ends it, and its calls; by that share.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv
        Arguments without the program's name; None for those of the process.

    Returns
    -------
    int
        0, or 2 after an error.
    """
    parser = Parser("ims-tree", "Shows the sequences that a profile has learned.", EXAMPLES)
    parser.add_argument("profile", metavar="PROFILE.db")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="the tree alone: fit for diff")
    form.add_argument("--json", action="store_true", help="a JSON object for each node")
    form.add_argument("--dot", action="store_true", help="a graph for Graphviz")
    form.add_argument("--diff", metavar="OTHER.db", help="sequences that only one of them has")
    form.add_argument("--export", choices=("seccomp", "systemd"), help="the calls as an allow-list")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=a_file, help="write there, whole or not at all"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--prefix", type=_sequence, default=[], metavar="CALL,CALL", help="sequences beginning so"
    )
    parser.add_argument(
        "--min-count", type=_count, default=1, metavar="N", help="sequences seen so often"
    )
    options = parser.parse_args(argv)
    if options.export and (options.prefix or options.min_count > 1):
        parser.error("--export takes all calls: --prefix and --min-count do not go with it")
    return run("ims-tree", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.output is None:
        return _show(options)
    check_not_read(options.output, filter(None, (options.profile, options.diff)))
    # Asked to end, it leaves no part of a file behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        saved_whole(options.output, replace=options.force) as beside,
        beside.open("w", encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
    ):
        return _show(options)


def _sequence(text: str) -> list[int]:
    try:
        return [symbol_of(word.strip()) for word in text.split(",")]
    except ImsafeError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1 << 62:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _show(options: argparse.Namespace) -> int:
    # Imported only now: --help and --version need no number crunching.
    from imsafe.profile.profile import Profile  # noqa: PLC0415

    profile = Profile.load(options.profile)
    if options.export:
        return _export(profile, options.export)
    written = _written(profile, options)
    if options.json:
        return _print(written.json())
    if options.dot:
        return _print(written.dot())
    if options.diff:
        return _diff(written, _written(Profile.load(options.diff), options))
    if not options.text:
        _summarise(profile)
    return _print(written.text())


def _written(profile: Profile, options: argparse.Namespace) -> WrittenTree:
    from imsafe.profile.tree_text import WrittenTree  # noqa: PLC0415

    return WrittenTree(profile.tree, profile.alphabets, options.prefix, options.min_count)


def _print(lines: Iterable[str]) -> int:
    write = sys.stdout.write
    for line in lines:
        write(line + "\n")
    sys.stdout.flush()
    return OK


def _summarise(profile: Profile) -> None:
    applications = ", ".join(profile.applications) or "not said"
    modes = ", ".join(
        mode.tracer + {True: "", False: " (exec not followed)", None: ""}[mode.follow_exec]
        for mode in profile.modes
        if mode.tracer
    )
    print(f"Application: {printable(applications, _LONGEST)}")
    print(f"Recorded by: {printable(modes or 'not said', _LONGEST)}")
    print(
        f"Learned: {number_of(profile.calls, 'call')} of"
        f" {number_of(profile.processes, 'process', 'processes')}"
        f" in {number_of(len(profile.traces), 'trace')}"
        + (
            f"; {number_of(profile.lost_calls, 'call was lost', 'calls were lost')}"
            if profile.lost_calls
            else ""
        )
    )
    print(f"Tree: {number_of(len(profile.tree) - 1, 'sequence')} of up to {profile.depth} calls")
    if profile.marks:
        print(f"Marked as normal: {len(profile.marks):,}")
    print(threshold_in_words(profile))
    print()


def _diff(one: WrittenTree, other: WrittenTree) -> int:
    from imsafe.profile.tree_text import difference  # noqa: PLC0415

    return _print(
        f"{mark} {count} {100 * share:.4f}% {' '.join(sequence)}"
        for mark, sequence, count, share in difference(one, other)
    )


def _export(profile: Profile, form: str) -> int:
    from imsafe.profile.allow_list import AllowList  # noqa: PLC0415

    tree = profile.tree
    calls = range(int(tree.first_child[0]), int(tree.first_child[1]))
    allowed = AllowList(
        {int(tree.symbol[n]): (int(tree.count[n]), int(tree.processes[n])) for n in calls}
    )
    if not allowed.names:
        raise ImsafeError("The profile has no call that a filter could name.")
    if allowed.unnamed:
        # Standard output is the filter itself.
        print(
            f"ims-tree: a filter cannot name {', '.join(allowed.unnamed)}; left out.",
            file=sys.stderr,
        )
    print(allowed.seccomp() if form == "seccomp" else allowed.systemd())
    return OK


if __name__ == "__main__":
    sys.exit(main())
