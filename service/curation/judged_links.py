"""What editors decided about the links in texts that were suggested to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.curation.golden_set import GoldenSet, Pair, weigh
from service.decisions.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLinks(GoldenSet):
    """Links that editors judged; the bad ones are not suggested again.

    Attributes:
        words: For a link, the words that should not become this link; other words may.
    """

    words: Mapping[Pair, Sequence[str]] = field(default_factory=dict)


def read_judged_links(database: Database) -> JudgedLinks:
    """Reads which links editors judged, and which words for links they refused."""
    found = weigh(database.judgments.all(), ())
    return JudgedLinks(good=found.good, bad=found.bad, words=database.refused_words.all())
