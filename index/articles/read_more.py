"""Recognizes the words by which an excerpt leads to its own article, such as "Continue reading"."""

import re

from index.articles.page_words import page_words, words_of

MORE_CLASS = re.compile(r"\b(?:more-link|read-?more(?:-link)?|continue-reading)\b", re.IGNORECASE)
"""The classes of an excerpt's link to its own article."""

_WORDS = f"(?:{words_of('read_more')})"
_MARK = r"(?:\[\s*(?:…|\.\.\.)\s*\]|…|\.\.\.)"
_LINK = re.compile(rf"\W*{_WORDS}(?:[\s\W].{{0,300}})?", re.IGNORECASE | re.DOTALL)
_AT_END = re.compile(
    rf"(?P<before>{_MARK}|[.!?。！？।])\s*[(\[（【]?\s*{_WORDS}"  # noqa: RUF001 - CJK sentence marks
    r"(?:\s*[“\"«„‘'‹:].{0,200})?[\s)\]）】→»›>.…]*\Z",  # noqa: RUF001 - quotation marks
    re.IGNORECASE,
)
_LINK_AT_END = re.compile(
    r"[\[(]?<a\b([^<>]*)>((?:(?!</?a\b).)*)</a>[\W_]*(?:</\w+>\s*){0,5}\Z", re.DOTALL
)
_CUT = re.compile(r"\s*\[\s*(?:…|\.\.\.)\s*\]\s*\Z")
_NEXT = r"(?:\s|(?<=[\u3001-\u9fff\u05be-]))"  # no blank follows in Chinese and Japanese
_APPEARED = re.compile(
    rf"(?:^|\s)(?:{words_of('the_post')}){_NEXT}.{{0,300}}?(?:{words_of('appeared_on')}){_NEXT}.{{0,200}}\Z",
    re.IGNORECASE,
)
_LAST = 800  # characters at a text's end that are looked at


def is_read_more(text: str) -> bool:
    """Return whether a link's words say that it leads to the full text, such as "Read more"."""
    return bool(_LINK.fullmatch(" ".join(text.split())[:_LAST]))


def without_own_link(markup: str) -> str:
    """Remove a link with words or a class such as "Read more" from the end of an HTML excerpt."""
    found = _LINK_AT_END.search(markup[-_LAST:]) if "<a" in markup else None
    words = found and re.sub(r"<[^<>]*>|&\w+;", " ", found[2])
    is_own = found and (is_read_more(words or "") or MORE_CLASS.search(found[1]))
    return markup[: -len(found[0])] if found and is_own else markup


def without_read_more(text: str) -> str:
    """Remove words such as "Read more" from the end of an excerpt, which is plain text.

    They are removed after the end of a sentence or a cut mark; ``[…]`` becomes "…"; and the line
    "The post … appeared first on …" is removed in several languages.
    """
    if not text or page_words("read_more").fullmatch(text):
        return ""
    head, end = text[:-_LAST], text[-_LAST:]
    end = _APPEARED.sub("", end).rstrip()
    if found := _AT_END.search(end):
        end = end[: found.end("before")]
    cut = _CUT.sub("…", end)
    return head + cut
