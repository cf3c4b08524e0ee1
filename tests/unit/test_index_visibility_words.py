"""What a page says of its own visibility, in the words of generators and systems."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from index.articles.visibility_words import (
    find_hiding_word,
    is_scheduled,
    is_visibility_name,
    other_instants,
)
from recommender.article import Status


def status_of(values: dict[str, Any], status: Any = None) -> tuple[Status, bool]:
    found = find_hiding_word(values, status)
    return (found.status, bool(found.unknown)) if found else (Status.PUBLISHED, False)


@pytest.mark.parametrize("value", [True, "true", "True", " YES ", "on", 1, 1.0, "1", "y"])
@pytest.mark.parametrize("name", ["draft", "Draft", "isDraft", "is_draft"])
def test_a_draft_is_a_draft_in_any_type_and_letter_case(name: str, value: Any) -> None:
    assert status_of({name: value}) == (Status.DRAFT, False)


@pytest.mark.parametrize("value", [False, "false", "FALSE", "no", "Off", 0, 0.0, "0"])
@pytest.mark.parametrize("name", ["published", "publish", "sitemap", "listed", "indexable"])
def test_a_page_that_says_it_is_not_public_is_hidden(name: str, value: Any) -> None:
    assert status_of({name: value}) == (Status.HIDDEN, False)


@pytest.mark.parametrize(
    "values",
    [
        {"unlisted": True},
        {"suppressed": 1},
        {"public_flag": 0},
        {"is_deleted_flag": "Y"},
        {"deletedTime": "2026-01-01T00:00:00Z"},
        {"withdrawn_date": "2026-01-01"},
        {"removed_date": "2026-01-01"},
        {"hidden": "yes"},
        {"private": 1},
        {"headless": True},
        {"noindex": True},
        {"index": 7, "noindex": True},
        {"no_index": "on"},
        {"do_not_index": 1},
        {"robotsNoIndex": True},
        {"robots": "noindex"},
        {"robots": "NOINDEX, follow"},
        {"robots": ["none"]},
        {"robots": {"index": "noindex"}},
        {"googlebot": "noindex"},
        {"eleventyExcludeFromCollections": True},
        {"redirect": "/blog/new"},
        {"redirect_to": "https://example.org/"},
        {"sitemap": {"exclude": True}},
        {"sitemap": {"disable": "true"}},
        {"sitemap_exclude": True},
        {"build": {"list": "never", "render": "never"}},
        {"_build": {"list": False}},
        {"build": {"render": "link"}},
        {"extra": {"noindex": True}},
        {"params": {"private": True}},
        {"seo": {"index": False}},
        {"seo": {"robots": "noindex"}},
        {"head": [{"tag": "meta", "attrs": {"name": "robots", "content": "noindex"}}]},
        {"head": [["meta", {"name": "robots", "content": "noindex"}]]},
        {"meta": [{"name": "robots", "content": "noindex, nofollow"}]},
        {"visibility": "private"},
    ],
)
def test_what_is_not_to_be_listed_is_hidden(values: dict[str, Any]) -> None:
    assert status_of(values) == (Status.HIDDEN, False)
    assert all(is_visibility_name(name) for name in values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"draft": False},
        {"draft": "no"},
        {"draft": None},
        {"draft": ""},
        {"draft": "  ", "hidden": "\t", "visibility": " "},  # of a padded column
        {"published": True},
        {"published": "2026-01-02T03:04:05Z"},
        {"published": "Mon, 05 Jan 2026 10:00:00 GMT"},
        {"published": dt.date(2026, 1, 2)},
        {"published": 1_700_000_000},
        {"robots": "index, follow"},
        {"robots": "max-snippet:-1"},
        {"redirect": False},
        {"redirect_from": ["/old/"]},
        {"sitemap": {"priority": 0.4}},
        {"sitemap": "/sitemap.xml"},
        {"build": {"list": "always", "render": True}},
        {"build": {"list": "local", "render": "always"}},
        {"build": "release"},
        {"index": 0},
        {"meta": {"keywords": "a"}},
        {"head": [{"tag": "meta", "attrs": {"name": "author", "content": "none"}}]},
        {"title": "draft", "tags": ["noindex"]},
    ],
)
def test_what_says_nothing_against_it_is_shown(values: dict[str, Any]) -> None:
    assert status_of(values) == (Status.PUBLISHED, False)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"draft": "maybe"}, None),
        ({"published": "soon"}, None),
        ({"hidden": 2}, None),
        ({"noindex": ["x"]}, None),
        ({"Status": "publishd"}, None),
        ({}, "publishd"),
        ({}, "T"),  # trash, taslak
        ({}, False),
        ({}, 1),  # a draft in some systems, published in others
        ({"post_status": 2}, None),
    ],
)
def test_a_word_that_is_not_understood_hides_and_is_told(
    values: dict[str, Any], status: Any
) -> None:
    assert status_of(values, status) == (Status.HIDDEN, True)


def test_a_word_that_is_understood_goes_before_one_that_is_not() -> None:
    found = find_hiding_word({"hidden": "perhaps", "private": True, "draft": "True"}, "")
    assert found is not None
    assert (found.field, found.status, found.unknown) == ("draft", Status.DRAFT, "")


def test_a_word_within_an_object_is_told_by_its_whole_path() -> None:
    found = find_hiding_word({"seo": {"noindex": "perhaps"}}, "")
    assert found is not None
    assert found.field == "seo.noindex"
    assert "seo.noindex 'perhaps'" in found.unknown


def test_tags_for_robots_are_found_to_the_fourth_list_and_no_deeper() -> None:
    tag: Any = {"name": "robots", "content": "noindex"}
    for _ in range(4):
        tag = [tag]
        assert status_of({"head": tag}) == (Status.HIDDEN, False)
    assert status_of({"head": [tag]}) == (Status.PUBLISHED, False)


def test_null_as_the_time_of_publication_is_a_draft_unless_a_status_is_given() -> None:
    found = find_hiding_word({"publishedAt": None}, None)
    assert found is not None
    assert found.status is Status.DRAFT
    assert "publishedAt is null: kept as a draft" in found.unknown
    assert find_hiding_word({"publishedAt": None, "status": "live"}, "live") is None
    assert find_hiding_word({"publishedAt": "", "status": "live"}, "live") is None
    for name in ("publishedAt", "Published On", "Published"):  # nothing, or a box not checked
        assert status_of({name: ""}) == (Status.DRAFT, True)
        assert status_of({name: " "}, " ") == (Status.DRAFT, True)
        assert status_of({name: " "}, "live") == (Status.PUBLISHED, False)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"attributes": {"publishedAt": "2037-01-01"}}, "attributes.publishedAt"),
        ({"data": {"attributes": {"visible_from": "2037"}}}, "data.attributes.visible_from"),
        ({"live": "2037-01-01"}, "live"),
        ({"released": "2037-01-01"}, "released"),
        ({"veröffentlicht": "2037-01-01"}, "veröffentlicht"),
        ({"publish_start": 1}, "publish_start"),
        ({"publishStartDate": "2037-01-01"}, "publishStartDate"),
        ({"start_publishing_date": "2037-01-01"}, "start_publishing_date"),
        ({"publish_time": "2037-01-01"}, "publish_time"),
        ({"scheduled_publish_at": "2037-01-01"}, "scheduled_publish_at"),
        ({"goes_live_at": "2037-01-01"}, "goes_live_at"),
        ({"embargo_end": "2037-01-01"}, "embargo_end"),
        ({"embargo": "yes"}, "embargo"),
        ({"embargo": True}, "embargo"),
        ({"starttime": 2114380800}, "starttime"),
        ({"postDate": "2037-01-01"}, "postDate"),
        ({"jcr:content": {"onTime": "2037-01-01"}}, "jcr:content.onTime"),
        ({"startPublish": "2037-01-01"}, "startPublish"),
        ({"releaseDate": "2037-01-01"}, "releaseDate"),
        ({"effective": "2037-01-01"}, "effective"),
        ({"published_on": "2037-01-01"}, "published_on"),
        ({"公開日": "2037-01-01"}, "公開日"),
        ({"pubDatetime": "2037-01-01"}, "pubDatetime"),
        ({"pub_date": 2114380800}, "pub_date"),
        ({"scheduled": True}, "scheduled"),
        ({"published": 1, "start": "2114380800", "stop": ""}, "start"),
        ({"Published": 1, "StartDateUtc": "2037-01-01", "EndDateUtc": None}, "StartDateUtc"),
        ({"fields": {"publishDate": {"en-US": "2037-01-01"}}}, "fields.publishDate"),
    ],
)
def test_a_time_from_which_a_page_is_visible_has_many_names(
    values: dict[str, Any], path: str
) -> None:
    assert [name for name, _ in other_instants(values, "visible_from")] == [path]
    assert not list(other_instants(values, "visible_until"))


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"metadata": {"expires_at": "2020-01-01"}}, "metadata.expires_at"),
        ({"expiration": "2020-01-01"}, "expiration"),
        ({"expiration_time": 1577836800}, "expiration_time"),
        ({"publish_end": "2020-01-01"}, "publish_end"),
        ({"publish_end_date": "2020-01-01"}, "publish_end_date"),
        ({"activeUntil": "2020-01-01"}, "activeUntil"),
        ({"display_until": "2020-01-01"}, "display_until"),
        ({"unpublished_at": True}, "unpublished_at"),
        ({"endtime": 1577836800}, "endtime"),
        ({"offTime": "2020-01-01"}, "offTime"),
        ({"stopPublish": "2020-01-01"}, "stopPublish"),
        ({"end_publication": "2020-01-01"}, "end_publication"),
        ({"end_publish_date": "2020-01-01"}, "end_publish_date"),
        ({"publishing_end": "2020-01-01"}, "publishing_end"),
        ({"unpublishing_date": "2020-01-01"}, "unpublishing_date"),
        ({"validThrough": "2020-01-01"}, "validThrough"),
        ({"takedown_at": "2020-01-01"}, "takedown_at"),
        ({"published": 1, "start": "", "stop": "1577836800"}, "stop"),
    ],
)
def test_a_time_until_which_a_page_is_visible_has_many_names(
    values: dict[str, Any], path: str
) -> None:
    assert [name for name, _ in other_instants(values, "visible_until")] == [path]
    assert not list(other_instants(values, "visible_from"))


@pytest.mark.parametrize(
    "values",
    [
        {"starttime": 0, "endtime": 0},  # as TYPO3 writes "none"
        {"start_time": "2037-01-01T18:00", "endTime": "20:00"},  # an event's
        {"start": "2037-01-01T18:00", "stop": "2037-01-02T18:00", "Effective": "2037-01-01"},
        {"published": True, "publish": "yes", "live": 1},
        {"embargo": False, "expires": "no"},
    ],
)
def test_an_answer_or_the_time_of_an_event_is_no_time_of_visibility(values: dict[str, Any]) -> None:
    assert not [*other_instants(values, "visible_from"), *other_instants(values, "visible_until")]


def test_an_empty_time_under_another_name_says_nothing() -> None:
    values = {"publish_at": "", "Publish At": "2026-05-01"}
    assert list(other_instants(values, "visible_from")) == [("Publish At", "2026-05-01")]


@pytest.mark.parametrize(
    "said",
    [
        {"Status": "Draft"},
        {"STATUS": "draft"},
        {"Status ": "private"},
        {"_status": "draft"},
        {"post_status": "pending"},
        {"Post Status": "Draft"},
        {"state": "draft"},
        {"publication_state": "draft"},
        {"workflow_state": "in_review"},
        {"is_published": False},
        {"isPublished": "false"},
        {"Published?": "nein"},
        {"is_public": 0},
        {"is_listed": "no"},
        {"is_private": 1},
        {"isArchived": True},
        {"trashed": "yes"},
        {"deleted_at": "2024-01-01"},
        {"active": 0},
        {"enabled": "no"},
        {"password": "letmein"},
        {"post_password": "letmein"},
        {"visibility": "members"},
        {"access": "private"},
        {"members_only": True},
        {"audience": "only_paid"},
        {"robots": {"index": False}},
        {"seo": {"robots": {"index": "noindex"}}},
        {"yoast_head_json": {"robots": {"index": "noindex"}}},
        {"attributes": {"draft": True}},
        {"fields": {"status": "draft"}},
        {"layout": "redirect"},
        {"layout": "redirected"},
        {"exclude_from_search": True},
        {"hide_from_listing": "yes"},
        {"show_in_list": False},
        {"live": False},
        {"privacy": "unlisted"},
        {"audience": "internal"},
        {"stage": "draft"},
        {"Status": "Entwurf"},
        {"state": 0},
        {"draft": {"production": True}},
        {"search": {"exclude": True}},
        {"extra": {"seo": {"noindex": True}}},
        {"page": {"hidden": True}},
        {"build": False},
        {"head": [{"tag": "meta", "attrs": {"http-equiv": "refresh", "content": "0;url=/x"}}]},
        {"pagefind": False},
        {"search": {"index": False}},
        {"permalink": {"build": False}},
        {"eleventyExcludeFromCollections": ["posts"]},
        {"sitemap": {"robotsDisable": True}},
        {"seo": {"index": "noindex"}},
        {"robots": False},
        {"robots": "no-index, follow"},
        {"state": -2},
        {"state": 2},
        {"state": "2.0"},
        {"published": -2},
        {"post_status": "auto-draft"},
        {"post_status": "inherit"},
        {"moderation_state": "needs_review"},
        {"visibility": "tiers"},
        {"visibility": "status:paid"},
        {"access": 3},
        {"access": {"site.login": True}},
        {"_id": "drafts.8f3a"},
        {"layout": "page-redirect"},
        {"redirects_to": "/b"},
        {"wip": True},
        {"not_published": "yes"},
        {"dg-publish": False},
        {"routable": "false"},
        {"removed_at": "2024-01-01"},
        {"is_spam": 1},
        {"premium": True},
        {"bookSearchExclude": True},
        {"Entwurf": "ja"},
        {"brouillon": True},
        {"statut": "brouillon"},
        {"estado": "borrador"},
        {"veröffentlicht": "nein"},
        {"indexing": False},
        {"type": "draft"},
        {"embargoed": True},
        {"is_embargoed": "yes"},
        {"is_expired": 1},
        {"taken_down": True},
        {"isTakenDown": True},
        {"is_soft_deleted": True},
        {"deleted_on": "2024-01-01"},
        {"archived_on": dt.date(2024, 1, 1)},
        {"publisher_is_draft": True},
        {"currentState": "DRAFT"},
        {"currentlyPublished": False},
        {"publish_state": "draft"},
        {"post_state": "private"},
        {"review_status": "needs review"},
        {"review_status": "rejected"},
        {"document_status": "draft"},
        {"content_state": "archived"},
        {"editorial_status": "in progress"},
        {"seo": [{"noIndex": True}]},
        {"fields": [{"title": "x", "draft": True}]},
        {"attributes": {"seo": [{"title": "x"}, {"noIndex": True}]}},
        {"content": {"rendered": "x", "protected": True}},
        {"meta": {"_yoast_wpseo_meta-robots-noindex": "1"}},
        {"meta": {"rank_math_robots": ["noindex"]}},
        {"publishedAt": None},
        {"attributes": {"published_at": None}},
        {"aasm_state": "draft"},
        {"discarded_at": "2020-01-01"},
        {"state": "queued"},
        {"review_state": "internally_published"},
        {"in_trash": True},
        {"is_del": 1},
        {"access": 6},
        {"privateweb": 1},
        {"CanViewType": "LoggedInUsers"},
        {"protect": "logged_in"},
        {"protect": {"scheme": "password"}},
        {"privacy": {"view": "anyone_with_link"}},
        {"hippostd:state": "unpublished"},
        {"moderation_status": "pending"},
        {"en_ligne": 0},
        {"geloescht": "1"},
        {"search": "exclude"},
        {"hiddenFromSearch": True},
        {"seo": '{"noIndex": true}'},
        {"metadata": '{"robots":"noindex, nofollow","author":"","rights":""}'},
        {"attributes": {"field_meta_tags": '{"robots":"noindex"}'}},
        {"_seoMetaTags": [{"tag": "meta", "attributes": {"name": "robots", "content": "noindex"}}]},
        {"fields": {"seo": {"en-US": {"noIndex": True}}}},
        {"fields": {"noIndex": {"en": False, "de": True}}},
        {"yoast_head": "<meta name='robots' content='noindex, follow' />"},
        {"aioseo_head_json": {"robots": "noindex, max-image-preview:large"}},
        {"meta": {"_jetpack_newsletter_access": "paid_subscribers"}},
        {"isAccessibleForFree": False},
        {"post_type": "nav_menu_item"},
        {"status": {"name": "Draft"}, "post_status": {"name": "Draft"}},
        {"post_status": "published,featured,hidden"},
    ],
)
def test_databases_and_systems_say_in_their_own_words_what_is_hidden(said: dict[str, Any]) -> None:
    assert find_hiding_word(said, None) is not None


@pytest.mark.parametrize(
    "said",
    [
        {"state": "California"},
        {"type": "article"},
        {"Status": "Published"},
        {"active": "navigation"},
        {"password": False},
        {"visibility": "public"},
        {"audience": "everyone"},
        {"robots": {"index": True}},
        {"hide": ["navigation"]},
        {"data": {"points": 3}},
        {"is_published": "ja"},
        {"Status": "veröffentlicht"},
        {"list": "posts"},
        {"show": {"toc": True}},
        {"released": "2026-03-01"},
        {"state": 1},
        {"state": 1.0},
        {"stage": 3},
        {"visibility": ["public"]},
        {"access": 1},
        {"id": "drafts-and-beers"},
        {"removed": "3.2"},
        {"search": {"boost": 2}},
        {"estado": "Sonora"},
        {"veröffentlicht": "2026-03-01"},
        {"type": "drafting"},
        {"embargoed": "2026-03-01"},
        {"embargoed": False},
        {"deleted_on": None},
        {"review_status": "second edition"},
        {"seo": [{"noIndex": False}]},
        {"content": {"rendered": "x", "protected": False}},
        {"meta": {"_yoast_wpseo_meta-robots-noindex": "2"}},
        {"published_on": None},
        {"post_status": "Active"},
        {"moderation_state": "online"},
        {"Published": "checked", "No index": "unchecked"},
        {"published": "published"},
        {"post_status": "published,featured"},
        {"post_status": {"name": "Published"}},
        {"post_status": "PUBLISHED_OR_SCHEDULED"},
        {"archivedAt": "1970-01-01T00:00:00Z"},
        {"fields": {"noIndex": {"en-US": False}}},
        {"redirect": {"enabled": False}},
        {"redirect": {"url": ""}},
        {"redirect": "none"},
        {"draft": {"value": False}},
        {"visibility": {"value": "public"}},
        {"access": 5},
        {"post_type": "post"},
        {"seo": "{not JSON"},
        {"metadata": '{"robots":"","author":""}'},
        {"seo": {2026: "kelp"}, 7: "sea"},
    ],
)
def test_words_that_hide_nothing_leave_an_article_public(said: dict[str, Any]) -> None:
    assert find_hiding_word(said, None) is None


def test_a_status_of_any_name_may_need_a_time() -> None:
    assert is_scheduled({"post_status": "Future"}, None)
    assert is_scheduled({}, " scheduled ")
    assert not is_scheduled({"status": "publish", "title": "future"}, "publish")


def test_a_badge_of_a_documentation_site_is_no_status() -> None:
    for time in ({"$date": "2026-03-01"}, {"seconds": 1772355600}, "2026-03-01", True, "soon"):
        assert find_hiding_word({"deleted_at": time}, None) is not None
    for none in ("NULL", "0000-00-00 00:00:00", r"\N", 0, False, "-"):
        assert find_hiding_word({"deleted_at": none}, None) is None
    assert find_hiding_word({"post_password": "NULL"}, None) is None
    assert find_hiding_word({}, "new") is None
    assert find_hiding_word({}, "deprecated") is None


@pytest.mark.parametrize(
    "values",
    [
        {"published_at": "NULL"},
        {"published_at": r"\N"},
        {"isDraft": False, "lastPublished": None},
        {"sys": {"archivedAt": "2026-01-01T00:00:00Z", "publishedVersion": 4}},
        {"sys": {"version": 3, "revision": 1}},
        {"_id": "versions.rABC.post1"},
        {"review_state": "private"},
        {"enabled": True, "enabledForSite": False},
        {"metatag": [{"tag": "meta", "attributes": {"name": "robots", "content": "noindex"}}]},
        {"metatag": {"robots": "noindex, nofollow"}},
        {"hidden": 0, "fe_group": "-2"},
        {"hidden": 0, "fe_group": "0,2"},
        {"cq:lastReplicationAction": "Deactivate"},
        {"preferences": {"isDelisted": True}},
        {"system": {"workflow_step": "archived"}},
        {"hidden": False, "invisible": True},
        {"user_segment_id": 123},
        {"__Never publish": "1"},
        {"access_level": "subscriber"},
        {"hidden_at": "2026-01-01"},
        {"retracted": True},
        {"seo": {"disallowIndexing": True}},
        {"myst": {"html_meta": {"robots": "noindex"}}},
        {"status": [{"value": False}]},
        {"state": "In Review"},
        {"state": ["draft"]},
        {"stage": {"id": "x1", "name": "Draft"}},
        {"workflow_step": {"codename": "draft"}},
        {"_source": {"status": "draft"}},
        {"node": {"post": {"isDraft": True}}},
        {"stage": "in-progress"},
        {"state": "AUTOMATED_DRAFT_AB"},
        {"workflow": "draft"},
        {"workflow": {"state": "pending approval"}},
        {"lifecycle": "archived"},
        {"published_state": "no word of any system"},
        {"utkast": True},
        {"下書き": "はい"},
        {"опубликовано": "нет"},
        {"freigegeben": "Nein"},
        {"publicerad": "nej"},
        {"access": "members-only"},
        {"email_type": "premium"},
        {"publicAccessRulesEnabled": True},
        {"pricingPlanIds": ["a"]},
        {"archetype": "private_message"},
        {"publish_details": []},
        {"first_publication_date": None},
        {"visible": ""},
        {"状态": "草稿"},
        {"ステータス": "下書き"},
        {"상태": "임시저장"},
        {"Статус": "Черновик"},
        {"الحالة": "مسودة"},
        {"وضعیت": "پیش‌نویس"},
        {"Trạng thái": "Bản nháp"},
        {"Durum": "Taslak"},
        {"situação": "rascunho"},
        {"状態": "非公開"},
        {"是否公开": "否"},
        {"공개": "아니오"},
        {"скрыто": "да"},
        {"visibility": "비공개"},
        {"ignorePublish": True},
        {"掲載": "非掲載"},
        {"文章状态": "待审"},
        {"Статус": "На модерации"},  # noqa: RUF001
        {"ステータス": "下書き保存"},
        {"掲載": "未掲載"},
    ],
)
def test_what_systems_say_against_showing_a_page_holds(values: dict[str, Any]) -> None:
    assert status_of(values, values.get("status"))[0] is not Status.PUBLISHED


@pytest.mark.parametrize(
    "values",
    [
        {"published_at": "2026-01-01"},
        {"sys": {"revision": 1}},
        {"sys": {"version": 3, "publishedVersion": 2}},
        {"_id": "versions.html"},
        {"fe_group": "0"},
        {"fe_group": ""},
        {"user_segment_id": None},
        {"online": False},
        {"effective": "2030-01-01"},
        {"on_time": True, "off_time": "17:00"},
        {"fe_group": ["0"]},
        {"fe_group": [0]},
        {"workflow_step": "2nd of 5"},
        {"cq:lastReplicationAction": "Activate"},
        {"status": True},
        {"status": [{"value": True}]},
        {"status": "updated"},
        {"metatag": {"robots": "index"}},
        {"state": "New York", "stage": "series A", "workflow": "default", "phase": "3"},
        {"status": "Published-or-scheduled"},
        {"status": ["published"]},
        {"node": {"status": "publish"}, "source": "The Harbour Post", "item": {"state": "new"}},
        {"status": "公開済み", "concept": "the sea", "audience": "developers"},
        {"archetype": "regular", "email_type": "public", "pricingPlanIds": []},
        {"publish_details": [{"environment": "production"}]},
        {"publicationStatus": "ppublish", "publication_status": "aheadofprint"},
        {"published": 2021},
        {"公开": "2024年3月5日", "已发布": "2024年03月05日 10:00", "공개": "2024년 3월 5일"},
        {"是否删除": "未删除", "是否隐藏": "显示", "私密": "不隐藏", "公开": "所有人"},
        {"공개": "전체", "公開": "全体", "visible": "everyone"},
        {"公開": "令和6年3月5日", "published": "20240305"},
        {"indexed": "MEDLINE", "published": {"date-parts": [[2021, 3]]}},
        {"indexed": {"date-parts": [[2024, 5, 1]], "timestamp": 1714557600000}},
        {"status": "公開中", "状态": "完成", "发布": "新华社"},
        {"status": "منتشر شده", "visibility": "전체공개", "draft": "không"},
        {"status": "Yay\u0131nda", "Статус": "Опубликована", "ステータス": "公開", "公开": "是"},
    ],
)
def test_what_systems_say_of_a_published_page_hides_nothing(values: dict[str, Any]) -> None:
    assert status_of(values, values.get("status")) == (Status.PUBLISHED, False)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        *(
            ({name: "D"}, "visible_from")
            for name in ("datePublished", "first_published_at", "posted_at", "scheduled_time")
        ),
        *(
            ({name: "D"}, "visible_until")
            for name in ("valid_till", "offline_date", "removeAt", "display_end")
        ),
        ({"_hiddenBeforeDateTime": "D"}, "visible_from"),
        ({"live_at": "D"}, "visible_from"),
        ({"depublishedAt": "D"}, "visible_until"),
        ({"_hiddenAfterDateTime": "D"}, "visible_until"),
        ({"unpub_date": "D"}, "visible_until"),
        ({"_unpublishing_scheduled_at": "D"}, "visible_until"),
        ({"publishedUntil": "D"}, "visible_until"),
        ({"robots": "index, unavailable_after: D"}, "visible_until"),
        ({"robots": ["all", "unavailable_after: D"]}, "visible_until"),
        ({"metas": [[{"name": "robots", "content": "unavailable_after: D"}]]}, "visible_until"),
    ],
)
def test_times_are_found_under_the_names_of_systems(values: dict[str, Any], name: str) -> None:
    assert [value for _, value in other_instants(values, name)] == ["D"]


@pytest.mark.parametrize(
    "values",
    [
        {"draftId": 5},  # Craft
        {"isProvisionalDraft": True},
        {"t3ver_wsid": 2},  # a workspace of TYPO3
        {"t3ver_oid": 14},
        {"doktype": 254},
        {"_originalId": "drafts.kelp"},  # Sanity
        {"o_published": 0},  # Pimcore
        {"website_published": "f"},  # Odoo
        {"cvIsApproved": 0},  # Concrete
        {"discussion_state": "moderated"},  # XenForo
        {"topic_visibility": 2},  # phpBB
        {"workflowPlace": "review"},  # Sulu
        {"OData__ModerationStatus": 3},  # SharePoint
        {"IsVisibleInPkb": False},  # Salesforce
        {"page_is_redirect": 1},  # MediaWiki
        {"hidden_from_feed": True},  # beehiiv
        {"hiddenFromRelated": True},  # FixIt
        {"article": False},  # VuePress Hope
        {"security": "friends"},  # LiveJournal
        {"template": True},  # Outline
        {"read_restricted": True},  # Discourse
        {"post_type": "elementor_library"},
        {"status": {"code": 2, "label": "draft"}},  # Liferay
        {"permission": "AGENTS"},  # Zoho Desk
        {"permission": "REGISTEREDUSERS"},
        {"audience": "agents"},
        {"security": "team"},
        {"folder_visibility": 3},  # Freshdesk
        {"if": "visitor.claims.unsigned.isBetaUser === true"},  # GitBook
        {"can_read_user_criteria": "a7e8a78bff0221009b20ffffffffff17"},  # ServiceNow
        {"draft.of": "Kelp"},  # TiddlyWiki
        {"excalidraw-plugin": "parsed"},  # Obsidian
        {"shareStatus": "TEAM"},  # Guru
        {"translation": {"visibility_status": "UNLISTED"}},  # Gorgias
        *(
            {"title": "Kelp", "translation": translation}  # mapped from there
            for unlisted in [{"title": "Kelp", "visibility_status": "UNLISTED"}]
            for translation in (
                *(unlisted, [unlisted], json.dumps(unlisted), {"attributes": unlisted}),
                *({"en": unlisted, "de": {"title": "Tang"}}, {"en-US": unlisted}),
                {"visibility_status": "UNLISTED"},
            )
        ),
        *(
            {"title": title, "translation": {"title": other, "status": "draft"}}
            for title, other in (
                *(
                    ("Kelp & Salt", "Kelp &amp; Salt"),
                    ("Kelp's ", "kelp\u2019s"),
                    ("Wait...", "Wait…"),
                ),
                *(("« Kelp »", '"Kelp"'), ("Rye \u2212 kelp", "Rye - kelp"), ("Kelp.", "Kelp")),
                *(({"rendered": "Kelp"}, "Kelp"), ("Kelp", {"raw": "Kelp", "html": "<b>Kelp</b>"})),
                *((1984, "1984"), ([{"value": "Kelp"}], {"en": {"value": "Kelp"}, "de": "Tang"})),
            )
        ),
        {"published": "\x00"},  # a BIT of MySQL
        {"type": "post_draft"},  # Typecho
        {"type": "attachment", "mime_type": "image/png"},
        {"node": {"type": "attachment", "mime_type": "image/png"}},
        {"approve": 0},  # DataLife Engine
        {"disable_index": 1},
        {"blogpassword": "kelp"},
        {"estado": "inactivo"},
        {"ativo": "N"},
        {"eliminado": True},
        {"is_show": 0},
        {"published": "\u00d7"},
        *({name: "N"} for name in ("use_yn", "disp_flg", "open_yn", "visible_flag")),
        *({name: "Y"} for name in ("del_yn", "delete_flg", "secret_yn", "hidden_flag")),
        {"published_at": "0000-00-00 00:00:00"},
        {"published_at": "0001-01-01T00:00:00Z"},
        *({name: True} for name in ("hide_post", "hideFromBlog", "not_listed", "internal_only")),
        *({name: "1"} for name in ("is_inactive", "rejected", "exclude_from_feed", "metaNoindex")),
        *({name: "no"} for name in ("is_ready", "publish_flag", "show_in_blog", "in_sitemap")),
    ],
)
def test_further_systems_say_that_a_record_is_not_for_readers(values: dict[str, Any]) -> None:
    found = find_hiding_word(values, values.get("status"))
    assert found is not None


@pytest.mark.parametrize(
    "values",
    [
        {"draftId": None, "t3ver_wsid": 0, "t3ver_oid": 0, "doktype": 1},
        {"originalId": "kelp", "o_published": 1, "cvIsApproved": 1, "topic_visibility": 1},
        {"OData__ModerationStatus": 0, "page_is_redirect": 0, "template": 1},
        {"article": {"title": "Kelp"}, "security": "public"},
        {"status": {"code": 0, "label": "approved"}},
        {"published": "\x01", "draft": "\x00"},  # a BIT of MySQL
        {"rejected": False, "inactive": 0, "hide_post": "", "is_ready": True, "secret": None},
        {"Status": "On"},  # a view of Drupal
        {"folder_visibility": 1, "permission": "ALL", "can_read_user_criteria": "", "IF": 4.2},
        {"shareStatus": "PUBLIC", "translation": {"visibility_status": "PUBLIC"}},
        {"published_at": "2026-03-01 10:00:00", "approve": 3, "type": "overdraft"},
        {"statut": "publie", "ativo": "S", "del_yn": "N", "use_yn": "Y", "published": "○"},
        {"published_at": "0000-00-00", "status": "Y"},
        {"title": "Kelp", "translation": {"title": "Tang", "status": "in progress"}},
        {"title": "Kelp", "translation": [{"attributes": {"title": "Tang", "draft": True}}]},
        *(
            {"title": title, "translation": {"title": other, "status": "draft"}}
            for title, other in (
                *(({"rendered": "Kelp"}, ["Tang"]), ([{"value": "Kelp"}], [{"value": "Tang"}])),
                *(({"value": "Kelp", "format": "html"}, {"value": "Tang", "format": "html"}),),
                *((1984, "2001"), ("C++", "C#")),
            )
        ),
        {"mime_type": "text/html", "node": {"type": "Revision"}},
        {"type": "Revision", "template": "attachment", "audience": "estate agents"},
        {"durum": "yayinda", "stav": "nový", "situacao": "A"},
    ],
)
def test_further_systems_say_that_a_record_is_for_readers(values: dict[str, Any]) -> None:
    assert find_hiding_word(values, values.get("status")) is None


def test_a_number_as_status_is_told_with_what_to_do() -> None:
    for values, status in (({}, 1), ({"post_status": "2"}, None), ({"状态": 1}, None)):
        found = find_hiding_word(values, status)
        assert found is not None
        assert "give status published or draft" in found.unknown


@pytest.mark.parametrize(
    "values",
    [
        {"exclude_from_archives": True},
        {"hidden_from_google": 1},
        {"excludeFromCollections": "yes"},
        {"no-robots": True},
        {"in_search": False},
        {"allowRobots": "no"},
        {"display_in_listings": False},
        {"google_index": False},
        {"supporters_only": True},
        {"needs_membership": True},
        {"subscription-required": 1},
        {"pending": True},
        {"needsReview": "true"},
        {"seoMeta": {"noIndex": True}},
        {"page_seo": {"robots": "noindex"}},
        {"robots": {"googleBot": {"index": False}}},
        {"sitemap": {"include": False}},
        {"page_visibility": "hidden"},
        {"permissions": "private"},
        {"custom_fields": {"noindex": "1"}},
        {"acf": {"members_only": True}},
        {"acf": {"status": "private"}},
        {"is_login_required": True},
        {"isAuthRequired": 1},
        {"is_no_index": True},
        {"page_visibility": "private"},
        {"record_status": "deleted"},
        {"approval": {"status": "rejected"}},
        {"meta": {"_jetpack_memberships_contains_paywalled_content": True}},
    ],
)
def test_names_made_of_parts_hide_in_every_arrangement(values: dict[str, Any]) -> None:
    assert status_of(values) == (Status.HIDDEN, False)
    assert is_visibility_name(next(iter(values)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hidden_until", "visible_from"),
        ("draftUntil", "visible_from"),
        ("visible-after", "visible_from"),
        ("shown_from_date", "visible_from"),
        ("_publicationScheduledAt", "visible_from"),
        ("visible_thru", "visible_until"),
        ("listed_till", "visible_until"),
        ("expire", "visible_until"),
        ("remove_on", "visible_until"),
        ("depublish_at", "visible_until"),
        ("post_expires_at", "visible_until"),
        ("depublish_date", "visible_until"),
        ("entry_unpublished_on", "visible_until"),
        ("date_published_end", "visible_until"),
        ("date_expiration", "visible_until"),
        ("fecha_publicacion", "visible_from"),
        ("Posted", "visible_from"),
        ("published_to", "visible_until"),
        *((name, "visible_from") for name in ("公開", "已发布", "опубликовано", "julkaistu")),
    ],
)
def test_times_are_known_by_the_parts_of_their_names(name: str, kind: str) -> None:
    assert [*other_instants({name: "2026-03-01"}, kind)] == [(name, "2026-03-01")]


@pytest.mark.parametrize(
    "values",
    [
        {"hide_from_nav": True},
        {"show_in_menu": False},
        {"published_in": "Nature"},
        {"StartDateUtc": "2199-01-01", "EndDateUtc": "2199-01-02"},
        {"seo": "Kelp"},
        {"google": False},
        {"seo_title": "Kelp"},
        {"offline": True},
        {"active_since": "2010"},
        {"hidden_to": "guests"},
        {"item_status": "in stock"},
        {"stateName": "Sonora"},
        {"order_status": "draft"},
        {"publication": {"name": "Preview"}},
        {"permissions": ["read"]},
        {"permissions": "none"},
        {"permission": "owner"},
        {"authentication_required": True},
        {"requires_authentication": "API key"},
        {"seo_visibility": 73},
        {"in_index": 4},
        {"block_index": 2},
        {"display_in_list": "grid"},
        {"show_start_time": "20:00"},
        {"show_starts": "2199-01-01"},
        {"pending": 3},
        {"incomplete": True},
        {"published_to": "Website", "publish_to": ["web", "app"]},
        {"acf": {"status": "Sold", "release_date": "2199-01-01", "available_from": "2199-01-01"}},
        {"custom_fields": {"members_only": "some days"}},
    ],
)
def test_names_of_like_parts_that_say_other_things_hide_nothing(values: dict[str, Any]) -> None:
    assert status_of(values) == (Status.PUBLISHED, False)
    assert not [*other_instants(values, "visible_from"), *other_instants(values, "visible_until")]


@pytest.mark.parametrize("value", [False, "archived", "customers", 0])
def test_a_visibility_that_is_not_understood_hides(value: Any) -> None:
    assert status_of({"page_visibility": value}) == (Status.HIDDEN, True)


@pytest.mark.parametrize(
    "name", ["story_status", "statusName", "doc_state", "newsStatus", "approval"]
)
def test_a_status_has_the_name_of_what_it_is_of(name: str) -> None:
    assert is_scheduled({name: "scheduled"}, None)
    assert status_of({name: "draft"}) == (Status.DRAFT, False)
    assert status_of({name: "on the shore"}) == (Status.PUBLISHED, False)
