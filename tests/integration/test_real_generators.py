"""The generators themselves make the sites whose addresses the ordinary tests expect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.generator_programs import run, run_node
from tests.support.generator_sites import SITES

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


def jekyll(folder: Path) -> Path:
    run(["jekyll", "build", "--disable-disk-cache", "--destination", "made"], folder)
    return folder / "made"


def hugo(folder: Path) -> Path:
    run(["hugo", "--destination", "made"], folder)
    return folder / "made"


def zola(folder: Path) -> Path:
    (folder / "templates").mkdir()
    for name in ("page", "section", "index"):
        (folder / "templates" / f"{name}.html").write_text("x")
    run(["zola", "build", "--output-dir", "made"], folder)
    return folder / "made"


def eleventy(folder: Path) -> Path:
    run_node(folder, "@11ty/eleventy", "@11ty/eleventy/cmd.cjs")
    return folder / "made"


def starlight(folder: Path) -> Path:
    run_node(folder, "@astrojs/starlight", "astro/astro.js", "build")
    return folder / "made"


def docusaurus(folder: Path) -> Path:
    script = "@docusaurus/core/bin/docusaurus.mjs"
    run_node(folder, "@docusaurus/core", script, "build", "--out-dir", "made")
    return folder / "made"


GENERATORS: dict[str, Callable[[Path], Path]] = {
    "jekyll": jekyll,
    "hugo": hugo,
    "zola": zola,
    "eleventy": eleventy,
    "starlight": starlight,
    "docusaurus": docusaurus,
}


def test_each_site_has_its_generator() -> None:
    assert GENERATORS.keys() == SITES.keys()


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_makes_the_addresses_that_are_expected(name: str, tmp_path: Path) -> None:
    site = SITES[name]
    made = GENERATORS[name](site.write(tmp_path))
    for file, address in site.addresses.items():
        path = unquote(address).removeprefix(site.base).lstrip("/")
        place = made / path
        assert (place / "index.html" if address.endswith("/") else place).is_file(), file
