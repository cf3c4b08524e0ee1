"""Evidence: the kinds of signs that two articles are related, one number per pair and kind.

Every kind looks at the two articles alone, with the idf of words and labels, which a build stores.
A new kind is one function and one line of :data:`EVIDENCE`. A kind's weight says how much it counts
(:mod:`recommender.fusion`): a default for sites that give nothing to learn from, or one that was
learned (:mod:`recommender.learning`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.faiss_index import inner_products
from recommender.lexical import compare_terms
from recommender.neighbors import NO_ROW, Rows
from recommender.parameters import USUAL_WEIGHTS
from recommender.postings import similarities
from recommender.visibility import NO_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class PairData:
    """The data by which articles are compared; row ``i`` of each array is article ``i``.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        terms: Shape (n, words + pairs), float32 CSR: term weights.
        titles: Shape (n, words), float32 CSR: for each word of an article's title, its share of the
            idf of all the title's words.
        tags: Shape (n, tags), float32 CSR: the weights of each article's tags, as unit rows; empty
            rows for articles without tags.
        authors: Shape (n, authors), float32 CSR: the same for the articles' authors.
        days: Shape (n,), int32: dates in days since 1970, see
            :func:`recommender.visibility.day_number`.
    """

    embeddings: Embeddings
    terms: sp.csr_matrix
    titles: sp.csr_matrix
    tags: sp.csr_matrix
    authors: sp.csr_matrix
    days: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.embeddings)

    def take(self, rows: slice | NDArray[np.integer]) -> "PairData":
        """Return the data of some of the articles, given by their rows."""
        return replace(self, **{part.name: getattr(self, part.name)[rows] for part in fields(self)})


class Kind(NamedTuple):
    """One kind of evidence that two articles are related, such as similar words.

    Attributes:
        name: Its name in files, settings and reports.
        usual: Mean and standard deviation of its values over random pairs, as on most sites.
        measured: Whether mean and deviation are measured on each site. If not, ``usual`` is used:
            labels differ too much from site to site.
        least: The least standard deviation that is used, whatever is measured. Where random pairs
            hardly differ, as long titles of which a text has some words, little would count much.
        copy: Its value for an article and an exact copy of it.
        varies: By how much a learned weight ordinarily differs from the default.
    """

    name: str
    usual: tuple[float, float]
    measured: bool = True
    least: float = 0.0
    copy: float = 1.0
    varies: float = 0.15


Compare = Callable[[PairData, PairData, Rows], NDArray[np.float32]]
"""Compares q articles with rows of a corpus, shape (q, k), int32, with ``NO_ROW`` only at the end.
Returns float32 of shape (q, k, kinds); values at ``NO_ROW`` are ignored, NaN is "can't be told"."""


def _compare_meaning(own: PairData, corpus: PairData, rows: Rows) -> NDArray[np.float32]:
    return inner_products(own.embeddings, corpus.embeddings, rows)[..., None]


def _compare_words(own: PairData, corpus: PairData, rows: Rows) -> NDArray[np.float32]:
    return compare_terms(own.terms, own.titles, corpus.terms, corpus.titles, rows)


def _compare_tags(own: PairData, corpus: PairData, rows: Rows) -> NDArray[np.float32]:
    return _overlap(own.tags, corpus.tags, rows)


def _compare_authors(own: PairData, corpus: PairData, rows: Rows) -> NDArray[np.float32]:
    return _overlap(own.authors, corpus.authors, rows)


def _overlap(own: sp.csr_matrix, labels: sp.csr_matrix, rows: Rows) -> NDArray[np.float32]:
    if not own.nnz:
        return np.zeros((*rows.shape, 1), dtype=np.float32)
    return similarities(own, labels, rows)[..., None]


def _compare_dates(own: PairData, corpus: PairData, rows: Rows) -> NDArray[np.float32]:
    """Return -ln(1 + months between the two dates)."""
    theirs, mine = corpus.days[np.maximum(rows, 0)], own.days[:, None]
    months = np.abs(theirs.astype(np.float64) - mine) / 30.0
    told = (theirs != NO_DAY) & (mine != NO_DAY)
    return np.where(told, -np.log1p(months), np.nan).astype(np.float32)[..., None]


EVIDENCE: Sequence[tuple[Compare, Sequence[Kind]]] = (
    (_compare_meaning, [Kind("meaning", (0.15, 0.16), varies=0.3)]),
    (
        _compare_words,
        [
            Kind("words", (0.035, 0.027), least=0.04, varies=0.3),
            # The text names the other's title, and the other's text names the title.
            Kind("names", (0.1, 0.15), least=0.15),
            Kind("named", (0.1, 0.15), least=0.15),
        ],
    ),
    (_compare_tags, [Kind("tags", (0.0, 1.0), measured=False, varies=0.7)]),
    (_compare_authors, [Kind("authors", (0.0, 1.0), measured=False, varies=0.4)]),
    (_compare_dates, [Kind("dates", (-3.0, 1.0), copy=0.0, varies=0.2)]),
)
"""All kinds of evidence, with the functions that compute them. ``dates`` counts only where a site's
own links show that it does."""

KINDS: Sequence[Kind] = [kind for _, kinds in EVIDENCE for kind in kinds]
"""All kinds of evidence, in the order of the numbers that :func:`compare` returns."""

DEFAULT_WEIGHTS = tuple(USUAL_WEIGHTS[kind.name] for kind in KINDS)


def compare(
    own: PairData, corpus: PairData, rows: Rows, weights: Sequence[float] | None = None
) -> NDArray[np.float32]:
    """Compute all evidence for pairs of articles.

    Args:
        own: The data of the q articles whose lists are made.
        corpus: The data of the articles that they are compared with.
        rows: Shape (q, k), int32: for each of the q articles, the rows of the corpus to compare it
            with; ``NO_ROW`` only at the end.
        weights: Shape (kinds,): kinds whose weight is 0 are not computed; by default all are.

    Returns:
        Shape (q, k, kinds), float32, in the order of :data:`KINDS`; NaN where a kind is unknown.
    """
    found = np.full((*rows.shape, len(KINDS)), np.nan, dtype=np.float32)
    start = 0
    for function, kinds in EVIDENCE:
        stop = start + len(kinds)
        if weights is None or any(weights[start:stop]):
            found[..., start:stop] = function(own, corpus, rows)
        start = stop
    return found


def compare_pairs(
    corpus: PairData,
    left: NDArray[np.integer],
    right: NDArray[np.integer],
    weights: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Compute all evidence for pairs of articles of a corpus, given one by one in any order.

    Each article on the left is looked up once for all of its pairs, which takes a tenth of the time
    of looking it up for every one where there are many. The memory that it takes grows with the
    number of articles times the most pairs of any one.

    Args:
        corpus: The data of all articles.
        left: Shape (pairs,): the rows of the articles whose lists are made.
        right: Shape (pairs,): the rows of the articles that they are compared with.
        weights: As for :func:`compare`.

    Returns:
        Shape (pairs, kinds), float32, in the order of the pairs; NaN where a kind is unknown.
    """
    order = np.argsort(left, kind="stable")
    articles, counts = np.unique(left, return_counts=True)
    asked = np.arange(counts.max(initial=0)) < counts[:, None]
    rows = np.full(asked.shape, NO_ROW, dtype=np.int32)
    rows[asked] = right[order]
    values = np.empty((len(left), len(KINDS)), dtype=np.float32)
    values[order] = compare(corpus.take(articles), corpus, rows, weights)[asked]
    return values
