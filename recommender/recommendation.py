"""What a :class:`~recommender.recommender.Recommender` answers."""

from __future__ import annotations

from dataclasses import dataclass

from recommender.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """One article of a list.

    Attributes:
        article: The article.
        score: 0 for a random pair of the corpus, 1 for a copy.
        shared_terms: Up to four phrases that it shares with the one asked about.
    """

    article: Article
    score: float
    shared_terms: tuple[str, ...]

    def __repr__(self) -> str:
        """A line, for the list that a notebook shows: the article's text would bury it."""
        return (
            f"RelatedArticle({self.score:.2f}, {self.article.id!r}, {self.article.title!r}, "
            f"{', '.join(self.shared_terms)!r})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why two articles stand together, or don't.

    Attributes:
        sentence: For people.
        shared_terms: Up to four phrases that both hold.
        score: As in the list of the first; ``None`` if the second is not in it.
        cosine: Of their embeddings.
        word_similarity: Of their weighted words, 0 to 1.
        same_story: Whether they are near-duplicates or versions of one piece, of which a list
            shows one.
    """

    sentence: str
    shared_terms: tuple[str, ...]
    score: float | None
    cosine: float
    word_similarity: float
    same_story: bool
