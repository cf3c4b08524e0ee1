"""``alsolike related --text``: the same as ``POST /v1/related``, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from recommender.errors import InputError, ModelError
from service.app import create_app
from service.cli.alsolike import app
from service.decisions.open_decisions import open_decisions
from service.settings import Settings
from tests.support.articles import topical
from tests.support.editor_site import TESTER, build_site

MODEL = "hashing:64"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("related-text"))


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALSOLIKE_MODEL", MODEL)
    monkeypatch.chdir(tmp_path)
    (record,) = topical(1, seed=7)
    path = tmp_path / "draft.txt"
    path.write_text(f"{record['title']}\n\n{record['summary']}\n")
    return path


def call(*arguments: Any, stdin: str | None = None) -> Any:
    done = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_it_is_what_the_service_answers(site: Path, text: Path) -> None:
    printed = call("related", "--text", text, "--root", site, "--json").stdout
    title, _, summary = text.read_text().strip().partition("\n")
    with TestClient(create_app(Settings(root=site, model=MODEL))) as client:
        answer = client.post("/v1/related", json={"title": title, "summary": summary})
    assert json.loads(printed) == answer.json()


def test_a_person_reads_titles_scores_and_what_the_text_is_about(site: Path, text: Path) -> None:
    piped = call("related", "--text", "-", "--root", site, "--limit", 3, stdin=text.read_text())
    first, about, _, *lines = piped.stdout.splitlines()
    assert first == text.read_text().splitlines()[0]
    assert about.startswith("  about: ")
    assert len(lines) == 6
    assert all("[sea-" in line for line in lines[::2])


def test_what_was_taken_down_is_not_shown(site: Path, text: Path) -> None:
    def shown() -> list[str]:
        printed = call("related", "--text", text, "--root", site, "--json").stdout
        return [item["article_id"] for item in json.loads(printed)["items"]]

    first = shown()[0]
    database = open_decisions(Settings(root=site))
    database.takedowns.put(TESTER, article_id=first)
    try:
        assert first not in shown()
    finally:
        database.takedowns.lift(TESTER, article_id=first)
        database.close()


def test_an_article_or_a_text_is_wanted_not_both_and_not_neither(site: Path, text: Path) -> None:
    for arguments in ([], ["sea-000", "--text", text]):
        with pytest.raises(InputError, match="name an article, or a text"):
            call("related", *arguments, "--root", site)


def test_a_text_that_cant_be_read_or_is_empty_is_an_error_in_a_line(site: Path, text: Path) -> None:
    with pytest.raises(InputError, match="name a UTF-8 file"):
        call("related", "--text", "missing.txt", "--root", site)
    text.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="name a UTF-8 file"):
        call("related", "--text", text, "--root", site)
    text.write_text(" \n")
    with pytest.raises(InputError, match="is empty"):
        call("related", "--text", text, "--root", site)


def test_another_model_than_the_builds_is_refused_with_the_remedy(
    site: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_MODEL", "hashing:128")
    with pytest.raises(ModelError, match=r"made with model 'hashing:64'"):
        call("related", "--text", text, "--root", site)
