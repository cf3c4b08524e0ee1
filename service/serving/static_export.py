"""Writes the related articles of each visible article to a file, for a site without the service.

A file is named after its article's id. Each byte except ``A-Z a-z 0-9 - _ .`` is written as
``~HH`` (two hexadecimal digits), and so is a leading dot, so every id has its own valid name: the
id ``news/7`` gives ``news~2F7.json``. If that name would be too long, it is ``~`` and the SHA-256
of the id instead. A script in a browser gets the name by percent-encoding the id and replacing each
``%`` by ``~``.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from pathlib import Path

import numpy as np

from index.files import replace_file
from recommender.errors import InputError
from service.serving.serving_view import ServingView

LEDGER = ".alsolike-export"
"""The file that lists all files of an export, so that the next one removes no others."""

_LONGEST = 200
_ESCAPED = re.compile(rb"[^A-Za-z0-9_.-]|^\.")


def export_lists(
    served: ServingView,
    out: Path,
    render: Callable[[int], bytes],
    *,
    now: int,
    rows: Set[int] | None = None,
) -> dict[str, int]:
    """Writes one JSON file for each visible article; a file with the same content is left as it is.

    Each file is replaced in one step. Files of articles that may no longer be shown are removed
    first, so that a takedown does not wait for the rest of the export.

    Args:
        served: The build to export, with the editors' decisions.
        out: A new or empty folder, or the folder of an earlier export.
        render: A function that takes an article's row number and returns its file's content.
        now: The time for which lists are exported, in microseconds since 1970 UTC.
        rows: The row numbers of the articles whose lists may have changed since the last export;
            by default all.

    Returns:
        How many files were ``written``, as they are new or changed, left ``unchanged``, and
        ``removed``.

    Raises:
        InputError: If the folder holds other files.
    """
    earlier = read_ledger(out)
    build = served.build
    visible = np.flatnonzero(served.showing(now).visible).tolist()
    names = {file_name(build.article_id(row)): row for row in visible}
    gone = earlier - names.keys()
    for name in gone:
        (out / name).unlink(missing_ok=True)
    if not names.keys() <= earlier:  # before the files, so that a crash leaves none out
        _write_ledger(out, earlier | names.keys())
    written = 0
    for name, row in names.items():
        if rows is None or row in rows or name not in earlier:
            written += _write_if_changed(out / name, render(row))
    if gone:
        _write_ledger(out, names.keys())
    return {"written": written, "unchanged": len(names) - written, "removed": len(gone)}


def file_name(article_id: str) -> str:
    """Returns the name of an article's file, such as ``news~2F7.json`` for the id ``news/7``."""
    escaped = _ESCAPED.sub(lambda found: b"~%02X" % found[0][0], article_id.encode()).decode()
    if len(escaped) > _LONGEST:
        escaped = f"~{hashlib.sha256(article_id.encode()).hexdigest()}"
    return f"{escaped}.json"


def read_ledger(out: Path) -> set[str]:
    """Returns the names of the files that an earlier export wrote; none for a new or empty folder.

    Args:
        out: The folder of the export, which is created if it is missing.

    Raises:
        InputError: If the folder holds other files.
    """
    out.mkdir(parents=True, exist_ok=True)
    for left in out.glob(f"{LEDGER}.*.tmp"):
        left.unlink()
    try:
        return set((out / LEDGER).read_text().split())
    except FileNotFoundError:
        foreign = next(out.iterdir(), None)
        if foreign is None:
            return set()
        raise InputError(
            f"the folder {out} holds {foreign.name}, not an earlier export; name a new or empty one"
        ) from None


def _write_ledger(out: Path, names: Iterable[str]) -> None:
    replace_file(out / LEDGER, "".join(f"{name}\n" for name in sorted(names)).encode())


def _write_if_changed(path: Path, content: bytes) -> bool:
    """Replaces a file in one step if its content changed; returns whether it did.

    The file is not synced to disk, since the next export would repair it after a power cut.
    """
    with suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return False
    beside = path.with_name(f"{LEDGER}.{os.getpid()}.tmp")
    beside.write_bytes(content)
    beside.replace(path)
    return True
