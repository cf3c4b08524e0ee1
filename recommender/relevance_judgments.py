"""Reads people's judgments of related articles, and selects those by which lists are measured."""

import gzip
from collections.abc import Mapping
from pathlib import Path

from recommender.errors import InputError

MIN_RELATED = 3
"""Least number of related articles by which the list of a judged article (a seed) is measured."""

Qrels = Mapping[str, Mapping[str, int]]
"""Judgments: for the id of each seed, which is the article whose list is judged, the grade of each
judged article, by its id. A grade above 0 means related."""


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgments from a file with lines of seed, article and grade, separated by tabs.

    A file whose name ends in ``.gz`` is decompressed.

    Raises:
        InputError: If the file can't be read or a line has another form; the message says where.
    """
    qrels: dict[str, dict[str, int]] = {}
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                parts = line.rstrip("\r\n").split("\t")
                grade = parts[-1].strip()
                if len(parts) != 3 or not grade.lstrip("-").isdecimal():
                    raise InputError(
                        f"{path} line {number}: expected seed<TAB>article<TAB>grade, the "
                        f"grade a whole number, found {line.strip()[:80]!r}"
                    )
                if parts[0] != parts[1]:
                    qrels.setdefault(parts[0], {})[parts[1]] = int(grade)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}") from error
    return qrels


def judged_seeds(
    qrels: Qrels, known: set[str], *, min_related: int = MIN_RELATED
) -> dict[str, dict[str, int]]:
    """Return the judgments by which the lists of a corpus can be measured.

    Args:
        qrels: All judgments: for each seed (the article whose list is judged), the grade of each
            judged article.
        known: The ids of the corpus's articles; judgments of other articles are left out, and then
            seeds with too few related articles.
        min_related: The least number of related articles per seed.
    """
    restricted = {
        seed: {other: grade for other, grade in judged.items() if other in known}
        for seed, judged in qrels.items()
        if seed in known
    }
    return {
        seed: judged
        for seed, judged in sorted(restricted.items())
        if sum(grade > 0 for grade in judged.values()) >= min_related
    }
