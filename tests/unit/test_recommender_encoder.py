"""Encoders: what comes out is comparable, or it is refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recommender.encoder import HashingEncoder, normalized
from recommender.errors import ModelError
from recommender.sentence_encoder import load_encoder
from tests.support.encoder_texts import TEXTS

# The hashing encoder


def test_hashed_texts_with_the_same_words_have_the_same_embedding() -> None:
    encoder = HashingEncoder(64)
    one, other, third = encoder.encode(["Kelp slows waves", "waves, SLOWS: kelp!", "A choir"])
    assert np.array_equal(one, other)
    assert not np.array_equal(one, third)


def test_hashed_embeddings_are_float32_unit_rows_and_zero_for_empty_text() -> None:
    embeddings = HashingEncoder(64).encode([*TEXTS, "", " \n"])
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (6, 64)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), [1, 1, 1, 1, 0, 0], atol=1e-6)


def test_a_text_that_shares_words_is_nearer_than_one_that_shares_none() -> None:
    query, near, far = HashingEncoder(256).encode(
        ["kelp slows waves", "tall kelp slows every wave", "a choir learns its verse"]
    )
    assert query @ near > query @ far


def test_hashing_does_not_depend_on_the_process() -> None:
    (vector,) = HashingEncoder(8).encode(["kelp"])
    assert np.flatnonzero(vector).tolist() == [3]
    assert vector[3] == pytest.approx(1.0)


def test_a_fingerprint_tells_widths_apart() -> None:
    narrow, wide = HashingEncoder(64).fingerprint, HashingEncoder(65).fingerprint
    assert narrow == HashingEncoder(64).fingerprint
    assert narrow.sha256 != wide.sha256
    assert (narrow.dim, wide.dim) == (64, 65)


def test_progress_counts_every_text() -> None:
    seen: list[int] = []
    HashingEncoder(64).encode([*TEXTS, ""], progress=seen.append)
    assert sum(seen) == 5


# The door where vectors enter


def test_vectors_are_scaled_to_unit_length_and_a_zero_row_stays_zero() -> None:
    scaled = normalized(np.array([[3.0, 4.0], [0.0, 0.0]]), origin="test")
    assert scaled.dtype == np.float32
    assert np.allclose(scaled, [[0.6, 0.8], [0.0, 0.0]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_row_and_a_remedy(value: float) -> None:
    with pytest.raises(ModelError, match=r"test.*text 1.*--precision float32"):
        normalized(np.array([[1.0, 0.0], [value, 1.0]]), origin="test")


# Opening by name


@pytest.mark.parametrize(("name", "dim"), [("hashing", 256), ("hashing:64", 64)])
def test_the_hashing_encoder_is_opened_by_name(name: str, dim: int) -> None:
    assert load_encoder(name).encode(["kelp"]).shape == (1, dim)


@pytest.mark.parametrize("name", ["hashing:7", "hashing:65537", "hashing:wide", "hashing:-8"])
def test_an_impossible_width_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="dimension"):
        load_encoder(name)


def test_an_unknown_precision_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"int4.*auto, bfloat16, float32"):
        load_encoder("hashing", "int4")


def test_pickled_weights_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match=r"pickled weights.*refused.*save_pretrained"):
        load_encoder(str(tmp_path))


# The sentence encoder itself
