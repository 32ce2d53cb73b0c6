# SPDX-License-Identifier: GPL-3.0-or-later
"""imsafe check: what works on this machine, what is missing, and the command that mends it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict

import imsafe
from imsafe.cli.check import driver, machine, tracing, window
from imsafe.cli.check.finding import Finding
from imsafe.cli.common import Parser, emit, run
from imsafe.cli.distribution import this_distribution

OK, LACKING = 0, 1

_EXAMPLES = """\
  imsafe check            say it in words
  imsafe check --json     one object a line, for a script
  sudo imsafe check       ... and try the kernel tracer
"""


def findings() -> Iterator[Finding]:
    """Check everything, one after the other."""
    yield machine.python()
    yield from machine.libraries()
    yield machine.number_cruncher()
    if sys.platform == "linux":
        yield tracing.kernel()
        yield from tracing.tracing()
        yield tracing.yama()
    else:
        yield Finding("Tracing", "note", "needs Linux; learning and replaying work here")
    yield window.window()
    yield window.display()
    yield from machine.folders()
    if sys.platform == "linux":
        yield from driver.findings()


def _show(finding: Finding) -> None:
    print(f"{finding.state:8} {finding.check:24} {finding.detail}", flush=True)
    if finding.mend:
        print(f"{'':8} {'':24} -> {finding.mend}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Returns
    -------
    int
        0: what is needed works; 1: something that is needed is missing; 2: an error.
    """
    parser = Parser("imsafe check", __doc__.partition(": ")[2], _EXAMPLES)
    parser.add_argument("--json", action="store_true", help="one object a line")
    args = parser.parse_args(argv)
    return run("imsafe check", lambda: _check(as_json=args.json))


def _check(*, as_json: bool) -> int:
    lacking = 0
    if not as_json:
        print(f"ImSafe {imsafe.__version__} on {this_distribution().name}", flush=True)
    for finding in findings():
        lacking += finding.state == "missing"
        if as_json:
            emit(asdict(finding))
        else:
            _show(finding)
    if not as_json:
        print(f"{lacking} missing." if lacking else "Everything that is needed works.")
    return LACKING if lacking else OK


if __name__ == "__main__":
    sys.exit(main())
