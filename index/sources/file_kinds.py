"""Tells of which kind a file or folder is: by its suffix, and where that is not enough by content.

What is of no kind gets one line that names it and says what to do.
"""

import os
import zlib
from collections import Counter
from pathlib import Path

from index.articles.file_suffixes import BY_SUFFIX
from index.articles.word_table import load_table
from index.errors import SourceError, raised_as
from index.sources.encodings import codec_of, marked_codec, markup_encoding
from index.sources.feed_xml import xml_kind
from index.sources.json_source import lists_of_objects
from index.sources.regular_file import open_unpacked
from index.sources.site_presets.find_site import find_site
from recommender.errors import SettingError

_TABLE = load_table(__file__)
NOT_CONTENT = frozenset[str](_TABLE["not_content"])
"""Names of folders that site generators keep beside the articles."""

_BESIDE = frozenset[str](_TABLE["beside_pages"])
_FOREIGN = {
    suffix: (one["what"], one["remedy"].format(**_TABLE["remedies"]))
    for one in _TABLE["foreign"]
    for suffix in one["suffixes"]
}
"""What files with other suffixes are, and what to do with them."""

_PAGES = ("html", "markdown", "plain")
_DOCUMENTS = {".json", *(suffix for suffix, kind in BY_SUFFIX.items() if kind not in _PAGES)}
"""Suffixes of files of which each holds many articles."""

_ENDS = {"html": "html", "markdown": "md"}
_HEAD = 64 * 1024


def kind_of_file(path: Path) -> str | None:
    """Returns the kind of source that reads a file (``"csv"``); ``None`` if it can't be told.

    Raises:
        OSError: If the file can't be opened.
        SourceError: If it is gzipped and breaks off.
        SettingError: If no source reads such files; the message says what to do.
    """
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix in _FOREIGN:
        what, remedy = _FOREIGN[suffix]
        raise SettingError(f"{path} is {what}, which can't be read here: {remedy}")
    kind = BY_SUFFIX.get(suffix)
    if kind not in (None, "feed"):
        return kind
    with raised_as(SourceError, f"{path} can't be read to its end: ", EOFError, zlib.error):
        return _kind_by_content(path, kind)


def _kind_by_content(path: Path, kind: str | None) -> str | None:
    with open_unpacked(path) as file:
        head = file.read(_HEAD)
    if kind is None and marked_codec(head) == "utf-16":
        raise SettingError(
            f"{path} is encoded in UTF-16, which can't be read here: save it as UTF-8"
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return _kind_of_json(path, text)
    if kind == "feed" or text[:1] == b"<":
        return _kind_of_xml(path, head)
    return None


def kind_of_folder(folder: Path) -> str | None:
    """Returns the kind of source that reads a folder's pages (``"html"``); ``None`` if it has none.

    Plain text beside other pages is not counted (``robots.txt``, licences), nor is what site
    generators keep beside the articles. Files such as ``README.md`` count as one in each folder,
    and not at all below an ``index.html`` with other pages or beside as many HTML pages.

    Raises:
        OSError: If the folder can't be read.
        SettingError: If it holds pages of two kinds, or only files that no source can read.
    """
    suffixes = _suffixes_in(folder)
    kinds: Counter[str] = Counter()
    for suffix, count in suffixes.items():
        if (kind := BY_SUFFIX.get(suffix, "")) in _PAGES:
            kinds[kind] += count
    beside = suffixes.pop("beside", 0)
    if beside > kinds["html"] and (kinds["html"] < 2 or not (folder / "index.html").is_file()):
        kinds["markdown"] += beside
    if len(kinds) > 1:
        del kinds["plain"]
    if len(kinds) > 1 and find_site(str(folder)).is_at_root:
        return "markdown"  # some HTML beside, such as a page for a search engine's eyes
    if len(kinds) > 1:
        most = kinds.most_common(1)[0][0]
        raise SettingError(
            f"{folder} holds {kinds['markdown']} Markdown and {kinds['html']} HTML pages: say "
            f"which are the articles, by a glob ('{folder}/**/*.{_ENDS[most]}') or by a [[source]] "
            f'table of alsolike.toml: kind = "{most}", path = "{folder}"'
        )
    foreign = [suffix for suffix, _ in suffixes.most_common() if suffix in _FOREIGN]
    if foreign and not kinds:
        what, remedy = _FOREIGN[foreign[0]]
        raise SettingError(
            f"{folder} holds no pages, but {suffixes[foreign[0]]} {foreign[0]} files, {what}, "
            f"which can't be read here: {remedy}"
        )
    if not kinds and (others := [each for each, _ in suffixes.most_common() if each in _DOCUMENTS]):
        raise SettingError(
            f"{folder} holds no pages, but {suffixes[others[0]]} {others[0]} files: name one file"
        )
    return next(iter(kinds), None)


def _suffixes_in(folder: Path) -> Counter[str]:
    def refuse(error: OSError) -> None:
        raise error  # which os.walk would pass over

    found: Counter[str] = Counter()
    for _, folders, names in os.walk(folder, onerror=refuse):
        pages = [name for name in names if name.lower() not in _BESIDE]
        found.update(Path(name).suffix.lower() for name in pages)
        found["beside"] += len(pages) < len(names)
        folders[:] = [
            name for name in folders if name not in NOT_CONTENT and not name.startswith(".")
        ]
    return found


def _kind_of_json(path: Path, head: bytes) -> str:
    if head.startswith(b"["):
        return "json"
    for mark, kind in ((b"jsonfeed.org/version", "feed"), (b'"exported_on"', "ghost")):
        if mark in head[:4096]:
            return kind
    try:
        lists = lists_of_objects(str(path))
    except SourceError:  # several documents, one a line; or one of several lines that breaks off
        line, has_more, _ = head.partition(b"\n")
        return "json" if has_more and line.rstrip()[-1:] != b"}" and b"\n{" not in head else "jsonl"
    if ("data", "posts") in lists and ("data", "users") in lists:
        return "ghost"
    return "json" if lists or b"\n" in head.strip() else "jsonl"


def _kind_of_xml(path: Path, head: bytes) -> str:
    codec = marked_codec(head) or codec_of(markup_encoding(head) or "utf-8")
    kind = xml_kind(head.decode(codec, errors="replace").lstrip("\ufeff \t\r\n"))
    if kind == "<html>":
        return "html"
    if kind.startswith("<"):
        raise SettingError(
            f"{path} is XML whose root element is {kind}: only feeds (rss, RDF, feed), sitemaps "
            "and WordPress exports can be read; turn others into JSON lines or CSV"
        )
    return kind or "feed"
