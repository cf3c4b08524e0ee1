"""Recognizes the words by which an excerpt leads to its own article, such as "Continue reading"."""

import re

from index.articles.page_words import page_words, words_of

_WORDS = f"(?:{words_of('read_more')})"
_MARK = r"(?:\[\s*(?:…|\.\.\.)\s*\]|…|\.\.\.)"
_LINK = re.compile(rf"\W*{_WORDS}(?:[\s\W].{{0,300}})?", re.IGNORECASE | re.DOTALL)
_AT_END = re.compile(
    rf"(?P<before>{_MARK}|[.!?。！？])\s*[(\[]?\s*{_WORDS}"  # noqa: RUF001 - CJK sentence marks
    r"(?:\s*[“\"«„‘'‹:].{0,200})?[\s)\]→»›>.…]*\Z",  # noqa: RUF001 - quotation marks
    re.IGNORECASE,
)
_LINK_AT_END = re.compile(r"<a\b[^<>]*>((?:(?!</?a\b).)*)</a>[\W_]*(?:</\w+>\s*){0,5}\Z", re.DOTALL)
_CUT = re.compile(r"\s*\[\s*(?:…|\.\.\.)\s*\]\s*\Z")
_APPEARED = re.compile(
    rf"(?:^|\s)(?:{words_of('the_post')})\s.{{0,300}}?(?:{words_of('appeared_on')})\s.{{0,200}}\Z",
    re.IGNORECASE,
)
_LAST = 800  # characters at a text's end that are looked at


def is_read_more(text: str) -> bool:
    """Tell whether a link's words are those of a link that continues an excerpt."""
    return bool(_LINK.fullmatch(" ".join(text.split())[:_LAST]))


def without_own_link(markup: str) -> str:
    """Return an excerpt's markup without a link at its end with words such as "Read more"."""
    found = _LINK_AT_END.search(markup[-_LAST:]) if "<a" in markup else None
    words = found and re.sub(r"<[^<>]*>|&\w+;", " ", found[1])
    return markup[: -len(found[0])] if found and is_read_more(words or "") else markup


def without_read_more(text: str) -> str:
    """Return an excerpt of plain text without the words at its end that lead to its article.

    Words such as "Read more" go where a sentence or a cut mark stands before them; ``[…]`` becomes
    "…"; and the line "The post … appeared first on …" goes, in the languages of the larger sites.
    """
    if not text or page_words("read_more").fullmatch(text):
        return ""
    head, end = text[:-_LAST], text[-_LAST:]
    end = _APPEARED.sub("", end).rstrip()
    if found := _AT_END.search(end):
        end = end[: found.end("before")]
    cut = _CUT.sub("…", end)
    return head + cut
