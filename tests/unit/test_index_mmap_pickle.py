"""Work as it is sent to other machines: light, and known again by what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from index.building.folder_arrays import FolderWorkspace
from index.scale_out.ray import mmap_pickle as by_name
from recommender.keyphrases import extract_phrases
from recommender.lexical import weigh_terms
from recommender.parallel import Block, map_in_threads
from recommender.postings import make_postings
from recommender.term_counts import count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus

T = TypeVar("T")


def sent_by(folder: Path, seed: int) -> dict[str, tuple[bytes, int]]:
    """Digest and size of the work of each lexical stage, over a folder of its own."""
    texts = [
        PreparedText(title=f"Kelp {n % 7}", body=f"urchin reef tide {n * seed % 5} otter number{n}")
        for n in range(2_000)
    ]
    sent: dict[str, tuple[bytes, int]] = {}

    def mapper(
        work: Callable[[int, int], T], blocks: Iterable[Block], *, stage: str = ""
    ) -> Iterator[T]:
        sent[stage] = by_name.digest(work), len(by_name.dumps(work))
        return map_in_threads(work, blocks, stage=stage)

    folder.mkdir()
    workspace = FolderWorkspace(folder)
    corpus = tokenize_corpus(texts, workspace, mapper)
    terms = count_corpus(corpus, workspace, mapper)
    extract_phrases(corpus, [], workspace, mapper)
    make_postings(weigh_terms(terms, workspace=workspace, mapper=mapper).weights, workspace, mapper)
    del sent["words"]  # its texts lie in memory here
    return sent


def test_a_driver_that_starts_again_in_another_folder_knows_what_was_done(tmp_path: Path) -> None:
    first, again = sent_by(tmp_path / "a", 1), sent_by(tmp_path / "b", 1)
    changed = sent_by(tmp_path / "c", 2)
    assert set(first) == {"terms", "phrases", "best-phrases", "weights", "postings"}
    assert {stage: digest for stage, (digest, _) in again.items()} == {
        stage: digest for stage, (digest, _) in first.items()
    }
    assert all(first[stage][0] != changed[stage][0] for stage in first)


def test_arrays_that_lie_in_files_are_not_sent(tmp_path: Path) -> None:
    sent = sent_by(tmp_path / "a", 1)
    assert sent["postings"][1] < 10_000
    whole = (tmp_path / "a" / "lexical_data.npy").stat().st_size
    assert whole > 50_000
