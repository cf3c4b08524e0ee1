"""What the README says can be done, can be done."""

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from service.api.api_models import RelatedAnswer
from service.cli.alsolike import app

HERE = Path(__file__).parents[2]
README = (HERE / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
INLINE = re.findall(r"`(alsolike [^`]+)`", README)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def shell_lines(start):
    lines = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.startswith(start)]


def test_it_is_short_enough_to_be_read():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("line", [*shell_lines("alsolike"), *INLINE])
def test_every_command_and_option_exists(line):
    words = shlex.split(line)
    command = COMMANDS[words[1]]
    known = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word for word in words[2:] if word.startswith("--")} <= known


def test_its_own_articles_section_runs_as_printed(tmp_path):
    record = {
        "id": "my-article",
        "title": "Kelp and waves",
        "text": "Kelp calms waves.",
        "link": "/k",
    }
    others = [{**record, "id": f"a{i}", "title": f"Bread {i}", "link": f"/{i}"} for i in range(5)]
    with gzip.open(tmp_path / "articles.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(one) + "\n" for one in [record, *others])
    runnable = [line for line in shell_lines("alsolike") if " serve" not in line]
    assert len(runnable) >= 2
    for line in runnable:
        words = shlex.split(line)
        done = subprocess.run(
            [str(Path(sys.executable).parent / words[0]), *words[1:]],
            cwd=tmp_path,
            env={**os.environ, "ALSOLIKE_MODEL": "hashing:64"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "Kelp and waves" in done.stdout


def test_the_answer_it_prints_has_the_shape_of_the_api():
    (answer,) = [block for kind, block in BLOCKS if kind == "json"]
    parsed = RelatedAnswer.model_validate_json(answer)
    assert len(parsed.items[0].excerpt) <= 140


def test_every_make_target_it_names_exists():
    makefile = (HERE / "Makefile").read_text()
    for line in shell_lines("make"):
        assert re.search(rf"^{line.split()[1]}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("page", [HERE / "README.md", *sorted((HERE / "docs").glob("*.md"))])
def test_every_benchmark_in_the_docs_exists(page):
    for module in re.findall(r"python -m benchmarks\.([a-z_]+)", page.read_text()):
        package = HERE / "benchmarks" / module / "__main__.py"
        assert package.is_file() or package.parent.with_suffix(".py").is_file(), module
