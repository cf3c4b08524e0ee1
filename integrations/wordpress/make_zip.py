"""Packs the plugin for WordPress: ``python integrations/wordpress/make_zip.py [ZIP]``.

Besides the plugin's own files the zip holds the style of the cards and their words in many
languages, which are the service's, and the compiled translations. The same files give the same
bytes.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import tomllib
import zipfile
from pathlib import Path

from babel.messages.pofile import read_po

PLUGIN = Path(__file__).parent / "alsolike"
SERVICE = Path(__file__).parents[2] / "service"
_TIME = (1980, 1, 1, 0, 0, 0)


def plugin_files() -> dict[str, bytes]:
    """Returns the content of each file of the zip, by its path."""
    words = tomllib.loads((SERVICE / "http" / "html_fragment.toml").read_text())
    files = {
        "cards.css": (SERVICE / "static" / "widget.css").read_bytes(),
        "words.json": json.dumps(words).encode(),
    }
    for path in sorted(PLUGIN.rglob("*")):
        if path.is_file():
            files[path.relative_to(PLUGIN).as_posix()] = path.read_bytes()
    for name in [name for name in files if name.endswith(".po")]:
        files[name.removesuffix(".po") + ".mo"] = compile_texts(files[name])
    return files


def compile_texts(source: bytes) -> bytes:
    """Returns translations as gettext's binary format, with the table of hashes empty.

    Args:
        source: A file of translations in gettext's text format.
    """
    found = {str(one.id): str(one.string) for one in read_po(io.BytesIO(source)) if one.id}
    found[""] = "Content-Type: text/plain; charset=UTF-8\n"
    texts = sorted((key.encode(), text.encode()) for key, text in found.items() if text)
    tables = (28, 28 + 8 * len(texts), 28 + 16 * len(texts))
    head = struct.pack("<7I", 0x950412DE, 0, len(texts), *tables[:2], 0, tables[2])
    index, strings = b"", b""
    for column in zip(*texts, strict=True):
        for text in column:
            index += struct.pack("<2I", len(text), tables[2] + len(strings))
            strings += text + b"\0"
    return head + index + strings


def write_zip(path: Path) -> None:
    """Writes the plugin as a zip that WordPress takes under Plugins, Add New, Upload Plugin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in sorted(plugin_files().items()):
            info = zipfile.ZipInfo(f"alsolike/{name}", _TIME)
            info.external_attr = 0o644 << 16
            packed.writestr(info, content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "dist/alsolike-wordpress.zip")
    write_zip(target)
    sys.stdout.write(f"{target}\n")
