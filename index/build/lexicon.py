"""The words of a build on disk: what a text that is not in it needs to be scored as if it were."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import scipy.sparse as sp

from index.build.build import Build
from index.build.manifest import EncoderEntry
from index.files import BlobWriter, load_array, save_array, write_json
from recommender.fusion import Calibration
from recommender.lexical import LexicalVectors
from recommender.term_counts import CorpusTerms

_PARTS = ("data", "indices", "indptr")


def save_lexicon(
    folder: Path, terms: CorpusTerms, lexical: LexicalVectors, calibration: Calibration
) -> None:
    """Write vocabulary and calibration into a build, beside the weights and their postings.

    Those two grow with the articles: they came to lie in the folder as they were made.
    """
    words = BlobWriter(folder / "words.bin")
    for word in terms.vocabulary:
        words.append(word.encode())
    words.close()
    save_array(folder / "pair_keys.npy", terms.pair_keys)
    save_array(folder / "lexical_idf.npy", lexical.idf)
    write_json(folder / "calibration.json", asdict(calibration))


def load_matrix(build: Build, name: str, shape: tuple[int, int]) -> sp.csr_matrix:
    """A sparse matrix of a build, mapped: ``lexical`` (articles, terms) or ``postings``."""
    parts: Any = tuple(load_array(build.checked(f"{name}_{part}.npy")) for part in _PARTS)
    return sp.csr_matrix(parts, shape=shape, copy=False)


def carried_calibration(previous: Build | None, encoder: EncoderEntry) -> Calibration | None:
    """The live build's calibration, so that a score means the same from build to build.

    Args:
        previous: The live build, if there is one.
        encoder: The encoder of the build in the making, as its manifest will say;
            another model has another chance.
    """
    if previous is None or previous.manifest.encoder != encoder:
        return None
    found = cast("dict[str, float]", previous.read_json("calibration.json"))
    return Calibration(**found)
