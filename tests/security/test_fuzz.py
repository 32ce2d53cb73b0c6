# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzing in short: every file of the corpus, what was once found, and mutations of both.

`make fuzz` does the same for millions of inputs, guided by coverage.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if sys.platform != "linux":
    pytest.skip("the sockets and files in memory are Linux's", allow_module_level=True)

from fuzz.parsers import HARNESSES

ROOT = Path(__file__).resolve().parents[2]
SEEDS = [(name, seed) for name, harness in HARNESSES.items() for seed in harness.seeds]
EXAMPLES = {"database": 15, "engine": 20}


@pytest.mark.parametrize(
    ("name", "seed"), SEEDS, ids=[f"{name}-{seed.name}" for name, seed in SEEDS]
)
def test_every_file_of_the_corpus(name: str, seed: Path) -> None:
    HARNESSES[name].run(seed.read_bytes())


@st.composite
def mutations(draw: st.DrawFn, name: str) -> bytes:
    """A seed in which some places hold something else, of another length."""
    seeds = st.sampled_from(HARNESSES[name].seeds)
    octets = bytearray(draw(seeds).read_bytes())
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(octets)))
        upto = at + draw(st.integers(0, 8))
        octets[at:upto] = draw(st.binary(max_size=12))
    if draw(st.booleans()):
        other = draw(seeds).read_bytes()
        at = draw(st.integers(0, len(octets)))
        octets[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(octets[: HARNESSES[name].longest])


@pytest.mark.parametrize("name", HARNESSES)
def test_mutations_are_refused_in_words_or_read(name: str) -> None:
    @settings(max_examples=EXAMPLES.get(name, 50), deadline=None)
    @given(mutations(name) | st.binary(max_size=200))
    def run(octets: bytes) -> None:
        HARNESSES[name].run(octets)

    run()


LONG = {
    "spaces": b"12" + b" " * 1_000_000,
    "a pid and spaces": b"[pid 12" + b"] " * 500_000,
    "names": b"12<" + b"> +++ " * 170_000,
    "slashes": b"1 read(" + b"/" * 1_000_000 + b" attached",
    "calls in calls": b"1 execve(" + b"execveat(1<" * 90_000,
    "ends of calls": b"1 fork() = 1\n" * 3 + b"1 fork(" + b" = 1" * 250_000,
    "created, again and again": b"1 fork( <unfinished ...>\n2 clone( <unfinished ...>\n3 read("
    b") = 0\n1 " + b"<... fork resumed> " * 50_000,
}


@pytest.mark.parametrize("what", LONG)
def test_no_line_takes_longer_to_match_than_to_read(what: str) -> None:
    """Most took minutes to hours while the patterns gave back what they had taken."""
    HARNESSES["strace"].run(LONG[what] + b"\n")
    HARNESSES["strace"].run(b"1 read(0) = 0\n" + LONG[what] + b"\n1 read(0) = 0\n")


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris is not installed")
def test_make_fuzz_counts_its_inputs(tmp_path: Path) -> None:
    command = ["fuzz", "adfa", "--inputs", "500", "--output", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].split()[:2] == ["adfa", "500"]
