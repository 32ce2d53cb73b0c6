# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer started by pkexec: a real polkitd with our policy, on a bus of its own.

All of it stands in a mount namespace of its own, and is gone with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsafe.sources.ebpf.compile import bcc_folder

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(f"/usr/local/lib/python3.{sys.version_info.minor}")
POLKITD = Path("/usr/lib/polkit-1/polkitd")

# CHECKOUT, PACKAGES: where Python code is; HERE: a folder to work in; SITE: see above.
INSTALL = """
mount -t tmpfs none /run && mkdir /run/dbus || exit 77
mkdir "$HERE/actions"
cp /usr/share/polkit-1/actions/* "$CHECKOUT"/packaging/polkit/*.policy "$HERE/actions"
mount --bind "$HERE/actions" /usr/share/polkit-1/actions
mount --bind "$HERE/rules" /etc/polkit-1/rules.d
mount -t tmpfs none /usr/libexec && mkdir /usr/libexec/imsafe
cp "$CHECKOUT/packaging/libexec/imsafe-tracer" /usr/libexec/imsafe
mount -t tmpfs none "$SITE" && mkdir "$SITE/dist-packages"
printf '%s\\n' "$CHECKOUT" "$PACKAGES" > "$SITE/dist-packages/imsafe.pth"
dbus-daemon --system --nofork --nopidfile 2>/dev/null &
bus=$!
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
/usr/lib/polkit-1/polkitd --no-debug >/dev/null 2>&1 &
authority=$!
# Asked of the bus: whoever asks the authority before it is there makes the bus start another one.
until dbus-send --system --print-reply --dest=org.freedesktop.DBus / \\
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.PolicyKit1 2>/dev/null | grep -q true
do sleep 0.05; done
pkaction --action-id org.imsafe.tracer.run >/dev/null
trace() {
    setpriv --reuid="$1" --regid="$1" --clear-groups env -i PATH=/usr/bin:/bin DISPLAY=:99 \\
        /usr/bin/python3 -m imsafe.cli.trace -v -o "$2" --driver imsafe-pkexec --duration 3 &
    tracer=$!
}
"""
ALLOWED = """
trace 65534 "$HERE/open/t.imt"
until [ -s "$HERE/open/t.imt" ] || ! kill -0 $tracer 2>/dev/null; do sleep 0.05; done
"$HERE/imsafe-pkexec" /etc/passwd >/dev/null
ps -ww -o uid=,args= -C imsafe-tracer,python3 | grep imsafe-tracer
"""
REFUSED = """
trace 1 "$HERE/open/t.imt"
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

needed = ("pkexec", "pkaction", "dbus-daemon", "dbus-send", "setpriv", "unshare")
missing = [name for name in needed if not shutil.which(name)]
if os.geteuid() != 0:
    pytest.skip("only root may make a bus of its own", allow_module_level=True)
if missing or not POLKITD.exists():
    pytest.skip(f"not here: {' '.join(missing) or POLKITD}", allow_module_level=True)
if bcc_folder() is None:
    pytest.skip("bcc is not installed", allow_module_level=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that polkitd and the user can reach."""
    system = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version_info.minor)"],
        capture_output=True,
        text=True,
        check=True,
    )
    if system.stdout.strip() != str(sys.version_info.minor) or not SITE.is_dir():
        pytest.skip("the system's Python is another one than that of the tests")
    with tempfile.TemporaryDirectory(prefix="imsafe-test-") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "rules").mkdir()
        (place / "rules" / "10-imsafe.rules").write_text(RULE)
        (place / "open").mkdir()
        (place / "open").chmod(0o777)
        shutil.copy("/bin/cat", place / "imsafe-pkexec")
        yield place


def traced(folder: Path, steps: str) -> subprocess.CompletedProcess[str]:
    # In a file: what names ImSafe on its command line could be taken for a part of it.
    (folder / "steps").write_text(INSTALL + steps + END)
    places = {"CHECKOUT": ROOT, "PACKAGES": Path(pytest.__file__).parents[1], "SITE": SITE}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-u", "steps"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        env={**os.environ, "HERE": str(folder), **{key: str(p) for key, p in places.items()}},
    )
    if "unshare:" in done.stderr or done.returncode == 77:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    return done


def test_a_user_whom_polkit_lets_through(folder):
    done = traced(folder, ALLOWED)
    assert done.returncode == 0, done.stderr
    user, _, program = done.stdout.strip().partition(" ")
    assert int(user) > 0x70000000  # a user of its own, and not root, which it was
    assert program.split() == [
        "/usr/bin/python3",
        "-I",
        "/usr/libexec/imsafe/imsafe-tracer",
        "--name=imsafe-pkexec",
        "--recording",
    ]
    calls = int(done.stderr.split(" calls of 1 process, 0 lost")[0].split()[-1])
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
