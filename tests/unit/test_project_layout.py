"""The project's own layout: one name for one thing, and imports that run one way."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("recommender", "index", "service")
SAME_CLASS: dict[str, str] = {}
"""Class names that may occur more than once, each with the reason."""
SAME_FILE = {
    "__init__.py": "every package has one",
    "__main__.py": "what python -m runs has no other name",
}
"""Names of files that may occur more than once in a floor, each with the reason."""


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, at its top or inside."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def repeated(names: list[str], allowed: dict[str, str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1 > (name in allowed))


def test_a_class_name_occurs_once_in_the_three_packages() -> None:
    classes = [
        node.name
        for path in sources(*FLOORS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert repeated(classes, SAME_CLASS) == []


@pytest.mark.parametrize("floor", FLOORS)
def test_a_file_name_occurs_once_in_a_floor(floor: str) -> None:
    assert repeated([path.name for path in sources(floor)], SAME_FILE) == []


def test_a_test_file_s_name_occurs_once_in_all_tests() -> None:
    names = [path.name for path in sources("tests") if path.parent.name != "support"]
    assert repeated(names, {"conftest.py": "pytest asks for it in each folder"}) == []


@pytest.mark.parametrize(
    "path",
    [path for path in sources("tests/unit") if path.stem != "conftest"],
    ids=lambda p: p.stem,
)
def test_a_unit_test_file_is_named_for_the_module_it_tests(path: Path) -> None:
    _, package, name = path.stem.split("_", 2)
    if package == "project":  # of the repository itself, as this file
        return
    modules = {module.stem for module in sources(package)}
    assert any(name == module or name.startswith(f"{module}_") for module in modules), (
        f"{package} has no module {name!r}: name the test for the module it tests now"
    )


def test_benchmarks_and_packages_import_no_tests() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("benchmarks", *FLOORS)
        for module in imported(path)
        if module.split(".")[0] in ("tests", "conftest")
    }
    assert found == set()


def test_files_that_share_a_server_are_marked_to_run_in_one_process() -> None:
    asks = re.compile(r"\bmilvus_uri: str\b|getfixturevalue\(\"milvus_uri\"\)")
    users = [path for path in sources("tests/e2e", "tests/integration") if asks.search(read(path))]
    assert len(users) >= 3
    assert [path.name for path in users if 'xdist_group("milvus")' not in read(path)] == []


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_tests_import_no_test_module() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("tests")
        for module in imported(path)
        if module.split(".")[-1].startswith("test_") or module.split(".")[-1] == "conftest"
    }
    assert found == set()


def exporting() -> list[str]:
    """Packages and modules with an ``__all__``."""
    paths = [path for path in sources(*FLOORS) if "__all__ = " in path.read_text(encoding="utf-8")]
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in paths
    ]


@pytest.mark.parametrize("name", exporting())
def test_what_a_module_exports_is_there_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    assert sorted(module.__all__) == module.__all__
    assert all(hasattr(module, exported) for exported in module.__all__)


@pytest.mark.parametrize(
    "path",
    [path for path in sources(*FLOORS) if path.name == "__init__.py"],
    ids=lambda path: path.parent.name,
)
def test_a_package_s_init_only_re_exports(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    re_exports = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
    ]
    assert not re_exports or "__all__" in path.read_text(encoding="utf-8")


DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_every_python_file_named_in_the_docs_exists(page: Path) -> None:
    files = sources(*FLOORS, "benchmarks", "tests", "docs")
    for name in re.findall(r"`([\w/]*\b\w+\.py)`", page.read_text(encoding="utf-8")):
        assert any(str(path).endswith(f"/{name}") for path in files), name


def test_every_function_and_class_named_on_the_page_inside_exists() -> None:
    text = (ROOT / "docs" / "inside.md").read_text(encoding="utf-8")
    defined = {
        node.name
        for path in sources(*FLOORS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    named = re.findall(r"`(?:\w+\.)?(\w+)\(\w*\)`", text) + re.findall(r"`([A-Z][a-z]\w+)`", text)
    assert len(named) > 20
    assert set(named) <= defined
