"""What was learned, in sentences for editors."""

import math
from collections.abc import Sequence

from recommender.learning.learned_weights import MIN_SEEDS, MOST_LOST, LearnedWeights
from recommender.parameters import EVIDENCE_PHRASES

_VERBS = (
    (0.1, "count for nothing"),
    (0.35, "count for little"),
    (0.65, "count half as much as usual"),
    (0.85, "count less than usual"),
    (1.2, ""),
    (1.6, "count more than usual"),
    (2.5, "count double"),
    (3.5, "count three times as much as usual"),
    (math.inf, "count far more than usual"),
)
_MATTERS = 0.03


def describe_learning(learned: LearnedWeights, kinds: Sequence[str]) -> list[str]:
    """Describe in sentences which weights were learned and how good they are, or why none were.

    Args:
        learned: The result of learning.
        kinds: The name of each kind of evidence, in the order of the weights. A kind that has no
            phrase of its own here is called by its name.

    Returns:
        At least one sentence; the most important comes first.
    """
    clicked = learned.clicked
    last = clicked if clicked is not None and clicked.adopted else learned
    said = [_describe_changes(last, kinds)] if last.adopted else []
    usual = "" if learned.changed else "The default weights are used. "
    said.append(f"{usual}{_describe_links(learned)}")
    return said if clicked is None else [*said, _describe_clicks(clicked)]


def _describe_links(learned: LearnedWeights) -> str:
    if not learned.folds:
        return (
            f"{learned.seeds} articles say what they are related to; at least {MIN_SEEDS} are "
            "needed to learn from them."
        )
    tested = (
        f"On articles they were not learned from, learned weights reach an nDCG@10 of "
        f"{learned.learned_ndcg10:.3f}, the default ones {learned.default_ndcg10:.3f}"
    )
    if learned.adopted:
        source = f"The weights were learned from {learned.seeds} articles."
        return f"{source} {tested}; {_between(learned)}."
    return f"{tested}: {_why_not(learned)}."


def _describe_clicks(clicked: LearnedWeights) -> str:
    lists = f"{clicked.seeds} articles' lists"
    if clicked.adopted:
        return (
            f"Clicks in {lists} count, too: where they were not learned from, {_between(clicked)}; "
            f"by the site's own links, lists are worth {clicked.kept:.1%} of what they were."
        )
    if not clicked.folds:
        return f"Clicks tell of {lists}; at least {MIN_SEEDS} are needed to learn from them."
    if clicked.gain_low > 0 and clicked.kept < 1 - MOST_LOST:
        why = "lists would be worse by the site's own links"
    else:
        why = _why_not(clicked)
    return f"Clicks in {lists} change nothing: {why}."


def _between(learned: LearnedWeights) -> str:
    return (
        f"a list gains between {learned.gain_low:+.1%} and {learned.gain_high:+.1%} on the "
        "average, higher places counting more, with 99 % certainty"
    )


def _why_not(learned: LearnedWeights) -> str:
    if learned.gain_low > 0:
        return "but no more than chance gives, as some articles are judged related to many"
    return f"not surely more, as {_between(learned)}"


def _describe_changes(learned: LearnedWeights, kinds: Sequence[str]) -> str:
    usual, now = learned.shares
    told = []
    for kind in abs(now - usual).argsort(kind="stable")[::-1]:
        if abs(now[kind] - usual[kind]) < _MATTERS:
            break
        ratio = now[kind] / usual[kind] if usual[kind] else math.inf
        verb = next(verb for most, verb in _VERBS if ratio <= most)
        if not usual[kind]:
            verb = "count, which they do not without learning"
        if verb:
            told.append(f"{EVIDENCE_PHRASES.get(kinds[kind], kinds[kind])} {verb}")
    return f"On this site {'; '.join(told) or 'all evidence counts about as much as usual'}."
