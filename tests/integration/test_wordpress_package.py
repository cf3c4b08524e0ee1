"""The plugin for WordPress as a zip: whole, translated, and with the cards' own markup."""

from __future__ import annotations

import gettext
import io
import re
import zipfile
from pathlib import Path

from babel.messages.pofile import read_po

from integrations.wordpress.make_zip import PLUGIN, plugin_files, write_zip

ROOT = Path(__file__).parents[2]
SOURCES = "".join(path.read_text() for path in sorted(PLUGIN.rglob("*.php")))
CALL = re.compile(r"(?:__|esc_html_e|esc_html__)\( '([^']+)', 'alsolike' \)")


def texts(name: str) -> dict[str, str]:
    found = read_po(io.BytesIO((PLUGIN / "languages" / name).read_bytes()))
    return {str(one.id): str(one.string) for one in found if one.id}


def test_the_same_files_give_the_same_zip(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        write_zip(tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert {"alsolike/alsolike.php", "alsolike/cards.css", "alsolike/words.json"} <= set(names)
    assert all(name.startswith("alsolike/") for name in names)


def test_every_text_can_be_translated_and_is_in_german() -> None:
    used = set(CALL.findall(SOURCES))
    assert used == set(texts("alsolike.pot"))
    german = texts("alsolike-de_DE.po")
    assert used == set(german)
    compiled = plugin_files()["languages/alsolike-de_DE.mo"]
    catalog = gettext.GNUTranslations(io.BytesIO(compiled))
    for text in used:
        assert german[text], text
        assert catalog.gettext(text) == german[text]
        assert re.findall(r"%(?:\d\$)?s", text) == re.findall(r"%(?:\d\$)?s", german[text])


def test_the_header_the_readme_and_the_code_say_the_same_version_and_licence() -> None:
    readme = (PLUGIN / "readme.txt").read_text()
    header = (PLUGIN / "alsolike.php").read_text()
    version = re.search(r"const VERSION = '(.+)';", header)
    assert version is not None
    assert f"Version:           {version[1]}\n" in header
    assert f"Stable tag: {version[1]}\n" in readme
    for field in ("Requires at least", "Requires PHP", "License", "License URI"):
        said = [re.search(rf"{field}: *(.+)", text) for text in (header, readme)]
        assert all(said)
        assert len({one[1] for one in said if one}) == 1, field
    assert "GPL-2.0-or-later" in header


def test_cards_have_the_classes_of_the_service_s_own_fragment() -> None:
    template = (ROOT / "service" / "templates" / "related.html").read_text()
    expected = set(re.findall(r"\balsolike(?:-[a-z-]+)?\b", template))
    expected.remove("alsolike-language")  # the plugin reads JSON, which tells no card's language
    assert expected <= set(re.findall(r"\balsolike(?:-[a-z-]+)?\b", SOURCES))


def test_every_file_of_php_refuses_to_be_asked_for_by_itself() -> None:
    for path in PLUGIN.rglob("*.php"):
        assert re.search(
            r"^defined\( '(?:ABSPATH|WP_UNINSTALL_PLUGIN)' \) \|\| exit;$",
            path.read_text(),
            re.MULTILINE,
        ), path
