"""The plugin in a real WordPress, beside a real service that lives by its pushes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.wordpress.make_zip import write_zip
from tests.support import real_servers
from tests.support.builds import SAMPLE
from tests.support.chromium import NEEDS_CHROMIUM
from tests.support.http_site import page as answer
from tests.support.http_site import serving
from tests.support.service_process import alsolike, free_ports, get, stop, until

pytestmark = [*NEEDS_CHROMIUM, pytest.mark.timeout(600), pytest.mark.slow_first]

SOURDOUGH = "Rye sourdough keeps its crumb"
TEXT = "<p>The sourdough loaf of rye flour keeps its crumb. Dough, starter, oven, bread, yeast.</p>"


@dataclass
class Newsroom:
    """A WordPress with the plugin, the service, and the folder that both know."""

    site: real_servers.Site
    folder: Path
    port: int
    tokens: dict[str, str]
    processes: ExitStack
    serving: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def service(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Starts the service, and waits until it answers."""
        folder = self.folder / "serve"
        folder.mkdir(exist_ok=True)
        arguments = ("serve", "--root", str(self.folder / "root"), "--port", str(self.port))
        self.serving.append(self.processes.enter_context(alsolike(*arguments, folder=folder)))
        until(lambda: get(f"{self.service}/livez"))

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """Asks WordPress' own API, as the editor's page does."""
        key = base64.b64encode(f"{self.site.user}:{self.site.password}".encode()).decode()
        request = urllib.request.Request(
            f"{self.site.url}/wp-json/{path}",
            method=method,
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"Basic {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def post(self, title: str, content: str = TEXT, status: str = "publish", **more: Any) -> int:
        values = {"title": title, "content": content, "status": status, **more}
        return int(self.call("POST", "wp/v2/posts", values)["id"])

    def php(self, code: str) -> str:
        """Runs code within WordPress."""
        start = (
            f"$_SERVER['HTTP_HOST'] = '{self.site.url.removeprefix('http://')}';"
            f"require '{self.site.folder}/wp-load.php';"
        )
        done = subprocess.run(["php", "-r", start + code], capture_output=True, check=True)
        return done.stdout.decode()

    def set(self, **values: Any) -> None:
        """Changes settings of the plugin."""
        changed = base64.b64encode(json.dumps(values).encode()).decode()
        self.php(
            f"$new = json_decode(base64_decode('{changed}'), true);"
            "remove_all_filters('sanitize_option_alsolike');"
            "update_option('alsolike', array_merge((array) get_option('alsolike'), $new));"
            "delete_option('alsolike_wait'); delete_transient('alsolike_away');"
        )

    def waiting(self) -> int:
        return int(self.php("echo count(AlsoLike\\marks());"))

    def marked(self, change: str) -> list[int]:
        """Which posts a change, made in PHP, marks to be sent; waits until they are sent."""
        told = self.php(f"{change} echo json_encode(array_keys(AlsoLike\\marks(1000)));")
        until(lambda: self.waiting() == 0)
        return list(json.loads(told))

    def run_cron(self) -> None:
        get(f"{self.site.url}/wp-cron.php?doing_wp_cron")

    def status(self, post: int) -> dict[str, Any] | None:
        """Where the last push about a post stands."""
        request = urllib.request.Request(
            f"{self.service}/v1/articles/status?id={post}",
            headers={"Authorization": f"Bearer {self.tokens['publisher']}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError:
            return None

    def gone(self, post: int) -> bool:
        status = self.status(post)
        return status is not None and status["gone"]

    def page(self, post: int) -> str:
        """A post's page as readers get it."""
        answer = get(f"{self.site.url}/?p={post}")
        assert answer is not None
        assert answer.status == 200
        text = answer.body.decode()
        assert "<footer>The end</footer>" in text
        assert "Warning" not in text
        assert "Notice" not in text
        return text

    def listed(self, post: int) -> bool:
        """Whether the service shows a post's list."""
        answer = get(f"{self.service}/v1/related?id={post}")
        return answer is not None and answer.status == 200


def run(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "service.cli", *arguments, "--root", str(root)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Newsroom]:
    folder = tmp_path_factory.mktemp("newsroom")
    articles = folder / "articles.jsonl"
    lines = (SAMPLE / "articles.jsonl").read_text().splitlines(keepends=True)
    articles.write_text("".join(lines[:40]))
    with real_servers.wordpress(articles) as site, ExitStack() as processes:
        root = folder / "root"
        root.mkdir()
        tokens = {
            role: run(root, "tokens", "add", f"wp-{role}", "--role", role)
            for role in ("publisher", "editor")
        }
        made = Newsroom(site, folder, free_ports(), tokens, processes)
        made.serve()
        set_up(made, browser)
        watch = folder / "watch"
        watch.mkdir()
        arguments = ("watch", "--root", str(root), "--model", "hashing:256")
        calm = {"ALSOLIKE_FULL_BUILD_AT": "off", "ALSOLIKE_MAX_CHURN": "1"}
        processes.enter_context(alsolike(*arguments, folder=watch, environment=calm))
        yield made


def set_up(newsroom: Newsroom, browser: Browser) -> None:
    """Installs and connects the plugin, as its administrator does."""
    package = newsroom.folder / "alsolike.zip"
    write_zip(package)
    context = browser.new_context()
    page = context.new_page()
    sign_in(newsroom, page)
    page.goto(f"{newsroom.site.url}/wp-admin/plugin-install.php?tab=upload")
    if not page.locator("input[name=pluginzip]").is_visible():
        page.click("a.upload-view-toggle")
    page.set_input_files("input[name=pluginzip]", str(package))
    page.click("#install-plugin-submit")
    page.click("a:has-text('Activate Plugin')")
    page.goto(f"{newsroom.site.url}/wp-admin/options-general.php?page=alsolike")
    page.fill("#alsolike-address", newsroom.service + "/")
    page.fill("#alsolike-token", "wrong")
    page.fill("#alsolike-editor_token", newsroom.tokens["editor"])
    page.click("#submit")
    refused = page.locator("#alsolike-check").inner_text()
    assert "alsolike tokens add wordpress --role publisher" in refused
    page.fill("#alsolike-token", newsroom.tokens["publisher"])
    page.click("#submit")
    content = page.content()
    assert not any(token in content for token in newsroom.tokens.values()), "no token is shown"
    assert "Send all posts, below" in page.locator("#alsolike-check").inner_text()
    page.click("input[value='Send all posts']")
    text = page.locator("#alsolike-check").inner_text()
    assert "Send all posts, below" not in text
    assert "It has your posts" in text
    assert "The token may push" in text
    assert "The editor token may decide" in text
    assert "sent: 0" in text
    posts = newsroom.php("echo wp_count_posts()->publish + wp_count_posts()->future;")
    assert f"Posts sent: {posts}" in page.content()
    context.close()


def sign_in(newsroom: Newsroom, page: Page) -> None:
    # WordPress' own form moves the focus while it is being filled: who is quick types the
    # password into the field for the name.
    form = {"log": newsroom.site.user, "pwd": newsroom.site.login}
    answer = page.context.request.post(f"{newsroom.site.url}/wp-login.php", form=form)
    assert "/wp-admin/" in answer.url


def any_post(newsroom: Newsroom) -> int:
    posts = newsroom.call("GET", "wp/v2/posts?per_page=20&orderby=id&order=asc")
    number = int(posts[3]["id"])
    until(lambda: newsroom.listed(number))
    return number


def test_a_post_has_cards_that_link_to_published_posts(newsroom: Newsroom, page: Page) -> None:
    post = any_post(newsroom)
    newsroom.php("delete_transient('alsolike_away');")
    page.goto(f"{newsroom.site.url}/?p={post}")
    assert page.locator("section.alsolike h2").inner_text() == "You May Also Like"
    assert page.locator(".alsolike-card").count() == 6
    card = page.locator(".alsolike-card").first
    assert card.evaluate("card => getComputedStyle(card).display") == "flex"
    page.locator(".alsolike-title a").first.click()
    page.wait_for_selector("section.alsolike")


def test_a_new_post_is_pushed_and_seen_within_seconds_and_gone_when_unpublished(
    newsroom: Newsroom,
) -> None:
    any_post(newsroom)
    first = newsroom.post(SOURDOUGH)
    until(lambda: newsroom.listed(first))
    newsroom.page(first)
    started = time.monotonic()
    second = newsroom.post("Rye sourdough in a cold oven")
    status = newsroom.status(second)
    assert status is not None
    assert not status["gone"]
    until(lambda: '"alsolike-card"' in newsroom.page(second))
    until(lambda: "Rye sourdough in a cold oven" in newsroom.page(first))
    assert time.monotonic() - started < 30, "watch is given time on a busy machine"
    newsroom.call("POST", f"wp/v2/posts/{second}", {"status": "draft"})
    assert newsroom.gone(second)
    assert "Rye sourdough in a cold oven" not in newsroom.page(first)


@pytest.mark.parametrize(
    ("method", "path", "change"),
    [
        ("POST", "", {"status": "private"}),
        ("POST", "", {"password": "hunter2"}),
        ("DELETE", "", None),
        ("DELETE", "?force=true", None),
    ],
)
def test_what_readers_may_not_see_is_taken_back_at_once(
    newsroom: Newsroom, method: str, path: str, change: Any
) -> None:
    post = newsroom.post(f"{SOURDOUGH} {method} {change} {path}")
    status = newsroom.status(post)
    assert status is not None
    assert not status["gone"]
    newsroom.call(method, f"wp/v2/posts/{post}{path}", change)
    assert newsroom.gone(post)
    assert newsroom.waiting() == 0


def test_a_draft_is_never_told_and_a_scheduled_post_appears_by_itself(newsroom: Newsroom) -> None:
    draft = newsroom.post(SOURDOUGH, status="draft")
    assert newsroom.status(draft) is None
    moment = newsroom.php("echo gmdate('Y-m-d\\TH:i:s', time() + 8);")
    post = newsroom.post("Scheduled rye", status="future", date_gmt=moment)
    status = newsroom.status(post)
    assert status is not None
    assert not status["gone"]
    assert not newsroom.listed(post)
    until(lambda: newsroom.listed(post))
    newsroom.run_cron()
    answer = newsroom.call("GET", f"wp/v2/posts/{post}")
    assert answer["status"] == "publish"
    assert answer["link"].endswith("/scheduled-rye/")


def test_a_record_holds_what_readers_see_and_no_related_articles(newsroom: Newsroom) -> None:
    content = "<p>Kelp &amp; tide</p>[alsolike]<h2>At <em>low</em> water</h2><p>Sand</p>"
    post = newsroom.post("Kelp &amp; salt", content, excerpt="By hand", tags=[])
    record = json.loads(newsroom.php(f"echo json_encode(AlsoLike\\make_record(get_post({post})));"))
    assert record["url"] == f"{newsroom.site.url}/kelp-salt/"
    assert record["excerpt"] == "By hand"
    assert record["authors"] == ["editor"]
    assert "updated" not in record, "else a source that is behind would outdo a new category"
    assert [section["heading"] for section in record["sections"]] == ["", "At low water"]
    assert "alsolike" not in json.dumps(record["sections"])
    newsroom.php(f"update_post_meta({post}, '_yoast_wpseo_meta-robots-noindex', '1');")
    until(lambda: newsroom.gone(post))


def test_text_for_members_only_is_not_sent_whoever_is_signed_in(newsroom: Newsroom) -> None:
    post = newsroom.post("For members", "<p>Kelp</p>[members]")
    told = newsroom.php(
        "wp_set_current_user(1);"
        "add_shortcode('members', fn() => is_user_logged_in() ? 'Secret' : 'Sign in');"
        "add_filter('alsolike_record', fn($sent) => [print(json_encode($sent)), $sent][1]);"
        f"AlsoLike\\push([{post} => ''], microtime(true) + 4); echo get_current_user_id();"
    )
    assert "Sign in" in told
    assert "Secret" not in told
    assert told.endswith("}1")


def test_block_shortcode_and_the_theme_s_look_show_the_list_once(newsroom: Newsroom) -> None:
    post = any_post(newsroom)
    target = newsroom.post("By shortcode", f'[alsolike post="{post}" limit="2" heading="<Next>"]')
    block = f'<!-- wp:alsolike/related {{"limit":3}} /-->{TEXT}'
    own = newsroom.post("By block", block)
    until(lambda: newsroom.listed(own) and newsroom.page(own).count('"alsolike-card"') == 3)
    text = newsroom.page(target)
    assert text.count('"alsolike-card"') == 2
    assert "&lt;Next&gt;" in text
    newsroom.set(look="theme")
    text = newsroom.page(post)
    assert text.count("wp-block-latest-posts__post-title") == 6
    assert '"alsolike-card"' not in text
    newsroom.set(look="cards")
    assert "alsolike" not in newsroom.call("GET", f"wp/v2/posts/{own}")["content"]["rendered"]


def test_where_a_cache_keeps_pages_browsers_fetch_the_cards(newsroom: Newsroom, page: Page) -> None:
    post = any_post(newsroom)
    newsroom.set(look="browser")
    assert "alsolike-card" not in newsroom.page(post)
    page.goto(f"{newsroom.site.url}/?p={post}")
    page.locator("alsolike-related").scroll_into_view_if_needed()
    expect(page.locator(".alsolike-card")).to_have_count(6)
    assert "alsolike" not in newsroom.call("GET", f"wp/v2/posts/{post}")["content"]["rendered"]
    newsroom.set(look="cards")


def test_the_second_language_is_there(newsroom: Newsroom) -> None:
    post = any_post(newsroom)
    german = newsroom.php(
        "switch_to_locale('de_DE'); load_textdomain('alsolike', WP_PLUGIN_DIR ."
        f"'/alsolike/languages/alsolike-de_DE.mo'); echo AlsoLike\\render_cards({post});"
    )
    assert "Das könnte Sie auch interessieren" in german
    assert "Weiterlesen" in german


@pytest.mark.parametrize(
    ("locale", "heading", "more"),
    [
        ("fr_CA", "Vous aimerez aussi", "Lire la suite"),
        ("pt_PT", "Também lhe pode interessar", "Ler mais"),
        ("pt_BR", "Você também pode gostar", "Ler mais"),
        ("zh_TW", "你可能也喜歡", "閱讀全文"),
        ("de_CH_informal", "Das könnte Sie auch interessieren", "Weiterlesen"),
        ("xx", "You May Also Like", "Read more"),
    ],
)
def test_the_cards_words_are_in_the_site_s_language(
    newsroom: Newsroom, locale: str, heading: str, more: str
) -> None:
    asked = f"add_filter('pre_determine_locale', fn() => '{locale}');"
    words = json.loads(newsroom.php(f"{asked} echo json_encode(AlsoLike\\card_words());"))
    assert words == {"heading": heading, "more": more}


def test_an_editor_pins_and_excludes_beside_the_post(newsroom: Newsroom, page: Page) -> None:
    post = any_post(newsroom)
    newsroom.php("update_user_meta(1, 'rich_editing', 'true');")
    sign_in(newsroom, page)
    page.goto(f"{newsroom.site.url}/wp-admin/post.php?post={post}&action=edit")
    close = page.locator(".components-modal__header button, .components-guide button[aria-label]")
    rows = page.locator("#alsolike-list ol li")
    rows.first.wait_for(state="attached", timeout=60_000)
    if close.count():
        close.first.click()
    newsroom.post("Ann's &amp; Bo's quay")
    page.locator("#alsolike-list input[type=search]").evaluate(
        """field => { field.value = 'quay'; field.dispatchEvent(new Event('input')); }"""
    )
    found = page.locator("#alsolike-list ul li:has-text('quay')").first
    found.wait_for(state="attached")
    assert "Ann\u2019s & Bo\u2019s quay" in found.evaluate("row => row.textContent")
    before = rows.all_inner_texts()
    third = before[2].rsplit(" Pin ", 1)[0]
    first = before[0].rsplit(" Pin ", 1)[0]
    rows.first.get_by_role("button", name="Exclude").evaluate("button => button.click()")
    page.wait_for_selector("#alsolike-list ul li:has-text('Restore')", state="attached")
    assert first not in newsroom.page(post)
    page.evaluate(
        """title => [...document.querySelectorAll('#alsolike-list ol li')]
        .find((row) => row.innerText.startsWith(title)).querySelector('button').click()""",
        third,
    )
    page.wait_for_selector("#alsolike-list ol li:has-text('Unpin')", state="attached")
    shown = newsroom.page(post)
    assert first not in shown
    token = newsroom.tokens["editor"]
    request = urllib.request.Request(
        f"{newsroom.service}/v1/overrides?article_id={quote(str(post))}",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)["items"]
    assert {one["kind"] for one in found} == {"pin", "hide"}
    assert all(one["reason"] == "WordPress: editor" for one in found)
    assert token not in page.content()


def test_the_box_offers_to_lift_only_what_was_decided_about_its_list(newsroom: Newsroom) -> None:
    post = any_post(newsroom)

    def box() -> Any:
        return json.loads(newsroom.php(f"echo json_encode(AlsoLike\\read_box({post}));"))

    def send(method: str, path: str, query: str, body: str = "null") -> None:
        asked = f"'{method}', 'v1/{path}', array({query}), {body}, 'editor_token'"
        status = newsroom.php(f"echo AlsoLike\\request({asked})['status'];")
        assert status == "200"

    before = box()
    hidden, pinned = [one["id"] for one in before["items"] if not one["pinned"]][:2]
    of_rules = [f"'every' => 'true', 'target_id' => '{target}'" for target in (hidden, pinned)]
    send("PUT", "overrides", of_rules[0], "array('kind' => 'hide')")
    send("PUT", "overrides", of_rules[1], "array('kind' => 'pin', 'position' => 1)")
    found = box()
    assert found["excluded"] == before["excluded"]
    assert hidden not in [one["id"] for one in found["items"]]
    assert [one["pinned"] for one in found["items"] if one["id"] == pinned] == [False]
    for rule in of_rules:
        send("DELETE", "overrides", rule)
    soon = "gmdate('Y-m-d\\TH:i:s\\Z', time() + 4)"
    send("PUT", "visibility", f"'id' => '{post}'", f"array('visible' => false, 'until' => {soon})")
    assert not box()["shown"]
    until(lambda: box()["shown"])
    send("PUT", "visibility", f"'id' => '{post}'", "array('visible' => true)")


def test_strangers_decide_and_send_nothing(newsroom: Newsroom) -> None:
    post = any_post(newsroom)
    box = get(f"{newsroom.site.url}/wp-json/alsolike/v1/box?post={post}")
    assert box is not None
    assert box.status == 401
    answer = get(f"{newsroom.site.url}/wp-admin/admin-post.php?action=alsolike_send_all")
    assert answer is not None
    assert newsroom.waiting() == 0


def test_what_can_t_be_sent_waits_and_the_newest_state_wins(newsroom: Newsroom) -> None:
    asked: list[tuple[str, bytes]] = []
    said: list[tuple[int, str]] = [(503, "")]

    def reply(handler: Any) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        asked.append((handler.command, body))
        status, text = said[0]
        answer(text, status=status)(handler)

    with serving() as stub:
        stub.pages["/v1/articles"] = stub.pages["/v1/articles/batch"] = reply
        newsroom.set(address=stub.url)
        try:
            post = newsroom.post("Waits")
            assert [method for method, _ in asked] == ["PUT"]
            assert newsroom.waiting() == 1
            newsroom.call("POST", f"wp/v2/posts/{post}", {"title": "Newest"})
            assert len(asked) == 1, "it pauses after a failure"
            said[0] = (400, "<html>The plain HTTP request was sent to HTTPS port</html>")
            newsroom.php("delete_option('alsolike_wait'); AlsoLike\\drain();")
            assert len(asked) == 2
            assert newsroom.waiting() == 1, "a proxy refused it, not the service"
            said[0] = (422, json.dumps({"status": 422, "detail": "too odd"}))
            newsroom.php("delete_option('alsolike_wait'); AlsoLike\\plan();")
            newsroom.run_cron()
            assert json.loads(asked[-1][1])["title"] == "Newest"
            assert newsroom.waiting() == 0, "what is refused is not sent again"
            assert "too odd" in newsroom.php("echo json_encode(get_option('alsolike_problems'));")
        finally:
            newsroom.set(address=newsroom.service)
    newsroom.call("POST", f"wp/v2/posts/{post}", {"title": "Taken"})
    pushed = newsroom.status(post)
    assert pushed is not None
    assert newsroom.php("echo json_encode(get_option('alsolike_problems'));") == "[]"


@pytest.mark.parametrize("results", [["x", 4], [{"id": [1]}], [{"id": "99", "status": 202}]])
def test_an_answer_about_none_of_the_posts_leaves_them_waiting(
    newsroom: Newsroom, results: list[Any]
) -> None:
    posts = [newsroom.post(title) for title in ("Kelp", "Tide")]
    try:
        with serving() as stub:
            newsroom.set(address=stub.url)
            stub.pages["/v1/articles/batch"] = answer(json.dumps({"results": results}), status=202)
            marked = "".join(f"AlsoLike\\mark({post});" for post in posts)
            newsroom.php(f"{marked} AlsoLike\\drain();")
            assert stub.paths() == ["/v1/articles/batch"]
            assert newsroom.waiting() == 2
    finally:
        newsroom.set(address=newsroom.service)
    newsroom.php("AlsoLike\\drain();")


def test_a_batch_that_is_too_long_goes_one_by_one_until_the_time_is_over(
    newsroom: Newsroom,
) -> None:
    posts = [newsroom.post(title) for title in ("Dulse", "Ebb", "Surf")]
    try:
        with serving() as stub:
            newsroom.set(address=stub.url)
            stub.pages["/v1/articles/batch"] = answer("", status=413)
            stub.pages["/v1/articles"] = answer('{"lists": []}', status=202)
            marked = "".join(f"AlsoLike\\mark({post});" for post in posts)
            newsroom.php(f"{marked} remove_all_actions('shutdown'); AlsoLike\\drain(0);")
            assert stub.paths() == ["/v1/articles/batch", f"/v1/articles?id={posts[0]}"]
            assert newsroom.waiting() == 2
    finally:
        newsroom.set(address=newsroom.service)
    newsroom.php("AlsoLike\\drain();")
    assert newsroom.waiting() == 0


def test_while_the_service_is_away_pages_are_whole_and_changes_wait(newsroom: Newsroom) -> None:
    post = any_post(newsroom)
    newsroom.php("delete_transient('alsolike_away');")
    assert '"alsolike-card"' in newsroom.page(post)
    newsroom.php("delete_option('alsolike_fresh');")
    stop(newsroom.serving.pop())
    newsroom.php(f"delete_transient('alsolike_list_{post}');")
    started = time.monotonic()
    assert '"alsolike-card"' not in newsroom.page(post)
    assert '"alsolike-card"' not in newsroom.page(post)
    assert time.monotonic() - started < 5
    late = newsroom.post("Written meanwhile")
    assert newsroom.waiting() == 1
    newsroom.serve()
    newsroom.php("delete_option('alsolike_wait'); AlsoLike\\plan();")
    newsroom.run_cron()
    assert newsroom.waiting() == 0
    assert newsroom.status(late) is not None


def test_a_kept_list_stands_while_the_service_starts_anew(newsroom: Newsroom) -> None:
    post = any_post(newsroom)
    newsroom.php(f"delete_transient('alsolike_away'); delete_transient('alsolike_list_{post}');")
    assert '"alsolike-card"' in newsroom.page(post)
    kept = f"$kept = get_transient('alsolike_list_{post}'); $kept['at'] -= 9;"
    newsroom.php(f"{kept} set_transient('alsolike_list_{post}', $kept, 60);")
    stop(newsroom.serving.pop())
    newsroom.php("update_option('alsolike_fresh', time() + 60);")  # a post was just changed
    assert '"alsolike-card"' in newsroom.page(post)
    newsroom.serve()
    newsroom.post("Written when it is back")
    assert newsroom.php("echo json_encode(get_transient('alsolike_away'));") == "false"


def test_an_answer_of_another_kind_harms_no_post_and_gets_no_token(newsroom: Newsroom) -> None:
    post = any_post(newsroom)
    odd = {"article_id": "1", "title": {"a": 1}, "url": "/x"}
    shown = {
        "article_id": "x",
        "title": "Still shown",
        "url": "/x",
        "date": [1],
        "image": {"src": [2]},
    }
    answers = [
        (json.dumps({"items": [odd, shown, 7, {**shown, "excerpt": {"b": 2}}]}), 2),
        (json.dumps({"items": "none"}), 0),
        ("null", 0),
        ("<html>Sign in</html>", 0),
    ]
    try:
        with serving() as other:
            newsroom.set(address=other.url)
            for body, cards in answers:
                newsroom.php(
                    f"delete_transient('alsolike_away'); delete_transient('alsolike_list_{post}');"
                )
                other.pages = dict.fromkeys(
                    ("/v1/related", "/livez", "/readyz"), answer(body, Content_Type="text/html")
                )
                assert newsroom.page(post).count('"alsolike-card"') == cards, body
            kept = answer(body, Cache_Control="public, max-age=60, s-maxage=90", Age="45")
            other.pages["/v1/related"] = kept
            asked = "echo AlsoLike\\request('GET', 'v1/related')['max_age'];"
            assert newsroom.php(asked) == "15", "a cache on the way has kept it for 45 s"
            other.requests.clear()
            checked = json.loads(newsroom.php("echo json_encode(AlsoLike\\check_service());"))
            assert checked == [[False, "Something answers at this address, but not AlsoLike."]]
            assert [headers.get("authorization") for _, headers in other.requests] == [None]
    finally:
        newsroom.set(address=newsroom.service + "/")


def test_an_item_of_another_source_with_a_post_s_number_is_shown_as_it_came(
    newsroom: Newsroom,
) -> None:
    post = any_post(newsroom)
    page = newsroom.call("POST", "wp/v2/pages", {"title": "Masthead", "status": "publish"})["id"]
    draft, local = newsroom.post("Unfinished", status="draft"), newsroom.post("Of this site")
    private, trashed = newsroom.post("Taken home", status="private"), newsroom.post("Once here")
    newsroom.call("DELETE", f"wp/v2/posts/{trashed}")
    own, moved = newsroom.site.url, "https://before-the-move.example"
    given = [
        (local, "https://other.example/1"),
        (draft, "https://other.example/2"),
        (page, f"{own}/docs/3"),
        (local, f"{own}/before"),
        (local, "/before"),
        (draft, f"{own}/unfinished"),
        (999_999, f"{own}/deleted"),
        (local, f"{moved}/2026/of-this-site/"),
        (local, f"{moved}/{local}"),
        (private, f"{moved}/Taken-home.html"),
        (private, f"{moved}/?p={private}"),
        (trashed, f"{moved}/once-here-{trashed}"),
    ]
    items = ",".join(
        f"AlsoLike\\read_item(array('article_id' => '{key}', 'title' => 'X', 'url' => '{url}'))"
        for key, url in given
    )
    kept = f"array('at' => time(), 'items' => array({items}))"
    found = newsroom.php(
        f"set_transient('alsolike_list_{post}', {kept}, 60);"
        f"echo json_encode(AlsoLike\\related({post}, 12));"
        f"delete_transient('alsolike_list_{post}');"
    )
    here = newsroom.php(f"echo get_permalink({local});")
    urls = [item["url"] for item in json.loads(found)]
    assert urls == [*(url for _, url in given[:3]), here, here, here, f"{moved}/{local}"]
    title = newsroom.php(f"echo AlsoLike\\title_of('{local}'), AlsoLike\\title_of('{page}');")
    assert title == f"Of this site{page}"


def test_a_service_that_is_starting_is_not_said_to_refuse_the_token(newsroom: Newsroom) -> None:
    alive, away = answer('{"status": "alive"}'), answer('{"detail": "starting"}', status=503)
    try:
        with serving() as other:
            other.pages = {"/livez": alive, "/readyz": alive}
            other.pages |= {"/v1/articles/pushed": away, "/v1/takedowns": away}
            newsroom.set(address=other.url)
            checked = json.loads(newsroom.php("echo json_encode(AlsoLike\\check_service());"))
    finally:
        newsroom.set(address=newsroom.service)
    assert [text for good, text in checked if not good] == ["starting", "starting"]


def test_readers_browsers_are_not_sent_to_their_own_machines(newsroom: Newsroom) -> None:
    kept = "AlsoLike\\read_item(array('article_id' => 'x', 'title' => 'X', 'url' => '/x'))"
    kept = f"array('at' => time(), 'items' => array({kept} + array('placement' => 'AbC')))"
    render = f"set_transient('alsolike_list_1', {kept}, 9); echo AlsoLike\\render_cards(1);"
    asked = f"{render} delete_transient('alsolike_list_1'); echo wp_script_is('alsolike-clicks');"
    assert newsroom.php(asked).endswith("</section>1"), "the site is on this machine, too"
    elsewhere = "add_filter('home_url', fn() => 'https://www.example.org/');"
    assert newsroom.php(elsewhere + asked).endswith("</section>")


def test_a_card_loads_a_small_picture(newsroom: Newsroom) -> None:
    picture = newsroom.php(
        "require_once ABSPATH . 'wp-admin/includes/image.php';"
        "$file = wp_upload_dir()['path'] . '/reef.jpg';"
        "imagejpeg(imagecreatetruecolor(2000, 1200), $file);"
        "$id = wp_insert_attachment(array('post_mime_type' => 'image/jpeg'), $file);"
        "wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $file));"
        "echo $id;"
    )
    post = newsroom.post("The reef", featured_media=int(picture))
    record = newsroom.php(f"echo json_encode(AlsoLike\\make_record(get_post({post})));")
    assert json.loads(record)["image"]["src"].endswith("/reef-768x461.jpg")
    card = newsroom.php(
        "$item = array('article_id' => '1', 'title' => 'A', 'url' => '/');"
        "$item['image'] = array('src' => '/x');"
        f"$item = AlsoLike\\read_item($item) + array('local' => {post});"
        "echo AlsoLike\\own_card($item), AlsoLike\\theme_card($item);"
    )
    assert 'width="768"' in card
    assert "reef-150x150.jpg" in card
    assert 'src="/x"' not in card


def test_what_changes_beside_posts_is_told_of_those_posts(newsroom: Newsroom) -> None:
    term = newsroom.call("POST", "wp/v2/categories", {"name": "Coasts"})["id"]
    salt, sand = (newsroom.post(title, categories=[term]) for title in ("Salt", "Sand"))
    until(lambda: newsroom.waiting() == 0)

    marked = newsroom.marked
    assert marked(f"wp_update_term({term}, 'category', array('name' => 'Shores'));") == [salt, sand]
    below = newsroom.call("POST", "wp/v2/categories", {"name": "Cliffs", "parent": term})["id"]
    newsroom.call("POST", f"wp/v2/posts/{sand}", {"categories": [below]})
    until(lambda: newsroom.waiting() == 0)
    assert marked(f"wp_update_term({term}, 'category', array('slug' => 'edge'));") == [salt, sand]
    assert marked(f"wp_delete_term({term}, 'category');") == [salt, sand]
    user = newsroom.php("echo wp_create_user('ines', 'x1', 'i@example.org');")
    assert marked(f"wp_update_post(array('ID' => {sand}, 'post_author' => {user}));") == [sand]
    assert marked(f"wp_update_user(array('ID' => {user}, 'user_url' => 'http://i.example'));") == []
    renamed = f"wp_update_user(array('ID' => {user}, 'display_name' => 'Ines'));"
    assert marked(renamed) == [sand]
    heir = newsroom.php("echo wp_create_user('olu', 'x2', 'o@example.org');")
    left = "require_once ABSPATH . 'wp-admin/includes/user.php';"
    assert marked(f"{left} wp_delete_user({user}, {heir});") == [sand]
    picture = "$id = wp_insert_attachment(array('post_mime_type' => 'image/jpeg'), 'a.jpg');"
    marked(f"{picture} set_post_thumbnail({salt}, $id);")
    of_salt = f"$id = get_post_thumbnail_id({salt});"
    assert marked(f"{of_salt} update_post_meta($id, '_wp_attachment_image_alt', 'A');") == [salt]
    assert marked(f"{of_salt} wp_delete_attachment($id, true);") == [salt]
    for moved in (
        "do_action('permalink_structure_changed');",
        "update_option('home', home_url('/a'));",
    ):
        assert {salt, sand} <= set(marked(moved))
    newsroom.php(f"update_option('home', '{newsroom.site.url}');")


def test_pages_below_one_that_is_renamed_or_deleted_are_told_anew(newsroom: Newsroom) -> None:
    newsroom.set(types=["post", "page"])
    try:
        pages = [0]
        for title in ("Above", "Between", "Below"):
            fields = {"title": title, "status": "publish", "parent": pages[-1]}
            pages.append(newsroom.call("POST", "wp/v2/pages", fields)["id"])
        _, above, between, below = pages
        renamed = f"wp_update_post(array('ID' => {above}, 'post_name' => 'up'));"
        assert set(newsroom.marked(renamed)) == {above, between, below}
        retitled = f"wp_update_post(array('ID' => {above}, 'post_title' => 'Up'));"
        assert newsroom.marked(retitled) == [above]
        moved = f"wp_update_post(array('ID' => {between}, 'post_parent' => 0));"
        assert set(newsroom.marked(moved)) == {between, below}
        assert set(newsroom.marked(f"wp_delete_post({between}, true);")) == {between, below}
        link = newsroom.php(f"echo AlsoLike\\make_record(get_post({below}))['url'];")
        assert link == f"{newsroom.site.url}/below/"
    finally:
        newsroom.set(types=["post"])


def open_settings(newsroom: Newsroom, page: Page) -> None:
    page.goto(f"{newsroom.site.url}/wp-admin/options-general.php?page=alsolike")


def test_a_refused_post_without_a_title_is_named_by_its_number(
    newsroom: Newsroom, page: Page
) -> None:
    post = newsroom.post("")
    sign_in(newsroom, page)
    open_settings(newsroom, page)
    told = page.locator("#alsolike-check a").inner_text()
    assert told.startswith(f"The service refused “{post}”: ")
    newsroom.call("DELETE", f"wp/v2/posts/{post}?force=true")


def choose_pages(newsroom: Newsroom, page: Page, *, chosen: bool) -> None:
    open_settings(newsroom, page)
    page.set_checked("input[name='alsolike[types][]'][value=page]", chosen)
    page.click("#submit")


def test_what_is_not_to_be_sent_any_more_is_taken_back(newsroom: Newsroom, page: Page) -> None:
    sign_in(newsroom, page)
    choose_pages(newsroom, page, chosen=True)
    fields = {"title": SOURDOUGH, "content": TEXT, "status": "publish"}
    first, second = (newsroom.call("POST", "wp/v2/pages", fields)["id"] for _ in range(2))
    assert newsroom.status(first) is not None
    choose_pages(newsroom, page, chosen=False)
    until(lambda: newsroom.gone(first) and newsroom.gone(second))
    choose_pages(newsroom, page, chosen=True)
    until(lambda: not newsroom.gone(first) and not newsroom.gone(second))
    choose_pages(newsroom, page, chosen=False)


def test_what_was_deleted_without_the_plugin_is_taken_back(newsroom: Newsroom) -> None:
    trashed, deleted, kept = (newsroom.post(f"{SOURDOUGH} {number}") for number in range(3))
    load = "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
    newsroom.php(f"{load} deactivate_plugins('alsolike/alsolike.php');")
    newsroom.php(f"wp_trash_post({trashed}); wp_delete_post({deleted}, true);")
    newsroom.php(f"{load} activate_plugin('alsolike/alsolike.php');")
    until(lambda: newsroom.gone(trashed) and newsroom.gone(deleted))
    assert not newsroom.gone(kept)


def test_nothing_is_planned_until_there_is_a_token(newsroom: Newsroom) -> None:
    planned = "echo (int) (bool) wp_next_scheduled(AlsoLike\\DRAIN);"
    newsroom.set(token="")
    try:
        post = newsroom.post("Waits for a token")
        cleared = "wp_clear_scheduled_hook(AlsoLike\\DRAIN); AlsoLike\\drain();"
        assert newsroom.php(f"{cleared} {planned}") == "0"
    finally:
        newsroom.set(token=newsroom.tokens["publisher"])
    assert newsroom.php(planned) == "1"
    newsroom.run_cron()
    assert newsroom.status(post) is not None


def test_a_service_that_lists_no_pushes_holds_nothing_up(newsroom: Newsroom) -> None:
    try:
        with serving() as other:  # which answers 404, as one of an earlier version
            newsroom.set(address=other.url)
            newsroom.php("update_option('alsolike_compare', 0, false); AlsoLike\\drain();")
            assert other.paths() == ["/v1/articles/pushed?after=0"]
    finally:
        newsroom.set(address=newsroom.service + "/")
    left = "echo json_encode(array(get_option('alsolike_compare'), get_option('alsolike_wait')));"
    assert newsroom.php(left) == "[false,false]"


def test_nothing_stays_after_it_is_deleted(newsroom: Newsroom) -> None:
    left = newsroom.php(
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "require_once ABSPATH . 'wp-admin/includes/file.php';"
        "deactivate_plugins('alsolike/alsolike.php');"
        "uninstall_plugin('alsolike/alsolike.php');"
        'global $wpdb; echo $wpdb->get_var("SELECT COUNT(*) FROM $wpdb->options'
        " WHERE option_name LIKE '%alsolike%'\");"
    )
    assert left == "0"
