"""``alsolike try``: from an address or a folder to lists and a preview, with nothing configured."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.sources.site_discovery import discover_site
from recommender.encoder import Encoder
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder
from service.server import bind
from tests.support.commands import Run, runner
from tests.support.http_site import Site, in_turn, page, serving
from tests.support.service_process import alsolike, get, until

TOPICS = {
    "kelp": "Divers measured how a kelp forest calms storm waves along the rocky coast.",
    "bread": "A bakery led its sourdough loaf in one stage and the crumb stayed fresh.",
    "trams": "A commuter takes the tram on rainy mornings and leaves the bike at home.",
}

GERMAN = "Taucher maßen, wie ein Wald aus Tang die Wellen beruhigt."


def article(title: str, text: str, head: str = "") -> str:
    return (
        f"<html lang=en><head><title>{title} - Site</title>{head}</head><body><article>"
        f"<h1>{title}</h1><p>{text} {text}</p></article></body></html>"
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALSOLIKE_MODEL", "hashing:64")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return runner(monkeypatch, capsys)


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with four articles on each topic, and its sitemap."""
    with serving() as found:
        html = {"Content_Type": "text/html"}
        for topic, text in TOPICS.items():
            for number in range(4):
                body = article(f"{topic.title()} {number}", f"{text} Part {number}.")
                found.pages[f"/{topic}/{number}/"] = page(body, **html)
        found.pages["/"] = page(article("Home", "Welcome."), **html)
        found.pages["/sitemap.xml"] = page(sitemap(found, ["/", *TOPIC_PATHS, "/tag/kelp/"]))
        yield found


TOPIC_PATHS = [f"/{topic}/{number}/" for topic in TOPICS for number in range(4)]


def sitemap(site: Site, paths: list[str]) -> str:
    entries = "".join(f"<url><loc>{site.url}{path}</loc></url>" for path in paths)
    return f"<urlset>{entries}</urlset>"


def tried(run: Run, *arguments: str) -> dict[str, Any]:
    code, out, err = run("try", *arguments, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["read"] == told["kept"] + sum(told["skipped"].values())
    return dict(told)


def test_a_folder_gives_lists_and_writes_nothing_beside_its_cache(run: Run, tmp_path: Path) -> None:
    for path in TOPIC_PATHS:
        topic = path.split("/")[1]
        file = tmp_path / f"site{path}index.html"
        file.parent.mkdir(parents=True)
        file.write_text(article(path.strip("/"), TOPICS[topic]))
    told = tried(run, str(tmp_path / "site"))
    assert (told["kinds"], told["kept"], told["languages"]) == (["html"], 12, {"en": 12})
    assert Path(told["folder"]).parent == tmp_path / "cache" / "alsolike" / "try"
    assert not list((tmp_path / "elsewhere").iterdir())
    assert told["lists"]
    code, out, _ = run("try", str(tmp_path / "site"), "--no-serve", "--limit", "5")
    assert code == 0
    assert "read 5, kept 5" in out
    assert told["folder"] in out


def test_the_usual_names_of_fields_are_understood(run: Run, tmp_path: Path) -> None:
    lines = [
        {"id": path, "headline": path, "body": f"{TOPICS[path.split('/')[1]]} Part.", "link": path}
        for path in TOPIC_PATHS
    ]
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    code, out, err = run("try", str(file), "--no-serve")
    assert code == 0, err
    assert "kept 12" in out
    assert "no-text" not in out
    assert re.search(r"^ +/kelp/\d/$", out, re.MULTILINE), "each card with its address"
    assert {"read", "encode"} <= {line.split()[0] for line in err.splitlines()}, "it says how far"
    file.write_text(file.read_text().replace('"body"', '"other"'))
    assert "12 of 12 articles have no text" in run("try", str(file), "--no-serve")[2]


@pytest.mark.parametrize(
    ("text", "installed", "options", "model"),
    [
        (GERMAN, True, (), "multilingual"),
        (GERMAN, False, (), DEFAULT_MODEL),
        (GERMAN, True, ("--model", DEFAULT_MODEL), DEFAULT_MODEL),
        (TOPICS["kelp"], True, (), DEFAULT_MODEL),
    ],
)
def test_the_model_knows_the_language_if_one_that_does_is_installed(
    text: str,
    installed: bool,
    options: tuple[str, ...],
    model: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []

    def load(name: str, _precision: str) -> Encoder:
        loaded.append(name)
        return load_encoder("hashing:64", "float32")

    monkeypatch.delenv("ALSOLIKE_MODEL")
    monkeypatch.setattr("recommender.sentence_encoder.load_encoder", load)
    monkeypatch.setattr("recommender.multilingual.has_multilingual", lambda: installed)
    file = tmp_path / "posts.jsonl"
    file.write_text(
        "".join(f"{json.dumps({'id': n, 'title': f'{n}', 'text': text})}\n" for n in "abc")
    )
    code, _, err = run("try", str(file), "--no-serve", *options)
    assert (code, loaded) == (0, [model]), err
    assert ("taking the multilingual model" in err) == (model == "multilingual")
    assert ("set model =" in err) == (text == GERMAN and model == DEFAULT_MODEL)


def test_a_draft_by_the_field_published_is_not_shown(run: Run, tmp_path: Path) -> None:
    lines = [{"id": name, "title": name, "published": name != "b"} for name in "abc"]
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert tried(run, str(file))["visible"] == 2


def test_a_site_s_address_is_enough(run: Run, site: Site) -> None:
    told = tried(run, site.url)
    assert told["kinds"] == ["sitemap"]
    assert told["kept"] == 12
    assert "/tag/kelp/" not in site.paths()
    assert f"{site.url}/sitemap.xml" in told["found"]


@pytest.mark.parametrize(("typed", "found"), [("", "www."), ("www.", ""), ("", "")])
def test_the_hosts_of_a_site_are_those_with_and_without_www(
    site: Site, monkeypatch: pytest.MonkeyPatch, typed: str, found: str
) -> None:
    known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", site.port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: known)
    if typed != found:
        start = site.pages["/"]
        there = f"http://{found}kelp.example:{site.port}/"
        site.pages["/"] = in_turn(page(status=301, Location=there), start)
    (table,) = discover_site(f"http://{typed}kelp.example:{site.port}/", most=9, cache="").tables
    assert table["url"] == f"http://{found}kelp.example:{site.port}/sitemap.xml"
    other = "" if found else "www."
    assert table["hosts"] == [f"{other}kelp.example:{site.port}"]


def test_what_robots_txt_names_comes_first_and_its_rules_are_kept(run: Run, site: Site) -> None:
    site.pages["/robots.txt"] = page(
        f"User-agent: *\nDisallow: /trams/\n\n"
        f"Sitemap: https://[your-domain]/sitemap.xml\nSitemap: {site.url}/all.xml\n"
    )
    site.pages["/all.xml"] = site.pages.pop("/sitemap.xml")
    told = tried(run, site.url)
    assert (told["kept"], told["skipped"]) == (8, {"robots-txt": 4})
    assert "robots.txt" in told["found"]


@pytest.mark.parametrize("start", ["/sitemap.xml", "/other"])
def test_a_sitemap_s_address_is_one_whatever_its_name(run: Run, site: Site, start: str) -> None:
    site.pages["/other"] = site.pages["/sitemap.xml"]
    assert tried(run, f"{site.url}{start}", "--limit", "6")["kept"] == 6


def test_an_address_in_a_site_reads_what_is_below_it(run: Run, site: Site) -> None:
    site.pages["/kelp/"] = page(article("Kelp", "All of it."), Content_Type="text/html")
    told = tried(run, f"{site.url}/kelp/")
    assert {shown["article_id"].split("/")[0] for shown in told["lists"]} == {"kelp"}


def test_a_site_without_sitemap_is_read_by_the_feed_it_names(run: Run, site: Site) -> None:
    del site.pages["/sitemap.xml"]
    links = '<link rel=alternate type="application/rss+xml" href='
    head = f"{links}http://[your-domain]/feed>{links}/comments/feed>{links}/feed>"
    site.pages["/"] = page(article("Home", "Welcome.", head), Content_Type="text/html")
    items = "".join(
        f"<item><title>{path}</title><link>{site.url}{path}</link>"
        f"<description>{TOPICS[path.split('/')[1]]}</description></item>"
        for path in TOPIC_PATHS
    )
    site.pages["/feed"] = page(f"<rss><channel>{items}</channel></rss>")
    for start in (site.url, f"{site.url}/feed"):
        told = tried(run, start)
        assert (told["kinds"], told["kept"]) == (["feed"], 12)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("{site}/kelp/0/", "no sitemap"),
        ("http://127.0.0.1:9/", "can't be fetched"),
        ("no-such-folder", "no file no-such-folder"),
        ("https://name.invalid/", "can't be found"),
        ("имя.нетакого", "can't be found"),
        ("xn--h1ahn.xn--80akdlwdbg", "can't be found"),
    ],
)
def test_what_can_t_be_read_is_said_in_one_line(
    run: Run, site: Site, location: str, said: str
) -> None:
    del site.pages["/sitemap.xml"]
    code, _, err = run("try", location.format(site=site.url), "--no-serve")
    assert code == 2
    assert said in err.splitlines()[-1]


def test_why_a_sitemap_can_t_be_read_is_said(run: Run, site: Site) -> None:
    site.pages["/sitemap.xml"] = page(status=403)
    code, _, err = run("try", site.url, "--no-serve")
    assert code == 2
    assert "/sitemap.xml answered 403" in err.splitlines()[-1]


def test_the_preview_is_served_on_loopback_until_ctrl_c(tmp_path: Path, site: Site) -> None:
    environment = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "ALSOLIKE_MODEL": "hashing:64",
        "ALSOLIKE_HOST": "0.0.0.0",
    }
    with alsolike("try", site.url, folder=tmp_path, environment=environment) as process:
        printed = until(
            lambda: re.search(r"The preview: +(http://\S+)", (tmp_path / "stdout").read_text())
        )
        assert printed[1].startswith("http://127.0.0.1:")
        home = until(lambda: get(printed[1]))
        links = re.findall(rb'<a href="(/[^"]+)"', home.body)
        assert len(links) == 12
        shown = get(printed[1].rstrip("/") + links[0].decode())
        assert shown is not None
        cards = re.findall(rb'class="alsolike-title"[^>]*><a href="([^"]+)"', shown.body)
        assert cards
        assert all(get(printed[1].rstrip("/") + card.decode()).status == 200 for card in cards)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert "Traceback" not in (tmp_path / "stderr").read_text()


def test_ctrl_c_while_reading_ends_it_cleanly(tmp_path: Path, site: Site) -> None:
    site.pages["/robots.txt"] = page("User-agent: *\nCrawl-delay: 60\n")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "ALSOLIKE_MODEL": "hashing:64"}
    with alsolike("try", site.url, folder=tmp_path, environment=environment) as process:
        until(lambda: "/robots.txt" in site.paths())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert (tmp_path / "stderr").read_text().endswith("stopped\n")


def test_a_port_that_is_taken_is_said_before_anything_is_read(run: Run, site: Site) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = run("try", site.url, "--port", str(port))
    assert (code, out, site.paths()) == (2, "", [])
    assert f"port {port} of 127.0.0.1 is in use" in err
