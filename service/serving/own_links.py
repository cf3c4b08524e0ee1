"""Measures the ranking of a build by the links that the site's own pages have.

What a page links to in its text, and what it names as related, counts as related to it. The words
of a link often are the title of the article that it leads to. So each measured article is ranked
like a draft, by its text without the words of its links to other articles; for comparison, by its
whole text too.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from index.build.build import Build
from index.building.link_names import without_words_of_links
from index.query import MAX_LIMIT, RelatedQuery
from recommender.errors import InputError
from recommender.neighbors import NO_ROW
from recommender.ranking_metrics import measure_relevance
from recommender.visibility import utc_now
from service.decisions.decision_state import NO_STATE, DecisionState
from service.serving.drafts import DraftRelater
from service.serving.list_quality import flat_figures
from service.serving.serving_view import ServingView

_SEED = 18


def evaluate_own_links(
    build: Build,
    relater: DraftRelater,
    query: RelatedQuery,
    state: DecisionState = NO_STATE,
    *,
    min_related: int = 1,
    seeds: int = 200,
) -> dict[str, Any]:
    """Measures how well lists agree with the links that the pages themselves have.

    Args:
        build: The build to evaluate.
        relater: Ranks texts; it has the model that the build was made with.
        query: The query of a request without parameters; to measure recall the lists are longer,
            and the pages' own links don't change their order.
        state: The editors' decisions, of which only takedowns are applied; none by default.
        min_related: The least number of visible articles to which an article must link to be
            measured.
        seeds: The largest number of articles to measure; if more have enough links, a random sample
            of this size is measured, always the same.

    Returns:
        A dictionary of JSON values: ``linking``, the number of articles with enough links;
        ``seeds``, the number of those that were measured; and ``masked`` and ``as_written``, the
        figures of :func:`service.serving.list_quality.evaluate_build` for the articles' texts
        without the words of their links, and with them.

    Raises:
        InputError: If no article has enough links to others.
        ModelError: If the model is missing, or the build was made with another one.
    """
    served, now = ServingView(build, DecisionState(takedowns=state.takedowns)), utc_now()
    deep = replace(query.by_ranking(), limit=MAX_LIMIT)
    linking = linked_stories(served, now, min_related)
    if not linking:
        raise InputError(
            f"no article of build {build.name} links to {min_related} or more others in its text "
            "or names them as related; use --qrels FILE with judgments instead"
        )
    draw = np.random.default_rng(_SEED).permutation(sorted(linking))
    drawn = sorted(draw[:seeds].tolist())
    judged = {str(row): {str(story): 1 for story in linking[row]} for row in drawn}
    lists: dict[str, dict[str, list[str]]] = {"masked": {}, "as_written": {}}
    for row in drawn:
        written = build.article(row)
        masked = without_words_of_links(written, build.names)
        for name, article in (("as_written", written), ("masked", masked)):
            if name == "masked" and masked.sections == written.sections:
                lists[name][str(row)] = lists["as_written"][str(row)]
                continue
            related = relater.relate(served, article, now=now, query=deep, own=row)
            items = related.answer(served, now=now, query=deep).items
            lists[name][str(row)] = [str(build.story_of[item.row]) for item in items]
    figures = {
        name: flat_figures(measure_relevance(found, judged, min_related=min_related))
        for name, found in lists.items()
    }
    return {"build": build.name, "linking": len(linking), "seeds": len(drawn), **figures}


def linked_stories(served: ServingView, now: int, least: int) -> Mapping[int, set[int]]:
    """Returns for each visible article the stories that its page links to or names as related.

    A story is all versions and translations of an article. Stories that readers may not see are
    left out, and so is the article's own.

    Args:
        served: The build with the editors' decisions.
        now: The current time, in microseconds since 1970 UTC.
        least: The least number of stories; articles with fewer are left out.

    Returns:
        The numbers of the stories in the build, by the article's row number.
    """
    build, table = served.build, served.showing(now)
    found = {}
    for row in range(build.count):
        if table.visible[row]:
            linked, named = build.page_links.editorial(row)
            shown = (other for other in (*linked, *named) if table.newest[other] != NO_ROW)
            stories = {build.story_of[other] for other in shown} - {build.story_of[row]}
            if len(stories) >= least:
                found[row] = stories
    return found
