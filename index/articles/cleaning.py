"""The door of foreign text: one form for every text that other programs wrote, and table cells."""

import datetime as dt
import decimal
import html
import re
import unicodedata
from typing import Any

from index.articles.json_text import table_of
from index.articles.word_table import load_table

_PLAIN_TYPES = (str, int, float, dt.date, type(None))
_BYTES_TYPES = (bytes, bytearray, memoryview)
_LONGEST_WORD = 60
_LARGEST_WHOLE = 10**40
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile("[\u00ad\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][\w:.-]*+)"
    r"(?P<attributes>(?:\s++[^\s\"'<>/=&|;,()]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=`]++))?)*+)"
    r"\s*+/?>|<!doctype\b[^<>]*>",
    re.IGNORECASE,
)
_BROKEN_TAG = re.compile(r"<[A-Za-z][\w:.-]*+\s[^<>]*+>")  # if it has a quoted value
_QUOTED_VALUE = re.compile(r"=\s*\\?[\"']")  # also as databases of old keep it: =\"a\"
_END_TAG = re.compile(r"</([A-Za-z][\w:.-]*+)\s*>")
_HIDDEN_NAMES = ("script", "style", "rt", "rp", "ac:parameter", "ac:task-id", "ac:task-status")
_HIDDEN = re.compile(rf"<!--|<({'|'.join(_HIDDEN_NAMES)})\b[^<>]*>", re.IGNORECASE)
_HIDDEN_END = {"--": re.compile("-->")} | {
    name: re.compile(rf"</{name}\s*>" + r"|(?=</ruby\s*>)" * (name in ("rt", "rp")), re.IGNORECASE)
    for name in _HIDDEN_NAMES
}
_OPEN_TAG = re.compile(r"<[A-Za-z/!][^<>]*\Z")
_ELEMENTS = {kind: frozenset(names) for kind, names in load_table(__file__).items()}
_BLOCKS, _NEVER_CLOSED = _ELEMENTS["blocks"], _ELEMENTS["never_closed"]
_FORMATTING = _BLOCKS | _ELEMENTS["inline"]


def plain_text(text: str) -> str:
    """Convert a text from outside to the plain form in which texts are compared and shown.

    Markup is removed and entities such as ``&amp;`` are decoded, once. Control characters,
    direction marks and characters without width go, but joiners stay (Persian and emoji need them);
    composed characters are used (NFC). Line breaks are kept, but blank lines are removed; within a
    line, each run of white space becomes one space.
    """
    if "<" in text:
        text = _without_markup(text)
    if "&" in text:
        text = unescape(text)
    printable = text.isprintable()
    if not printable:
        text = _UNSEEN.sub("", _CONTROL.sub(" ", text)).encode(errors="replace").decode()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if printable or text.isprintable():  # one line, whose only white space are spaces
        return " ".join(text.split()) if "  " in text else text.strip()
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def unescape(text: str) -> str:
    """Decode the HTML entities of a text; ``&sect=2``, without a semicolon, is left as it is."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def decoded_markup(value: Any) -> Any:
    """Decode a text whose HTML is escaped as a whole, as OpenCart stores it."""
    is_escaped = isinstance(value, str) and "<" not in value and value.lstrip().startswith("&lt;")
    return unescape(value) if is_escaped and "&lt;/" in value and "&gt;" in value else value


def literal(text: str) -> str:
    """Escape ``&`` and ``<`` in plain text, so that later steps do not take them for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def literals(value: Any) -> Any:
    """Escape a text, or the texts in a list, with :func:`literal`; other values stay unchanged."""
    if isinstance(value, list):
        return [*map(literals, value)]
    return literal(value) if isinstance(value, str) else value


def cut_text(text: str, limit: int) -> str:
    """Cut a text to at most ``limit`` characters, at a word.

    A text without spaces, as Chinese and Thai are written, is cut after a whole character: no
    accent, vowel sign or part of an emoji is cut off.
    """
    if len(text) <= limit:
        return text
    first = max(limit // 2, limit - _LONGEST_WORD)
    at = max(text.rfind(mark, first, limit + 1) for mark in " \n")
    return text[: at if at > 0 else cut_before(text, limit)].rstrip()


def cut_before(text: str, at: int) -> int:
    """Return the last position up to ``at`` that does not split an accented letter or an emoji."""
    first = max(1, at - _LONGEST_WORD)
    while at > first and at < len(text) and (_joins(text[at]) or text[at - 1] == "\u200d"):
        at -= 1
    return at


def _joins(character: str) -> bool:
    return (
        character in "\u200c\u200d"
        or unicodedata.category(character)[0] == "M"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def drop_open_tag(text: str) -> str:
    """Remove an HTML tag at the end of a text that was cut inside the tag."""
    return _OPEN_TAG.sub("", text)


def _without_markup(text: str) -> str:
    """Remove comments and tags, and only these.

    ``List<String>`` and ``a < b`` are no markup: a tag is one that is closed further on, that has
    attributes, or whose name is common in texts and is not part of a word.
    """
    text = _without_hidden(text)
    if "<![CDATA[" in text:  # as Confluence stores words of links, and code
        text = text.replace("<![CDATA[", "").replace("]]>", "")
    ends: dict[str, int] = {}
    for found in _END_TAG.finditer(text):
        ends[found[1]] = ends[found[1].lower()] = found.start()

    def replacement(found: re.Match[str]) -> str:
        name = (found["name"] or "!doctype").lower()
        if found["name"] is None or _is_tag(found, name, ends):
            return "\n" if name in _BLOCKS else ""
        return found[0]

    def broken(found: re.Match[str]) -> str:
        return "" if _QUOTED_VALUE.search(found[0]) else found[0]

    return _BROKEN_TAG.sub(broken, _TAG.sub(replacement, text))


def _is_tag(found: re.Match[str], name: str, ends: dict[str, int]) -> bool:
    if found["end"] or "=" in found["attributes"]:
        return True
    start = found.start()
    glued = start > 0 and (found.string[start - 1].isalnum() or found.string[start - 1] == "_")
    if glued and found["name"].isupper() and len(name) == 1:  # Option<T>, List<A>
        return ends.get(found["name"], 0) > start
    if ends.get(name, 0) > start or name in _NEVER_CLOSED:
        return True
    return name in _FORMATTING and not glued and not found["attributes"]


def _without_hidden(text: str) -> str:
    """Remove comments, scripts, style sheets and readings above words that are closed."""
    parts: list[str] = []
    start = 0
    never_closed: set[str] = set()
    for opened in _HIDDEN.finditer(text):
        name = (opened[1] or "--").lower()
        if opened.start() < start or name in never_closed:
            continue
        closed = _HIDDEN_END[name].search(text, opened.start() + 2)
        if closed is None:
            never_closed.add(name)
        else:
            parts.append(text[start : opened.start()])
            start = closed.end()
    return "".join([*parts, text[start:]])


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def plain_value(value: Any) -> Any:
    """Convert the value of a table cell, from a database driver or a file, to a JSON-like value.

    Bytes that are not UTF-8 become lone surrogates, which the record parser later reports or
    replaces.

    Returns:
        Text, a number, a date, a list, a dictionary or ``None``.
    """
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, _BYTES_TYPES):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, decimal.Decimal):
        if value.is_nan():
            return float("nan")  # float() refuses sNaN
        whole = abs(value) < _LARGEST_WHOLE and value == value.to_integral_value()
        return int(value) if whole else float(value)
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(map(_is_pair, value)):  # a map of Arrow's
        return table_of([(str(key), plain_value(item)) for key, item in value])
    if isinstance(value, list | tuple | set):
        return [plain_value(item) for item in value]
    return str(value)
