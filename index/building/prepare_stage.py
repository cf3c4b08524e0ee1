"""The second stage of a build: writes ids, cards and texts, and collects per-article columns.

The texts, by which articles are compared, are written without boilerplate. The columns, such as
dates and languages, are returned; the service filters and sorts lists by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.articles.article_store import ArticleStore
from index.articles.card import render_card
from index.articles.urls import url_key
from index.build.article_columns import ArticleColumns
from index.build.build import NO_DATE
from index.build.id_table import IdTable, write_id_table
from index.building.context import BuildContext
from index.building.folder_arrays import FolderWorkspace
from index.building.link_names import LinkNames, link_names
from index.building.link_stage import LinkCollector
from index.files import Blob, BlobWriter, ends_path, save_array
from recommender.article import Article
from recommender.boilerplate import Boilerplate
from recommender.labels import LabelNumbers
from recommender.parallel import equal_blocks, in_turn
from recommender.preferences import Preferences
from recommender.text import PreparedText, prepare
from recommender.translations import key_number
from recommender.versions import version_number
from recommender.visibility import microseconds, utc_now, window

NO_RECENCY = np.iinfo(np.int64).min + 1

_BLOCK = 1_024
_DAY_ZERO = 719_163  # date(1970, 1, 1).toordinal()
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedArticle:
    """One article, in the form that a build stores.

    Attributes:
        id: The article's id, UTF-8.
        card: The card, a JSON object without its braces.
        text: Title and body without boilerplate, UTF-8, separated by a zero byte.
        digest: Digest of the text, 16 bytes.
        visibility: The times from which and until which the article is shown, in microseconds
            since 1970 UTC.
        day: The date, in days since 1970; :data:`~index.build.build.NO_DATE` if unknown.
        recency: The time by which "newest first" sorts, in microseconds since 1970 UTC.
        boost: The factor by which the site's boosts multiply the article's score as a candidate.
        language: BCP 47 language tag; empty if unknown.
        translation_key: The number that the page's translations share; 0 if it may have none.
        tags: The site's tags for the article.
        authors: The names of its authors.
        supersedes: The id of the older version that this article replaces, if it names one.
        page: A number that articles at one address share.
        version: A number that is higher for a newer version; 0 if unknown.
        links: The numbers by which links name the article, and those of its own links.
    """

    id: bytes
    card: bytes
    text: bytes
    digest: bytes
    visibility: tuple[int, int]
    day: int
    recency: int
    boost: float
    language: str
    translation_key: int
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    supersedes: str | None
    page: int
    version: int
    links: LinkNames


def prepare_article(
    article: Article, boilerplate: Boilerplate, preferences: Preferences
) -> PreparedArticle:
    """Prepares one article for the build.

    Args:
        article: The article.
        boilerplate: The passages that the site's pages share, which are removed from the text.
        preferences: The site's ranking preferences.
    """
    prepared = prepare(article, boilerplate)
    day = NO_DATE if article.date is None else article.date.toordinal() - _DAY_ZERO
    if article.visible_from is not None:
        recency = microseconds(article.visible_from)
    else:
        recency = NO_RECENCY if article.date is None else day * _DAY
    return PreparedArticle(
        id=article.id.encode(),
        card=render_card(article, prepared),
        text=f"{prepared.title}\0{prepared.body}".encode(),
        digest=prepared.digest(),
        visibility=window(article),
        day=day,
        recency=recency,
        boost=preferences.boost(article),
        language=article.language or "",
        translation_key=key_number(article),
        tags=tuple(article.tags),
        authors=tuple(article.authors),
        supersedes=article.supersedes,
        page=_page_number(article.url),
        version=version_number(article.title, article.id),
        links=link_names(article),
    )


def _page_number(url: str) -> int:
    digest = hashlib.blake2b(url_key(url).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


class PreparedTexts:
    """The prepared texts by row, kept in a file so that memory does not grow with their number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blob = Blob(path)

    def __reduce__(self) -> tuple[type[PreparedTexts], tuple[Path]]:
        """Pickles only the path; another process opens the file again."""
        return PreparedTexts, (self._path.resolve(),)

    def __len__(self) -> int:
        return len(self._blob)

    def __getitem__(self, row: int) -> PreparedText:
        return _decode(self._blob[row])

    def __iter__(self) -> Iterator[PreparedText]:
        return map(_decode, self._blob)

    def discard(self) -> None:
        """Removes the files of the prepared texts."""
        self._path.unlink()
        ends_path(self._path).unlink()


def _decode(data: bytes) -> PreparedText:
    title, _, body = data.decode().partition("\0")
    return PreparedText(title=title, body=body)


def prepare_articles(
    context: BuildContext, store: ArticleStore, boilerplate: Boilerplate, count: int
) -> tuple[ArticleColumns, PreparedTexts, LinkCollector]:
    """Writes ids, cards and texts without boilerplate, and collects the columns of all articles.

    Args:
        context: The build.
        store: The build's articles.
        boilerplate: The passages to remove from the texts.
        count: The number of articles in ``store``.
    """
    folder = context.folder
    ids, cards = BlobWriter(folder / "ids.bin"), BlobWriter(folder / "cards.bin")
    texts = BlobWriter(folder / "prepared.bin")
    visibility = np.empty((count, 2), dtype=np.int64)
    dates = np.empty(count, dtype=np.int32)
    recency = np.empty(count, dtype=np.int64)
    digests = np.empty((count, 16), dtype=np.uint8)
    boosts = np.empty(count, dtype=np.float32)
    languages = np.zeros(count, dtype=np.int32)
    translation_keys = np.zeros(count, dtype=np.int64)
    pages, versions = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    language_ids: dict[str, int] = {"": 0}
    tags, authors = LabelNumbers(), LabelNumbers()
    preferences = context.options.preferences
    supersedes: dict[int, str] = {}
    links = LinkCollector(FolderWorkspace(folder))

    def work(start: int, stop: int) -> list[PreparedArticle]:
        return [
            prepare_article(article, boilerplate, preferences)
            for article in store.several(range(start, stop))
        ]

    first = 0
    spread = in_turn(context.options.engine.spread)
    for block in spread(work, equal_blocks(count, _BLOCK), stage="prepare"):
        rows = slice(first, first + len(block))
        visibility[rows] = [article.visibility for article in block]
        dates[rows] = [article.day for article in block]
        recency[rows] = [article.recency for article in block]
        boosts[rows] = [article.boost for article in block]
        translation_keys[rows] = [article.translation_key for article in block]
        pages[rows] = [article.page for article in block]
        versions[rows] = [article.version for article in block]
        digests[rows] = np.frombuffer(
            b"".join(article.digest for article in block), dtype=np.uint8
        ).reshape(-1, 16)
        links.add(first, [article.links for article in block])
        for row, article in enumerate(block, first):
            ids.append(article.id)
            cards.append(article.card)
            texts.append(article.text)
            languages[row] = language_ids.setdefault(article.language, len(language_ids))
            tags.add(row, article.tags)
            authors.add(row, article.authors)
            if article.supersedes is not None:
                supersedes[row] = article.supersedes
        first = rows.stop
        context.progress("prepare", first, count)
    for writer in (ids, cards, texts):
        writer.close()
    write_id_table(folder)
    save_array(folder / "text_digests.npy", digests)
    columns = ArticleColumns(
        visibility=visibility,
        dates=dates,
        recency=recency,
        languages=languages,
        language_names=list(language_ids),
        tags=tags.labels(),
        tag_names=tags.names,
        authors=authors.labels(),
        author_names=authors.names,
        weights=boosts * preferences.fade(dates, utc_now() // _DAY),
        pages=pages,
        versions=versions,
        superseded=_find_older(IdTable(folder), supersedes),
        translation_keys=translation_keys,
    )
    return columns, PreparedTexts(folder / "prepared.bin"), links


def _find_older(ids: IdTable, supersedes: dict[int, str]) -> dict[int, int]:
    """Maps the row of each newer version to the row of the older version, if the build has it.

    Args:
        ids: Finds the row of an id.
        supersedes: Maps the row of each newer version to the older version's id.
    """
    rows = {row: ids.row(older) for row, older in supersedes.items()}
    return {row: older for row, older in rows.items() if older is not None}
