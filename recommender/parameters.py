"""The ranking parameters, whose defaults are the same for every corpus, and the lengths of lists.

Each default was chosen by measuring quality on corpora with relevance judgments. It is a round
number, near which quality changes little. ``python -m benchmarks.ablation`` shows how much
each stage adds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingParameters:
    """Parameters by which candidates are found, scored and ordered.

    Attributes:
        pair_share: The squared length of an article's vector of word pairs, relative to that of
            its vector of words.
        candidates: Number of nearest neighbors by embedding that are scored, and as many by words.
        diffusion_neighbors: Number of an article's nearest neighbors whose own scores for a
            candidate are added to the article's.
        neighbors_say: Weight of these added scores.
        hub_strengths: Strengths to choose from for the penalty on hubs, which are articles close
            to very many others; the least that suffices is used.
        most_hub: Largest share of lists that one article may be in; the penalty is chosen by it.
        heard_up_to: Where the penalty must be stronger than this, the neighbors' scores are not
            added, since they make hubs.
        diversity: Weight, 0 to 1, of the penalty for similarity to articles higher up in the list;
            :func:`recommender.rerank.diversify` applies it.
    """

    pair_share: float = 0.5
    candidates: int = 64
    diffusion_neighbors: int = 30
    neighbors_say: float = 0.2
    hub_strengths: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.6)
    most_hub: float = 0.06
    heard_up_to: float = 0.2
    diversity: float = 0.05


DEFAULT_RECIPE = RankingParameters()

DEFAULT_DEPTH = 50
"""Length of a stored list: more than a page shows, so that enough articles are left when hidden
ones are removed."""

SHOWN = 6
"""Length of the list that a page shows. Reports count articles that are in no list, or in very
many, by lists of this length."""

USUAL_WEIGHTS = {
    "meaning": 0.55,
    "words": 0.45,
    "names": 0.13,
    "named": 0.08,
    "tags": 1.0,
    "authors": 0.4,
    "dates": 0.0,
}
"""The default weight of each kind of evidence in the score of a pair."""

EVIDENCE_PHRASES = {
    "meaning": "texts of similar meaning",
    "words": "shared words",
    "names": "titles named in the text",
    "named": "texts that name the title",
    "tags": "shared tags",
    "authors": "shared authors",
    "dates": "close dates",
    "neighbors": "articles close to the nearest ones",
}
"""What editors read for each kind of evidence, and for common neighbors, by its name."""
