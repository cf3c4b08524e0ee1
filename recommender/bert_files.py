"""A BERT model's folder, read without the library that wrote it, whose import takes seconds.

Only what is known to mean the same is read here; every other folder is left to the library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

_WEIGHTS = "model.safetensors"
_MEAN = {"pooling_mode_mean_tokens": True}
_EMBEDS_TOKENS: Mapping[str, Any] = {
    "do_lower_case": False,
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}
"""What ``sentence_bert_config.json`` may state, besides the window."""


@dataclass(frozen=True, slots=True)
class BertFiles:
    """What the folder of a BERT encoder with mean pooling says.

    Args:
        folder: Where its weights lie.
        heads: Attention heads of each layer.
        layers: Number of layers.
        dim: Numbers of an embedding.
        epsilon: What is added to variances when states are normalized.
        window: The most tokens of a text, special tokens included.
        prompt: What stands before each text; often nothing.
    """

    folder: Path
    heads: int
    layers: int
    dim: int
    epsilon: float
    window: int
    prompt: str

    def weights(self) -> dict[str, Tensor]:
        """Return the weights in float32 by the names that they have in the published BERT.

        Raises:
            OSError: If the file can't be read.
            SafetensorError: If it is damaged.
        """
        from safetensors.torch import load_file

        found = load_file(self.folder / _WEIGHTS)
        return {name.removeprefix("bert."): part.float() for name, part in found.items()}


def read_bert(folder: Path) -> BertFiles | None:
    """Return what a model's folder says, or ``None`` if it may be anything but BERT and a mean."""
    with suppress(AttributeError, KeyError, TypeError, ValueError):  # of files unlike any model's
        return _read_bert(folder)
    return None


def _read_bert(folder: Path) -> BertFiles | None:
    modules = _read(folder, "modules.json", [])
    kinds = [module.get("type", "").rpartition(".")[2] for module in modules]
    places = [module.get("path") for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or {*kinds[2:]} - {"Normalize"} or places[0] != "":
        return None
    model = _read(folder, "config.json", {})
    pooled = _read(folder / str(places[1]), "config.json", {})
    stated = _read(folder, "sentence_bert_config.json", None)
    asked = _read(folder, "config_sentence_transformers.json", {})
    tokens = _read(folder, "tokenizer_config.json", {})
    mean = {name: on for name, on in pooled.items() if name.startswith("pooling_mode") and on}
    plain = (
        model.get("model_type") == "bert"
        and model.get("hidden_act") == "gelu"
        and not model.get("is_decoder")
        and model.get("position_embedding_type", "absolute") == "absolute"
        and not {"quantization_config", "auto_map"} & {*model}
        and not (folder / "adapter_config.json").exists()
        and mean in (_MEAN, {"pooling_mode": "mean"})
        and pooled.get("include_prompt", True)
        and asked.get("truncate_dim") is None
        and stated is not None
        and all(_EMBEDS_TOKENS.get(name) == stated[name] for name in {*stated} - {"max_seq_length"})
        and (folder / _WEIGHTS).is_file()
    )
    if not plain:
        return None
    positions = int(model["max_position_embeddings"])
    longest = min(positions, tokens.get("model_max_length", positions))
    prompts = asked.get("prompts", {})
    return BertFiles(
        folder=folder,
        heads=int(model["num_attention_heads"]),
        layers=int(model["num_hidden_layers"]),
        dim=int(model["hidden_size"]),
        epsilon=float(model.get("layer_norm_eps", 1e-12)),
        window=int(stated.get("max_seq_length") or longest),
        prompt=prompts.get(asked.get("default_prompt_name") or "", "") or "",
    )


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """Return the tokenizer in a model's folder; ``None`` if the library would change it.

    The library makes BERT's anew from its settings; others it takes as they are written.
    """
    with suppress(AttributeError, KeyError, TypeError, ValueError):  # of files unlike any model's
        return _read_tokenizer(folder)
    return None


def _read_tokenizer(folder: Path) -> Tokenizer | None:
    place = folder / "tokenizer.json"
    settings = _read(folder, "tokenizer_config.json", {})
    if not place.is_file() or {"add_bos_token", "add_eos_token"} & {*settings}:
        return None
    kind = settings.get("tokenizer_class", "").removesuffix("Fast")
    if kind == "BertTokenizer":
        written = _read(folder, "tokenizer.json", {})
        made = {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": settings.get("tokenize_chinese_chars", True),
            "strip_accents": settings.get("strip_accents"),
            "lowercase": settings.get("do_lower_case", True),
        }
        same = (
            written.get("normalizer") == made
            and written.get("pre_tokenizer") == {"type": "BertPreTokenizer"}
            and written.get("model", {}).get("max_input_chars_per_word") == 100
        )
        if not same:
            return None
    elif kind not in {"PreTrainedTokenizer", "TokenizersBackend"}:
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(place))
    except Exception as error:  # what it raises has no narrower class
        raise OSError(f"{place} can't be read: {error}") from error
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    added = {token.get("content") for token in settings.get("added_tokens_decoder", {}).values()}
    named = [name for use, name in settings.items() if use.endswith("_token") and name]
    more = [name for name in named if isinstance(name, str) and name not in known]
    if added - known or any(tokenizer.token_to_id(name) is None for name in more):
        return None
    tokenizer.add_special_tokens([*more])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read(folder: Path, name: str, otherwise: Any) -> Any:
    """Return a file's JSON; what it is otherwise, if there is none or it is of another type."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise
    return found if otherwise is None or isinstance(found, type(otherwise)) else otherwise
