# SPDX-License-Identifier: GPL-3.0-or-later
"""What another user has put into a folder like /tmp beforehand gets no trace, score or alert."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imsafe.errors import ImsafeError
from imsafe.files import saved_whole
from imsafe.monitor.alert_file import AlertFile
from imsafe.monitor.score_log import MAGIC, ScoreLog
from imsafe.stream.frames import segment_header
from imsafe.stream.trace_file import TraceWriter

if sys.platform == "win32" or os.geteuid() != 0:
    pytest.skip("only root can put a file there as another user", allow_module_level=True)

OTHER = 65533


def _saved(path: Path) -> io.BytesIO:
    with saved_whole(path, replace=True) as beside:
        beside.write_bytes(b"saved")
    return io.BytesIO()


META = {"applications": [{"name": "worker"}], "tracer": "test", "wall_ns": 1, "monotonic_ns": 0}
WRITERS: dict[str, tuple[Callable[[Path], object], bytes]] = {
    "log": (ScoreLog, f"{MAGIC}\n".encode()),
    "alerts": (AlertFile, b"{}\n"),
    "profile": (_saved, b"a"),
    "trace, replaced": (lambda path: TraceWriter.create(path, META, replace=True), b"a"),
    "trace, appended to": (lambda path: TraceWriter.append(path, META), segment_header(META)),
}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder where everybody may make files, as /tmp."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.mark.parametrize("what", WRITERS)
def test_a_file_of_another_user_is_refused_unchanged(what: str, shared: Path) -> None:
    write, content = WRITERS[what]
    path = shared / "out"
    path.write_bytes(content)
    path.chmod(0o666)
    os.chown(path, OTHER, OTHER)
    # By the kernel, where fs.protected_regular is on, else by us.
    with pytest.raises(ImsafeError, match=r"put there by another user|permission denied"):
        write(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("what", WRITERS)
def test_a_link_of_another_user_is_refused(what: str, shared: Path, tmp_path: Path) -> None:
    write, content = WRITERS[what]
    own, path = tmp_path / "own", shared / "out"
    own.write_bytes(content)
    path.symlink_to(own)
    os.lchown(path, OTHER, OTHER)
    with pytest.raises(ImsafeError, match=r"put there by another user|permission denied"):
        write(path)
    assert own.read_bytes() == content


@pytest.mark.parametrize("what", WRITERS)
def test_ones_own_is_not(what: str, shared: Path) -> None:
    write, content = WRITERS[what]
    path = shared / "out"
    path.write_bytes(content)
    writer = write(path)
    writer.close()  # type: ignore[attr-defined]
    assert path.stat().st_size >= len(content)
