"""Removes template tags and extensions from Markdown, so that a reader's text remains.

Site generators run a template language over a page before or after its Markdown is rendered:
Liquid (Jekyll, Eleventy), Nunjucks, Hugo's and Zola's shortcodes, MDX's components, the includes of
documentation sites. Their tags are not text. Links that they compute become plain links where the
target is stated, ``file:PATH`` where it names a file of the site; else the link's target begins
with ``unknown:``.
"""

import re
from collections.abc import Callable, Set
from functools import partial
from html import escape

from index.articles.word_table import load_table

_TABLE = load_table(__file__)
_FLAGS = re.DOTALL | re.MULTILINE | re.VERBOSE


def _any_of(kind: str) -> str:
    """Returns the pattern of a list of ``template_tags.toml``."""
    pattern = "\n|".join(_TABLE[kind]).replace("ATTRIBUTES", _TABLE["attributes"])
    return str(pattern.replace("CODE", _TABLE["code"]))


_TAGS = re.compile(_any_of("tags"), _FLAGS)
_EXTENSIONS = re.compile(
    rf"(?:(?=[`~{{\[:%+^=!$@])|^)(?:{_any_of('extensions')})", _FLAGS | re.IGNORECASE
)
_RAW_TAG = r"\{%[-~]?\s*(?:end)?(?:raw|verbatim)\s*[-~]?%\}"
_RAW = re.compile(rf"^[ \t]*{_RAW_TAG}[ \t]*\n|{_RAW_TAG}", re.MULTILINE)
_QUOTED = re.compile(r"""["'“]([^"'”]*)["'”]""")
_SITE_ADDRESS = re.compile(r"(?:site|metadata)\.(base_?)?url\b", re.IGNORECASE)
_FROM_BASE = re.compile(r"\|\s*(?:(?:relative_|absolute_)?url\b|prepend:\s*site\.baseurl\b)")
_PATH = re.compile(r"/(?!/)|\w[^:]*\Z")
_SHOWS_MEDIA = re.compile(r"\|\s*(?:embed|youtube|vimeo|image|svg|icon)")
_IN_TARGET = re.compile(
    r"""(?:\]\(<?|^\ {0,3}\[[^\]\n]{1,200}\]:\s*<?|\b(?:href|src)\s*=\s*["']?)
        (?:[^\s{}]|\{\{[^{}\n]{0,200}\}\}){0,300}\Z""",
    re.MULTILINE | re.VERBOSE,
)
_HTML_LINE = re.compile(r"[ \t]*</?[a-z]")
_FILE_TAGS = {"post_url": "file:_posts/", "link": "file:", "post_path": "file:"}
_LINKED = re.compile(
    r"""(?:(["'])(?P<quoted>[^"'<>]+)\1|(?P<bare>[^"'<>\s]+))[ ]["']?(?P<words>[^\[\]]*?)["']?
        (?:[ ](?:true|false))?""",
    re.VERBOSE,
)
"""The post that Hexo's ``post_link`` names, and the words."""

_SHOWN = re.compile(r"""(?<!\S)text\s*=\s*(["'`])([^"'`\n]*)\1""")
_MOST_ENCLOSED = 4_000
_ESCAPED = re.compile(r"(\{\{[<%])/\*|\*/([>%]\}\})")
_INCLUDE = re.compile(r"\{\{<\s{0,9}include\s{1,9}(?=\S)[^(){}<>=\n]{1,300}>\}\}")
"""Quarto's, which is read as an extension."""

_FILE_SHORTCODES = ("ref", "relref")

_DIRECTIVE = re.compile(
    r"""[ \t>]*(?P<mark>[`~]{3,})\{(?P<name>[\w:-]{1,40})\}(?P<title>[^\n]*)\n
        (?P<options>[ \t]*---\n(?:(?!---)[^\n]*\n){0,30}---[ \t]*\n|(?:[ \t]*:[\w-]+:[^\n]*\n)*)""",
    re.VERBOSE,
)
_DIRECTIVES = frozenset[str]().union(*_TABLE["directives"].values())
_DRAWING = re.compile(r"[ \t>]*[`~]{3,}[ ]*(?:mermaid|plantuml|graphviz|dot|d2)\b")
"""A fence whose text readers see as a drawing."""
_CELL = re.compile(
    r"[ \t>]*[`~]{3,}\{[a-z]+\b[^}\n]*\}[^\n]*\n"
    r"(?P<options>(?:[ \t>]*(?:\#|//)\|[^\n]*\n)*)"
)
_NOT_SHOWN = re.compile(r"\b(?:include|echo)\s*[:=]\s*false\b", re.IGNORECASE)
_OPTION = re.compile(r"^[ \t]*:([\w-]+):[ \t]*(.*)$", re.MULTILINE)
_BLOCK_END = re.compile(r"^[ \t]*::[ \t]*$", re.MULTILINE)
"""The end of a block of Nuxt's, whose slots have names."""

_REFERENCE = re.compile(r"^[ \t>]*\[([^\[\]\n]{1,200})\]:", re.MULTILINE)
_KEPT = (
    *("picture", "opening", "block", "boxed", "span", "role", "named", "leaf", "edited", "keys"),
    *("low", "high", "added", "marked"),
)
"""The groups that hold what stays of an extension."""

_MDX = re.compile(
    rf"{_TABLE['code']} | {_TABLE['export']}"
    r"| (?<!\\)\{ | </?(?:[A-Z][\w.]*(?=[\s/>])|[a-z]\w*\.[\w.]+(?=[\s/>])|>)",
    _FLAGS,
)
"""Code, exports of several lines, and where expressions and the tags of components begin."""

_OWN_LINE = re.compile(
    rf"{_TABLE['code']} | ^[ \t]*(?P<tag></?(?P<name>[a-z][\w-]*)(?:\s[^<>\n]*)?>"
    r"(?:(?<!/>)[^<>\n]*</(?P=name)>)?)[ \t]*$",
    _FLAGS,
)
"""Code, and lines that are a tag or an element without others."""

_WITH_MARKDOWN = re.compile(r"<([a-z][\w-]*)(?=\s)[^<>\n]*\smarkdown(?![\w-])")
_WITHOUT_MARKDOWN = ("pre", "script", "style", "textarea")
_ATTRIBUTE = re.compile(r"\s[\w:-]{1,50}=\Z")
_TEXT_EXPRESSION = re.compile(r"""\{\s*(?P<quote>["'`])(?P<text>[^"'`{}\n]*)(?P=quote)\s*\}""")
_EDGE = re.compile("[{}>]")
_STEP = re.compile(
    r"""[{}>] | "(?:[^"\\]++|\\.){0,500}+" | `(?:[^`\\]++|\\.){0,500}+`
      | (?<!\w)'(?:[^'\\\n]++|\\.){0,500}+'
      | /\*(?:(?:[^*/]++|\*(?!/)|/(?!\*(?!/)))*+(?:/\*(?!/))?){0,50}+\*/""",
    re.DOTALL | re.VERBOSE,
)
"""Braces, texts and comments; bounded by what they escape, so that none is read again and again."""
_MOST_FAULTS = 20


def strip_templates(text: str, base: str = "") -> str:
    """Removes the tags of Liquid, Nunjucks, Hugo and Zola outside code; keeps what they enclose.

    Comments and captured text are removed with their content; that of ``{% raw %}`` is not changed.

    Args:
        text: The page's text.
        base: The path that the addresses of the site begin with, such as ``/blog``.
    """
    if not any(mark in text for mark in ("{%", "{{", "{#", "<%")):
        return text
    return _TAGS.sub(partial(_in_its_line, base), text)


def _in_its_line(base: str, found: re.Match[str]) -> str:
    """Returns what stays of a tag; below a line of HTML no empty line, which would end the HTML."""
    left = _without_tag(found, base)
    before, _, line = found.string[max(0, found.start() - 300) : found.start()].rpartition("\n")
    is_alone = not left and not line.strip() and found.string[found.end() : found.end() + 1] == "\n"
    is_below = is_alone and _HTML_LINE.match(before.rpartition("\n")[2]) is not None
    return "<!-- -->" if is_below else left


def _without_tag(found: re.Match[str], base: str) -> str:
    inside, block = found["inside"], found["block"]
    if found["fence"] or found["ticks"]:
        return _ESCAPED.sub(r"\1\2", _RAW.sub("", found[0]))
    if block in ("raw", "verbatim"):
        return inside
    if block == "highlight":
        return f"\n```{inside}\n```\n"
    before = found.string[max(0, found.start() - 600) : found.start()]
    in_target = _IN_TARGET.search(before) is not None
    if found["tag"] is not None:
        return _liquid_tag(found["tag"], found["words"], in_target)
    if found["shortcode"] is not None:
        return _shortcode(found, in_target)
    return "" if found["value"] is None else _value(found, in_target, base)


def _liquid_tag(tag: str, words: str, in_target: bool) -> str:
    """Returns the file that ``{% … %}`` names in a link's target; the link that Hexo writes."""
    if in_target:
        start = _FILE_TAGS.get(tag)
        return start + words.strip(" \"'") if start else ""
    linked = _LINKED.fullmatch(" ".join(words.split())) if tag == "post_link" else None
    if linked is None:
        return ""
    return f"[{linked['words']}](<file:{linked['quoted'] or linked['bare']}>)"


def _shortcode(found: re.Match[str], in_target: bool) -> str:
    """Returns the file that a shortcode names in a link's target; else the words that it shows."""
    name, parts = found["shortcode"], found["parts"]
    if in_target:
        file = _QUOTED.search(parts) if name in _FILE_SHORTCODES else None
        return f"file:{file[1]}" if file else ""
    if name == "include" and _INCLUDE.fullmatch(found[0]):
        return found[0]
    if (shown := _SHOWN.search(parts)) is None:
        return ""
    is_closed = f"/{name}" in found.string[found.end() : found.end() + _MOST_ENCLOSED]
    return "" if is_closed else shown[2]


def _value(found: re.Match[str], in_target: bool, base: str) -> str:
    """Returns what ``{{ … }}`` prints, as far as the page itself states it."""
    value = found["value"].strip("-~ \n\t")
    stated = _QUOTED.match(value)
    if stated is None:
        if not in_target or not (address := _SITE_ADDRESS.match(value)):
            return "unknown:" * in_target
        is_path = found.string.startswith("/", found.end())
        return base if address[1] and is_path else ""
    if in_target and _FROM_BASE.search(value) and _PATH.match(stated[1]):
        return f"{base}/{stated[1].removeprefix('/')}"
    return stated[1] if in_target or not _SHOWS_MEDIA.search(value) else ""


def strip_extensions(
    text: str, include: Callable[[str], str], depth: int = 5, known: Set[str] = frozenset()
) -> str:
    """Removes Markdown extensions that the parser doesn't know, outside code.

    Comments, attribute lists, alert markers, includes, abbreviations, block mathematics, tables of
    contents, imports, icons and the marks of tabs are removed. Of keys, superscripts and marked
    changes the words stay, and of references whose address the site says elsewhere, as
    ``[words][name]``. ``[[page|words]]`` becomes a link to ``file:page``, ``:tada:`` an emoji.

    Args:
        text: The Markdown.
        include: Called with the name of an included file as written; returns its content, or "" if
            it can't be read.
        depth: How deep directives of MyST within others are read.
        known: References whose addresses the page says outside of this text.
    """
    has_slots = _BLOCK_END.search(text) is not None
    known = known | {*map(_folded, _REFERENCE.findall(text))}

    def without(found: re.Match[str]) -> str:
        directive = _DIRECTIVE.match(found[0]) if found["fence"] else None
        if directive and directive["name"].lower() in _DIRECTIVES:
            return _directive(directive, include, depth, known)
        if found["fence"] or found["ticks"]:
            return _shown_code(found[0])
        if found["file"]:
            return include(found["file"])
        if found["page"]:
            words = found["label"] or found["page"]
            return "" if found[0][0] == "!" else f"[{words}](<file:{found['page'].strip()}>)"
        if words := found["words"]:
            return found[0] if _folded(found["reference"] or words) in known else words
        if found["slot"] and not has_slots:
            return found[0]
        if found["tab"]:
            return found[0].replace(found["tab"], "!!! tab ")
        if found["emoji"]:
            import emoji  # its table takes long to load, and few pages need it

            return emoji.emojize(found[0], language="alias")
        return f'{found[0]} ""' if found["untitled"] else "".join(filter(None, found.group(*_KEPT)))

    return _EXTENSIONS.sub(without, text)


def _folded(label: str) -> str:
    return " ".join(label.casefold().split())


def _shown_code(code: str) -> str:
    """Returns what readers see of code: of a cell of Quarto neither options nor what is hidden."""
    cell = _CELL.match(code)
    if _DRAWING.match(code) or (cell and _NOT_SHOWN.search(cell[0])):
        return ""
    return code[: cell.start("options")] + code[cell.end() :] if cell else code


def _directive(
    found: re.Match[str], include: Callable[[str], str], depth: int, known: Set[str]
) -> str:
    """Returns what readers see of a directive of MyST; the tags that ``{meta}`` writes."""
    name, options = found["name"].lower(), _OPTION.findall(found["options"])
    body, _, last = found.string[found.end() :].rpartition("\n")
    if not last.strip(" \t>").startswith(found["mark"]):  # it is never closed
        body = f"{body}\n{last}"
    if name in _TABLE["directives"]["code"]:
        return f"{found['mark']}\n{body}\n{found['mark']}\n"
    if name in _TABLE["directives"]["silent"]:
        tags = [f"<meta name='{kind}' content='{escape(said)}'>" for kind, said in options]
        return "\n" + "\n".join(tags) + "\n" if name == "meta" else "\n"
    title = "" if name in _TABLE["directives"]["of_a_file"] else found["title"].strip()
    body = strip_extensions(body, include, depth - 1, known) if depth else body
    return f"\n{title}\n\n{body}\n"


def part_html(text: str, *, mdx: bool) -> str:
    """Puts empty lines around the tags of HTML that encloses Markdown, so that this is read.

    Such are all that stand in lines of their own in MDX; else those with the word ``markdown``.
    """
    names = {*_WITH_MARKDOWN.findall(text)}
    if not mdx and not names:
        return text

    def parted(found: re.Match[str]) -> str:
        name, tag = found["name"], found["tag"]
        if mdx:
            is_meant = name is not None and name not in _WITHOUT_MARKDOWN
        else:
            is_meant = name in names and (tag[1] == "/" or _WITH_MARKDOWN.match(tag) is not None)
        return f"\n{found[0]}\n" if is_meant else found[0]

    return _OWN_LINE.sub(parted, text)


def strip_mdx(text: str) -> str:
    """Removes what MDX adds to Markdown, outside code: expressions and components.

    What stands inside components is kept, and so are expressions that are only a text (``{"a"}``).
    """
    kept: list[str] = []
    end = faults = 0
    while found := _MDX.search(text, end):
        kept.append(text[end : found.start()])
        end = found.end()
        if found["fence"] or found["ticks"]:
            kept.append(found[0])
        elif said := _TEXT_EXPRESSION.match(text, found.start()):
            is_quoted = kept[-1].endswith("=")
            kept.append(f'"{said["text"]}"' if is_quoted else said["text"])
            end = said.end()
        elif not found["export"] and found[0][-1] != ">":
            kept[-1] = _ATTRIBUTE.sub("", kept[-1]) if found[0] == "{" else kept[-1]
            mark = "}" if found[0] == "{" else ">"
            exact = _behind(_STEP, text, end, mark) if faults < _MOST_FAULTS else 0
            faults += not exact
            end = exact or _behind(_EDGE, text, end, mark)
            if not end:  # it is no MDX from here on
                end = found.end()
                break
    return "".join([*kept, text[end:]])


def _behind(step: re.Pattern[str], text: str, start: int, mark: str) -> int:
    """Returns where an expression or a component's tag ends; 0 if it does not."""
    depth = 0
    for found in step.finditer(text, start):
        if found[0] == mark and not depth:
            return found.end()
        depth += (found[0] == "{") - (found[0] == "}")
    return 0
