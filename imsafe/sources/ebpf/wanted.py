# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel program compares when a process loads a program."""

from __future__ import annotations

import os
from dataclasses import dataclass

from imsafe.errors import SourceError
from imsafe.sources import procfs
from imsafe.sources.kernel_request import LONGEST_PATH, KernelRequest
from imsafe.sources.matching import cgroup_folder, cgroup_path


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the kernel compares at every exec, each with its application's number.

    Attributes
    ----------
    groups
        Ids of control groups that exist.
    group_paths
        Those that may still come.
    """

    names: dict[str, int]
    paths: dict[str, int]
    groups: dict[int, int]
    group_paths: dict[str, int]


def wanted(request: KernelRequest) -> Wanted:
    """What the kernel shall compare when a process loads a program.

    Raises
    ------
    SourceError
        A unit or control group is asked for and there are none here.
    """
    found = Wanted({}, {}, {}, {})
    for target in request.targets:
        number = request.application_of(target)
        if target.kind == "name":
            found.names.setdefault(target.value, number)
        elif target.kind == "path":
            # As it is written and as it is: who starts it may use either.
            for path in (target.value, os.path.realpath(target.value)):
                if len(os.fsencode(path)) <= LONGEST_PATH:
                    found.paths.setdefault(path, number)
        elif target.kind in ("unit", "cgroup"):
            path = cgroup_path(target)
            found.group_paths.setdefault(path, number)
            place = cgroup_folder(target)
            if place.is_dir():
                found.groups[place.stat().st_ino] = number  # the id of a group is its inode
    return found


def check_pids(request: KernelRequest) -> None:
    """Refuse a request for a process that is not there.

    Raises
    ------
    SourceError
        Naming it.
    """
    for target in request.targets:
        if target.kind == "pid" and not procfs.exists(int(target.value)):
            raise SourceError(f"There is no process {target.value}.")
