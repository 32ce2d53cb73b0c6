# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary visitors of the demonstration: `python -m demo.visitors --port N --seed S`."""

from __future__ import annotations

import argparse
import http.client
import random
import sys
import threading
import time
from collections import Counter
from urllib.parse import quote_plus

from demo.web_server import NAMES, PAGES, PICTURES

WORDS = ["hello", "nice", "page", "greetings", "from", "the", "mountains", "see", "you", "soon!"]


Request = tuple[str, str, str | None, dict[str, str]]
"""Method, path, body and headers."""


class Visitor(threading.Thread):
    """One person: some requests with pauses, over connections that are kept or not."""

    def __init__(self, port: int, seed: int, requests: int, quiet: float = 0.0) -> None:
        super().__init__(name=f"visitor-{seed}")
        self.answers: Counter[int] = Counter()
        self.error: Exception | None = None
        self._port = port
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not a secret
        self._requests = requests
        self._quiet = quiet
        self._pause = self._random.choice([0.01, 0.02, 0.04])

    def run(self) -> None:
        """Visit; what went wrong is kept in `error`."""
        try:
            left = self._requests
            while left > 0:
                if left <= self._requests // 3 and self._quiet:
                    time.sleep(self._quiet)
                    self._quiet = 0.0
                several = min(left, self._random.choice([1, 1, 2, 4, 8]))
                self._visit(several)
                left -= several
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error

    def _visit(self, requests: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            for number in range(requests):
                request = self._request()
                try:
                    answer = _answer(connection, request)
                except ConnectionError:
                    if not number:
                        raise
                    # The server has closed a connection that was idle for long, as it may.
                    connection.close()
                    answer = _answer(connection, request)
                self.answers[answer.status] += 1
                time.sleep(self._random.expovariate(1 / self._pause))
        finally:
            connection.close()
        if self._random.random() < 0.05:
            time.sleep(self._random.uniform(0.5, 2.5))  # somebody reads

    def _request(self) -> Request:
        pick = self._random
        kind = pick.choices(
            [
                "page",
                "picture",
                "phone",
                "status",
                "read",
                "write",
                "missing",
                "head",
                "again",
                "part",
            ],
            [26, 14, 20, 6, 6, 8, 6, 4, 5, 5],
        )[0]
        headers: dict[str, str] = {}
        match kind:
            case "page":
                return "GET", pick.choice(["/", "/style.css", *PAGES]), None, headers
            case "picture":
                return "GET", pick.choice(PICTURES), None, headers
            case "phone":
                name = pick.choice(
                    [*NAMES, pick.choice(NAMES)[:3], pick.choice(NAMES).title(), "zoe"]
                )
                return "GET", f"/phonebook.pl?name={quote_plus(name)}", None, headers
            case "status":
                return "GET", "/status.sh" + pick.choice(["", "?disk", "?people"]), None, headers
            case "read":
                return "GET", "/guestbook.pl", None, headers
            case "write":
                text = quote_plus(" ".join(pick.choices(WORDS, k=pick.randrange(1, 60))))
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                return "POST", "/guestbook.pl", text, headers
            case "missing":
                return "GET", f"/old/{pick.randrange(1000)}.html", None, headers
            case "head":
                return "HEAD", pick.choice([*PAGES, *PICTURES]), None, headers
            case "again":
                headers["If-Modified-Since"] = "Fri, 01 Jan 2100 00:00:00 GMT"
                return "GET", pick.choice(PAGES), None, headers
            case _:
                start = pick.randrange(1500)
                headers["Range"] = f"bytes={start}-{start + pick.randrange(1, 4000)}"
                return "GET", pick.choice(PICTURES), None, headers


def _answer(connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
    connection.request(*request)
    answer = connection.getresponse()
    answer.read()
    return answer


def visit(port: int, seed: int, requests: int, quiet: float = 0.0) -> Counter[int]:
    """Let one to four visitors make `requests` requests together.

    Parameters
    ----------
    quiet
        Seconds without requests before the last third of them.

    Returns
    -------
    Counter
        How often each HTTP status was answered.
    """
    how_many = random.Random(seed).randrange(1, 5)  # noqa: S311 - repeatable, not a secret
    visitors = [
        Visitor(port, seed * 10 + number, requests // how_many, quiet) for number in range(how_many)
    ]
    for visitor in visitors:
        visitor.start()
    answers: Counter[int] = Counter()
    for visitor in visitors:
        visitor.join()
        if visitor.error is not None:
            raise visitor.error
        answers += visitor.answers
    return answers


def main() -> int:
    """Visit the site as the command line says, and print what was answered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True, help="other seeds, other visits")
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--quiet", type=float, default=0.0, metavar="SECONDS", help="a long pause")
    args = parser.parse_args()
    answers = visit(args.port, args.seed, args.requests, args.quiet)
    print(" ".join(f"{status}:{count}" for status, count in sorted(answers.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
