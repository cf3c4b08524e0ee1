"""Links in texts: by the API, the pages and the command, for articles, drafts and orphans."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from index.articles.article_store import ArticleStore
from index.root.root import Root
from recommender.article import Article
from service.cli.alsolike import app
from service.curation.text_link_finder import LinkFinder
from service.roles import Role
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.editor_forms import add_editor, editor
from tests.support.editor_site import Desk, open_desk

KELP = "Kelp gardens grow back after the urchins left the harbour wall."


def record(number: int, title: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": f"a{number}", "title": title, "url": f"/{number}/", "summary": text,
            "tags": ["sea"], **more}  # fmt: skip


def records() -> list[dict[str, Any]]:
    markup = (
        f"<p>On Monday we watched kelp gardens at the harbour wall. {prose(1)}</p>"
        "<blockquote>Nobody counts mussels on the old pier.</blockquote>"
        f'<p>We read <a href="/3/">otter counts</a> and otter counts again. {prose(2)}</p>'
    )
    return [
        record(0, "A week of tides", markup),
        record(1, "Kelp gardens at the harbour wall", f"{KELP} {prose(3)}"),
        record(2, "Mussels on the old pier", f"Mussels cling to the old pier. {prose(4)}"),
        record(3, "Otter counts", f"Otter counts rise with kelp gardens. {prose(5)}"),
        record(4, "Kelp gardens in draft", f"{KELP} {prose(6)}", status="draft"),
        *(record(n, f"Notes from day {n}", f"{KELP} {prose(n + 7)}") for n in range(5, 12)),
    ]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("links")
    root = Root(folder / "site")
    publish(root, folder, records())
    add_editor(root.path, "mira", Role.EDITOR)
    with open_desk(root.path, folder, model="hashing:64", min_score=0.0) as opened:
        yield opened


def items(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_an_article_gets_links_with_sentence_words_target_and_reason(desk: Desk) -> None:
    found = {each["target_id"]: each for each in items(desk.ask("GET", "/v1/links?id=a0"))}
    kelp = found["a1"]
    assert kelp["words"] == "kelp gardens at the harbour wall"
    assert kelp["before"] == "On Monday we watched "
    assert kelp["snippet"] == '<a href="/1/">kelp gardens at the harbour wall</a>'
    assert kelp["reason"].startswith("The words are from its title.")
    assert "a3" not in found, "the text links to it already"
    assert "a4" not in found, "readers may not see it"
    assert "mussels" not in " ".join(each["words"] for each in found.values()).casefold()


def test_two_who_ask_at_once_see_each_name_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = desk.root.open()
    row = build.row("a3")
    assert row is not None
    finder, read = LinkFinder(build), ArticleStore.several
    seen: list[bool] = []

    def meanwhile(store: ArticleStore, rows: Sequence[int]) -> Iterator[Article]:
        seen.append(row in finder._names)
        if len(seen) == 1:
            finder._learn_names([row])  # as another thread might
        return iter(read(store, rows))

    monkeypatch.setattr(ArticleStore, "several", meanwhile)
    finder._learn_names([row])
    assert seen == [False, False], "what is known is there whole"
    assert finder._names[row] == [(build.row("a0"), "otter counts")]


def test_an_article_that_none_links_to_gets_texts_to_link_from(desk: Desk) -> None:
    found = items(desk.ask("GET", "/v1/links?id=a1&inbound=true"))
    assert "a0" in {each["article_id"] for each in found}
    assert {each["target_id"] for each in found} == {"a1"}
    assert len({each["words"].casefold() for each in found}) == len(found)
    assert items(desk.ask("GET", "/v1/links?id=a4&inbound=true")) == []
    assert desk.ask("GET", "/v1/links?id=nowhere").status_code == 404
    assert desk.ask("GET", "/v1/links?id=a0", Role.READ).status_code == 403


def test_a_link_that_is_hidden_in_a_list_is_suggested_from_neither_side(desk: Desk) -> None:
    hidden = desk.decide("a1", "a0", kind="hide")
    assert hidden.status_code in (200, 201), hidden.text
    try:
        assert "a1" not in {each["target_id"] for each in items(desk.ask("GET", "/v1/links?id=a0"))}
        found = items(desk.ask("GET", "/v1/links?id=a1&inbound=true"))
        assert "a0" not in {each["article_id"] for each in found}
    finally:
        pair = {"article_id": "a0", "target_id": "a1"}
        desk.ask("DELETE", "/v1/overrides", params=pair, headers={"If-Match": "*"})


def test_a_draft_gets_links_and_its_html_says_what_is_closed(desk: Desk) -> None:
    text = "<p>We saw kelp gardens at the harbour wall.</p><pre>Mussels on the old pier</pre>"
    found = items(desk.ask("POST", "/v1/links", json={"title": "New", "summary": text}))
    assert "kelp gardens at the harbour wall" in [each["words"] for each in found]
    assert found[0]["article_id"] is None
    heading = "<h2>Kelp gardens at the harbour wall</h2><p>We sailed.</p>"
    assert items(desk.ask("POST", "/v1/links", json={"title": "New", "summary": heading})) == []
    linked = f'{text} <a href="/1/">before</a>'
    again = items(desk.ask("POST", "/v1/links", json={"title": "New", "summary": linked}))
    assert "a1" not in [each["target_id"] for each in again]
    assert not any("mussel" in each["words"].casefold() for each in [*found, *again])


def test_used_and_refused_links_are_judgments_with_their_words_and_can_be_undone(
    desk: Desk,
) -> None:
    with editor(desk) as mira:
        assert mira.get("/editor/links", id="a0").status_code == 200
        assert "<mark>kelp gardens at the harbour wall</mark>" in mira.page
        mira.send("/editor/links", act="bad a1", words="kelp gardens", page="a0")
        assert "bad link" in mira.said
        assert "/1/" not in mira.page[mira.page.index('id="inside"') :].partition("inbound")[0]
        with desk.database() as database:
            (judged,) = database.judgments.of("a0")
            assert (judged.verdict, judged.reason) == (-1, "link in the text: “kelp gardens”")
            (entry,) = database.audit.latest(limit=1)
        mira.get("/editor/links", id="a0", done=10**30)
        assert "<mark>kelp gardens at the harbour wall</mark>" not in mira.page
        mira.get("/editor/links", id="a0", done=entry.seq)
        fields = {name: mira.hidden[name] for name in ("seq", "back", "view")}
        undone = mira.send("/editor/undo", **fields)
        assert undone.url.path == "/editor/links"
        assert "<mark>kelp gardens at the harbour wall</mark>" in mira.page
        mira.send("/editor/links", act="good a1", words="kelp gardens", page="a0")
        assert ">good link</span>" in mira.page
        mira.get("/editor/links", id="a1")
        assert ">good link</span>" in mira.page[mira.page.index('id="inbound"') :]
        assert mira.send("/editor/links", act="burn a1").status_code == 422
        mira.get("/editor/drafts")
        mira.send("/editor/drafts", title="New", text="We saw kelp gardens at the harbour wall.")
        assert "<mark>kelp gardens at the harbour wall</mark>" in mira.page


def test_the_command_prints_text_json_and_csv(desk: Desk, tmp_path: Path) -> None:
    root = str(desk.settings.root)

    def run(*arguments: str) -> str:
        model = {"ALSOLIKE_MODEL": "hashing:64"}
        result = CliRunner().invoke(app, ["links", *arguments, "--root", root], env=model)
        assert result.exit_code == 0, result.output
        return str(result.output)

    assert "[kelp gardens at the harbour wall]" in run("a0")
    assert json.loads(run("a0", "--json"))[0]["snippet"].startswith("<a ")
    rows = list(csv.DictReader(io.StringIO(run("--orphans", "--limit", "1", "--csv"))))
    assert "a1" in {row["target_id"] for row in rows}
    assert "a3" not in {row["target_id"] for row in rows}, "a0 links to it"
    draft = tmp_path / "draft.txt"
    draft.write_text("New\nWe saw kelp gardens at the harbour wall.")
    assert "[kelp gardens at the harbour wall]" in run("--text", str(draft))
    for more, why in ((["--inbound"], "no article can link to a text"), ([], "is empty")):
        refused = CliRunner().invoke(app, ["links", *more, "--text", str(draft), "--root", root])
        assert why in str(refused.exception)
        draft.write_text("\n")


def test_refused_words_leave_the_target_to_other_words_and_are_no_judgment(desk: Desk) -> None:
    words = "kelp gardens at the harbour wall"

    def suggested() -> list[str]:
        found = items(desk.ask("GET", "/v1/links", params={"id": "a0"}))
        return [each["words"] for each in found if each["target_id"] == "a1"]

    assert suggested() == [words]
    with desk.database() as database:
        before = database.judgments.all()
    with editor(desk) as mira:
        mira.get("/editor/links", id="a0")
        mira.send("/editor/links", act="words a1", words=words, page="a0")
        assert f"You refused “{words}” as the words of a link to" in mira.said
        assert words not in suggested()
        with desk.database() as database:
            assert database.judgments.all() == before
        fields = {name: mira.hidden[name] for name in ("seq", "back", "view")}
        mira.send("/editor/undo", **fields)
        assert f"You allowed “{words}” again" in mira.said
    assert suggested() == [words]
    pair = {"article_id": "a0", "target_id": "a1"}
    put = desk.ask("PUT", "/v1/links", params=pair, json={"words": words.upper()})
    assert put.status_code == 204
    assert words not in suggested()
