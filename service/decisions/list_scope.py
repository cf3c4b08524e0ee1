"""What a pin or hide is about: one article, all articles with a tag, or all articles.

A pin or hide names the articles whose lists it changes, and what it pins or hides there. Each of
the two is a text, called scope: an article's id, ``" #"`` and a tag in lower case for all articles
with that tag, or ``" *"`` for all articles. No id begins with a space. A pin or hide in the lists
of more than one article is called a rule.
"""

import unicodedata

from recommender.article import check_id
from service.errors import DecisionError

EVERY = " *"
"""The scope of all articles."""

_TAG = " #"


def tag_scope(tag: str) -> str:
    """Returns the text that stands for all articles with a tag: ``" #heat"`` for ``"Heat"``."""
    return _TAG + unicodedata.normalize("NFC", tag).casefold()


def tag_of(scope: str) -> str | None:
    """Returns the tag whose articles a scope means, such as ``"heat"`` for ``" #heat"``.

    Returns ``None`` for an article's id, and for the scope of all articles.
    """
    return scope.removeprefix(_TAG) if scope.startswith(_TAG) else None


def is_rule(scope: str) -> bool:
    """Whether a scope means many articles (``" #tag"``, ``" *"``), and is not an article's id."""
    return scope.startswith(" ")


def name_scope(scope: str) -> str:
    """Returns a scope in words for people.

    This is ``articles tagged “heat”`` for ``" #heat"``, ``all articles`` for ``" *"``, and the id
    itself for an article's id.
    """
    tag = tag_of(scope)
    return f"articles tagged “{tag}”" if tag is not None else scope.replace(EVERY, "all articles")


def name_lists(scope: str) -> str:
    """Returns in words whose lists a scope means, such as ``the lists of all articles``."""
    return f"the list{'s' * is_rule(scope)} of {name_scope(scope)}"


def scope_values(lists: str, target: str) -> dict[str, str | None]:
    """Returns the fields of the API that say what a pin or hide is about.

    Args:
        lists: The scope of the articles whose lists it changes.
        target: The scope of the articles that it pins or hides there.

    Returns:
        ``article_id`` and ``tag`` for ``lists``, ``target_id`` and ``target_tag`` for ``target``.
        Of each pair, one has a value and the other is ``None``; for all articles both are ``None``.
    """
    return {
        "article_id": None if is_rule(lists) else lists,
        "tag": tag_of(lists),
        "target_id": None if is_rule(target) else target,
        "target_tag": tag_of(target),
    }


def check_scopes(lists: str, target: str) -> None:
    """Checks whose lists a pin or hide changes, and what it pins or hides there.

    Args:
        lists: The articles whose lists it changes: an article's id, or the scope of many.
        target: What it pins or hides: an article's id, or the scope of those with a tag.

    Raises:
        ArticleError: For an invalid id or tag, or if ``target`` means all articles.
        DecisionError: If both are the same article, or ``target`` is a tag while ``lists`` is one
            article.
    """
    for scope, fields in ((lists, ("article_id", "tag")), (target, ("target_id", "target_tag"))):
        tag = tag_of(scope)
        if scope != EVERY or scope is target:
            check_id(scope if tag is None else tag, field=fields[tag is not None])
    if lists == target and not is_rule(lists):
        raise DecisionError(
            "target_id", f"article {lists!r} can't be in its own list; choose another"
        )
    if is_rule(target) and not is_rule(lists):
        raise DecisionError(
            "target_tag",
            "all articles with a tag can't be hidden from a single list; hide each by its id, or "
            "hide them from the lists of a tag or from all lists",
        )
