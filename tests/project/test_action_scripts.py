# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ready scripts for alerts, against a real mail server and a real web server."""

from __future__ import annotations

import email
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from email import policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.monitor.test_actions import an_alert

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "packaging" / "actions"
ALERT = {
    **an_alert(comm="bad\r\nBcc: x@y\x1b[31m"),
    "reason": "It does what was not learned.",
    "calls": [
        {"call": "execve", "surprise": 20.5, "probability": 1e-6, "expected": [["read", 0.9]]}
    ],
}


def run(name: str, settings: Path, text: str, alert: object = ALERT):
    settings.write_text(text)
    return subprocess.run(
        [sys.executable, "-W", "error", SCRIPTS / f"imsafe-{name}"],
        input=json.dumps(alert),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, f"IMSAFE_{name.upper()}_SETTINGS": str(settings)},
    )


class Inbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):
        if envelope.rcpt_tos == ["full@example.org"]:
            return "452 Insufficient system storage"
        self.mails.append(envelope)
        return "250 OK"


def login(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"imsafe", b"secret"))


@pytest.fixture
def inbox():
    handler = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        handler.port = free.getsockname()[1]
    server = Controller(
        handler,
        hostname="127.0.0.1",
        port=handler.port,
        ready_timeout=60,
        authenticator=login,
        auth_require_tls=False,
    )
    server.start()
    yield handler
    server.stop()


def test_an_alert_is_mailed(tmp_path, inbox):
    (tmp_path / "password").write_text("secret\n")
    text = (
        f"to = ['admin@example.org', 'b@example.org']\nhost = '127.0.0.1'\nport = {inbox.port}\n"
        "from = 'imsafe@example.org'\nuser = 'imsafe'\npassword-file = 'password'\n"
    )
    done = run("mail", tmp_path / "mail.toml", text)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    (envelope,) = inbox.mails
    assert envelope.rcpt_tos == ["admin@example.org", "b@example.org"]
    mail = email.message_from_bytes(envelope.content, policy=policy.default)
    assert mail["From"] == "imsafe@example.org"
    assert mail["Subject"].startswith("ImSafe: web server on ")
    assert mail["Subject"].endswith(", score 0.75 (alert 1)")
    assert "Bcc" not in mail
    body = mail.get_body().get_content()
    assert "It does what was not learned." in body
    assert "100 (bad??Bcc: x@y?[31m, /usr/sbin/httpd), thread 101" in body
    assert "execve" in body
    (attached,) = mail.iter_attachments()
    assert json.loads(attached.get_content()) == json.loads(json.dumps(ALERT))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("to = ['full@example.org']\nhost = '127.0.0.1'\nport = {port}", "not sent: "),
        ("to = ['a@example.org']\nhost = '127.0.0.1'\nport = 1", "not sent: "),
        ("to = ['a@b']\nhost = '127.0.0.1'\nport = {port}\nuser = 'x'", "No such file"),
        ("to = ['a@b']\nhost = '192.0.2.1'\nuser = 'x'", "is not sent to another host without"),
        ("to = ['a@b']\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'starttls'", "not sent: "),
        ("to = 'a@b'", "to cannot be 'a@b'"),
        ("to = []", "'to' has to be a list of addresses"),
        ("subject = 'x'", "there is no key 'subject'; allowed are to, from"),
        ("to = ['a@b']\nsecurity = 'ssl'", "security is one of none, starttls, tls"),
        ("to =", "mail.toml: Invalid value"),
    ],
)
def test_a_mail_that_does_not_leave_is_told(tmp_path, inbox, text, words):
    done = run("mail", tmp_path / "mail.toml", text.format(port=inbox.port))
    assert done.returncode == 1
    assert done.stderr.startswith("imsafe-mail: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert inbox.mails == []


@pytest.fixture
def site():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            site.posts.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response({"/full": 507, "/moved": 307}.get(self.path, 204))
            if self.path == "/moved":
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.posts = []
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


def test_an_alert_is_posted(tmp_path, site):
    (tmp_path / "token").write_text("abc\n")
    url = f"http://127.0.0.1:{site.server_port}/hooks/secret"
    text = f"url = '{url}'\ntoken-file = 'token'\nheaders = {{ X-Team = 'web' }}\n"
    done = run("webhook", tmp_path / "webhook.toml", text)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    done = run("webhook", tmp_path / "webhook.toml", f"url = '{url}'\nbody = 'text'\n")
    assert done.returncode == 0
    (path, headers, alert), (_, _, chat) = site.posts
    assert path == "/hooks/secret"
    assert headers["Authorization"] == "Bearer abc"
    assert headers["X-Team"] == "web"
    assert headers["Content-Type"] == "application/json"
    assert {**alert, "host": ""} == {**json.loads(json.dumps(ALERT)), "host": ""}
    assert set(chat) == {"text"}
    assert chat["text"].endswith("web server, score 0.75. It does what was not learned.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("url = '{site}/full'", "not taken by 127.0.0.1: 507"),
        ("url = '{site}/moved'", "not taken by 127.0.0.1: 307"),
        ("url = 'http://127.0.0.1:1/x'", "not sent to 127.0.0.1: "),
        ("url = 'file:///etc/passwd'", "url has to begin with https:// or http://"),
        ("url = '{site}/x'\nbody = 'html'", 'body is "alert" or "text"'),
        ("uri = '{site}/x'", "there is no key 'uri'; allowed are url"),
        ("url = 7", "url cannot be 7"),
        ("url = '{site}/x'\ntoken-file = 'none'", "No such file"),
        ("url = '{site}/x'\nheaders = {{ X = \"a\\nb\" }}", "not sent to 127.0.0.1: "),
    ],
)
def test_a_post_that_is_not_taken_is_told(tmp_path, site, text, words):
    address = f"http://127.0.0.1:{site.server_port}"
    done = run("webhook", tmp_path / "webhook.toml", text.format(site=address))
    assert done.returncode == 1
    assert done.stderr.startswith("imsafe-webhook: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert all(path in ("/full", "/moved") for path, _, _ in site.posts)


@pytest.mark.parametrize("name", ["mail", "webhook"])
def test_what_is_no_alert_is_told(tmp_path, name, site):
    text = {"mail": "to = ['a@b']", "webhook": "url = 'http://127.0.0.1:1/'"}[name]
    done = run(name, tmp_path / "settings.toml", text, alert={})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["mail", "webhook"])
def test_the_file_that_is_named_is_looked_at_first_as_the_script_says(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    usual = tmp_path / "imsafe" / "actions" / f"{name}.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text("nothing = 1\n")
    named = tmp_path / "named.toml"
    done = run(name, named, "odd = 1\n")
    assert done.returncode == 1
    assert f"{named}: there is no key 'odd'" in done.stderr
    text = (SCRIPTS / f"imsafe-{name}").read_text(encoding="utf-8")
    assert text.index(f"IMSAFE_{name.upper()}_SETTINGS") < text.index("/etc/imsafe")
