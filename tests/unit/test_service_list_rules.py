"""Rules: pins and hides in the lists of all articles with a tag, or in all lists."""

from __future__ import annotations

from typing import Any

import pytest

from index.build.build import Build
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from recommender.visibility import NEVER
from service.curation.pin_alerts import AlertReason, find_alerts
from service.curation.preview import LeftOut, make_preview
from service.decisions.decision_state import DecisionState, Override, OverrideKind, StateChanges
from service.decisions.list_scope import EVERY, tag_scope
from service.serving.selection import Origin, select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import publish

NOW = 1_790_000_000_000_000
SEA, SALT, OTHER = "sea-000", "sea-008", "song-001"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Thirty-two articles; those on the sea are tagged so, and every other of them as salty."""
    records = topical(32)
    for number, record in enumerate(records):
        record["tags"] = ["Sea"] * (number % 4 == 0) + ["salt"] * (number % 8 == 0)
    folder = tmp_path_factory.mktemp("site")
    root = Root(folder / "root")
    return root.open(publish(root, folder, records))


def pin(target: str, lists: str, position: int = 1, **span: int) -> Override:
    return Override(
        article_id=lists, target_id=target, kind=OverrideKind.PIN, position=position, **span
    )


def hide(target: str, lists: str, **span: int) -> Override:
    return Override(article_id=lists, target_id=target, kind=OverrideKind.HIDE, **span)


def view(build: Build, *overrides: Override) -> ServingView:
    lists: dict[str, list[Override]] = {}
    for override in overrides:
        lists.setdefault(override.article_id, []).append(override)
    some = {scope: tuple(each) for scope, each in lists.items()}
    return ServingView(build, DecisionState(database="test", version=1, overrides=some))


def shown(served: ServingView, page: str, now: int = NOW, **query: Any) -> list[str]:
    row = served.build.row(page)
    assert row is not None
    chosen = select(served, row, now=now, query=RelatedQuery(**{"limit": 6, **query}))
    return [served.build.article_id(item.row) for item in chosen]


def test_a_pin_by_tag_stands_in_the_lists_of_that_tag_alone(build: Build) -> None:
    served = view(build, pin("bread-002", tag_scope("SEA"), 2))
    for row in range(build.count):
        page = build.article_id(row)
        found, plain = shown(served, page), shown(view(build), page)
        if page.startswith("sea"):
            assert found == [plain[0], "bread-002", *plain[1:5]]
        else:
            assert found == plain


def test_articles_with_a_tag_are_hidden_from_the_lists_of_another_or_from_all(build: Build) -> None:
    salty = {f"sea-{number:03}" for number in range(0, 32, 8)}
    in_sea = view(build, hide(tag_scope("salt"), tag_scope("sea")))
    everywhere = view(build, hide(tag_scope("salt"), EVERY))
    for served in (in_sea, everywhere):
        assert not salty & {*shown(served, "sea-004", limit=50)}
    assert salty & {*shown(in_sea, OTHER, limit=50)}
    assert not salty & {*shown(everywhere, OTHER, limit=50)}
    assert len(shown(everywhere, SALT)) == 6, "its own list stays"


def test_what_rules_hide_by_tag_is_found_once_for_a_build_whatever_editors_decide_besides(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (
        hide(tag_scope("salt"), tag_scope("sea")),
        hide("bread-002", EVERY),
        hide(tag_scope("pepper"), EVERY),
        hide(EVERY, tag_scope("salt")),
    )
    ids = [build.article_id(row) for row in range(build.count)]
    expected: dict[str, set[str]] = {
        OTHER: {"bread-002"},
        "sea-004": {"bread-002", *(f"sea-{number:03}" for number in range(0, 32, 8))},
        SALT: {*ids},
    }
    served = view(build, *rules)
    for _ in range(2):
        for page, hidden in expected.items():
            row = build.row(page)
            assert row is not None
            found = served.rules_of(row, NOW).hidden
            assert {
                key for key, story in zip(ids, build.story_of, strict=True) if story in found
            } == hidden
        monkeypatch.setattr(build, "tagged", None)
        served = ServingView(build, view(build, *rules, hide("rail-003", "sea-000")).state, served)
    masks = served._tag_masks
    assert len(masks) == 2
    ServingView(build, view(build, *rules[:3]).state, served).showing(NOW)
    assert [*masks] == [build.tag_numbers["salt"]], "and kept as long as a rule hides the tag"


def test_fallbacks_by_tag_pass_over_a_hidden_tag_at_once(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = view(build, hide(tag_scope("sea"), tag_scope("sea")))
    plain = shown(served, "sea-004", limit=50, fallback=Fallback.NEWEST)
    assert len(plain) == 24
    monkeypatch.setattr(build, "tagged", None)
    assert shown(served, "sea-004", limit=50, fallback=Fallback.TAG) == plain


def test_of_rules_a_hide_stands_before_a_pin_and_one_list_s_own_decision_before_both(
    build: Build,
) -> None:
    ruled = [pin(SALT, tag_scope("sea")), hide(tag_scope("salt"), EVERY)]
    assert SALT not in shown(view(build, *ruled), "sea-004", limit=50)
    assert shown(view(build, *ruled, pin(SALT, "sea-004", 3)), "sea-004")[2] == SALT
    own = [pin("bread-002", EVERY), hide("bread-002", SEA)]
    assert "bread-002" not in shown(view(build, *own), SEA, limit=50)
    assert shown(view(build, *own), "sea-004")[0] == "bread-002"
    both = [pin("bread-002", EVERY), pin("rail-003", SEA)]
    assert shown(view(build, *both), SEA)[:2] == ["rail-003", "bread-002"]


def test_a_rule_begins_and_ends_by_itself(build: Build) -> None:
    served = view(build, pin("bread-002", tag_scope("sea"), since=NOW, until=NOW + 100))
    told = [
        shown(served, SEA, now)[0] == "bread-002" for now in (NOW - 1, NOW, NOW + 99, NOW + 100)
    ]
    assert told == [False, True, True, False]
    assert (served.showing(NOW).since, served.showing(NOW).until) == (NOW, NOW + 100)
    assert served.epoch(NOW - 1) < served.epoch(NOW) < served.epoch(NOW + 100)


def test_a_list_has_room_for_its_own_pins_first(build: Build) -> None:
    served = view(build, pin("bread-002", EVERY), pin("rail-003", SEA), pin("song-005", SEA, 2))
    assert shown(served, SEA, limit=2) == ["rail-003", "song-005"]


def test_rules_follow_a_change_as_if_all_were_read_anew(build: Build) -> None:
    rule = hide(tag_scope("salt"), EVERY)
    before = view(build, pin("bread-002", SEA))
    for changed in ({EVERY: (rule,)}, {"sea-004": ()}, {EVERY: ()}):
        changes = StateChanges(
            database="test",
            since=before.state.version,
            version=before.state.version + 1,
            overrides=changed,
        )
        after = ServingView(build, before.state.after(changes), before)
        fresh = ServingView(
            build,
            DecisionState(
                database="test", version=after.state.version, overrides=after.state.overrides
            ),
        )
        assert after.state.rules == fresh.state.rules
        assert shown(after, OTHER, limit=50) == shown(fresh, OTHER, limit=50)
        before = after


def test_the_preview_says_that_a_rule_hides_and_lists_it(build: Build) -> None:
    served = view(build, hide(tag_scope("salt"), EVERY), pin("bread-002", tag_scope("sea")))
    row = build.row("sea-004")
    assert row is not None
    preview = make_preview(served, row, now=NOW, query=RelatedQuery())
    told = {build.article_id(each.row): each.left_out for each in preview.candidates}
    assert told[SALT] is LeftOut.HIDDEN_BY_RULE
    assert [(each.override.kind, each.shown) for each in preview.overrides] == [
        (OverrideKind.PIN, True),
        (OverrideKind.HIDE, False),
    ]
    [origin] = {item.origin for item in preview.chosen if build.article_id(item.row) == "bread-002"}
    assert origin is Origin.PINNED
    target = build.row("bread-002")
    assert target is not None
    inbound = make_preview(served, target, now=NOW, query=RelatedQuery()).inbound
    assert {build.article_id(link.row) for link in inbound} >= {SEA, "sea-004"}


def test_rules_without_effect_are_told(build: Build) -> None:
    served = view(
        build,
        hide(tag_scope("pepper"), EVERY),
        pin(SEA, tag_scope("pepper")),
        pin("gone", EVERY),
        pin("bread-002", tag_scope("sea"), 7),
        pin("rail-003", tag_scope("sea"), until=NOW),
        hide(SEA, EVERY, until=NEVER),
    )
    alerts = find_alerts(served, now=NOW, query=RelatedQuery(limit=6))
    reasons = [alert.reason for alert in alerts]
    assert sorted(reasons) == [
        AlertReason.BELOW_LIST,
        AlertReason.NO_TAG,
        AlertReason.NO_TAG,
        AlertReason.NO_TARGET,
    ]
