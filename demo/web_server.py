# SPDX-License-Identifier: GPL-3.0-or-later
"""The web site of the demonstration: lighttpd with pages and CGI scripts, in its own folder."""

from __future__ import annotations

import grp
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent / "site"
UNPACKED = Path(__file__).resolve().parent.parent / ".venv" / "demo-server" / "usr"

PAGES = [f"/news/{number}.html" for number in range(1, 13)]
PICTURES = [f"/pictures/{number}.jpg" for number in range(1, 7)]
NAMES = ["ada", "barbara", "claude", "donald", "edsger", "frances", "grace", "hedy", "john", "ken"]

_PORTS = range(20_000, 32_768)  # below those of Linux for clients
_given: set[int] = set()
_giving = threading.Lock()

_NOBODYS_GROUP = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name


class DemoError(Exception):
    """Something that keeps the demonstration from going on, in one sentence."""


@dataclass(frozen=True)
class WebServer:
    """A configured web site; `argv` starts its server in the foreground.

    Attributes
    ----------
    folder
        Everything that the server reads and writes.
    port
        On 127.0.0.1; it was free a moment ago.
    """

    folder: Path
    port: int

    @property
    def argv(self) -> list[str]:
        """The command line of the server."""
        binary, modules = find_lighttpd()
        where = ["-m", str(modules)] if modules else []
        return [str(binary), *where, "-D", "-f", str(self.folder / "lighttpd.conf")]

    @property
    def pid_file(self) -> Path:
        """Where the running server writes its process number."""
        return self.folder / "lighttpd.pid"

    def wait_until_up(self, process: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
        """Return when the server answers.

        Parameters
        ----------
        process
            The server, or the tracer that started it: when it ends there is nothing to wait for.

        Raises
        ------
        DemoError
            The server ended, or did not answer in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise DemoError(f"The web server ended at once, with status {process.returncode}.")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise DemoError(f"The web server did not answer on port {self.port} in {seconds:.0f} s.")

    def stop(self, process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
        """Ask the server to end, and wait until `process`, which started it, has ended too.

        Raises
        ------
        DemoError
            It still runs; it was then killed.
        """
        try:
            os.kill(int(self.pid_file.read_text()), signal.SIGINT)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DemoError("The web server did not end when asked to, and was killed.") from None


def find_lighttpd() -> tuple[Path, Path | None]:
    """The server's program, and its modules' folder where that is not the usual one."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    if found := shutil.which("lighttpd", path=path):
        return Path(found), None
    unpacked = UNPACKED / "sbin" / "lighttpd"
    if not unpacked.exists():
        raise DemoError("lighttpd is not here; `make demo` fetches it.")
    modules = [path.parent for path in UNPACKED.glob("lib/**/mod_cgi.so")]
    return unpacked, modules[0]


def new_site(folder: Path, seed: int = 1) -> WebServer:
    """Write the site's pages, scripts and configuration into `folder`, which must exist."""
    numbers = random.Random(seed)  # noqa: S311 - filler text, not a secret
    www = folder / "www"
    logs = folder / "logs"
    for path in (www / "news", www / "pictures", www / "visitors", logs):
        path.mkdir(parents=True)
    _write(www / "index.html", _page("Welcome", [*PAGES, "/guestbook.pl", "/status.sh"]))
    _write(www / "style.css", "body { font-family: sans-serif }\n" * 20)
    for page in PAGES:
        words = " ".join(numbers.choices(NAMES, k=numbers.randrange(50, 4000)))
        _write(www / page[1:], _page(page, [words]))
    for picture in PICTURES:
        (www / picture[1:]).write_bytes(numbers.randbytes(numbers.randrange(2_000, 400_000)))
    people = (f"{name}\t{numbers.randrange(1000, 9999)}" for name in NAMES * 20)
    _write(www / "phonebook.txt", "\n".join(people) + "\n")
    for script in SCRIPTS.iterdir():
        shutil.copy(script, www)
    port = free_port()
    _write(folder / "lighttpd.conf", _configuration(folder, port))
    if os.geteuid() == 0:
        # The server gives up its rights like any installed one, and writes only here.
        folder.chmod(0o755)
        for path in (www / "visitors", logs):
            shutil.chown(path, "nobody", _NOBODYS_GROUP)
    return WebServer(folder, port)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _page(title: str, lines: list[str]) -> str:
    body = "\n".join(f"<p>{line}</p>" for line in lines)
    return (
        f"<!doctype html>\n<title>{title}</title>\n<link rel=stylesheet href=/style.css>\n{body}\n"
    )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, and that this process has not given before.

    The kernel gives none of these to a client, nor to who asks for any: else it could be taken
    before the server begins, or a client that looks for the server there could meet itself.

    Raises
    ------
    DemoError
        None was found.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        with _giving:
            if port not in _given:
                _given.add(port)
                return port
    raise DemoError(f"All ports from {_PORTS[0]} to {_PORTS[-1]} are taken.")


def _configuration(folder: Path, port: int) -> str:
    lines = [
        'server.modules = ("mod_cgi", "mod_accesslog")',
        f'server.document-root = "{folder}/www"',
        'server.bind = "127.0.0.1"',
        f"server.port = {port}",
        f'server.pid-file = "{folder}/lighttpd.pid"',
        f'server.errorlog = "{folder}/logs/error.log"',
        f'server.breakagelog = "{folder}/logs/scripts.log"',
        f'accesslog.filename = "{folder}/logs/access.log"',
        f'server.upload-dirs = ("{folder}/logs")',
        'index-file.names = ("index.html")',
        'mimetype.assign = (".html" => "text/html", ".css" => "text/css", ".jpg" => "image/jpeg",'
        ' ".txt" => "text/plain")',
        'cgi.assign = (".pl" => "/usr/bin/perl", ".sh" => "/bin/sh")',
        "server.max-keep-alive-requests = 20",
        "server.max-keep-alive-idle = 2",
    ]
    if os.geteuid() == 0:
        lines += ['server.username = "nobody"', f'server.groupname = "{_NOBODYS_GROUP}"']
    return "\n".join(lines) + "\n"
