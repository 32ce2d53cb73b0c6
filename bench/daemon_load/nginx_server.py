# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx with its perl module: its configuration, its visitors, and a shell through a hole."""

from __future__ import annotations

import contextlib
import http.client
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from daemon_load.daemon import Activity, Daemon, nobodys
from daemon_load.redis_server import COMMANDS

PACKAGE = "libnginx-mod-http-perl"

CONFIGURATION = """
daemon off; user nobody nogroup; worker_processes 2; pid {folder}/daemon.pid;
error_log {folder}/logs/error.log; {load}
events {{ worker_connections 256; }}
http {{
    {perl}
    types {{ text/html html; text/css css; image/jpeg jpg; text/plain txt; }}
    access_log {folder}/logs/access.log;
    client_body_temp_path {folder}/temp/body; proxy_temp_path {folder}/temp/proxy;
    fastcgi_temp_path {folder}/temp/fastcgi; uwsgi_temp_path {folder}/temp/uwsgi;
    scgi_temp_path {folder}/temp/scgi;
    sendfile {sendfile}; keepalive_timeout 4; gzip on; gzip_types text/plain text/css;
    open_file_cache max=200 inactive=5s;
    server {{
        listen 127.0.0.1:{port}; root {folder}/site; index index.html;
        location /status {{ stub_status; }}
        location /old {{ return 301 /index.html; }}
        location /listed/ {{ autoindex on; }}
        {handler}
    }}
}}
"""
# The hole is that of many a script: what a visitor gives as a name gets into a shell.
HANDLER = """location /phonebook { perl 'sub {
    my $r = shift; my $name = $r->variable("arg_name"); $name =~ s/%(..)/chr hex $1/ge;
    $r->send_http_header("text/plain"); return OK if $r->header_only;
    if ($name =~ /^[a-z]*$/) { $r->print("$name 4711\\n"); } else { $r->print(`$name`); }
    return OK; }'; }
"""


def unpacked_perl_module(folder: Path) -> Path | None:
    """Debian's perl module for nginx, unpacked here; None where it is not to be had."""
    place = folder / "perl-module"
    place.mkdir()
    subprocess.run(
        ["apt-get", "download", "-q", PACKAGE], cwd=place, capture_output=True, check=False
    )
    packages = list(place.glob("*.deb"))
    if not packages:
        return None
    subprocess.run(["dpkg-deb", "-x", packages[0], place], check=True)
    return place


class Nginx(Daemon):
    """nginx with a master as root and two workers as nobody."""

    def __init__(self, executable: Path, folder: Path, perl: Path | None = None) -> None:
        super().__init__(executable, folder)
        self._perl = perl
        site = folder / "site"
        for path in (site / "listed", site / "empty", folder / "temp"):
            path.mkdir(parents=True)
        nobodys(folder / "logs")
        numbers = random.Random(1)
        self._files = []
        for number in range(40):
            size = int(10 ** numbers.uniform(1.5, 6.5))
            name = f"{number}.{numbers.choice(['html', 'css', 'jpg', 'txt'])}"
            (site / name).write_bytes(numbers.randbytes(size // 2).hex().encode())
            self._files.append(f"/{name}")
        (site / "index.html").write_text("<title>Welcome</title>\n" * 50)
        (site / "listed" / "one.txt").write_text("1\n")
        self._configure("on")

    def _configure(self, sendfile: str) -> None:
        load = perl = handler = ""
        if self._perl is not None:
            (module,) = self._perl.glob("usr/lib/nginx/modules/*perl*.so")
            (nginx_pm,) = self._perl.glob("usr/lib/*/perl5/*/nginx.pm")
            load = f"load_module {module};"
            perl, handler = f"perl_modules {nginx_pm.parent};", HANDLER
        text = CONFIGURATION.format(
            folder=self.folder, port=self.port, load=load, perl=perl, handler=handler,
            sendfile=sendfile,
        )  # fmt: skip
        (self.folder / "nginx.conf").write_text(text)

    def command(self) -> list[str]:
        return [str(self.executable), "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)]

    def count_served(self) -> int:
        connection = self._connection()
        connection.request("GET", "/status")
        words = connection.getresponse().read().split()
        connection.close()
        return int(words[9])  # Active connections: 1 server accepts handled requests A H R

    def activities(self) -> dict[str, Activity]:
        found: dict[str, Activity] = {
            "one request": self._one,
            "kept connection": self._kept,
            "benchmark": self._benchmark,
            "not found": self._not_found,
            "head and conditions": self._head,
            "ranges": self._ranges,
            "small pages": self._small,
            "refused methods": self._refused,
            "mistakes": self._mistakes,
            "aborted download": self._aborted,
            "slow visitor": self._slow,
            "reload": self._reload,
            "reopening of the logs": self._reopen,
            "pause": lambda chance: time.sleep(chance.uniform(0.5, 5)),
        }
        if self._perl is not None:
            found["phonebook"] = self._phonebook
        return found

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def _get(self, *paths: str, method: str = "GET", **headers: str) -> list[int]:
        connection = self._connection()
        seen = []
        try:
            for path in paths:
                sent = {key.replace("_", "-"): value for key, value in headers.items()}
                try:
                    connection.request(method, path, headers=sent)
                    answer = connection.getresponse()
                except (http.client.BadStatusLine, ConnectionError):  # a reload closes what waits
                    connection.close()
                    continue
                answer.read()
                seen.append(answer.status)
        finally:
            connection.close()
        return seen

    def _one(self, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 30)):
            self._get(chance.choice(self._files), Connection="close")

    def _kept(self, chance: random.Random) -> None:
        encoding = {"Accept_Encoding": "gzip"} if chance.random() < 0.5 else {}
        self._get(*chance.choices(self._files, k=chance.randint(2, 60)), **encoding)

    def _benchmark(self, chance: random.Random) -> None:
        keep = ["-k"] if chance.random() < 0.5 else []
        size, at_once = chance.randint(100, 2000), chance.choice([1, 2, 5, 10, 30])
        url = f"http://127.0.0.1:{self.port}{chance.choice([*self._files[:20], '/'])}"
        self.run(["ab", "-q", "-r", *keep, "-n", str(size), "-c", str(at_once), url])

    def _not_found(self, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 20)):
            self._get(f"/{chance.randrange(10**6)}", "/listed/none", "/empty/")

    def _head(self, chance: random.Random) -> None:
        self._get(*chance.choices(self._files, k=5), method="HEAD")
        since = "Fri, 01 Jan 2038 00:00:00 GMT" if chance.random() < 0.7 else "Thu, 01 Jan 1970"
        self._get(*chance.choices(self._files, k=5), If_Modified_Since=since)

    def _ranges(self, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 10)):
            first = chance.randrange(20)
            ranges = f"bytes={first}-{first + chance.randrange(10**5)}"
            if chance.random() < 0.2:
                ranges += ",30-39"
            if chance.random() < 0.1:
                ranges = "bytes=99999999-"
            self._get(chance.choice(self._files), Range=ranges)

    def _small(self, chance: random.Random) -> None:
        self._get(*chance.choices(["/", "/old", "/status", "/listed/", "/listed"], k=8))

    def _refused(self, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 5)):
            self._get(chance.choice(self._files), method=chance.choice(["POST", "PUT", "DELETE"]))

    def _mistakes(self, chance: random.Random) -> None:
        lines = [
            b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
            b"GET /" + b"x" * 9000 + b" HTTP/1.0\r\n",
            b"GET /../../etc HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"",
        ]  # fmt: skip
        for _ in range(chance.randint(1, 5)):
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(chance.choice(lines))
                if chance.random() < 0.7:
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1000)

    def _aborted(self, chance: random.Random) -> None:
        largest = max(
            self._files, key=lambda name: (self.folder / "site" / name[1:]).stat().st_size
        )
        for _ in range(chance.randint(1, 4)):
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(f"GET {largest} HTTP/1.0\r\n\r\n".encode())
                connection.recv(chance.randint(1, 100_000))

    def _slow(self, chance: random.Random) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            for part in (
                "GET ",
                chance.choice(self._files),
                " HTTP/1.0\r\n",
                "Host: x\r\n",
                "\r\n",
            ):
                connection.sendall(part.encode())
                time.sleep(chance.uniform(0, 0.3))
            while connection.recv(chance.choice([1000, 65536])):
                if chance.random() < 0.02:
                    time.sleep(0.05)

    def _reload(self, chance: random.Random) -> None:
        self._configure(chance.choice(["on", "off"]))
        self.signal(signal.SIGHUP)
        time.sleep(0.5)

    def _reopen(self, _: random.Random) -> None:
        logs = self.folder / "logs"
        with contextlib.suppress(FileNotFoundError):  # the other user was just now at it
            shutil.move(logs / "access.log", logs / "access.log.1")
        self.signal(signal.SIGUSR1)
        time.sleep(0.2)

    def _phonebook(self, chance: random.Random) -> None:
        names = ["ada", "barbara", "claude", "donald", "edsger", "frances", "grace", "hedy"]
        self._get(
            *(f"/phonebook?name={chance.choice(names)}" for _ in range(chance.randint(1, 30)))
        )

    # The attack

    def run_shell(self, number: int) -> None:
        """A visitor whose name is a command."""
        loot = nobodys(self.folder / f"loot-{number}") / "loot"
        command = COMMANDS[number % len(COMMANDS)].format(loot=loot, port=self.port)
        connection = self._connection()
        try:
            connection.request("GET", f"/phonebook?name={quote(command, safe='')}")
            connection.getresponse().read()
        finally:
            connection.close()
        assert loot.exists(), command
