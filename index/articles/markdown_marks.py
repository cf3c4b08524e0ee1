"""Takes the marks of Markdown out of texts that databases, tables and APIs keep in it.

Files of Markdown are rendered by :mod:`index.sources.markdown_text`, in a process of its own. Here
a text may be plain, HTML or Markdown, nobody says which, and there may be a million of them.
"""

import re

from index.articles.cleaning import literal

_SIGNS = ("](", "**", "```")
_HEADING = re.compile(r"^ {0,3}#{1,6} ", re.MULTILINE)
_LONGEST = 1_000_000  # characters
_OF_HTML = ("</p>", "</div>", "</li>")
_ADDRESS = r"<?((?:[^\s()<>\"]|\([^\s()<>\"]*+\))++)>?(?:\s++(?:\"[^\"\n]*+\"|'[^'\n]*+'))?\)"
_TARGET = (
    r"(?=\S*?(?:[/#]|[.:][^\W\d]))\S++[ \t]*+(?:\"[^\"\n]*+\"|'[^'\n]*+'|\([^()\n]*+\))?[ \t]*+$"
)
_MARKS = [
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"^[ \t]*+(?:```|~~~).*+$|^[ \t]*+[-=*_|:][-=*_|: \t]*+$", ""),  # fences and rules
        (r"^ {0,3}\[(?!\^)[^\[\]\n]++\]:[ \t]++" + _TARGET, ""),  # what references stand for
        (r"^ {0,3}\[\^[^\[\]\n]++\]:", ""),  # the marks of footnotes
        (r"^>[ ]?\[!\w{1,20}\][^\n]*$", ""),  # the marks of alerts
        (r"^[ \t]{0,3}(?:#{1,6}[ \t]++|>[ \t]?|[-*+][ \t]++(?:\[[ xX]\][ \t])?)", ""),
        (r"!\[[^\[\]\n]*+\](?:\(" + _ADDRESS + r"|\[[^\[\]\n]*+\])", ""),
        (r"\[([^\[\]\n]*+)\]\(" + _ADDRESS, r'<a href="\2">\1</a>'),
        (r"(?<!\w)\[(?=[^\[\]\n]*?(?:[^\W\d_]|\0))([^\[\]\n]++)\]\[[^\[\]\n]*+\]", r"\1"),
        (r"(?<![\w*`])(\*{1,3})([^\s*](?:[^*\n]*[^\s*])?)\1(?![\w*])", r"\2"),
        (r"(?<![\w_/=\"`-])(_{1,3})([^\s_](?:[^_\n]*[^\s_])?)\1(?![\w_])", r"\2"),
    )
]
_CODE = re.compile(
    r"^[ \t]*+(`{3,}+|~{3,}+)[^`\n]*+\n(.*?)(?:^[ \t]*+\1[`~ \t]*+$|\Z)|(?<!`)`([^`\n]++)`(?!`)",
    re.MULTILINE | re.DOTALL,
)
_KEPT = re.compile(r"\0(\d+)\0")


def without_marks(text: str) -> str:
    """Return a text without Markdown's marks: headings, emphasis, code, pictures, quotations.

    Links and code become HTML. A text that has no such marks, or HTML's blocks, or is very long, is
    returned as it is.
    """
    has_marks = any(sign in text for sign in _SIGNS) or ("# " in text and _HEADING.search(text))
    if len(text) > _LONGEST or not has_marks or any(tag in text for tag in _OF_HTML):
        return text
    kept: list[str] = []

    def keep(code: re.Match[str]) -> str:
        tag, inner = ("code", code[3]) if code[3] else ("pre", code[2])
        kept.append(f"<{tag}>{literal(inner)}</{tag}>")
        return f"\0{len(kept) - 1}\0"

    text = _CODE.sub(keep, text.replace("\0", " ").replace("\r\n", "\n"))
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return _KEPT.sub(lambda found: kept[int(found[1])], text)
