"""The commands of operations, as a nightly job and the person who is called at night meet them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main

from index.errors import GateError
from index.publishing.gates import Gate
from index.root.root import HELD_EXIT_CODE
from recommender import errors
from service.cli import alsolike as cli
from service.cli.entry_point import CODES
from service.decisions.open_decisions import open_decisions
from service.settings import Settings
from tests.support.articles import prose
from tests.support.commands import runner
from tests.support.decision_databases import MIRA

CALL = Callable[..., "Outcome"]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CALL:
    """Runs the command in an empty folder that is this test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALSOLIKE_MODEL", "hashing:64")
    # Words drawn at random make poor links that any change turns over.
    monkeypatch.setenv("ALSOLIKE_MAX_WEAK", "1")
    monkeypatch.setenv("ALSOLIKE_MAX_CHURN", "1")

    run = runner(monkeypatch, capsys)
    return lambda *arguments: Outcome(*run(*arguments))


def articles(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": f"piece-{number:03}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(start, start + count)
    ]


def write(records: list[dict[str, Any]]) -> str:
    Path("articles.jsonl").write_text("\n".join(map(json.dumps, records)))
    return "articles.jsonl"


def build(call: CALL, records: list[dict[str, Any]], *options: str, code: int = 0) -> str:
    outcome = call("build", write(records), "--json", *options)
    assert outcome.code == code, outcome.err
    made = outcome.json()
    assert made["published"] is (code == 0 and "--no-publish" not in options)
    return str(made["build"])


def events() -> list[str]:
    lines = Path("alsolike-root/journal.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def live(call: CALL) -> str:
    return str(call("inspect", "--json").json()["name"])


def test_a_build_that_lost_articles_is_held_back_and_can_be_forced(call: CALL) -> None:
    first = build(call, articles(60))
    second = build(call, articles(40), code=Gate.ARTICLES)
    assert live(call) == first
    again = call("publish", second)
    assert again.code == Gate.ARTICLES
    assert "a loss of 33.3%" in again.err
    assert f"alsolike publish {second} --force" in again.err
    assert again.err.count("\n") == 1
    assert call("publish", second, "--force", "--reason", "the archive moved").code == 0
    assert live(call) == second
    assert events() == ["build", "publish", "build", "refuse", "refuse", "force"]
    last = json.loads(Path("alsolike-root/journal.jsonl").read_text().splitlines()[-1])
    assert last["reason"] == "the archive moved"
    assert "articles" in last["gates"]


def test_a_build_that_is_not_published_says_what_would_hold_it_back(call: CALL) -> None:
    build(call, articles(60))
    second = build(call, articles(40), "--no-publish")
    (first, waiting) = call("builds", "--json").json()["builds"]
    assert (waiting["build"], waiting["state"], first["found"]) == (second, "", [])
    assert "a loss of 33.3%" in waiting["found"][0]


def test_a_build_may_be_forced_at_once(call: CALL) -> None:
    build(call, articles(60))
    second = build(call, articles(40), "--force", "--reason", "meant")
    assert live(call) == second


def test_limits_of_the_gates_are_settings(call: CALL, monkeypatch: pytest.MonkeyPatch) -> None:
    build(call, articles(60))
    monkeypatch.setenv("ALSOLIKE_MAX_LOSS", "0.5")
    second = build(call, articles(40))
    assert live(call) == second
    monkeypatch.setenv("ALSOLIKE_MAX_CHURN", "0.1")
    build(call, articles(35), code=Gate.LISTS)
    monkeypatch.setenv("ALSOLIKE_MIN_RECALL", "1.5")
    assert call("builds").code == 2


def test_another_model_is_held_back_until_it_is_accepted(call: CALL) -> None:
    first = build(call, articles(40))
    second = build(call, articles(40), "--model", "hashing:128", code=Gate.ENCODER)
    assert live(call) == first
    refused = call("publish", second)
    assert refused.code == Gate.ENCODER
    assert f"publish {second} --accept-change" in refused.err
    assert call("publish", second, "--accept-change").code == 0
    assert live(call) == second
    third = build(call, articles(40), "--model", "hashing:32", "--accept-change")
    assert live(call) == third


def test_a_build_that_follows_editors_too_little_is_held_back_by_every_command(
    call: CALL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_MIN_GOLDEN", "0.9")
    first = build(call, articles(40))  # nobody has said anything yet
    shown = call("related", "piece-001", "--json").json()["items"][0]["article_id"]
    with closing(open_decisions(Settings())) as database:
        database.judgments.put(MIRA, article_id="piece-001", target_id=shown, verdict=-1)
    second = build(call, articles(40), code=Gate.GOLDEN)
    assert live(call) == first
    assert call("evaluate", second, "--golden", "--json").json()["wrong"] == [["piece-001", shown]]
    refused = call("publish", second)
    assert refused.code == Gate.GOLDEN
    assert "0.0% of the 1 links that editors judged or pinned" in refused.err
    assert f"alsolike evaluate {second} --golden" in refused.err
    assert f"alsolike publish {second} --force" in refused.err
    assert call("publish", second, "--force").code == 0
    assert live(call) == second


def test_deletions_take_effect_unless_the_feed_is_partial(call: CALL) -> None:
    build(call, articles(60))
    kept = call("build", write(articles(5)), "--json", "--keep-missing")
    assert kept.json()["articles"] == 60
    deleted = call("build", write(articles(55, start=5)), "--json")
    assert deleted.json()["articles"] == 55
    assert call("related", "piece-001").code == 6


def test_after_a_rollback_builds_go_on_but_none_is_published(call: CALL) -> None:
    first, second = (build(call, articles(40)) for _ in range(2))
    assert call("rollback", "--reason", "odd").code == 0
    third = build(call, articles(40), code=HELD_EXIT_CODE)
    assert live(call) == first
    shown = call("builds").out
    assert "publishing has been on hold since" in shown
    assert "odd" in shown
    assert call("publish", third, "--force").code == HELD_EXIT_CODE
    assert call("release", "--reason", "mended").code == 0
    fourth = build(call, articles(40))
    assert live(call) == fourth
    assert call("release", "--json").json() == {"released": False}
    assert second in call("builds").out


def test_a_rollback_names_what_it_shows_again(call: CALL) -> None:
    build(call, articles(40))
    build(call, articles(38))
    found = call("rollback", "--reason", "odd")
    assert found.code == 0
    assert "did not show: 2 (piece-038, piece-039)" in found.err
    made = build(call, articles(40), "--no-publish")
    assert call("release").out.endswith(
        f"; {made} was made meanwhile: alsolike publish {made} makes it live\n"
    )
    build(call, articles(40))
    build(call, articles(40))
    assert "shown again" not in call("rollback").err


def test_publishing_an_older_build_names_what_it_shows_again(call: CALL) -> None:
    older = build(call, articles(40))
    newer = build(call, articles(38))
    found = call("publish", older)
    assert "did not show: 2 (piece-038, piece-039)" in found.err
    assert "shown again" not in call("publish", newer).err


def test_builds_are_listed_with_what_became_of_them(call: CALL) -> None:
    first = build(call, articles(60))
    refused = build(call, articles(30), code=Gate.ARTICLES)
    second = build(call, articles(60))
    plain = build(call, articles(60), "--no-publish")
    rows = {row["build"]: row for row in call("builds", "--json").json()["builds"]}
    assert list(rows) == [first, refused, second, plain]
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {first: "rollback", refused: "refused", second: "live", plain: ""}
    assert rows[refused]["articles"] == 30
    assert "articles" in rows[refused]["note"]
    table = call("builds").out.splitlines()
    assert [line.split()[0] for line in table] == ["build", first, refused, second, plain]


def test_a_damaged_build_is_listed_as_damaged(call: CALL) -> None:
    first = build(call, articles(30))
    second = build(call, articles(30))
    manifest = Path("alsolike-root/builds") / first / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"count": 30', b'"count": 31'))
    rows = {row["build"]: row for row in call("builds", "--json").json()["builds"]}
    assert rows[first]["state"] == "damaged"
    assert rows[second]["state"] == "live"


def test_a_build_of_another_format_is_not_listed_as_damaged(call: CALL) -> None:
    build(call, articles(30))
    first = build(call, articles(30), "--no-publish")
    manifest = Path("alsolike-root/builds") / first / "manifest.json"
    for found, state in {1: "outdated", 99: "newer"}.items():
        manifest.write_text(f'{{"format": {found}}}')
        rows = {row["build"]: row for row in call("builds", "--json").json()["builds"]}
        assert rows[first]["state"] == state
        assert f"has format {found}" in rows[first]["note"]


def test_an_empty_root_has_no_builds(call: CALL) -> None:
    assert call("builds").out.startswith("there are no builds in ")
    assert call("builds", "--json").json() == {"builds": [], "held": None, "days": []}


def test_two_builds_are_compared_by_title(call: CALL) -> None:
    first = build(call, articles(40))
    second = build(call, articles(39, start=1), "--no-publish")
    found = call("diff", first, second, "--json").json()
    assert found["removed"]["first"] == [{"article_id": "piece-000", "title": "Piece 0"}]
    assert found["added"]["count"] == 0
    told = call("diff", first, second, "--limit", "3").out
    assert "articles removed: 1\n" in told
    assert "- Piece 0  [piece-000]" in told
    back = call("diff", second).out  # against the live one
    assert "+ Piece 0  [piece-000]" in back
    assert "visible" not in back


def test_what_became_a_draft_is_named_where_builds_are_compared(call: CALL) -> None:
    first = build(call, articles(40))
    second = build(call, [{**articles(1)[0], "draft": True}, *articles(39, start=1)])
    there, back = call("diff", first, second).out, call("diff", second, first).out
    assert "articles no longer visible: 1\n  - Piece 0  [piece-000]\n" in there
    assert "articles visible again: 1\n  + Piece 0  [piece-000]\n" in back


def test_old_builds_are_removed_after_each_build_and_on_demand(
    call: CALL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_KEEP", "2")
    made = [build(call, articles(20)) for _ in range(4)]
    assert [row["build"] for row in call("builds", "--json").json()["builds"]] == made[-2:]
    monkeypatch.setenv("ALSOLIKE_KEEP", "5")
    more = [build(call, articles(20), "--no-publish") for _ in range(2)]
    removed = call("prune", "--keep", "1", "--json").json()["removed"]
    assert removed == more[:1]
    assert live(call) == made[-1]
    assert call("prune", "--keep", "1").out == "nothing to remove\n"


def test_an_export_holds_what_the_service_would_answer(call: CALL) -> None:
    build(call, articles(30))
    assert call("export", "--out", "public", "--json").json()["written"] == 30
    found = json.loads(Path("public/piece-004.json").read_text())
    answer = call("related", "piece-004", "--json").json()
    assert found["article_id"] == "piece-004"
    assert found["items"] == answer["items"]
    build(call, articles(30))  # another build of the same articles
    assert call("export", "--out", "public", "--json").json() == {
        "written": 0,
        "unchanged": 30,
        "removed": 0,
    }
    build(call, articles(29))
    again = call("export", "--out", "public")
    assert "1 removed" in again.out
    assert not Path("public/piece-029.json").exists()


def test_an_export_says_that_takedowns_reach_it_late(call: CALL) -> None:
    told = " ".join(call("export", "--help").out.split())
    assert "takedown" in told
    assert "only at the next export" in told


def test_the_report_of_a_build_is_named_and_copied(call: CALL) -> None:
    name = build(call, articles(30))
    assert call("report").out.strip().endswith(f"{name}/report.html")
    assert call("report", "--out", "page.html").code == 0
    assert name in Path("page.html").read_text()
    assert call("report", name, "--json").json()["reading"]["kept"] == 30
    assert call("report", "20260102T030405Z-0a1b2c").code == 6


def test_the_help_of_build_and_publish_names_every_exit_code(call: CALL) -> None:
    for command in ("build", "publish"):
        told = call(command, "--help").out
        for code in (*Gate, HELD_EXIT_CODE):
            assert str(int(code)) in told


def test_every_command_of_operations_has_an_example() -> None:
    commands: dict[str, Any] = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    for name in ("builds", "diff", "prune", "release", "export", "report"):
        assert commands[name].epilog.startswith(f"Example: alsolike {name}")


@pytest.mark.parametrize("command", ["rollback", "prune", "release"])
def test_in_a_folder_without_builds_nothing_is_done_or_made(call: CALL, command: str) -> None:
    outcome = call(command)
    assert outcome.code == 6
    assert "there are no builds in" in outcome.err
    assert not Path("alsolike-root").exists()


@pytest.mark.parametrize("command", ["build", "prune", "release"])
def test_what_a_dead_process_left_is_told_and_gone(call: CALL, command: str) -> None:
    build(call, articles(20))
    left = Path("alsolike-root/builds/.unfinished-20260102T030405Z-0a1b2c")
    left.mkdir()
    outcome = call(command, *([write(articles(20))] if command == "build" else []))
    assert "cleaning up: build 20260102T030405Z-0a1b2c was left unfinished" in outcome.err
    assert not left.exists()
    assert "clean-up" in events()


def test_builds_are_listed_while_the_pointer_is_damaged_and_forcing_one_repairs_it(
    call: CALL,
) -> None:
    name = build(call, articles(30))
    Path("alsolike-root/CURRENT").write_text("{}")
    outcome = call("builds")
    assert outcome.out.splitlines()[1].startswith(name)
    assert "CURRENT is damaged" in outcome.err
    assert call("publish", name).code == Gate.COMPARISON
    assert call("publish", name, "--force").code == 0
    assert live(call) == name


DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_documented_exit_codes_are_those_of_the_errors() -> None:
    table = re.findall(r"^\| (\d+) \| (?:gate \*(\w+)\*)?", DOCS.read_text(), re.MULTILINE)
    gates = {int(code): name for code, name in table if name}
    assert gates == {int(gate): gate.name.lower() for gate in Gate}
    assert {int(code) for code, _ in table} == {0, 1, HELD_EXIT_CODE, *Gate, *CODES.values()}
    for kind in every_error(errors.AlsoLikeError):
        if kind not in (errors.AlsoLikeError, GateError):
            assert issubclass(kind, tuple(CODES)), kind


def every_error(kind: type[errors.AlsoLikeError]) -> Iterator[type[errors.AlsoLikeError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


def test_documented_commands_options_and_settings_exist() -> None:
    text = DOCS.read_text() + DOCS.with_name("runbook.md").read_text()
    commands: dict[str, Any] = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    blocks = "\n".join(re.findall(r"^```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    told = re.findall(r"alsolike ([a-z][a-z-]*)(.*)", blocks)
    told += re.findall(r"`alsolike ([a-z-]+)([^`]*)`", text)
    assert len(told) > 15
    for name, rest in told:
        assert name in commands
        command: Any = commands[name]
        if hasattr(command, "commands"):  # a group: its command is the next word
            command = command.commands[rest.split()[0]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options | {"--help"}, (name, rest)
    for name, default in re.findall(r"^\| `(\w+)` \| `?([\w.-]+)`? \|", text, re.MULTILINE):
        assert str(Settings.model_fields[name].default).lower() == default.lower()


def test_the_documented_order_of_gates_is_theirs(
    call: CALL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_MIN_GOLDEN", "0.5")
    build(call, articles(60))
    found = call("build", write(articles(30)), "--model", "hashing:128", "--no-publish", "--json")
    report = call("report", found.json()["build"], "--json").json()
    order = ", ".join(str(gate["exit_code"]) for gate in report["gates"])
    assert f"in the order {order}" in " ".join(DOCS.read_text().split())
