"""The suffixes of files that are read, by the kind of source that reads them."""

from index.articles.word_table import load_table

SUFFIXES: dict[str, tuple[str, ...]] = {
    kind: (*each,) for kind, each in load_table(__file__).items()
}
"""The suffixes of each kind of source, such as ``"markdown"``, in lower case with their dot."""

BY_SUFFIX = {suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes}
"""The kind for each suffix; XML is told apart by its content, and so is JSON."""
