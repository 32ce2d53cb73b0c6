# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the public data sets, where they are to be had."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("IMSAFE_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of a file stay together, in order, where several processes run them (`make test`).

    Those that put programs into the kernel are together, whatever their file: some look at all
    that is there.
    """
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            of_kernel = {"driver", "kernel", "pkexec"} & set(item.path.stem.split("_"))
            group = "kernel" if of_kernel else str(item.path.relative_to(ROOT))
            item.add_marker(pytest.mark.xdist_group(group))


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
