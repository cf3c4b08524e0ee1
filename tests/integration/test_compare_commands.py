"""The commands ``alsolike compare …``, from the first list of a variant to its publication."""

from __future__ import annotations

import json
import random
import shutil
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from index.publishing import gates
from index.publishing.gates import Gate
from index.root.comparison import ComparisonState, read_comparison, variant_folder
from index.root.journal import read_journal
from index.root.root import Root
from service.cli.alsolike import app
from service.clicks.click_store import blocks, open_clicks
from service.settings import load_settings
from tests.support.articles import topical
from tests.support.commands import Run, runner

RECORDS = topical(40)
VARIANT = """
model = "hashing:64"
clicks = true
max_churn = 1.0

[variant.words]
depth = 20
weights = { meaning = 0.0, words = 1.0 }
boost = [{ field = "tags", factor = 1.5, equals = "news" }]

[variant.fresh]
half_life = 365

[variant.same]
model = "hashing:64"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    lines = "\n".join(map(json.dumps, RECORDS))
    (folder / "articles.jsonl").write_text(lines)
    (folder / "alsolike.toml").write_text(VARIANT)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        app(["build", "articles.jsonl"], standalone_mode=False)
    return folder


@pytest.fixture
def run(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs the command in a folder with a live build and settings with a variant."""
    shutil.copytree(made, tmp_path / "site")
    monkeypatch.chdir(tmp_path / "site")
    return runner(monkeypatch, capsys)


def running() -> ComparisonState:
    state = read_comparison(Path("alsolike-root"))
    assert state is not None
    return state


def count(views: int, live: float, other: float) -> None:
    """Lists that were seen and followed, as the service counts them."""
    state, draw = running(), random.Random(1)
    sums = {}
    for number in range(40):
        for article in (record["id"] for record in RECORDS):
            varied = state.picks(article, number)
            seen = views // 1_600
            followed = sum(draw.random() < (other if varied else live) for _ in range(seen))
            key = (state.key, number, article, state.variant if varied else "live")
            sums[key] = (seen, followed)
    with closing(open_clicks(load_settings())) as store:
        store.add({blocks: sums})


def test_a_variant_is_compared_found_better_and_published(run: Run) -> None:
    code, out, _ = run("compare", "start", "words", "--block", "30m", "--reason", "try words")
    assert (code, "50% of articles show the lists of words, drawn anew every 30m" in out) == (
        0,
        True,
    )
    root = Root(Path("alsolike-root"))
    live = root.open()
    varied = Root(variant_folder(root.path, "words")).open(live.name)
    assert (varied.manifest.depth, varied.manifest.weights["meaning"]) == (20, 0.0)
    code, out, _ = run("compare", "status")
    assert code == 0
    assert out.splitlines()[1:] == ["0 lists were seen in that time: too few to say anything."]
    code, _, err = run("compare", "start", "words")
    already = "the variant words is compared already; end that comparison first"
    assert (code, f"{already}: alsolike compare stop" in err) == (8, True)

    count(48_000, 0.16, 0.22)
    code, out, _ = run("compare", "status", "--json")
    found = json.loads(out)
    assert (code, found["views"], found["decided"], found["missing"]) == (0, 48_000, True, "")
    assert 0.2 < (found["variant_rate"] - found["live_rate"]) / found["live_rate"] < 0.5
    assert "readers follow the lists of words more often" in found["sentences"][-1]

    code, out, _ = run("compare", "publish", "--reason", "followed more often")
    assert code == 0
    live = root.open()
    assert (live.manifest.depth, live.manifest.weights["meaning"]) == (20, 0.0)
    assert live.related_rows.tolist() == varied.related_rows.tolist()
    assert read_comparison(root.path) is None
    given = tomllib.loads(out.partition("again:\n")[2])
    assert given == tomllib.loads(VARIANT)["variant"]["words"]
    events = [line["event"] for line in read_journal(root.path)]
    assert events[-5:] == ["publish", "compare", "build", "publish", "compared"]
    code, out, _ = run("compare", "status")
    assert (code, "The variant words was compared with the live lists from" in out) == (0, True)


def test_a_stopped_comparison_leaves_its_counts_and_no_builds(run: Run) -> None:
    assert run("compare", "start", "words", "--share", "0.2")[0] == 0
    count(4_800, 0.16, 0.16)
    code, out, _ = run("compare", "status")
    assert (code, "20% of articles show its lists, drawn anew every 1h" in out) == (0, True)
    assert "That is not decided" in out
    assert "A chance of 80% takes " in out
    code, out, _ = run("compare", "stop", "--reason", "no difference")
    assert (code, "all readers get the live lists" in out) == (0, True)
    assert run("build", "articles.jsonl")[0] == 0
    assert not variant_folder(Path("alsolike-root"), "words").exists()
    assert json.loads(run("compare", "status", "--json")[1])["views"] == 4_800
    with closing(open_clicks(load_settings())) as store:
        for day, kept in (("2020-01-01", 1_600), ("2999-01-01", 0)):
            while store.forget(day):
                pass
            state = read_comparison(Path("alsolike-root"), running=False)
            assert state is not None
            assert len(store.blocks_of(state.key)) == kept
    for words in (("stop",), ("publish",)):
        code, _, err = run("compare", *words)
        assert (code, "no comparison is running; begin one with: alsolike" in err) == (6, True)


def test_the_variant_s_own_weights_are_published_without_its_build(run: Run) -> None:
    assert run("compare", "start", "words")[0] == 0
    root = Root(Path("alsolike-root"))
    shutil.rmtree(variant_folder(root.path, "words"))
    assert run("compare", "publish")[0] == 0
    assert root.open().manifest.weights["meaning"] == 0.0


def test_lists_that_change_by_age_alone_are_published(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_MAX_CHURN", "0")
    assert run("compare", "start", "fresh")[::2] == (0, "")
    live = Root(Path("alsolike-root")).open()
    with monkeypatch.context() as stricter:
        stricter.setenv("ALSOLIKE_MIN_SCORE", "0.99")
        stricter.setattr(gates, "_NO_WORSE", 0)  # else they are no weaker than the live lists
        code, _, err = run("compare", "publish")
        assert (code, "anyway: alsolike compare publish --force" in err) == (Gate.WEAK, True)
    code, out, err = run("compare", "publish")
    assert (code, "half_life = 365" in out, err) == (0, True, "")
    assert Root(Path("alsolike-root")).open().related_rows.tolist() != live.related_rows.tolist()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("none",),
            "no variant 'none' (they have: fresh, same, words); write a table [variant.none]",
        ),
        (("same",), "[variant.same] differs in nothing from the site's own settings"),
        (("words", "--share", "1"), "--share 1.0: must be more than 0 and less than 1"),
        (("words", "--block", "5s"), "--block 5s: must be from 1m to 7d"),
        (("words", "--block", "1 hour"), "must be a number and a unit, such as 30m, 1h or 1d"),
    ],
)
def test_what_can_t_be_compared_is_said_with_the_remedy(
    run: Run, arguments: tuple[str, ...], told: str
) -> None:
    code, _, err = run("compare", "start", *arguments)
    assert (code, told in err) == (2, True)
    assert read_comparison(Path("alsolike-root")) is None


def test_clicks_must_be_counted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSOLIKE_CLICKS", "false")
    code, _, err = run("compare", "start", "words")
    assert (code, "counting them is off: set clicks = true" in err) == (2, True)


def test_the_live_build_s_model_is_compared(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSOLIKE_MODEL", "hashing:32")
    code, _, err = run("compare", "start", "words")
    assert (code, "was made with hashing" in err, "build first" in err) == (3, True, True)


def test_a_variant_that_can_t_be_built_is_not_compared(run: Run) -> None:
    settings = Path("alsolike.toml")
    settings.write_text(f'{settings.read_text()}\n[variant.gone]\nmodel = "/no/such/model"\n')
    code, _, err = run("compare", "start", "gone")
    assert (code, "/no/such/model" in err) == (3, True)
    assert read_comparison(Path("alsolike-root")) is None


def test_a_gate_demands_a_decision_before_another_recipe(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("compare", "start", "words")[0] == 0
    monkeypatch.setenv("ALSOLIKE_DECIDE_FIRST", "true")
    assert run("build", "articles.jsonl")[0] == 0, "the same recipe passes"
    monkeypatch.setenv("ALSOLIKE_DEPTH", "30")
    code, _, err = run("build", "articles.jsonl")
    assert (code, "undecided: variant words is compared" in err) == (20, True)
    monkeypatch.delenv("ALSOLIKE_DEPTH")
    assert run("compare", "publish")[0] == 0, "that is the decision"
