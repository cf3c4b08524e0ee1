"""Phrases of a text that is in no build, out of those that a build knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from recommender.keyphrases import PER_ARTICLE, emphasis
from recommender.tokenizer import BREAK, TokenizedCorpus, folded


def find_known_phrases(
    corpus: TokenizedCorpus,
    known: Iterable[int],
    names: Sequence[str],
    rarity: Callable[[str], float],
) -> list[int]:
    """What a text is about, in the words of others, as in :mod:`recommender.keyphrases`.

    Args:
        corpus: The words of one text.
        known: Ids of the phrases to look for: those of the articles that are close to it, since
            no other could be shared with them.
        names: Every phrase as printed.
        rarity: ``ln(1 + articles / holders)`` of a phrase.

    Returns:
        At most :data:`~recommender.keyphrases.PER_ARTICLE` ids, best first.
    """
    frequency = _frequencies(corpus)
    values: dict[int, float] = {}
    for phrase in known:
        name = names[phrase]
        if (often := frequency.get(" ".join(map(folded, name.split(" "))))) is not None:
            values[phrase] = emphasis(name) * rarity(name) * often**0.5
    best = sorted((-value, phrase) for phrase, value in values.items() if value > 0)
    return [phrase for _, phrase in best[:PER_ARTICLE]]


def _frequencies(corpus: TokenizedCorpus) -> Counter[str]:
    """How often each word and each pair of neighboring words occurs, words of the title twice."""
    words = [folded(spelling) for spelling in corpus.spellings]
    tokens, weights = corpus.tokens.tolist(), corpus.weights.tolist()
    frequency: Counter[str] = Counter()
    for place, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
        if token == BREAK:
            continue
        frequency[words[token]] += weight
        after = tokens[place + 1]  # a text ends with a break
        if after != BREAK:
            frequency[f"{words[token]} {words[after]}"] += weight
    return frequency
