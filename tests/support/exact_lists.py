"""Related lists as docs/relevance.md says: every pair, in float64, none of the project's own steps.

Only the encoder's vectors are taken as they are. Where two articles are within rounding of each
other, either may stand first; so a list is checked place by place, not compared with another.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.text import PreparedText

TIE = 1e-5
"""Scores that are closer than this may stand in any order."""

USUAL = {
    "meaning": (0.15, 0.16),
    "words": (0.035, 0.027),
    "names": (0.1, 0.15),
    "named": (0.1, 0.15),
    "dates": (-3.0, 1.0),
}
LEAST = {"words": 0.04, "names": 0.15, "named": 0.15}
WEIGHTS = {
    "meaning": 0.55,
    "words": 0.45,
    "names": 0.13,
    "named": 0.08,
    "tags": 1.0,
    "authors": 0.4,
    "dates": 0.0,
}
SHOWN = 6

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Page:
    """An article of lower-case words without hyphens; ``replaces`` is the row of an older one."""

    title: Sequence[str]
    sentences: Sequence[Sequence[str]] = ()
    tags: Sequence[str] = ()
    authors: Sequence[str] = ()
    language: int = 0
    day: int | None = None
    replaces: int | None = None
    visible: bool = True
    weight: float = 1.0

    @property
    def text(self) -> PreparedText:
        body = " ".join(f"{' '.join(words)}." for words in self.sentences)
        return PreparedText(title=" ".join(self.title), body=body)


def draw_pages(seed: int, count: int) -> list[Page]:
    """A site of made-up topics with copies, versions, labels, languages and hidden articles."""
    draw = random.Random(seed)
    words = [first + last for first in "bdfgklmnprstvz" for last in ("an", "elo", "irt", "ous")]
    draw.shuffle(words)
    topics = [draw.sample(words, 14) for _ in range(draw.randint(1, 5))]
    pages: list[Page] = []
    for row in range(count):
        pool = [*draw.choice(topics), *draw.sample(words, 4), f"only{row}"]
        page = Page(
            title=draw.choices(pool, k=draw.randint(1, 4)),
            sentences=[draw.choices(pool, k=draw.randint(1, 9)) for _ in range(draw.randint(0, 5))],
        )
        if pages and draw.random() < 0.1:
            twin = draw.choice(pages)
            page = replace(twin, sentences=[*twin.sentences, *page.sentences[:1]])
        page = replace(
            page,
            tags=draw.sample(["Sea", "Bread", "Rail", "Song", f"Only {row}"], draw.randint(0, 3)),
            authors=draw.sample(["Ada", "Bo", "Cy"], draw.randint(0, 2)),
            language=draw.choice([0, 1, 1, 1, 2]) if seed % 2 else 1,
            day=draw.choice([None, draw.randint(0, 4_000)]),
            replaces=draw.randrange(row) if row and draw.random() < 0.05 else None,
            visible=draw.random() < 0.9,
            weight=draw.choice([1.0, 1.0, 1.0, 0.5, 1.5, 0.0]),
        )
        pages.append(page)
    return pages


class ExactSite:
    """All scores of a site.

    Args:
        pages: Its articles.
        wholes: The encoder's unit vectors of their whole texts.
        titles: Those of their titles.
        depth: Length of the lists.
        ranked: The candidates of each article as they were found, best first; they are checked.
        candidates: How many are looked for by embedding, and how many by words.
        weights: Weight of each kind of evidence.

    Attributes:
        scores: Shape (n, n): of each list (row) the score of each article.
        hub: The strength of the correction for hubs.
        unsure: Whether something could as well have been chosen otherwise, within rounding.
    """

    def __init__(
        self,
        pages: Sequence[Page],
        wholes: Matrix,
        titles: Matrix,
        depth: int,
        ranked: Sequence[Sequence[int]],
        candidates: int,
        weights: Mapping[str, float] = WEIGHTS,
    ) -> None:
        self.pages, self.count, self.depth, self.unsure = pages, len(pages), depth, False
        body = np.array([bool(page.sentences) for page in pages])
        vectors = wholes + 0.5 * titles * body[:, None]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
        self.cosines = vectors @ vectors.T
        self.ranked, self.story = ranked, self._stories()
        evidence = {"meaning": self.cosines, **self._words(candidates)}
        evidence["tags"], tagged = self._overlap([page.tags for page in pages])
        evidence["authors"], written = self._overlap([page.authors for page in pages])
        evidence["dates"] = np.array([[_closeness(a, b) for b in pages] for a in pages])
        copies = {name: np.ones(self.count) for name in evidence}
        copies |= {"tags": tagged, "authors": written, "dates": np.zeros(self.count)}
        own, copy = np.zeros((self.count, self.count)), np.zeros(self.count)
        for name, values in evidence.items():
            mean, deviation = _random_pairs(values, *USUAL[name]) if name in USUAL else (0.0, 1.0)
            deviation = max(deviation, LEAST.get(name, 0.0))
            own += weights[name] * np.nan_to_num((values - mean) / deviation)
            copy += weights[name] * (copies[name] - mean) / deviation
        self._fuse(own, copy, ranked)

    def _words(self, candidates: int) -> dict[str, Matrix]:
        """Return the evidence "words", "names" and "named"."""
        words: list[Counter[str]] = []
        pairs: list[Counter[tuple[str, str]]] = []
        for page in self.pages:
            words.append(Counter())
            pairs.append(Counter())
            for times, run in [(2, page.title), *((1, some) for some in page.sentences)]:
                for word in run:
                    words[-1][word] += times
                for pair in itertools.pairwise(run):
                    pairs[-1][pair] += times
        idf, pair_idf = self._idf(words), self._idf(pairs)
        rarest = max([1.0, *idf.values()])
        weighed = []
        for row in range(self.count):
            found = {}
            for terms, known, square, alone in (
                (words[row], idf, 2 / 3, rarest),
                (pairs[row], pair_idf, 1 / 3, 0.0),
            ):
                damped = {term: 1 + math.log(count) for term, count in terms.items()}
                norm = sum(w**2 * known.get(term, alone) for term, w in damped.items())
                scale = math.sqrt(square / norm) if norm else 0.0
                found |= {
                    term: scale * w * math.sqrt(known[term])
                    for term, w in damped.items()
                    if term in known
                }
            weighed.append(found)
        self._check_candidates(weighed, candidates)
        named = np.zeros((self.count, self.count))  # how much of i's title stands in j's text
        for i, page in enumerate(self.pages):
            title = {word: idf.get(word, rarest) for word in page.title}
            for j in range(self.count):
                held = sum(weight for word, weight in title.items() if word in words[j])
                held -= sum(rarest for word in title if word in words[j] and word not in idf)
                named[i, j] = held / max(sum(title.values()), 1e-9)
        both = [
            [sum(w * other.get(term, 0.0) for term, w in one.items()) for other in weighed]
            for one in weighed
        ]
        return {"words": np.array(both), "names": named.T, "named": named}

    def _idf(self, counted: Sequence[Counter]) -> dict:
        """The idf of each term that two articles hold; 0 for one that more than half hold."""
        holders = Counter(term for terms in counted for term in terms)
        often = self.count / 2 if self.count >= 20 else self.count
        return {
            term: 0.5 + math.log((1 + self.count) / (1 + held)) if held <= often else 0.0
            for term, held in holders.items()
            if held >= 2
        }

    def _overlap(self, labels: Sequence[Sequence[str]]) -> tuple[Matrix, Matrix]:
        """The cosines of articles' labels, and that of each article with its copy."""
        holders = Counter(label for some in labels for label in some)
        names = sorted(holders)
        matrix = np.zeros((self.count, len(names) or 1))
        for row, some in enumerate(labels):
            for label in some:
                idf = math.log((1 + self.count) / (1 + holders[label]))
                matrix[row, names.index(label)] = math.sqrt(idf) if holders[label] > 1 else 0.0
        matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-6)
        return matrix @ matrix.T, np.array([float(bool(some)) for some in labels])

    def _fuse(self, own: Matrix, copy: Matrix, ranked: Sequence[Sequence[int]]) -> None:
        """The neighbors' say, the price of being close to all, and the scale from 0 to 1."""
        listed = np.zeros(own.shape, dtype=bool)
        for i, rows in enumerate(ranked):
            listed[i, rows] = True
            assert (np.diff(own[i, rows]) < TIE).all(), f"the candidates of {i} are not in order"
        close = np.array([own[i, rows[:10]].mean() for i, rows in enumerate(ranked)])
        most = max(0.06, 3 * SHOWN / self.count) * self.count
        for self.hub in (0.1, 0.2, 0.3, 0.4, 0.6):
            paying = np.where(listed, own - self.hub * close, -np.inf)
            first = np.argsort(-paying, axis=1)[:, : SHOWN + 1]
            self._unclear(np.take_along_axis(paying, first[:, -2:], axis=1))
            if np.bincount(first[:, :SHOWN].ravel()).max() <= most:
                break
        say = 0.2 if self.hub <= 0.2 else 0.0
        floors = np.where(listed, own, np.inf).min(axis=1, keepdims=True)
        own = np.where(listed, own, floors)
        heard = own.copy()
        np.fill_diagonal(heard, [own[i, rows[:5]].mean() for i, rows in enumerate(ranked)])
        paid = self.hub * (close - close.mean())
        total = own - paid
        for i, rows in enumerate(ranked):
            near = rows[:30] if say else []
            share = say / np.arange(1, len(near) + 1) / max(sum(1 / np.arange(1, len(near) + 1)), 1)
            total[i] += share @ heard[near]
            copy[i] += share @ own[i, near] - paid[i]
            total[
                i, ~listed[[i, *near]].any(axis=0) & ~np.isin(np.arange(self.count), near)
            ] = -np.inf
        np.fill_diagonal(total, -np.inf)
        order = np.argsort(-total, axis=1, kind="stable")
        self._unclear(np.take_along_axis(total, order[:, 2 * self.depth - 1 :][:, :2], axis=1))
        np.put_along_axis(total, order[:, 2 * self.depth :], -np.inf, axis=1)
        self.scores = np.clip(total / copy[:, None], 0.0, 1.0)

    def _check_candidates(self, weighed: Sequence[Mapping], candidates: int) -> None:
        """The nearest by embedding and by the article's 32 heaviest terms, itself among them."""
        for i, rows in enumerate(self.ranked):
            ordered = sorted(weighed[i], key=lambda term: -weighed[i][term])
            terms, rest = ordered[:32], ordered[32:33]
            if rest and weighed[i][terms[-1]] - weighed[i][rest[0]] < TIE:
                continue  # either may be among the heaviest
            words = {
                j: sum(weighed[i][term] * other.get(term, 0.0) for term in terms)
                for j, other in enumerate(weighed)
                if any(term in other for term in terms)
            }
            must, may = set[int](), set[int]()
            # Who shares only terms without weight may be a candidate, but need not be one.
            for near, least in ((dict(enumerate(self.cosines[i])), -2.0), (words, 0.0)):
                border = sorted([*near.values(), *[least] * (candidates + 1)], reverse=True)[
                    candidates
                ]
                must |= {j for j, value in near.items() if value > border + TIE}
                may |= {j for j, value in near.items() if value >= border - TIE}
            assert must - {i} <= set(rows) <= may, f"the candidates of {i}"

    def _unclear(self, descending: Matrix) -> None:
        with np.errstate(invalid="ignore"):
            self.unsure |= bool((-np.diff(descending, axis=1) < TIE).any())

    def _stories(self) -> list[int]:
        """Near-duplicates that are not in two known languages, and versions."""
        story = list(range(self.count))
        for i, j in itertools.combinations(range(self.count), 2):
            one, other = self.pages[i], self.pages[j]
            foreign = one.language != other.language and one.language and other.language
            self.unsure |= abs(self.cosines[i, j] - 0.9) < TIE
            twins = self.cosines[i, j] >= 0.9 and not foreign and _mostly_in(one.text, other.text)
            if twins or i == other.replaces or j == one.replaces:
                kept, gone = sorted((story[i], story[j]))
                story = [kept if some == gone else some for some in story]
        return story

    def _members_in(self, story: int, language: int) -> list[int]:
        """The rows of a story in a language, newest first."""
        rows = [
            row
            for row in range(self.count)
            if self.story[row] == story and self.pages[row].language == language
        ]
        return sorted(rows, key=lambda row: (-self._older(row), -self._day(row), row))

    def _older(self, row: int) -> int:
        count, older = 0, self.pages[row].replaces
        while older is not None:
            count, older = count + 1, self.pages[older].replaces
        return count

    def _day(self, row: int) -> float:
        day = self.pages[row].day
        return -math.inf if day is None else day

    def candidates(self, i: int) -> dict[int, float]:
        """What may stand in the list of an article, and its score there."""
        language, found = self.pages[i].language, dict[int, float]()
        for j in range(self.count):
            if self.story[j] != self.story[i]:
                spoken = self._members_in(self.story[j], language) if language else []
                shown = j if not spoken or self.pages[j].language == language else spoken[0]
                score = float(self.scores[i, j]) * self.pages[shown].weight
                found[shown] = max(found.get(shown, 0.0), score)
        return {row: score for row, score in found.items() if score > 0}

    def check(self, i: int, rows: Sequence[int], scores: Sequence[float]) -> None:
        """Fail unless a list is what it must be before orphans are adopted."""
        known = self.candidates(i)
        foreign = {row: self._is_foreign(row, i) for row in known}
        assert np.allclose(scores, [min(known.get(row, -1), 1) for row in rows], atol=1e-4), (
            i,
            rows,
        )
        best: dict[int, tuple[bool, float]] = {}
        for row, score in known.items():
            place = (foreign[row], -score)
            best[self.story[row]] = min(best.get(self.story[row], (True, 0.0)), place)
        ranked = sorted(rows, key=lambda row: (foreign[row], -known[row]))
        full, last = len(rows) == self.depth, ranked[-1] if rows else None
        listed = {self.story[row]: row for row in rows}
        assert len(listed) == len(rows), f"a story stands twice in the list of {i}"
        for story, (is_foreign, score) in best.items():
            if story in listed:
                row = listed[story]
                assert foreign[row] == is_foreign
                assert -known[row] < score + TIE
            else:
                least = (foreign[last], -known[last] - TIE) if full else (True, -TIE)
                assert (is_foreign, score) > least, f"story {story} is not in the list of {i}"
        tied: set[int] = set()  # with the last of the pool; any of them may be in it
        if len(ranked) > 24:
            border = ranked[23]
            tied = {
                row
                for row in ranked
                if foreign[row] == foreign[border] and abs(known[row] - known[border]) < TIE
            }
            tied = set() if tied <= {*ranked[:24]} else tied
        for place, row in enumerate(rows):
            left = [other for other in ranked if other not in rows[:place]]
            if place < 24:
                left = [other for other in left if other in ranked[:24] or other in tied]
            before = rows[:place] if place < 12 else []
            worth = {
                other: known[other] * (1 - 0.05 * max([0.0, *self.cosines[other, before]]))
                - 10 * foreign[other]
                for other in left
            }
            sure = [value for other, value in worth.items() if other not in tied]
            assert worth[row] >= max(sure, default=worth[row]) - TIE, (i, place, rows)

    def _is_foreign(self, row: int, i: int) -> bool:
        language = self.pages[i].language
        return bool(language) and self.pages[row].language != language

    def adopt(self, lists: Sequence[Sequence[int]]) -> list[list[int]]:
        """The lists after orphans were adopted."""
        lists = [list(rows) for rows in lists]
        seen = [page.visible for page in self.pages]
        linked = {row for i, rows in enumerate(lists) if seen[i] for row in rows[:SHOWN]}
        offers = []
        for i, rows in enumerate(lists):
            known = self.candidates(i) if seen[i] else {}
            for row in rows[SHOWN:] if seen[i] else []:
                ratio = known[row] / known[rows[SHOWN - 1]]
                kept = self._is_foreign(row, i) and not self._is_foreign(rows[SHOWN - 1], i)
                if seen[row] and row not in linked and not kept:
                    self.unsure |= abs(ratio - 0.7) < TIE
                    offers += [(-ratio, row, i)] if ratio >= 0.7 else []
        done: set[int] = set()
        homes: set[int] = set()
        offers.sort()
        for before, after in itertools.pairwise(offers):
            alike = before[1] == after[1] or before[2] == after[2]
            self.unsure |= alike and after[0] - before[0] < TIE
        for _, row, i in offers:
            if row not in done and i not in homes:
                lists[i].remove(row)
                lists[i].insert(SHOWN - 1, row)
                done.add(row)
                homes.add(i)
        return lists


def _closeness(one: Page, other: Page) -> float:
    if one.day is None or other.day is None:
        return math.nan
    return -math.log(1 + abs(one.day - other.day) / 30)


def _random_pairs(values: Matrix, mean: float, deviation: float) -> tuple[float, float]:
    """Mean and deviation of all pairs and of fifty typical ones."""
    pairs = values[np.triu_indices(len(values), k=1)]
    pairs = pairs[~np.isnan(pairs)]
    total = len(pairs) + 50
    found = (pairs.sum() + 50 * mean) / total
    squares = ((pairs - found) ** 2).sum() + 50 * (deviation**2 + (mean - found) ** 2)
    return found, math.sqrt(squares / total)


def _mostly_in(one: PreparedText, other: PreparedText) -> bool:
    shingles = []
    for text in (one, other):
        words = (text.body or text.title).split()
        shingles.append(set(zip(words, words[1:], words[2:], strict=False)))
    least = min(map(len, shingles))
    if least < 8:
        return one.whole == other.whole
    return len(shingles[0] & shingles[1]) >= 0.75 * least
