"""Carrying over what did not change gives the same lists as relating every article anew."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender import candidates, faiss_index, postings
from recommender.carried import CarriedRelating
from recommender.encoder import Embeddings
from recommender.faiss_index import build_index
from recommender.labels import Labels
from recommender.lexical import LexicalVectors, apply_weights, title_shares, weigh_terms
from recommender.parallel import in_turn, map_in_threads
from recommender.parameters import RankingParameters
from recommender.pipeline import CorpusArticles, PipelineResult, relate
from recommender.term_counts import count_corpus, count_terms, count_titles
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus

DIM, TAGS = 16, 4


@dataclass(frozen=True, kw_only=True)
class Page:
    """An article as relating sees it."""

    text: PreparedText
    vector: tuple[float, ...]
    tags: tuple[int, ...] = ()
    language: int = 0
    day: int = 0
    key: int = 0
    address: int = 0
    version: int = 0
    replaces: str = ""
    visible: bool = True
    weight: float = 1.0


COMPARED = ("text", "vector", "tags", "language", "day")


class Site:
    """A site whose articles change, drawn at random from a seed."""

    def __init__(self, seed: int, count: int, *, exact: bool) -> None:
        self.random = np.random.default_rng(seed)
        self.exact = exact  # inner products without rounding, so that many tie
        self.words = [f"word{number}" for number in range(40)]
        self.pages: dict[str, Page] = {}
        for _ in range(count):
            self.put()

    def put(self) -> None:
        """Add an article, or change everything of one."""
        self.pages[self.some_id()] = self.new_page()

    def edit(self) -> None:
        """Change something by which an article is compared."""
        own = self.known_id()
        new, field = self.new_page(), self.random.choice(COMPARED)
        self.pages[own] = replace(self.pages[own], **{field: getattr(new, field)})

    def mark(self) -> None:
        """Change something of an article that only stories, weights or readers look at."""
        own = self.known_id()
        new = self.new_page()
        field = self.random.choice(["key", "address", "version", "replaces", "visible", "weight"])
        self.pages[own] = replace(self.pages[own], **{field: getattr(new, field)})

    def remove(self) -> None:
        if len(self.pages) > 2:
            del self.pages[self.known_id()]

    def some_id(self) -> str:
        return f"a{self.random.integers(1_000):03}"

    def known_id(self) -> str:
        return str(self.random.choice(sorted(self.pages)))

    def new_page(self) -> Page:
        random = self.random
        page = Page(text=self.new_text(), vector=self.new_vector(), address=random.integers(2**40))
        if self.pages and random.random() < 0.3:  # a copy, or nearly one
            twin = self.pages[self.known_id()]
            body = twin.text.body if random.random() < 0.5 else f"{twin.text.body} {self.words[1]}"
            page = replace(page, text=replace(twin.text, body=body), vector=twin.vector)
        return replace(
            page,
            tags=tuple(random.choice(TAGS + 2, random.integers(3), replace=False).tolist()),
            language=int(random.integers(3)),
            day=int(random.integers(40)),
            key=int(random.choice([0, 0, 1, 2, 3])),
            address=int(random.choice([page.address, 7, page.address])),
            version=int(random.integers(2)),
            replaces=self.known_id() if self.pages and random.random() < 0.2 else "",
            visible=bool(random.random() < 0.8),
            weight=float(random.choice([1.0, 1.0, 0.5, 0.0, 1.5])),
        )

    def new_text(self) -> PreparedText:
        body = self.random.choice(self.words, self.random.integers(1, 18))
        return PreparedText(title=" ".join(self.random.choice(self.words, 2)), body=" ".join(body))

    def new_vector(self) -> tuple[float, ...]:
        if self.exact:
            vector = np.zeros(DIM)
            vector[self.random.choice(6, 4, replace=False)] = self.random.choice([-0.5, 0.5], 4)
        else:
            vector = self.random.normal(size=DIM)
        return tuple((vector / np.linalg.norm(vector)).tolist())


@dataclass
class Frozen:
    """What is frozen of a site when all articles are related anew."""

    vocabulary: list[str]
    pair_keys: np.ndarray
    idf: np.ndarray
    label_idf: np.ndarray = field(default_factory=lambda: np.array([0.9, 0.3, 0.0, 0.5]))

    @classmethod
    def of(cls, site: Site) -> Frozen:
        terms = count_corpus(tokenize_corpus([page.text for page in site.pages.values()]))
        return cls(list(terms.vocabulary), terms.pair_keys, weigh_terms(terms).idf)

    def catalogue(self, site: Site) -> CorpusArticles:
        ids = sorted(site.pages)
        pages = [site.pages[name] for name in ids]
        embeddings: Embeddings = np.array([page.vector for page in pages], dtype=np.float32)
        words = tokenize_corpus([page.text for page in pages])
        known = self.vocabulary, self.pair_keys
        labels = [(row, tag) for row, page in enumerate(pages) for tag in page.tags]
        rows, tags = np.array(labels, dtype=np.int32).reshape(-1, 2).T
        row_of = {name: row for row, name in enumerate(ids)}
        superseded = {
            row: row_of[page.replaces]
            for row, page in enumerate(pages)
            if page.replaces in row_of and page.replaces != ids[row]
        }
        return CorpusArticles(
            embeddings=embeddings,
            index=build_index(embeddings),
            lexical=LexicalVectors(
                weights=apply_weights(count_terms(words, *known), self.idf),
                titles=title_shares(count_titles(words, known[0]), self.idf),
                idf=self.idf,
            ),
            texts=[page.text for page in pages],
            languages=np.array([page.language for page in pages], dtype=np.int32),
            dates=np.array([page.day for page in pages], dtype=np.int32),
            tags=Labels(rows, tags, TAGS + 2, self.label_idf),
            authors=Labels(rows, tags % 2, 2, self.label_idf[:2]),
            superseded=superseded,
            visible=np.array([page.visible for page in pages]),
            weights=np.array([page.weight for page in pages], dtype=np.float32),
            translation_keys=np.array([page.key for page in pages], dtype=np.int64),
            pages=np.array([page.address for page in pages], dtype=np.int64),
            versions=np.array([page.version for page in pages], dtype=np.int64),
        )


def carried_rows(before: dict[str, Page], now: dict[str, Page]) -> np.ndarray:
    old = {name: row for row, name in enumerate(sorted(before))}

    def row_of(name: str) -> int:
        same = name in old and all(
            getattr(before[name], field) == getattr(now[name], field) for field in COMPARED
        )
        return old[name] if same else -1

    return np.array([row_of(name) for name in sorted(now)], dtype=np.int32)


def assert_same(one: PipelineResult, other: PipelineResult) -> None:
    for part in ("rows", "scores", "found_by", "least"):
        mine, theirs = getattr(one.candidates, part), getattr(other.candidates, part)
        assert np.array_equal(mine, theirs), part
    for part in ("of", "members", "ends", "newer"):
        assert np.array_equal(getattr(one.stories, part), getattr(other.stories, part)), part
    assert one.stories.apart == other.stories.apart
    assert (one.postings != other.postings).nnz == 0
    assert np.array_equal(one.adopted, other.adopted)
    assert np.allclose(one.nearest, other.nearest, atol=1e-6)
    for part in ("rows", "rejected_rows", "rejected_reasons"):
        assert np.array_equal(getattr(one.lists, part), getattr(other.lists, part)), part
    found = np.isfinite(one.lists.scores)
    assert np.array_equal(found, np.isfinite(other.lists.scores))
    assert np.allclose(one.lists.scores[found], other.lists.scores[found], atol=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    count=st.sampled_from([3, 12, 40, 90]),
    steps=st.lists(
        st.lists(st.sampled_from(["put", "edit", "mark", "remove"]), max_size=4),
        min_size=1,
        max_size=4,
    ),
    exact=st.booleans(),
    heard=st.sampled_from([0.0, 0.2]),
    depth=st.sampled_from([5, 9, 60]),
    held=st.sampled_from([3, 512]),
    most_stale=st.sampled_from([0.1, 1.0]),
    flat_limit=st.sampled_from([39, 100_000]),
)
def test_what_is_carried_over_is_what_relating_anew_gives(
    seed: int,
    count: int,
    steps: list[list[str]],
    exact: bool,
    heard: float,
    depth: int,
    held: int,
    most_stale: float,
    flat_limit: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "POSTINGS", held)
        patch.setattr(postings, "QUERY_TERMS", 4 if held == 3 else 32)
        patch.setattr(candidates, "_MOST_STALE", most_stale)
        patch.setattr(faiss_index, "FLAT_LIMIT", flat_limit)
        patch.setattr(faiss_index, "_LEAST_FACTOR", 1_000)  # compressed codes, yet exact
        patch.setattr(faiss_index, "_MOST_FACTOR", 1_000)
        site = Site(seed, count, exact=exact)
        frozen = Frozen.of(site)
        recipe = RankingParameters(candidates=5, diffusion_neighbors=3, neighbors_say=heard)
        first = relate(frozen.catalogue(site), depth=depth, recipe=recipe)
        calibration = replace(first.calibration, neighbors=heard)

        def now(carried: CarriedRelating | None) -> PipelineResult:
            return relate(
                frozen.catalogue(site),
                depth=depth,
                recipe=recipe,
                calibration=calibration,
                mapper=in_turn(map_in_threads),
                carried=carried,
            )

        last = now(None)
        for step in steps:
            before = dict(site.pages)
            for change in step:
                getattr(site, change)()
            rows = carried_rows(before, site.pages)
            anew = now(CarriedRelating(last, rows, anew=True))
            last = now(CarriedRelating(last, rows))
            assert_same(last, anew)
