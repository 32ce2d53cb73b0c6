# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps black boxes in a private folder, a bounded number of them; earlier ones give way."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from imsafe.errors import ImsafeError, cannot
from imsafe.files import check_writable, saved_whole
from imsafe.monitor.black_box import BlackBox
from imsafe.stream.items import End
from imsafe.stream.trace_file import TraceWriter
from imsafe.words import printable

MOST_BOXES = 100
MOST_BYTES = 100 << 20
_NAME = re.compile(r"alert-\d{8,20}-.*\.imt")


def default_folder() -> Path:
    """Where boxes go when nothing else was said: below the user's state folder."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "imsafe" / "boxes"


class BoxStore:
    """The folder of black boxes; several monitors may share it.

    Attributes
    ----------
    folder : Path
        Made at the first box, private.
    """

    def __init__(
        self, folder: Path, *, most: int = MOST_BOXES, most_bytes: int = MOST_BYTES
    ) -> None:
        self.folder = folder
        self._most = most
        self._most_bytes = most_bytes
        self._written: set[Path] = set()  # by this run
        self._latest: Path | None = None

    def write(self, box: BlackBox, wall_ns: int) -> Path:
        """Write a box, or write it again when it has grown.

        Parameters
        ----------
        box
            Full, or as far as it has come.
        wall_ns
            When the alert was raised: part of the name, which sorts by it.

        Raises
        ------
        ImsafeError
            The folder or the file cannot be written.
        """
        path = self.folder / _name(box, wall_ns)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise cannot("make the folder", self.folder, error) from error
        with saved_whole(path, replace=True) as beside:
            writer = TraceWriter.create(beside, box.meta, replace=True)
            try:
                for item in box.items():
                    writer.write(item)
            finally:
                writer.close(End().totals)
        self._written.add(path)
        self._latest = path
        return path

    def make_room(self) -> list[Path]:
        """Remove the boxes beyond the bounds that were written first; those that were removed.

        The times in their names are those of events, which a replay has from long ago and a
        sensor may make up.  Boxes of this run go last, and the latest stays.

        Raises
        ------
        ImsafeError
            One cannot be removed.
        """
        removed: list[Path] = []
        try:
            found = {p: p.lstat() for p in self.folder.iterdir() if _NAME.fullmatch(p.name)}
            count, total = len(found), sum(status.st_size for status in found.values())
            self._written &= found.keys()
            order = sorted((p in self._written, s.st_mtime_ns, p) for p, s in found.items())
            for _, _, box in order:
                if count <= self._most and total <= self._most_bytes:
                    break
                if box == self._latest:
                    continue
                box.unlink(missing_ok=True)
                removed.append(box)
                count, total = count - 1, total - found[box].st_size
        except FileNotFoundError:
            return removed  # no folder yet, or another monitor has made room at the same time
        except OSError as error:
            raise cannot("remove old black boxes in", self.folder, error) from error
        return removed


def _name(box: BlackBox, wall_ns: int) -> str:
    application = box.meta["applications"][0]["name"]
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", printable(str(application), 40))
    # The monitor's pid keeps apart two monitors that share the folder and replay the same trace.
    return (
        f"alert-{max(wall_ns, 0) // 1_000_000:014d}-{safe}-{box.process.pid}"
        f"-{box.alert}-{os.getpid()}.imt"
    )


def check_folder(folder: Path) -> None:
    """Refuse a folder for boxes that is something else, or that cannot be made or written to.

    Raises
    ------
    ImsafeError
        With the reason; nothing was made.
    """
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise ImsafeError(f"{folder} is not a folder; black boxes cannot be kept there.")
    except FileNotFoundError:
        pass  # it will be made
    except OSError as error:
        raise cannot("write", folder, error) from error
    place = folder / "box"
    while not place.parent.exists():
        place = place.parent
    check_writable(place)
