"""The links in texts that were suggested to editors and that they refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from service.curation.golden_set import Pair, weigh
from service.decisions.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLinks:
    """Links in texts that are not suggested again, since editors refused them.

    A link is a pair of ids: of the article with the text, and of the target.

    Attributes:
        pairs: The links that editors judged bad.
        words: For a link, the words that should not become this link; other words may.
    """

    pairs: Collection[Pair] = ()
    words: Mapping[Pair, Sequence[str]] = field(default_factory=dict)


def read_refused(database: Database) -> RefusedLinks:
    """Reads from the database which links, and which words for links, editors refused."""
    bad = weigh(database.judgments.all(), ()).bad
    return RefusedLinks(pairs=bad, words=database.refused_words.all())
