"""Finds the member of a story that is in a language, for stories told in several languages.

The translations of a page are one story. A list shows a story by its member in the list's language,
if it has one.
"""

import hashlib
import re
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from recommender.article import Article, without_fragment
from recommender.neighbors import NO_ROW, Neighbors, Rows

COUNTRIES = {
    "jp": "ja", "cn": "zh", "kr": "ko", "ua": "uk", "vn": "vi", "gr": "el", "cz": "cs", "dk": "da",
}  # fmt: skip
"""Codes of countries that sites write for languages."""

_LANGUAGE_IN_ADDRESS = re.compile(r"/([A-Za-z]{2,3})(?:[-_][A-Za-z]{2,4})?(?=[/?#]|$)")


def key_number(article: Article) -> int:
    """Return a number that is the same for all translations of a page; 0 if it can't be made.

    It is made from the article's translation key or, without one, from its address without the
    part that names its language, so that ``/de/tides`` in German and ``/en/tides`` in English, or
    ``/tides`` in English, are translations.
    """
    key = article.translation_key
    if not key:
        if article.language is None or not article.url:
            return 0
        own = article.language.partition("-")[0]
        key = re.sub("^https?:", "", unquote(without_fragment(article.url))).rstrip("/")
        for found in _LANGUAGE_IN_ADDRESS.finditer(key):
            if own in ((code := found[1].lower()), COUNTRIES.get(code)):
                key = key[: found.start()] + key[found.end() :]
                break
        key = f"address {key}"
    digest = hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


class StoryLanguages:
    """Finds the newest member of a story in a language, such as the translation of an article.

    Args:
        stories: Shape (n,), int32: the story of each row; all translations and versions of an
            article have the same one.
        members: Rows, those of each story newest first; all rows, or only those that may be shown.
        languages: Shape (n,), int32: language ids; 0 if unknown.
    """

    def __init__(
        self,
        stories: NDArray[np.int32],
        members: NDArray[np.int32],
        languages: NDArray[np.int32],
    ) -> None:
        self._stories, self._languages = stories, languages
        self._width = int(languages.max(initial=0)) + 1
        story, spoken = stories[members], languages[members]
        lowest = np.full(int(stories.max(initial=-1)) + 1, self._width, dtype=np.int32)
        highest = np.zeros(len(lowest), dtype=np.int32)
        np.minimum.at(lowest, story, spoken)
        np.maximum.at(highest, story, spoken)
        several = (lowest < highest)[story]
        keys = story[several].astype(np.int64) * self._width + spoken[several]
        self._keys, first = np.unique(keys, return_index=True)
        self._rows = members[several][first]

    def members_in(self, rows: Rows, languages: NDArray[np.integer]) -> Rows:
        """Replace each row by the member of its story in the list's language, if there is one.

        Args:
            rows: Shape (lists, k): the rows of each list; :data:`NO_ROW` stays.
            languages: Shape (lists,): the language of each list; 0 replaces nothing.
        """
        if not len(self._keys):
            return rows
        safe = np.where(rows == NO_ROW, 0, rows)
        wanted = languages[:, None]
        keys = self._stories[safe].astype(np.int64) * self._width + wanted
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = (self._keys[place] == keys) & (rows != NO_ROW)
        found &= (wanted > 0) & (wanted < self._width) & (self._languages[safe] != wanted)
        return np.where(found, self._rows[place], rows).astype(np.int32)

    def candidates_in(
        self,
        candidates: Neighbors,
        languages: NDArray[np.integer],
        own: NDArray[np.integer] | None = None,
    ) -> Neighbors:
        """Replace each candidate by the member of its story in the list's language, if any.

        Args:
            candidates: Rows and scores, shape (lists, k), best first.
            languages: Shape (lists,): the language of each list.
            own: Shape (lists,): the row of the article that each list belongs to; members of its
                story are left as they are.

        Returns:
            The candidates in the same places; a row that occurs again is replaced by
            :data:`NO_ROW`.
        """
        rows = self.members_in(candidates.rows, languages)
        if rows is candidates.rows:
            return candidates
        if own is not None:
            kin = self._stories[np.where(rows == NO_ROW, 0, rows)] == self._stories[own][:, None]
            rows = np.where(kin, candidates.rows, rows)
        order = np.argsort(rows, axis=1, kind="stable")
        ordered = np.take_along_axis(rows, order, axis=1)
        again = np.zeros(rows.shape, dtype=bool)
        np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
        return Neighbors(
            rows=np.where(again, NO_ROW, rows).astype(np.int32),
            scores=np.where(again, -np.inf, candidates.scores).astype(np.float32),
        )
