# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer started by pkexec: a real polkitd with our policy, on a bus of its own.

All of it stands in a mount namespace of its own, and is gone with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imsafe.sources.ebpf.compile import bcc_folder

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(f"/usr/local/lib/python3.{sys.version_info.minor}")
POLKITD = Path("/usr/lib/polkit-1/polkitd")

# $1: the checkout, $2: where Python packages are, $3: a folder to work in, $4: SITE.
INSTALL = """
mount -t tmpfs none /run && mkdir /run/dbus
mkdir "$3/actions" && cp /usr/share/polkit-1/actions/* "$1"/packaging/polkit/*.policy "$3/actions"
mount --bind "$3/actions" /usr/share/polkit-1/actions
mount --bind "$3/rules" /etc/polkit-1/rules.d
mount -t tmpfs none /usr/libexec && mkdir /usr/libexec/imsafe
cp "$1/packaging/libexec/imsafe-tracer" /usr/libexec/imsafe
mount -t tmpfs none "$4" && mkdir "$4/dist-packages"
printf '%s\\n' "$1" "$2" > "$4/dist-packages/imsafe.pth"
dbus-daemon --system --nofork --nopidfile 2>/dev/null &
bus=$!
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
/usr/lib/polkit-1/polkitd --no-debug >/dev/null 2>&1 &
authority=$!
until pkaction --action-id org.imsafe.tracer.run >/dev/null 2>&1; do sleep 0.05; done
trace() {
    setpriv --reuid="$1" --regid="$1" --clear-groups env -i PATH=/usr/bin:/bin DISPLAY=:99 \\
        /usr/bin/python3 -m imsafe.cli.trace -v -o "$2" --driver imsafe-pkexec --duration 3 &
    tracer=$!
}
"""
ALLOWED = """
trace 65534 "$3/open/t.imt"
until [ -s "$3/open/t.imt" ] || ! kill -0 $tracer 2>/dev/null; do sleep 0.05; done
"$3/imsafe-pkexec" /etc/passwd >/dev/null
ps -ww -o user=,args= -C imsafe-tracer,python3 | grep imsafe-tracer
"""
REFUSED = """
trace 1 "$3/open/t.imt"
"""
END = """
wait $tracer; status=$?
kill $authority $bus
exit $status
"""
RULE = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.imsafe.tracer.run" && subject.user == "nobody")
        return polkit.Result.YES;
});
"""

needed = ("pkexec", "pkaction", "dbus-daemon", "setpriv", "unshare")
missing = [name for name in needed if not shutil.which(name)]
if os.geteuid() != 0:
    pytest.skip("only root may make a bus of its own", allow_module_level=True)
if missing or not POLKITD.exists():
    pytest.skip(f"not here: {' '.join(missing) or POLKITD}", allow_module_level=True)
if bcc_folder() is None:
    pytest.skip("bcc is not installed", allow_module_level=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    system = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version_info.minor)"],
        capture_output=True,
        text=True,
        check=True,
    )
    if system.stdout.strip() != str(sys.version_info.minor) or not SITE.is_dir():
        pytest.skip("the system's Python is another one than that of the tests")
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)  # polkitd and the user have to pass
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "10-imsafe.rules").write_text(RULE)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    shutil.copy("/bin/cat", tmp_path / "imsafe-pkexec")
    return tmp_path


def traced(folder: Path, steps: str) -> subprocess.CompletedProcess[str]:
    packages = Path(pytest.__file__).parents[1]
    words = ["unshare", "--mount", "sh", "-uc", INSTALL + steps + END]
    return subprocess.run(
        [*words, "sh", str(ROOT), str(packages), str(folder), str(SITE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_user_whom_polkit_lets_through(folder):
    done = traced(folder, ALLOWED)
    assert done.returncode == 0, done.stderr
    user, _, program = done.stdout.partition(" ")
    assert user == "nobody"  # and not root, which it was
    assert program.split() == [
        "/usr/bin/python3",
        "-I",
        "/usr/libexec/imsafe/imsafe-tracer",
        "--name=imsafe-pkexec",
    ]
    calls = int(done.stderr.split(" calls of 1 processes, 0 lost")[0].split()[-1])
    strace = subprocess.run(
        ["strace", "-f", "-c", folder / "imsafe-pkexec", "/etc/passwd"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert calls == int(strace.splitlines()[-1].split()[3])


def test_a_user_whom_polkit_refuses(folder):
    """Nobody is there to type a password: said in one line, and nothing is left behind."""
    done = traced(folder, REFUSED)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("ims-trace: No permission to start the kernel tracer: pkexec")
    assert not (folder / "open" / "t.imt").exists()
