"""Renders Markdown to the elements that readers of the page see.

Markdown-it-py renders CommonMark with the extensions that site generators switch on; what a
generator's template language or a dialect adds is removed before by
:mod:`index.sources.template_tags`. This is the only module that imports markdown-it-py.
"""

from collections.abc import Callable
from functools import partial

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from index.errors import RecordError, raised_as
from index.sources.markup import Element, MarkupError, parse_html, select
from index.sources.template_tags import part_html, strip_extensions, strip_mdx, strip_templates

MAX_OPEN = 2_000
"""Most ``[`` without ``]``: the parser searches the whole text for each one's end."""

_NOT_SEEN = ".footnote-ref, .footnote-backref, input"
_UNDERSCORE = "\ue000"


def _renderer() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for plugin in (footnote_plugin, deflist_plugin, tasklists_plugin, admon_plugin):
        plugin(markdown)
    # Every link is accepted, file: too: the record parser checks where links lead.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    container_plugin(markdown, "box", validate=lambda *_: True, render=_render_box)
    return markdown


def _render_box(_renderer: object, tokens: list[Token], at: int, *_others: object) -> str:
    """Renders the start of a ``:::note[Title]`` block with its title, and its end."""
    if tokens[at].nesting != 1:
        return "</div>\n"
    named = tokens[at].info.strip()
    title = named.partition("[" if "[" in named else " ")[2]
    title = "" if title in ("info", "warn", "alert") else title  # kinds of note of Qiita and Zenn
    return f"<div><p>{markdown_line(title.rstrip(']'))}</p>\n"


def page_content(
    body: str, *, mdx: bool = False, include: Callable[[str], str] = lambda _: "", base: str = ""
) -> Element:
    """Renders a page's Markdown, and returns the element that holds its content.

    Args:
        body: The Markdown, without front matter.
        mdx: Whether the page is MDX: imports, expressions and components are removed, indented
            text is no code.
        include: Called with the name of a file that the page includes; returns its content.
        base: The path that the addresses of the site begin with, such as ``/blog``.

    Raises:
        RecordError: If the page is too large, too deeply nested or too costly to parse.
    """
    text = strip_templates(strip_mdx(body) if mdx else body, base)
    text = strip_extensions(
        text, lambda file: strip_extensions(strip_templates(include(file), base), lambda _: "")
    )
    text = part_html(text, mdx=mdx)
    if text.count("[") - text.count("]") > MAX_OPEN:
        raise RecordError("invalid-markdown", f"the page has more than {MAX_OPEN} unclosed [")
    with raised_as(partial(RecordError, "invalid-markdown"), "", MarkupError):
        root = parse_html(f"<div>{(_mdx if mdx else _markdown).render(text)}</div>")
    for element in select(root, _NOT_SEEN):
        element.clear(keep_tail=True)
    return root


def markdown_line(text: str) -> str:
    """Returns a title or excerpt without Markdown marks and template tags; HTML tags stay.

    Underscores are kept as they are, because names such as ``__init__`` are commoner in titles
    than emphasis by underscores.
    """
    text = strip_extensions(strip_templates(text), lambda _: "")
    if not any(mark in text for mark in "*`[\\~!"):
        return text
    (inline,) = _line.parseInline(text.replace("_", _UNDERSCORE))
    return "".join(map(_content, inline.children or ())).replace(_UNDERSCORE, "_")


def _content(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return "" if token.type == "image" else token.content


_markdown = _renderer()
_mdx = _renderer().disable("code")
_line = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable("entity")
