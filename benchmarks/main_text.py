"""Is the main text of real pages found, and their title?

``python -m benchmarks.main_text --data DIR``: the saved pages of ``html-pages.tar.gz`` whose
expected text has at least 150 words, read by AlsoLike and by whichever libraries are installed of
trafilatura, readability-lxml, resiliparse, jusText, goose3 and newspaper4k.

A word is a run of letters, digits and underscores, in lower case; recall and precision are those of
a page's words with their number, F1 is theirs, and all three are means over the pages. A title
counts as right if F1 of its words is at least a half: "Kelp | Shore" is right for "Kelp". Letter
case and marks don't count. Pages per second are of one core's processor time, with everything from
bytes to text.
"""

from __future__ import annotations

import argparse
import html
import importlib
import json
import logging
import re
import tarfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.corpora import say, table
from index.sources.encodings import decode, markup_encoding
from index.sources.html_pages import HtmlSource
from index.sources.markup import parse_html, remove, text_of
from index.sources.page_folder import Page
from index.sources.page_language import PagePath

MIN_WORDS = 150

_WORD = re.compile(r"\w+")

Reader = Callable[[bytes], tuple[str, str]]
"""Reads a page: its title and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """A saved page, and what is expected of it."""

    name: str
    content: bytes
    title: str
    words: Counter[str]


def load_pages(path: Path) -> list[SavedPage]:
    """Load the pages of an archive whose expected text is long enough."""
    files: dict[str, dict[str, bytes]] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)):
                folder, _, name = member.name.rpartition("/")
                files.setdefault(folder, {})[name] = file.read()
    pages = []
    for folder, found in sorted(files.items()):
        if "source.html" not in found:
            continue
        expected = parse_html(found["expected.html"].decode())
        remove(expected, ("script", "style"))
        page = SavedPage(
            name=folder.rpartition("/")[2],
            content=found["source.html"],
            title=json.loads(found["expected-metadata.json"])["title"] or "",
            words=words_of(text_of(expected)),
        )
        if page.words.total() >= MIN_WORDS:
            pages.append(page)
    return pages


def words_of(text: str) -> Counter[str]:
    """Count a text's words."""
    return Counter(_WORD.findall(text.lower()))


def is_title(found: str, expected: str) -> bool:
    """Tell whether a title is right."""
    one, other = words_of(found), words_of(expected)
    return 4 * (one & other).total() >= one.total() + other.total()


def alsolike(content: bytes) -> tuple[str, str]:
    """Read a page as the source ``html`` does."""
    page = Page(path=Path("page.html"), content=content, where=PagePath("page"), file="page.html")
    values = HtmlSource(path="").parse_page("page.html", page).values
    sections = values.get("sections") or [{"heading": "", "text": values.get("summary", "")}]
    found = "\n".join(f"{section['heading']}\n{section['text']}" for section in sections)
    return html.unescape(values.get("title", "")), html.unescape(found)


def _trafilatura(content: bytes, **options: bool) -> tuple[str, str]:
    library = importlib.import_module("trafilatura")
    page = decode(content, markup_encoding(content))
    metadata = library.extract_metadata(page)
    return (metadata.title or "") if metadata else "", library.extract(page, **options) or ""


def _readability(content: bytes) -> tuple[str, str]:
    document = importlib.import_module("readability").Document(
        decode(content, markup_encoding(content))
    )
    return document.short_title(), text_of(parse_html(document.summary() or "<p>"))


def _resiliparse(content: bytes) -> tuple[str, str]:
    extract = importlib.import_module("resiliparse.extract.html2text").extract_plain_text
    tree = importlib.import_module("resiliparse.parse.html").HTMLTree.parse(
        decode(content, markup_encoding(content))
    )
    return tree.title or "", extract(tree, main_content=True)


def _justext(content: bytes) -> tuple[str, str]:
    library = importlib.import_module("justext")
    words = library.get_stoplist("English")
    paragraphs = library.justext(decode(content, markup_encoding(content)), words)
    return "", "\n".join(one.text for one in paragraphs if not one.is_boilerplate)


def _goose(content: bytes) -> tuple[str, str]:
    goose = importlib.import_module("goose3").Goose({"enable_image_fetching": False})
    article = goose.extract(raw_html=decode(content, markup_encoding(content)))
    return article.title or "", article.cleaned_text or ""


def _newspaper(content: bytes) -> tuple[str, str]:
    article = importlib.import_module("newspaper").Article("https://example.org/page")
    article.download(input_html=decode(content, markup_encoding(content)))
    article.parse()
    return article.title or "", article.text or ""


READERS: dict[str, tuple[str, Reader]] = {
    "AlsoLike": ("trafilatura", alsolike),
    "trafilatura": ("trafilatura", _trafilatura),
    "trafilatura, no comments": ("trafilatura", partial(_trafilatura, include_comments=False)),
    "trafilatura, recall": ("trafilatura", partial(_trafilatura, favor_recall=True)),
    "trafilatura, precision": ("trafilatura", partial(_trafilatura, favor_precision=True)),
    "trafilatura, fast": ("trafilatura", partial(_trafilatura, fast=True)),
    "readability-lxml": ("readability", _readability),
    "resiliparse": ("resiliparse", _resiliparse),
    "jusText": ("justext", _justext),
    "goose3": ("goose3", _goose),
    "newspaper4k": ("newspaper", _newspaper),
}
"""Each way to read a page, with the module it needs."""


def measure(pages: list[SavedPage], read: Reader) -> dict[str, Any]:
    """Read all pages one way; a page that it fails on counts as empty."""
    rows, titles = [], 0
    start = time.process_time()
    for page in pages:
        try:
            title, text = read(page.content)
        except Exception as error:  # noqa: BLE001 - a library's failure is part of the result
            say(f"{page.name}: {error!r:.200}")
            title = text = ""
        found = words_of(text)
        shared = (found & page.words).total()
        recall = shared / page.words.total()
        precision = shared / max(1, found.total())
        rows.append((recall, precision, 2 * recall * precision / max(1e-9, recall + precision)))
        titles += is_title(title, page.title)
    seconds = time.process_time() - start
    recall, precision, f1 = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    rates = {"titles": titles / len(rows), "pages_per_second": len(rows) / seconds}
    return {"recall": recall, "precision": precision, "f1": f1, **rates}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    pages = load_pages(parser.parse_args().data / "html-pages.tar.gz")
    warnings.simplefilter("ignore")
    logging.disable()
    rows, results = [], {}
    for name, (module, read) in READERS.items():
        try:
            importlib.import_module(module)
        except ImportError:
            say(f"{name}: {module} is not installed")
            continue
        read(pages[0].content)  # what it imports and loads is not the pages' time
        say(name)
        one = results[name] = measure(pages, read)
        shares = [f"{one[key]:.3f}" for key in ("recall", "precision", "f1")]
        rows.append([name, *shares, f"{one['titles']:.0%}", f"{one['pages_per_second']:.0f}"])
    header = [f"{len(pages)} pages", "recall", "precision", "F1", "titles right", "pages/s"]
    print(table(header, rows))
    print(json.dumps({"pages": len(pages), **results}))


if __name__ == "__main__":
    main()
