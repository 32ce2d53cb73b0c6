# SPDX-License-Identifier: GPL-3.0-or-later
"""What one check found, and how to ask another Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imsafe

_ROOT = str(Path(imsafe.__file__).resolve().parent.parent)


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check
        What was looked at.
    state
        ``works``; ``missing``: something that is needed does not work;
        ``note``: it does not, and only a part that says so needs it.
    detail
        What was found, in words.
    mend
        The command that mends it; empty when there is nothing to mend.
    """

    check: str
    state: Literal["works", "missing", "note"]
    detail: str
    mend: str = ""


def python_says(
    code: str, *, isolated: bool = False, environment: Mapping[str, str] = {}
) -> tuple[int, str]:
    """Run Python code in a process of its own.

    Parameters
    ----------
    isolated
        Without the user's own packages and environment, as root runs the tracer.

    Returns
    -------
    tuple of int and str
        Its status, and what it printed (or the last line of its complaint).
    """
    try:
        # -P: nothing is imported from the folder that we happen to be in.
        process = subprocess.run(
            [
                sys.executable,
                "-I" if isolated else "-P",
                "-c",
                f"import sys; sys.path.insert(0, {_ROOT!r}); {code}",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            env={**os.environ, **environment},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "no answer within two minutes"
    lines = (process.stdout if process.returncode == 0 else process.stderr).strip().splitlines()
    return process.returncode, lines[-1] if lines else f"ended with {process.returncode}"
