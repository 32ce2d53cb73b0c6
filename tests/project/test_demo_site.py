# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's web site, visitors and attacks, without ImSafe: all of it is real."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo.attacks import ATTACKS, attack
from demo.visitors import visit
from demo.web_server import DemoError, find_lighttpd, free_port, new_site

try:
    find_lighttpd()
except DemoError as error:
    pytest.skip(str(error), allow_module_level=True)

BOOTY = {
    "who-am-i": "uid=",
    "accounts": "root:x:0:0",
    "which-system": "Linux ",
    "look-around": "passwd",
    "drop-a-script": "uid=",
    "setuid-hunt": "/usr/bin/passwd",
    "look-for-secrets": "/etc/",
    "pack-and-carry-off": "1f 8b 08",
    "reverse-shell-bash": "root:x:0:0",
    "reverse-shell-perl": "root:x:0:0",
}


@pytest.fixture
def folder():
    # Not tmp_path, which is for its owner alone: a server started by root gives up its rights.
    with tempfile.TemporaryDirectory(prefix="imsafe-site-") as name:
        yield Path(name)


@pytest.fixture
def site(folder):
    site = new_site(folder)
    server = subprocess.Popen(site.argv, stdin=subprocess.DEVNULL)
    try:
        site.wait_until_up(server)
        yield site
    finally:
        site.stop(server)
    assert server.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.port), timeout=5)


def test_visitors_see_a_working_site(site):
    answers = visit(site.port, seed=3, requests=120)
    assert sum(answers.values()) >= 117  # shared evenly among up to four visitors
    assert set(answers) == {200, 206, 303, 304, 404}
    assert (site.folder / "www" / "visitors" / "guestbook.txt").read_text()


def test_the_same_seed_makes_the_same_visit(site):
    assert visit(site.port, seed=4, requests=40) == visit(site.port, seed=4, requests=40)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_succeeds(site, name):
    assert BOOTY[name] in attack(site.port, name)


def test_a_server_that_cannot_start_is_told(folder):
    site = new_site(folder)
    (folder / "lighttpd.conf").write_text("nonsense\n")
    server = subprocess.Popen(site.argv, stderr=subprocess.DEVNULL)
    with pytest.raises(DemoError, match="ended at once"):
        site.wait_until_up(server)


def test_no_port_is_given_twice_or_to_a_client_too():
    clients = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    with ThreadPoolExecutor(8) as pool:
        ports = list(pool.map(lambda _: free_port(), range(500)))
    assert len(set(ports)) == 500
    assert not any(int(clients[0]) <= port <= int(clients[1]) for port in ports)
    with socket.create_server(("127.0.0.1", ports[0])) as taken:
        assert taken.getsockname()[1] == ports[0]
