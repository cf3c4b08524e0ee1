"""Labels of articles, such as tags and authors, as numbers and as vectors that can be compared."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import MatrixColumns, SparseRows, Workspace

_LABEL_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Labels:
    """Which articles have which labels, such as tags.

    Attributes:
        rows: Shape (m,): for each label of an article, the article's row.
        numbers: Shape (m,): the label's number.
        count: The number of different labels.
    """

    rows: NDArray[np.int32]
    numbers: NDArray[np.int32]
    count: int

    def vectors(self, count: int, workspace: Workspace, name: str) -> sp.csr_matrix:
        """Return the vectors of ``count`` articles; see :func:`label_vectors`."""
        return label_vectors(self.rows, self.numbers, (count, self.count), workspace, name)


NO_LABELS = Labels(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), 0)
"""No article has a label."""


class LabelNumbers:
    """Numbers labels in the order in which they come; upper and lower case are the same label.

    Attributes:
        names: The labels as they were first spelled.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows, self._ids = array("i"), array("i")

    def add(self, row: int, names: Iterable[str]) -> None:
        """Add the labels of one article."""
        for name in names:
            number = self._numbers.setdefault(name.casefold(), len(self.names))
            if number == len(self.names):
                self.names.append(name)
            self._rows.append(row)
            self._ids.append(number)

    def labels(self) -> Labels:
        """Return all labels that were added."""
        rows, ids = (np.array(some, dtype=np.int32) for some in (self._rows, self._ids))
        return Labels(rows, ids, len(self.names))


def label_vectors(
    rows: NDArray[np.integer],
    labels: NDArray[np.integer],
    shape: tuple[int, int],
    workspace: Workspace,
    name: str,
) -> sp.csr_matrix:
    """Make unit vectors of articles' labels, each weighted by the root of its idf.

    The product of two is then the idf-weighted overlap of their labels. A label of every article
    weighs nothing; so does one that stands at a single article.

    Args:
        rows: Shape (m,): for each label of an article, the article's row, in any order.
        labels: Shape (m,): the label's number.
        shape: The number of articles, and of labels.
        workspace: Stores the matrix.
        name: The prefix of the arrays' names.
    """
    count, width = shape
    pairs = np.unique(rows.astype(np.int64) * max(width, 1) + labels)
    row, label = np.divmod(pairs, max(width, 1))
    idf = _label_idf(np.bincount(label, minlength=width), count)
    squares = np.bincount(row, weights=idf[label] ** 2, minlength=count)
    matrix = MatrixColumns(workspace, name)
    ends = np.searchsorted(row, np.arange(count + 1))
    for start in range(0, max(count, 1), _LABEL_BLOCK):
        stop = min(start + _LABEL_BLOCK, count)
        here = slice(ends[start], ends[stop])
        scale = np.sqrt(np.maximum(squares[row[here]], 1e-12))
        matrix.append(
            SparseRows(
                data=(idf[label[here]] / scale).astype(np.float32),
                indices=label[here].astype(np.int32),
                lengths=np.diff(ends[start : stop + 1]),
            )
        )
    return matrix.finish(width)


def label_row(numbers: Sequence[int], vectors: sp.csr_matrix) -> sp.csr_matrix:
    """Return the vector of one more article with some of the labels of a corpus.

    Args:
        numbers: The labels' numbers, each once.
        vectors: The result of :func:`label_vectors` for the corpus.
    """
    count, width = vectors.shape
    weights = _label_idf(np.bincount(vectors.indices, minlength=width), count)[sorted(numbers)]
    weights = weights / np.sqrt(max(float((weights**2).sum()), 1e-12))
    parts = (
        weights.astype(np.float32),
        np.array(sorted(numbers), dtype=np.int32),
        [0, len(weights)],
    )
    return sp.csr_matrix(parts, shape=(1, width))


def _label_idf(holders: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    idf = np.sqrt(np.log((1.0 + count) / (1.0 + np.maximum(holders, 1))))
    return np.where(holders < 2, 0.0, idf)
