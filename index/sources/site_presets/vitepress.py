"""VitePress's pages of documentation, and those of VuePress before it."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Self

from index.articles.language_tags import is_language
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_EXCLUDED = re.compile(r"\bsrcExclude\s*:\s*\[([^\]]*)\]")
_PATTERNS = re.compile(r"\b(?:pageP|p)atterns\s*:\s*\[([^\]]*)\]")
_QUOTED = re.compile(r"""["'`]([^"'`\n]+)["'`]""")
_REWRITES = re.compile(r"\brewrites\s*:\s*\{([^{}]*)\}")
_PAIR = re.compile(r"""["'`]([^"'`\n]+)["'`]\s*:\s*["'`]([^"'`\n]*)["'`]""")
_WHOLE = re.compile(r"((?:[^:(*{]*/)?)(?::(\w+)\*|\(\.\*\))")
"""A pattern for all that lies below a folder: that folder, and the name of the rest."""


class VitePressPreset(SitePreset):
    """A site made by VitePress or VuePress; what ``rewrites`` move as code tells has no address."""

    name = "vitepress"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has ``.vitepress/config``, or the user named it.

        It may also be ``.vuepress/config``, or lie in the folder ``docs``.
        """
        for home in (folder, folder / "docs"):
            code = site.read_code(home / ".vitepress", "config", "config/index")
            older = site.read_code(home / ".vuepress", "config") if code is None else None
            if code is not None or older is not None:
                break
        else:
            if not named:
                return None
            home = folder
        code = code or older or ""
        outer, listed = _outer(code), (_EXCLUDED if older is None else _PATTERNS).findall(code)
        quoted = _QUOTED.findall("".join(listed))
        excluded = quoted if older is None else [one[1:] for one in quoted if one[0] == "!"]
        return cls(
            root=home / site.written(outer, "srcDir"),
            config={
                "code": code,
                "end": "" if site.written(outer, "cleanUrls") == "true" else ".html",
                "moves": [*_moves(code)],
            },
            base=site.base_path(site.written(outer, "base")),
            home=site.written(code, "hostname"),
            indexes=("index",) if older is None else ("index", "README"),
            language=site.written(outer, "lang") or site.written(code, "lang"),
            ignored=site.globs(excluded, within=""),
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as VitePress makes them."""
        moves, file = self.config.get("moves", ()), page.path.as_posix()
        source, target = next((one for one in moves if file.startswith(one[0])), ("", ""))
        if target is not None:
            page.path = PurePosixPath(target + file[len(source) :])
        parts = page.path.with_suffix("").parts
        is_index = parts[-1] in self.indexes
        folder = parts[0] if len(parts) > 1 and self._has_locale(parts[0]) else ""
        rest = parts[1:] if folder else parts
        if is_index and len(rest) == 1:
            raise site.list_page("it is the site's first page, not an article")
        if "locales" in self.config.get("code", ""):
            language = folder or self.language
            page.values |= {"language": language, "translation_key": "/".join(rest)}
        page.read_name(parts[-2 if is_index else -1], page.given.get("date"), dated=False)
        page.values["section"] = rest[0] if len(rest) > 1 else ""
        page.pattern = own = page.text("permalink")
        end = "/" if is_index else self.config.get("end", ".html")
        path = "/".join(parts[:-1] if is_index else parts) + end
        is_known = target is not None and ":" not in own
        page.set_link((own or path) if is_known else "", own=bool(own))

    def _has_locale(self, name: str) -> bool:
        """Tells whether a folder is that of one of the site's languages."""
        key = rf"""["']?/?{re.escape(name)}/?["']?\s*:"""
        locales = self.config.get("code", "").partition("locales")[2]
        return is_language(name.lower()) and re.search(key, locales) is not None


def _moves(code: str) -> Iterator[tuple[str, str | None]]:
    """Yields the folders whose pages ``rewrites`` move, and where to; ``None`` if only code tells.

    A folder ends with a slash; the one of all pages is "".
    """
    found = _REWRITES.search(code)
    if found is None or _PAIR.sub("", found[1]).strip(", \t\r\n"):
        if re.search(r"\brewrites\b", code):
            yield "", None
        return
    for source, target in _PAIR.findall(found[1]):
        whole = _WHOLE.fullmatch(source)
        rest = f":{whole[2]}*" if whole and whole[2] else "$1"
        to = target.removesuffix(rest)
        if whole and to != target and not re.search(r"[:$(*]", to):
            yield whole[1], to
        else:
            plain = re.split(r"[:(*{]", source)[0]
            yield plain[: plain.rfind("/") + 1], None


def _outer(code: str) -> str:
    """Returns what code says in its outermost braces, without a sidebar's ``base`` within."""
    depth, kept = 0, []
    for part in re.split(r"([{}\[\]])", code):
        if part in ("{", "["):
            depth += 1
        elif part in ("}", "]"):
            depth -= 1
        elif depth <= 1:
            kept.append(part)
    return "\n".join(kept)
