"""Rules by tag and decisions about several rows: over HTTP, on the pages, by the command."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recommender.visibility import utc_now
from service.cli.alsolike import app
from service.curation.article_search import read_title
from service.decisions.decision_state import Override, OverrideKind
from service.decisions.list_scope import EVERY, tag_scope
from service.decisions.open_decisions import read_state
from service.decisions.snapshot import load_snapshot, update_snapshot
from service.decisions.snapshot_file import SNAPSHOT
from service.roles import Role
from service.serving.list_rules import rows_in
from service.serving.live import Live
from service.serving.serving_view import ServingView
from tests.support.editor_forms import Editor, add_editor, editor
from tests.support.editor_site import PAGE, TESTER, Desk, build_site, open_desk

CHOIR = "song-001"
"""The one article with a tag."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = build_site(tmp_path_factory.mktemp("site"))
    add_editor(root, "mira", Role.ADMIN)
    add_editor(root, "noor", Role.EDITOR)
    return root


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path, model="hashing:64") as opened:
        yield opened


@pytest.fixture(scope="module")
def unchanged(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests in which everything is refused."""
    with open_desk(site, tmp_path_factory.mktemp("unchanged"), model="hashing:64") as opened:
        yield opened


@pytest.fixture
def mira(desk: Desk) -> Iterator[Editor]:
    with editor(desk, "mira") as found:
        yield found


def rule(desk: Desk, method: str = "PUT", **given: object) -> tuple[int, dict[str, object]]:
    names = ("article_id", "tag", "every", "target_id", "target_tag")
    answer = desk.ask(
        method,
        "/v1/overrides",
        params={name: given.pop(name) for name in names if name in given},
        headers={"If-Match": "*"},
        **({"json": given} if method == "PUT" else {}),
    )
    return answer.status_code, answer.json()


def test_a_rule_over_http_holds_for_its_tag_and_is_undone(desk: Desk) -> None:
    before = desk.shown(CHOIR)
    status, answer = rule(desk, tag="Choir", target_id=PAGE, kind="pin", position=1)
    assert status == 200
    [item] = answer["items"]  # type: ignore[misc]
    assert (item["article_id"], item["tag"], item["target_id"]) == (None, "choir", PAGE)
    assert (item["since"], item["until"], item["warning"]) == (None, None, None)
    assert desk.shown(CHOIR) == [PAGE, *before[:5]]
    assert PAGE not in desk.shown("song-005")
    [entry] = desk.ask("GET", "/v1/audit", params={"limit": 1}).json()["items"]
    assert desk.ask("POST", "/v1/undo", json={"seq": entry["seq"]}).status_code == 200
    assert desk.shown(CHOIR) == before
    assert rule(desk, "DELETE", tag="choir", target_id=PAGE)[0] == 404


def test_an_article_s_page_says_why_a_rule_s_pin_is_not_in_its_list(
    desk: Desk, mira: Editor
) -> None:
    assert rule(desk, tag="choir", target_id=PAGE, kind="pin", position=1)[0] == 200
    mira.look(CHOIR)
    assert ">pinned by a rule</span>" in mira.page
    assert "Unpin" not in mira.page, "it is the rule that pins it"
    assert re.search(r"pinned at position 1: [^<;]+ in the lists of [^<;]+\.</p>", mira.page)
    mira.look(PAGE)
    mira.decide(PAGE, "everywhere")
    mira.look(CHOIR)
    assert re.search(r"pinned at position 1: [^<]+; it is taken down", mira.page)


def test_hiding_a_tag_from_all_lists_shows_its_articles_nowhere(desk: Desk) -> None:
    pages = [each for each in desk.shown(CHOIR) if CHOIR in desk.shown(each)]
    assert pages
    assert rule(desk, every=True, target_tag="choir", kind="hide")[0] == 200
    assert not any(CHOIR in desk.shown(each, limit=50) for each in pages)
    found = desk.ask("GET", "/v1/preview", params={"id": pages[0]}).json()
    assert {each["target_tag"] for each in found["overrides"]} == {"choir"}
    assert "hidden-by-rule" in {each["left_out"] for each in found["candidates"]}
    draft = {"title": "Verses", "summary": "choir verse melody tenor rehearsal hymn organ"}
    items = desk.ask("POST", "/v1/related", json=draft | {"limit": 50}).json()["items"]
    assert items
    assert CHOIR not in {each["article_id"] for each in items}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"every": True, "target_tag": "x", "kind": "pin", "position": 1}, "target_tag"),
        ({"article_id": PAGE, "target_tag": "x", "kind": "hide"}, "target_tag"),
        ({"target_id": PAGE, "kind": "hide"}, "article_id"),
        ({"tag": "x", "every": True, "target_id": PAGE, "kind": "hide"}, "tag"),
        ({"tag": "x", "kind": "hide"}, "target_id"),
        ({"tag": "x", "target_id": PAGE, "kind": "hide", "not_related": True}, "not_related"),
        ({"every": True, "target_id": "no such", "kind": "hide"}, "target_id"),
        (
            {
                "tag": "x",
                "target_id": PAGE,
                "kind": "hide",
                "since": "2199-01-02T00:00:00Z",
                "until": "2199-01-01T00:00:00Z",
            },
            "since",
        ),
    ],
)
def test_a_rule_that_is_none_is_refused_by_its_field(
    unchanged: Desk, given: dict[str, object], field: str
) -> None:
    status, answer = rule(unchanged, **given)
    assert (status, answer["field"]) == (422, field)


def test_the_page_of_rules_saves_tells_and_removes_them(desk: Desk, mira: Editor) -> None:
    mira.get("/editor/rules")
    sent = {"do": "hide", "target_tag": "Choir", "everywhere": "1", "reason": "season is over"}
    assert mira.send("/editor/rules", **sent).status_code == 200
    assert mira.said == "You hid articles tagged “choir” in the lists of all articles."
    assert "season is over" in mira.page
    mira.look(PAGE)
    assert "1 rule</a> for this list hides articles that the list would not" in mira.page
    mira.get("/editor/rules")
    with editor(desk, "noor") as noor:
        noor.get("/editor/rules")
        noor.send("/editor/rules", **sent | {"reason": "mine"})
    assert mira.send("/editor/rules", **sent | {"do": "remove"}).status_code == 409
    assert "A newer decision on the same article was made by noor." in html.unescape(mira.page)
    assert mira.send("/editor/rules", **sent | {"do": "remove"}).status_code == 200
    assert "There are no rules to pin or hide articles yet." in mira.page
    mira.send("/editor/undo", seq=mira.hidden["seq"], view="rules")
    assert "season" not in mira.page
    assert "mine" in mira.page
    for given in ({"do": "pin"}, {"tag": "x"}, {"since": "soon"}):
        assert mira.send("/editor/rules", **sent | given).status_code == 422
        assert 'role="alert"' in mira.page
    mira.send("/editor/rules", do="hide")
    assert mira.said.startswith("Choose what to pin or hide"), "the first field comes first"


def test_words_in_place_of_an_id_name_the_articles_to_choose_from(desk: Desk, mira: Editor) -> None:
    mira.get("/editor/rules")
    live = desk.root.open()
    title = read_title(live, PAGE)
    words = " ".join(title.split()[:-1])
    sent = {"do": "hide", "target_id": words, "everywhere": "1", "reason": "mine"}
    assert mira.send("/editor/rules", **sent).status_code == 422
    assert f'<button name="chosen" value="{PAGE}"' in mira.page
    assert mira.send("/editor/rules", **sent, chosen=PAGE).status_code == 200
    assert f"This is “{title}”." in html.unescape(mira.page)
    assert ">mine</textarea>" in mira.page
    assert "There are no rules" in mira.page, "nothing is saved by choosing"


def test_a_rule_for_a_tag_that_no_article_has_says_so_at_once(mira: Editor) -> None:
    mira.get("/editor/rules")
    mira.send("/editor/rules", do="hide", target_tag="chior", everywhere="1")
    no_effect = "It has no effect as long as no article has the tag (did you mean choir?)."
    assert mira.said.endswith(no_effect)


def test_a_whole_title_names_its_article_and_a_rule_is_changed_in_its_form(
    desk: Desk, mira: Editor
) -> None:
    mira.get("/editor/rules")
    title = read_title(desk.root.open(), PAGE)
    mira.send("/editor/rules", do="hide", target_id=title.upper(), everywhere="1", reason="old")
    assert mira.said == f"You hid “{title}” in the lists of all articles."
    change = re.search(r'href="(/editor/rules\?change=\d+)', mira.page)
    assert change is not None
    mira.get(change[1])
    assert f'name="target_id" value="{PAGE}"' in mira.page
    assert re.search(r'name="everywhere" value="1" checked', mira.page)
    assert ">old</textarea>" in mira.page


def test_what_a_rule_hides_everywhere_says_so_and_burdens_no_other_page(
    desk: Desk, mira: Editor
) -> None:
    target, far = desk.shown()[0], "song-001"
    for each in (target, far):
        mira.get("/editor/rules")
        mira.send("/editor/rules", do="hide", target_id=each, everywhere="1")
    mira.look(target)
    assert "<b>Hidden in all lists</b> by mira" in mira.page
    mira.look(PAGE)
    assert mira.page.count(">By a rule</a>: hidden: ") == 1
    assert "1 rule</a> for this list hides articles that the list would not show" in mira.page
    mira.get("/editor", overridden="1")
    assert all(f"/editor/article?id={each}" in mira.page for each in (target, far))
    assert ">2 articles<" in mira.page


def test_several_rows_are_decided_at_once_and_undone_at_once(desk: Desk, mira: Editor) -> None:
    some = desk.shown()[:3]
    rows = [json.dumps([EVERY, each]) for each in some]
    for act, said in (
        ("hide", "You hid 3 articles in all lists."),
        ("lift", "You showed 3 articles again."),
        ("down", "You took 3 articles down."),
        ("lift", "You ended the takedown of 3 articles."),
    ):
        mira.get("/editor", q="sea")
        back = mira.hidden["back"]
        answer = mira.send("/editor/bulk", act=act, row=rows, back=back, reason="all of them")
        if act == "down":
            assert "Take 3 articles down?" in mira.page
            assert some[0] in desk.shown(), "it is asked first"
            asked = {**mira.hidden, "row": rows}
            answer = mira.client.post("/editor/bulk", data=asked)
            mira.page = answer.text
        assert answer.url.path == "/editor"
        assert answer.url.params["q"] == "sea"
        assert mira.said == said
        assert (some[0] in desk.shown()) is (act == "lift")
    with desk.database() as database:
        assert len([each for each in database.audit.all() if each.reason == "all of them"]) == 12
    seq, back = mira.hidden["seq"], mira.hidden["back"]
    answer = mira.send("/editor/undo", seq=seq, back=back, view="find")
    assert mira.said == "You undid 3 changes."
    assert not {*some} & {*desk.shown(limit=50)}


def test_the_page_of_many_rules_reads_the_database_no_oftener_than_that_of_one(
    desk: Desk, mira: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    view = Live.view

    def counted(self: Live, **asked: bool) -> tuple[ServingView, int]:
        looks.append(asked)
        return view(self, **asked)

    monkeypatch.setattr(Live, "view", counted)
    counts = []
    for each in desk.shown():
        with desk.database() as database:
            database.overrides.put(TESTER, article_id=EVERY, target_id=each, kind=OverrideKind.HIDE)
        looks.clear()
        mira.get("/editor/rules")
        counts.append(len(looks))
    assert counts[0] == counts[-1]
    assert rows_in(desk.root.open(), EVERY) == range(49), "no list of a million rows"


def test_ending_rows_ends_what_is_in_force_and_nothing_that_has_ended(
    desk: Desk, mira: Editor
) -> None:
    both, down, ended, linked = desk.shown()[:4]
    kind, ends = OverrideKind.HIDE, utc_now() + 1_500_000
    with desk.database() as database:
        for scope, each in ((EVERY, down), (EVERY, ended), (linked, PAGE)):
            database.overrides.put(TESTER, article_id=scope, target_id=each, kind=kind, until=ends)
        mira.get("/editor", overridden="1")
        assert ">3 articles<" in mira.page
        database.overrides.put(TESTER, article_id=EVERY, target_id=both, kind=kind)
        for each in (both, down):
            database.takedowns.put(TESTER, article_id=each)
    time.sleep(max(0, ends - utc_now()) / 1e6)
    mira.get("/editor", overridden="1")
    assert ">1 article<" in mira.page
    mira.get("/editor", q="sea")
    assert mira.page.count("hidden in all lists") == 1
    sent = {name: mira.hidden[name] for name in ("seen", "back")}
    rows = [json.dumps([EVERY, each]) for each in (both, down, ended)]
    assert mira.send("/editor/bulk", act="lift", row=rows, **sent).status_code == 409
    assert mira.page.count("It is neither taken down nor hidden in all lists.") == 1
    assert mira.said == "You made 3 changes."
    assert {both, down, ended} <= {*desk.shown()}


def test_a_row_that_met_another_s_decision_is_told_and_stays_selected(
    desk: Desk, mira: Editor
) -> None:
    first, second = desk.shown()[:2]
    mira.get("/editor", q=first)
    with desk.database() as database:
        database.takedowns.put(TESTER, article_id=first)
    rows = [json.dumps([EVERY, each]) for each in (first, second)]
    sent = {name: mira.hidden[name] for name in ("seen", "back")}
    down = {"act": "down", "row": rows, "sure": "1"}
    assert mira.send("/editor/bulk", **down, **sent).status_code == 409
    assert "A newer decision on the same article was made by tester." in mira.page
    assert "You took “" in mira.said
    [checked] = re.findall(r'name="row" value="([^"]*)"[^>]* checked', mira.page)
    assert html.unescape(checked) == rows[0]


def test_rows_of_which_nothing_or_half_is_ended_say_so(desk: Desk, mira: Editor) -> None:
    both, linked = desk.shown()[:2]
    with desk.database() as database:
        database.overrides.put(TESTER, article_id=EVERY, target_id=both, kind=OverrideKind.HIDE)
        mira.get("/editor", q=both)
        database.takedowns.put(TESTER, article_id=both)
    rows = [json.dumps([EVERY, both]), json.dumps([linked, PAGE])]
    sent = {name: mira.hidden[name] for name in ("seen", "back")}
    assert mira.send("/editor/bulk", act="lift", row=rows, **sent).status_code == 409
    said = re.findall(r"<li>“.*?”: (.*?)</li>", mira.page)
    assert said == [
        "Only partly changed: a newer decision on the same article was made by tester.",
        "It is no longer pinned or hidden there.",
    ]
    assert "These articles were not changed, or not wholly," in mira.page


def test_the_command_adds_prints_and_removes_rules(desk: Desk) -> None:
    runner, root = CliRunner(), ["--root", str(desk.root.path)]

    def run(*arguments: str) -> str:
        return runner.invoke(app, ["rules", *arguments, *root], catch_exceptions=False).stdout

    assert run() == "There are no rules.\n"
    told = run(PAGE, "--pin", "2", "--lists-of", "choir", "--from", "2199-01-01", "--reason", "why")
    assert told.startswith(f"pin at 2: {PAGE} in the lists of articles tagged “choir” from 2199")
    assert "why" in told
    run("--tag", "choir", "--hide", "--everywhere")
    assert [each["target_tag"] for each in json.loads(run("--json"))] == [None, "choir"]
    run("--tag", "choir", "--remove", "--everywhere")
    assert len(json.loads(run("--json"))) == 1


def test_a_snapshot_of_an_older_version_is_read_and_replaced(desk: Desk) -> None:
    root = desk.root.path
    with desk.database() as database:
        for scope in ("a", tag_scope("t")):
            database.overrides.put(
                TESTER, article_id=scope, target_id="b", kind=OverrideKind.HIDE, since=5
            )
        update_snapshot(root, database)
        assert load_snapshot(root) == database.state() == read_state(desk.settings)
        with closing(sqlite3.connect(root / SNAPSHOT)) as file:
            file.execute("ALTER TABLE overrides DROP COLUMN since")
            file.commit()
        assert load_snapshot(root) is None, "its sum is that of rows with a beginning"
        database.overrides.put(TESTER, article_id="a", target_id="c", kind=OverrideKind.HIDE)
        update_snapshot(root, database)
        found = load_snapshot(root)
        assert found == database.state()
        assert found is not None
        assert found.overrides["a"][0] == Override(
            article_id="a", target_id="b", kind=OverrideKind.HIDE, since=5
        )


def test_a_rule_about_an_article_that_is_gone_can_be_removed(desk: Desk, mira: Editor) -> None:
    words = read_title(desk.root.open(), PAGE).split()[0].lower()
    with desk.database() as database:  # its id is a word of other articles' titles
        database.overrides.put(TESTER, article_id=EVERY, target_id=words, kind=OverrideKind.HIDE)
    mira.get("/editor/rules")
    answer = mira.send("/editor/rules", do="remove", target_id=words, everywhere="1")
    assert answer.status_code == 200
    assert "There are no rules" in mira.page
