"""What editors refused among the links that were suggested in texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from service.curation.golden_set import Pair, weigh
from service.decisions.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLinks:
    """Links that are not suggested again, each as the ids of the article and the target.

    Attributes:
        pairs: The links that editors judged bad.
        words: By link, the words that should not become it; others may.
    """

    pairs: Collection[Pair] = ()
    words: Mapping[Pair, Sequence[str]] = field(default_factory=dict)


def read_refused(database: Database) -> RefusedLinks:
    """Reads what editors refused."""
    bad = weigh(database.judgments.all(), ()).bad
    return RefusedLinks(pairs=bad, words=database.refused_words.all())
