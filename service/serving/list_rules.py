"""What rules pin and hide in the lists of articles by their tags, resolved for a build.

A page view only looks up the tags of its article among those that rules name, and the stories that
its list might show in a mask of each tag that rules hide there. The masks belong to the build.
"""

import itertools
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from index.build.build import Build
from service.decisions.decision_state import Override, OverrideKind
from service.decisions.list_scope import EVERY, is_rule, tag_of

_ALL = -1


class RulesOfList(NamedTuple):
    """What rules pin and hide in the list of one article.

    A rule is a pin or hide by an editor in the lists of all articles with a tag, or of all.

    Attributes:
        pins: The pins, sorted by position.
        hides: The hides.
        hidden: The numbers, in the build, of the stories that these hide; a story is all versions
            of an article.
        hidden_tags: The tags of which these hide all articles, by their numbers in the build.
    """

    pins: Sequence[Override]
    hides: Sequence[Override]
    hidden: Container[int]
    hidden_tags: frozenset[int] = frozenset()


class _StoriesWithTags:
    """The stories of which a version has one of some tags, or that are named; never all listed."""

    def __init__(self, stories: frozenset[int], masks: Sequence[memoryview]) -> None:
        self._stories, self._masks = stories, masks

    def __contains__(self, story: object) -> bool:
        if isinstance(story, int):
            for mask in self._masks:
                if mask[story]:  # any() takes much longer, and fallbacks ask for many thousands
                    return True
        return story in self._stories


NO_RULES = RulesOfList((), (), frozenset())


class ListRules:
    """The rules in force at a time, found by the tags of the article whose list they change.

    A rule is a pin or hide by an editor in the lists of all articles with a tag, or of all.

    Args:
        build: The build, which holds the articles and their tags.
        rules: All rules; those that have ended or not begun are left out.
        now: The time, in microseconds since 1970 UTC.
        masks: For hidden tags, which stories of the build have them, as earlier rules left it.
    """

    def __init__(
        self, build: Build, rules: Iterable[Override], now: int, masks: dict[int, memoryview]
    ) -> None:
        self._build, self._masks = build, masks
        self._by_tag: defaultdict[int, list[Override]] = defaultdict(list)
        self._resolved: dict[tuple[int, ...], RulesOfList] = {}
        for rule in rules:
            if rule.holds(now):
                number = tag_number(build, rule.article_id)
                if number is not None:
                    self._by_tag[number].append(rule)
        every = itertools.chain.from_iterable(self._by_tag.values())
        for tag in masks.keys() - _tags_hidden(build, every):
            masks.pop(tag, None)

    def of(self, tags: Iterable[int]) -> RulesOfList:
        """Returns what rules pin and hide in the list of an article or draft.

        Args:
            tags: The tags of the article or draft, by their numbers in the build.
        """
        named = tuple(tag for tag in (_ALL, *tags) if tag in self._by_tag)
        found = self._resolved.get(named)
        if found is None:
            found = self._resolved[named] = self._resolve(named)
        return found

    def _resolve(self, tags: Sequence[int]) -> RulesOfList:
        rules = [rule for tag in tags for rule in self._by_tag[tag]]
        pins = [rule for rule in rules if rule.kind is OverrideKind.PIN]
        hides = [rule for rule in rules if rule.kind is OverrideKind.HIDE]
        pins.sort(key=lambda rule: rule.position or 0)
        targets, build = {rule.target_id for rule in hides}, self._build
        rows = (build.row(target) for target in targets if not is_rule(target))
        stories = frozenset(build.story_of[row] for row in rows if row is not None)
        tags_hidden = _tags_hidden(build, hides)
        masks = [self._mask(tag) for tag in tags_hidden]
        hidden = _StoriesWithTags(stories, masks) if masks else stories
        return RulesOfList(pins, hides, hidden, tags_hidden)

    def _mask(self, tag: int) -> memoryview:
        mask, build = self._masks.get(tag), self._build
        if mask is None:
            stories = np.zeros(build.count, dtype=np.bool_)
            stories[build.stories if tag == _ALL else build.stories[build.tagged[tag]]] = True
            mask = self._masks[tag] = stories.data
        return mask


def _tags_hidden(build: Build, rules: Iterable[Override]) -> frozenset[int]:
    hides = (rule.target_id for rule in rules if rule.kind is OverrideKind.HIDE)
    found = (tag_number(build, target) for target in hides if is_rule(target))
    return frozenset(number for number in found if number is not None)


def rows_in(build: Build, scope: str) -> Sequence[int]:
    """Returns the row numbers of the build's articles that a scope means.

    Args:
        build: The build.
        scope: An article's id, or the scope of all articles or of those with a tag, as
            :mod:`service.decisions.list_scope` writes it.
    """
    if not is_rule(scope):
        return [] if (row := build.row(scope)) is None else [row]
    number = tag_number(build, scope)
    if number is None:
        return []
    return range(build.count) if number == _ALL else build.tagged[number].tolist()


def tag_number(build: Build, scope: str) -> int | None:
    """Returns the number, in the build, of the tag whose articles a scope means.

    Returns -1 for the scope of all articles, and ``None`` if no article of the build has the tag.
    """
    return _ALL if scope == EVERY else build.tag_numbers.get(tag_of(scope) or "")
