"""What is related to what, and why. Pure: no web, no command line, no files but a model's.

``from recommender import Recommender`` is the whole of it in one object. It is looked up at its
first use: a web process imports rooms of this floor and must not pay for all of them.
"""

from __future__ import annotations

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
