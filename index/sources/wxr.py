"""Reads WordPress exports (WXR): what Tools, Export in WordPress writes."""

import codecs
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from index.articles.cleaning import literal
from index.articles.foreign_dates import DateReader
from index.articles.json_text import load_json
from index.articles.record import Record, RecordProblem, SourceItem
from index.articles.visibility_words import find_hiding_word, other_instants
from index.articles.word_table import load_table
from index.errors import SourceError, raised_as
from index.sources.encodings import marked_codec, markup_encoding
from index.sources.html_texts import html_record
from index.sources.markup import Element, MarkupError, local_name, stream_xml, text_of
from index.sources.parser_process import parse_apart, parse_record
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, SplitItems, SplitSource

_CONTROLS = bytes(32 if code < 32 and code not in (9, 10, 13) else code for code in range(256))
_MAX_TOLD = 20  # faults of an export's XML that are told
_PAUSE = 100  # elements after which the parser's clock begins anew
_BLOCKS = (
    r"caption|wp_caption|gallery|audio|video|playlist|embed|more|vc_\w+|et_pb_\w+|pmpro_\w+"
    r"|woocommerce_\w+|toc|ez-toc|lwptoc|recent_posts|ninja_forms?|display-posts"
)
_PLAYERS = (
    r"(?:[\w-]+\.){0,2}(?:(?:youtube|vimeo|dailymotion|videopress|ted|twitter|x|facebook|instagram"
    r"|tiktok|reddit|tumblr|soundcloud|spotify|mixcloud|flickr|pinterest|kickstarter|speakerdeck"
    r"|scribd|issuu|imgur|smugmug)\.com|youtu\.be|dai\.ly|flic\.kr|poll\.fm|wordpress\.tv|bsky\.app"
    r"|slideshare\.net)/"
)  # sites whose address alone on a line becomes what they show
_BLOCK = re.compile(
    rf"\[(embed|audio|video|playlist)\b[^\[\]<>]{{0,500}}\][^\[\]<>]{{0,2000}}\[/\1\]"
    rf"|\[/?(?:{_BLOCKS})(?:\s[^\[\]]{{0,2000}})?/?\]"
    rf"|^(?:(?<=embed__wrapper\">\n)https?://|[ \t]*+https?://{_PLAYERS})[^\s<>]++[ \t]*+$",
    re.IGNORECASE | re.MULTILINE,
)
_SHORTCODE = re.compile(
    r"\[[a-z][\w-]{1,60}(?:\s[^\[\]<>]{0,500}=[^\[\]]{0,2000})\]", re.IGNORECASE
)
_BUILDER = re.compile(r"\[(?:vc_row|et_pb_section|fusion_builder_container|av_section)\b")
_CLOSING = re.compile(r"\[/([a-z][\w-]{1,60})\]", re.IGNORECASE)
_BARE = re.compile(r"\[/?([a-z][\w-]{1,60})\]", re.IGNORECASE)
_MARK = re.compile(
    r"<!--\s*(?P<end>/)?wp:(?P<block>(?:[\w/]|-(?!->))++)(?P<said>[^<>]*?)(?P<whole>/)?-->"
    r"|\[(?P<close>/)?(?P<code>[a-z][\w-]{1,60})(?P<parts>(?:\s[^\[\]]{0,2000})?)\]",
    re.IGNORECASE,
)
_IN_ATTRIBUTE = re.compile(
    r'"(\w{1,40})":\{"innerContent":\{"desktop":\{"value":'
    r'("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")'
)  # as Divi 5 keeps the text of a block
_OF_LANGUAGE = re.compile(
    r"(?:[\[{]|<!--):([a-z]{2})?(?:[\]}]|-->)(.*?)(?=(?:[\[{]|<!--):(?:[a-z]{2})?(?:[\]}]|-->)|\Z)",
    re.DOTALL,
)  # as qTranslate and WPGlobus keep all languages of a text
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_TABLE: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE | re.VERBOSE | re.DOTALL)
    for name, pattern in load_table(__file__).items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WxrSource(PathSource, SplitSource):
    """A WordPress export, an XML file, gzipped or not.

    Drafts, scheduled, private and trashed posts, and those behind a password, keep their status, so
    that no reader sees them. Attachments, menus, revisions and all other types are not articles.

    Attributes:
        path: The file.
        types: The post types to read, by their names in the export.
    """

    types: tuple[str, ...] = ("post", "page")

    def split(self) -> SplitItems:
        """Returns the posts in order, and the function that parses the text of one."""
        posts = parse_apart(_read, self.path, self.types)
        return (post for post in posts if post is not None), _parsed


Post = tuple[str, str, dict[str, Any]]
"""Where a post stands, its text as HTML, and its other values."""


def _parsed(post: Post) -> SourceItem:
    location, content, values = post
    return parse_record(location, _record, content, values)


def _read(path: str, types: tuple[str, ...]) -> Iterator[Post | RecordProblem | None]:
    """Yields the posts of some types; ``None`` now and then, so that the parser's clock goes on."""
    site = _Site(path, types)
    shared = ("language", "wxr_version", "author", "item", "comment")
    broken = raised_as(SourceError, f"{path} can't be read to its end: ", MarkupError)
    with file_errors(path, "a WordPress export (.xml)"), broken:
        yield from _each(path, shared, site.learn, [])
        if not site.is_export:
            raise SourceError(
                f"{path} is no WordPress export: it holds no post with a wp:post_type; read a "
                'feed with kind = "feed"'
            )
        mended: list[str] = []
        yield from _each(path, ("item", "comment"), site.post, mended)
        for place in mended[:_MAX_TOLD]:
            message = f"the export is not well-formed XML: {place}; check that place"
            yield RecordProblem(location=path, reason="not-well-formed", message=message)


def _each(
    path: str, names: tuple[str, ...], use: Callable[[Element], Any], mended: list[str]
) -> Iterator[Any]:
    """Yields what is made of each element that is not ``None``, and ``None`` now and then."""
    with open_unpacked(path) as file:
        head = file.peek()
        file.read(len(head) - len(head.removeprefix(b"\xef\xbb\xbf").lstrip()))
        codec = marked_codec(head) or markup_encoding(head)
        is_wide = codec.startswith("utf-16")
        text = codecs.EncodedFile(file, "utf-8", codec) if is_wide else file
        # XML forbids blank lines before it, and control characters.
        cleaned = SimpleNamespace(read=lambda size: text.read(size).translate(_CONTROLS))
        elements = stream_xml(cleaned, names, mended, encoding="utf-8" if is_wide else None)
        for number, element in enumerate(elements, 1):
            found = use(element)
            if found is not None or number % _PAUSE == 0:
                yield found


class _Site:
    """An export, with what it says once for all posts: its language, authors and pictures."""

    def __init__(self, path: str, types: tuple[str, ...]) -> None:
        self._path, self._types = path, types
        self.language = ""
        self.authors: dict[str, str] = {}
        self.pictures: dict[str, dict[str, str]] = {}
        self.is_export = False

    def learn(self, element: Element) -> None:
        name, fields = local_name(element), _fields(element)
        if name == "language":
            self.language = self.language or text_of(element).strip()
        elif name == "author" and (login := fields["author_login"]):
            self.authors[login] = fields["author_display_name"] or login
        elif name == "wxr_version" or fields["post_type"]:
            self.is_export = True
        if fields["post_type"] == "attachment" and (address := fields["attachment_url"]):
            words = _meta(element)["_wp_attachment_image_alt"]
            self.pictures[fields["post_id"]] = {"src": address, "alt": literal(words)}

    def post(self, item: Element) -> Post | None:
        """Returns a post; ``None`` if it is of no wanted type."""
        fields, meta = _fields(item), _meta(item)
        if local_name(item) != "item" or fields["post_type"] not in self._types:
            return None
        named = [child for child in item if local_name(child) == "category"]
        terms = {child.get("domain"): child.get("nicename", "") for child in named}
        logins = (
            text_of(child).strip()
            for child in named
            if child.get("domain") == "author" and child.get("nicename", "").startswith("cap-")
        )  # by the plugin Co-Authors Plus
        creators = [one for one in logins if one in self.authors] or [
            text_of(child).strip() for child in item if local_name(child) == "creator"
        ]
        gmt, local, published = (
            "" if fields[name].startswith("0000-00-00") or "-0001" in fields[name] else fields[name]
            for name in ("post_date_gmt", "post_date", "pubDate")
        )
        # So WooCommerce keeps a product from the shop's lists.
        is_off_shelf = any(child.get("nicename") == "exclude-from-catalog" for child in named)
        status = fields["status"]
        embargo = _instant(meta, "visible_from", "embargo")
        values = {
            "title": fields["title"],
            "id": fields["post_id"],
            "slug": fields["post_name"],
            "url": fields["link"],
            "aliases": [fields["guid"]],
            "excerpt": fields["excerpt"],
            "date": local or gmt or published,
            "updated": (at := fields["post_modified_gmt"]) and f"{at}Z",
            "language": terms.get("language") or self.language,
            "translation_key": terms.get("post_translations"),
            "tags": [
                text_of(child).strip()
                for child in named
                if child.get("domain") in ("category", "post_tag", "tag")
            ],
            "authors": [literal(self.authors.get(name, name)) for name in creators if name],
            "image": self.pictures.get(meta["_thumbnail_id"]),
            "status": "private" if fields["post_password"] else status or "unknown",
            "visible_from": (gmt and f"{gmt}Z") or published if status == "future" else embargo,
            "visible_until": meta["_expiration-date"] or _instant(meta, "visible_until"),
            "robots": "noindex" if _is_hidden(meta) or is_off_shelf else "",
        }
        location = f"{self._path} post {fields['post_id'] or '?'} (line {item.sourceline})"
        return location, fields["encoded"], values


def _fields(element: Element) -> defaultdict[str, str]:
    """Returns the texts below an element by their names; the first of several of one name."""
    found = defaultdict[str, str](str)
    for child in element.iterchildren("*"):  # no undefined entities
        name = "excerpt" if "/excerpt/" in str(child.tag) else local_name(child)
        found[name] = found[name] or text_of(child).strip()
    return found


def _meta(item: Element) -> defaultdict[str, str]:
    entries = [_fields(child) for child in item if local_name(child) == "postmeta"]
    return defaultdict(str, {entry["meta_key"]: entry["meta_value"] for entry in entries})


def _instant(meta: Mapping[str, str], name: str, part: str = "") -> str | None:
    """Returns what surely says from when or until when a post is shown: others write much else."""
    said = (value for key, value in other_instants(meta, name) if part in key.lower())
    return next(filter(DateReader().find_instant, said), None)


def _is_hidden(meta: Mapping[str, str]) -> bool:
    """Tells whether a plugin or the site's own fields say that a post is not for every reader."""
    word = find_hiding_word({key: value for key, value in meta.items() if value}, None)
    return bool(word and not word.unknown) or any(
        (
            _TABLE["hiding"].fullmatch(key)
            and not _TABLE["hides_nothing"].fullmatch(value)
            and not _TABLE["unset"].fullmatch(value[:2000])
        )
        or (("robots" in key or "seo" in key) and _TABLE["noindex"].search(value))
        for key, value in meta.items()
    )


def _record(location: str, content: str, values: Mapping[str, Any]) -> Record:
    language = values["language"][:2].lower()
    title, excerpt, content = (
        _in_language(text, language) for text in (values["title"], values["excerpt"], content)
    )
    values = {**values, "title": title, "excerpt": excerpt}
    content = _BLANK_LINES.sub("<br>", _without_shortcodes(content))
    return html_record(location, content, values)


def _in_language(text: str, language: str) -> str:
    """Returns what a text that several languages share says in one; if nothing, in its first."""
    given = [name for name, _ in _OF_LANGUAGE.findall(text)]
    if not all(given[:1]) or "" not in given:  # it has no marks, or no end of them
        return text
    before = _OF_LANGUAGE.split(text, maxsplit=1)[0].rstrip(" ")
    if before[-1:] not in ("", "\n") and len([*filter(None, given)]) < 2:  # it is about code
        return text
    own = ("", language if language in given else given[0])
    return _OF_LANGUAGE.sub(lambda part: part[2] if (part[1] or "") in own else "", text)


def _shown(told: re.Match[str]) -> str:
    """Returns the text that an attribute of a block holds, outside of the block's comment."""
    name = "h2" if told[1] == "title" else "div"
    return f"--><{name}>{load_json(told[2])}</{name}><!--"


def without_builder(content: str) -> str:
    """Returns a rendered text without shortcodes, if those of a page builder stayed in it.

    Most builders render theirs on pages only, and not in feeds and the REST API.
    """
    return _without_shortcodes(content) if _BUILDER.search(content) else content


def _without_shortcodes(content: str) -> str:
    content = _IN_ATTRIBUTE.sub(_shown, _for_all_readers(content))
    content = _SHORTCODE.sub(" ", _BLOCK.sub("<br>", content))
    closed = set(_CLOSING.findall(content))
    return _BARE.sub(lambda found: " " if found[1] in closed else found[0], content)


def _for_all_readers(content: str) -> str:
    """Returns a post without the blocks and shortcodes that are for no reader or for some only."""
    closed = {name.lower() for name in _CLOSING.findall(content)}
    kept, start, hidden, depth = [], 0, "", 0
    for mark in _MARK.finditer(content):
        name, ends = (mark["block"] or mark["code"]).lower(), mark["end"] or mark["close"]
        if not depth and not ends and _is_apart(mark) and (mark["block"] or name in closed):
            kept.append(content[start : mark.start()])
            hidden = name
        elif name != hidden:
            continue
        if mark["block"] and _TABLE["paywall"].fullmatch(name):
            return "".join(kept)
        if not mark["whole"]:
            depth += -1 if ends else 1
        if depth <= 0:
            start, hidden, depth = mark.end(), "", 0
    return "".join([*kept, "" if depth else content[start:]])


def _is_apart(mark: re.Match[str]) -> bool:
    """Tells whether a block or shortcode is for no reader, or for some readers only."""
    if mark["code"]:
        told = _TABLE["apart_code"].fullmatch(mark["code"])
        return bool(told or _TABLE["apart_said"].search(mark["parts"]))
    name = mark["block"]
    told = _TABLE["apart_block"].fullmatch(name) or _TABLE["paywall"].fullmatch(name)
    return bool(told or _TABLE["apart_said"].search(mark["said"]))
