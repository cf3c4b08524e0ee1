"""What importing costs: whoever only reads a build stays light."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "sentence_transformers", "transformers", "tokenizers", "sklearn")


def printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "module", ["recommender", "index.build.build", "service.app", "service.cli.alsolike"]
)
def test_importing_loads_no_model_library(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    assert printed(code) == ""


def test_a_worker_loads_no_library_of_drafts_until_one_comes() -> None:
    code = "import sys, service.fastapi_app; print(*sorted({'faiss', 'scipy'} & set(sys.modules)))"
    assert printed(code) == ""


def test_serve_loads_nothing_that_its_first_lists_do_not_need() -> None:
    late = {"fastapi", "jinja2", "babel", "sqlalchemy.dialects.postgresql", "service.cli.alsolike"}
    code = (
        "import sys, service.cli, service.server, service.app;"
        "from service.settings import load_settings; load_settings();"
        f"print(*sorted({late!r} & set(sys.modules)))"
    )
    assert printed(code) == ""


def test_the_check_above_would_notice_one() -> None:
    code = "import sys, tokenizers; print('tokenizers' in sys.modules)"
    assert printed(code) == "True"
