"""What a pin or hide is about: one article, all articles with a tag, or all articles.

A pin or hide names the articles whose lists it changes, and what it pins or hides there. Either is
a text, in the database as in memory: an article's id, ``" #"`` and a tag in lower case, or ``" *"``
for all articles. No id begins with a space. A pin or hide in more than one list is called a rule.
"""

from __future__ import annotations

import unicodedata

from recommender.article import check_id
from service.errors import DecisionError

EVERY = " *"
"""The scope of all articles."""

_TAG = " #"


def tag_scope(tag: str) -> str:
    """Returns the scope of all articles with a tag; upper and lower case are the same."""
    return _TAG + unicodedata.normalize("NFC", tag).casefold()


def tag_of(scope: str) -> str | None:
    """Returns the tag of a scope, in lower case; ``None`` for an article's id and for all."""
    return scope.removeprefix(_TAG) if scope.startswith(_TAG) else None


def is_rule(scope: str) -> bool:
    """Whether a scope is that of many articles."""
    return scope.startswith(" ")


def name_scope(scope: str) -> str:
    """Returns a scope in words: ``articles tagged “heat”``, ``all articles``, or the id itself."""
    tag = tag_of(scope)
    return f"articles tagged “{tag}”" if tag is not None else scope.replace(EVERY, "all articles")


def name_lists(scope: str) -> str:
    """Returns whose lists a scope means, in words, such as ``the lists of all articles``."""
    return f"the list{'s' * is_rule(scope)} of {name_scope(scope)}"


def scope_values(lists: str, target: str) -> dict[str, str | None]:
    """Returns whose lists a pin or hide changes and what it shows, by the names of fields."""
    return {
        "article_id": None if is_rule(lists) else lists,
        "tag": tag_of(lists),
        "target_id": None if is_rule(target) else target,
        "target_tag": tag_of(target),
    }


def check_scopes(lists: str, target: str) -> None:
    """Checks whose lists a pin or hide changes, and what it pins or hides there.

    Args:
        lists: The articles whose lists it changes.
        target: What it pins or hides.

    Raises:
        ArticleError: For an invalid id or tag.
        DecisionError: If both are the same article, or the target is a tag in one article's list,
            or all articles.
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
            "target_tag", "articles with a tag are hidden from the lists of a tag, or from all"
        )
