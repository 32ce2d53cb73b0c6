# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package is called, and how it is installed, on the distribution at hand."""

from __future__ import annotations

import platform
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_INSTALL = {
    "debian": "sudo apt-get install",
    "fedora": "sudo dnf install",
    "arch": "sudo pacman -S",
}

_NEWER_KERNEL = {
    "debian": "sudo apt-get install linux-image-$(dpkg --print-architecture), of a newer release",
    "fedora": "sudo dnf upgrade kernel",
    "arch": "sudo pacman -Syu linux",
    "": "install a newer kernel as this distribution does",
}

# Shared library (or what it stands for): its package on Debian and Ubuntu, Fedora, Arch.
_PACKAGES: dict[str, tuple[str, str, str]] = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl", "libglvnd"),
    "libGL.so.1": ("libgl1", "libglvnd-glx", "libglvnd"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb", "libx11"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs", "dbus"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig", "fontconfig"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2", "glib2"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb", "libxcb"),
    "libxcb-render-util.so.0": (
        "libxcb-render-util0",
        "xcb-util-renderutil",
        "xcb-util-renderutil",
    ),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb", "libxcb"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb", "libxcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    "bcc": ("python3-bpfcc", "python3-bcc", "python-bcc"),
    "numpy": ("python3-numpy", "python3-numpy", "python-numpy"),
    "numba": ("python3-numba", "python3-numba", "python-numba"),
    "PyQt6": ("python3-pyqt6 python3-pyqt6.qtsvg", "python3-pyqt6", "python-pyqt6 qt6-svg"),
    "pyqtgraph": ("python3-pyqtgraph", "python3-pyqtgraph", "python-pyqtgraph"),
    "sudo": ("sudo", "sudo", "sudo"),
    "xvfb": ("xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
}

QT_LIBRARIES = [name for name in _PACKAGES if name.startswith("lib")]
"""What Qt's wheels expect of the system, to draw a window under X11."""


@dataclass(frozen=True)
class Distribution:
    """A Linux distribution.

    Attributes
    ----------
    name
        As it calls itself.
    family
        ``debian``, ``fedora``, ``arch``, or empty for one that we do not know.
    """

    name: str
    family: str

    def install(self, things: Iterable[str]) -> str:
        """The command that installs `things`, which are keys of our table."""
        things = list(things)
        if not self.family:
            return "install " + " ".join(things) + " as this distribution does"
        column = list(_INSTALL).index(self.family)
        packages = dict.fromkeys(_PACKAGES[thing][column] for thing in things)
        return f"{_INSTALL[self.family]} {' '.join(packages)}"

    @property
    def newer_kernel(self) -> str:
        """The command that installs a newer kernel."""
        return f"{_NEWER_KERNEL[self.family]}; then boot it"


def this_distribution() -> Distribution:
    """What /etc/os-release says."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return Distribution(platform.system(), "")
    kin = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    aliases = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora"}
    families = (aliases.get(name, name) for name in kin)
    family = next((name for name in families if name in _INSTALL), "")
    return Distribution(release.get("PRETTY_NAME", release.get("NAME", "Linux")), family)


def install_for_python(packages: Iterable[str]) -> str:
    """The command that installs Python packages for the interpreter that runs.

    The distribution's own Python gets them from there: it says by a file (PEP 668) that pip is
    not to touch it.
    """
    managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix and managed.is_file():
        return this_distribution().install(packages)
    return f"{sys.executable} -m pip install --upgrade {' '.join(packages)}"
