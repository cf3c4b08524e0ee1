"""Any sentence-transformers model, run by its library: a batch is padded to its longest text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from recommender.encoder import Embeddings

_WINDOW = 256
"""Longest piece of text that is encoded at a time, in tokens, including special tokens, with a
model that does not say how long it may be."""


class PaddedModel:
    """A model as its library loads it.

    Args:
        folder: Where its files lie.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: The numbers to compute with, bfloat16 by autocast.

    Attributes:
        window: The most tokens of a text, special tokens included.
        prompt: What stands before each text; often nothing.
        dim: Numbers of an embedding; ``None`` if the model does not say.

    Raises:
        OSError, ValueError, KeyError, RuntimeError: If the model can't be loaded.
    """

    def __init__(self, folder: Path, device: str, dtype: torch.dtype) -> None:
        # The commands show their own progress bar.
        transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._model: SentenceTransformer = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "dtype": torch.float32},
        )
        self._model.eval()
        self._dtype = dtype
        self._tokenizer: Any = self._model.tokenizer
        if getattr(self._tokenizer, "pad_token_id", None) is None:
            raise ValueError("models without a tokenizer that can pad texts are not supported")
        self.window = int(self._model.max_seq_length or _WINDOW)
        self.prompt = self._model.prompts.get(self._model.default_prompt_name or "", "") or ""
        if self.prompt and not all(getattr(part, "include_prompt", True) for part in self._model):
            raise ValueError("models that leave their prompt out of the mean are not supported")
        self.dim: int | None = self._model.get_embedding_dimension()

    def token_ids(self, texts: list[str], *, special: bool) -> list[list[int]]:
        """Return each text's token ids, however many; ``special`` frames them as a text's."""
        found: list[list[int]] = self._tokenizer(
            texts,
            add_special_tokens=special,
            truncation=False,
            return_attention_mask=False,
            verbose=False,  # otherwise it warns about every text that is longer than one window
        )["input_ids"]
        return found

    def embed(self, windows: Sequence[NDArray[np.int64]]) -> Embeddings:
        """Return an embedding of each window of token ids: (windows, dim), float32."""
        lengths = np.array([len(window) for window in windows])
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self._tokenizer.pad_token_id)
        ids[mask] = np.concatenate(windows)
        device = self._model.device
        parts = {"input_ids": ids, "attention_mask": mask.astype(np.int64)}
        features = {name: torch.from_numpy(part).to(device) for name, part in parts.items()}
        quick = self._dtype == torch.bfloat16
        autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=quick)
        with torch.inference_mode(), autocast:
            vectors = self._model(features)["sentence_embedding"][:, : self.dim]
        found: Embeddings = vectors.float().cpu().numpy()
        return found
