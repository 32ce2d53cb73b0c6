# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracing costs programs: ImSafe's kernel tracer beside strace, perf and bpftrace.

    sudo .venv/bin/python bench/overhead.py > docs/overhead.md

Each program runs in pairs, alone and traced, in turns and in turned order, so that whatever else
the machine does meets both; what is told is the median of the pairs' ratios.  Time is that of the
program alone: a launcher takes it inside of the tracer, whose own start does not count.  Beside the
time that passes it takes the processor time of the program, with what the kernel does for it: that
is steadier where others use the machine, and leaves out what a tracer beside it needs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
PATIENCE_S = 60.0

# Runs a command and notes how long it took and its processor time; under a name that nothing else
# here has, so that the kernel tracer can be told to follow it and what it starts.
LAUNCHER = """
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
extern char **environ;
int main(int argc, char **argv) {
    struct timespec a, b;
    struct rusage used;
    pid_t pid;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (argc < 3 || posix_spawnp(&pid, argv[2], 0, 0, argv + 2, environ)) return 1;
    wait4(pid, &status, 0, &used);
    clock_gettime(CLOCK_MONOTONIC, &b);
    FILE *file = fopen(argv[1], "w");
    fprintf(file, "%.9f %.6f", b.tv_sec - a.tv_sec + 1e-9 * (b.tv_nsec - a.tv_nsec),
            used.ru_utime.tv_sec + used.ru_stime.tv_sec
            + 1e-6 * (used.ru_utime.tv_usec + used.ru_stime.tv_usec));
    fclose(file);
    return status != 0;
}
"""
LOOP = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
    for (long i = atol(argv[1]); i > 0; i--) syscall(SYS_getppid);
    return 0;
}
"""
NGINX = """
daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {folder}/site; }}
}}
"""
# perf and bpftrace need tracefs; where it is not mounted they get it for themselves.
WITH_TRACEFS = (
    "unshare",
    "--mount",
    "sh",
    "-uc",
    '[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"',
    "sh",
)
# What any program of BPF at the entry of system calls costs: this one does nothing there.
NOTHING = """
import os, sys, tempfile
from pathlib import Path
from imsafe.sources.ebpf import stub_headers
from imsafe.sources.ebpf.compile import import_bcc, mount_tracefs
mount_tracefs()
with tempfile.TemporaryDirectory() as headers:
    stub_headers.write(Path(headers))
    os.environ["BCC_KERNEL_SOURCE"] = headers
    text = "RAW_TRACEPOINT_PROBE(sys_enter) { return 0; }"
    program = import_bcc().BPF(text=text, cflags=["-Wno-macro-redefined"])
print("ready", flush=True)
sys.stdin.read()
"""
COUNTING = 'BEGIN { printf("ready\\n"); } tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'


@dataclass
class Taken:
    """Seconds that a program took, and its processor time."""

    elapsed: float
    cpu: float


class Machine:
    """What is measured with: a folder in memory, compiled programs, a repository, a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.noted = folder / "taken"
        self.launcher = self._compiled(f"imsafe-bench-{os.getpid()}", LAUNCHER)
        self.loop = self._compiled("getppid", LOOP)
        self.repository = self._repository()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "site").mkdir()
        (folder / "site" / "index.html").write_text("x" * 4096)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port))

    def _compiled(self, name: str, text: str) -> Path:
        source = self.folder / f"{name}.c"
        source.write_text(text)
        subprocess.run(["gcc", "-O1", "-o", self.folder / name, source], check=True)
        return self.folder / name

    def _repository(self) -> Path:
        """8,000 files as they lie some time after a checkout.

        Committed, and older than git's index: what is as new as the index git reads again,
        each time, so that one repository had four times the calls of another.
        """
        place, then = self.folder / "repository", time.time() - 3600
        for number in range(8000):
            path = place / f"d{number % 200}" / f"file{number}.c"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"int x{number};\n" * 20)
            os.utime(path, (then, then))
        author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        for words in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "files"]):
            subprocess.run(["git", "-C", place, *words], check=True)
        return place

    def run(self, prefix: list[str], argv: list[str]) -> Taken:
        """What a command takes under a tracer, whose command line `prefix` is."""
        self.noted.unlink(missing_ok=True)
        subprocess.run(
            [*prefix, str(self.launcher), str(self.noted), *argv],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return Taken(*map(float, self.noted.read_text().split()))

    def repeat(self, prefix: list[str], argv: list[str], times: int) -> Taken:
        """What a short command takes, so many times: one run alone says little."""
        taken = [self.run(prefix, argv) for _ in range(times)]
        return Taken(sum(one.elapsed for one in taken), sum(one.cpu for one in taken))

    def serve(self, prefix: list[str], requests: int) -> Taken:
        """What a web server under a tracer takes for so many requests."""
        nginx = ["nginx", "-c", f"{self.folder}/nginx.conf"]
        server = subprocess.Popen(
            [*prefix, str(self.launcher), str(self.noted), *nginx],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            awaited(lambda: self._answers() or server.poll() is not None, "the web server")
            address = f"http://127.0.0.1:{self.port}/index.html"
            load = ["ab", "-q", "-n", str(requests), "-c", "8", address]
            said = subprocess.run(load, check=True, capture_output=True, text=True).stdout
            assert re.search(r"Failed requests: +0\n", said), said
            taken = re.search(r"Time taken for tests: +([\d.]+)", said)
            assert taken is not None
        finally:
            os.kill(int((self.folder / "nginx.pid").read_text()), signal.SIGTERM)
            server.wait(PATIENCE_S)
        return Taken(float(taken[1]), float(self.noted.read_text().split()[1]))

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def awaited(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench/overhead.py: {what} was not ready in time")
        time.sleep(0.01)


@dataclass
class Workload:
    """A program to be traced.

    Attributes
    ----------
    run
        From a tracer's command line and a size to what it took.
    size, small
        For tracers that cost little and for those that cost much.
    """

    name: str
    run: Callable[[list[str], int], Taken]
    size: int
    small: int


def workloads(machine: Machine, shrink: int) -> list[Workload]:
    loop, git = str(machine.loop), ["git", "--no-optional-locks", "-C", str(machine.repository)]
    tar = ["tar", "cPf", str(machine.folder / "x.tar")]
    dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none"]

    return [
        Workload(
            "getppid loop",
            lambda prefix, size: machine.run(prefix, [loop, str(size)]),
            2_000_000 // shrink,
            100_000 // shrink,
        ),
        Workload(
            "dd bs=1",
            lambda prefix, size: machine.run(prefix, [*dd, f"count={size}"]),
            600_000 // shrink,
            40_000 // shrink,
        ),
        Workload(
            "tar /usr/share/doc",
            lambda prefix, size: machine.repeat(prefix, [*tar, "/usr/share/doc"], size),
            max(3 // shrink, 1),
            1,
        ),
        Workload(
            "tar /usr/bin",
            lambda prefix, size: machine.repeat(prefix, [*tar, "/usr/bin"], size),
            1,
            1,
        ),
        Workload(
            "git status",
            lambda prefix, size: machine.repeat(prefix, [*git, "status", "-s"], size),
            max(20 // shrink, 1),
            1,
        ),
        Workload("HTTP server", machine.serve, 20_000 // shrink, 1_000 // shrink),
    ]


@dataclass
class Tool:
    """A way to trace.

    Attributes
    ----------
    prefix
        Command line of a tracer that starts the program.
    beside
        Where it runs beside the program instead: begins, and ends when left.
    """

    name: str
    prefix: list[str] = field(default_factory=list)
    beside: Callable[[], contextlib.AbstractContextManager[object]] | None = None
    ratios: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    added: dict[str, list[float]] = field(default_factory=dict)
    """Seconds a unit of the workload's size."""

    def note(self, workload: Workload, size: int, alone: Taken, traced: Taken) -> None:
        self.ratios.setdefault(workload.name, []).append(traced.elapsed / alone.elapsed)
        self.cpu.setdefault(workload.name, []).append(traced.cpu / alone.cpu)
        added = traced.elapsed - alone.elapsed
        self.added.setdefault(workload.name, []).append(added / size)


@contextlib.contextmanager
def kernel_tracer(trace: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """ims-trace with the kernel tracer meanwhile."""
    trace.unlink(missing_ok=True)
    argv = [str(BIN / "ims-trace"), "-o", str(trace), *options]
    tracer = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    try:
        awaited(lambda: trace.exists() or tracer.poll() is not None, "the kernel tracer")
        yield tracer
        tracer.send_signal(signal.SIGINT)
        said = tracer.communicate(timeout=PATIENCE_S)[1]
        if tracer.returncode:
            sys.exit(f"bench/overhead.py: {said.strip()}")
    finally:
        tracer.kill()
        tracer.wait()


@contextlib.contextmanager
def program_that_does_nothing() -> Iterator[None]:
    """Attach one where the kernel tracer's is."""
    argv = [sys.executable, "-c", NOTHING]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        if program.stdout.readline() != b"ready\n":
            sys.exit("bench/overhead.py: the program that does nothing was not loaded")
        yield
        program.communicate(timeout=PATIENCE_S)


@contextlib.contextmanager
def bpftrace(printed: Path) -> Iterator[None]:
    """Count the calls of each program meanwhile."""
    argv = [*WITH_TRACEFS, "bpftrace", "-e", COUNTING]
    with printed.open("w") as file:
        counter = subprocess.Popen(argv, stdout=file, stderr=file)
    try:
        awaited(lambda: "ready\n" in printed.read_text(), "bpftrace")
        yield
        while counter.poll() is None:
            # It overlooks a signal that comes between its question for one and its sleep.
            counter.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                counter.wait(1)
    finally:
        counter.kill()
        counter.wait()


def tools(machine: Machine) -> list[Tool]:
    trace, text = machine.folder / "t.imt", str(machine.folder / "text")
    ours = machine.launcher.name
    found = [
        Tool("ImSafe, kernel", beside=lambda: kernel_tracer(trace, "--driver", ours)),
        Tool(
            "ImSafe, another traced", beside=lambda: kernel_tracer(trace, "--driver", f"no-{ours}")
        ),
        Tool("a program that does nothing", beside=program_that_does_nothing),
        Tool("no tracer, as a control", beside=contextlib.nullcontext),
        Tool("ImSafe, sensor", [str(BIN / "ims-trace"), "--force", "-o", str(trace), "--"]),
    ]
    if shutil.which("bpftrace"):
        found.append(Tool("bpftrace, counting", beside=lambda: bpftrace(Path(text))))
    if shutil.which("strace"):
        found.append(Tool("strace -f -o", ["strace", "-f", "-o", text]))
    if shutil.which("perf"):
        found.append(Tool("perf trace -o", [*WITH_TRACEFS, "perf", "trace", "-o", text, "--"]))
    return found


def measure(tool: Tool, works: list[Workload], traced_first: bool) -> None:
    """One pair for each workload."""
    sizes = {work.name: work.size if tool.beside else work.small for work in works}

    def run(prefix: list[str]) -> list[Taken]:
        return [work.run(prefix, sizes[work.name]) for work in works]

    def traced() -> list[Taken]:
        with tool.beside() if tool.beside else contextlib.nullcontext():
            return run(tool.prefix)

    if tool.beside:
        first = traced() if traced_first else run([])
        second = run([]) if traced_first else traced()
        pairs = zip(second, first, strict=True) if traced_first else zip(first, second, strict=True)
        for work, (alone, slow) in zip(works, pairs, strict=True):
            tool.note(work, sizes[work.name], alone, slow)
        return
    for work in works:
        size = sizes[work.name]
        if traced_first:
            slow, alone = work.run(tool.prefix, size), work.run([], size)
        else:
            alone, slow = work.run([], size), work.run(tool.prefix, size)
        tool.note(work, size, alone, slow)


@dataclass
class Consumed:
    """A loop at full speed into the kernel tracer: rates, and what the reading costs."""

    calls: int
    lost: int
    seconds: float
    tracer_s: float
    """CPU seconds of the process that takes calls from the ring."""
    writer_s: float
    """... of ims-trace, which checks, compresses and writes them."""


def consume(machine: Machine, calls: int) -> Consumed:
    trace = machine.folder / "t.imt"
    with kernel_tracer(trace, "-v", "--driver", machine.launcher.name) as writer:
        (child,) = Path(f"/proc/{writer.pid}/task/{writer.pid}/children").read_text().split()
        pids = (int(child), writer.pid)
        before = [cpu_seconds(pid) for pid in pids]
        taken = machine.run([], [str(machine.loop), str(calls)]).elapsed
        time.sleep(0.5)
        tracer, own = (cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True))
        writer.send_signal(signal.SIGINT)
        assert writer.stderr is not None
        said = writer.stderr.read()
        totals = re.search(r"([\d,]+) calls of .*?, ([\d,]+) lost", said)
        assert totals, said
        seen, lost = (int(number.replace(",", "")) for number in totals.groups())
    return Consumed(seen, lost, taken, tracer, own)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(found: list[Tool], works: list[Workload], consumed: Consumed, options: str) -> None:
    pairs = len(next(iter(found[0].ratios.values())))
    print("# What tracing costs\n")
    print(
        f"`python bench/overhead.py{options}`, {time.strftime('%Y-%m-%d')}, Linux"
        f" {platform.release()}, {os.cpu_count()} processors, Python {platform.python_version()}."
        f" Load of the machine over the last quarter of an hour: {os.getloadavg()[2]:.1f}."
    )
    print(
        f"\nTime of a program traced over its time alone: median of the ratios of {pairs} pairs,"
        " run in turns; in brackets the middle half of them. 1.00 costs nothing.\n"
    )
    table(works, {tool.name: tool.ratios for tool in found})
    print("\nThe same for processor time, which others on this machine disturb less:\n")
    table(works, {tool.name: tool.cpu for tool in found if tool.beside})
    strace = next((tool for tool in found if tool.name.startswith("strace")), None)
    share = None
    if strace:
        added = [1e9 * statistics.median(tool.added[works[0].name]) for tool in (found[0], strace)]
        share = added[0] / added[1]
        print(
            f"\nA call of the loop takes {added[0]:,.0f} ns longer with the kernel tracer,"
            f" {added[1]:,.0f} ns with strace: 1/{1 / share:.0f}."
        )
    million = consumed.calls / 1e6
    print(
        f"\nA loop of {consumed.calls:,} calls at {consumed.calls / consumed.seconds / 1e6:.2f} M"
        f" calls/s into `ims-trace -o FILE`, default ring: {consumed.lost:,} lost;"
        f" {consumed.tracer_s / million:.3f} CPU seconds a million calls to take them from the ring"
        f" and send them, {consumed.writer_s / million:.3f} to check, compress and write them.\n"
    )
    targets = list(verdicts(found, works, consumed, share))
    print("| target | measured | |\n|---|---|---|")
    for target, measured, reached in targets:
        print(f"| {target} | {measured} | {'reached' if reached else '**missed**'} |")


def table(works: list[Workload], rows: dict[str, dict[str, list[float]]]) -> None:
    print("| | " + " | ".join(work.name for work in works) + " |")
    print("|---" * (len(works) + 1) + "|")
    for name, ratios in rows.items():
        print(f"| {name} | " + " | ".join(cell(ratios[work.name]) for work in works) + " |")


def verdicts(
    found: list[Tool], works: list[Workload], consumed: Consumed, share: float | None
) -> Iterator[tuple[str, str, bool]]:
    loop, _, *usual = (work.name for work in works)
    limits = [(found[0], loop, 2.5)]
    limits += [(found[0], name, 1.10) for name in usual]
    limits += [(found[1], name, 1.05) for name in usual]
    for tool, name, limit in limits:
        ratio, cpu = statistics.median(tool.ratios[name]), statistics.median(tool.cpu[name])
        target = f"{name}, {tool.name}: at most {limit:.2f}"
        yield target, f"{ratio:.2f} (processor time {cpu:.2f})", ratio <= limit
    if share is not None:
        yield "loop: at most 1/20 of what strace adds", f"1/{1 / share:.0f}", share <= 1 / 20
    yield "none lost at full speed", f"{consumed.lost:,}", consumed.lost == 0
    cost = consumed.tracer_s / consumed.calls * 1e6
    yield "at most 0.1 CPU seconds a million calls", f"{cost:.3f}", cost <= 0.1


def cell(ratios: list[float]) -> str:
    middle = statistics.median(ratios)
    low, _, high = statistics.quantiles(ratios, n=4)
    digits = 2 if middle < 10 else 0
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=15, help="of each program and tracer (15)")
    parser.add_argument("--quick", action="store_true", help="3 pairs of smaller programs")
    parser.add_argument("--kernel", action="store_true", help="the kernel tracer alone")
    args = parser.parse_args()
    wanted = ["gcc", "tar", "git", "nginx", "ab"]
    missing = [name for name in wanted if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        why = "needs root" if os.geteuid() else f"needs {', '.join(missing)}"
        print(f"bench/overhead.py {why} and was not run.")
        return
    pairs, shrink = (3, 5) if args.quick else (args.pairs, 1)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="imsafe-bench-", dir=memory) as name:
        machine = Machine(Path(name))
        works, found = workloads(machine, shrink), tools(machine)
        found = found[:4] if args.kernel else found
        for work in works:
            work.run([], work.small)  # into the cache
        for number in range(pairs):
            for tool in found:
                print(f"\r{number + 1}/{pairs} {tool.name:24}", end="", file=sys.stderr)
                measure(tool, works, traced_first=number % 2 == 1)
        consumed = consume(machine, 60_000_000 // (10 * shrink if args.quick else 1))
    print("\r" + " " * 40, file=sys.stderr)
    report(found, works, consumed, "".join(f" {word}" for word in sys.argv[1:]))


if __name__ == "__main__":
    main()
