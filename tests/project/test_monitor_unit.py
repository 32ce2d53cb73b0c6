# SPDX-License-Identifier: GPL-3.0-or-later
"""imsafe-monitor@.service: systemd understands it, it is hardened, and its parts fit together."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("systemd is for Linux", allow_module_level=True)

from imsafe.cli.service_config import SYSTEM_FOLDER, ServiceConfig

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
UNIT = PACKAGING / "systemd" / "imsafe-monitor@.service"
MOST_EXPOSED = 2.0
"""As `systemd-analyze security` counts, from 0 to 10; what is under 5 it calls OK."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is here, and without pages that are not."""
    path = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text)
    path.write_text(text.replace("Documentation=", "#"))
    return path


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_systemd_understands_it(unit):
    done = analyze("verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_hardened(unit):
    done = analyze("security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level.*: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_its_parts_fit_together():
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    parser.optionxform = str
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    service = parser["Service"]
    assert service["ExecStart"] == f"/usr/bin/ims-monitor --config={SYSTEM_FOLDER}/%i.toml"
    assert service["RuntimeDirectory"] == "imsafe/monitor/%i"
    config = ServiceConfig.load(PACKAGING / "imsafe.toml")
    assert "--view=/run/imsafe/monitor/vsftpd/view" in config.options
    assert "--device=/run/imsafe/tracer" in config.options
    users = (PACKAGING / "sysusers.d" / "imsafe.conf").read_text(encoding="utf-8")
    assert f"\nu {service['User']} -:{service['Group']} " in users
    for line in (PACKAGING / "tmpfiles.d" / "imsafe.conf").read_text(encoding="utf-8").splitlines():
        assert line.startswith(("#", "d /run/imsafe")) or line.endswith("imsafe-monitor imsafe -")
