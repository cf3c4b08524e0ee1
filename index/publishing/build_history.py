"""The list of all builds of a root, with the state of each: live, refused, rolled back, damaged."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from index.errors import BuildError, FormatError
from index.root.journal import count_small_builds, read_journal
from index.root.root import Root
from recommender.errors import AlsoLikeError, NotFoundError

_NO_FATE: Mapping[str, Any] = {"state": "", "note": "", "found": []}
_MAKE_LIVE = ("publish", "force", "rollback")


def describe_builds(root: Root) -> dict[str, Any]:
    """Describe all builds of a root, oldest first.

    Returns:
        JSON values:

        - ``live``: the name of the live build, or ``None``.
        - ``held``: since when, by whom and why publishing is held, or ``None``.
        - ``problem``: what is wrong with the file ``CURRENT``, or ``None``.
        - ``items``: one entry for each build, with ``build``, ``state`` (``"live"``,
          ``"rollback"``, ``"refused"``, ``"damaged"``, ``"outdated"`` or ``"newer"`` for an older
          or newer format, or empty), ``note`` and ``found`` (what each gate measured that refused
          the build, or would). Unless the build can't be read, the entry also has ``created``,
          ``articles``, ``encoded``, ``encoder``, ``recall``, ``seconds``, ``mb`` and ``small``.
        - ``days``: how many small builds there were each day, oldest day first: ``day``,
          ``published``, ``refused`` and ``last``, the time of the latest.
        - ``rollback``: the name of the build that a rollback would return to, and of the last full
          build before, if they differ.
    """
    pointer, rollback, problem = None, [], None
    lines: list[dict[str, Any]] = []
    try:
        lines = read_journal(root.path)
        pointer = root.current()
        rollback = root.kept_for_rollback()[1:]
    except BuildError as error:  # the list is needed most when CURRENT is damaged
        problem = str(error)
    live = None if pointer is None else pointer.build
    fates = _fates(lines)
    items = []
    for name in root.names():
        item: dict[str, Any] = {"build": name, **_NO_FATE, **fates.get(name, {})}
        if name == live:
            item["state"] = "live"
        elif name in rollback:
            item["state"] = "rollback"
        try:
            manifest = root.manifest(name)
        except NotFoundError:  # another process has just removed it
            continue
        except FormatError as error:
            item |= {"state": "newer" if error.newer else "outdated", "note": str(error)}
        except BuildError as error:
            item |= {"state": "damaged", "note": str(error)}
        else:
            item |= {
                "created": manifest.created,
                "articles": manifest.count,
                "encoded": manifest.encoded,
                "encoder": manifest.encoder.model,
                "recall": manifest.index.recall,
                "seconds": round(sum(manifest.seconds.values()), 1),
                "mb": round(sum(entry.bytes for entry in manifest.files.values()) / 1e6, 1),
                "small": manifest.small,
            }
        items.append(item)
    held = None if pointer is None or pointer.held is None else pointer.held.model_dump()
    return {
        "live": live,
        "held": held,
        "items": items,
        "problem": problem,
        "days": count_small_builds(lines),
        "rollback": rollback,
    }


def made_since_rollback(root: Root) -> str:
    """Return the name of the newest build made since the last rollback; empty if there is none.

    It is empty, too, if checks of that build failed.
    """
    made = ""
    for line in read_journal(root.path):
        if line.get("event") in ("build", "rollback"):
            fit = line["event"] == "build" and not line.get("found")
            made = str(line["build"]) if fit else ""
    return made if made in root.names() else ""


def last_rollback(root: Root, name: str) -> dict[str, Any] | None:
    """Return the journal's entry on the rollback from a build; ``None`` if it was live since.

    The entry says ``at`` which time, ``who`` and for which ``reason``.
    """
    last = None
    for line in read_journal(root.path):
        if line.get("event") == "rollback" and line.get("instead_of") == name:
            last = line
        elif line.get("event") in _MAKE_LIVE and line.get("build") == name:
            last = None
    return last


def shown_again(root: Root, *, now: int) -> list[str]:
    """Return the ids that are shown again since a newer build was replaced by an older one.

    They may have become drafts or been removed since the older build was made. The list is empty
    if the live build is the newer one, or the one that it replaced can't be read.

    Args:
        root: The folder of all builds.
        now: The time at which visibility is decided, in microseconds since 1970 UTC.
    """
    lines = [line for line in read_journal(root.path) if line.get("event") in _MAKE_LIVE]
    before = str(lines[-1].get("instead_of", "")) if lines else ""
    with suppress(AlsoLikeError):
        if root.live is not None and lines and lines[-1].get("build") == root.live < before:
            old, new = root.open(before, verify=False), root.open(verify=False)
            shown = np.flatnonzero(new.visible(now))
            rows = old.rows_of(new.ids)[shown]
            hidden = (rows < 0) | ~old.visible(now)[rows]
            return [new.article_id(int(row)) for row in shown[hidden]]
    return []


def _fates(lines: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Read from the journal the latest event of each build, other than that it was made."""
    fates: dict[str, dict[str, Any]] = {}
    for line in lines:
        name, found = str(line.get("build")), line.get("found", [])
        gates = ", ".join(line.get("gates", {}))
        match line.get("event"):
            case "refuse":
                fates[name] = {"state": "refused", "note": gates, "found": found}
            case "build":
                fates[name] = {"found": found, "note": "would be refused" if found else ""}
            case "force":
                fates[name] = {"note": f"published despite failed checks: {gates}"}
            case "publish":
                fates[name] = {}
            case "rollback":
                reason = f": {line['reason']}" if line.get("reason") else ""
                fates[str(line.get("instead_of"))] = {"note": f"rolled back{reason}"}
    return fates
