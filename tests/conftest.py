# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the public data sets, where they are to be had; nothing is left running."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .sources.running import AS_NOBODY

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("IMSAFE_DATA", ROOT.parent / "shared" / "data"))

_MARK = f"TESTED_BY={os.getpid()}-{time.monotonic_ns()}"
os.environ.update([_MARK.split("=")])  # whatever is started from here on has it, and its offspring
# Windows speak English here, whatever the machine's language is.
os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("LANGUAGE", None)


def _left_running() -> list[str]:
    """Programs that tests have started and that run on."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                environment = Path(entry.path, "environ").read_bytes().split(b"\0")
                words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            except OSError:  # it has ended, or is another user's
                continue
            if _MARK.encode() in environment:
                found.append(f"{entry.name}: {b' '.join(words).decode(errors='replace')[:300]}")
    return found


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """Tests end what they started."""
    yield
    end = time.monotonic() + 20
    while (left := _left_running()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left, "tests left these running: " + "; ".join(left)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Tests of a file stay together, in order, where several processes run them (`make test`).

    Those that put programs into the kernel are together, whatever their file: some look at all
    that is there.
    """
    from xdist.scheduler import LoadScopeScheduling  # a run in one process needs no xdist

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", maxsplit=1)[0]
            of_kernel = {"driver", "kernel", "pkexec"} & set(Path(file).stem.split("_"))
            return "kernel" if of_kernel else file

    return Together(config, log)


@pytest.fixture(scope="session")
def open_checkout() -> None:
    """Other users can run what is here; a checkout in root's home, say, is closed to them."""
    words = [*AS_NOBODY, sys.executable, "-c", "import imsafe"]
    if subprocess.run(words, cwd="/", stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip(f"the user nobody cannot run ImSafe from {ROOT}: a folder is closed to others")


def _unpacked(archive: str, folder: Path) -> Path:
    path = DATA / archive
    if not path.exists():
        pytest.skip(f"the public traces are not here ({archive}); set IMSAFE_DATA to their folder")
    with tarfile.open(path) as tar:
        # Debian 12 has Python 3.11.2, which does not know extractall(filter=...) yet.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def adfa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds ADFA-LD's three `*_Data_Master` folders."""
    return _unpacked("adfa-ld-dev.tar.gz", tmp_path_factory.mktemp("adfa")) / "ADFA-LD"


@pytest.fixture(scope="session")
def unm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds UNM's traces by program."""
    return _unpacked("unm-dev.tar.gz", tmp_path_factory.mktemp("unm")) / "unm"
