"""Reads what a build stores so that the next one can carry over the lists that did not change."""

from typing import Any

from numpy.typing import NDArray

from index.build.build import Build
from index.build.lexicon import load_matrix
from index.files import load_array
from recommender.carried import Candidates, RelatingState
from recommender.rerank import RankedLists
from recommender.stories import Stories


def load_state(build: Build) -> RelatingState:
    """Read the state from which a build's lists were made, to recompute only what changed since."""

    def read(name: str) -> NDArray[Any]:
        return load_array(build.checked(f"{name}.npy"))

    terms = len(read("lexical_idf"))
    return RelatingState(
        candidates=Candidates(
            rows=read("candidate_rows"),
            scores=read("candidate_scores"),
            found_by=read("candidate_found_by"),
            least=read("candidate_least"),
        ),
        nearest=read("nearest"),
        close=read("close_pairs"),
        stories=Stories(
            of=build.stories,
            members=build.members.values,
            ends=build.members.ends,
            newer=build.newer,
        ),
        postings=load_matrix(build.checked, "postings", (terms, build.count)),
        lists=RankedLists(
            rows=build.related_rows,
            scores=build.related_scores,
            rejected_rows=read("rejected_rows"),
            rejected_reasons=read("rejected_reasons"),
        ),
        adopted=read("adopted"),
        weights=read("preferences"),
    )
