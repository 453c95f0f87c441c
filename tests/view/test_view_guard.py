"""Who may ask: this machine, by this address, from this page; others with the token only."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from house import House
from served import Client, serving
from typer.testing import CliRunner

from turnwise.cli.main import app
from turnwise.errors import TurnwiseError
from turnwise.view.server.guard import is_loopback

TOKEN = "a-long-enough-token"
JSON = {"Content-Type": "application/json"}


def ask(client: Client, **headers: str) -> int:
    return client.ask(
        "GET", "/api/about", headers={name.replace("_", "-"): v for name, v in headers.items()}
    ).status


def test_only_this_machines_own_names_are_answered(client: Client) -> None:
    for host in ("127.0.0.1", "localhost", "localhost:1", "127.0.0.1:80", "[::1]:7331"):
        assert ask(client, Host=host) == 200, host
    # A page elsewhere may have its own name lead here (DNS rebinding); its browser still says that name.
    for host in (
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "[::1",
    ):
        assert ask(client, Host=host) == 403, host


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://[", "file://"]
)
def test_no_other_page_changes_anything(client: Client, house: House, origin: str) -> None:
    body = b'{"kind": "tag", "name": "x", "annotator": "evil", "target": "%s"}' % house.desk.encode()
    answer = client.ask("POST", "/api/labels", body, {**JSON, "Origin": origin})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert client.get("/labels", annotator="evil")["total"] == 0


def test_a_form_of_another_page_changes_nothing(client: Client, house: House) -> None:
    body = b'{"kind": "tag", "name": "x", "annotator": "evil", "target": "%s"}' % house.desk.encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert client.ask("POST", "/api/labels", body, {"Content-Type": kind}).status == 403
    assert client.ask("POST", "/api/labels", body, {**JSON, "Sec-Fetch-Site": "cross-site"}).status == 403


def test_every_answer_carries_the_policy(client: Client) -> None:
    for path in ("/", "/api/about", "/api/nothing", "/runs/x", "/assets/none.js"):
        headers = client.ask("GET", path).headers
        policy = dict(
            part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


def test_a_huge_body_is_refused(client: Client) -> None:
    body = b'{"kind": "note", "text": "' + b"x" * (5 << 20) + b'"}'
    answer = client.ask("POST", "/api/labels", body, JSON)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    # Of unknown length: it is cut off on the way, and nothing comes of it.
    with contextlib.suppress(http.client.HTTPException, OSError):
        connection.request("POST", "/api/labels", iter([body]), JSON, encode_chunked=True)
        assert connection.getresponse().status != 201
    connection.close()
    assert client.get("/about")


@pytest.fixture(scope="module")
def locked(house: House) -> Iterator[Client]:
    with serving(house.place, token=TOKEN, hosts=None) as found:
        yield found


def test_with_a_token_nobody_reads_without_it(locked: Client) -> None:
    for path in (
        "/",
        "/api/about",
        "/api/events",
        "/assets/x.js",
        "/api/runs?token=",
        "/api/runs?token=wrong-but-long",
    ):
        answer = locked.ask("GET", path)
        assert (answer.status, answer.json["code"]) == (401, "unauthorized"), path
    assert locked.ask("GET", "/api/about", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
    assert locked.ask("GET", "/api/about", headers={"Authorization": "Bearer nonsense"}).status == 401
    assert locked.ask("POST", "/api/labels", b"{}", JSON).status == 401


def test_the_address_with_the_token_gives_a_cookie_and_forgets_it(locked: Client) -> None:
    answer = locked.ask("GET", f"/runs/x?a=1&token={TOKEN}&b=2")
    assert (answer.status, answer.headers["location"]) == (303, "/runs/x?a=1&b=2")
    cookie = answer.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    value = cookie.partition(";")[0]
    assert locked.ask("GET", "/api/about", headers={"Cookie": value}).status == 200
    # It leads nowhere else.
    for path in (f"//evil.example/?token={TOKEN}", f"/\\evil.example?token={TOKEN}"):
        place = locked.ask("GET", path).headers.get("location", "/")
        assert not place.startswith(("//", "/\\", "http")), place


def test_no_path_leads_out_of_the_pages_folder(client: Client, house: House) -> None:
    for path in (
        "/../served.py",
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/assets/..%2f..%2f..%2fserver%2fapp.py",
    ):
        answer = client.ask("GET", path)
        assert b"root:" not in answer.data
        assert b"import" not in answer.data[:400]


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "localhost", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "127.0.0.1.example", "example.org")))


# The command ------------------------------------------------------------------------------------------------


def said(*words: str) -> tuple[int, str]:
    """Exit code and error of a `turnwise view` that shall not begin."""
    done = CliRunner().invoke(app, ["view", "--no-open", *words])
    assert isinstance(done.exception, TurnwiseError), done.exception
    assert done.stdout == ""
    return done.exception.exit_code, str(done.exception)


def test_a_refusal_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "turnwise", "view", "--no-open", str(tmp_path / "none.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("turnwise: there is no store")
    assert done.stderr.count("\n") == 1


def test_a_store_that_cannot_be_viewed_is_one_line(house: House, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("no database at all, but a text that is long enough to look like one")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE things (x)")
    with sqlite3.connect(house.place) as whole:
        for name in ("newer", "half"):
            with sqlite3.connect(tmp_path / f"{name}.db") as copy:
                whole.backup(copy)
    with sqlite3.connect(tmp_path / "newer.db") as newer:
        newer.execute("UPDATE turnwise SET value = '99' WHERE key = 'version'")
    with sqlite3.connect(tmp_path / "half.db") as half:
        half.execute("DROP TABLE log")
    for name, why in (
        ("none.db", "there is no store"),
        ("empty.db", "is empty and is no store of Turnwise"),
        ("text.db", "file is not a database"),
        ("other.db", "holds other things and is no store"),
        ("newer.db", "newer Turnwise"),
        ("half.db", "was not written to the end: it has no table 'log'"),
    ):
        code, line = said(str(tmp_path / name), "--port", "0")
        assert (code, why in line) == (2, True), line
    with sqlite3.connect(tmp_path / "other.db") as other:
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,), (
            "nothing was made in it"
        )


def test_a_locked_store_is_one_line(house: House, tmp_path: Path) -> None:
    place = tmp_path / "locked.db"
    with sqlite3.connect(house.place) as whole, sqlite3.connect(place) as copy:
        whole.backup(copy)
    holder = sqlite3.connect(place)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    code, line = said(str(place), "--port", "0")
    holder.close()
    assert (code, "another process keeps it locked" in line) == (2, True), line


def test_a_port_in_use_and_a_wide_address_are_one_line(house: House, client: Client) -> None:
    code, line = said(str(house.place), "--port", str(client.port))
    assert (code, "--port" in line) == (2, True), line
    code, line = said(str(house.place), "--host", "0.0.0.0", "--port", "0")
    assert (code, "give --token" in line) == (2, True), line
    code, line = said(str(house.place), "--host", "0.0.0.0", "--port", "0", "--token", "short")
    assert (code, "at least 12 characters" in line) == (2, True), line
    code, line = said(str(house.place), "--host", "203.0.113.7", "--port", "0", "--token", TOKEN)
    assert (code, "cannot listen on 203.0.113.7" in line) == (2, True), line


@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_serves_and_ends_when_told(house: House, ended: signal.Signals) -> None:
    command = [sys.executable, "-m", "turnwise", "view", str(house.place), "--port", "0", "--no-open"]
    # Without Node, so that a page which was not built yet is not built here.
    env = {**os.environ, "PATH": str(Path(sys.executable).parent)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        client = Client(address.port or 0)
        assert client.get("/about")["store"] == str(house.place)
        # A browser that listens does not keep it from ending.
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
        connection.request("GET", "/api/events")
        assert connection.getresponse().status == 200
        process.send_signal(ended)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert "Traceback" not in said
    assert process.returncode in (0, 130, -ended)
