# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzes one parser under atheris, in a process of its own: `python -m fuzz.child NAME FOLDER ...`.

What follows the folder goes to libFuzzer.  The folder gets what was found to be new, and
`crash-*` where a parser failed.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

import atheris

LONGEST_S = 1.0
"""Processor time that one input may take."""

_SETTLE = 200
"""Inputs that only load and compile what the parser needs."""


def _machine_code() -> list[str]:
    """The modules that numba compiles, which it cannot once they are instrumented."""
    package = Path(__file__).resolve().parents[1] / "imsafe" / "profile"
    return [
        f"imsafe.profile.{path.stem}"
        for path in package.glob("*.py")
        if "imsafe.profile.compiled" in path.read_text() or path.stem == "compiled"
    ]


class Hang(BaseException):
    """An input took too long; nothing that a parser catches."""


def main() -> None:
    """Fuzz until libFuzzer has had enough."""
    name, folder, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["imsafe"], exclude=_machine_code()):
        import imsafe  # noqa: F401
        from fuzz.parsers import HARNESSES

        harness = HARNESSES[name]
        for seed in harness.seeds:
            harness.run(seed.read_bytes())
    counted = 0

    def one(octets: bytes) -> None:
        nonlocal counted
        begin = time.thread_time()
        harness.run(octets)
        taken = time.thread_time() - begin
        counted += 1
        if taken > LONGEST_S and counted > _SETTLE:
            raise Hang(f"{taken:.1f} s for {len(octets):,} bytes")

    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"begins with {base} MB", file=sys.stderr, flush=True)
    os.makedirs(folder, exist_ok=True)
    atheris.Setup(
        [
            sys.argv[0],
            folder,
            os.path.dirname(harness.seeds[0]),
            f"-max_len={harness.longest}",
            f"-artifact_prefix={folder}/",
            "-print_final_stats=1",
            "-verbosity=0",
            *options,
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
