"""What ``requirements-serve.txt`` names is enough to serve, and all of it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.settings import Settings
from tests.support.editor_site import PAGE, TESTER, build_site

REMEDY = "install all of AlsoLike with: pip install alsolike"
ONLY_FOR = {"alembic", "httptools", "psycopg", "tzdata", "uvloop"}
"""What an older database, PostgreSQL, a time zone or the platform asks for."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("serving")
    root = build_site(folder)
    (root / "one.json").write_text(json.dumps(PAGE))
    database = open_decisions(Settings(root=root))
    token, _ = database.tokens.add(TESTER, name="all", role=Role.ADMIN)
    database.close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.serving_only", str(root), token],
        env={**os.environ, "ALSOLIKE_ROOT": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_route_is_answered_with_what_serving_installs(told: Any) -> None:
    failed = {path: answer for path, answer in told["answers"].items() if answer[0] >= 500}
    assert failed.keys() == {"draft", "GET /v1/links"}, failed
    assert all(REMEDY in json.loads(body)["detail"] for _, body in failed.values())
    assert told["answers"]["GET /v1/related"][0] == told["answers"]["batch"][0] == 200
    assert len(told["answers"]) > 30
    assert told["unused"] == sorted(ONLY_FOR & set(told["unused"]))


def test_drafts_and_building_name_the_remedy(told: Any) -> None:
    status, body = told["answers"]["draft"]
    assert status == 503
    assert REMEDY in json.loads(body)["detail"]
    for command, (code, said) in told["commands"].items():
        needs_all = command.startswith(("build ", "related"))
        assert (code, REMEDY in said) == ((3, True) if needs_all else (0, False)), said
        assert "Traceback" not in said
