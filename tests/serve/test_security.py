"""Who may talk to the server: hosts, web pages, tokens, addresses, TLS."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import openai
import pytest
from websockets.exceptions import InvalidStatus

from asr.serve.limits import Refused
from asr.serve.security import Access, check, is_loopback
from tests.helpers.recordings import encoded
from tests.helpers.tones import chirp
from tests.serve.running import Server, final, pcm, running, say, talk

TOKEN = "open-sesame"
NOBODY_NAMED = Access()
SOUND = chirp(100, 5_000, 1)


def checked(
    access: Access = NOBODY_NAMED, path: str = "/v1/models", kind: str = "http", **headers: str
) -> int:
    """The status that a request is refused with; 200 if it is not."""
    given = {"host": "localhost:8000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    try:
        check(access, {"type": kind, "path": path, "query_string": b"", "headers": raw})
    except Refused as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "[::1]", "192.168.1.5:8000"]
)
def test_addresses_and_localhost_are_this_server(host: str) -> None:
    assert checked(host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", " ", "a b"),
        *("user@localhost", "localhost/evil", "localhost:x", "[::1", "localhost,evil.example"),
        *("127.1", "0x7f000001", "localhost."),
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert checked(host=host) == 403


def test_a_name_can_be_allowed() -> None:
    access = Access(hosts=frozenset({"captions.example"}))
    assert checked(access, host="captions.example:8000") == 200
    assert checked(access, host="Captions.Example") == 200
    assert checked(access, host="other.example") == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8000", 200),
        ("https://localhost:8000", 200),
        ("http://localhost:8001", 403),
        ("http://127.0.0.1:8000", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("http://[", 403),
        ("http://localhost:8000@evil.example", 403),
    ],
)
def test_only_the_servers_own_page_may_use_it(origin: str, status: int) -> None:
    assert checked(origin=origin) == checked(origin=origin, kind="websocket", path="/ws") == status


def test_another_page_can_be_allowed() -> None:
    access = Access(origins=frozenset({"https://captions.example"}))
    assert checked(access, origin="https://captions.example") == 200
    assert checked(access, origin="http://captions.example") == 403


def test_a_page_cannot_load_answers_into_itself() -> None:
    assert checked(sec_fetch_site="cross-site") == 403
    assert checked(sec_fetch_site="same-origin") == checked(sec_fetch_site="none") == 200
    assert checked(sec_fetch_site="cross-site", path="/") == 200, "a link to the page"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer x", 401),
        (f"Basic {TOKEN}", 401),
        (f"bearer {TOKEN}", 200),
    ],
)
def test_a_token_must_be_right(given: str, status: int) -> None:
    access = Access(token=TOKEN)
    assert checked(access, authorization=given) == status
    assert checked(access, kind="websocket", path="/", authorization=given) == status
    assert (
        checked(access, path="/")
        == checked(access, path="/page/app.js")
        == checked(access, path="/health")
        == 200
    )
    assert checked(access, path="/metrics") == checked(access, path="/openapi.json") == 401


def test_loopback_addresses_are_known() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.5", "example.org", "", "localhost.example")))


@pytest.fixture(scope="module")
def guarded(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    with running(
        model, folder, "--host", "0.0.0.0", "--allow-origin", "https://a.example", ASR_TOKEN=TOKEN
    ) as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        yield Server(server.process, address, server.log)


def refused(server: Server, path: str, **headers: str) -> tuple[int, dict[str, str], dict]:
    with pytest.raises(HTTPError) as caught:
        server.get(path, headers)
    with caught.value as error:
        return error.code, dict(error.headers), json.loads(error.read())


def test_the_token_opens_the_server_for_every_kind_of_client(guarded: Server) -> None:
    client = openai.OpenAI(base_url=f"{guarded.http}/v1", api_key=TOKEN, max_retries=0)
    text = client.audio.transcriptions.create(file=("a.wav", encoded(SOUND)), model="random").text
    header = {"Authorization": f"Bearer {TOKEN}"}
    for path, headers in (
        ("/ws", header),
        (f"/ws?token={TOKEN}", {}),
        (f"/?x=1&token={TOKEN}", {}),
    ):
        with talk(guarded, path, additional_headers=headers) as live:
            assert final(say(live, pcm(SOUND), 16_000)) == text


def test_without_it_nothing_is_open_but_the_page(guarded: Server) -> None:
    with pytest.raises(openai.AuthenticationError, match="Authorization: Bearer"):
        openai.OpenAI(base_url=f"{guarded.http}/v1", api_key="wrong", max_retries=0).models.list()
    for path in ("/ws", "/", "/ws?token=wrong", "/ws?token="):
        with pytest.raises(InvalidStatus) as caught, talk(guarded, path):
            pass
        assert caught.value.response.status_code == 401
    status, headers, content = refused(guarded, "/metrics")
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert content["error"]["code"] == "invalid_api_key"
    assert b"<!doctype html>" in guarded.get("/")
    assert b"sessionStorage" in guarded.get("/page/server.js")
    assert TOKEN not in guarded.printed


def test_other_hosts_and_pages_are_turned_away_before_anything_is_read(server: Server) -> None:
    assert refused(server, "/health", Host="evil.example")[0] == 403
    status, _, content = refused(server, "/v1/models", Origin="http://evil.example")
    assert (status, content["error"]["code"]) == (403, "wrong_origin")
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}):
        with pytest.raises(InvalidStatus) as caught, talk(server, additional_headers=headers):
            pass
        assert caught.value.response.status_code == 403
    with talk(server, origin=server.http) as live:
        assert say(live, b"", 16_000) == [{"text": ""}]


def test_an_allowed_page_may_ask_and_read(guarded: Server) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://a.example"}
    opener = build_opener(ProxyHandler({}))
    opener.addheaders = list(headers.items())
    with opener.open(f"{guarded.http}/v1/models") as response:
        assert response.headers["access-control-allow-origin"] == "https://a.example"


def test_answers_tell_browsers_to_be_careful(server: Server) -> None:
    with build_opener(ProxyHandler({})).open(server.http) as response:
        policy = response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/page/../../../etc/passwd", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/.."]
)
def test_only_the_files_of_the_page_are_given_out(server: Server, path: str) -> None:
    assert refused(server, path)[0] in (403, 404, 405)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_tls(model: Path, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    trusting = ssl.create_default_context(cafile=str(cert))
    with running(model, tmp_path, "--cert", cert, "--key", key) as server:
        assert server.address.startswith("https://")
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=trusting))
        with opener.open(f"{server.http}/health") as response:
            assert json.loads(response.read())["status"] == "ok"
        with talk(server, ssl=trusting) as live:
            assert final(say(live, pcm(SOUND), 16_000))
