"""Reads a JSON document that holds its articles in one list."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from index.articles.parse import FIELDS
from index.articles.record import SourceItem
from index.errors import SourceError
from index.sources.json_stream import ELEMENT, Element, ElementStream, Path
from index.sources.jsonl_source import json_object
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, SplitItems, SplitSource, read_record

_DEPTH = 4
"""How deep a list is found by itself, as in ``{"data": {"blog": {"posts": {"edges": [...]}}}}``."""
_PHPMYADMIN = b'"comment":"Export to JSON plugin for'
"""At the start of its exports, in whose list each table is an object."""
_ARTICLES = set("articles posts entries items data results stories docs nodes pages hits".split())
_ALSO = set("topics issues works papers publications studies collection".split())
"""Names of lists that hold the articles; the latter only if none of the former is there."""
_BESIDE = set(
    "included includes assets locales contentTypes authors users tags categories comments "
    "primary_groups flair_groups".split()
)
_BESIDE_NAMED = set("labels policies groups attachments".split())
"""What stands beside the articles in exports and answers.

The latter only if the articles' list has a known name, or is no shorter.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSource(PathSource, SplitSource):
    """A JSON file, gzipped or not: a list of objects, or an object that holds one such list.

    Attributes:
        path: The file.
        items: The name of the list, if the file holds several (``"articles"``, ``"data.posts"``).
    """

    items: str = ""

    def split(self) -> SplitItems:
        """Returns the list's elements, and the function that parses one of them."""
        return self._elements(), partial(_record, self.path)

    def _elements(self) -> Iterator[Element]:
        with file_errors(self.path, "a .json file"):
            wanted = tuple(self.items.split(".")) if self.items else self._found()
            count = 0
            with open_unpacked(self.path) as file:
                for element in ElementStream(file, self.path, lambda path: path == wanted):
                    count += 1
                    yield element
        if self.items and not count:
            raise SourceError(
                f"{self.path} holds no list {self.items!r}, or an empty one: let the option items "
                "name the list that holds the articles"
            )

    def _found(self) -> Path:
        with open_unpacked(self.path) as file:
            if _PHPMYADMIN in file.read(300):
                return (ELEMENT, "data")
        lists = lists_of_objects(self.path)
        lists = {path: lists[path] for path in lists if _BESIDE.isdisjoint(path)} or lists
        least = max(1, min(map(len, lists), default=0))
        shallow = [path for path in lists if len(path) <= least]
        sure = [path for path in shallow if _BESIDE_NAMED.isdisjoint(path)] or shallow
        named = [path for path in sure if _ARTICLES & {*path[-1:]}]
        named = named or [path for path in sure if _ALSO & {*path[-1:]}]
        rivals = sure if named else shallow
        named = named or sure
        if len(named) == 1 and all(lists[path] <= lists[named[0]] for path in rivals):
            return named[0]
        if not shallow:
            raise SourceError(
                f"{self.path} holds no list of articles; write a list of objects, or JSON lines "
                "with one object a line"
            )
        said = ", ".join(f"{'.'.join(path)} ({lists[path]})" for path in sorted(shallow))
        most = max(sure if len(named) == 1 else named, key=lambda path: lists[path])
        raise SourceError(
            f"{self.path} holds several lists: {said}; name the one with the articles: "
            f'items = "{".".join(most)}"'
        )


def lists_of_objects(path: str) -> dict[Path, int]:
    """Finds the lists of objects in a JSON file, and returns how many objects each has.

    The keys are the names that lead to a list (``("data", "posts")``), or ``()`` if the document is
    itself a list, whatever its elements are. Lists with the name of an article field, such as
    ``sections``, are left out.

    Raises:
        SourceError: If the document breaks off, is no JSON, or is several documents (JSON lines).
    """
    found: Counter[Path] = Counter()
    with open_unpacked(path) as file:
        for element in ElementStream(file, path, _may_be_articles):
            found[element.path] += not element.path or element.content.startswith(b"{")
    return {
        path: count
        for path, count in found.items()
        if not path or (count and path[-1] not in FIELDS)
    }


def _may_be_articles(path: Path) -> bool:
    return len(path) <= _DEPTH and ELEMENT not in path


def _record(name: str, element: Element) -> SourceItem:
    location = f"{name} item {element.number} (line {element.line})"
    return read_record(location, json_object, element.content)
