# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that runs in a folder of its own, from a copy of its executable, and ends with us."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE_S = 180.0
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]
USERS = 2
"""Who use a daemon at a time."""

PORTS = iter(random.sample(range(20_000, 32_768), 1000))  # the kernel gives clients others

Activity = Callable[[random.Random], None]


def free_port() -> int:
    """A port that nobody has, and that was not given before."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def nobodys(folder: Path) -> Path:
    """A new folder that a daemon without rights may write to."""
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder


def copied(name: str, folder: Path) -> Path:
    """A copy of a daemon's executable, under a name that nothing else here has."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found is not None
    place = folder / f"bench-{name.partition('-')[0]}"
    shutil.copy(os.path.realpath(found), place)
    place.chmod(0o755)
    return place


class Daemon:
    """One run of a daemon.

    Attributes
    ----------
    folder
        Everything that it reads and writes.
    failures
        What its load could not do though it should have been able to.
    served
        Requests that it has answered, by its own count.
    """

    def __init__(self, executable: Path, folder: Path) -> None:
        self.executable = executable
        self.folder = folder
        self.port = free_port()
        self.failures: list[str] = []
        self.served = 0
        self._started: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """How it is started, to stay in the foreground with its id in `daemon.pid`."""
        raise NotImplementedError

    def activities(self) -> dict[str, Activity]:
        """What its users do, by name."""
        raise NotImplementedError

    def count_served(self) -> int:
        """Ask how many requests it has answered."""
        raise NotImplementedError

    def start(self, prefix: Sequence[str] = (), output: Path | None = None) -> None:
        """Start it, as the argument of a tracer if one is given, whose output goes to a file."""
        with (output or self.folder / "said").open("ab") as said:
            self._started = subprocess.Popen(
                [*prefix, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=None if output else said,
                cwd=self.folder,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._started.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"bench/daemons.py: {self._started.args!r} did not begin")
            time.sleep(0.05)

    def _answers(self) -> bool:
        if not (self.folder / "daemon.pid").exists():
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int((self.folder / "daemon.pid").read_text()), number)

    def stop(self) -> None:
        """End it, and wait for its tracer."""
        if self._started is None:
            return
        with contextlib.suppress(OSError, EOFError):
            self.served += self.count_served()
        process, self._started = self._started, None
        self.signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            process.kill()
            process.wait()
        (self.folder / "daemon.pid").unlink(missing_ok=True)

    def run(self, argv: list[str]) -> None:
        """Run one of its clients, to its end or the daemon's."""
        with tempfile.TemporaryFile() as said:
            client = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            while client.poll() is None:
                if self._started is None:
                    client.kill()
                time.sleep(0.02)
            if client.returncode and self._started is not None:
                said.seek(0)
                self.failures.append(f"{argv[0]}: {said.read(200).decode(errors='replace')}")

    def live(
        self, seconds: float, pause: float, seed: int, quiet: float, stop: threading.Event
    ) -> None:
        """Normal use for so long.

        Parameters
        ----------
        pause
            Seconds between two activities of a user, in the mean.
        seed
            Of the mix of activities, which is another one for each user.
        quiet
            Seconds in the midst in which nobody comes.
        """
        activities = self.activities()
        begun = time.monotonic()

        def user(number: int) -> None:
            chance = random.Random(seed * 100 + number)
            weights = [chance.gammavariate(1, 1) for _ in activities]  # uniform over all mixes
            rested = False
            while not stop.is_set() and (now := time.monotonic() - begun) < seconds:
                if quiet and not rested and now > (seconds - quiet) / 2:
                    rested = stop.wait(quiet) or True
                name = chance.choices(list(activities), weights)[0]
                try:
                    activities[name](chance)
                except (OSError, ValueError, EOFError) as error:
                    if not stop.is_set():
                        self.failures.append(f"{name}: {error!r}")
                stop.wait(chance.expovariate(1 / pause))

        users = [threading.Thread(target=user, args=(number,)) for number in range(USERS)]
        for thread in users:
            thread.start()
        for thread in users:
            thread.join()
