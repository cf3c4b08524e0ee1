"""Parses RSS and Atom feeds of all versions; the only module that imports feedparser.

feedparser never fetches here, and never sees entities: it gets decoded text without a document
type. Its cleaning of markup is off, which doubles its speed: all texts are taken out of the markup
afterwards.
"""

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.sax import SAXParseException

from index.articles.cleaning import decoded_markup, literal, plain_text, unescape
from index.articles.page_words import words_of
from index.articles.record import Record, RecordProblem, SourceItem
from index.articles.text_lists import split_authors
from index.articles.urls import join_url, split_url, without_origin
from index.errors import RecordError, SourceError
from index.sources.encodings import decode, markup_encoding, windows_1252
from index.sources.html_texts import html_record
from index.sources.markup import MarkupError
from index.sources.source import read_record
from index.sources.wxr import without_builder

_PROLOG = re.compile(
    r"(?:[\s\ufeff]+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>)*+", re.DOTALL
)
_ROOT = re.compile(r"<([^\s<>/:]+:)?([^\s<>/:]+)")
_STARTS = re.compile(
    r"\n|<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<(?:[\w.-]+:)?(item|entry)(?=[\s/>])",
    re.DOTALL,
)
_END = re.compile(r"</\s*(?:[\w.-]+:)?(?:rss|rdf|feed)\s*>", re.IGNORECASE)
_BEHIND_END = re.compile(r"\]\]>|</?(?:[\w.-]+:)?(?:item|entry|channel)\b")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EXPORT = re.compile(r"<[^<>]*https?://wordpress\.org/export/")
_PICTURE = re.compile(r"""(</?media:)(?:title|description)\b(?:[^<>"'/]|"[^"<]*"|'[^'<]*')*+""")
"""The words of a picture, which feedparser would take for those of its item.

Of an element that it does not know, it keeps either the attributes or the text.
"""

_BLOCKS = ("itunes_block", "googleplay_block", "podcast_block")
_DATES = ("published", "updated", "created", "prism_publicationdate", "prism_coverdate")
_BEGINNINGS = ("prism_embargodate", "validity_start", "dcterms_available")
_ENDS = ("expired", "prism_expirationdate", "validity_end")
"""Feedparser's names for when items begin and end, such as expirationDate and dcterms:valid."""

_PERIOD_END = re.compile(r";\s*end=([^;]+)")  # feedparser finds it only without a space before it
_CUT_DOMAIN = re.compile(r".*\.[a-z]{4}", re.IGNORECASE)
_OF_DOMAIN = re.compile(r"^[a-z-]+(?:\s*\(|$)|(?<!\s)\s*+<[a-z-]+>?$")
"""What feedparser leaves of a domain at a name if the domain ends in more than four letters."""

_HANDLE = re.compile(r"^@\S+ (?=\S)")  # Discourse's "@ann Ann Lee"
_LEAST_WIDTH = 150  # pixels; a narrower picture is taken if there is no other
_PICTURE_NAME = re.compile(r"\.(?:avif|gif|jpe?g|png|webp)\Z", re.IGNORECASE)
_AVATAR = re.compile(r"\bgravatar\.com/avatar\b")

_PROTECTED = re.compile(rf"post-password-form|\A\s*(?:<p>)?(?:{words_of('no_excerpt')})")
_TAG = re.compile(r"<[^<>]*>")
_PARTED = re.compile(r"</|<br\b", re.IGNORECASE)
_BARE = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))|&(?!#?\w{1,32};)", re.DOTALL)

_ELSEWHERE = {
    "": "it is empty, or does not begin with an element",
    "wxr": 'it is a WordPress export, which holds drafts too; read it with kind = "wxr"',
    "sitemap": 'it is a sitemap; read the pages that it names with kind = "sitemap"',
    "<html>": "the root element is <html>: name the address of the feed itself",
}


def read_xml_feed(
    content: bytes, name: str, url: str = "", charset: str = ""
) -> Iterator[SourceItem | str]:
    """Parses a page of an RSS or Atom feed.

    A feed that is not well-formed is read as feed readers read it, and reported.

    Args:
        content: The page as it was received.
        name: The feed's name, for the records' locations.
        url: The address it came from, to resolve its relative links; empty for a file.
        charset: The encoding that the server named; empty if none.

    Yields:
        First the address of the feed's next page (RFC 5005), as text, empty if there is none; then
        the records, and a problem for each item that can't be read.

    Raises:
        MarkupError: If the content is not a feed, defines entities or can't be decoded.
        SourceError: After the records, if the feed ends before its closing tag.
    """
    text, undecoded = _checked(content, charset)
    lines = _item_lines(text)
    end = max((found.end() for found in _END.finditer(text)), default=0)
    has_end = end and not _BEHIND_END.search(text, end)  # what caches and scripts add may follow
    feed = _parse(text)
    error = feed.get("bozo_exception")
    if isinstance(error, SAXParseException):  # a bare & would become an entity without a name
        feed = _parse(_BARE.sub(lambda found: found[1] or "&amp;", text))
    del text  # it may take a third of the memory that the parser process has
    links = {link.get("rel"): link.get("href") for link in feed.feed.get("links", ())}
    yield links.get("next") or ""
    base = join_url(url, feed.feed.get("link", ""))
    known = len(lines) == len(feed.entries)
    for number, entry in enumerate(feed.entries, 1):
        line = f" (line {lines[number - 1]})" if known else ""
        yield read_record(f"{name} item {number}{line}", _record, entry, feed, base)
    if not has_end or len(feed.entries) < len(lines):
        where = f"item {len(lines)} (line {lines[-1]})" if lines else "the beginning"
        raise SourceError(
            f"{name} can't be read to its end: it breaks off in {where}; fetch it again, or repair "
            "it there"
        )
    if undecoded:
        yield RecordProblem(location=name, reason="invalid-encoding", message=undecoded)
    if isinstance(error, SAXParseException):
        # feedparser puts a declaration before the text
        line = f"line {max(1, (error.getLineNumber() or 1) - 1)}"
        place = f"{line}, column {(error.getColumnNumber() or 0) + 1}"
        message = f"it is not well-formed XML: {error.getMessage()} at {place}; check that place"
        yield RecordProblem(location=f"{name} {line}", reason="not-well-formed", message=message)


def xml_kind(text: str) -> str:
    """Tells which kind of source an XML document is; its beginning is enough.

    Returns:
        ``"feed"``, ``"wxr"`` (a WordPress export) or ``"sitemap"``; for any other document, the
        name of its root element in angle brackets, or "" if it has none.
    """
    root = _ROOT.match(text, _prolog_end(text))
    if root is None:
        return ""
    if root[2] in ("urlset", "sitemapindex"):
        return "sitemap"
    if root[2] not in ("rss", "RDF", "feed"):
        return f"<{root[2]}>"
    return "wxr" if _EXPORT.search(text) else "feed"


def _checked(content: bytes, charset: str) -> tuple[str, str]:
    """Returns a feed's text from its root on, and what is wrong with its encoding."""
    undecoded = ""
    try:
        text = decode(content, charset, markup_encoding(content))
    except ValueError as error:
        undecoded = str(error)
        text = windows_1252(content.decode(errors="surrogateescape"))
    text = _CONTROL.sub(" ", text).lstrip("\ufeff")
    prolog = text[: _prolog_end(text)]
    if "<!ENTITY" in prolog.upper():
        raise MarkupError("the document defines its own entities; remove its <!ENTITY> lines")
    kind = xml_kind(text)
    if kind != "feed":
        raise MarkupError(_ELSEWHERE.get(kind, f"the root element is {kind}, not rss, RDF or feed"))
    # Without prolog, which named the encoding of the bytes; its lines still count.
    return "\n" * prolog.count("\n") + text[len(prolog) :], undecoded


def _prolog_end(text: str) -> int:
    found = _PROLOG.match(text)
    return found.end() if found else 0


def _parse(text: str) -> Any:
    import feedparser  # in the parser process alone
    from feedparser.mixin import _FeedParserMixin

    _FeedParserMixin.can_be_relative_uri.discard("id")  # an id stays as it stands
    return feedparser.parse(
        io.BytesIO(_PICTURE.sub(r"\1words", text).encode(errors="replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _item_lines(text: str) -> list[int]:
    """Returns the lines in which items begin."""
    lines, line = [], 1
    for found in _STARTS.finditer(text):
        if found[1]:
            lines.append(line)
        line += found[0].count("\n")
    return lines


def _record(location: str, entry: Any, feed: Any, base: str) -> Record:
    tags = entry.get("tags", ())
    kinds = [str(tag.get("term")).rpartition("#")[2] for tag in tags if _is_kind(tag)]
    kind = str(next(iter(kinds), entry.get("blogger_type") or "post"))
    if kind.lower() not in ("post", "page"):
        what = f"the entry is no article, but of the kind {kind!r:.40} in a Blogger export"
        raise RecordError("not-an-article", what)
    given = entry.get("feedburner_origlink") or entry.get("link") or ""
    if feed.version == "rss10":  # an item's id is its address there
        given = given or entry.get("id") or ""
    # a guid claims to be a link
    is_guid = given == entry.get("id") and not given.startswith(("http", "/"))
    url = entry.get("blogger_filename") if is_guid or not given else join_url(base, given)
    identifier = entry.get("id") or url
    url = without_origin(url or "")
    status = str(entry.get("blogger_status") or "").lower()
    date = next(filter(None, map(entry.get, _DATES)), None)
    summary = _text(entry.get("summary_detail"))
    texts = [_text(part) for part in entry.get("content", ()) if not part.get("src")]
    words = literal(entry.get("media_words", ""))
    content = max((*texts, summary), key=_worth) or words  # of a video
    excerpt = max(texts, key=_worth, default="") if content is summary else summary
    details = [*entry.get("content", ()), entry.get("summary_detail"), entry.get("title_detail")]
    said = [entry.get("language"), *(part.get("language") for part in details if part)]
    is_atom = feed.version[:4] == "atom"
    image, thumbnail = _images(entry, base, "" if content == words else words)
    values = {
        "title": _markup(entry.get("title_detail")),
        "id": identifier,
        "url": url,
        "aliases": [identifier, entry.get("link")],
        "excerpt": "" if excerpt.strip() == content.strip() else excerpt,
        "date": date,
        "status": status,
        "draft": next((entry[key] for key in entry if key.endswith("draft")), None),  # app:draft
        "hidden": any(_is_blocked(entry.get(name)) for name in _BLOCKS)
        or _PROTECTED.search(content) is not None,
        "visible_from": date
        if status == "scheduled"
        else next(filter(None, map(entry.get, _BEGINNINGS)), None),
        "visible_until": next(filter(None, map(entry.get, _ENDS)), None)
        or next(iter(_PERIOD_END.findall(entry.get("validity", ""))), None),
        "language": next(filter(None, said), feed.feed.get("language")),
        "tags": [
            literal(unescape(tag.get("label") or tag.get("term") or ""))  # often escaped twice
            for tag in tags
            if not _is_kind(tag)
        ],
        "authors": _names(entry, is_atom) or (_names(feed.feed, is_atom) if is_atom else []),
        "image": image,
    }
    text = without_builder(content)
    return html_record(location, text, values, finds_image=True, thumbnail=thumbnail)


def _is_blocked(said: Any) -> bool:
    """Tells whether a mark for podcasts hides its item: anything that is not surely a no does."""
    return str(said or "no").strip().casefold() not in ("no", "false")


def _is_kind(tag: Any) -> bool:
    """Tells whether a category says what an entry of a Blogger export is: post, comment, …."""
    return bool(tag.get("scheme") == "http://schemas.google.com/g/2005#kind")


def _markup(part: Any) -> str:
    """Returns a text of a feed as markup, whichever type it declares."""
    if not part or not part.get("value"):
        return ""
    kind = part.get("type") or "text/plain"
    if kind == "text/plain":
        return literal(part["value"]).replace(">", "&gt;")
    return str(part["value"]) if "html" in kind or kind.endswith("xml") else ""


def _text(part: Any) -> str:
    """Returns a text of a feed as markup, also if its markup is escaped once too often."""
    return str(decoded_markup(_markup(part)))


def _worth(markup: str) -> int:
    """Returns how many characters a text shows, a quarter more if it is parted by elements."""
    words = unescape(_TAG.sub("", markup)).split()
    return sum(map(len, words)) * (5 if _PARTED.search(markup) else 4)


def _names(owner: Any, is_atom: bool) -> list[str]:
    names: list[str] = []
    for person in owner.get("authors", ()):
        name = person.get("name") or ""
        is_cut = not is_atom and _CUT_DOMAIN.fullmatch(person.get("email") or "")
        name = _OF_DOMAIN.sub("", name) if is_cut else _HANDLE.sub("", name)
        names += split_authors(plain_text(name))  # Drupal writes a name as markup
    return [literal(name) for name in names if name]


def _images(entry: Any, base: str, words: str) -> tuple[dict[str, str] | None, ...]:
    """Returns an item's picture, of Media RSS, an enclosure or iTunes; and its small one.

    Of several pictures of Media RSS it is the widest, with words only if they must be its own.
    """
    media = [*entry.get("media_content", ()), *entry.get("enclosures", ())]
    pictures = [each for each in media if _is_picture(each)]
    others = [*entry.get("media_thumbnail", ()), entry.get("image") or {}]
    found = [each for each in (*sorted(pictures, key=_width, reverse=True), *others) if _src(each)]
    large = next((each for each in found if _width(each) >= _LEAST_WIDTH), None)
    return tuple(
        {"src": join_url(base, _src(each)), "alt": "" if each in pictures[:-1] else words}
        if each
        else None
        for each in (large, next(iter(found), None))
    )


def _src(media: Any) -> str:
    return media.get("url") or media.get("href") or ""


def _is_picture(media: Any) -> bool:
    """Tells whether a medium is a picture, by its type or its address, and not the author's."""
    kind = media.get("type") or media.get("medium") or ""
    is_one = kind[:5] == "image" if kind else _PICTURE_NAME.search(split_url(_src(media)).path)
    return bool(is_one) and not _AVATAR.search(_src(media))


def _width(media: Any) -> int:
    """Returns the width in pixels; one that is not stated may be any."""
    width = str(media.get("width") or "")[:6]
    return int(width) if width.isdecimal() else _LEAST_WIDTH
