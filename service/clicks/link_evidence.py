"""The strongest evidence for a link: the kind of evidence that adds most to its score."""

from collections.abc import Sequence

import numpy as np

from index.build.build import Build
from index.build.lexicon import load_calibration, load_pairs
from recommender.evidence import KINDS, compare_pairs

_BLOCK = 4_096


def strongest_evidence(build: Build, links: Sequence[tuple[str, str]]) -> list[str]:
    """Returns for each link the kind of evidence that adds most to its score in a build.

    Args:
        build: The build in which the evidence is looked up.
        links: For each link the id of the article in whose list it is, and the id of its target.

    Returns:
        For each link the name of a kind in :data:`recommender.evidence.KINDS`; ``""`` if the build
        does not hold both articles, or no kind of evidence adds to the score.
    """
    rows = [(build.row(article), build.row(target)) for article, target in links]
    known = [at for at, pair in enumerate(rows) if None not in pair]
    strongest = [""] * len(links)
    if not known:
        return strongest
    articles, calibration = load_pairs(build.checked), load_calibration(build.checked)
    weights = np.array(calibration.weights, dtype=np.float32)
    for start in range(0, len(known), _BLOCK):
        block = known[start : start + _BLOCK]
        own, others = np.array([rows[at] for at in block], dtype=np.int32).T
        values = compare_pairs(articles, own, others, calibration.weights)
        added = calibration.standardize(values) * weights
        for at, kind, most in zip(block, added.argmax(axis=1), added.max(axis=1), strict=True):
            strongest[at] = KINDS[kind].name if most > 0 else ""
    return strongest
