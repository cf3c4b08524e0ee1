"""What editors decided about the links in texts that were suggested to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from service.curation.golden_set import Pair, weigh
from service.decisions.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLinks:
    """Links that editors judged; the bad ones are not suggested again.

    A link is a pair of ids: of the article with the text, and of the target.

    Attributes:
        good: The links that editors judged good.
        bad: The links that editors judged bad.
        words: For a link, the words that should not become this link; other words may.
    """

    good: Collection[Pair] = ()
    bad: Collection[Pair] = ()
    words: Mapping[Pair, Sequence[str]] = field(default_factory=dict)


def read_judged_links(database: Database) -> JudgedLinks:
    """Reads which links editors judged, and which words for links they refused."""
    found = weigh(database.judgments.all(), ())
    return JudgedLinks(good=found.good, bad=found.bad, words=database.refused_words.all())
