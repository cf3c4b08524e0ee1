"""Turns what Markdown marks in a text from a table into elements of HTML, which are read anyway."""

import re

_MARKS = re.compile(
    r"""^[ \t]*(?:\#{1,6}[ ]+(?P<heading>[^\n]+)|(?P<fence>`{3,}|~{3,})[\w-]*[ \t]*)$
      | (?P<image>!)?(?<![A-Za-z0-9_])\[(?P<words>[^\[\]\n]{0,300})\]
        \((?P<url>[^()\s"<>]{1,500})(?:[ ]"[^"\n]{0,200}")?\)
      | (?<![\w*])\*\*(?P<strong>[^\s*][^*\n]{0,300})\*\*(?![\w*])
      | ^>[ ]?\[!\w{1,20}\][^\n]*$""",
    re.MULTILINE | re.VERBOSE,
)
_USED = ("# ", "](", "**", "```", "~~~", "[!")
"""One of these stands in each text that :data:`_MARKS` matches; most texts hold none."""

_MARKUP = re.compile(r"</\w|<(?:p|br|div)\b", re.IGNORECASE)


def with_markup(text: str) -> str:
    """Returns a text with its Markdown as HTML: headings, links and strong words.

    Pictures, the edges of blocks of code and the marks of alerts are removed. A text that holds
    HTML is left as it is.
    """
    if not any(mark in text for mark in _USED) or _MARKUP.search(text):
        return text
    return _MARKS.sub(_element, text)


def _element(found: re.Match[str]) -> str:
    if found["url"] and not found["image"]:
        return f'<a href="{found["url"]}">{found["words"]}</a>'
    if found["heading"]:
        return f"<p>{found['heading']}</p>"
    return found["strong"] or ""
