"""A list that did not change keeps its bytes, its ETag and the kept answer over small builds."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.build.list_dates import build_date, build_name
from index.root.root import Root
from recommender.visibility import NEVER
from service.decisions.decision_state import Override, OverrideKind
from tests.support.articles import topical
from tests.support.builds import change, publish
from tests.support.moments import NOON, SECOND, moment
from tests.support.page_views import Service

COUNT = 48
RECORDS = topical(COUNT)
IDS = [record["id"] for record in RECORDS[::2]]
QUERIES = ("", "&fallback=none&limit=20", "&limit=3&sort=newest", "&min_score=0.3&fallback=none")

numbers = st.integers(0, COUNT - 1)
changes = st.one_of(
    st.tuples(st.just("card"), numbers),
    st.tuples(st.just("text"), numbers),
    st.tuples(st.just("remove"), numbers),
    st.tuples(st.just("hidden"), numbers),
    st.tuples(st.just("add"), numbers),
)


def changed_records(kind: str, number: int, salt: int) -> tuple[list[dict[str, Any]], list[str]]:
    """What a change puts and removes."""
    record = RECORDS[number]
    if kind == "remove":
        return [], [record["id"]]
    if kind == "card":
        return [{**record, "image": {"src": f"/{salt}.png", "alt": "A picture"}}], []
    if kind == "hidden":
        return [{**record, "status": "draft"}], []
    text = " ".join(random.Random(salt).sample(record["summary"].rstrip(".").split(), 9))
    if kind == "text":
        return [{**record, "summary": f"{text.capitalize()}."}], []
    return [{**record, "id": f"new-{salt}", "url": f"/new/{salt}", "summary": text}], []


def answers(service: Service) -> dict[str, tuple[bytes, str] | None]:
    """What every article's readers get, by the address they ask."""
    found: dict[str, tuple[bytes, str] | None] = {}
    for path in ("/v1/related", "/v1/related.html"):
        for article_id in IDS:
            for query in QUERIES if path == "/v1/related" else QUERIES[:1]:
                asked = f"{path}?id={article_id}{query}"
                answer = service.client.get(asked)
                shown = (answer.content, answer.headers.get("etag", ""))
                found[asked] = shown if answer.status_code == 200 else None
    return found


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Root]:
    folder = tmp_path_factory.mktemp("unchanged")
    root = Root(folder / "root")
    publish(root, folder, RECORDS)
    return folder, root


@pytest.mark.long
@given(steps=st.lists(changes, min_size=1, max_size=3))
@hypothesis_settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_what_changed_gets_other_bytes(
    first: tuple[Path, Root], steps: list[tuple[str, int]]
) -> None:
    _, root = first
    service = Service(root, fallback="none")
    before = answers(service)
    for kind, number in steps:
        put, remove = changed_records(kind, number, salt=len(root.names()))
        name = change(root, put, remove)
        touched = {*(record["id"] for record in put), *remove}
        service.live.refresh()
        misses = service.tally.misses
        after, fresh = answers(service), answers(Service(root, fallback="none"))
        assert after == fresh, "no answer is older than the build"
        kept, all_visible = 0, root.open().visible(NOON).all()
        for asked, shown in before.items():
            now = after[asked]
            if shown is None or now is None or ".html" in asked:
                continue
            was, is_ = json.loads(shown[0]), json.loads(now[0])
            shows = {is_["article_id"], *(item["article_id"] for item in is_["items"])}
            if was["items"] != is_["items"]:
                assert is_["build"] == name, (asked, "it changed in this build")
                assert shown[1] != now[1]
            elif asked.endswith(is_["article_id"]) and all_visible and not shows & touched:
                assert shown == now, asked  # else a place further down may count
                kept += 1
        assert service.tally.misses - misses <= len(after) - kept
        before = after


def test_one_new_card_leaves_the_other_lists_and_their_kept_answers(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    publish(root, tmp_path, RECORDS)
    service = Service(root)
    before = answers(service)
    misses = service.tally.misses
    change(root, [{**RECORDS[0], "image": {"src": "/new.png", "alt": ""}}], [])
    service.live.refresh()
    after = answers(service)
    same = [asked for asked in before if before[asked] == after[asked]]
    assert len(same) > len(before) / 2
    assert service.tally.misses - misses < len(before) / 2


def test_whatever_concerns_a_list_changes_its_tag(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    records = topical(COUNT)
    records[4]["visible_until"] = moment(NOON + 1_000 * SECOND)
    publish(root, tmp_path, records)
    service = Service(root)
    asked = f"/v1/related?id={IDS[0]}&limit=20"

    def tag() -> str:
        service.live.refresh()
        return str(service.client.get(asked).headers["etag"])

    def decided(**state: Any) -> str:
        service.decisions.set(**state)
        return tag()

    def over(kind: OverrideKind, target: str, position: int | None = None) -> Any:
        made = Override(article_id=IDS[0], kind=kind, target_id=target, position=position)
        return {IDS[0]: (made,)}

    tags = [tag(), decided(version=1, takedowns={service.ids(asked)[0]: NEVER})]
    tags.append(decided(version=2, overrides=over(OverrideKind.PIN, IDS[1], 1)))
    tags.append(decided(version=3, overrides=over(OverrideKind.HIDE, service.ids(asked)[2])))
    assert decided(version=4) == tags[0]
    member = next(record for record in records if record["id"] == service.ids(asked)[1])
    change(root, [{**member, "image": {"src": "/new.png", "alt": ""}}], [])
    tags.append(tag())
    assert IDS[4] in service.ids(asked)
    service.now += 2_000 * SECOND
    tags.append(tag())
    assert len(set(tags)) == len(tags)


def test_a_pin_that_waits_for_its_article_takes_effect_with_it(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    publish(root, tmp_path, [*RECORDS[:-1], {**RECORDS[-1], "status": "draft"}])
    service = Service(root, fallback="none")
    pin = Override(
        article_id=IDS[0], kind=OverrideKind.PIN, target_id=RECORDS[-1]["id"], position=1
    )
    service.decisions.set(version=1, overrides={IDS[0]: (pin,)})
    service.live.refresh()
    asked = f"/v1/related?id={IDS[0]}"
    assert RECORDS[-1]["id"] not in service.ids(asked)
    change(root, [RECORDS[-1]], [])
    service.live.refresh()
    assert service.ids(asked)[0] == RECORDS[-1]["id"]


def test_what_stands_in_for_an_article_that_the_page_names_is_told_anew(tmp_path: Path) -> None:
    root, named, page = Root(tmp_path / "root"), RECORDS[-1]["id"], RECORDS[0]
    newer = {**RECORDS[-1], "id": "newer", "url": "/newer", "supersedes": named}
    publish(root, tmp_path, [{**page, "related": [named]}, *RECORDS[1:], newer])
    service = Service(root, fallback="none")
    asked = f"/v1/related?id={page['id']}&limit=3"
    first = service.client.get(asked).json()["items"][0]
    assert (first["article_id"], first["origin"]) == ("newer", "site")
    change(root, [{**newer, "image": {"src": "/new.png", "alt": ""}}], [])
    service.live.refresh()
    assert service.client.get(asked).json()["items"][0]["image"]["src"] == "/new.png"


def test_what_expired_meanwhile_is_gone_after_a_rollback(tmp_path: Path) -> None:
    root, expiring = Root(tmp_path / "root"), {**RECORDS[2]}
    expiring["visible_until"] = moment(NOON + 1_000 * SECOND)
    publish(root, tmp_path, [*RECORDS[:2], expiring, *RECORDS[3:]])
    service = Service(root)
    asked = f"/v1/related?id={IDS[0]}&limit=47"
    assert expiring["id"] in service.ids(asked)
    change(root, [], [expiring["id"]])
    service.live.refresh()
    service.now += 2_000 * SECOND
    root.rollback()
    service.live.refresh()
    assert expiring["id"] not in service.ids(asked)


def test_the_name_of_a_build_is_a_date_and_back() -> None:
    name = "20261127T031500Z-0a1b2c"
    assert build_name(build_date(name)) == name
    assert build_date("20261127T031500Z-0a1b2d") == build_date(name) + 1
