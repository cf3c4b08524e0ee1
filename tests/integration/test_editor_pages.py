"""The editors' pages as forms: they work without a script, and nobody gets at them uninvited."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.build.build import Build
from recommender.visibility import utc_now
from service.app import create_app
from service.curation import decision_actions
from service.curation.decision_actions import WEEK
from service.curation.link_texts import Closeness
from service.curation.pin_alerts import AlertReason, find_alerts
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import open_decisions, read_state
from service.decisions.pushed_statements import NewStatement
from service.editor.editor_pages import EditorPages
from service.editor.labels import capitalized
from service.editor.sign_in import Invitation, may_invite
from service.roles import Role
from service.serving.serving_view import ServingView
from service.settings import Settings
from tests.support.editor_forms import PASSWORD, Editor, add_editor, editor
from tests.support.editor_site import (
    PAGE,
    SLASHED,
    TESTER,
    Desk,
    build_site,
    open_desk,
    records,
)
from tests.support.hostile_articles import PAYLOADS

SCHEDULED, DRAFT = "sea-008", "sea-004"
VISIBLE = [record for record in records() if record["id"] not in (SCHEDULED, DRAFT)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with two builds and two editors."""
    root = build_site(tmp_path_factory.mktemp("site"))
    add_editor(root, "mira", Role.ADMIN)
    add_editor(root, "noor", Role.EDITOR)
    return root


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path, max_churn=1.0, model="hashing:64") as opened:
        yield opened


@pytest.fixture
def mira(desk: Desk) -> Iterator[Editor]:
    with editor(desk, "mira") as found:
        yield found


@pytest.fixture
def noor(desk: Desk) -> Iterator[Editor]:
    with editor(desk, "noor") as found:
        yield found


@pytest.fixture
def stranger(desk: Desk) -> Iterator[Editor]:
    with editor(desk, None) as found:
        yield found


# Signing in


@pytest.mark.parametrize(
    "path",
    [
        *("", "/article?id=sea-000", "/cards?id=sea-000", "/decide?do=pin", "/history"),
        *("/history.csv", "/builds", "/builds/report?build=x", "/drafts", "/account"),
    ],
)
def test_whoever_is_unknown_is_led_to_the_sign_in_and_back(
    stranger: Editor, desk: Desk, path: str
) -> None:
    answer = stranger.get(f"/editor{path}")
    assert answer.url.path == "/editor/sign-in"
    if "build=x" not in path:
        back = answer.url.params["next"]
        assert stranger.sign_in(next=back).url.path == f"/editor{path}".partition("?")[0]


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example/", "//evil.example", "/\\evil.example", "/editor\\..\\x"),
        *("/editorial", "javascript:alert(1)", "/editor/../v1/articles\r\nX: y"),
    ],
)
def test_a_sign_in_leads_to_no_other_site(stranger: Editor, target: str) -> None:
    answer = stranger.client.post(
        "/editor/sign-in",
        data={"name": "mira", "password": PASSWORD, "next": target},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/editor")


def test_a_wrong_token_leads_the_sign_in_page_nowhere(stranger: Editor) -> None:
    wrong = {"Authorization": "Bearer als_00000000_x"}
    answer = stranger.client.get("/editor/sign-in", headers=wrong, follow_redirects=False)
    assert answer.status_code == 200


def test_attempts_are_throttled_until_the_right_password_does_not_help(stranger: Editor) -> None:
    said = [stranger.sign_in(password=f"wrong number {number}") for number in range(10)]
    assert {answer.status_code for answer in said} == {403}
    assert stranger.said == "Wrong name or password."
    last = stranger.sign_in()
    assert last.status_code == 429
    assert 0 < int(last.headers["retry-after"]) <= 300
    assert "Too many attempts" in stranger.said
    assert "set-cookie" not in last.headers


def test_a_forgotten_password_locks_out_no_colleague_at_the_same_address(stranger: Editor) -> None:
    for number in range(11):
        stranger.sign_in(name="noor", password=f"wrong number {number}")
    assert stranger.sign_in(name="noor").status_code == 429
    assert stranger.sign_in(name="mira").url.path == "/editor"


def test_what_was_entered_outlasts_the_end_of_the_session(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[0]
    mira.look(PAGE)
    mira.client.cookies.clear()
    answer = mira.decide(target, "hide", reason="not about “trees”", ends="7")
    assert answer.status_code == 401
    assert "Your session has ended" in mira.page
    assert "trees" not in str(answer.url)
    kept = mira.hidden["kept"]
    assert mira.sign_in(password="not the right one", kept=kept).status_code == 403
    mira.sign_in(kept=mira.hidden["kept"])
    assert target in desk.shown(), "nothing is done before it is confirmed"
    assert "You are signed in as mira" in mira.page
    assert "hide “" in mira.page
    assert "not about “trees”" in html.unescape(mira.page)
    again = mira.client.post("/editor/decide", data=mira.hidden)
    assert again.url.path == "/editor/article"
    assert target not in desk.shown()
    assert "not about “trees”" in html.unescape(again.text)


def test_a_form_of_an_earlier_session_is_confirmed_in_the_new_one(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[0]
    mira.look(PAGE)
    answer = mira.send("/editor/steer", act=f"place-3 {target}", csrf="of another session")
    assert answer.status_code == 403
    assert "move “" in mira.page
    mira.client.post("/editor/steer", data=mira.hidden)
    assert desk.shown()[2] == target


FIND = {"back": "q=bread&tag=x", "seen": "1"}


@pytest.mark.parametrize(
    ("path", "fields", "wanted", "page"),
    [
        (
            "bulk",
            {**FIND, "act": "hide", "row": '[" *", "sea-001"]'},
            "hide 1 article in all lists",
            "?q=bread&tag=x",
        ),
        (
            "undo",
            {**FIND, "seq": "1,2", "view": "find"},
            "undo what was decided",
            "?q=bread&tag=x",
        ),
        ("undo", {"seq": "1"}, "undo what was decided", "/history"),
        (
            "rules",
            {"do": "remove", "target_id": "gone", "tag": "tag1"},
            "remove the rule about “gone” in the lists of articles tagged “tag1”",
            "/rules",
        ),
        (
            "rules",
            {"do": "pin", "target_id": "gone", "everywhere": "1", "position": "2"},
            "pin “gone” in the lists of all articles at position 2",
            "/rules",
        ),
        (
            "rules",
            {"do": "hide", "target_tag": "tag1", "everywhere": "1"},
            "hide articles tagged “tag1” in the lists of all articles",
            "/rules",
        ),
        (
            "links",
            {"article_id": PAGE, "act": "words gone", "words": "the sea"},
            "suggest other words for the link to “gone”",
            f"/article?id={PAGE}",
        ),
        ("builds/release", {}, "resume publishing", "/builds"),
        ("builds/rollback", {"full": "1"}, "roll back to the last full build", "/builds"),
        (
            "builds/comparison",
            {"decision": "stop"},
            "end the comparison and keep the live lists",
            "/builds",
        ),
        ("builds/publish", {"build": "b"}, "publish the build", "/builds"),
    ],
)
def test_what_a_kept_form_does_is_said_and_cancel_leads_to_its_page(
    mira: Editor, path: str, fields: dict[str, str], wanted: str, page: str
) -> None:
    mira.client.cookies.clear()
    mira.page = mira.client.post(f"/editor/{path}", data=fields).text
    mira.sign_in(kept=mira.hidden["kept"])
    assert f"<dt>Change</dt><dd>{wanted}</dd>" in html.unescape(mira.page)
    cancel = re.search(r'<a class="button" href="([^"]*)" data-close>Cancel', mira.page)
    assert cancel is not None
    assert html.unescape(cancel[1]) == f"/editor{page}"
    assert mira.get(html.unescape(cancel[1])).status_code == 200


def test_another_site_s_form_is_not_kept(desk: Desk, stranger: Editor) -> None:
    answer = stranger.client.post(
        "/editor/steer",
        data={"article_id": PAGE, "act": "place-1 sea-001"},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.url.path == "/editor/sign-in"
    assert 'name="kept"' not in answer.text


@pytest.mark.parametrize("kept", ["{}", "[", '{"action": "//evil.example/x", "fields": {}}'])
def test_what_no_page_kept_is_not_confirmed(stranger: Editor, kept: str) -> None:
    assert stranger.sign_in(kept=kept).url.path == "/editor"


def test_a_session_planted_before_the_sign_in_is_worth_nothing(
    stranger: Editor, desk: Desk
) -> None:
    stranger.client.cookies.set("alsolike-session", "planted")
    assert stranger.get("/editor").url.path == "/editor/sign-in"
    answer = stranger.client.post(
        "/editor/sign-in", data={"name": "mira", "password": PASSWORD}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"]
    assert "planted" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    again = desk.client.get("/editor", headers={"Cookie": "alsolike-session=planted"})
    assert again.url.path == "/editor/sign-in"


def test_signing_out_everywhere_ends_every_session_of_this_name_alone(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    with editor(desk, "mira") as elsewhere:
        mira.get("/editor/account")
        assert mira.send("/editor/sign-out-everywhere").url.path == "/editor/sign-in"
        assert elsewhere.get("/editor").url.path == "/editor/sign-in"
    assert noor.get("/editor").url.path == "/editor"


def test_signing_out_here_leaves_the_others(desk: Desk, mira: Editor) -> None:
    with editor(desk, "mira") as elsewhere:
        mira.get("/editor/account")
        page = mira.page
        mira.send("/editor/sign-out")
        assert mira.get("/editor").url.path == "/editor/sign-in"
        mira.page = page
        for path in ("sign-out", "sign-out-everywhere"):
            answer = mira.send(f"/editor/{path}")
            assert (answer.status_code, answer.url.path) == (200, "/editor/sign-in"), "already out"
        assert elsewhere.get("/editor").url.path == "/editor"


def test_another_site_can_sign_nobody_in_and_send_no_form(mira: Editor, stranger: Editor) -> None:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    signed = stranger.client.post(
        "/editor/sign-in", data={"name": "mira", "password": PASSWORD}, headers=foreign
    )
    assert signed.status_code == 403
    assert "set-cookie" not in signed.headers
    mira.look(PAGE)
    fields = mira.hidden | {"act": f"place-1 {mira.titles('shown')[1]}"}
    assert mira.client.post("/editor/steer", data=fields, headers=foreign).status_code == 403
    for csrf in ("", "guessed"):
        answer = mira.client.post("/editor/steer", data=fields | {"csrf": csrf})
        assert answer.status_code == 403
    mira.look(PAGE)
    assert 'class="chip accent">pinned' not in mira.page


def test_an_editor_may_decide_and_only_an_admin_may_choose_the_build(
    desk: Desk, noor: Editor, mira: Editor
) -> None:
    live, before = _builds(desk)
    noor.get("/editor/builds")
    assert "Publish…" not in noor.page
    assert "push waits" not in noor.page
    with desk.database() as database:
        database.pushed.put(TESTER, [NewStatement(article_id="new", record={"title": "New"})])
    noor.get("/editor/builds")
    assert "1 push waits since" in noor.page
    assert "Roll back" not in noor.page
    assert noor.get("/editor/builds/publish", build=before).status_code == 403
    noor.look(PAGE)
    for path, fields in (
        ("publish", {"build": before}),
        ("rollback", {}),
        ("release", {}),
    ):
        assert noor.send(f"/editor/builds/{path}", **fields).status_code == 403
    assert _builds(desk)[0] == live
    mira.get("/editor/builds")
    assert "Publish…" in mira.page
    reading = desk.ask("GET", "/editor", Role.READ)
    assert reading.status_code == 403


# Steering


def test_what_is_moved_up_is_pinned_there_and_undone_with_one_press(
    desk: Desk, mira: Editor
) -> None:
    before = desk.shown()
    mira.look(PAGE)
    assert mira.titles("shown") == before
    mira.press(f"place-2 {before[2]}")
    assert mira.said.startswith("You pinned")
    moved = [before[0], before[2], before[1], *before[3:]]
    assert desk.shown() == mira.titles("shown") == moved
    mira.send("/editor/undo", seq=mira.hidden["seq"], back=PAGE)
    assert mira.said.startswith("You undid the pin of “")
    assert desk.shown() == mira.titles("shown") == before


def test_moving_passes_pins_in_both_directions(desk: Desk, mira: Editor) -> None:
    first, second, third, *_ = desk.shown()
    mira.look(PAGE)
    mira.press(f"place-1 {second}")
    mira.press(f"place-2 {third}")
    assert desk.shown()[:3] == [second, third, first]
    mira.press(f"place-2 {second}")
    assert desk.shown()[:3] == [third, second, first]
    mira.press(f"place-1 {second}")
    assert desk.shown()[:3] == [second, third, first]


def test_a_hide_keeps_its_reason_and_its_end_and_can_be_shown_again(
    desk: Desk, mira: Editor
) -> None:
    target = desk.shown()[0]
    mira.look(PAGE)
    mira.decide(target, "hide", reason="too far\r\noff", ends="7")
    assert target not in desk.shown()
    assert "hidden here" in mira.page
    assert "too far\noff" in mira.page
    database = open_decisions(desk.settings)
    [stored] = database.overrides.of(PAGE).items
    week = 7 * 86_400_000_000
    assert abs(stored.until - stored.created - week) < 60_000_000
    database.close()
    mira.press(f"remove {target}")
    assert target in desk.shown()


def test_an_end_is_read_in_the_zone_of_the_settings(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path, timezone="Europe/Berlin") as desk, editor(desk) as mira:
        mira.look(PAGE)
        target = desk.shown()[0]
        mira.decide(target, "pin", position="3", ends="date", until="2199-07-01T12:00")
        database = open_decisions(desk.settings)
        [stored] = database.overrides.of(PAGE).items
        database.close()
        assert stored.until == 7_242_256_800_000_000, "10:00 in UTC"
        assert "1 Jul 2199, 12:00 +0200" in mira.page
        mira.get("/editor/decide", do="pin", id=PAGE, target=target)
        assert 'value="2199-07-01T12:00"' in mira.page
        assert 'name="position" min="1" max="6" value="3"' in mira.page


def test_hiding_everywhere_is_a_takedown_and_the_article_says_so(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[0]
    mira.look(PAGE)
    mira.decide(target, "everywhere", reason="withdrawn")
    assert desk.client.get("/v1/related", params={"id": target}).status_code == 404
    assert "taken down" in mira.page
    mira.look(target)
    assert "<b>Taken down</b> by mira" in mira.page
    assert "withdrawn" in mira.page
    mira.press(f"lift {target}")
    assert desk.client.get("/v1/related", params={"id": target}).status_code == 200


def test_one_press_hides_and_another_says_why(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[0]
    mira.look(PAGE)
    mira.press(f"hide {target}")
    assert target not in desk.shown()
    assert mira.said.startswith("You hid")
    answers = re.findall(r'<button name="(do|reason)" value="([^"]+)"', mira.page)
    assert ("do", "unrelated") in answers
    name, reason = answers[-1]
    mira.decide(target, "hide", **{name: reason})
    assert mira.said.startswith("You changed the hide of")
    assert f"<q>{reason}</q>" in mira.page


def test_what_was_said_after_a_press_is_undone_with_it(desk: Desk, mira: Editor) -> None:
    before = desk.shown()
    mira.look(PAGE)
    mira.press(f"hide {before[0]}")
    mira.decide(before[0], "hide", reason="Out of date", follows=mira.hidden["follows"])
    mira.send("/editor/undo", seq=mira.hidden["seq"], back=PAGE)
    assert desk.shown() == before
    assert mira.said.startswith("You undid the hide of")
    mira.send("/editor/undo", seq=mira.hidden["seq"], back=PAGE)
    assert "<q>Out of date</q>" in mira.page, "an undo is undone whole, too"
    assert before[0] not in desk.shown()


def test_a_moved_article_stays_for_a_week_or_as_long_as_is_said(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[3]
    mira.look(PAGE)
    mira.press(f"place-1 {target}")
    assert desk.shown()[0] == target
    assert " until " in mira.said
    assert "Keep this order for" in mira.page
    mira.decide(target, "pin", position="1", ends="never")
    assert " until " not in mira.said
    assert "Keep this order for" not in mira.page, "the end was just chosen"
    mira.press(f"place-2 {target}")
    assert " until " not in mira.said, "a move keeps the end"


def test_what_has_not_begun_begins_when_it_was_to_and_no_move_takes_its_place(
    desk: Desk, mira: Editor
) -> None:
    before = desk.shown()
    first, *_, last = before
    later = {"since": "2199-07-01T00:00Z", "until": "2199-08-01T00:00Z", "reason": "summer"}
    desk.decide(last, kind="pin", position=1, **later)
    desk.decide(first, kind="hide", **later)
    for target, do in ((last, "pin"), (first, "hide")):
        mira.get("/editor/decide", do=do, id=PAGE, target=target)
        assert "It begins 1 Jul 2199" in mira.page
        assert mira.decide(target, do, position="2", reason="autumn").status_code == 200
    assert desk.shown() == before
    with desk.database() as database:
        assert {each.reason for each in database.overrides.of(PAGE).items} == {"autumn"}
    for target, do in ((last, "pin"), (first, "hide")):
        mira.look(PAGE)
        assert mira.press(f"place-3 {target}").status_code == 422
        assert f"a {do} of “" in mira.page.lower()
        assert "remove it first" in mira.said
    assert desk.shown() == before


def test_a_takedown_says_what_it_empties_and_how_long_caches_keep_it(
    desk: Desk, mira: Editor
) -> None:
    target = desk.shown()[0]
    page = mira.get("/editor/decide", do="everywhere", id=target, target=target).text
    lists = sum(target in desk.shown(record["id"]) for record in VISIBLE)
    assert f"from {lists} lists" in page
    assert "up to 90 seconds more" in page


def test_a_pin_that_no_longer_fits_is_marked_on_the_page_as_by_the_command(
    desk: Desk, mira: Editor
) -> None:
    target = desk.shown()[0]
    assert desk.decide(target, kind="pin", position=9).status_code == 200
    mira.look(PAGE)
    assert "but it is below the last article that the list shows." in mira.page
    live = desk.root.open()
    served = ServingView(live, read_state(desk.settings))
    [alert] = find_alerts(served, now=utc_now(), query=desk.settings.query)
    assert alert.reason is AlertReason.BELOW_LIST
    desk.decide(target, kind="pin", position=2)
    served = ServingView(live, read_state(desk.settings))
    assert find_alerts(served, now=utc_now(), query=desk.settings.query) == []


def test_what_is_not_related_is_hidden_and_counts_as_a_judgment(desk: Desk, mira: Editor) -> None:
    bad, good = desk.shown()[:2]
    mira.look(PAGE)
    mira.decide(bad, "unrelated")
    mira.press(f"good {good}")
    assert mira.said.endswith("” as a good link."), "and not in which list"
    assert _judged(desk) == {(bad, -1), (good, 1)}
    assert mira.page.count('aria-pressed="true"') == 2
    mira.press(f"unjudge {good}")
    assert _judged(desk) == {(bad, -1)}
    assert mira.press(f"unjudge {bad}").status_code == 200
    assert _judged(desk) == set()
    assert bad not in desk.shown()


def test_a_bad_link_stays_until_it_is_hidden_too(desk: Desk, mira: Editor) -> None:
    bad, other = desk.shown()[:2]
    mira.look(PAGE)
    mira.press(f"good {other}")
    assert "Hide it here too" not in mira.page
    mira.press(f"bad {bad}")
    assert "Hide it here too" in mira.page
    assert bad in desk.shown()
    mira.press(f"hide {bad}")
    assert bad not in desk.shown()
    mira.press(f"bad {bad}")
    assert "Hide it here too" not in mira.page


def test_a_pin_of_what_readers_cannot_see_is_marked_and_warned_of(desk: Desk, mira: Editor) -> None:
    before = desk.shown()
    mira.look(PAGE)
    answer = mira.get("/editor/decide", do="pin", id=PAGE, target=SCHEDULED)
    assert "Readers don't see this article now (scheduled)" in mira.page.replace("&#39;", "'")
    assert answer.status_code == 200
    mira.look(PAGE)
    mira.decide(SCHEDULED, "pin", position="1")
    assert desk.shown() == before
    assert "is pinned at position 1, but it is not visible yet." in mira.page


def test_a_pin_whose_target_is_taken_down_later_raises_an_alert(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[3]
    mira.look(PAGE)
    mira.decide(target, "pin", position="1")
    assert desk.shown()[0] == target
    mira.decide(target, "everywhere")
    assert "but it is taken down." in mira.page
    assert "pinned at 1, not shown" in mira.page
    assert target not in desk.shown()
    mira.get("/editor", overridden="1")
    assert "an article pinned in its list is taken down" in mira.page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "pin", "position": "0"}, "position from 1 to 6"),
        ({"do": "pin", "position": "7"}, "the list shows 6 articles"),
        ({"do": "pin", "position": "x"}, "enter a whole number from 1"),
        ({"do": "hide", "reason": "x" * 1_001}, "1001 characters"),
        ({"do": "hide", "ends": "date", "until": ""}, "choose a date"),
        ({"do": "hide", "ends": "date", "until": "2001-01-01T00:00"}, "past"),
        ({"do": "hide", "reason": "bell \a"}, "holds the character"),
    ],
)
def test_a_form_that_cannot_be_done_comes_back_as_it_was_filled_in(
    desk: Desk, mira: Editor, fields: dict[str, str], said: str
) -> None:
    target = desk.shown()[0]
    before = desk.shown()
    mira.look(PAGE)
    answer = mira.decide(target, **fields)
    assert answer.status_code == 422
    assert said.lower() in mira.said.lower()
    if "\a" not in fields.get("reason", ""):
        assert fields.get("reason", "") in mira.page
    assert desk.shown() == before


@pytest.mark.parametrize(
    "act", ["", "pin", "steal sea-001", "place-1", "place-1 no-such", "place-1 sea-000"]
)
def test_a_button_that_nobody_has_changes_nothing(desk: Desk, mira: Editor, act: str) -> None:
    before = desk.shown()
    mira.look(PAGE)
    assert mira.press(act).status_code in (404, 422)
    assert PAGE not in mira.said, "titles, not ids"
    assert desk.shown() == before


def test_a_page_and_the_api_refuse_what_the_live_build_lacks_alike(
    desk: Desk, mira: Editor
) -> None:
    known = desk.shown()[0]
    for article_id, target_id, status in ((PAGE, "no-such", 422), ("no-such", known, 404)):
        asked = desk.decide(target_id, article_id, kind="hide")
        assert asked.status_code == status
        form = mira.get("/editor/decide", do="hide", id=article_id, target=target_id)
        mira.look(PAGE)
        sent = mira.send("/editor/decide", article_id=article_id, target_id=target_id, do="hide")
        for page in (form, sent):
            assert page.status_code == status
            assert "the live build" in page.text.casefold()
            assert "has no article" in page.text
    assert mira.get("/editor/article", id="no-such").status_code == 404
    assert mira.get("/editor", pin="no-such").status_code == 404
    assert "has no article" in mira.page


@pytest.mark.parametrize("page", ["sign-in", "account", "drafts", "rules", "history", "builds"])
def test_a_page_can_be_asked_for_its_head(mira: Editor, page: str) -> None:
    path = f"/editor/{page}"
    asked = mira.client.head(path, follow_redirects=False)
    assert asked.status_code == mira.client.get(path, follow_redirects=False).status_code


def test_an_action_that_a_page_does_not_have_is_named(mira: Editor) -> None:
    mira.look(PAGE)
    assert mira.press("steal sea-001").status_code == 422
    assert mira.said == "'steal' is not an action of this page; reload it and use its buttons."
    assert mira.get("/editor/decide", do="steal", id=PAGE, target="sea-001").status_code == 422
    assert "<h1>This could not be done</h1>" in mira.page


# Two editors


def test_the_second_editor_is_told_and_nothing_is_overwritten(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    first = desk.shown()[0]
    noor.look(PAGE)
    mira.look(PAGE)
    mira.decide(first, "hide", reason="a bad one")
    after = desk.shown()
    answer = noor.decide(first, "pin", position="1", reason="mine")
    assert answer.status_code == 409
    assert desk.shown() == after
    conflict = noor.page[noor.page.index('id="conflict"') : noor.page.index('class="head"')]
    assert "mira changed the same thing while you had the page open" in conflict
    assert "<del>neither pinned nor hidden</del>" in conflict
    assert "<ins>hidden</ins>" in conflict
    assert "a bad one" in conflict
    repeated = dict(re.findall(r'name="(\w+)" value="([^"]*)"', conflict))
    assert repeated["reason"] == "mine"
    answer = noor.client.post("/editor/decide", data=repeated)
    assert answer.status_code == 200
    assert desk.shown()[0] == first


def test_changes_of_different_links_of_a_list_are_no_conflict(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    first, second, third, fourth, *_ = desk.shown()
    noor.look(PAGE)
    mira.look(PAGE)
    mira.decide(first, "hide")
    mira.decide(second, "pin", position="2")
    assert noor.decide(third, "hide").status_code == 200
    noor.look(PAGE)
    mira.press(f"place-2 {fourth}")
    assert noor.press(f"place-2 {second}").status_code == 409, "both want one position"
    assert noor.press(f"remove {first}").status_code == 200


def test_who_hides_or_releases_what_another_has_done_already_is_told(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    first = desk.shown()[0]
    noor.look(PAGE)
    mira.look(PAGE)
    mira.decide(first, "hide", reason="a bad one")
    assert noor.press(f"hide {first}").status_code == 200
    assert noor.said == "Already hidden by mira: a bad one."
    assert "data-undo" not in noor.page
    assert "<q>a bad one</q>" in noor.page, "her reason stays"
    mira.press(f"remove {first}")
    assert noor.press(f"remove {first}").status_code == 200
    assert noor.said == "Already shown again by mira."
    for other in ({"until": utc_now() + WEEK}, {"since": utc_now() + WEEK}):
        noor.look(PAGE)
        with desk.database() as database:
            database.overrides.put(
                TESTER, article_id=PAGE, target_id=first, kind=OverrideKind.HIDE, **other
            )
        assert noor.press(f"hide {first}").status_code == 409, "it ends, or has not begun"
    mira.look(PAGE)
    mira.press(f"remove {first}")
    mira.decide(first, "everywhere")
    mira.look(first)
    noor.look(first)
    mira.press(f"lift {first}")
    assert noor.press(f"lift {first}").status_code == 200
    assert noor.said == "Already shown again by mira."
    last = desk.shown()[-1]
    noor.look(PAGE)
    mira.look(PAGE)
    mira.press(f"place-1 {last}")
    assert noor.press(f"place-1 {last}").status_code == 200
    assert noor.said.startswith("There was nothing left to do: mira pinned “")


def test_a_newer_takedown_is_neither_ended_nor_shortened_from_a_page_that_does_not_show_it(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    target = desk.shown()[0]
    mira.look(target)
    mira.decide(target, "everywhere", ends="7")
    noor.look(target)
    mira.decide(target, "everywhere", reason="for good")
    act, shorter = {"act": f"lift {target}"}, {"target_id": target, "do": "everywhere", "ends": "7"}
    seen = noor.hidden
    for path, fields in (("steer", act), ("decide", shorter)):
        assert noor.send(f"/editor/{path}", **(seen | fields)).status_code == 409
        before, now = re.findall(r"<(?:del|ins)>(.*?)</", noor.page)
        assert (now, before.startswith("taken down until ")) == ("taken down", True)
        with desk.database() as database:
            assert database.takedowns.all()[0].reason == "for good"
    same = {"target_id": target, "do": "everywhere", "ends": "never"}
    noor.send("/editor/decide", **(seen | same))
    assert noor.said.startswith("There was nothing left to do: mira took “")
    noor.look(target)
    assert noor.press(f"lift {target}").status_code == 200
    mira.look(target)
    mira.decide(target, "everywhere")
    noor.look(target)
    mira.press(f"lift {target}")
    assert noor.send("/editor/decide", **(noor.hidden | same)).status_code == 409
    assert re.findall(r"<(?:del|ins)>(.*?)</", noor.page) == ["taken down", "not taken down"]


def test_of_two_who_decide_about_a_takedown_at_once_one_is_told(
    desk: Desk, mira: Editor, noor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, both = desk.shown()[0], Barrier(2)
    refuse = decision_actions._refuse_met

    def looked(*given: Any) -> None:
        refuse(*given)
        with suppress(BrokenBarrierError):
            both.wait(0.5)

    for each in (mira, noor):
        each.look(target)
    monkeypatch.setattr(decision_actions, "_refuse_met", looked)
    with ThreadPoolExecutor() as pool:
        sent = [
            pool.submit(each.decide, target, "everywhere", ends=ends)
            for each, ends in ((mira, "never"), (noor, "7"))
        ]
    assert sorted(each.result().status_code for each in sent) == [200, 409]


def test_who_moves_what_another_has_hidden_meanwhile_sees_both_and_may_pin_it(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    first = desk.shown()[0]
    noor.look(PAGE)
    mira.look(PAGE)
    mira.press(f"hide {first}")
    act = f"place-2 {first}"
    assert noor.press(act).status_code == 409
    assert "mira changed the same thing while you had the page open" in noor.page
    assert first not in desk.shown()
    assert noor.press(act).status_code == 200, "anyway"
    assert desk.shown()[1] == first


def test_an_editor_s_own_other_tab_is_no_conflict(desk: Desk, mira: Editor) -> None:
    first = desk.shown()[0]
    mira.look(PAGE)
    with editor(desk, "mira") as elsewhere:
        elsewhere.look(PAGE)
        elsewhere.decide(first, "hide")
    assert mira.decide(first, "pin", position="2").status_code == 200
    assert desk.shown()[1] == first


def test_a_form_that_is_too_large_is_told_on_a_page(mira: Editor) -> None:
    mira.get("/editor/drafts")
    answer = mira.send("/editor/drafts", title="x", text="y" * 2_000_000)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert "<h1>" in answer.text
    assert "The body has over 1024 KiB" in mira.said
    mira.get("/editor")
    answer = mira.send("/editor/bulk", act="hide", row=["x"] * 1_001)
    assert answer.status_code == 400
    assert "The form can't be read: Too many fields" in mira.said
    assert "mira" in answer.text
    answer = mira.client.post("/editor/nothing", content=b"x" * 2_000_000)
    assert answer.status_code == 404


def test_an_undo_that_comes_too_late_is_told(desk: Desk, mira: Editor, noor: Editor) -> None:
    target = desk.shown()[0]
    mira.look(PAGE)
    mira.decide(target, "hide")
    seq = mira.hidden["seq"]
    noor.look(PAGE)
    noor.press(f"remove {target}")
    answer = mira.send("/editor/undo", seq=seq, back=PAGE)
    assert answer.status_code == 409
    assert "noor has made a newer decision" in mira.said.lower()
    assert target in desk.shown()


def test_what_cant_be_done_is_told_with_numbers_and_names_as_they_are(
    mira: Editor, noor: Editor
) -> None:
    mira.look(PAGE)
    answer = mira.send("/editor/undo", seq="9" * 24, back=PAGE)
    assert answer.status_code == 404
    assert mira.said == "The history has no entry with the number 99999999999999999999."
    noor.get("/editor/builds/publish", build="x")
    assert noor.said.startswith("This request needs role admin, but noor has role editor; ask")
    assert capitalized("sqlite:///x is locked") == "sqlite:///x is locked"


# History and builds


def test_the_history_says_who_did_what_and_why_and_exports_all_of_it(
    desk: Desk, mira: Editor, noor: Editor
) -> None:
    first, second, *_ = desk.shown()
    mira.look(PAGE)
    mira.decide(first, "hide", reason="=1+1")
    noor.look(PAGE)
    noor.press(f"place-3 {second}")
    mira.get("/editor/history", article=PAGE)
    lines = re.findall(r'<p class="row-title">(.*?)</p>', mira.page, re.DOTALL)
    assert len(lines) == 2
    assert "noor" in lines[0]
    assert "pinned" in lines[0]
    assert "mira" in lines[1]
    assert "hid" in lines[1]
    mira.get("/editor/history", who="noor")
    assert len(re.findall(r'<p class="row-title">', mira.page)) == 1
    rows = list(csv.DictReader(io.StringIO(mira.client.get("/editor/history.csv").text)))
    told = mira.client.get("/editor/history.json").json()
    assert [row["seq"] for row in rows] == [str(entry["seq"]) for entry in told]
    assert rows[-2]["reason"] == "'=1+1", "a spreadsheet runs no formula"
    assert told[-2]["reason"] == "=1+1"
    mira.get("/editor/history", what="builds")
    assert "published the build" in mira.page
    assert "pinned" not in mira.page
    mira.get("/editor/history", what="decisions")
    assert "published the build" not in mira.page
    mira.get("/editor/history")
    assert "published the build" in mira.page
    assert "pinned" in mira.page
    mira.send("/editor/undo", seq=str(told[-2]["seq"]))
    assert first in desk.shown()


def test_a_page_shows_what_a_build_would_change_with_what_editors_decided(
    desk: Desk, mira: Editor
) -> None:
    live, before = _builds(desk)
    page = mira.get("/editor/builds/changes", old=before, new=live)
    assert page.status_code == 200
    assert "<b>9</b> articles added" in page.text
    compared = page.text.count('<article class="compared"')
    assert compared > 0
    [changed] = re.findall(r"<b>(\d+)</b> of \d+ lists", page.text)
    assert compared == min(20, int(changed))
    assert '<ins lang="' in page.text or "<ins dir" in page.text


def test_rolling_back_keeps_every_decision_and_holds_publishing_until_released(
    desk: Desk, mira: Editor
) -> None:
    live, before = _builds(desk)
    hidden, pinned = desk.shown()[0], "sea-016"
    mira.look(PAGE)
    mira.decide(hidden, "hide")
    mira.decide(pinned, "pin", position="2")
    mira.get("/editor/builds")
    mira.send("/editor/builds/rollback", reason="odd lists")
    assert "The previous build is live." in mira.page
    assert _builds(desk)[0] == before
    assert desk.shown()[1] == pinned
    assert hidden not in desk.shown()
    assert "odd lists" in mira.page
    answer = mira.send("/editor/builds/publish", build=live)
    assert answer.status_code == 409
    assert "on hold since" in mira.said
    mira.send("/editor/builds/release")
    assert "odd lists" not in mira.page.split("<ol")[0]
    mira.get("/editor/builds/publish", build=live)
    warning = r"mira \(session\) rolled back from this build on \d.*: <q>odd lists</q>"
    assert re.search(warning, mira.page)
    assert "rolled back from" not in mira.get("/editor/builds/publish", build=before).text
    mira.send("/editor/builds/publish", build=live, reason="looked at")
    assert "rolled back from" not in mira.get("/editor/builds/publish", build=live).text
    mira.get("/editor/builds", done="published")
    assert "The build is now live." in mira.page
    events = mira.page[mira.page.index("What happened") :]
    told = re.findall(
        r"<b>(.*?)</b> (.*?) <span.*?</p>\s*<p class=\"meta\">(.*?)</p>", events, re.DOTALL
    )
    assert [(who, did) for who, did, _ in told[:3]] == [
        ("mira (session)", "published the build"),
        ("mira (session)", "resumed publishing after the build"),
        ("mira (session)", "rolled back to the build"),
    ]
    assert "looked at" in told[0][2]
    assert "odd lists" in told[2][2]
    for who, count in (("mira", 1), ("mira (session)", 1), ("noor", 0)):
        page = mira.get("/editor/history", who=who).text
        assert page.count("resumed publishing after the build") == count
    assert _builds(desk)[0] == live
    assert desk.shown()[1] == pinned
    assert hidden not in desk.shown()


def test_a_report_runs_no_script_and_its_titles_lead_to_their_articles(
    desk: Desk, mira: Editor
) -> None:
    answer = mira.get("/editor/builds/report", build=_builds(desk)[0])
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search("unsafe|script-src", policy)
    assert "<script" not in mira.page
    titled = re.findall(r'<a href="(/editor/article[^"]+)">', mira.page)
    assert titled
    assert mira.get(html.unescape(titled[0])).status_code == 200
    assert mira.get("/editor/builds/report", build="../../etc").status_code == 404


# What pages say


def test_both_passages_of_a_link_mark_words_that_both_articles_have(
    desk: Desk, mira: Editor
) -> None:
    for target in desk.shown()[:3]:
        page = mira.get("/editor/why", id=PAGE, target=target).text
        section = page[page.index('id="why"') : page.index("</section>")]
        passages = re.findall(r"<p[^>]*>(.*?)</p>", section, re.DOTALL)
        texts = [re.sub(r"<[^>]+>", "", passage).casefold() for passage in passages]
        marked = [set(re.findall(r"<mark>([^<]+)</mark>", passage)) for passage in passages]
        assert len(texts) == 2
        assert marked[0]
        shared = {word.casefold() for word in marked[0]} & {word.casefold() for word in marked[1]}
        assert all(word in text for word in shared for text in texts)
        assert shared
    assert mira.get("/editor/why", id=PAGE, target="no-such").status_code == 422


def test_a_word_says_how_close_a_link_is_among_the_site_s(desk: Desk, mira: Editor) -> None:
    closeness = Closeness.of(desk.root.open(), desk.settings.query)
    lowest, middle, highest = closeness.percentiles[[0, 50, 100]].tolist()
    assert [closeness.word(score) for score in (lowest, middle, highest)] == [
        *("loose", "close", "very close")
    ]
    assert closeness.rank(0.0) == 0
    assert closeness.rank(1.0) == 100
    mira.look(PAGE)
    assert re.search(r'title="Score 0\.\d\d: closer than \d+ % of the links', mira.page)


def test_drafts_are_related_without_being_kept(desk: Desk, mira: Editor) -> None:
    mira.get("/editor/drafts")
    assert DRAFT in mira.page
    assert SCHEDULED in mira.page
    text = "Otters and kelp\nThe urchin eats the kelp and the otter the urchin in the lagoon."
    answer = mira.send("/editor/drafts", text=text)
    assert answer.status_code == 200
    assert mira.page.count("data-item") == 6
    assert text.splitlines()[1] in mira.page
    answer = mira.send("/editor/drafts", text="")
    assert answer.status_code == 422
    assert mira.said


def test_what_is_said_of_a_draft_is_computed_beside_the_event_loop(
    mira: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, on_loop = EditorPages.closeness, []

    def measured(pages: EditorPages, build: Build) -> Closeness:
        with suppress(RuntimeError):  # no loop runs in a worker's thread
            on_loop.append(asyncio.get_running_loop())
        return measure(pages, build)

    monkeypatch.setattr(EditorPages, "closeness", measured)
    mira.get("/editor/drafts")
    assert mira.send("/editor/drafts", text="The urchin eats the kelp.").status_code == 200
    assert "data-item" in mira.page
    assert not on_loop


def test_the_demo_s_link_is_good_once_and_only_while_nobody_was_let_in(
    site: Path, tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "root", ignore=shutil.ignore_patterns("*sqlite*", "state*"))
    settings = Settings(root=tmp_path / "root")
    for local, status in (("192.0.2.7", 403), ("127.0.0.1", 200)):
        invitation = Invitation()
        with TestClient(create_app(settings, invitation), client=(local, 5)) as client:
            assert client.get("/editor/enter", params={"key": "guess"}).status_code == 403
            link = f"/editor/enter?key={invitation.key}"
            for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"):
                assert client.get(link, headers={name: "192.0.2.7"}).status_code == 403
            answer = client.get(link)
            assert answer.status_code == status
            if status == 200:
                assert answer.url.path == "/editor"
                again = TestClient(client.app, client=(local, 5))
                second = again.get("/editor/enter", params={"key": invitation.key})
                assert second.status_code == 403
    database = open_decisions(settings)
    assert may_invite(database), "guests let nobody in"
    database.editors.add(TESTER, name="mira", role=Role.EDITOR, password=PASSWORD)
    assert not may_invite(database)
    database.close()
    invitation = Invitation()
    with TestClient(create_app(settings, invitation), client=("127.0.0.1", 5)) as client:
        assert client.get("/editor/enter", params={"key": invitation.key}).status_code == 403


def test_no_reason_name_or_address_becomes_markup(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[0]
    for payload in PAYLOADS:
        printable = "".join(c for c in payload if c.isprintable())
        mira.look(PAGE)
        mira.decide(target, "hide", reason=printable)
        pages = [
            mira.page,
            mira.get("/editor", q=payload, tag=payload, language=payload).text,
            mira.get("/editor/history", article=payload, who=payload).text,
            mira.look(payload).text,
        ]
        for page in pages:
            assert "alert(1)</script>" not in page
            assert not re.search(r"<(?:script|img|svg/|style|base|math)[^>]*(?:alert|evil)", page)
            assert len(re.findall(r"<script", page)) <= 1
    assert mira.get("/editor/history").text.count("<q>") >= len(PAYLOADS) - 1


def test_every_page_has_a_policy_and_is_kept_by_no_cache(desk: Desk, mira: Editor) -> None:
    for path in ("", "/article?id=sea-000", "/history", "/builds", "/drafts", "/account", "/x"):
        answer = mira.get(f"/editor{path}")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<[^>]+ (?:style|on\w+)=", mira.page)
    frame = mira.get("/editor/cards", id=PAGE).headers["content-security-policy"]
    assert frame.startswith("sandbox allow-same-origin allow-popups;")
    assert "script-src" not in frame


def test_modules_and_style_are_asked_for_again_by_their_digest(desk: Desk) -> None:
    for name in ("editor.css", "editor.js", "swap.js"):
        answer = desk.client.get(f"/editor/static/{name}")
        assert answer.status_code == 200
        tag = answer.headers["etag"]
        again = desk.client.get(f"/editor/static/{name}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    for name in ("none.js", "..%2Fwidget.css", "__init__.py"):
        assert desk.client.get(f"/editor/static/{name}").status_code == 404


def test_find_narrows_by_what_is_asked_and_pages_through_the_rest(desk: Desk, mira: Editor) -> None:
    mira.get("/editor")
    assert "49 articles" in mira.page
    assert mira.page.count("data-item") == 40
    [further] = re.findall(r'rel="next" href="([^"]+)"', mira.page)
    mira.get(further)
    assert mira.page.count("data-item") == 9
    mira.get("/editor", standing="unpublished")
    assert mira.page.count("data-item") == 1
    assert DRAFT in mira.page
    mira.get("/editor", q="song", tag="choir")
    assert "1 article<" in mira.page
    mira.get("/editor", q="kelpp")
    assert "with similar spellings" in mira.page
    mira.get("/editor", q="xyzzyx")
    assert "Try fewer words." in mira.page
    mira.get("/editor", q="xyzzyx", overridden="1")
    assert "Try fewer words or clear a filter." in mira.page
    mira.look(PAGE)
    mira.decide(desk.shown()[0], "hide")
    mira.get("/editor", overridden="1")
    assert "1 article<" in mira.page
    assert "1 hide" in mira.page
    assert mira.get("/editor", page="0").status_code == 422


def test_the_order_of_a_search_is_kept_by_its_address_from_page_to_page(
    desk: Desk, mira: Editor
) -> None:
    in_lists = re.compile(r"in (\d+) lists? of the build<")
    mira.get("/editor", sort="most-lists")
    assert '<option value="most-lists" selected>' in mira.page
    first = [int(count) for count in in_lists.findall(mira.page)]
    [further] = re.findall(r'rel="next" href="([^"]+)"', mira.page)
    assert "sort=most-lists" in further
    mira.get(html.unescape(further))
    counts = first + [int(count) for count in in_lists.findall(mira.page)]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) > 2
    found = desk.ask("GET", "/v1/articles", params={"sort": "most-lists", "limit": 3}).json()
    mira.get("/editor", sort="most-lists")
    assert re.findall(r'class="id">([^<]+)', mira.page)[:3] == [
        each["article_id"] for each in found["items"]
    ]


def test_a_row_of_find_has_its_picture_and_marks_what_was_sought(mira: Editor) -> None:
    mira.get("/editor", q="sea-000")
    assert 'class="thumb" src="https://example.org/a.svg?b&amp;c" alt=""' in mira.page
    mira.get("/editor", q="par sea-0")
    assert mira.page.count("<mark>par</mark>t") == mira.page.count("data-item") > 0
    assert mira.page.count('class="thumb"') == 1
    mira.get("/editor", q='"<a')
    assert mira.page.count("<mark>") == 0


def test_the_first_page_lists_pins_that_need_a_look(desk: Desk, mira: Editor) -> None:
    first, second, third = desk.shown()[:3]
    for number, (target, ends) in enumerate(((first, "1"), (second, "30"), (third, "never")), 1):
        mira.look(PAGE)
        mira.decide(target, "pin", position=str(number), ends=ends)
    mira.get("/editor")
    assert "Pins that need your attention" in mira.page
    assert mira.page.count('chip warn">ends ') == 1
    mira.look(PAGE)
    mira.decide(third, "everywhere")
    mira.get("/editor")
    assert '<span class="chip warn">taken down</span>' in mira.page
    mira.get("/editor", q="sea")
    assert "Pins that need your attention" not in mira.page


def test_an_id_of_all_sorts_has_a_page_and_can_be_decided_about(desk: Desk, mira: Editor) -> None:
    assert mira.look(SLASHED).status_code == 200
    target = mira.titles("shown")[0]
    mira.decide(target, "hide")
    assert target not in desk.shown(SLASHED)
    mira.look(PAGE)
    mira.decide(SLASHED, "pin", position="1")
    assert desk.shown()[0] == SLASHED


def test_without_the_database_looking_and_deciding_say_so(desk: Desk, mira: Editor) -> None:
    database = desk.settings.root / "alsolike.sqlite"
    for path in database.parent.glob("alsolike.sqlite*"):
        path.unlink()
    end = time.monotonic() + 20
    answer: Any = None
    while time.monotonic() < end:
        answer = mira.get("/editor")
        if answer.status_code == 503:
            break
        time.sleep(0.2)
    assert answer.status_code == 503
    assert "<h1>" in mira.page, "an error is a page"
    assert desk.client.get("/v1/related", params={"id": PAGE}).status_code == 200


def test_before_the_first_build_a_page_leads_to_what_is_to_be_done(tmp_path: Path) -> None:
    settings = Settings(
        root=tmp_path,
        trusted_proxies=["127.0.0.1"],
        identity_header="Remote-User",
        identity_role=Role.EDITOR,
    )
    with TestClient(create_app(settings), client=("127.0.0.1", 1)) as client:
        page = client.get("/editor", headers={"Remote-User": "mira"})
        assert page.status_code == 503
        assert '<p><a href="/editor/builds">' in page.text
        builds = client.get("/editor/builds", headers={"Remote-User": "mira"})
        assert "<code>alsolike build</code>" in builds.text


def _builds(desk: Desk) -> tuple[str, str]:
    """The live build and the other one."""
    pointer = desk.root.current()
    assert pointer is not None
    return pointer.build, next(name for name in desk.root.names() if name != pointer.build)


def _judged(desk: Desk) -> set[tuple[str, int]]:
    database = open_decisions(desk.settings)
    found = {(each.target_id, each.verdict) for each in database.judgments.of(PAGE)}
    database.close()
    return found


def test_decisions_by_the_api_are_seen_on_the_page(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[2]
    assert (
        desk.decide(target, kind=OverrideKind.PIN, position=1, reason="by a program").status_code
        == 200
    )
    mira.look(PAGE)
    assert "by a program" in mira.page
    assert mira.titles("shown")[0] == target


def test_an_article_that_lists_rank_but_none_shows_says_why(desk: Desk, mira: Editor) -> None:
    target = desk.shown()[0]
    mira.get("/editor/rules")
    mira.send("/editor/rules", do="hide", target_id=target, everywhere="1")
    mira.look(target)
    assert re.search(r">in (one list|\d+ lists) of the build, but shown in none</a>", mira.page)
    assert "or what editors decided leaves it out." in mira.page
