"""Reads WordPress sites through the REST API that every installation has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote_plus, urlencode

from pydantic import Field

from index.articles.cleaning import unescape
from index.articles.json_text import load_json
from index.articles.record import Record, RecordProblem, SourceItem
from index.articles.translation_keys import find_translations
from index.errors import RecordError, SourceError, raised_as
from index.sources.host_rules import redacted
from index.sources.html_texts import html_record
from index.sources.http_client import Fetcher, HttpError, HttpOptions, HttpResponse
from index.sources.parser_process import parse_record
from index.sources.wxr import without_builder

_MAX_PAGES = 100_000
_MAX_VALUES = 1_000_000
_NO_TOPICS = set(
    "author post_format language post_translations translation_priority product_type"
    " product_visibility product_shipping_class".split()
)
_LANGUAGE_FOLDER = re.compile(r"/[a-z]{2}(?:-[a-z]{2,4})?\Z")  # often a country's, such as /no
_PAST_END = b"rest_post_invalid_page_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPressSource(HttpOptions):
    """The posts, pages and other post types of a WordPress site.

    With ``user`` and an application password as ``password``, it reads drafts and scheduled
    posts too, so that a post has a related list as soon as it goes live.

    Attributes:
        url: The site's address.
        types: REST names of the post types to read.
        per_page: Posts per request, 1 to 100.
    """

    url: str = field(repr=False)
    types: tuple[str, ...] = ("posts",)
    per_page: Annotated[int, Field(ge=1, le=100)] = 100

    @property
    def name(self) -> str:
        """The source's name for messages: the site's address."""
        return redacted(self.url)

    def records(self) -> Iterator[SourceItem]:
        """Yields one record for each post of each type, or a problem for one that can't be read."""
        api = _Api(Fetcher(url=self.url, options=self), self.url.rstrip("/"))
        for kind in self.types:
            yield from self._posts(api, kind)

    def _posts(self, api: "_Api", kind: str) -> Iterator[SourceItem]:
        known: set[int | None] = set()
        for _ in range(2):  # once more if posts became fewer: others moved to pages that were read
            seen = total = most = 0
            shrunk = False
            for location, announced, posts in self._pages(api, kind):
                shrunk |= announced < total
                total, most = announced, max(most, announced)
                seen += len(posts)
                new = [post for post in posts if _id(post) not in known]
                known |= {*map(_id, posts)} - {None}
                for post in new:
                    yield parse_record(location, _record, post)
            if not shrunk:
                break
        if shrunk or seen != total:
            yield RecordProblem(
                location=f"{self.name} {kind}",
                reason="count-differs",
                message=f"the site announced {most} {kind} and sent {seen}: it changed while "
                "being read, or hides some from this user",
            )

    def _pages(self, api: "_Api", kind: str) -> Iterator[tuple[str, int, list[Any]]]:
        """Yields each page's location, the number of posts that it announces, and its posts."""
        page = pages = 1
        while page <= pages:
            location = f"{self.name} {kind} page {page}"
            query = {
                "per_page": str(self.per_page),
                "page": str(page),
                # Sorted by id, so that a newly published post does not shift others across pages.
                "orderby": "id",
                "order": "asc",
                "status": "publish,future,draft,pending,private" if self.password else "publish",
                "_embed": "author,wp:featuredmedia,wp:term",
            }
            response = api.get(f"/wp/v2/{kind}", query)
            if response is None:
                yield location, 0, []
                return
            pages = _number(response, "x-wp-totalpages")
            if pages > _MAX_PAGES:
                raise SourceError(
                    f"{self.name} announces {pages} pages of {kind}; at most {_MAX_PAGES} are read"
                )
            yield location, _number(response, "x-wp-total"), _read_posts(response)
            page += 1


class _Api:
    """The site's REST API, which may be at either of two addresses; both are tried."""

    def __init__(self, fetcher: Fetcher, home: str) -> None:
        self._fetcher = fetcher
        self._home = home.partition("/wp-json")[0]  # some name the API itself
        self._starts = ["wp-json{route}?", "?rest_route={quoted}&"]
        if "/wp/v2/sites/" in home:  # WordPress.com's API of all its sites
            self._starts = ["{kind}?"]

    def get(self, route: str, query: Mapping[str, str]) -> HttpResponse | None:
        """Returns the answer; ``None`` if the site has no such page of posts any more."""
        while self._starts:
            kind = route.removeprefix("/wp/v2/")
            start = self._starts[0].format(route=route, quoted=quote_plus(route), kind=kind)
            url = f"{self._home}/{start}{urlencode(query)}"
            try:
                response = self._fetcher.get(url, accept="application/json")
                if "json" in response.headers.get("content-type", ""):
                    return response
            except HttpError as error:
                if _PAST_END in error.body:
                    return None
                reason, hint, options = _reason(error.body), "", self._fetcher.options
                if reason or error.status != 404:
                    if options.password and error.status in (400, 401, 403):
                        hint = f"; check the application password of {options.user!r}, who must "
                        hint += "edit posts"
                    elif error.status in (401, 403):
                        hint = '; name a user who may read it, or read the site as kind = "sitemap"'
                    raise SourceError(f"{error}{reason}{hint}") from error
            del self._starts[0]  # a site without permalinks shows its home page there
        raise SourceError(
            f"{redacted(self._home)} is not a WordPress site, or hides its REST API: neither "
            f"/wp-json{route} nor ?rest_route={route} answers in JSON; that of a site of "
            "WordPress.com is https://public-api.wordpress.com/wp/v2/sites/HOST"
        )


def _reason(body: bytes) -> str:
    """Returns the reason that WordPress gives for an error.

    It is not shortened, because half of a secret would not be recognized and masked.
    """
    try:
        message = load_json(body.decode())["message"]
    except (ValueError, TypeError, KeyError):
        return ""
    return f": {message}" if isinstance(message, str) and len(message) <= 500 else ""


def _number(response: HttpResponse, header: str) -> int:
    value = response.headers.get(header, "")
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise SourceError(
            f"{redacted(response.url)} is not WordPress's REST API: it sent no valid {header}"
        )
    return int(value)


def _read_posts(response: HttpResponse) -> list[Any]:
    with raised_as(SourceError, f"{redacted(response.url)} is not JSON: ", ValueError):
        # Bytes that can't be decoded become surrogates: only their field is lost, not the site.
        text = response.body.decode("utf-8-sig", "surrogateescape")
        if text[:1] not in ("[", "{") or text.rstrip()[-1:] not in ("]", "}"):
            # Messages of PHP stand before the posts, comments of a cache after them.
            text = text[max(text.find("[{"), 0) : text.rfind("}]") + 2 or None]
        posts = load_json(text, _MAX_VALUES)
    if not isinstance(posts, list):
        kind = type(posts).__name__
        raise SourceError(f"{redacted(response.url)} sent JSON of type {kind}, not a list of posts")
    return posts


def _id(post: Any) -> int | None:
    found = post.get("id") if isinstance(post, dict) else None
    return found if isinstance(found, int) else None


def _record(location: str, post: Any) -> Record:
    if _id(post) is None:
        message = f"expected a post with a numeric id, found {type(post).__name__}"
        raise RecordError("invalid-post", message)
    embedded, head, content = (
        value if isinstance(value := post.get(name), Mapping) else {}
        for name in ("_embedded", "yoast_head_json", "content")
    )
    date = _text(post, "date_gmt")
    values = {name: value for name, value in post.items() if name != "_embedded"} | {
        "title": _text(post.get("title"), "rendered"),
        "url": post.get("link"),
        "aliases": [unescape(_text(post.get("guid"), "rendered"))],
        "excerpt": without_builder(_text(post.get("excerpt"), "rendered")),
        "image": _image(embedded.get("wp:featuredmedia"))
        or _text(post, "jetpack_featured_media_url"),
        "tags": _terms(embedded.get("wp:term")),
        "language": post.get("lang") or post.get("wpml_current_locale"),
        "translation_key": find_translations(post, _site(location.partition(" ")[0], post)),
        "authors": _authors(post, embedded) or [_text(head, "author")],
        # Text behind a password is not public.
        "status": "private" if content.get("protected") is True else post.get("status"),
        "visible_from": f"{date}Z" if date and post.get("status") == "future" else None,
        "robots": _text(head.get("robots"), "index"),
    }
    text = without_builder(_text(content, "rendered"))
    return html_record(f"{location} id {post['id']}", text, values)


def _site(url: str, post: Mapping[str, Any]) -> str:
    """Returns the address of all languages of a site, of which WPML has each in a folder."""
    site = url.rstrip("/")
    return _LANGUAGE_FOLDER.sub("", site) if post.get("wpml_current_locale") else site


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _image(media: Any) -> dict[str, str] | None:
    for item in _list(media):  # a deleted image leaves an error object here
        if src := _text(item, "source_url"):
            return {"src": src, "alt": _text(item, "alt_text")}
    return None


def _authors(post: Any, embedded: Mapping[str, Any]) -> list[str]:
    """Returns the authors as PublishPress has them, else the one whom WordPress has."""
    names = [_text(item, "display_name") for item in _list(post.get("authors"))]
    names = names or [_text(item, "name") for item in _list(embedded.get("author"))]
    return [name for name in names if name]


def _terms(groups: Any) -> list[str]:
    """Returns categories, tags and terms of a site's own taxonomies."""
    terms = [term for group in _list(groups) for term in _list(group)]
    names = [_text(term, "name") for term in terms if _text(term, "taxonomy") not in _NO_TOPICS]
    return [name for name in names if name]
