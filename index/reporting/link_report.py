"""The report's figures about the pages' own links: between articles, to nowhere, and to none."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.link_graph import EDITORIAL, LinkFindings, PageLinkKind

_NAMED = 20


def report_page_links(
    findings: LinkFindings,
    build: Build,
    visible: NDArray[np.bool_],
    heads: NDArray[np.int32],
) -> dict[str, Any]:
    """Compute the figures about the pages' own links, as JSON values.

    Args:
        findings: What the build found about the links.
        build: The build.
        visible: Shape (n,), bool: which articles may be shown.
        heads: Shape (n, k), int32: each row's list as readers see it, -1 at the end.
    """
    links = findings.links
    sources, targets, kinds = links.sources(), links.targets.values, links.kinds
    editorial = np.isin(kinds, EDITORIAL)
    followed = kinds != PageLinkKind.APART
    linked = np.zeros(len(visible), dtype=np.bool_)
    linked[targets[followed]] = True
    unlinked = np.flatnonzero(visible & ~linked) if followed.any() else np.empty(0, dtype=np.int64)

    def listed(kind: PageLinkKind) -> dict[str, int]:
        held = (kinds == kind) & visible[sources] & visible[targets]
        shown = (heads[sources[held]] == targets[held][:, np.newaxis]).any(axis=1)
        articles = len(np.unique(sources[held]))
        return {"articles": articles, "links": int(held.sum()), "shown": int(shown.sum())}

    return {
        "articles": len(np.unique(sources[editorial])),
        "per_article": round(float(editorial.sum() / max(len(visible), 1)), 2),
        "links": {kind.name.lower(): int((kinds == kind).sum()) for kind in PageLinkKind},
        "unlinked": {
            "count": len(unlinked),
            "first": [build.named(row) for row in unlinked[:_NAMED].tolist()],
        },
        "text": listed(PageLinkKind.TEXT),
        "related": listed(PageLinkKind.RELATED),
        "unresolved": {
            "count": findings.unresolved_count,
            "first": [
                {"url": url, "articles": count, "on": build.named(row)}
                for url, count, row in findings.unresolved
            ],
        },
        "blocks": [asdict(block) for block in findings.blocks[:_NAMED]],
        "frequent": [{**build.named(row), "articles": count} for row, count in findings.frequent],
    }
