"""Removes template tags and extensions from Markdown, so that a reader's text remains.

Site generators run a template language over a page before or after its Markdown is rendered:
Liquid (Jekyll, Eleventy), Nunjucks, Hugo's and Zola's shortcodes, MDX's components, the includes of
documentation sites. Their tags are not text. Links that they compute become plain links where the
target is stated, ``file:PATH`` where it names a file of the site; else the link's target begins
with ``unknown:``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import emoji

_CODE = r"""
    ^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n`]*(?:\n(?:.*?\n)??[ \t>]*(?P=fence)[`~]*[ \t]*$|\n.*\Z)
  | (?<!`)(?P<ticks>`++)[^\n]{1,1000}?(?<!`)(?P=ticks)(?!`)
"""
_FLAGS = re.DOTALL | re.MULTILINE | re.VERBOSE
_ONLY_CODE = re.compile(_CODE, _FLAGS)
_TAGS = re.compile(
    rf"""{_CODE}
  | \{{%[-~]?\s*(?P<block>comment|capture|raw|verbatim|highlight)\b[^%]{{0,200}}%\}}
    (?P<inside>(?:(?!\{{%[-~]?\s*(?:end)?(?P=block)).)*+)\{{%[-~]?\s*end(?P=block)\s*[-~]?%\}}
  | \{{\#(?:(?!\{{\#|\#\}}).){{0,2000}}+\#\}}(?=\s|$)
  | \{{%[-~]?\s*(?P<tag>\w*)(?P<words>(?:(?!\{{%|[-~]?%\}}).){{0,2000}}+)[-~]?%\}}
  | <%(?:(?!%>).){{0,2000}}+%> | \{{\{{\{{(?:(?!\}}\}}\}}).){{0,2000}}+\}}\}}\}}
  | \{{\{{[<%]\s*(?P<shortcode>/?[\w/.-]*)(?P<parts>(?:(?!\{{\{{|[>%]\}}\}}).){{0,2000}}+)[>%]\}}\}}
  | \{{\{{(?P<value>(?:(?!\{{\{{|\}}\}}).){{0,2000}}+)\}}\}}
    """,
    _FLAGS,
)
_RAW = re.compile(r"\{%[-~]?\s*(?:end)?(?:raw|verbatim)\s*[-~]?%\}\n?")
_QUOTED = re.compile(r"""["'“]([^"'”]*)["'”]""")
_SITE_ADDRESS = re.compile(r"(?:site|metadata)\.(?:base_?)?url\b", re.IGNORECASE)
_SHOWS_MEDIA = re.compile(r"\|\s*(?:embed|youtube|vimeo|image|svg|icon)")
_IN_TARGET = re.compile(
    r"""(?:\]\(<?|^\ {0,3}\[[^\]\n]{1,200}\]:\s*<?|\b(?:href|src)\s*=\s*["']?)
        (?:[^\s{}]|\{\{[^{}\n]{0,200}\}\}){0,300}\Z""",
    re.MULTILINE | re.VERBOSE,
)
_FILE_TAGS = {"post_url": "file:_posts/", "link": "file:"}
_FILE_SHORTCODES = ("ref", "relref")

_ATTRIBUTES = r"\{[ ]?(?:[.#]|[\w-]{1,40}=)[^{}\n]{0,300}\}"
_EXTENSIONS = re.compile(
    rf"""(?:(?=[`~{{\[:%+^=!$])|^)(?:{_CODE}
  | (?<![\w%])%%(?:.*?%%|(?<=^%%).*\Z) | \{{/\*.*?(?:\*/\}}|\Z)
  | ^import\s(?:[^"';]{{0,500}}?\sfrom\s{{1,9}})?["'][^"'\n]{{1,300}}["'];?[ \t]*$
  | ^export\s(?:default|const|let|var|(?:async\ )?function|class|type|\*|\{{)(?!\w)
    [^\n]*(?:\n(?![ \t]*\n)[^\n]*)*
  | ^[ \t]*(?:[*+-]|1\.)[ ][^\n]*\n[ \t]*\{{:\s*toc\b[^}}\n]*\}}
  | \{{::comment\}}(?:(?!\{{:[:/]).)*+\{{:/(?:comment)?\}}
  | (?:(?<![\w:]):[a-z][\w-]{{0,30}})?\[(?P<span>[^\[\]\n]{{1,300}})\]{_ATTRIBUTES}
  | (?<![\w:]):[a-z][\w-]{{0,30}}\[(?P<role>[^\[\]\n]{{1,300}})\]
  | ^[ \t]*::[a-z][\w-]*(?:\[(?P<leaf>[^\[\]\n]{{0,300}})\])?(?:\{{[^{{}}\n]{{0,300}}\}})?[ \t]*$
  | \{{:[^{{}}\n]{{0,300}}\}} | \{{[ ]?[#.][\w:.#=\ \t"'%-]{{0,200}}\}}
  | (?<=[)\]`*]){_ATTRIBUTES} | (?:^|(?<=[ \t])){_ATTRIBUTES}(?=[ \t]*$)
  | \{{(?:>>.{{0,2000}}?<<|--.{{0,2000}}?--)\}}
  | \{{(?P<edit>\+\+|==|~~)(?:[^{{}}\n]{{0,300}}~>)?(?P<edited>[^{{}}\n]{{0,300}}?)(?P=edit)\}}
  | (?<![\w+])\+\+(?P<keys>[^\s+]{{1,30}}(?:\+[^\s+]{{1,30}}){{0,5}})\+\+(?![\w+])
  | (?<=[\w)])~(?P<low>[^\s~]{{1,50}})~(?!~) | (?<=[\w)])\^(?P<high>[^\s^]{{1,50}})\^(?!\^)
  | \^\^(?P<added>[^\s^][^^\n]{{0,300}})\^\^ | (?<=\ )\^[\w-]{{3,30}}[ \t]*$
  | \[!INCLUDE\s*\[[^\]\n]{{0,200}}\]\((?P<file>[^)\n]{{1,300}})\)\]
  | (?:(?<=>)|(?<=>\ ))\[!\w[\w-]{{0,30}}\][+-]?
  | \[!(?:div|VIDEO|code[\w-]*)\b[^\[\]\n]{{0,300}}(?:\[[^\]\n]*\]\([^)\n]*\))?\]
  | \{{![^{{}}\n]{{1,300}}!\}} | ^[ \t]*\\(?:newpage|pagebreak)\b[^\n]*
  | ^[ \t]*(?:--8<--|\*\[[^\]\n]{{1,100}}\]:|\[{{1,2}}_?TOC_?\]{{1,2}}[ \t]*$)[^\n]*
  | :::+[ ]?(?:image|video|code|row|column|zone|moniker|form)\b[^\n]*
  | \$\$.{{1,2000}}?\$\$
  | !?\[\[(?P<page>[^\[\]|\n!]{{1,200}})(?:\|(?P<words>[^\[\]\n]{{1,200}}))?\]\](?!\()
  | ==(?P<marked>[^=\s][^=\n]{{0,300}})==
  | :(?:material|fontawesome|octicons|simple)-[\w-]{{1,80}}: | (?P<emoji>:[a-z0-9_+-]{{2,50}}:)
  | ^[ \t]*(?P<tab>===[+!]?[ ]+(?="))
  | ^[ \t]*(?P<untitled>(?:!!!|\?\?\?\+?)[ ]+[\w -]+)$
    )""",
    _FLAGS | re.IGNORECASE,
)
_KEPT = ("span", "role", "leaf", "edited", "keys", "low", "high", "added", "marked")
"""The groups that hold what stays of an extension."""

_TEXT_EXPRESSION = re.compile(r"""\{\s*(?P<quote>["'])(?P<text>[^"'{}\n]*)(?P=quote)\s*\}""")
_COMPONENT = re.compile(
    r"""</?(?:[A-Z][\w.]*|[a-z]\w*\.[\w.]+)?(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?>"""
)
_BRACE = re.compile(r"([{}])")


def strip_templates(text: str) -> str:
    """Removes the tags of Liquid, Nunjucks, Hugo and Zola outside code; keeps what they enclose.

    Comments and captured text are removed whole; ``{% raw %}`` protects what is inside.
    """
    if not any(mark in text for mark in ("{%", "{{", "{#", "<%")):
        return text
    return _TAGS.sub(_without_tag, text)


def _without_tag(found: re.Match[str]) -> str:
    inside, block = found["inside"], found["block"]
    if found["fence"] or found["ticks"]:
        return _RAW.sub("", found[0])
    if block in ("raw", "verbatim"):
        return inside
    if block == "highlight":
        return f"\n```{inside}\n```\n"
    if found["tag"] is not None:
        start = _FILE_TAGS.get(found["tag"])
        return start + found["words"].strip(" \"'") if start else ""
    if found["shortcode"] is not None:
        file = _QUOTED.search(found["parts"]) if found["shortcode"] in _FILE_SHORTCODES else None
        return f"file:{file[1]}" if file else ""
    return "" if found["value"] is None else _value(found)


def _value(found: re.Match[str]) -> str:
    """Returns what ``{{ … }}`` prints, as far as the page itself states it."""
    value = found["value"].strip("-~ \n\t")
    before = found.string[max(0, found.start() - 600) : found.start()]
    in_target = _IN_TARGET.search(before) is not None
    stated = _QUOTED.match(value)
    if stated is None:
        return "unknown:" if in_target and not _SITE_ADDRESS.match(value) else ""
    return stated[1] if in_target or not _SHOWS_MEDIA.search(value) else ""


def strip_extensions(text: str, include: Callable[[str], str]) -> str:
    """Removes Markdown extensions that the parser doesn't know, outside code.

    Comments, attribute lists, alert markers, includes, abbreviations, block mathematics, tables of
    contents, imports, icons and the marks of tabs are removed; of keys, raised and changed text the
    words stay; ``[[page|words]]`` becomes a link to ``file:page``, and ``:tada:`` the emoji.

    Args:
        text: The Markdown.
        include: Returns the content of an included file, given as written; "" if it can't be read.
    """

    def without(found: re.Match[str]) -> str:
        if found["fence"] or found["ticks"]:
            return found[0]
        if found["file"]:
            return include(found["file"])
        if found["page"]:
            words = found["words"] or found["page"]
            return "" if found[0][0] == "!" else f"[{words}](<file:{found['page'].strip()}>)"
        if found["tab"]:
            return found[0].replace(found["tab"], "!!! tab ")
        if found["emoji"]:
            return emoji.emojize(found[0], language="alias")
        return f'{found[0]} ""' if found["untitled"] else "".join(filter(None, found.group(*_KEPT)))

    return _EXTENSIONS.sub(without, text)


def strip_mdx(text: str) -> str:
    """Removes what MDX adds to Markdown, outside code: expressions and components.

    The children of components are kept, and expressions that are only a text.
    """
    pieces: list[str] = []
    end = 0
    for code in _ONLY_CODE.finditer(text):
        pieces += (_without_components(text[end : code.start()]), code[0])
        end = code.end()
    return "".join([*pieces, _without_components(text[end:])])


def _without_components(text: str) -> str:
    text = _TEXT_EXPRESSION.sub(r"\g<text>", text)
    kept: list[str] = []
    depth = 0
    for part in _BRACE.split(text):
        if part == "{":
            depth += 1
        elif part == "}":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(part)
    return _COMPONENT.sub("", "".join(kept))
