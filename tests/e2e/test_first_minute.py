"""The walks of ``docs/first-minute.md``, by its own commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
TEXT = (HERE / "docs" / "first-minute.md").read_text()
TOPICS = ["kelp and storm waves", "rye sourdough", "night buses", "old ovens", "seagrass meadows"]


def commands(walk: str) -> list[str]:
    section = TEXT.partition(f"\n## {walk}\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return str(block).splitlines()


def run(lines: list[str], folder: Path) -> None:
    """Runs those of the commands that end by themselves."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ALSOLIKE_MODEL": "hashing:64",
        "PYTHONPATH": str(HERE),
    }
    for line in lines:
        if "serve" not in line:
            line = line.replace("~/alsolike", str(HERE))
            done = subprocess.run(
                line, shell=True, cwd=folder, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            assert "front matter" not in done.stderr


@pytest.mark.parametrize("walk", ["Plain HTML", "Hugo", "WordPress"])
def test_no_walk_takes_more_than_five_commands(walk: str) -> None:
    assert 3 <= len(commands(walk)) <= 5


def test_the_walk_for_plain_html_ends_with_a_list_of_the_page_it_names(tmp_path: Path) -> None:
    (tmp_path / "public" / "news").mkdir(parents=True)
    for number, topic in enumerate([*TOPICS, *TOPICS]):
        name = "my-article" if number == 0 else f"article-{number}"
        (tmp_path / "public" / "news" / f"{name}.html").write_text(
            f"<html lang=en><head><title>On {topic}</title></head><body><article><h1>On {topic}"
            f"</h1><p>All about {topic}, part {number}.</p></article></body></html>"
        )
    run([*commands("Plain HTML"), "alsolike related news/my-article"], tmp_path)


def test_the_walk_for_hugo_ends_with_cards_on_every_page(tmp_path: Path) -> None:
    if shutil.which("hugo") is None:
        pytest.skip("hugo is not installed")
    run(["hugo new site blog"], tmp_path)
    blog = tmp_path / "blog"
    (blog / "content" / "posts").mkdir()
    for number, topic in enumerate([*TOPICS, *TOPICS]):
        dated = f"2026-01-{number + 10}-" if number % 2 else ""
        (blog / "content" / "posts" / f"{dated}post-{number}.md").write_text(
            f"---\ntitle: On {topic}\ndate: 2026-01-02\n---\nAll about {topic}, part {number}.\n"
        )
    (blog / "layouts" / "_default").mkdir()
    template = '{{ .Content }}{{ partial "alsolike.html" . }}'
    (blog / "layouts" / "_default" / "single.html").write_text(template)
    run(commands("Hugo"), blog)
    pages = [*(blog / "public" / "posts").glob("*/index.html")]
    assert len(pages) == 10
    assert all('class="alsolike-card"' in page.read_text() for page in pages)
