"""The parts for Hugo and Astro, in sites that the generators themselves make."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from service.serving.static_export import file_name
from tests.support.commands import runner
from tests.support.generator_programs import run, run_node
from tests.support.generator_sites import SITES, GeneratorSite
from tests.support.generator_sites import page as text_page
from tests.support.http_site import page, serving

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

PARTS = Path(__file__).parents[2] / "integrations"
TITLE = re.compile(r'<h3 class="alsolike-title" dir="auto"><a href="([^"]*)">')


def export(folder: Path, out: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> list[str]:
    """Builds a folder's lists, writes them into its files, and returns the ids."""
    call = runner(monkeypatch, capsys)
    root = folder.parent / "root"
    named = ("--root", str(root))
    code, _, err = call("build", str(folder), "--model", "hashing:64", *named)
    assert code == 0, err
    code, _, err = call("export", "--out", str(folder / out), *named)
    assert code == 0, err
    return sorted(
        json.loads(file.read_text())["article_id"] for file in (folder / out).glob("*.json")
    )


def test_hugo_writes_the_exported_lists_into_its_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SITES["hugo"].write(tmp_path / "site")
    shutil.copytree(PARTS / "hugo" / "layouts", folder / "layouts", dirs_exist_ok=True)
    single = folder / "layouts" / "_default" / "single.html"
    single.write_text('{{ .Content }}{{ partial "alsolike.html" . }}')
    config = folder / "hugo.toml"
    service = '[params.alsolike]\nservice = "https://related.example.org/"\nlimit = 3\n'
    config.write_text(config.read_text() + service)
    monkeypatch.setenv("ALSOLIKE_CLICKS", "true")
    ids = export(folder, "assets/related", monkeypatch, capsys)
    run(["hugo", "--destination", "made"], folder)
    base = SITES["hugo"].base
    made = {
        file: (folder / "made" / place.removeprefix(base).lstrip("/"))
        for file, place in SITES["hugo"].addresses.items()
    }
    with_cards = 0
    for place in made.values():
        file = place / "index.html" if place.is_dir() else place
        if not file.is_file():
            continue  # its address is percent-encoded
        links = TITLE.findall(file.read_text())
        assert len(links) <= 3
        assert all(link.startswith(base) for link in links), links
        with_cards += bool(links)
        assert file.read_text().count("data-placement=") == bool(links)
        assert len(links) == file.read_text().count('data-position="')
    assert with_cards >= len(ids) - 3
    assert "de/content/boats/hafen" in ids
    assert TITLE.search((made["content/boats/hafen.de.md"] / "index.html").read_text())
    beside = folder / "content" / "new & other.md"
    beside.write_text("---\ntitle: New\n---\nNo list yet.\n")
    run(["hugo", "--destination", "made"], folder)
    text = (folder / "made" / "new-other" / "index.html").read_text()
    assert '<alsolike-related article="content/new &amp; other" limit="3">' in text
    assert 'src="https://related.example.org/widget.js"' in text


@pytest.mark.parametrize("prefix", ["content", ""])
def test_hugo_finds_lists_by_stated_ids_long_names_and_languages_own_folders(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prefix: str,
) -> None:
    folder = tmp_path / "site"
    config = "".join(f"[languages.{one}]\ncontentDir = 'content/{one}'\n" for one in ("en", "de"))
    options = "" if prefix else "[params.alsolike]\nprefix = ''\n"
    long = "初めてのサワードウの作り方と失敗しないコツ"
    files = {
        "hugo.toml": f"baseURL = 'https://harbour.example/'\n{config}{options}",
        "layouts/_default/single.html": '{{ partial "alsolike.html" . }}',
        "content/en/posts/tide.md": text_page("Tide"),
        "content/en/posts/named.md": text_page("Named", "id: 17"),
        f"content/en/posts/{long}.md": text_page(long),
        "content/de/posts/flut.md": text_page("Flut"),
        "content/en/posts/same.md": text_page("Same", "id: 17"),
        "content/de/boote/2026-01-31-rot/index.md": text_page("Rot"),
    }
    GeneratorSite(files=files, addresses={}).write(folder)
    shutil.copytree(PARTS / "hugo" / "layouts", folder / "layouts", dirs_exist_ok=True)
    source = folder if prefix else folder / "content"
    ids = export(source, "assets/related", monkeypatch, capsys)
    if not prefix:
        shutil.move(source / "assets", folder)
    run(["hugo", "--destination", "made"], folder)
    start = f"{prefix}/" if prefix else ""
    assert {"17", f"{start}de/posts/flut", f"{start}en/posts/{long}"} <= set(ids)
    made = [*(folder / "made").glob("**/*/*/index.html")]
    assert len(made) == len(ids) == 6
    for file in made:
        links = TITLE.findall(file.read_text())
        assert links
        assert not any(link.endswith(f"/{file.parent.name}/") for link in links)


def test_astro_writes_lists_from_files_and_from_the_service_or_leaves_them_to_the_browser(
    tmp_path: Path,
) -> None:
    items = [
        {"title": f"{n} <b>", "url": f"/{n}", "excerpt": "x", "date": "2026-01-02", "image": None}
        for n in range(9)
    ]
    answer = json.dumps({"placement": "AbC", "items": items})
    folder = tmp_path / "site"
    (folder / "src" / "pages").mkdir(parents=True)
    (folder / "related").mkdir()
    long = "失" * 23
    for article in ("sea/tür", long):
        (folder / "related" / file_name(article)).write_text(answer)
    shutil.copy(PARTS / "astro" / "AlsoLike.astro", folder / "src")
    (folder / "package.json").write_text('{"type": "module"}')
    with serving() as service:
        service.pages["/v1/related"] = page(answer, Content_Type="application/json")
        reached = service.url.replace("127.0.0.1", "0.0.0.0")
        tags = {
            "files": 'id="sea/tür" files="related"',
            "long": f'id="{long}" files="related"',
            "service": f'id="a&b" service="{reached}/" limit={{2}} heading="More"',
            "internal": f'id="a&b" service="{service.url}/" limit={{2}} heading="More"',
            "away": 'id="a" service="http://127.0.0.1:9"',
            "browser": 'id="a" service="https://related.example.org" browser',
        }
        for name, attributes in tags.items():
            (folder / "src" / "pages" / f"{name}.astro").write_text(
                '---\nimport AlsoLike from "../AlsoLike.astro";\n---\n'
                f"<html><body><AlsoLike {attributes} /><p>End</p></body></html>"
            )
        run_node(folder, "astro", "astro/astro.js", "build")
        assert service.paths() == ["/v1/related?id=a%26b&limit=2"] * 2
    made = {name: (folder / "dist" / name / "index.html").read_text() for name in tags}
    assert len(TITLE.findall(made["files"])) == len(TITLE.findall(made["long"])) == 6
    assert "0 &lt;b&gt;" in made["files"]
    assert len(TITLE.findall(made["service"])) == 2
    assert 'data-placement="AbC"' in made["service"]
    assert f'src="{reached}/clicks.js"' in made["service"]
    assert len(TITLE.findall(made["internal"])) == 2
    assert "clicks.js" not in made["internal"], "no reader's browser finds it there"
    assert "data-placement" not in made["files"], "there is no service to tell"
    assert ">More</h2>" in made["service"]
    assert "alsolike" not in made["away"]
    assert '<alsolike-related article="a" limit="6">' in made["browser"]
    assert "https://related.example.org/widget.js" in made["browser"]
    assert all("<p>End</p>" in text for text in made.values())
