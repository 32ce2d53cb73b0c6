# SPDX-License-Identifier: GPL-3.0-or-later
"""What a distribution installs beside the package: the policy, the root program, the service."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from imsafe.sources.ebpf.compile import bcc_folder

if sys.platform != "linux":
    pytest.skip("what is installed is for Linux", allow_module_level=True)

from imsafe.sources.kernel import INSTALLED_TRACER

ROOT = Path(__file__).resolve().parents[2]
DEB = ROOT / "tools" / "deb"
PACKAGING = ROOT / "packaging"
POLICY = PACKAGING / "polkit" / "org.imsafe.tracer.policy"
PROGRAM = PACKAGING / "libexec" / "imsafe-tracer"
SERVICE = PACKAGING / "systemd" / "imsafe-tracer.service"
DTD = Path("/usr/share/polkit-1/policyconfig-1.dtd")


def service() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None, comment_prefixes="#")
    parser.optionxform = str
    parser.read_string(SERVICE.read_text(encoding="utf-8"))
    return parser


def test_the_policy_is_for_the_installed_program_alone():
    tree = ElementTree.fromstring(POLICY.read_text(encoding="utf-8"))
    (action,) = tree.findall("action")
    assert action.get("id") == "org.imsafe.tracer.run"
    assert {entry.tag: entry.text for entry in action.find("defaults")} == {
        "allow_any": "auth_admin",
        "allow_inactive": "auth_admin",
        "allow_active": "auth_admin_keep",
    }
    prefix = "org.freedesktop.policykit.exec."
    assert {entry.get("key"): entry.text for entry in action.findall("annotate")} == {
        f"{prefix}path": str(INSTALLED_TRACER),
        f"{prefix}allow_gui": "true",
    }


def test_the_policy_is_valid():
    if not shutil.which("xmllint") or not DTD.exists():
        pytest.skip("xmllint or polkit's own document type is not here")
    command = ["xmllint", "--nonet", "--noout", "--dtdvalid", DTD, POLICY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_root_program_does_nothing_of_its_own():
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    # -I: nothing of the user's, neither packages nor PYTHONPATH; and not found through PATH.
    assert lines[0] == "#!/usr/bin/python3 -I"
    body = ast.parse("\n".join(lines)).body
    assert [ast.unparse(statement) for statement in body[1:]] == [
        "import sys",
        "from imsafe.sources.ebpf.tracer import main",
        "sys.exit(main())",
    ]
    mode = PROGRAM.stat().st_mode
    assert mode & stat.S_IXUSR
    assert not mode & (stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID)


def test_the_root_program_runs():
    done = subprocess.run(
        [sys.executable, "-I", PROGRAM, "--name=x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("The kernel tracer ")


def test_the_service_starts_the_root_program():
    section = service()["Service"]
    path, *words = section["ExecStart"].split()
    assert path == str(INSTALLED_TRACER)
    assert words == ["--listen=/run/imsafe/tracer", "--group=imsafe"]
    assert section["RuntimeDirectory"] == "imsafe"
    group = (PACKAGING / "sysusers.d" / "imsafe.conf").read_text(encoding="utf-8")
    assert "\ng imsafe -\n" in group


def test_systemd_understands_the_service(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / SERVICE.name
    text = SERVICE.read_text(encoding="utf-8").replace(str(INSTALLED_TRACER), "/bin/true")
    unit.write_text(text.replace("Documentation=", "#"))
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_hardened(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / SERVICE.name
    text = SERVICE.read_text(encoding="utf-8").replace(str(INSTALLED_TRACER), "/bin/true")
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level.*: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 3.0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try the kernel tracer")
def test_the_capabilities_of_the_service_are_enough():
    if bcc_folder() is None:
        pytest.skip("bcc is not installed")
    names = service()["Service"]["CapabilityBoundingSet"].lower().split()
    bounds = ",".join(["-all", *(f"+{name.removeprefix('cap_')}" for name in names)])
    assert "sys_admin" not in bounds
    # systemd has mounted tracefs; it needs CAP_SYS_ADMIN where it is not.
    steps = 'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec "$@"'
    code = "from imsafe.cli.check.driver import trace; print(trace())"
    command = ["setpriv", "--no-new-privs", f"--bounding-set={bounds}", sys.executable, "-c", code]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-uc", steps, "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if "unshare:" in done.stderr or "setpriv:" in done.stderr:
        pytest.skip(f"no mounts or bounds of one's own here: {done.stderr.strip()}")
    if "in this container" in done.stdout:
        pytest.skip("the tracer does not run in a container")
    assert "1,003 of 1,003 calls" in done.stdout, done.stdout + done.stderr


def files_of_the_deb(tool: Path) -> list[str]:
    done = subprocess.run([tool, "--list"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_deb_is_made_of_the_same_files_where_there_is_no_git(tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    files = files_of_the_deb(DEB)
    for name in [*files, "tests/conftest.py"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name, follow_symlinks=False)
    for name in (".venv/bin/python", "build/deb/old", "dist/x.whl", "imsafe/__pycache__/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert "imsafe/__init__.py" in files
    assert files_of_the_deb(tmp_path / "tools" / "deb") == files


def test_the_deb_names_one_maintainer_and_no_domain_of_others():
    control = (PACKAGING / "debian" / "control").read_text(encoding="utf-8")
    maintainer = re.search(r"^Maintainer: (.*)", control, flags=re.MULTILINE)[1]
    assert maintainer.endswith("@localhost>")
    assert f"\n -- {maintainer}  $when\n" in DEB.read_text(encoding="utf-8")


def test_the_deb_has_the_changes_that_its_changelog_points_to():
    documents = (PACKAGING / "debian" / "imsafe.docs").read_text(encoding="utf-8").split()
    assert "See CHANGELOG.md" in DEB.read_text(encoding="utf-8")
    assert "CHANGELOG.md" in documents
    assert all((ROOT / name).is_file() for name in documents)
    # Else debhelper puts it into the place of the changelog that points to it.
    rules = (PACKAGING / "debian" / "rules").read_text(encoding="utf-8")
    assert "\n\tdh_installchangelogs -XCHANGELOG.md\n" in rules


def test_what_says_where_the_units_go_is_right():
    installed = (PACKAGING / "debian" / "imsafe.install").read_text(encoding="utf-8")
    (folder,) = set(re.findall(r"^packaging/systemd/\S+ (\S+)$", installed, flags=re.MULTILINE))
    text = (PACKAGING / "README.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| `systemd/imsafe-tracer"))
    assert row.split("|")[2].startswith(f" `/{folder}/`")
