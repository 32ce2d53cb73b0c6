# SPDX-License-Identifier: GPL-3.0-or-later
"""What the compiling child does: bcc makes the kernel program and attaches it.

Imported in the child alone: the tracer, which stays, shall be small.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from imsafe.errors import SourceError
from imsafe.sources.ebpf import stub_headers
from imsafe.sources.ebpf.layout import LIFECYCLE_SIZE, PROCESSORS, ring_words
from imsafe.sources.ebpf.wanted import Wanted
from imsafe.sources.kernel_request import KernelRequest

OLDEST_KERNEL = (5, 8)
"""The first with ring buffers."""
_ROOT = Path(__file__).resolve().parents[3]
# In a package the program lies beside this file; in a checkout in kernel/.
_PLACES = (Path(__file__).resolve().parent / "tracer.c", _ROOT / "kernel" / "tracer.c")
_BCC = (
    "/usr/lib/python3/dist-packages",
    *(f"/usr/lib/python3.{minor}/site-packages" for minor in range(30, 7, -1)),
)
TRACING = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_BTF = Path("/sys/kernel/btf/vmlinux")
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 1 << 14, 1 << 18


def program_file() -> Path:
    """Where the kernel program's text is.

    Raises
    ------
    SourceError
        Nowhere: ImSafe is not installed completely.
    """
    for place in _PLACES:
        if place.is_file():
            return place
    raise SourceError(f"The kernel program {_PLACES[0]} is missing: install ImSafe again.")


def bcc_folder() -> Path | None:
    """The folder of the system's bcc package; None when it is not installed."""
    for folder in _BCC:
        if (found := Path(folder) / "bcc" / "__init__.py").is_file():
            return found.parent
    return None


def work(connection: socket.socket, request: KernelRequest, wanted: Wanted) -> NoReturn:
    """Do the work, answer, end; whatever clang prints is kept back for the answer."""
    answer, descriptors = b"", []
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        os.dup2(said.fileno(), 1)
        try:
            descriptors = _attach(request, wanted)
            answer = b"attached"
        except SourceError as error:
            answer = str(error).encode()
        except Exception:  # noqa: BLE001 - bcc raises Exception itself; all of it is told
            said.seek(0)
            printed = said.read(1 << 16).decode("utf-8", "replace")
            answer = _why(printed, traceback.format_exc()).encode()[:4000]
        socket.send_fds(connection, [answer], descriptors)
        # No handler of bcc's may run: it would detach what has just been handed over.
        os._exit(0)


def _why(printed: str, trace: str) -> str:
    lines = [line.strip() for line in (printed + "\n" + trace).splitlines() if line.strip()]
    if os.geteuid() != 0:
        return "The kernel lets only root trace it (CAP_BPF and CAP_PERFMON)."
    if "Operation not permitted" in printed + trace:
        return (
            "The kernel does not permit BPF programs here: a container's seccomp filter or"
            " lockdown forbids them (imsafe check tells more)."
        )
    telling = [line for line in lines if "error:" in line or "Error" in line] or lines
    return f"The kernel program could not be loaded: {telling[-1][:300] if telling else 'no word'}."


def _attach(request: KernelRequest, wanted: Wanted) -> list[int]:
    if stub_headers.kernel_version() < (*OLDEST_KERNEL, 0):
        raise SourceError(
            f"The kernel tracer needs Linux {OLDEST_KERNEL[0]}.{OLDEST_KERNEL[1]} or newer;"
            f" this is {platform.release()}."
        )
    mount_tracefs()
    folder = Path(tempfile.mkdtemp(prefix="imsafe-headers-"))
    try:
        stub_headers.write(folder)
        os.environ["BCC_KERNEL_SOURCE"] = str(folder)
        bpf = import_bcc().BPF(
            text=program_file().read_bytes(), cflags=_options(request, wanted), debug=0
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _fill(bpf, wanted)
    names = (b"calls", b"lifecycle", b"wakes", b"marks", b"counters")
    maps = [bpf[name].map_fd for name in names]
    links = [*bpf.raw_tracepoint_fds.values(), *bpf.tracepoint_fds.values()]
    programs = [function.fd for function in bpf.funcs.values()]
    assert len(programs) == len(links)
    links = [link.fileno() if hasattr(link, "fileno") else int(link) for link in links]
    return maps + links + programs


def _options(request: KernelRequest, wanted: Wanted) -> list[str]:
    version = stub_headers.kernel_version()
    deepest = max((path.rstrip("/").count("/") for path in wanted.group_paths), default=0)
    return [
        f"-DPROCESSORS={PROCESSORS}",
        f"-DRING_WORDS={ring_words(request.ring_size)}",
        f"-DLIFECYCLE_PAGES={LIFECYCLE_SIZE // os.sysconf('SC_PAGESIZE')}",
        f"-DFOLLOW_EXEC={int(request.follow_exec)}",
        f"-DSIMULATE_LOSS={request.simulate_loss}",
        # thread_info begins with flags, and since 5.11 a word of syscall work after them.
        f"-DSTATUS_OFFSET={16 if version >= (5, 11, 0) else 8}",
        f"-DKNOWS_TASK={int(version >= (5, 11, 0) and _BTF.exists())}",
        f"-DDEEPEST_GROUP={deepest}",
        "-Wno-macro-redefined",
    ]


def _fill(bpf: Any, wanted: Wanted) -> None:
    for table, texts in (
        (b"names", wanted.names),
        (b"paths", wanted.paths),
        (b"path_names", {Path(path).name: app for path, app in wanted.paths.items()}),
        (b"group_paths", wanted.group_paths),
    ):
        for text, application in texts.items():
            key = bpf[table].Key()
            octets = os.fsencode(text)
            ctypes.memmove(ctypes.byref(key), octets, len(octets))
            bpf[table][key] = ctypes.c_ubyte(application)
    for group, application in wanted.groups.items():
        bpf[b"groups"][ctypes.c_ulonglong(group)] = ctypes.c_ubyte(application)


def import_bcc() -> ModuleType:
    """The system's bcc, and nothing else of where it lies: its neighbours stay out."""
    folder = bcc_folder()
    if folder is None:
        raise SourceError(
            "The kernel tracer needs bcc, which is not installed: the package is python3-bpfcc"
            " (Debian, Ubuntu), python3-bcc (Fedora) or python-bcc (Arch)."
        )
    name = "bcc"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        raise SourceError(f"The system's bcc in {folder} cannot be used: {error}.") from error
    return module


def mount_tracefs() -> None:
    """Mount tracefs where it is not, for this process alone."""
    if any(Path(place, "events").is_dir() for place in TRACING):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        libc.unshare(_CLONE_NEWNS)
        or libc.mount(b"none", b"/sys", None, _MS_REC | _MS_PRIVATE, None)
        or libc.mount(b"tracefs", TRACING[0].encode(), b"tracefs", 0, None)
    ):
        raise SourceError(
            "The tracepoints of the kernel cannot be reached:"
            f" mounting tracefs failed ({os.strerror(ctypes.get_errno()).lower()})."
        )
