"""The chapters of mdBook and GitBook."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Self
from urllib.parse import unquote

from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_CHAPTER = re.compile(
    r"\[((?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*\]){1,200})\]"
    r"""\(<?([^()<>\n]{1,400}?)>?(?:\s['"][^\n)]{0,400})?\)"""
)
_MAX_SUMMARY = 4 * 1024 * 1024
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


class MdbookPreset(SitePreset):
    """A book made by mdBook, which has a page for each chapter that its summary links to."""

    name = "mdbook"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has ``book.toml`` or the user named it."""
        config = site.read_config(folder, "book.toml")
        if config is None and not named:
            return None
        book = site.folded(site.folded(config).get("book"))
        html = site.folded(site.folded(site.folded(config).get("output")).get("html"))
        root = folder if config is None else folder / str(book.get("src") or "src")
        summary = site.read_text(root / "SUMMARY.md", most=_MAX_SUMMARY) or ""
        return cls(
            root=root,
            config={"chapters": dict(_chapters(summary))},
            base=site.base_path(html.get("site-url")),
            language=book.get("language"),
            indexes=("README", "index"),
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as mdBook makes them."""
        path, stem = page.path.as_posix(), page.path.with_suffix("")
        if path == "README.md":
            raise site.list_page("the page is the book's first page, not an article")
        if path not in self.config["chapters"]:
            raise site.not_content("the book's SUMMARY.md does not link to this file")
        page.given.setdefault("sidebar_label", self.config["chapters"][path])
        page.values["section"] = page.path.parts[0] if len(page.path.parts) > 1 else ""
        page.set_link(self.path_of(stem))

    def path_of(self, stem: PurePosixPath) -> str:
        """Returns the path that the page of a file, given without suffix, has on the site."""
        return f"{stem.with_name('index') if stem.name == 'README' else stem}.html"


class GitbookPreset(MdbookPreset):
    """A site made by GitBook, or a book of its older form, which HonkIt goes on with."""

    name = "gitbook"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has GitBook's files and a summary, or it was named."""
        is_older = (folder / "book.json").is_file() and (folder / "SUMMARY.md").is_file()
        config = site.read_config(folder, ".gitbook.yaml", *["book.json"] * is_older)
        settings = site.folded(config)
        root = folder / str(settings.get("root") or "").strip("/")
        name = str(site.folded(settings.get("structure")).get("summary") or "SUMMARY.md")
        summary = site.read_text(root / name.strip("/"), most=_MAX_SUMMARY) or ""
        is_made = config is not None or (folder / ".gitbook").is_dir()
        chapters = dict(_chapters(summary))
        if not (named or (is_made and chapters)):
            return None
        return cls(
            root=root,
            config={"chapters": chapters, "suffix": ".html" * is_older},
            language=settings.get("language"),
            indexes=("README",),
        )

    def path_of(self, stem: PurePosixPath) -> str:
        """Returns the path that the page of a file, given without suffix, has on the site."""
        suffix = self.setting("suffix")
        return f"{stem.parent}{'/' * bool(suffix)}" if stem.name == "README" else f"{stem}{suffix}"


def find_gitbook_heading(folder: Path) -> GitbookPreset | None:
    """Returns GitBook's preset for a folder whose summary has the heading that it gives them.

    Books of other generators may have it too, so that it speaks only where nothing else does.
    """
    summary = site.read_text(folder / "SUMMARY.md", most=_MAX_SUMMARY) or ""
    if not summary.lstrip().startswith("# Table of contents") or not any(_chapters(summary)):
        return None
    return GitbookPreset.find(folder, named=True)


def _chapters(summary: str) -> Iterator[tuple[str, str]]:
    """Yields the files that a book's summary links to, with their titles, in their order."""
    for title, link in _CHAPTER.findall(_COMMENT.sub("", summary)):
        yield normpath(unquote(link.strip().partition("#")[0])), title
