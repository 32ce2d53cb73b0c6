# SPDX-License-Identifier: GPL-3.0-or-later
"""Which running processes a request means: real ones, started here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imsafe.errors import SourceError
from imsafe.sources.kernel_request import KernelRequest, Target
from imsafe.sources.matching import (
    Running,
    cgroup_path,
    cgroup_root,
    look_at,
    matched,
    running,
)

from .running import ROOT, eventually, kill_and_wait, state_of

LONG = "a-name-longer-than-comm-can-hold"
IMPORTS = "import ctypes, os, sys\n"


@pytest.fixture
def begin() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Begin a program; it is ended after the test."""
    begun = []

    def begin(*argv: str | Path) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return begun[-1]

    yield begin
    for process in begun:
        kill_and_wait(process)


@pytest.fixture
def start(begin) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a program that waits for its stdin to close."""

    def start(*argv: str | Path) -> subprocess.Popen[bytes]:
        process = begin(*argv)
        # comm and command line are there only some time after Popen has returned.
        comm = os.fsencode(Path(argv[0]).name)[:15] + b"\n"
        eventually(
            lambda: (
                Path(f"/proc/{process.pid}/comm").read_bytes() == comm
                and state_of(process.pid) in ("S", "Z")
            ),
            "it has started and waits",
        )
        return process

    return start


@pytest.fixture
def python(begin) -> Callable[..., subprocess.Popen[bytes]]:
    """Start Python code, which then says that it is done and waits."""

    def start(code: str, *words: Path) -> subprocess.Popen[bytes]:
        code = f"{IMPORTS}{textwrap.dedent(code)}\nprint(flush=True); sys.stdin.read()"
        process = begin(sys.executable, "-I", "-S", "-c", code, *words)
        process.stdout.readline()
        return process

    return start


def copy_of(program: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(shutil.which(program), path)
    return path


def script(path: Path, first_line: str) -> Path:
    path.write_text(first_line + "\nread line\n")
    path.chmod(0o755)
    return path


def meant(*words: str) -> dict[int, int]:
    return matched(KernelRequest.from_words(words))


def names(process: subprocess.Popen[bytes]) -> frozenset[str]:
    found = look_at(process.pid)
    assert found is not None
    return found.names


def test_by_name(start, tmp_path):
    process = start(copy_of("cat", tmp_path / "imsafe-cat"))
    assert names(process) == {"imsafe-cat"}
    assert meant("--name=imsafe-cat") == {process.pid: 1}
    assert meant("--name=imsafe") == {}
    assert meant("--name=cat-of-none", "--name=imsafe-cat") == {process.pid: 2}


def test_a_name_that_comm_cannot_hold(start, tmp_path):
    process = start(copy_of("cat", tmp_path / LONG))
    assert names(process) == {LONG, LONG[:15]}
    assert meant(f"--name={LONG}") == meant(f"--name={LONG[:15]}") == {process.pid: 1}
    assert meant(f"--name={LONG[:16]}") == {}


def test_a_long_name_that_only_a_link_has(start, tmp_path):
    (tmp_path / LONG).symlink_to(copy_of("cat", tmp_path / "imsafe-cat"))
    process = start(tmp_path / LONG)
    assert names(process) == {LONG, LONG[:15], "imsafe-cat"}
    assert meant(f"--name={LONG}") == {process.pid: 1}


def test_a_long_name_cut_within_a_character(start, tmp_path):
    name = "fourteen-bytes" + "ü" * 9
    (tmp_path / name).symlink_to(copy_of("cat", tmp_path / "imsafe-cat"))
    process = start(tmp_path / name)
    assert name in names(process)
    assert meant(f"--name={name}") == {process.pid: 1}


@pytest.mark.parametrize("first_line", ["#!/bin/sh", "#! /bin/sh -e"])
@pytest.mark.parametrize("name", ["imsafe-script", LONG])
def test_a_script(start, tmp_path, first_line, name):
    path = script(tmp_path / name, first_line)
    process = start(path, "more", "words")
    found = look_at(process.pid)
    assert {name, name[:15], Path(found.exe).name} == found.names
    assert found.script == str(path)
    assert meant(f"--name={name}") == meant(f"--path={path}") == {process.pid: 1}


def test_what_is_named_like_its_argument_is_no_script(start, tmp_path):
    path = copy_of("cat", tmp_path / "imsafe-cat")
    fifo = tmp_path / "elsewhere" / "imsafe-cat"
    fifo.parent.mkdir()
    os.mkfifo(fifo)
    process = start(path, fifo)
    assert look_at(process.pid).script == ""
    assert meant(f"--path={fifo}") == {}


def test_by_path(start, tmp_path):
    path = copy_of("cat", tmp_path / "imsafe-cat")
    process = start(path)
    other = start(copy_of("cat", tmp_path / "other" / "imsafe-cat"))
    assert meant(f"--path={path}") == {process.pid: 1}
    assert meant("--name=imsafe-cat") == {process.pid: 1, other.pid: 1}


def test_by_a_path_through_links(start, tmp_path):
    path = copy_of("cat", tmp_path / "real" / "imsafe-cat")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to("folder/imsafe-cat")
    process = start(path)
    for way in ("folder/imsafe-cat", "link", "real//imsafe-cat"):
        assert meant(f"--path={tmp_path}/{way}") == {process.pid: 1}


def test_by_pid(start):
    one, two, _other = start("cat"), start("cat"), start("cat")
    assert meant(f"--pid={one.pid}", f"--pid={two.pid}") == {one.pid: 1, two.pid: 2}


def test_not_those_that_run_already(start, tmp_path):
    start(copy_of("cat", tmp_path / "imsafe-cat"))
    assert meant("--name=imsafe-cat", "--not-yet-started") == {}


def test_a_process_that_calls_itself_otherwise(python):
    process = python("""
        with open("/proc/self/comm", "w") as comm:
            comm.write("imsafe-renamed")
    """)
    found = look_at(process.pid)
    assert found.comm == "imsafe-renamed"
    assert found.names == {"imsafe-renamed", Path(found.exe).name}
    assert meant("--name=imsafe-renamed") == {process.pid: 1}


def test_a_process_without_a_command_line(python):
    """It may wipe that; to be called by one's name is no promise that one answers to."""
    process = python("""
        with open("/proc/self/stat") as stat:
            start, end = map(int, stat.read().rpartition(")")[2].split()[45:47])
        ctypes.memset(start, 0, end - start)
    """)
    assert Path(f"/proc/{process.pid}/cmdline").read_bytes().strip(b"\0") == b""
    assert meant(f"--pid={process.pid}") == {process.pid: 1}


def test_a_process_whose_first_thread_has_ended(python):
    code = """
        import threading
        threading.Thread(target=lambda: (print(flush=True), sys.stdin.read())).start()
        ctypes.CDLL(None).syscall(%d, 0)
    """
    process = python(code % {"x86_64": 60, "aarch64": 93}[os.uname().machine])
    eventually(lambda: state_of(process.pid) == "Z", "the first thread has ended")
    found = look_at(process.pid)
    assert Path(found.exe).samefile(sys.executable)
    assert meant(f"--path={found.exe}").get(process.pid) == 1


def test_a_process_that_has_ended(start):
    process = start("true")
    eventually(lambda: state_of(process.pid) == "Z", "it ends")
    assert look_at(process.pid) is None
    assert meant(f"--pid={process.pid}") == {}
    process.wait()
    assert look_at(process.pid) is None


def test_an_executable_that_was_deleted(start, tmp_path):
    path = copy_of("cat", tmp_path / "imsafe-cat")
    process = start(path)
    path.unlink()
    assert look_at(process.pid).exe == str(path)
    assert meant("--name=imsafe-cat") == meant(f"--path={path}") == {process.pid: 1}


def test_an_executable_that_is_only_called_deleted(start, tmp_path):
    path = copy_of("cat", tmp_path / "imsafe (deleted)")
    process = start(path)
    assert meant(f"--path={path}") == meant("--name=imsafe (deleted)") == {process.pid: 1}


def test_no_kernel_thread_and_nothing_twice():
    found = list(running())
    assert len({process.pid for process in found}) == len(found)
    assert os.getpid() in {process.pid for process in found}
    assert look_at(2) is None or look_at(2).comm != "kthreadd"
    for process in found:
        assert process.exe or process.comm
        assert "" not in process.names


@pytest.mark.parametrize("follow", [True, False], ids=["follow", "stay"])
def test_descendants(python, tmp_path, follow):
    """A Python with a child that is one too, whose child is another program."""
    waits = script(tmp_path / "imsafe-script", "#!/bin/sh")
    process = python(
        """
        def fork(go_on):
            if not os.fork():
                go_on()
                print(flush=True)
                sys.stdin.read()
                os._exit(0)
        fork(lambda: fork(lambda: os.execv(sys.argv[1], sys.argv[1:])))
        """,
        waits,
    )
    line = process.stdout.readline()
    assert line

    def family() -> list[int]:
        found = {p.pid: p for p in running()}
        child = [p.pid for p in found.values() if p.parent == process.pid]
        grandchild = [p.pid for p in found.values() if p.parent in child and p.script]
        return child + grandchild

    eventually(lambda: len(family()) == 2, "child and grandchild run")
    child, grandchild = family()
    words = [] if follow else ["--no-follow-exec"]
    expected = {process.pid: 1, child: 1} | ({grandchild: 1} if follow else {})
    assert meant(f"--pid={process.pid}", *words) == expected
    # Who is named oneself belongs to that application, and one's descendants with one.
    both = meant(f"--pid={process.pid}", "--name=imsafe-script", *words)
    assert both == {process.pid: 1, child: 1, grandchild: 2}
    assert meant("--name=imsafe-script", f"--pid={child}", *words) == {grandchild: 1, child: 2}


def seen(pid: int, parent: int, **known: object) -> Running:
    fields = {"comm": "x", "exe": "", "names": frozenset({"x"}), "cgroup": "", **known}
    return Running(pid, parent, **fields)  # type: ignore[arg-type]


def test_executables_that_may_not_be_read():
    """Another user's, as the window sees them: it counts by comm then."""
    processes = [seen(5, 1), seen(6, 5), seen(7, 6, comm="y"), seen(8, 7, exe="/x"), seen(9, 5)]
    request = KernelRequest((Target("pid", "5"),), follow_exec=False)
    assert matched(request, {p.pid: p for p in processes}) == {5: 1, 6: 1, 9: 1}


@pytest.fixture
def groups() -> Path:
    """Where the control groups are."""
    try:
        return cgroup_root()
    except SourceError as error:
        pytest.skip(str(error))


def test_a_unit_and_all_of_its_groups(groups):
    group = cgroup_path(Target("unit", "imsafe-no-such-unit"))
    processes = [
        seen(5, 1, cgroup=group),
        seen(6, 1, cgroup=f"{group}/inner"),
        seen(7, 1, cgroup=f"{group}-other"),
        seen(8, 1, cgroup="/"),
        seen(9, 1),
    ]
    request = KernelRequest((Target("unit", "imsafe-no-such-unit"),))
    assert matched(request, {p.pid: p for p in processes}) == {5: 1, 6: 1}


def test_where_a_unit_is_awaited(groups):
    where = cgroup_path(Target("unit", "imsafe-none"))
    assert where.endswith("/system.slice/imsafe-none.service")
    assert cgroup_path(Target("unit", "imsafe-none.scope")).endswith("/imsafe-none.scope")
    assert cgroup_path(Target("unit", "imsafe.none")).endswith("/imsafe.none.service")


def test_the_highest_group_is_everything(groups):
    assert cgroup_path(Target("cgroup", str(groups))).startswith("/")


def test_a_folder_that_is_no_control_group(groups, tmp_path):
    with pytest.raises(SourceError, match="where the control groups are"):
        cgroup_path(Target("cgroup", str(tmp_path)))


IN_PRIVATE = """
import json, os, subprocess, sys
from pathlib import Path
from imsafe.errors import SourceError
from imsafe.sources.kernel_request import KernelRequest, Target
from imsafe.sources.matching import cgroup_path, cgroup_root, matched

mount, name = Path(sys.argv[1]), sys.argv[2]
group = mount / name
unit = group / "imsafe-test.service"
inner = unit / "inner"
children = []
try:
    for folder in (group, unit, inner):
        folder.mkdir()
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        (folder / "cgroup.procs").write_text(str(child.pid))
        children.append(child)

    def meant(*words):
        found = matched(KernelRequest.from_words(words))
        return [found.get(child.pid, 0) for child in children]

    print(json.dumps({
        "root": str(cgroup_root()),
        "group": meant(f"--cgroup={group}"),
        "slash": meant(f"--cgroup={unit}/"),
        "unit": meant("--unit=imsafe-test"),
        "full": meant("--unit=imsafe-test.service"),
        "several": meant(f"--cgroup={inner}", "--unit=imsafe-test", f"--cgroup={group}"),
        "all": meant(f"--cgroup={mount}"),
        "beside": meant(f"--cgroup={group}-other"),
        "path": cgroup_path(Target("cgroup", str(unit))),
        "top": cgroup_path(Target("cgroup", str(mount))),
        "own": Path(f"/proc/{children[2].pid}/cgroup").read_text().rpartition("0::")[2].strip(),
    }))
finally:
    for child in children:
        child.kill()
        child.wait()
    for folder in (inner, unit, group):
        if folder.is_dir():
            folder.rmdir()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount control groups")
@pytest.mark.parametrize("namespace", [False, True], ids=["whole", "namespace"])
def test_control_groups_mounted_in_a_private_place(tmp_path, namespace):
    mount = tmp_path / "control groups"
    mount.mkdir()
    name = f"imsafe-test-{os.getpid()}-{tmp_path.name[-8:]}"
    words = ["unshare", "--mount", *(["--cgroup"] if namespace else []), "sh", "-euc"]
    steps = 'mount -t cgroup2 none "$1"; exec "$2" -c "$3" "$1" "$4"'
    done = subprocess.run(
        [*words, steps, "sh", mount, sys.executable, IN_PRIVATE, name],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"no control groups of version 2 can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["group"] == found["all"] == [1, 1, 1]
    assert found["slash"] == found["unit"] == found["full"] == [0, 1, 1]
    assert found["several"] == [3, 2, 1]
    assert found["beside"] == [0, 0, 0]
    assert found["own"] == f"{found['path']}/inner"
    assert found["path"].endswith(f"/{name}/imsafe-test.service")
    assert found["top"] == "/"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount /proc otherwise")
@pytest.mark.usefixtures("open_checkout")
def test_a_folder_of_proc_that_is_closed():
    """As /proc with hidepid shows other users' processes to the window."""
    code = "from imsafe.sources.matching import running; print(len(list(running())))"
    steps = (
        'mount -t proc -o hidepid="$1" none /proc; cat & exec setpriv --reuid=65534 "$2" -c "$3"'
    )
    words = ["unshare", "--mount", "--pid", "--fork"]
    for hidepid in ("1", "2"):
        done = subprocess.run(
            [*words, "sh", "-euc", steps, "sh", hidepid, sys.executable, code],
            stdin=subprocess.PIPE,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=60,
        )
        if "mount:" in done.stderr or "unshare:" in done.stderr:
            pytest.skip(f"no /proc of one's own here: {done.stderr.strip()}")
        assert (done.returncode, done.stderr) == (0, "")
        assert int(done.stdout) >= 1


def test_many_targets_and_processes_take_no_time():
    targets = tuple(Target("path", f"/usr/bin/x{n % 250}") for n in range(1000))
    processes = {pid: seen(pid, 1, exe=f"/usr/bin/y{pid}") for pid in range(2, 1000)}
    before = os.times().user
    assert matched(KernelRequest(targets), processes) == {}
    assert os.times().user - before < 5
