"""The suffixes of files that are read, by the kind of source that reads them."""

from index.articles.word_table import load_table

_TABLE = load_table(__file__)
SUFFIXES: dict[str, tuple[str, ...]] = {kind: (*some,) for kind, some in _TABLE["kinds"].items()}
"""The suffixes of each kind of source, such as ``"markdown"``, in lower case with their dot."""

BY_SUFFIX = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
"""The kind for each suffix; XML is told apart by its content, and so is JSON."""

UNREAD: tuple[str, ...] = (*_TABLE["unread"],)
"""Formats of pages that site generators read and AlsoLike does not."""

PAGES = (*SUFFIXES["markdown"], *SUFFIXES["html"], *SUFFIXES["plain"], *UNREAD)
"""The suffixes of files of which each is a page, read or not."""
