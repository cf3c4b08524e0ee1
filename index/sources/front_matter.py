"""Splits a page into its front matter (YAML, TOML or JSON) and its body.

Front matter that can't be read is an error: it may say that the page is a draft.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import yaml

from index.articles.cleaning import plain_value
from index.articles.json_text import table_of
from index.articles.record import plain_name
from index.articles.visibility_words import find_hiding_word, is_visibility_name
from index.articles.word_table import load_table
from index.errors import RecordError, raised_as

MAX_FRONT = 64 * 1024
"""Longest front matter in characters."""

_MAX_DEPTH = 20
_MAX_BITS = 128
_MAX_VALUES = 10_000
_TOO_MANY = f"the front matter has more than {_MAX_VALUES} values"

_FENCE = re.compile(r"\s*^(?P<fence>---|\+\+\+|;;;)(?P<format>\w*)[^\S\n]*\n", re.MULTILINE)
_JSON = re.compile(r"\s*(?=\{\s*[\"}])")
_FENCES = {"---": ("yaml", r"---|\.\.\."), "+++": ("toml", r"\+\+\+"), ";;;": ("json", ";;;")}
_TABLE = load_table(__file__)
_UNREAD = re.compile(
    "|".join(_TABLE["unread"]).replace("LINE", _TABLE["line"]),
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
"""What looks like front matter, but is not written so that a generator reads it as such."""

_UNOPENED = re.compile(_TABLE["unopened"].replace("LINE", _TABLE["line"]), re.I | re.M | re.X)
_HEADER = re.compile(_TABLE["header"], re.VERBOSE)
"""Lines of ``name: value`` and an empty one, as in Pelican; in a comment, as in Nikola."""

_LOGSEQ = re.compile(r"(?:[\w-]+::(?:[ \t][^\n]*)?(?:\n|\Z))+")
_PROPERTY = r"[ \t]*[^\s:]+::(?:[ \t][^\n]*)?(?:\n|\Z)"
_PUBLIC = re.compile(rf"\s*+(?:- )?(?=(?:{_PROPERTY})*?[ \t]*public::)((?:{_PROPERTY})+)")
"""Properties of Logseq, one of which is for its pages; also in the first block of its list."""

_NOTION = re.compile(r"\A# ([^\n]+)\n\n(?=(?:\w[\w -]{0,40}:[^\n]*\n)+(?:\n|\Z))")
_ASIDE = re.compile(r"^</?aside>$", re.MULTILINE)

_EXPORT = re.compile(_TABLE["export"], re.MULTILINE)
_LITERAL = r"""(?:(["'`])(.*?)\2|(true|false|\d[\w:.-]*))"""
_PAIR = re.compile(rf"""\b(\w+)["']?\s*:\s*{_LITERAL}""")
_CONSTANT = re.compile(rf"\b(\w+)\s*(?::\s*\w+\s*)?=\s*{_LITERAL}")

_AS_WRITTEN = {"id", "title", "linktitle", "slug", "description", "excerpt", "summary", "author"}
_NOT_TEXT = re.compile(r".*:(int|float|bool|timestamp)")
_error = partial(RecordError, "front-matter")

# A value that does not fit the type that a tag names (!!int x) makes PyYAML raise what it likes.
_YAML_ERRORS = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, except that impossible dates stay texts.

    Titles and the like are texts, also where YAML would read numbers, dates or truth. A name that
    comes again later is kept with spaces behind it, so that it hides what it hides.
    """

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        seen: Counter[str] = Counter()
        for key, value in reversed(node.value):
            if isinstance(key, yaml.ScalarNode):
                if key.value.lower() in _AS_WRITTEN and _NOT_TEXT.fullmatch(value.tag):
                    value.tag = "tag:yaml.org,2002:str"
                key.value += " " * seen[key.value]
                seen[key.value.rstrip(" ")] += 1
        super().flatten_mapping(node)


def _date_or_text(loader: Any, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except (ValueError, OverflowError, AttributeError):
        return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date_or_text)


def split_front_matter(text: str, *, opened: bool = True) -> tuple[dict[str, Any], str]:
    """Splits a page's text: returns its front matter, by names as written, and its body.

    The front matter stands at the beginning: between lines of ``---`` (YAML, or the format named
    after the dashes), ``+++`` (TOML) or ``;;;`` (JSON), or as a bare JSON object.

    Args:
        text: The text.
        opened: Whether the site's generator needs the first line of ``---``.

    Raises:
        RecordError: If the front matter can't be read.
    """
    text = text.lstrip("\ufeff\u200b\u2060").replace("\r\n", "\n").replace("\r", "\n")
    if bare := _JSON.match(text):
        return _bare_json(text, bare.end())
    opening = _FENCE.match(text)
    if opening is None:
        header = _HEADER.match(text)
        lines = header["lines"] if header else ""
        if header and (_is_header(front := _header_values(lines)) or _LOGSEQ.fullmatch(lines)):
            return front, text[header.end() :]
        found = _UNOPENED.match(text)
        if found and not opened:
            return parse_table("yaml", found["front"]), text[found.end() :]
        if found or _UNREAD.match(text):
            raise _error(
                "the page begins like front matter, but without a line of --- before it: add that "
                "line, since the front matter may say that the page is a draft"
            )
        if properties := _PUBLIC.match(text):
            lines = re.sub(r"\n[ \t]+", "\n", properties[1])
            return _header_values(lines), text[properties.end() :]
        return {}, text
    usual, closing = _FENCES[opening["fence"]]
    end = re.compile(rf"^(?:{closing})[^\S\n]*(?:\n|\Z)", re.MULTILINE).search(text, opening.end())
    if end is None:
        raise _error(f"the front matter has no closing {opening['fence']}: end it with such a line")
    name = opening["format"].lower() or usual
    if name not in _READERS:
        raise _error(f"front matter in {name} can't be read: write it as YAML, TOML or JSON")
    # Empty lines stand for those before, so that messages name the file's lines.
    above = "\n" * text.count("\n", 0, opening.end())
    return parse_table(name, above + text[opening.end() : end.start()]), text[end.end() :]


def _is_header(front: Mapping[str, Any]) -> bool:
    """Tells whether lines of ``name: value`` are metadata, and not the beginning of a text."""
    names, status = {plain_name(name) for name in front}, front.get("status")
    is_known = all(name in _TABLE["header_names"] or is_visibility_name(name) for name in names)
    hiding = find_hiding_word(front, status)
    is_meant = names & {"date", "author", "authors"} and not (hiding and hiding.unknown)
    return "title" in front or bool(is_known and is_meant)


def _header_values(lines: str) -> dict[str, Any]:
    """Returns the values of lines of ``name: value``."""
    pairs = [line.removeprefix(".. ").partition(":") for line in re.split(r"\n(?=\S)", lines)]
    named = [(name.strip().lower(), " ".join(value.split())) for name, _, value in pairs]
    return table_of([(name, re.sub(r"\A[: ]+|\[\[|\]\]", "", value)) for name, value in named])


def notion_page(text: str) -> str:
    """Returns a page as Notion exports it with its properties as front matter, and its callouts."""
    return _NOTION.sub(r"Title: \1\n", _ASIDE.sub("", text))


def exported_values(text: str) -> dict[str, Any]:
    """Returns the literal values that an MDX page exports, also in objects, by their names.

    They are also returned under ``metadata``, where ``index: false`` keeps search engines away.
    """
    code = "\n".join(_EXPORT.findall(text))
    values = {**_literals(_CONSTANT.findall(code)), **stated_values(code)}
    return {**values, "metadata": values} if values else {}


def stated_values(code: str) -> dict[str, Any]:
    """Returns as text the literals (texts, numbers, true, false) that code gives to names."""
    return _literals(_PAIR.findall(code))


def _literals(found: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    return table_of([(name, text + other) for name, _, text, other in found])


def parse_table(form: str, text: str) -> dict[str, Any]:
    """Parses a table of names and values, such as a page's front matter.

    Args:
        form: The format: ``yaml``, ``yml``, ``toml`` or ``json``.
        text: The table in this format.

    Raises:
        RecordError: If the text can't be read.
    """
    if len(text) > MAX_FRONT:
        raise _error(f"the front matter is longer than {MAX_FRONT} characters; shorten it")
    name, read = _READERS[form]
    with raised_as(_error, f"the front matter is not {name}: ", ValueError, RecursionError):
        front = read(text) if text.strip() else {}
    if front is None:
        return {}
    if not isinstance(front, Mapping):
        raise _error(f"the front matter must be names with values, not {front!r:.40}")
    if _count(front) > _MAX_VALUES:
        raise _error(_TOO_MANY)
    return {str(name): plain_value(value) for name, value in front.items()}


def _count(value: Any, name: str = "a name", depth: int = 0) -> int:
    """Returns how many values a value holds; refuses deep nesting and endless numbers."""
    if depth > _MAX_DEPTH:
        raise _error(f"in the front matter, {name} is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise _error(f"in the front matter, {name} holds an integer of over {_MAX_BITS} bits")
    nested = isinstance(value, list | tuple | set | Mapping)
    parts = [(name, part) for part in value] if nested else []
    if isinstance(value, Mapping):
        pairs = value.items()
        parts += [(key if isinstance(key, str) and not depth else name, of) for key, of in pairs]
    return 1 + sum(_count(part, within, depth + 1) for within, part in parts)


def _bare_json(text: str, start: int) -> tuple[dict[str, Any], str]:
    with raised_as(_error, "the front matter is not JSON: ", ValueError, RecursionError):
        _, end = json.JSONDecoder().raw_decode(text[: start + MAX_FRONT], start)
    return parse_table("json", text[start:end]), text[end:]


def _yaml(text: str) -> Any:
    try:
        _check_yaml(text)
        return _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise _error(
            f"{where}the front matter is not YAML: {error.problem or error.context} "
            "(values with a colon, a tab, @ or other marks need quotation marks)"
        ) from error
    except _YAML_ERRORS as error:
        line = " ".join(str(error).split())
        raise _error(f"the front matter is not YAML: {line:.200}") from error


def _check_yaml(text: str) -> None:
    """Refuses deep nesting, and too many values with aliases written out, before they are read."""
    sizes: dict[str, int] = {}
    within: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=_Loader):
        anchor, size = getattr(event, "anchor", None), 1
        if isinstance(event, yaml.CollectionStartEvent):
            within.append((anchor, 1))
            if len(within) > _MAX_DEPTH + 1:
                raise _error(f"the front matter is nested more than {_MAX_DEPTH} levels deep")
            continue
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(str(anchor), 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = within.pop()
        elif not isinstance(event, yaml.ScalarEvent):
            continue
        if anchor:
            sizes[anchor] = size
        within[-1] = (within[-1][0], within[-1][1] + size)
        if within[-1][1] > _MAX_VALUES:
            raise _error(_TOO_MANY)


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "yaml": ("YAML", _yaml),
    "yml": ("YAML", _yaml),
    "toml": ("TOML", tomllib.loads),
    "json": ("JSON", partial(json.loads, object_pairs_hook=table_of)),
}
