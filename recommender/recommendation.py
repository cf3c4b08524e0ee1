"""The classes for a related article and for an explanation, which ``Recommender`` returns."""

from dataclasses import dataclass

from recommender.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """One article of a related list.

    Attributes:
        article: The article.
        score: From 0 (no closer than a random pair of articles) to 1 (as close as a copy).
        shared_terms: Up to four key phrases that the article shares with the article whose list
            this is.
    """

    article: Article
    score: float
    shared_terms: tuple[str, ...]

    def __repr__(self) -> str:
        """Return one line without the article's text, which would flood a notebook's output."""
        return (
            f"RelatedArticle({self.score:.2f}, {self.article.id!r}, {self.article.title!r}, "
            f"{', '.join(self.shared_terms)!r})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why the second of two articles is, or isn't, in the first one's related list.

    Attributes:
        sentence: The explanation as a sentence for people.
        shared_terms: Up to four phrases that both articles contain.
        score: The score of the second article's story in the first one's list; ``None`` if it is
            not listed.
        cosine: Cosine similarity of the two embeddings.
        word_similarity: Similarity of the two articles' weighted words, 0 to 1.
        same_story: Whether the two are near-duplicates or versions of the same article; a list
            shows only one article per story.
    """

    sentence: str
    shared_terms: tuple[str, ...]
    score: float | None
    cosine: float
    word_similarity: float
    same_story: bool
