"""What a build was read for keeps it open no longer than until the next one is served."""

from __future__ import annotations

import gc
import re
import weakref
from contextlib import suppress
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

from index.build.build import Build
from service.roles import Role
from tests.support.builds import publish
from tests.support.editor_forms import Editor, add_editor
from tests.support.editor_site import PAGE, Desk, build_site, open_desk, records
from tests.support.service_process import until


def see_all(desk: Desk, editor: Editor) -> set[str]:
    """Open one page of each kind that the editors' pages lead to."""
    waiting, seen = ["/editor", f"/editor/article?id={PAGE}"], set[str]()
    while waiting:
        address = waiting.pop()
        path = urlsplit(address).path
        if path in seen:
            continue
        seen.add(path)
        assert desk.client.get(address).status_code < 500, address
        editor.get(address)
        found = re.findall(r'(?:href|src|action)="(/editor[^"#]*)"', editor.page)
        waiting += map(unescape, found)
    return seen


def opened(name: str) -> set[str]:
    """The names of a build's files that this process has open or mapped, by Linux's account."""
    if not Path("/proc/self/maps").exists():
        return set()
    paths = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            paths.add(str(each.readlink()))
    return {Path(path).name for path in paths if f"/{name}/" in path}


def test_everything_was_asked_for_and_it_is_closed_at_once(tmp_path: Path) -> None:
    site = build_site(tmp_path)
    add_editor(site, "mira", Role.ADMIN)
    draft = {"title": "Kelp", "summary": "Kelp and urchins of the shore, by the tide pools."}
    with open_desk(site, tmp_path / "desk", model="hashing:64") as desk:
        editor = Editor(desk.client)
        editor.get("/editor/sign-in")
        editor.sign_in()
        name = desk.root.folder().name
        gc.unfreeze()
        gc.collect()
        gc.disable()
        try:
            seen = see_all(desk, editor)
            assert {"/editor/article", "/editor/builds", "/editor/links"} <= seen
            pair = {"old": desk.root.names()[0], "new": name}
            assert editor.get("/editor/builds/changes", **pair).status_code == 200
            for path in ("/v1/related", "/v1/links"):
                answer = desk.ask("POST", path, json=draft)
                assert answer.status_code == 200, answer.text
            for path in ("/v1/related", "/v1/links", "/v1/preview"):
                answer = desk.ask("GET", path, params={"id": PAGE})
                assert answer.status_code in (200, 404, 405), answer.text
            builds = [
                weakref.ref(each)
                for each in gc.get_objects()
                if type(each) is Build  # isinstance asks proxies of libraries
                if each.name in pair.values()
            ]
            assert builds
            publish(desk.root, tmp_path, records()[:44])
            assert until(lambda: desk.client.get("/readyz").json()["build"] != name)
            assert until(lambda: not any(build() for build in builds))
            # What made the other build, in this process, may keep files of its own open.
            assert not opened(name) & {"articles.sqlite", "search.sqlite", "pair_keys.npy"}
        finally:
            gc.enable()
