# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import json
import os
import selectors
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imsafe.errors import ImsafeError, SourceError
from imsafe.monitor.later import Later, Waiting
from imsafe.monitor.view_client import (
    AlertMessage,
    BucketsMessage,
    HelloMessage,
    IdentitiesMessage,
    Message,
    NoticeMessage,
    ProcessesMessage,
    ReplyMessage,
    StatusMessage,
    ViewClient,
    ViewError,
)
from imsafe.monitor.view_protocol import (
    BUCKET,
    BUCKET_NS,
    PROCESS,
    VIEW_VERSION,
    Hello,
    ProcessIdentity,
    ViewKind,
)
from imsafe.monitor.view_requests import Request
from imsafe.monitor.view_server import ViewServer
from imsafe.sources.kernel_request import KernelRequest
from imsafe.sources.peer import Allowed
from imsafe.stream.frames import MAX_PAYLOAD, frame
from tests.connecting import connected

from .test_actions import an_alert


class Served:
    """A view server that turns in a thread of its own, as a monitor's loop would turn it."""

    def __init__(self, path: Path, allowed: Allowed | None = None) -> None:
        self.path = path
        self.asked: list[Request] = []
        self.waiting, self.gate = Waiting(), threading.Event()
        self.longest_turn = 0.0
        self._selector = selectors.DefaultSelector()
        self.identities: list[ProcessIdentity] = []
        self.server = ViewServer(
            path, self._selector, self._hello, self._request,
            allowed=allowed, identities=lambda: self.identities,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._turn)
        self._thread.start()

    def _hello(self, may_steer: bool) -> Hello:
        return {
            "version": VIEW_VERSION,
            "pid": os.getpid(),
            "started": 1.0,
            "may_steer": may_steer,
            "applications": [],
        }

    def _request(self, request: Request) -> Mapping[str, Any] | Later:
        self.asked.append(request)
        if request.name == "undo-normal":
            return self.waiting.add(lambda: self.gate.wait(20), lambda _: {"undone": True})
        if request.name == "reload-profile":
            raise ImsafeError("There is no such profile.")
        return {"mark": 7} if request.name == "mark-normal" else {}

    def _turn(self) -> None:
        while not self._stop.is_set():
            ready = self._selector.select(0.01)
            with self._lock:
                begin = time.thread_time()
                for key, _ in ready:
                    key.data()
                self.waiting.tick()
                self.server.tick(time.monotonic())
                self.longest_turn = max(self.longest_turn, time.thread_time() - begin)

    def do(self, action: Callable[[ViewServer], None]) -> None:
        with self._lock:
            action(self.server)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self.server.close()
        self._selector.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "view")
    yield server
    server.close()


class Window:
    def __init__(self, path: Path) -> None:
        self.socket = connected(path)
        self.socket.settimeout(30)
        self.client = ViewClient()
        self.messages: list[Message] = []
        self.closed = False

    def read(self) -> None:
        received = self.socket.recv(1 << 20)
        self.closed = not received
        self.messages += self.client.feed(received)

    def until(self, found: Callable[[Message], bool]) -> Message:
        seen = 0
        while True:
            for message in self.messages[seen:]:
                if found(message):
                    return message
            seen = len(self.messages)
            assert not self.closed, "the monitor has parted"
            self.read()

    def ask(self, name: str, **keys: Any) -> ReplyMessage:
        number, request = self.client.request(name, **keys)
        self.socket.sendall(request)
        reply = self.until(lambda m: isinstance(m, ReplyMessage) and m.id == number)
        assert isinstance(reply, ReplyMessage)
        return reply

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def some_buckets(count: int, start: int = 0, tid: int = 1) -> np.ndarray:
    buckets = np.zeros(count, BUCKET)
    buckets["time_ns"] = (start + np.arange(count)) * BUCKET_NS
    buckets["tid"] = tid
    buckets["calls"] = 1
    buckets["maximum"] = 0.25
    return buckets


def received_buckets(window: Window) -> np.ndarray:
    parts = [m.buckets for m in window.messages if isinstance(m, BucketsMessage)]
    return np.concatenate([some_buckets(0), *parts])


def test_the_socket_is_private_and_goes_away(tmp_path: Path) -> None:
    served = Served(tmp_path / "view")
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
    with pytest.raises(SourceError, match="another program listens"):
        ViewServer(served.path, served._selector, served._hello, served._request)
    served.close()
    assert not served.path.exists()


def test_a_window_gets_the_history_then_what_is_new(served: Served) -> None:
    served.do(lambda s: s.buckets(some_buckets(50_000)))
    served.do(lambda s: s.alert(an_alert()))
    served.do(lambda s: s.notice("the log failed", 5.0))
    with Window(served.path) as window:
        window.until(lambda m: isinstance(m, AlertMessage))
        assert isinstance(window.messages[0], HelloMessage)
        assert window.messages[0].hello["may_steer"]
        window.until(
            lambda m: (
                isinstance(m, BucketsMessage) and m.buckets["time_ns"][-1] >= 49_999 * BUCKET_NS
            )
        )
        assert np.array_equal(received_buckets(window), some_buckets(50_000))
        served.do(lambda s: s.buckets(some_buckets(10, start=50_000)))
        window.until(
            lambda m: (
                isinstance(m, BucketsMessage) and m.buckets["time_ns"][-1] >= 50_009 * BUCKET_NS
            )
        )
        assert NoticeMessage("the log failed", 5.0, error=False) in window.messages


def test_what_takes_long_is_answered_later_and_holds_nothing_up(served: Served) -> None:
    with Window(served.path) as window, Window(served.path) as gone:
        number, request = window.client.request("undo-normal", mark=1)
        window.socket.sendall(request)
        gone.socket.sendall(gone.client.request("undo-normal", mark=2)[1])
        assert window.ask("set-threshold", application="a", threshold=0.5).ok
        assert not any(isinstance(m, ReplyMessage) and m.id == number for m in window.messages)
        served.gate.set()
        reply = window.until(lambda m: isinstance(m, ReplyMessage) and m.id == number)
        assert isinstance(reply, ReplyMessage)
        assert reply.values == {"undone": True}


def test_who_the_processes_are_comes_before_their_rows(served: Served) -> None:
    everybody: list[ProcessIdentity] = [
        {
            "stream": 1, "pid": pid, "parent": 1, "comm": "\x1b<b>\u202e", "exe": "", "argv": [],
            "user": "", "started": None,
        }
        for pid in range(450)
    ]  # fmt: skip
    served.identities = everybody[:400]
    rows = np.zeros(450, PROCESS)
    rows["pid"] = np.arange(450)
    served.do(lambda s: s.processes(rows))
    with Window(served.path) as window:
        message = window.until(lambda m: isinstance(m, ProcessesMessage))
        assert isinstance(message, ProcessesMessage)
        assert np.array_equal(message.processes, rows)
        assert said(window) == everybody[:400]
        served.do(lambda s: s.identities(everybody[400:]))
        window.until(lambda m: isinstance(m, IdentitiesMessage) and m.identities[-1]["pid"] == 449)
        assert said(window) == everybody


def said(window: Window) -> list[ProcessIdentity]:
    messages = [m for m in window.messages if isinstance(m, IdentitiesMessage)]
    return [identity for message in messages for identity in message.identities]


def test_each_request_has_one_reply(served: Served) -> None:
    with Window(served.path) as window:
        assert window.ask("mark-normal", alert=1).values == {"mark": 7}
        assert window.ask("set-threshold", application="a", threshold=0.5).ok
        refused = window.ask("reload-profile", application="a")
        assert not refused.ok
        assert refused.error == "There is no such profile."
        assert [r.name for r in served.asked] == ["mark-normal", "set-threshold", "reload-profile"]
        assert served.asked[2].keys == {"application": "a", "profile": None}
        assert len([m for m in window.messages if isinstance(m, ReplyMessage)]) == 3


@pytest.mark.parametrize(
    ("request_keys", "words"),
    [
        ({"request": "set-threshold", "application": "a", "threshold": 1.5}, "0 to 1"),
        ({"request": "set-threshold", "application": "a", "threshold": "nan"}, "0 to 1"),
        ({"request": "set-threshold", "application": "a", "threshold": True}, "0 to 1"),
        ({"request": "set-threshold"}, "needs the key"),
        ({"request": "stop", "now": 1}, "no key"),
        ({"request": "rm -rf"}, "no request"),
        ({"request": ["stop"]}, "no request"),
        ({"request": "add-source", "source": {"kind": "shell"}}, "one of sensor"),
        ({"request": "add-source", "source": {"kind": "pid", "pids": [-1]}}, "none"),
        ({"request": "add-source", "source": {"kind": "sensor", "socket": "a\0b"}}, "a text"),
        (
            {"request": "add-source", "source": {"kind": "replay", "trace": "t", "speed": 0}},
            "speed",
        ),
        ({"request": "add-source", "source": {"kind": "driver"}}, "needs the key 'words'"),
        ({"request": "add-source", "source": {"kind": "driver", "words": []}}, "which application"),
        ({"request": "add-source", "source": {"kind": "driver", "words": "--name=a"}}, "list"),
        ({"request": "add-source", "source": {"kind": "driver", "words": [7]}}, "list"),
        (
            {"request": "add-source", "source": {"kind": "driver", "words": ["--name=a", "-o"]}},
            "knows no '-o'",
        ),
        (
            {"request": "add-source", "source": {"kind": "driver", "words": ["--name=a/b"]}},
            "base name",
        ),
        (
            {
                "request": "add-source",
                "source": {"kind": "driver", "words": ["--name=a"], "device": "tracer"},
            },
            "auto or the full path",
        ),
        ({"request": "explain", "alert": 1e3}, "none"),
        ({"request": "record-start", "path": "t", "append": "yes"}, "true nor false"),
    ],
)
def test_bad_requests_are_answered_in_words(
    served: Served, request_keys: dict[str, Any], words: str
) -> None:
    with Window(served.path) as window:
        payload = json.dumps({**request_keys, "id": 99}).encode()
        window.socket.sendall(frame(ViewKind.REQUEST, payload))
        reply = window.until(lambda m: isinstance(m, ReplyMessage))
        assert isinstance(reply, ReplyMessage)
        assert (reply.id, reply.ok) == (99, False)
        assert words in reply.error
        assert served.asked == []
        assert window.ask("stop").ok, "the window is still served"


def test_a_request_for_the_kernel_tracer(served: Served) -> None:
    words = ["--name=nginx", "--pid=7", "--no-follow-exec"]
    with Window(served.path) as window:
        assert window.ask("add-source", source={"kind": "driver", "words": words}).ok
    (request,) = served.asked
    assert request.keys["source"] == {
        "kind": "driver",
        "words": KernelRequest.from_words(words),
        "device": "auto",
    }


@pytest.mark.parametrize("threshold", [b"NaN", b"Infinity", b"1e999", b"-0.1"])
def test_numbers_that_json_should_not_have(served: Served, threshold: bytes) -> None:
    payload = b'{"id":1,"request":"set-threshold","application":"a","threshold":%s}' % threshold
    with Window(served.path) as window:
        window.socket.sendall(frame(ViewKind.REQUEST, payload))
        reply = window.until(lambda m: isinstance(m, ReplyMessage))
        assert isinstance(reply, ReplyMessage)
        assert not reply.ok
    assert served.asked == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.0\r\n\r\n" * 10,
        os.urandom(4096),
        frame(ViewKind.HELLO, b"{}"),
        frame(ViewKind.REQUEST, b"[" * 60_000),
        frame(ViewKind.REQUEST, b"\xff\xfe"),
        frame(ViewKind.REQUEST, b" " * MAX_PAYLOAD),
        frame(ViewKind.REQUEST, b" " * 200_000)[:150_000],
    ],
    ids=["http", "random", "wrong kind", "nested", "no text", "huge", "huge and unfinished"],
)
def test_garbage_hurts_nobody_else(served: Served, garbage: bytes) -> None:
    with Window(served.path) as good, Window(served.path) as bad:
        good.until(lambda m: isinstance(m, HelloMessage))
        # The monitor need not wait for the end of it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            bad.socket.sendall(garbage)
        try:
            while not bad.closed and not any(isinstance(m, ReplyMessage) for m in bad.messages):
                bad.read()
        except ConnectionResetError:
            bad.closed = True
        replies = [m for m in bad.messages if isinstance(m, ReplyMessage)]
        assert bad.closed or replies
        assert not any(reply.ok for reply in replies)
        assert good.ask("stop").ok
    assert [r.name for r in served.asked] == ["stop"]


def test_a_window_that_does_not_read_costs_nothing(served: Served) -> None:
    with Window(served.path) as slow, Window(served.path) as quick:
        slow.until(lambda m: isinstance(m, HelloMessage))
        for turn in range(300):
            served.do(lambda s, turn=turn: s.buckets(some_buckets(1000, turn * 1000)))
            served.do(lambda s, turn=turn: s.alert({**an_alert(turn % 5), "reason": "x" * 1000}))
            served.do(lambda s, turn=turn: s.notice(f"notice {turn}", turn))
        quick.until(
            lambda m: (
                isinstance(m, BucketsMessage) and m.buckets["time_ns"][-1] >= 299_990 * BUCKET_NS
            )
        )
        outboxes = [c.outbox for c in served.server._clients]
        assert max(o._waiting for o in outboxes) <= 20_000
        # At last it reads: no call is missing.
        while received_buckets(slow)["calls"].sum() < 300_000:
            slow.read()
        assert received_buckets(slow)["calls"].sum() == 300_000
        assert len(received_buckets(slow)) < 100_000
        assert served.longest_turn < 5.0


def test_a_window_that_asks_and_never_reads_is_made_to_wait(served: Served) -> None:
    with Window(served.path) as greedy, Window(served.path) as good:
        _, request = greedy.client.request("explain", alert=1)
        greedy.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            greedy.socket.sendall(request * 1_000_000)
        assert good.ask("mark-normal", alert=2).ok
        begin = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - begin < 0.3, "the monitor turns without rest"


def test_one_status_waits_not_many(served: Served) -> None:
    with Window(served.path) as window:
        for number in range(1000):
            served.do(lambda s, n=number: s.status(a_status(n)))
        window.until(lambda m: isinstance(m, StatusMessage) and m.status["calls"] == 999)
        assert len([m for m in window.messages if isinstance(m, StatusMessage)]) < 100


def a_status(calls: int) -> Any:
    return {
        "time": 0.0,
        "state": "watching",
        "rate": 0.0,
        "calls": calls,
        "lost": 0,
        "alerts": 0,
        "open_alerts": 0,
        "log": None,
        "recording": None,
        "recorded_bytes": 0,
        "actions_held_back": 0,
        "applications": [],
        "sources": [],
    }


AS_OTHER_USER = """
import os, socket, sys
sys.path.insert(0, sys.argv[2])
import numpy  # before the rights are gone
from imsafe.monitor.view_client import ViewClient, ReplyMessage
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except PermissionError:
    print("no permission"); sys.exit()
client = ViewClient()
try:
    s.sendall(client.request("stop")[1])
    while data := s.recv(65536):
        for message in client.feed(data):
            if isinstance(message, ReplyMessage):
                print(message.ok, message.error); sys.exit()
except (BrokenPipeError, ConnectionResetError):
    pass
print("closed")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (Allowed(), "no permission"),
        (Allowed(users=frozenset({65533})), "closed"),
        (Allowed(users=frozenset({65534})), "False Only the monitor's own user"),
    ],
)
def test_other_users(allowed: Allowed, words: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        served = Served(Path(folder) / "view", allowed)
        try:
            root = Path(__file__).resolve().parents[2]
            done = subprocess.run(
                [sys.executable, "-c", AS_OTHER_USER, str(served.path), str(root)],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            served.close()
        assert done.stdout.startswith(words), done.stderr
        assert served.asked == []


MANY_WINDOWS = """
import os, socket, sys, time
sys.path.insert(0, sys.argv[2])
import numpy  # before the rights are gone
from imsafe.monitor.view_client import HelloMessage, ViewClient, ViewError
os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
came, kept, words = 0, [], set()
for _ in range(40):
    client = ViewClient()
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    kept.append(s)
    try:
        while not any(isinstance(m, HelloMessage) for m in client.feed(s.recv(65536))): pass
        came += 1
    except ViewError as error:
        words.add(str(error))
print(came, *words, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_those_who_look_on_leave_places_for_the_owner() -> None:
    import tempfile

    users = [65534, 65533, 65532, 65531]
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, contextlib.ExitStack() as over:
        Path(folder).chmod(0o755)
        served = Served(Path(folder) / "view", Allowed(users=frozenset(users)))
        over.callback(served.close)
        said = []
        for user in users:
            onlooker = subprocess.Popen(
                [sys.executable, "-c", MANY_WINDOWS, served.path, root, str(user)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            over.enter_context(onlooker)
            assert onlooker.stdout is not None
            said.append(onlooker.stdout.readline().strip())
        mine = "You look on at this monitor in 8 windows already; close one."
        assert said[:3] == [f"8 {mine}"] * 3
        assert said[3].startswith("0 24 windows look on at this monitor already; the other places")
        for _ in range(8):
            window = over.enter_context(Window(served.path))
            window.until(lambda m: isinstance(m, HelloMessage))
            assert window.ask("set-threshold", application="ls", threshold=0.5).ok
        last = over.enter_context(Window(served.path))
        with pytest.raises(ViewError, match="32 windows are attached to this monitor already"):
            last.until(lambda m: isinstance(m, HelloMessage))
