# SPDX-License-Identifier: GPL-3.0-or-later
"""`imsafe check` about the kernel tracer: here, and where something is taken away."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from imsafe.cli.check import driver, kernel_side
from imsafe.cli.distribution import Distribution
from imsafe.sources.ebpf.compile import bcc_folder

from .test_check import ROOT, check, findings

if sys.platform != "linux":
    pytest.skip("the kernel tracer is Linux's", allow_module_level=True)

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try the kernel tracer")
REAL = "0000000000000000", "000001ffffffffff"
ALL = "         0          0 4294967295"


@pytest.fixture(scope="module")
def here():
    return findings(check("--json"))


def within(*words: str) -> dict[str, dict[str, str]]:
    """The findings where `words` (unshare, setpriv) take something away."""
    process = subprocess.run(
        [*words, sys.executable, "-m", "imsafe.cli.imsafe", "check", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
    )
    if "unshare:" in process.stderr or "setpriv:" in process.stderr:
        pytest.skip(f"rights cannot be taken away here: {process.stderr.strip()}")
    assert process.stderr == ""
    # However little the driver may do, it is not needed.
    assert process.returncode == 0
    return findings(process)


def test_all_of_it_is_looked_at(here):
    assert {name.partition(": ")[2] for name in here if name.startswith("Driver: ")} >= {
        "kernel",
        "processor",
        "permission",
        "code",
        "namespaces",
        "capabilities",
        "lockdown",
        "perf events",
        "kernel types",
        "control groups",
        "trace",
    }
    assert "bcc" in here


@AS_ROOT
def test_it_really_traces(here):
    if bcc_folder() is None:
        pytest.skip("bcc is not installed")
    if here["Driver: namespaces"]["state"] != "works":
        pytest.skip(here["Driver: namespaces"]["detail"])
    for name in ("ring buffer", "tracepoints", "trace"):
        assert here[f"Driver: {name}"]["state"] == "works", here[f"Driver: {name}"]
    assert here["Driver: trace"]["detail"].startswith("1,003 of 1,003 calls, ")
    assert re.match(r"\d+\.\d+\.\d+ in /usr/lib/", here["bcc"]["detail"])


@AS_ROOT
def test_in_a_container_with_its_own_process_numbers():
    found = within("unshare", "--pid", "--fork", "--mount-proc")
    assert found["Driver: namespaces"]["state"] == "note"
    assert "--pid=host" in found["Driver: namespaces"]["mend"]
    assert found["Driver: trace"]["state"] == "note"


@AS_ROOT
def test_as_root_of_a_user_namespace():
    found = within("unshare", "--user", "--map-root-user")
    assert "user namespace" in found["Driver: namespaces"]["detail"]
    assert found["Driver: ring buffer"]["state"] == "note"


@AS_ROOT
def test_as_root_without_capabilities():
    found = within("setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin")
    assert found["Driver: capabilities"]["detail"].endswith(" CAP_PERFMON, CAP_BPF")
    assert found["Driver: capabilities"]["mend"] == "docker run --cap-add PERFMON --cap-add BPF"
    assert found["Driver: ring buffer"]["detail"] == "bpf() says: operation not permitted"
    assert found["Driver: trace"]["state"] == "note"


# A seccomp filter that answers bpf() with EPERM, as those of containers do.
WITHOUT_BPF = """
import ctypes, os, struct, sys
number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
lines = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
code = b"".join(struct.pack("=HBBI", *line) for line in lines)
libc = ctypes.CDLL(None)
assert not libc.prctl(38, 1, 0, 0, 0)
keep = ctypes.create_string_buffer(code)
assert not libc.prctl(22, 2, struct.pack("=HxxxxxxQ", 4, ctypes.addressof(keep)), 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@AS_ROOT
def test_in_a_container_whose_filter_forbids_bpf():
    found = within(sys.executable, "-c", WITHOUT_BPF)
    ring = found["Driver: ring buffer"]
    assert ring["state"] == "note"
    assert "a seccomp filter" in ring["detail"]
    assert ring["mend"] == "docker run --security-opt seccomp=unconfined"
    assert found["Driver: trace"]["state"] == "note"


def states(found):
    return [finding.state for finding in found]


@pytest.mark.parametrize(
    ("release", "state"),
    [
        ("5.8.0", "works"),
        ("5.10.0-28-amd64", "works"),
        ("6.1.0-18-amd64", "works"),
        ("6.18.44-fc-v669", "works"),
        ("10.0.1", "works"),
        ("5.7.19", "note"),
        ("5.4.0-216-generic", "note"),
        ("4.19.0-27-amd64", "note"),
    ],
)
def test_kernels(release, state):
    assert states(kernel_side.kernel(release, "x86_64")) == [state, "works"]


def test_processors():
    _, arm = kernel_side.kernel("6.1.0", "aarch64")
    assert (arm.state, arm.mend) == ("works", "")
    assert "never tested" in arm.detail
    for machine in ("riscv64", "i686", "s390x", ""):
        assert states(kernel_side.kernel("6.1.0", machine)) == ["works", "note"]


def test_lockdown():
    assert kernel_side.lockdown("").state == "works"
    assert kernel_side.lockdown("[none] integrity confidentiality").state == "works"
    assert kernel_side.lockdown("none [integrity] confidentiality").state == "works"
    strict = kernel_side.lockdown("none integrity [confidentiality]")
    assert strict.state == "note"
    assert "lockdown=integrity" in strict.mend


def test_perf_events():
    for paranoid in ("-1", "2", "4"):
        assert kernel_side.perf_events(paranoid).state == "works"
    assert kernel_side.perf_events("").state == "note"


def test_capabilities_of_users_are_those_that_root_can_give_them():
    effective, bounds = REAL
    status = {"CapEff": effective, "CapBnd": bounds}
    assert kernel_side.capabilities(status, root=False).state == "works"
    assert kernel_side.capabilities(status, root=True).state == "note"
    # Docker's own choice.
    docker = {"CapEff": "00000000a80425fb", "CapBnd": "00000000a80425fb"}
    found = kernel_side.capabilities(docker, root=True)
    assert found.detail.endswith("CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF")
    # CAP_SYS_ADMIN comprises the two.
    admin = {"CapEff": f"{0xA80425FB | 1 << 21 | 1 << 19:x}"}
    assert kernel_side.capabilities(admin, root=True).state == "works"


def test_namespaces():
    ours = "pid:[4026531836]"
    assert kernel_side.namespaces(ours, ALL).state == "works"
    assert kernel_side.namespaces("pid:[4026532201]", ALL).state == "note"
    assert kernel_side.namespaces(ours, "0 1000 1").state == "note"


@pytest.mark.parametrize(
    ("installed", "display", "programs", "says"),
    [
        (True, True, {"pkexec", "sudo"}, "pkexec asks"),
        (True, False, {"pkexec", "sudo"}, "sudo asks"),
        (False, True, {"pkexec", "sudo"}, "sudo asks"),
        (True, True, {"sudo"}, "sudo asks"),
        (True, False, {"pkexec"}, "no sudo here to ask for that; pkexec needs a display"),
        (False, True, set(), "there is no sudo here"),
    ],
)
def test_who_asks_for_permission(installed, display, programs, says):
    found = driver.permission(
        root=False,
        installed=installed,
        display=display,
        which=lambda name: name if name in programs else None,
    )
    assert says in found.detail
    assert found.state == ("note" if "no sudo" in says else "works")
    assert bool(found.mend) == (found.state == "note")
    assert driver.permission(root=True).state == "works"


@AS_ROOT
def test_code_that_others_could_change(tmp_path):
    """A checkout of a user's: root does not run it, and check says so beforehand."""
    copy = tmp_path / "imsafe"
    subprocess.run(["cp", "-r", ROOT / "imsafe", copy], check=True)
    (copy / "cli" / "__init__.py").chmod(0o666)
    process = subprocess.run(
        [sys.executable, "-c", "from imsafe.cli.check.driver import code; print(code(root=True))"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert process.stderr == ""
    assert f"does not run {copy}/cli/__init__.py" in process.stdout
    assert "pip install" in process.stdout


@pytest.mark.parametrize("family", ["debian", "fedora", "arch", ""])
def test_every_distribution_has_its_commands(family):
    distribution = Distribution("X", family)
    assert distribution.newer_kernel.endswith("; then boot it")
    package = {"debian": "python3-bpfcc", "fedora": "python3-bcc", "arch": "python-bcc", "": "bcc"}
    assert package[family] in distribution.install(["bcc"])


def test_no_control_groups():
    code = "from imsafe.cli.check.kernel_side import control_groups; print(control_groups())"
    steps = 'umount -a -t cgroup2; exec "$@"'
    if os.geteuid() != 0:
        pytest.skip("only root may unmount them, for a process of its own")
    process = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", steps, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if "umount:" in process.stderr or "unshare:" in process.stderr:
        pytest.skip(f"no mounts of one's own here: {process.stderr.strip()}")
    assert "version 2 is not mounted" in process.stdout, process.stderr
    assert "mount -t cgroup2" in process.stdout


def test_who_is_not_root_is_told_how_to_try_it():
    code = (
        "import os; os.geteuid = lambda: 1000\n"
        "from imsafe.cli.check.driver import findings\n"
        "print(*(found for found in findings() if found.check == 'Driver: trace'))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert f"mend='sudo {sys.executable} -m imsafe.cli.imsafe check'" in process.stdout
