"""Fetching from a real server on loopback, which does all it can to misbehave."""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import gzip
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from index.errors import SourceError
from index.sources.http_client import Fetcher, HttpError, HttpOptions
from tests.support.http_site import Site, in_turn, page, serving
from tests.support.real_servers import need


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as found:
        yield found


def fetcher(site: Site, **options: Any) -> Fetcher:
    own = {name: options.pop(name) for name in ("url", "look_up") if name in options}
    own = {"url": site.url, "sleep": options.pop("sleep", lambda _: None), **own}
    return Fetcher(
        **own, options=HttpOptions(**{"private": ("127.0.0.1",), "timeout": 5.0, **options})
    )


def test_a_page_comes_as_it_is(site: Site) -> None:
    site.pages["/feed"] = page("Grüße", Content_Type="text/plain")
    answer = fetcher(site).get(f"{site.url}/feed?x=1")
    assert answer.body.decode() == "Grüße"
    assert answer.headers["content-type"] == "text/plain"
    assert site.paths() == ["/feed?x=1"]


def test_a_gzipped_page_is_unpacked(site: Site) -> None:
    site.pages["/feed"] = page(gzip.compress(b"unpacked"), Content_Encoding="gzip")
    assert fetcher(site).get(f"{site.url}/feed").body == b"unpacked"


def test_an_address_that_is_not_public_is_refused_unless_listed(site: Site) -> None:
    site.pages["/"] = page("secret")
    with pytest.raises(SourceError, match=r"private address 127\.0\.0\.1"):
        fetcher(site, private=()).get(site.url)
    with pytest.raises(SourceError, match="private address"):
        fetcher(site, private=("10.0.0.0/8",)).get(site.url)
    assert not site.requests
    assert fetcher(site, private=("127.0.0.0/8",)).get(site.url).body == b"secret"


def test_a_host_that_nobody_named_is_refused(site: Site) -> None:
    with serving() as other:
        other.pages["/"] = page("other")
        with pytest.raises(SourceError, match=f"127.0.0.1:{other.port} is not configured"):
            fetcher(site).get(other.url)
        assert not other.requests
        allowed = fetcher(site, hosts=(f"127.0.0.1:{other.port}",))
        assert allowed.get(other.url).body == b"other"


@pytest.mark.parametrize(
    ("target", "asked", "url"),
    [
        ("/new?a=b", "/new", "/new?a=b"),
        ("/тест".encode().decode("latin-1"), "/%D1%82%D0%B5%D1%81%D1%82", "/тест"),
        ("/ä", "/%C3%A4", "/ä"),
    ],
)
def test_a_redirect_is_followed_within_the_named_hosts(
    site: Site, target: str, asked: str, url: str
) -> None:
    site.pages["/old"] = page(status=301, Location=target)
    site.pages[asked] = page("moved")
    answer = fetcher(site).get(f"{site.url}/old")
    assert answer.body == b"moved"
    assert answer.url == f"{site.url}{url}"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not configured"),
        ("http://localhost:1/", "localhost:1 is not configured"),
        ("file:///etc/passwd", "can't be fetched"),
        ("gopher://127.0.0.1/", "can't be fetched"),
        ("http://user:hunter2@127.0.0.1/", "can't be fetched"),
        ("http://[::1", "can't be"),
        ("//evil.example/", "evil.example is not configured"),
    ],
)
def test_a_redirect_to_elsewhere_is_refused(site: Site, target: str, said: str) -> None:
    site.pages["/"] = page(status=302, Location=target)
    with pytest.raises(SourceError, match=said) as error:
        fetcher(site, attempts=1).get(site.url)
    assert "hunter2" not in str(error.value)


def test_a_redirect_in_circles_ends(site: Site) -> None:
    site.pages["/"] = page(status=302, Location="/")
    with pytest.raises(SourceError, match="redirects"):
        fetcher(site).get(site.url)
    assert len(site.requests) <= 6


def test_a_redirect_to_a_private_address_of_a_named_host_is_refused(site: Site) -> None:
    site.pages["/"] = page(status=302, Location="http://inner.example/")

    def look_up(host: str, port: int) -> list[str]:
        return ["10.0.0.7" if host == "inner.example" else "127.0.0.1"]

    with pytest.raises(SourceError, match=r"inner\.example has the private address 10\.0\.0\.7"):
        fetcher(site, hosts=("inner.example",), look_up=look_up).get(site.url)


def test_the_address_that_was_checked_is_the_one_connected_to(site: Site) -> None:
    site.pages["/"] = page("pinned")
    asked = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.1"]

    url = f"http://rebinding.example:{site.port}/"
    answer = fetcher(site, url=url, look_up=look_up).get(url)
    assert answer.body == b"pinned"
    assert asked == ["rebinding.example"]
    assert site.requests[0][1]["host"] == f"rebinding.example:{site.port}"


@pytest.mark.parametrize("name", ["пример", "bücher"])
def test_a_host_outside_ascii_is_asked_by_the_name_it_has_in_dns(site: Site, name: str) -> None:
    site.pages["/%C3%A4"] = page("found")
    url, known = f"http://{name}.example:{site.port}/ä", f"{name}.example".encode("idna").decode()
    answer = fetcher(site, url=url, look_up=lambda *_: ["127.0.0.1"]).get(url)
    assert answer.body == b"found"
    assert site.requests[0][1]["host"] == f"{known}:{site.port}"


def test_a_password_goes_to_its_own_origin_only(site: Site) -> None:
    with serving() as other:
        other.pages["/"] = page("other")
        site.pages["/"] = page(status=302, Location=f"{other.url}/")
        fetcher(site, user="me", password="hunter2", hosts=(f"127.0.0.1:{other.port}",)).get(
            site.url
        )
        sent = site.requests[0][1]["authorization"]
        assert sent == "Basic " + base64.b64encode(b"me:hunter2").decode()
        assert "authorization" not in other.requests[0][1]


def test_a_password_never_travels_in_clear_over_the_open_internet(site: Site) -> None:
    url = f"http://public.example:{site.port}/"
    public = fetcher(
        site, url=url, user="me", password="hunter2", look_up=lambda *_: ["93.184.215.14"]
    )
    with pytest.raises(SourceError, match="would be sent unencrypted") as error:
        public.get(url)
    assert "hunter2" not in str(error.value)


def test_a_busy_server_is_asked_again_after_the_time_it_names(site: Site) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=50)
    site.pages["/"] = in_turn(
        page(status=503, Retry_After="7"),
        page(status=429, Retry_After=email.utils.format_datetime(soon, usegmt=True)),
        page(status=500),
        page("at last"),
    )
    waits: list[float] = []
    assert fetcher(site, sleep=waits.append).get(site.url).body == b"at last"
    assert waits[0] == 7
    assert 40 < waits[1] <= 50
    assert 1 <= waits[2] <= 3  # the third wait of the backoff: 2 s, give or take half


def test_waits_grow_and_end_with_the_attempts(site: Site) -> None:
    site.pages["/"] = page(status=500)
    waits: list[float] = []
    with pytest.raises(HttpError, match="500") as error:
        fetcher(site, sleep=waits.append, attempts=5).get(site.url)
    assert error.value.status == 500
    assert len(site.requests) == 5
    assert waits[0] <= 0.75
    assert waits[3] >= 2


def test_a_server_that_wants_to_be_left_alone_for_hours_ends_the_reading(site: Site) -> None:
    site.pages["/"] = page(status=503, Retry_After="7200")
    waits: list[float] = []
    with pytest.raises(HttpError):
        fetcher(site, sleep=waits.append).get(site.url)
    assert not waits
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    "value",
    [
        *("Mon, 01 Jan 99999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +9999999999999"),
        *("1e400", "-1", "\xb2", "", "Mon, " * 1000),
    ],
)
def test_an_absurd_time_to_come_again_is_passed_over(site: Site, value: str) -> None:
    site.pages["/"] = in_turn(page(status=503, Retry_After=value), page("at last"))
    waits: list[float] = []
    assert fetcher(site, sleep=waits.append).get(site.url).body == b"at last"
    assert 0 <= waits[0] < 1


def test_a_chunk_of_less_than_nothing_is_not_read_to_the_end(site: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"-1\r\n" + b"x" * 100_000)

    site.pages["/"] = answer
    with pytest.raises(SourceError, match="a chunk of negative size"):
        fetcher(site, attempts=1).get(site.url)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204])
def test_a_refusal_is_not_asked_again(site: Site, status: int) -> None:
    why = b"no" * (status != 204)
    packed = gzip.compress(why) if status == 404 else why
    site.pages["/"] = page(packed, status=status)
    with pytest.raises(HttpError) as error:
        fetcher(site).get(site.url)
    assert (error.value.status, error.value.body) == (status, why)
    assert len(site.requests) == 1


def test_a_page_over_the_limit_is_refused(site: Site) -> None:
    site.pages["/"] = page(b"x" * 1001)
    with pytest.raises(SourceError, match="larger than 1000 bytes"):
        fetcher(site, max_bytes=1000).get(site.url)
    assert len(fetcher(site, max_bytes=1001).get(site.url).body) == 1001


def test_a_decompression_bomb_is_cut_off_at_the_limit(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    site.pages["/"] = page(bomb, Content_Encoding="gzip")
    with pytest.raises(SourceError, match="larger than 1000000 bytes"):
        fetcher(site, max_bytes=1_000_000).get(site.url)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("UTF-8", b"text"), ("none", b"text"), ("deflate", zlib.compress(b"text"))],
)
def test_a_body_is_read_whose_encoding_is_none_or_old(
    site: Site, coding: str, packed: bytes
) -> None:
    site.pages["/"] = page(packed, Content_Encoding=coding)
    assert fetcher(site).get(site.url).body == b"text"


def test_an_encoding_that_was_not_asked_for_is_refused(site: Site) -> None:
    for coding in ("br", "gzip, br", "gzip, gzip"):
        site.pages["/"] = page(b"x", Content_Encoding=coding)
        with pytest.raises(SourceError, match=f"'{coding}'"):
            fetcher(site).get(site.url)


@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": "100"}, {"Content-Encoding": "gzip"}, {"Transfer-Encoding": "chunked"}],
)
def test_a_page_that_breaks_off_is_an_error_and_not_a_short_page(
    site: Site, headers: dict[str, str]
) -> None:
    body = gzip.compress(b"x" * 1000)[:-9] if "Content-Encoding" in headers else b"5\r\nhal"

    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    site.pages["/"] = broken
    with pytest.raises(SourceError, match="tried 2 times"):
        fetcher(site, attempts=2).get(site.url)
    assert len(site.requests) == 2


def test_a_server_that_drips_is_cut_off_at_the_deadline(site: Site) -> None:
    done = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.05):
            handler.wfile.write(b".")

    site.pages["/"] = drip
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"no complete response within 0\.4 s"):
        fetcher(site, timeout=0.4, attempts=1).get(site.url)
    done.set()
    assert time.monotonic() - start < 5


def test_nobody_listening_is_told_with_the_address(site: Site) -> None:
    with serving() as gone:
        pass
    with pytest.raises(SourceError, match=rf"http://127.0.0.1:{gone.port} can't be fetched"):
        fetcher(gone).get(gone.url)


def test_what_may_be_secret_in_a_url_is_not_told(site: Site) -> None:
    with pytest.raises(HttpError) as error:
        fetcher(site).get(f"{site.url}/feed?token=hunter2")
    assert "hunter2" not in str(error.value)
    assert f"{site.url}/feed?…" in str(error.value)


def test_tls_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    openssl = need("openssl")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=site.example", "-addext", "subjectAltName=DNS:site.example"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as secure:
        secure.pages["/"] = page("by TLS")
        options = {
            "look_up": lambda *_: ["127.0.0.1"],
            "options": HttpOptions(private=("127.0.0.1",), hosts=(f"127.0.0.1:{site.port}",)),
        }
        url = f"https://site.example:{secure.port}/"
        assert Fetcher(url=url, **options).get(url).body == b"by TLS"
        url = f"https://other.example:{secure.port}/"
        with pytest.raises(SourceError, match=r"other\.example"):
            Fetcher(url=url, **options).get(url)
        url = f"https://site.example:{secure.port}/b"
        secure.pages["/b"] = page(status=301, Location=f"{url.replace('https', 'http')}/")
        secure.pages["/b/"] = page("still by TLS")
        assert Fetcher(url=url, **options).get(url).body == b"still by TLS"
        secure.pages["/b"] = page(status=301, Location=f"{url.replace('https', 'HTTP')}/")
        assert Fetcher(url=url, **options).get(url).body == b"still by TLS"
        secure.pages["/b"] = page(status=301, Location=url.replace("https", "http"))
        with pytest.raises(SourceError, match="which is not encrypted"):
            Fetcher(url=url, **options).get(url)
        site.pages["/"] = page("in clear")
        url = f"https://site.example:{secure.port}/"
        for target in (site.url, url.replace("https", "ftp")):
            secure.pages["/"] = page(status=302, Location=target)
            with pytest.raises(SourceError, match="which is not encrypted"):
                Fetcher(url=url, **options).get(url)
