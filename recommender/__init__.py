"""The recommender library: finds related articles and explains why they are related.

It has no web server and no command line, and reads no files except an encoder's model. The class
``Recommender`` (``from recommender import Recommender``) offers all of it. The class is imported
only when it is first used: a web process needs just a few modules of this package, and must not
load the others.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.recommendation import Explanation, RelatedArticle
    from recommender.recommender import Recommender

__all__ = ["Explanation", "Recommender", "RelatedArticle"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from recommender import recommender

    return getattr(recommender, name)
