"""Churn: what a new build changes for readers, such as added articles and changed lists.

Lists are compared as readers see them: only the first places, without articles that are invisible,
score too low, or belong to a story that is shown already. Editors' decisions are ignored, as they
apply to both builds. So are the articles that fill up short lists: one new article would change
every list that is filled up with the newest ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.shown_lists import related_lists
from index.query import RelatedQuery
from recommender.neighbors import NO_ROW

_GONE = -2
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """The difference between an older and a newer build, as readers see it at one time.

    Attributes:
        query: The query with which the lists were computed.
        added: Shape (any,), int64: rows of the newer build whose articles the older lacks.
        removed: Shape (any,), int64: rows of the older build whose articles the newer lacks.
        hidden: Shape (any,), int64: rows of the newer build whose articles are in both, but that
            only the older shows, since they became drafts, for example.
        revealed: Shape (any,), int64: the same of articles that only the newer build shows.
        rewritten: Number of articles in both builds whose text changed.
        rows: Shape (m,), int64: the articles whose lists were compared, because both builds show
            them: their rows in the newer build.
        old_rows: Shape (m,), int64: the rows of the same articles in the older build.
        turned: Shape (m,), int64: how many entries of each of these articles' lists changed.
        replaced: Shape (m,), float64 in [0, 1]: ``turned`` as a share of the list's length.
        reordered: Shape (m,), int64: how many articles that are in the older build, too, came to
            each list. New ones are not counted: they come to many lists, as they should.
    """

    query: RelatedQuery
    added: NDArray[np.int64]
    removed: NDArray[np.int64]
    hidden: NDArray[np.int64]
    revealed: NDArray[np.int64]
    rewritten: int
    rows: NDArray[np.int64]
    old_rows: NDArray[np.int64]
    turned: NDArray[np.int64]
    replaced: NDArray[np.float64]
    reordered: NDArray[np.int64]

    @property
    def changed(self) -> float:
        """Share of the compared lists that show other articles than before, in any order."""
        return float((self.turned > 0).mean()) if len(self.turned) else 0.0

    @property
    def upset(self) -> float:
        """Share of the compared lists that gained an article which the older build has, too."""
        return float((self.reordered > 0).mean()) if len(self.reordered) else 0.0


def compare(old: Build, new: Build, *, now: int, query: RelatedQuery) -> Churn:
    """Compare the lists of two builds as readers see them.

    Args:
        old: The older build.
        new: The newer build.
        now: The time at which visibility is decided in both builds, in microseconds since 1970
            UTC. With one time for both, an article that just expired does not count as a change.
        query: The site's default query.
    """
    old_row = old.rows_of(new.ids)
    in_both = np.flatnonzero(old_row >= 0)
    new_row = np.full(old.count, _GONE, dtype=np.int32)
    new_row[old_row[in_both]] = in_both
    digests = new.text_digests[in_both] != old.text_digests[old_row[in_both]]
    comes, was = new.visible(now)[in_both], old.visible(now)[old_row[in_both]]
    rows = in_both[comes & was]
    old_rows = old_row[rows]
    old_lists = related_lists(old, now, query, old_rows)
    new_lists = related_lists(new, now, query, rows)
    turned = np.zeros(len(rows), dtype=np.int64)
    longest = np.zeros(len(rows), dtype=np.int64)
    reordered = np.zeros(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        before, after = old_lists[chunk], new_lists[chunk]
        before = np.where(before == NO_ROW, NO_ROW, new_row[before])
        present = after != NO_ROW
        stayed = (after[:, :, None] == before[:, None, :]).any(axis=2) & present
        kept = stayed.sum(axis=1)
        reordered[chunk] = (present & ~stayed & (old_row[after] >= 0)).sum(axis=1)
        longest[chunk] = np.maximum(present.sum(axis=1), (before != NO_ROW).sum(axis=1))
        turned[chunk] = longest[chunk] - kept
    return Churn(
        query=query,
        added=np.flatnonzero(old_row < 0),
        removed=np.flatnonzero(new_row == _GONE),
        hidden=in_both[was & ~comes],
        revealed=in_both[comes & ~was],
        rewritten=int(digests.any(axis=1).sum()),
        rows=rows,
        old_rows=old_rows,
        turned=turned,
        replaced=turned / np.maximum(longest, 1),
        reordered=reordered,
    )


def describe_churn(
    old: Build, new: Build, churn: Churn, *, now: int, limit: int = 20
) -> dict[str, Any]:
    """Describe the difference between two builds as JSON values, with titles.

    Args:
        old: The older build.
        new: The newer build.
        churn: The result of :func:`compare`.
        now: The time that was passed to :func:`compare`.
        limit: Most added articles, removed articles and changed lists to name, each.
    """
    order = np.lexsort((churn.rows, -churn.replaced))[:limit]
    most = order[churn.replaced[order] > 0]
    before = related_lists(old, now, churn.query, churn.old_rows[most])
    after = related_lists(new, now, churn.query, churn.rows[most])
    return {
        "old": old.name,
        "new": new.name,
        "added": _named(new, churn.added, limit),
        "removed": _named(old, churn.removed, limit),
        "hidden": _named(new, churn.hidden, limit),
        "revealed": _named(new, churn.revealed, limit),
        "rewritten": churn.rewritten,
        "lists": {
            "compared": len(churn.rows),
            "changed": round(churn.changed, 4),
            "replaced": round(float(churn.replaced.mean()), 4) if len(churn.rows) else 0.0,
            "by_slots": np.bincount(churn.turned, minlength=churn.query.limit + 1).tolist(),
        },
        "most_changed": [
            {
                **new.named(row),
                "replaced": round(float(share), 4),
                **_in_and_out(old, new, was, comes),
            }
            for row, share, was, comes in zip(
                churn.rows[most].tolist(),
                churn.replaced[most].tolist(),
                before,
                after,
                strict=True,
            )
        ],
    }


def _named(build: Build, rows: NDArray[np.int64], limit: int) -> dict[str, Any]:
    return {"count": len(rows), "first": [build.named(row) for row in rows[:limit].tolist()]}


def _in_and_out(
    old: Build, new: Build, before: NDArray[np.int32], after: NDArray[np.int32]
) -> dict[str, list[str]]:
    was = {old.article_id(row): old.title(row) for row in before.tolist() if row != NO_ROW}
    now = {new.article_id(row): new.title(row) for row in after.tolist() if row != NO_ROW}
    return {
        "in": [title for article_id, title in now.items() if article_id not in was],
        "out": [title for article_id, title in was.items() if article_id not in now],
    }
