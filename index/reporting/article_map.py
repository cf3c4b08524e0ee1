"""A map of articles: places in the plane where neighbors in meaning are neighbors on paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings

_NEIGHBORS = 12
_STEPS = 120
_STRANGERS = 8
_PUSH = 20.0
_SEED = 20_260_101


def lay_out(embeddings: Embeddings) -> NDArray[np.float32]:
    """Places for a few thousand articles.

    Starts from the two main axes of the embeddings; then every article is drawn to its nearest
    neighbors and pushed from random others, with the forces of UMAP (McInnes, Healy & Melville,
    2018) at a = b = 1, all articles at once and fewer steps: a picture, not a measurement.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.

    Returns:
        Shape (n, 2), float32 in [0, 1].
    """
    count = len(embeddings)
    if count < 3:
        return np.linspace(0.25, 0.75, 2 * count, dtype=np.float32).reshape(count, 2)
    places = _main_axes(embeddings)
    left, right = _links(embeddings)
    generator = np.random.default_rng(_SEED)
    degrees = np.bincount(left, minlength=count) + np.bincount(right, minlength=count)
    for step in range(_STEPS):
        apart = places[left] - places[right]
        pull = -2.0 * apart / (1.0 + (apart**2).sum(axis=1, keepdims=True))
        force = np.empty_like(places)
        for axis in range(2):
            drawn = pull[:, axis]
            force[:, axis] = np.bincount(left, drawn, count) - np.bincount(right, drawn, count)
        force /= np.maximum(degrees, 1)[:, None]
        for _ in range(_STRANGERS):
            apart = places - places[generator.permutation(count)]
            square = (apart**2).sum(axis=1, keepdims=True)
            force += _PUSH / _STRANGERS * apart / ((0.01 + square) * (1.0 + square))
        rate = 1.0 - step / _STEPS
        places += rate * np.clip(force, -2.0, 2.0)
    return _fit(places)


def _main_axes(embeddings: Embeddings) -> NDArray[np.float64]:
    """The two directions of most variance, by subspace iteration; width 10 each."""
    centered = embeddings - embeddings.mean(axis=0)
    axes = np.random.default_rng(_SEED).standard_normal((embeddings.shape[1], 2), dtype=np.float32)
    for _ in range(12):
        axes = np.linalg.qr(centered.T @ (centered @ axes))[0]
    places: NDArray[np.float64] = (centered @ axes).astype(np.float64)
    places *= 10.0 / np.maximum(places.std(axis=0), 1e-9)
    return places


def _links(embeddings: Embeddings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count = len(embeddings)
    near = min(_NEIGHBORS, count - 1)
    scores = embeddings @ embeddings.T
    np.fill_diagonal(scores, -np.inf)
    right = np.argpartition(-scores, near - 1, axis=1)[:, :near].ravel()
    return np.repeat(np.arange(count), near), right


def _fit(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Into the unit square, half by place and half by rank, so that islands leave no desert."""
    low, high = np.quantile(places, [0.005, 0.995], axis=0)
    inside = np.clip((places - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
    ranks = np.argsort(np.argsort(places, axis=0, kind="stable"), axis=0, kind="stable")
    even = ranks / max(len(places) - 1, 1)
    fitted: NDArray[np.float32] = ((inside + even) / 2.0).astype(np.float32)
    return fitted
