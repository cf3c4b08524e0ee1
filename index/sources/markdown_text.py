"""Renders the body of a Markdown page to markup."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from index.sources.markup import Element, MarkupError, parse_html
from index.sources.page_folder import PageError

_SHORTCODE = re.compile(r"\{\{[<%].{0,2000}?[%>]\}\}|\{%.{0,2000}?%\}", re.DOTALL)
_MAX_OPEN = 2_000

_markdown = MarkdownIt("commonmark", {"html": True}).enable("table")


def page_content(body: str) -> Element:
    """Returns the root element of a page's rendered body.

    Raises:
        PageError: If the body can't be rendered.
    """
    if body.count("[") - body.count("]") > _MAX_OPEN:  # the parser searches for each one's ]
        raise PageError("invalid-markdown", f"more than {_MAX_OPEN} unclosed [")
    try:
        return parse_html(f"<div>{_markdown.render(_SHORTCODE.sub('', body))}</div>")
    except MarkupError as error:
        raise PageError("invalid-markdown", str(error)) from error
