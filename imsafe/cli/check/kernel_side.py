# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel, its configuration or a container let the kernel tracer do."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from imsafe.cli.check.finding import Finding, python_says
from imsafe.cli.distribution import this_distribution
from imsafe.errors import SourceError, reason

_CAPABILITIES = {6: "SETGID", 7: "SETUID", 19: "SYS_PTRACE", 38: "PERFMON", 39: "BPF"}
_SYS_ADMIN = 21
_INITIAL_PID_NAMESPACE = "pid:[4026531836]"
_EVERY_USER = ["0", "0", "4294967295"]

_BPF = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _RING_BUFFER = 0, 27

_TRACEPOINTS = (
    "raw_syscalls/sys_enter",
    "sched/sched_process_exec",
    "sched/sched_process_exit",
    "task/task_newtask",
)
_OF_CONTROL_GROUPS = ("cgroup/cgroup_mkdir", "cgroup/cgroup_rmdir")
_FIND_TRACEPOINTS = """
from pathlib import Path
from imsafe.sources.ebpf.compile import TRACING, mount_tracefs
mount_tracefs()
events = next(path for place in TRACING if (path := Path(place, "events")).is_dir())
print(*(name for name in {names!r} if (events / name).is_dir()))
"""


def kernel(release: str, machine: str) -> Iterator[Finding]:
    """Version and processor."""
    from imsafe.sources.ebpf.compile import OLDEST_KERNEL  # noqa: PLC0415
    from imsafe.sources.ebpf.stub_headers import kernel_version  # noqa: PLC0415

    check, needed = "Driver: kernel", ".".join(map(str, OLDEST_KERNEL))
    if kernel_version(release) < (*OLDEST_KERNEL, 0):
        detail = f"Linux {release} is older than {needed}, the first with BPF ring buffers"
        yield Finding(check, "note", detail, this_distribution().newer_kernel)
    else:
        yield Finding(check, "works", f"Linux {release}; ring buffers came with {needed}")
    check = "Driver: processor"
    match machine:
        case "x86_64":
            yield Finding(check, "works", "x86_64")
        case "aarch64":
            yield Finding(check, "works", "aarch64: written for it, but never tested there")
        case _:
            detail = f"the kernel tracer does not know {machine}"
            yield Finding(check, "note", detail, "use the sensor: ims-trace -o FILE -- COMMAND")


def namespaces(pid_namespace: str, uid_map: str) -> Finding:
    """Whether process numbers are the machine's own, and root is its root."""
    check = "Driver: namespaces"
    if pid_namespace != _INITIAL_PID_NAMESPACE:
        detail = "this is a container: its process numbers are not those that the kernel tells"
        return Finding(check, "note", detail, "start ImSafe outside, or: docker run --pid=host")
    if uid_map.split() != _EVERY_USER:
        detail = "root in here is root of a user namespace only, which may not trace the kernel"
        return Finding(check, "note", detail, "start ImSafe outside of it (rootful, not rootless)")
    return Finding(check, "works", "the machine's own process numbers and users")


def capabilities(status: Mapping[str, str], *, root: bool) -> Finding:
    """What the tracer, which is started as root, would have; see ``/proc/self/status``."""
    check = "Driver: capabilities"
    held = int(status.get("CapEff", "0"), 16)
    bounds = int(status.get("CapBnd", "0"), 16)
    have = held if root else bounds  # those that sudo or pkexec can still give
    missing = [name for number, name in _CAPABILITIES.items() if not have >> number & 1]
    if have >> _SYS_ADMIN & 1:  # it comprises the two
        missing = [name for name in missing if name not in ("PERFMON", "BPF")]
    if missing:
        detail = "root has to do without " + ", ".join(f"CAP_{name}" for name in missing)
        mend = "docker run " + " ".join(f"--cap-add {name}" for name in missing)
        return Finding(check, "note", detail, mend)
    if root:
        return Finding(check, "works", "all that the tracer needs, until it gives them up")
    return Finding(check, "works", "root can have what the tracer needs")


def lockdown(text: str) -> Finding:
    """What ``/sys/kernel/security/lockdown`` says; empty when it is not there."""
    check = "Driver: lockdown"
    chosen = re.search(r"\[(\w+)\]", text)
    if chosen is None:
        return Finding(check, "works", "none that can be seen")
    if chosen[1] == "confidentiality":
        detail = "confidentiality: nobody may trace the kernel, not even root"
        mend = "boot with lockdown=integrity on the kernel's command line"
        return Finding(check, "note", detail, mend)
    return Finding(check, "works", f"{chosen[1]}, which lets root trace")


def perf_events(paranoid: str) -> Finding:
    """What /proc/sys/kernel/perf_event_paranoid says; empty when it is not there."""
    check = "Driver: perf events"
    if not paranoid:
        mend = "boot a kernel with CONFIG_PERF_EVENTS"
        return Finding(check, "note", "this kernel has none, on which tracepoints depend", mend)
    detail = f"perf_event_paranoid is {paranoid}, which does not bind the tracer (CAP_PERFMON)"
    return Finding(check, "works", detail)


def types() -> Finding:
    """BTF: told only because other eBPF programs want it."""
    there = Path("/sys/kernel/btf/vmlinux").exists()
    detail = f"BTF is {'there' if there else 'not there'}; ImSafe's tracer does not need it"
    return Finding("Driver: kernel types", "works", detail)


def ring_buffer(seccomp: str) -> Finding:
    """Make a BPF ring buffer, as root, and give it back.

    Parameters
    ----------
    seccomp
        Line ``Seccomp`` of ``/proc/self/status``; 2: a filter is in force.
    """
    check = "Driver: ring buffer"
    try:
        os.close(_make_ring_buffer())
    except OSError as error:
        detail = f"bpf() says: {reason(error).lower()}"
        match error.errno:
            case errno.EPERM | errno.EACCES if seccomp == "2":
                detail += "; a seccomp filter (a container's) is in force"
                mend = "docker run --security-opt seccomp=unconfined"
            case errno.EPERM | errno.EACCES:
                mend = "docker run --cap-add BPF --cap-add PERFMON"
            case errno.ENOSYS:
                mend = "boot a kernel with CONFIG_BPF_SYSCALL"
            case _:
                mend = this_distribution().newer_kernel
        return Finding(check, "note", detail, mend)
    return Finding(check, "works", "made one by bpf(), and gave it back")


def _make_ring_buffer() -> int:
    number = _BPF.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    # union bpf_attr: map_type, key_size, value_size, max_entries
    attributes = struct.pack("=IIII", _RING_BUFFER, 0, 0, mmap.PAGESIZE).ljust(72, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = int(libc.syscall(number, _MAP_CREATE, attributes, len(attributes)))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor


def tracepoints() -> Finding:
    """Look for the tracepoints, as root; in a child, which may have to mount tracefs."""
    check = "Driver: tracepoints"
    names = (*_TRACEPOINTS, *_OF_CONTROL_GROUPS)
    status, output = python_says(f"exec({_FIND_TRACEPOINTS.format(names=names)!r})")
    if status:
        detail = output.removeprefix("imsafe.errors.SourceError: ")
        return Finding(check, "note", detail, "sudo mount -t tracefs tracefs /sys/kernel/tracing")
    missing = [name for name in names if name not in output.split()]
    if not missing:
        return Finding(check, "works", ", ".join(names))
    mend = "boot a kernel with CONFIG_FTRACE_SYSCALLS (distributions' own kernels have it)"
    if set(missing) <= set(_OF_CONTROL_GROUPS):
        mend = "boot a kernel with CONFIG_CGROUPS; only --unit and --cgroup need it"
    return Finding(check, "note", "this kernel does not have " + ", ".join(missing), mend)


def control_groups() -> Finding:
    """Where control groups of version 2 are mounted."""
    from imsafe.sources.matching import cgroup_root  # noqa: PLC0415

    check = "Driver: control groups"
    try:
        return Finding(check, "works", f"version 2, at {cgroup_root()}")
    except SourceError:
        detail = "version 2 is not mounted: --unit and --cgroup need it, nothing else does"
        mend = "sudo mkdir /run/cgroup2 && sudo mount -t cgroup2 none /run/cgroup2"
        return Finding(check, "note", detail, mend)
