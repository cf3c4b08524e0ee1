"""The third stage of a build: encodes new and changed texts, and reuses all other embeddings."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.build.build import CENTERING, Build
from index.build.manifest import MANIFEST, read_manifest
from index.build.prepared_texts import PreparedTexts, StoredTexts
from index.building.context import BuildContext
from index.building.engine import Encoding, find_digests
from index.errors import BuildError
from index.files import load_array, save_array
from recommender.centering import learn_centering
from recommender.encoder import Embeddings, Encoder, Fingerprint, center


def encode_texts(
    context: BuildContext,
    encoder: Encoder,
    load_encoder: Callable[[], Encoder],
    texts: PreparedTexts | StoredTexts,
    languages: NDArray[np.int32],
) -> tuple[Embeddings, int, NDArray[np.float32]]:
    """Writes one embedding per row; unchanged texts reuse those of the live build.

    If that was made with another encoder, or no build is live, they reuse those of the newest other
    build that was made with this one, such as a build that a gate holds back.

    The part of embeddings that only shows a text's language is removed (centering). It is learned
    in the first full build with two languages, and stays the same as long as embeddings are reused.

    Args:
        context: The build in progress.
        encoder: The encoder.
        load_encoder: Loads the same encoder again, for use on another machine.
        texts: The prepared texts, one per row.
        languages: Shape (n,), int32: the language of each row, 0 if unknown.

    Returns:
        The embeddings, shape (n, dim), float32, memory-mapped read-only; how many texts were
        encoded; and the centering, shape (m, dim), for :func:`recommender.encoder.center`.
    """
    dim = encoder.fingerprint.dim
    path = context.folder / "embeddings.npy"
    embeddings = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=(len(texts), dim)
    )
    _reserve(path, embeddings.offset)
    digests = load_array(context.folder / "text_digests.npy")
    missing = np.arange(len(texts))
    origin = encoder.fingerprint.model
    beside = None if context.beside is None else context.beside.build
    others: Iterator[Build] = iter(())
    if not context.options.from_scratch:
        others = _made_with(encoder.fingerprint, context.folder.parent)
    centering: NDArray[np.float32] | None = None
    for build in chain((beside, context.previous), others):
        if build is not None and build.manifest.encoder == encoder.fingerprint:
            missing = _carry_over(build, digests, embeddings)
            centering = load_array(build.checked(CENTERING))
            if not len(centering) and context.carried is None and build is not beside:
                centering = None  # nothing was removed yet: the site may have two languages now
            break
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        context.progress("encode", done, len(missing))

    encoding = Encoding(
        load_encoder=load_encoder,
        encoder=encoder,
        texts=texts,
        rows=missing,
        digests=digests,
        progress=advance,
    )
    for rows, encoded in context.engine.encode(encoding):
        embeddings[rows] = (
            encoded if centering is None else center(encoded, centering, origin=origin)
        )
    if centering is None:
        centering = learn_centering(embeddings, languages)
        for start in range(0, len(embeddings), 65_536):
            some = slice(start, start + 65_536)
            embeddings[some] = center(embeddings[some], centering, origin=origin)
    save_array(context.folder / CENTERING, centering)
    del embeddings
    return load_array(path), len(missing), centering


def _reserve(path: Path, start: int) -> None:
    """Reserves a file's space now: writing to a mapped page on a full disk kills the process."""
    size = path.stat().st_size
    with path.open("rb+") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
            return
        file.seek(start)  # macOS: write what is there, zeros
        for done in range(start, size, 1 << 20):
            file.write(bytes(min(1 << 20, size - done)))


def _made_with(encoder: Fingerprint, folder: Path) -> Iterator[Build]:
    """Yields the builds in the folder of all builds whose embeddings are intact, newest first."""
    for path in sorted(folder.glob(f"[!.]*/{MANIFEST}"), reverse=True):
        with suppress(BuildError):
            build = Build(path.parent, read_manifest(path.parent))
            if build.manifest.encoder == encoder:
                for name in ("embeddings.npy", "text_digests.npy", CENTERING):
                    build.checked(name)
                yield build


def _carry_over(
    previous: Build, digests: NDArray[np.generic], embeddings: Embeddings
) -> NDArray[np.int64]:
    """Copies the live build's embeddings of unchanged texts into ``embeddings``.

    Args:
        previous: The live build.
        digests: Shape (n, 16), uint8: the digest of each text of the new build.
        embeddings: Shape (n, dim), float32: the new build's embeddings, changed in place.

    Returns:
        The rows whose texts must still be encoded.
    """
    known, positions = find_digests(digests, previous.text_digests)
    source = load_array(previous.checked("embeddings.npy"))
    for start in range(0, len(known), 65_536):
        rows = start + np.flatnonzero(known[start : start + 65_536])
        embeddings[rows] = source[positions[rows]]
    return np.flatnonzero(~known)
