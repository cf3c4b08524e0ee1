"""Every visible article's list as a static file, for sites without a service and for CDNs.

A file is named by its article's id, each byte but ``A-Z a-z 0-9 - _ .`` written as ``~HH``, so
that any id fits and no two meet; a leading dot is escaped too, and a name that would be too long
is ``~`` and the id's SHA-256. Short ids in a browser: percent-encode, then ``%`` becomes ``~``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from index.files import replace_file
from recommender.errors import InputError
from service.serving.serving_view import ServingView

LEDGER = ".alsolike-export"
"""Names every file that an export wrote, so that the next one removes no other."""

_LONGEST = 200
_ESCAPED = re.compile(rb"[^A-Za-z0-9_.-]|^\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export did.

    Attributes:
        written: Files that are new or changed.
        unchanged: Files left as they were.
        removed: Files of articles that may no longer be shown.
    """

    written: int
    unchanged: int
    removed: int


def export_lists(
    served: ServingView, out: Path, render: Callable[[int], bytes], *, now: int
) -> Exported:
    """Write one JSON file for each visible article; touch only what changed.

    Readers see each file's old bytes or its new ones. What an earlier export left and is not
    to be shown any more goes first: a takedown must not wait for a million files.

    Args:
        served: The build to export, under what editors decided.
        out: A new or empty folder, or an earlier export.
        render: Gives the file of a row.
        now: The moment at which visibility is decided, microseconds since 1970 UTC.

    Raises:
        InputError: If the folder holds something else.
    """
    earlier = _read_ledger(out)
    build = served.build
    visible = [row for row in range(build.count) if served.is_visible(row, now)]
    names = {file_name(build.article_id(row)): row for row in visible}
    gone = earlier - names.keys()
    for name in gone:
        (out / name).unlink(missing_ok=True)
    _write_ledger(out, earlier | names.keys())  # a crash on the way forgets no file
    written = 0
    for name, row in names.items():
        written += _write_if_changed(out / name, render(row))
    _write_ledger(out, names.keys())
    return Exported(written=written, unchanged=len(names) - written, removed=len(gone))


def file_name(article_id: str) -> str:
    """The name of an article's file; see the module's documentation."""
    escaped = _ESCAPED.sub(lambda found: b"~%02X" % found[0][0], article_id.encode()).decode()
    if len(escaped) > _LONGEST:
        escaped = f"~{hashlib.sha256(article_id.encode()).hexdigest()}"
    return f"{escaped}.json"


def _read_ledger(out: Path) -> set[str]:
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
            f"{out} holds {foreign.name} and is no earlier export; name a new or empty folder"
        ) from None


def _write_ledger(out: Path, names: Iterable[str]) -> None:
    replace_file(out / LEDGER, "".join(f"{name}\n" for name in sorted(names)).encode())


def _write_if_changed(path: Path, content: bytes) -> bool:
    """Replace a file in one step, unsynced: what a power cut spoils, the next export mends."""
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    beside = path.with_name(f"{LEDGER}.{os.getpid()}.tmp")
    beside.write_bytes(content)
    beside.replace(path)
    return True
