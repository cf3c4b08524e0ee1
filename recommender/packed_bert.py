"""BERT's forward pass over texts of any lengths, one after another, without any padding.

What looks at each token by itself runs over all tokens of a batch at once; attention runs over
texts of the same length together. The formulas are those of Vaswani et al. 2017 (attention) and
Devlin et al. 2019; ``benchmarks.encode`` measures what it gains.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recommender.bert_files import BertFiles
from recommender.encoder import Embeddings

_Step = Callable[[Tensor], Tensor]
_Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of scaled queries, keys and values, each (texts, heads, length, width), to what is found."""

_SCORES, _MOST_SCORES = 1_000_000, 16_000_000
"""Attention scores that are held at a time, few enough for the processor's cache, unless a single
text has more; and the most that it may have for them to be held at all."""

_LEAST = 1e-30
"""A sum of exponentials below this may have lost some of them to rounding."""


class PackedBert:
    """A BERT model that embeds a text as the mean of its tokens' embeddings.

    Args:
        bert: The model's files.
        dtype: The numbers to compute with; norms and means are computed in float32.

    Raises:
        ValueError: If a weight is missing.
        OSError, SafetensorError: If the weights can't be read.
    """

    def __init__(self, bert: BertFiles, dtype: torch.dtype) -> None:
        weights = bert.weights()
        try:
            self._words = weights["embeddings.word_embeddings.weight"]
            kind = weights["embeddings.token_type_embeddings.weight"][0]
            self._positions = weights["embeddings.position_embeddings.weight"] + kind
            self._norm = _norm(weights, "embeddings.LayerNorm", bert.epsilon)
            self._layers = [
                _Layer(weights, f"encoder.layer.{layer}", bert, dtype)
                for layer in range(bert.layers)
            ]
        except KeyError as error:
            raise ValueError(f"its weights lack {error}") from error
        self._dtype = dtype

    @torch.inference_mode()
    def embed(self, windows: Sequence[NDArray[np.int64]]) -> Embeddings:
        """Return the mean of the embeddings of each window's tokens.

        Args:
            windows: The token ids of each window, special tokens included. It is fastest if those
                of the same length stand together.

        Returns:
            Shape (windows, dim), float32, not of unit length.
        """
        found = self._embed(windows, _attend_quickly if self._dtype == torch.bfloat16 else _attend)
        if not bool(found.isfinite().all()):  # scores beyond what an exponential can hold
            found = self._embed(windows, _attend)
        means: Embeddings = found.numpy()
        return means

    def _embed(self, windows: Sequence[NDArray[np.int64]], attend: _Attention) -> Tensor:
        groups = [
            (length, len(list(same)))
            for length, same in itertools.groupby(len(window) for window in windows)
        ]
        ids = torch.from_numpy(np.concatenate(windows))
        positions = torch.from_numpy(np.concatenate([np.arange(len(each)) for each in windows]))
        states = self._norm(self._words[ids] + self._positions[positions]).to(self._dtype)
        for layer in self._layers:
            states = layer(states, groups, attend)
        return torch.cat(
            [
                tokens.view(count, length, -1).mean(1, dtype=torch.float32)
                for (length, count), tokens in zip(groups, _split(states, groups), strict=True)
            ]
        )


class _Layer:
    """One layer; calling it turns the states of all tokens into those after it."""

    def __init__(
        self, weights: Mapping[str, Tensor], name: str, bert: BertFiles, dtype: torch.dtype
    ) -> None:
        def linear(*parts: str, first: float = 1, after: str = "none") -> _Step:
            scales = dict.fromkeys((f"{name}.{part}" for part in parts), 1.0)
            scales[f"{name}.{parts[0]}"] = first
            return _linear(weights, scales, dtype, after)

        looks = "attention.self"
        scale = (bert.dim // bert.heads) ** -0.5  # once here, not for all scores
        self._heads = bert.heads
        self._looks = linear(f"{looks}.query", f"{looks}.key", f"{looks}.value", first=scale)
        self._attended = linear("attention.output.dense")
        self._wide = linear("intermediate.dense", after="gelu")
        self._narrow = linear("output.dense")
        self._attended_norm = _norm(weights, f"{name}.attention.output.LayerNorm", bert.epsilon)
        self._norm = _norm(weights, f"{name}.output.LayerNorm", bert.epsilon)

    def __call__(self, states: Tensor, groups: list[tuple[int, int]], attend: _Attention) -> Tensor:
        looks = self._looks(states)
        attended = torch.empty_like(states)
        for (length, count), own, found in zip(
            groups, _split(looks, groups), _split(attended, groups), strict=True
        ):
            apart = own.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            into = found.view(count, length, self._heads, -1).transpose(1, 2)
            scores = self._heads * length * length
            step = max(1, _SCORES // scores)
            look = attend if scores < _MOST_SCORES else _attend  # which does not keep them
            for start in range(0, count, step):
                here = slice(start, start + step)
                into[here] = look(*apart[:, here])
        states = self._attended_norm(states + self._attended(attended))
        return self._norm(states + self._narrow(self._wide(states)))


def _attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)


def _attend_quickly(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """In bfloat16, faster than PyTorch's: softmax without the maximum, divided by at the end."""
    asked, held, given = (part.flatten(0, 1) for part in (queries, keys, values))
    scores = torch.bmm(asked, held.transpose(1, 2)).exp_()
    sums = scores.sum(-1, keepdim=True)
    # An infinite sum, or one of vanishing scores, would make a finite average that is wrong.
    sums[~((sums > _LEAST) & sums.isfinite())] = torch.nan
    return (torch.bmm(scores, given) / sums).view(queries.shape)


def _linear(
    weights: Mapping[str, Tensor], scales: Mapping[str, float], dtype: torch.dtype, after: str
) -> _Step:
    """Join layers, each multiplied by a number, into one; ``after`` it comes nothing or GELU.

    In bfloat16, PyTorch's own way copies the bias and orders the weights anew at each call. What
    its compiler calls instead has no public name, so it is used only where it is found.
    """
    weight, bias = (
        torch.cat([weights[f"{part}.{kind}"] * scale for part, scale in scales.items()]).to(dtype)
        for kind in ("weight", "bias")
    )
    quick = torch.ops.mkldnn
    if dtype == torch.bfloat16 and hasattr(quick, "_linear_pointwise"):
        with suppress(RuntimeError):  # of a processor that lacks what it needs
            ordered = quick._reorder_linear_weight(weight)
            return lambda states: quick._linear_pointwise(states, ordered, bias, after, [], "none")
    if after == "gelu":
        return lambda states: functional.gelu(functional.linear(states, weight, bias))
    return lambda states: functional.linear(states, weight, bias)


def _norm(weights: Mapping[str, Tensor], name: str, epsilon: float) -> _Step:
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return lambda states: functional.layer_norm(states, weight.shape, weight, bias, epsilon)


def _split(states: Tensor, groups: list[tuple[int, int]]) -> Sequence[Tensor]:
    return torch.split(states, [length * count for length, count in groups])
