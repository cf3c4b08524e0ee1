"""Labels of articles, such as tags and authors, as numbers and as vectors that can be compared."""

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
        rows: Shape (m,), int32: for each pair of an article and one of its labels, the article's
            row; the pairs are in any order.
        numbers: Shape (m,), int32: the label's number in each of these pairs.
        count: The number of different labels.
        idf: Shape (at most count,), float64: the square root of each label's idf, as an earlier
            call of :meth:`vectors` stored it; labels beyond its end weigh nothing. By default it
            is measured on these articles; labels of every article, or of only one, weigh nothing.
    """

    rows: NDArray[np.int32]
    numbers: NDArray[np.int32]
    count: int
    idf: NDArray[np.float64] | None = None

    def vectors(self, count: int, workspace: Workspace, name: str) -> sp.csr_matrix:
        """Make a unit vector of each article's labels, shape (articles, labels), float32 CSR.

        A label weighs the square root of its idf, so that the inner product of two vectors is the
        idf-weighted overlap of the two articles' labels. An article without labels has zeros only.

        Args:
            count: The number of articles.
            workspace: Stores the matrix, and the square root of each label's idf as ``NAME_idf``.
            name: The prefix of the arrays' names.
        """
        width = max(self.count, 1)
        row, label = np.divmod(np.unique(self.rows.astype(np.int64) * width + self.numbers), width)
        if self.idf is None:
            holders = np.bincount(label, minlength=self.count)
            idf = np.sqrt(np.log((1.0 + count) / (1.0 + np.maximum(holders, 1))))
            idf[holders < 2] = 0.0
        else:
            idf = np.pad(self.idf, (0, self.count - len(self.idf)))
        column = workspace.column(f"{name}_idf", np.float64)
        column.append(idf)
        column.finish()
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
        return matrix.finish(self.count)


_NONE = np.zeros(0, dtype=np.int32)
NO_LABELS = Labels(_NONE, _NONE, 0)
"""No article has a label."""


class LabelNumbers:
    """Numbers labels, such as tags, from 0 in the order in which they are first added.

    Labels that differ only in upper and lower case are the same.

    Args:
        names: Labels that already have a number: their position here.
        rows: Shape (m,), int32: for each pair of an article and a label known already, the
            article's row.
        numbers: Shape (m,), int32: the label's number in each of these pairs.
        idf: The square root of the idf of known labels; see :attr:`Labels.idf`.

    Attributes:
        names: The labels as they were first spelled.
    """

    def __init__(
        self,
        names: Sequence[str] = (),
        rows: NDArray[np.int32] = _NONE,
        numbers: NDArray[np.int32] = _NONE,
        idf: NDArray[np.float64] | None = None,
    ) -> None:
        self.names = list(names)
        self._idf = idf
        self._numbers = {name.casefold(): number for number, name in enumerate(names)}
        self._rows, self._ids = array("i", rows.tobytes()), array("i", numbers.tobytes())

    def add(self, row: int, names: Iterable[str]) -> None:
        """Add the labels of one article, given by its row and their names."""
        for name in names:
            number = self._numbers.setdefault(name.casefold(), len(self.names))
            if number == len(self.names):
                self.names.append(name)
            self._rows.append(row)
            self._ids.append(number)

    def labels(self) -> Labels:
        """Return all labels that were added."""
        rows, ids = (np.array(some, dtype=np.int32) for some in (self._rows, self._ids))
        return Labels(rows, ids, len(self.names), self._idf)


def label_row(numbers: Sequence[int], idf: NDArray[np.float64]) -> sp.csr_matrix:
    """Return the label vector of an article that is not in the corpus; shape (1, labels).

    Args:
        numbers: The numbers of the article's labels, each once.
        idf: Shape (labels,), float64: the square root of the idf of each of the corpus's labels;
            see :meth:`Labels.vectors`.
    """
    columns = np.array(sorted(numbers), dtype=np.int32)
    weights = idf[columns]
    weights = weights / np.sqrt(max(float((weights**2).sum()), 1e-12))
    parts = (weights.astype(np.float32), columns, [0, len(columns)])
    return sp.csr_matrix(parts, shape=(1, len(idf)))
