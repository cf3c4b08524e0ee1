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

_UNLIKE = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)
"""What reading files raises that are unlike any model's."""


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
        return {_published(name): part.float() for name, part in found.items()}


def _published(name: str) -> str:
    """Return the name of a weight in the published BERT; older files have two other ones."""
    name = name.removeprefix("bert.")
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def read_bert(folder: Path) -> BertFiles | None:
    """Return what a model's folder says, or ``None`` if it may be anything but BERT and a mean.

    So is a folder whose files can't be read: the library tells what is wrong with them.
    """
    with suppress(*_UNLIKE, OSError):
        return _read_bert(folder)
    return None


def _read_bert(folder: Path) -> BertFiles | None:
    modules = _read(folder, "modules.json", [])
    kinds = [module["type"].rpartition(".")[2] for module in modules]
    places = [module["path"] for module in modules]
    own = all(module["type"].startswith("sentence_transformers.") for module in modules)
    if kinds[:2] != ["Transformer", "Pooling"] or {*kinds[2:]} - {"Normalize"} or places[0] != "":
        return None
    model = _read(folder, "config.json", {})
    pooled = _read(folder / str(places[1]), "config.json", {})
    stated = _read(folder, "sentence_bert_config.json", None)
    asked = _read(folder, "config_sentence_transformers.json", {})
    tokens = _read(folder, "tokenizer_config.json", {})
    mean = {name: on for name, on in pooled.items() if name.startswith("pooling_mode") and on}
    prompts, asked_for = asked.get("prompts", {}), asked.get("default_prompt_name")
    heads, dim = int(model["num_attention_heads"]), int(model["hidden_size"])
    plain = (
        own
        and model.get("model_type") == "bert"
        and model.get("hidden_act") == "gelu"
        and not model.get("is_decoder")
        and model.get("position_embedding_type", "absolute") == "absolute"
        and not {"quantization_config", "auto_map"} & {*model}
        and not (folder / "adapter_config.json").exists()
        and mean in (_MEAN, {"pooling_mode": "mean"})
        and pooled.get("include_prompt", True)
        and asked.get("truncate_dim") is None
        and asked.get("model_type", "SentenceTransformer") == "SentenceTransformer"
        and asked_for in {None, "query", "document", *prompts}
        and dim % heads == 0
        and stated is not None
        and all(_EMBEDS_TOKENS.get(name) == stated[name] for name in {*stated} - {"max_seq_length"})
        and (folder / _WEIGHTS).is_file()
    )
    if not plain:
        return None
    positions = int(model["max_position_embeddings"])
    longest = min(positions, tokens.get("model_max_length", positions))
    return BertFiles(
        folder=folder,
        heads=heads,
        layers=int(model["num_hidden_layers"]),
        dim=dim,
        epsilon=float(model.get("layer_norm_eps", 1e-12)),
        window=min(positions, int(stated.get("max_seq_length") or longest)),
        prompt=prompts.get(asked_for or "", "") or "",
    )


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """Return the tokenizer in a model's folder; ``None`` if the library would change it.

    The library makes BERT's anew from its settings; others it takes as they are written.
    """
    with suppress(*_UNLIKE):
        return _read_tokenizer(folder)
    return None


def _read_tokenizer(folder: Path) -> Tokenizer | None:
    place = folder / "tokenizer.json"
    settings = _read(folder, "tokenizer_config.json", {})
    if not place.is_file() or {"add_bos_token", "add_eos_token"} & {*settings}:
        return None
    if settings.get("split_special_tokens"):
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
            and written.get("model", {}).get("continuing_subword_prefix") == "##"
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
    tokenizer.no_truncation()
    tokenizer.no_padding()
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    added = {token.get("content") for token in settings.get("added_tokens_decoder", {}).values()}
    named = [name for use, name in settings.items() if use.endswith("_token") and name]
    more = [name for name in named if isinstance(name, str) and name not in known]
    others = _other_special_tokens(folder, settings)
    if (added | others) - known - {*more} or any(
        tokenizer.token_to_id(name) is None for name in more
    ):
        return None
    # To BERT's vocabulary the library adds what the settings list, and nothing else.
    if kind == "BertTokenizer" and added and added != known:
        return None
    if kind == "BertTokenizer" and not _frames_as_stated(tokenizer, settings):
        return None
    tokenizer.add_special_tokens([*more])
    return tokenizer


def _other_special_tokens(folder: Path, settings: Mapping[str, Any]) -> set[str]:
    """Return the special tokens that are not stated as text in the settings of the tokenizer."""
    mapped = _read(folder, "special_tokens_map.json", {})
    found = [*_read(folder, "added_tokens.json", {})]
    for stated in (settings, mapped):
        for use, value in stated.items():
            if use in ("additional_special_tokens", "extra_special_tokens"):
                found += value.values() if isinstance(value, dict) else value or []
            elif use.endswith("_token") and (stated is mapped or isinstance(value, dict)):
                found.append(value)
    return {each["content"] if isinstance(each, dict) else each for each in found} - {None}


def _frames_as_stated(tokenizer: Tokenizer, settings: Mapping[str, Any]) -> bool:
    """Return whether a text stands between the tokens that the library would frame it with."""
    first, last = (settings.get(f"{use}_token", f"[{use.upper()}]") for use in ("cls", "sep"))
    framed, plain = (tokenizer.encode("a", add_special_tokens=special) for special in (True, False))
    ends = [tokenizer.token_to_id(name) for name in (first, last)]
    return framed.ids == [ends[0], *plain.ids, ends[1]]


def _read(folder: Path, name: str, otherwise: Any) -> Any:
    """Return a file's JSON; what it is otherwise, if there is none.

    Raises:
        OSError: If it can't be read.
        ValueError: If it is no JSON, or of another type.
    """
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return otherwise
    if otherwise is not None and not isinstance(found, type(otherwise)):
        raise ValueError(f"{folder / name} is no {type(otherwise).__name__}")
    return found
