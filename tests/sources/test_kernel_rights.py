# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer's rights: what it runs, what it gives up, what is left when it ends."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imsafe.errors import SourceError
from imsafe.sources.ebpf.layout import LIFECYCLE_SIZE
from imsafe.sources.ebpf.privileges import check_code
from imsafe.sources.ebpf.tracer import STARTER
from imsafe.sources.kernel import KernelSource
from imsafe.sources.kernel_request import KernelRequest, Target
from imsafe.stream.items import ProcessInfo

from .kernel_tracer import bpf_objects, needs_the_kernel, recorded, recording
from .running import (
    AS_NOBODY,
    NOBODY,
    ROOT,
    children_of,
    eventually,
    kill_and_wait,
    start,
    state_of,
    status_line,
    tool,
)

pytestmark = needs_the_kernel()

TRACER = [sys.executable, "-I", "-c", STARTER.format(root=str(ROOT))]


@pytest.fixture
def only(program, tmp_path):
    """A copy of `calls` under a name that nothing else on this machine has."""
    copy = tmp_path / f"calls-{os.getpid()}"
    shutil.copy(program("calls"), copy)
    return copy


def drained(source: KernelSource) -> dict[str, int]:
    """Read to the end after asking for it; calls and lost."""
    assert source.stop()
    end = time.monotonic() + 30
    while not source.finished:
        assert time.monotonic() < end
        source.read(0.1)
    return {"calls": source.counters.calls, "lost": source.counters.lost}


def test_nothing_is_left_of_its_rights(only) -> None:
    source = KernelSource(KernelRequest((Target("name", only.name),)))
    source.open()
    try:
        (tracer,) = [pid for pid in children_of(os.getpid()) if "--name=" in command_of(pid)]
        alone = 0x70000000 + tracer
        assert set(status_line(tracer, "Uid").split()) == {str(alone)}
        assert set(status_line(tracer, "Gid").split()) == {str(alone)}
        with pytest.raises(KeyError):
            pwd.getpwuid(alone)
        # A daemon that runs as nobody, and is watched, cannot make its tracer blind.
        stop = [*AS_NOBODY, "sh", "-c", f"kill -STOP {tracer}"]
        assert subprocess.run(stop, stderr=subprocess.DEVNULL, check=False).returncode != 0
        assert status_line(tracer, "Groups") == ""
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status_line(tracer, kind), 16) == 0
        assert status_line(tracer, "NoNewPrivs") == "1"
        assert status_line(tracer, "Seccomp") == "2"
        # Not dumpable: what is in /proc belongs to root, even to its own user.
        assert Path(f"/proc/{tracer}/mem").stat().st_uid == 0
        look = subprocess.run(
            [*AS_NOBODY, "ls", f"/proc/{tracer}/fd"], capture_output=True, check=False
        )
        assert look.returncode != 0
        assert int(status_line(tracer, "VmRSS").split()[0]) <= 40 << 10
        subprocess.run([only, "101"], check=True)
        time.sleep(0.1)
        assert drained(source)["calls"] > 101
    finally:
        source.close()
    assert state_of(tracer) == ""


def test_it_goes_before_others_until_it_does_not_pause(only) -> None:
    source = KernelSource(KernelRequest((Target("name", only.name),)))
    source.open()
    try:
        (tracer,) = [pid for pid in children_of(os.getpid()) if "--name=" in command_of(pid)]
        assert os.sched_getscheduler(tracer) == os.SCHED_RR | os.SCHED_RESET_ON_FORK
        assert os.sched_getparam(tracer).sched_priority == 1
        limits = Path(f"/proc/{tracer}/limits").read_text()
        assert re.search(r"Max realtime timeout +500000 +5000000 +us", limits)
        os.kill(tracer, signal.SIGXCPU)  # as the kernel does then
        eventually(
            lambda: os.sched_getscheduler(tracer) == os.SCHED_OTHER | os.SCHED_RESET_ON_FORK,
            "it stands behind what is in real time",
        )
        assert os.getpriority(os.PRIO_PROCESS, tracer) == -20
        subprocess.run([only, "101"], check=True)
        time.sleep(0.1)
        assert drained(source)["calls"] > 101
    finally:
        source.close()


def test_it_sleeps_while_nothing_happens_and_is_awake_at_once(only) -> None:
    source = KernelSource(KernelRequest((Target("name", only.name),)))
    source.open()
    try:
        (tracer,) = [pid for pid in children_of(os.getpid()) if "--name=" in command_of(pid)]
        for calls in (101, 103):  # it goes to rest again
            time.sleep(0.3)
            before = int(status_line(tracer, "voluntary_ctxt_switches"))
            time.sleep(2.5)
            assert int(status_line(tracer, "voluntary_ctxt_switches")) - before <= 5
            wanted = source.counters.calls + calls
            subprocess.run([only, str(calls)], check=True)
            end = time.monotonic() + 0.5  # it would look of itself after a second
            while source.counters.calls < wanted:
                assert time.monotonic() < end
                source.read(0.05)
    finally:
        source.close()


def test_who_only_records_is_handed_five_batches_a_second(tmp_path) -> None:
    cat = tmp_path / f"cat-{os.getpid()}"
    shutil.copy("/bin/cat", cat)
    source = KernelSource(KernelRequest((Target("name", cat.name),), recording=True))
    source.open()
    watched = subprocess.Popen([cat], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        items, began = [], time.monotonic()
        for _ in range(199):  # so few calls that no ring is ever an eighth full
            watched.stdin.write(b"x")
            watched.stdin.flush()
            items += [item for _, item in source.read(0.01)]
        batches = sum(isinstance(item, np.ndarray) for item in items)
        # A program that begins cuts its first batches where its name is told.
        assert 0 < batches <= 5 * (time.monotonic() - began) + 5
    finally:
        kill_and_wait(watched)
        source.close()


@pytest.mark.parametrize("output", ["t.imt", "-"])
def test_a_trace_on_standard_output_may_be_looked_at_live(only, tmp_path, output) -> None:
    path = output if output == "-" else tmp_path / output
    reader = start("trace", "-o", path, "--driver", only.name, stdout=subprocess.PIPE)
    try:
        eventually(
            lambda: "--name=" in "".join(map(command_of, children_of(reader.pid))), "it runs"
        )
        (tracer,) = children_of(reader.pid)
        assert ("--recording" in command_of(tracer)) == (output != "-")
        reader.send_signal(signal.SIGINT)
        reader.communicate(timeout=60)
    finally:
        kill_and_wait(reader)


def test_more_programs_than_there_is_room_for_are_told_of(tmp_path) -> None:
    """The tracer, with no rights left, goes on; who came unseen and still runs is announced."""
    shell = tmp_path / f"sh-{os.getpid()}"
    shutil.copy("/bin/sh", shell)
    source = KernelSource(KernelRequest((Target("name", shell.name),)))
    source.open()
    try:
        (tracer,) = [pid for pid in children_of(os.getpid()) if "--name=" in command_of(pid)]
        os.kill(tracer, signal.SIGSTOP)
        started = LIFECYCLE_SIZE // 512 + 101  # so much takes what is told of each
        loop = f"i=0; while [ $i -lt {started} ]; do /bin/true; i=$((i+1)); done"
        script = f"{loop}; sleep 300 >&2 & echo $!"
        last = int(subprocess.run([shell, "-c", script], check=True, stdout=subprocess.PIPE).stdout)
        eventually(lambda: Path(f"/proc/{last}/comm").read_text() == "sleep\n", "it sleeps")
        os.kill(tracer, signal.SIGCONT)
        assert source.stop()
        items = []
        while not source.finished:
            items += [item for _, item in source.read(0.1)]
        os.kill(last, signal.SIGKILL)
    finally:
        source.close()
    closed, end = items.pop(), items.pop()
    assert end.totals["lifecycle_lost"] > 101
    assert end.totals["calls"] == source.counters.calls + source.counters.lost
    assert closed.complete
    assert closed.warning.startswith(
        f"The kernel tracer of {shell.name} has overlooked {end.totals['lifecycle_lost']:,} births"
    )
    named = {item.pid: item.comm for item in items if isinstance(item, ProcessInfo)}
    calling = {pid for item in items if isinstance(item, np.ndarray) for pid in item["pid"]}
    assert len(calling) > started
    assert last in calling
    assert named[last] == ""  # nothing but whose it is


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.mark.parametrize("way", ["close", "kill reader", "kill tracer", "end tracer"])
def test_nothing_is_left_in_the_kernel(only, tmp_path, way) -> None:
    before = bpf_objects()
    path = tmp_path / "t.imt"
    reader = start("trace", "-o", path, "--driver", only.name, stderr=subprocess.PIPE, text=True)
    try:
        eventually(path.exists, "it traces", 60)
        (tracer,) = children_of(reader.pid)
        assert len(bpf_objects() - before) >= 4 + 8  # programs and the maps they use
        if way == "close":
            reader.send_signal(signal.SIGINT)
        elif way == "kill reader":
            reader.kill()
        else:
            os.kill(tracer, signal.SIGKILL if way == "kill tracer" else signal.SIGTERM)
        said = reader.communicate(timeout=30)[1]
        eventually(lambda: state_of(tracer) in ("", "Z"), "the tracer is gone")
        eventually(lambda: not bpf_objects() - before, "nothing is left in the kernel")
    finally:
        kill_and_wait(reader)
    expected = {"kill reader": -signal.SIGKILL, "kill tracer": 2}.get(way, 0)
    assert reader.returncode == expected, said
    if way == "kill tracer":
        assert "went away in the middle of its stream" in said
        assert said.count("\n") == 1
        recorded(path)  # whole all the same


def test_request_that_is_refused(tmp_path) -> None:
    for words, sentence in (
        (["--name=a/b"], "base name"),
        (["--frobnicate"], "knows no"),
        ([], "which application"),
        (["--pid=4194000"], "no process 4194000"),
        (["--name=x", "--ring-size=1000"], "power of two"),
    ):
        ours, theirs = socket.socketpair()
        done = subprocess.run(
            [*TRACER, *words],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        theirs.close()
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
        assert ours.recv(100) == b""
        ours.close()
    done = subprocess.run([*TRACER, "--name=x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "socket only" in done.stderr


@pytest.mark.parametrize("words", [["--listen={}", f"--user={NOBODY}"], ["--serve=1"]])
def test_by_pkexec_one_request_and_nothing_that_stays(tmp_path, words) -> None:
    """The polkit action is for this program, whatever its words are."""
    path = tmp_path / "s"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.shutdown(socket.SHUT_RD)  # where it waits for a request it is told of an end
        tracer = subprocess.Popen(
            [*TRACER, *(word.format(path) for word in words)],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PKEXEC_UID": str(NOBODY)},
        )
        try:
            eventually(lambda: path.exists() or tracer.poll() is not None, "it listens or ends")
            assert tracer.poll() == 2
            said = tracer.stderr.read()
        finally:
            kill_and_wait(tracer)
    assert said.startswith("By pkexec the kernel tracer takes a request only")
    assert said.count("\n") == 1


@pytest.mark.usefixtures("open_checkout")
def test_not_as_another_user() -> None:
    done = subprocess.run(
        [*AS_NOBODY, *TRACER, "--name=x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "as root" in done.stderr


def test_code_that_others_can_write(tmp_path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    file = folder / "module.py"
    file.touch(mode=0o644)
    check_code([folder], [])
    for path, mode, right in ((file, 0o664, 0o644), (folder, 0o777, 0o755)):
        path.chmod(mode)
        with pytest.raises(SourceError, match="others than"):
            check_code([folder], [])
        path.chmod(right)
    os.chown(file, NOBODY, -1)
    with pytest.raises(SourceError, match="others than"):
        check_code([folder], [])
    os.chown(file, 0, -1)
    os.chown(folder, NOBODY, -1)  # who owns a folder puts something else in the file's place
    with pytest.raises(SourceError, match="others than"):
        check_code([file], [])
    os.chown(folder, 0, -1)
    link = tmp_path / "link"
    link.symlink_to(folder)
    check_code([link], [link])


@pytest.fixture
def listening(tmp_path, open_folder):
    """A tracer that listens, for root and the user nobody."""
    os.chown(open_folder, 0, 0)
    open_folder.chmod(0o755)
    path = open_folder / "tracer"
    listener = subprocess.Popen(
        [*TRACER, f"--listen={path}", f"--user={NOBODY}"], stderr=subprocess.PIPE, text=True
    )
    try:
        eventually(path.exists, "it listens")
        yield path
        listener.terminate()
        assert listener.wait(10) == 0
        assert not path.exists()
    finally:
        kill_and_wait(listener)


@pytest.mark.usefixtures("open_checkout")
def test_listening_for_a_user_without_rights(only, tmp_path, open_folder, listening) -> None:
    trace = open_folder / "nobody" / "t.imt"
    trace.parent.mkdir()
    os.chown(trace.parent, NOBODY, NOBODY)
    reader = start(
        "trace",
        *("-v", "-o", trace, "--driver", only.name, "--device", listening),
        as_nobody=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: trace.exists() or reader.poll() is not None, "it traces", 60)
        assert reader.poll() is None, reader.stderr.read()
        subprocess.run([only, "1009"], check=True)
        time.sleep(0.1)
        reader.send_signal(signal.SIGINT)
        said = reader.communicate(timeout=30)[1]
        assert reader.returncode == 0, said
    finally:
        kill_and_wait(reader)
    assert recorded(trace).count(110) == 1009


def test_listening_refuses_in_words(listening, only) -> None:
    for sent, sentence in (
        (b"garbage\n", "not JSON"),
        (b'{"a": 1}\n', "list of words"),
        (json.dumps(["--name=../x"]).encode() + b"\n", "base name"),
        (b'["' + b"x" * 65535, "too long"),
        (b"[" * 60000 + b"\n", "not JSON"),
        (b'["--name=x", "--ring-size=268435456"]\n', "root's to ask for"),
    ):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(listening))
            client.sendall(sent)
            answer = client.recv(4096).decode()
            assert sentence in answer
            assert client.recv(4096) == b""
    request = KernelRequest((Target("pid", "4194000"),))
    with pytest.raises(SourceError, match="no process 4194000"):
        KernelSource(request, str(listening)).open()
    with pytest.raises(SourceError, match="No kernel tracer listens"):
        KernelSource(request, str(listening) + "-not").open()
    source = KernelSource(KernelRequest((Target("name", only.name),)), str(listening))
    source.open()  # the refused ones have disturbed nobody
    assert source.state == "tracing"
    source.close()


def test_listening_admits_only_its_users(listening) -> None:
    daemon = pwd.getpwnam("daemon")
    script = (
        "import socket,sys; c=socket.socket(socket.AF_UNIX); c.settimeout(20)\n"
        "c.connect(sys.argv[1]); print(c.recv(4096).decode())"
    )
    done = subprocess.run(
        [*as_user(daemon), sys.executable, "-I", "-c", script, listening],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No permission" in done.stdout + done.stderr or "Permission denied" in done.stderr


@pytest.fixture
def account(open_checkout):
    """A second user account, who may run the tracer by sudo without a password."""
    if not shutil.which("sudo") or not shutil.which("useradd"):
        pytest.skip("sudo or useradd is not here")
    name = f"imsafe{os.getpid()}"
    rule = Path(f"/etc/sudoers.d/{name}")
    subprocess.run(["useradd", "--create-home", name], check=True)
    try:
        rule.touch(mode=0o440)
        rule.write_text(f"{name} ALL=(root) NOPASSWD: {Path(sys.executable)} *\n")
        yield pwd.getpwnam(name)
    finally:
        rule.unlink()
        subprocess.run(["userdel", "--remove", name], check=True, stderr=subprocess.DEVNULL)


def as_user(account: pwd.struct_passwd) -> list[str]:
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def start_as(account: pwd.struct_passwd, *args: object) -> Any:
    environment = {"HOME": account.pw_dir, "PATH": os.environ["PATH"], "USER": account.pw_name}
    return subprocess.Popen(
        [*as_user(account), *tool("trace", *args)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # without a terminal sudo cannot ask
    )


def test_by_sudo(account, only) -> None:
    """Nobody but the tracer is root: the reader, its file and its process are the user's."""
    before = bpf_objects()
    trace = Path(account.pw_dir) / "t.imt"
    reader = start_as(account, "-v", "-o", trace, "--driver", only.name)
    try:
        eventually(lambda: trace.exists() or reader.poll() is not None, "it traces", 60)
        assert reader.poll() is None, reader.stderr.read()
        subprocess.run([only, "1013"], check=True)
        time.sleep(0.1)
        reader.send_signal(signal.SIGINT)
        said = reader.communicate(timeout=30)[1]
        assert reader.returncode == 0, said
        assert "0 lost" in said
    finally:
        kill_and_wait(reader)
    assert trace.stat().st_uid == account.pw_uid
    assert recorded(trace).count(110) == 1013
    eventually(lambda: not bpf_objects() - before, "nothing is left in the kernel")


def test_sudo_that_refuses(account, only) -> None:
    Path(f"/etc/sudoers.d/{account.pw_name}").write_text("")
    trace = Path(account.pw_dir) / "t.imt"
    reader = start_as(account, "-o", trace, "--driver", only.name)
    said = reader.communicate(timeout=60)[1]
    assert reader.returncode == 2
    assert said.startswith("ims-trace: No permission to start the kernel tracer: sudo refused")
    assert said.count("\n") == 1
    assert not trace.exists()


def test_recording_of_a_flood_while_the_reader_is_slow(only, tmp_path) -> None:
    """A reader that stands still loses nothing it was not told of."""
    path = tmp_path / "t.imt"
    with recording(path, "--driver", only.name, "--ring-size", "1M") as reader:
        reader.send_signal(signal.SIGSTOP)
        subprocess.run([only, "5000011"], check=True)
        reader.send_signal(signal.SIGCONT)
    trace = recorded(path)
    assert trace.totals["lost"] > 0
    assert len(trace.calls) + trace.totals["lost"] == trace.totals["calls"]
    assert 5000011 < trace.totals["calls"] < 5000111
