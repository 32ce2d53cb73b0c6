# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that other packages add: examples/auditd, as it is installed and as it fails.

auditd.log was written by auditd 3.0.9 while a shell, copied to sh9, ran.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsafe.events import Abi, Kind
from imsafe.sources.base import Source
from imsafe.stream.items import Item

from .running import (
    EXECVE,
    ROOT,
    children_of,
    eventually,
    kill_and_wait,
    run,
    sorted_out,
    start,
    streams_of,
)

EXAMPLE = ROOT / "examples" / "auditd"
LOG = Path(__file__).with_name("auditd.log").read_bytes()
CALLS = LOG.count(b"type=SYSCALL")
EXIT_GROUP = 231


def installed(folder: Path, *entries: str) -> dict[str, str]:
    """The environment of a program that finds these entry points installed."""
    about = folder / "example-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    lines = "\n".join(entries)
    (about / "entry_points.txt").write_text(f"[imsafe.sources]\n{lines}\n")
    return os.environ | {"PYTHONPATH": f"{folder}:{EXAMPLE}"}


@pytest.fixture
def auditd(tmp_path) -> dict[str, str]:
    about = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    points = about["project"]["entry-points"]["imsafe.sources"]
    return installed(tmp_path, *(f"{name} = {value}" for name, value in points.items()))


def _follows(pid: int, log: Path) -> bool:
    """Whether a process has this file open."""
    return any(fd.readlink() == log for fd in Path(f"/proc/{pid}/fd").iterdir())


def test_auditd_is_recorded_as_any_source(auditd, tmp_path) -> None:
    log, trace = tmp_path / "audit.log", tmp_path / "trace.imt"
    log.write_bytes(LOG)  # of earlier: not recorded
    tracer = start(
        "trace", "--json", "-o", trace, "--source", f"auditd:sh9:{log}",
        env=auditd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        (tail,) = eventually(lambda: children_of(tracer.pid), "it has started tail")
        eventually(lambda: _follows(tail, log), "tail follows the log")
        with log.open("ab") as file:
            file.write(LOG)
        for line in tracer.stdout:
            if json.loads(line).get("calls") == CALLS:
                break
        tracer.stdin.close()
        assert '"done"' in tracer.stdout.readlines()[-1]
        assert tracer.wait(30) == 0
    finally:
        kill_and_wait(tracer)
    assert not Path(f"/proc/{tail}").exists()
    stream = streams_of(trace)[-1]
    assert stream.meta["tracer"] == "auditd"
    assert len(stream.calls) == CALLS
    assert stream.count(EXIT_GROUP) == len(stream.of_kind(Kind.EXIT)) == 4
    assert stream.count(EXECVE) == len(stream.of_kind(Kind.EXEC)) == 2
    assert {(p.comm, p.exe) for p in stream.processes} == {("sh9", "/usr/local/bin/sh9")}
    assert {p.pid for p in stream.processes} == {32440, 32441, 32442, 32443}
    learned = run("learn", "-o", tmp_path / "sh9.db", trace)
    assert learned.returncode == 0, learned.stderr


@pytest.fixture
def source(monkeypatch, tmp_path) -> Iterator[tuple[Source, Path]]:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from imsafe_auditd import AuditdSource

    log = tmp_path / "audit.log"
    log.touch()
    source = AuditdSource(f"sh9:{log}")
    before = set(children_of(os.getpid()))
    source.open()
    try:
        (tail,) = set(children_of(os.getpid())) - before
        eventually(lambda: _follows(tail, log), "tail follows the log")
        yield source, log
    finally:
        source.close()
    source.close()


def _read(source: Source, calls: int) -> list[Item]:
    """Items until so many calls were counted."""
    found: list[Item] = []
    while source.counters.calls < calls:
        assert not source.finished
        found += [item for _, item in source.read(5.0)]
    return found


def test_lines_come_in_pieces_and_the_log_is_rotated(source) -> None:
    follower, log = source
    assert isinstance(follower, Source)
    whole = sorted_out((0, item) for item in _pieces(follower, log))[0]
    assert len(whole.calls) == 2 * CALLS
    half = len(whole.events) // 2
    assert whole.events[:half].tobytes() == whole.events[half:].tobytes()


def _pieces(follower: Source, log: Path) -> Iterator[Item]:
    for piece in (LOG[:1], LOG[1:700], LOG[700:]):
        with log.open("ab") as file:
            file.write(piece)
        yield from (item for _, item in follower.read(0.2))
    yield from _read(follower, CALLS)
    log.rename(log.with_name("audit.log.1"))
    log.write_bytes(LOG)
    yield from _read(follower, 2 * CALLS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b"arch=c000003e syscall=12 ", b"arch=40000003 syscall=12 "), (Abi.I386, 12)),
        ((b"arch=c000003e syscall=12 ", b"arch=c000003e syscall=1073741836 "), (Abi.X32, 12)),
        ((b"arch=c000003e syscall=12 ", b"arch=c000003e syscall=99999 "), (Abi.X86_64, 65535)),
        ((b"arch=c000003e syscall=12 ", b"arch=80000016 syscall=12 "), (Abi.UNKNOWN, 12)),
    ],
)
def test_every_abi(source, change, expected) -> None:
    follower, log = source
    log.write_bytes(LOG.replace(*change, 1))
    calls = sorted_out((0, item) for item in _read(follower, CALLS))[0].calls
    assert expected in set(zip(calls["abi"].tolist(), calls["syscall"].tolist(), strict=True))


def test_other_programs_and_other_lines_are_left_out(source) -> None:
    follower, log = source
    name = b'comm="sh9" exe="/usr/local/bin/sh9"'
    hidden = b"comm=" + b"a\nsh9".hex().encode() + b" exe=" + b"/bin/o\x1b[0m".hex().encode()
    junk = b"\0\xff" * 40_000 + b"\n" + b"type=SYSCALL msg=audit(x): pid=1\n"
    log.write_bytes(LOG.replace(name, hidden) + junk + LOG.replace(name, b'comm="sh" exe="/sh"'))
    with log.open("ab") as file:
        file.write(LOG)
    assert len(sorted_out((0, item) for item in _read(follower, CALLS))[0].calls) == CALLS


def test_what_a_source_refuses_or_lacks_is_said(auditd, tmp_path) -> None:
    def said(*words: object, environment: dict[str, str] = auditd) -> str:
        done = run("trace", "-o", tmp_path / "t.imt", *words, env=environment)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert not (tmp_path / "t.imt").exists()
        return done.stderr

    assert "no source 'nothing': there are auditd" in said("--source", "nothing:x")
    assert "Say which program" in said("--source", "auditd")
    missing = tmp_path / "missing.log"
    assert f"Cannot follow {missing}" in said("--source", f"auditd:sh9:{missing}")
    assert "exactly one kind" in said("--source", "auditd:sh9", "-p", 1)
    broken = tmp_path / "broken"
    broken.mkdir()
    environment = installed(broken, "gone = no_such_module:Source", "text = string:Template")
    assert "'gone'" in said("--source", "gone", environment=environment)
    assert "lacks something" in said("--source", "text", environment=environment)
