"""MkDocs' pages of documentation."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Self

from index.articles.text_lists import names_in
from index.errors import SourceError
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_LISTS = ("exclude_docs", "draft_docs")
_INDEXES = ("index", "README")
_NEVER = (".*", "/templates/")
"""What MkDocs leaves out unless a pattern brings it back."""

_SLUGIFY = {"kwds": {"case": "lower"}}
"""How the blog's own ``post_slugify`` reads as YAML."""


class MkdocsPreset(SitePreset):
    """A site made by MkDocs; where the plugin i18n moves pages, their addresses are not known."""

    name = "mkdocs"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has ``mkdocs.yml`` or the user named it."""
        config = site.read_config(folder, "mkdocs.yml", "mkdocs.yaml")
        if config is None:
            return cls(root=folder, indexes=_INDEXES) if named else None
        left_out, drafts = (str(config.get(name) or "").splitlines() for name in _LISTS)
        theme, home = config.get("theme"), config.get("site_url")
        plugins = _plugins(config.get("plugins"))
        root = folder / str(config.get("docs_dir") or "docs")
        authors = None
        with suppress(SourceError):  # names alone are no reason to read nothing
            authors = site.read_config(root / _blog_folder(plugins), ".authors.yml")
        by_plugin = site.folded(plugins.get("exclude"))
        return cls(
            root=root,
            config={
                **config,
                "plugins": plugins,
                "authors": site.folded(authors).get("authors"),
                "titles": dict(_titles(config.get("nav"))),
            },
            base=site.base_path(home),
            home=home,
            language=theme.get("language") if isinstance(theme, Mapping) else None,
            indexes=_INDEXES,
            ignored=[
                *site.globs(names_in(by_plugin.get("glob")), within=""),
                *(rf"\A(?:{one})" for one in names_in(by_plugin.get("regex"))),
            ],
            excluded=[*map(site.like_gitignore, ([*_NEVER, *left_out], drafts))],
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as MkDocs makes them."""
        path, folder = page.path.with_suffix(""), page.path.parent
        is_index = path.name in self.indexes
        if is_index and len(page.path.parts) == 1:
            raise site.list_page("the page is the site's first page, not an article")
        if path.name == "README" and (self.root / folder / "index.md").exists():
            raise site.not_content("the folder's index.md is read in place of its README")
        if title := self.config.get("titles", {}).get(page.path.as_posix()):
            page.given.setdefault("sidebar_label", title)
        page.values["section"] = page.path.parts[0] if len(page.path.parts) > 1 else ""
        plugins = self.config.get("plugins", {})
        blog = _blog_folder(plugins)
        if is_index and "blog" in plugins and str(folder) == blog:
            raise site.list_page()
        if "blog" in plugins and path.is_relative_to(f"{blog}/posts"):
            name = _post_name(page, site.folded(plugins.get("blog")))
            path, is_index = PurePosixPath(blog if name else "", name), False
        if "i18n" in plugins or not path.name:
            page.set_link("")
        elif self.config.get("use_directory_urls") is False:
            page.set_link(f"{folder / 'index' if is_index else path}.html")
        else:
            page.set_link(f"{folder if is_index else path}/")


def _titles(nav: Any, depth: int = 10) -> Iterator[tuple[str, str]]:
    """Yields the files that a navigation names with titles, and these."""
    for one in nav if isinstance(nav, list) and depth else []:
        for title, value in one.items() if isinstance(one, Mapping) else ():
            if isinstance(value, str):
                yield value, str(title)
            yield from _titles(value, depth - 1)


def _post_name(page: SitePage, blog: Mapping[str, Any]) -> str:
    """Returns a post's path below the blog as its theme Material makes it; "" if code makes it.

    Args:
        page: The post.
        blog: The options of the plugin.
    """
    date, heading = page.given.get("date"), page.body.lstrip().partition("\n")[0]
    name = page.path.stem.replace("_", " ")
    title = heading.strip().lstrip("# ") if heading.startswith("# ") else name
    plain = re.sub("</?[^>]*>", "", page.text("title") or title)
    slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
    time = site.read_time(site.folded(date).get("created") if isinstance(date, Mapping) else date)
    day = str(blog.get("post_url_date_format", "yyyy/MM/dd"))
    made = str(blog.get("post_url_format", "{date}/{slug}"))
    if time is None or re.search("[A-Za-z]", re.sub("yyyy|MM|dd", "", day)):
        return ""
    if blog.get("post_slugify", _SLUGIFY) != _SLUGIFY or "post_slugify_separator" in blog:
        return ""
    for letters, code in (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d")):
        day = day.replace(letters, time.strftime(code))
    parts = {"date": day, "slug": page.text("slug") or slug, "file": page.path.stem}
    for name, part in parts.items():
        made = made.replace(f"{{{name}}}", part)
    return "" if "{" in made else made


def _blog_folder(plugins: Mapping[str, Any]) -> str:
    return str(site.folded(plugins.get("blog")).get("blog_dir", "blog"))


def _plugins(given: Any) -> dict[str, Any]:
    """Returns plugins with their options, by names without a theme's; they are a list or table."""
    listed = [given] if isinstance(given, Mapping) else given or []
    named = [one if isinstance(one, Mapping) else {str(one): {}} for one in listed]
    return {str(name).rpartition("/")[2]: options for one in named for name, options in one.items()}
