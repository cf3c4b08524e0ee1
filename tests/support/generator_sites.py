"""Small sites of fiction, one for each generator, with the addresses that it gives their pages.

The generators themselves made the addresses; where one is installed, a test runs it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSite:
    """A site's files, and what becomes of its pages.

    Attributes:
        files: The text of each file, by its path.
        addresses: The address of each page that is an article, by its file.
        base: What the addresses begin with, but not the names of the generator's files.
        hidden: The files of pages that are kept from readers.
        skipped: The files that are no articles, with the reason.
    """

    files: Mapping[str, str]
    addresses: Mapping[str, str]
    base: str = ""
    hidden: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Writes the files into a folder, and returns it."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder


def page(title: str, *lines: str) -> str:
    """Returns a page with a title and further lines of front matter."""
    front = "\n".join((f"title: {title}", *lines))
    return f"---\n{front}\n---\nThe harbour at {title} is quiet in winter.\n"


JEKYLL = GeneratorSite(
    files={
        "_config.yml": (
            "title: Harbour\nurl: https://harbour.example\nbaseurl: /notes\n"
            "permalink: /:categories/:year/:month/:day/:title/\n"
            "exclude: [attic, README.md]\n"
            "collections:\n  boats:\n    output: true\n    permalink: /fleet/:name/\n"
            "  crew:\n    output: false\n  walks:\n    output: true\n"
            "defaults:\n  - scope: {path: '', type: boats}\n    values: {tags: [boat]}\n"
        ),
        "_posts/2026-01-31-links.md": page("Links of January"),
        "_posts/2026-02-28-links.md": page("Links of February"),
        "_posts/2026-03-01-Tide & Time.md": page("Tide and time", "categories: sea tides"),
        "_posts/2026-03-02-named.md": page("Named", "slug: by-its-slug", "category: Sea Life"),
        "_posts/2026-03-03-own.md": page("Own", "permalink: /own/:year/:title.html"),
        "_posts/2026-03-04-bare.md": page("Bare", "permalink: bare/place/"),
        "_posts/2026-03-05-later.md": page("Dated", "date: 2026-03-06 23:30:00 -0500"),
        "_posts/2026-03-07-übung.md": page("Umlaut"),
        "_posts/2026-03-08-off.md": page("Off", "published: false"),
        "_posts/2099-01-01-future.md": page("Future"),
        "_posts/undated.md": page("Undated"),
        "isle/_posts/2026-04-01-isle.md": page("Isle"),
        "_drafts/sketch.md": page("Sketch"),
        "_boats/Red Gull.md": page("Red Gull"),
        "_walks/coast/north.md": page("North"),
        "_crew/ann.md": page("Ann"),
        "_includes/note.md": page("Include"),
        "about.md": page("About"),
        "guide/rules.md": page("Rules"),
        "guide/index.md": page("Guide"),
        "index.md": page("Home", "layout: home"),
        "plain.md": "# No front matter\n",
        "attic/old.md": page("Old"),
        "README.md": "# For whoever works on the site\n",
    },
    addresses={
        "_posts/2026-01-31-links.md": "/notes/2026/01/31/links/",
        "_posts/2026-02-28-links.md": "/notes/2026/02/28/links/",
        "_posts/2026-03-01-Tide & Time.md": "/notes/sea/tides/2026/03/01/Tide-&-Time/",
        "_posts/2026-03-02-named.md": "/notes/sea%20life/2026/03/02/by-its-slug/",
        "_posts/2026-03-03-own.md": "/notes/own/2026/own.html",
        "_posts/2026-03-04-bare.md": "/notes/bare/place/",
        "_posts/2026-03-05-later.md": "/notes/2026/03/07/later/",
        "_posts/2026-03-07-übung.md": "/notes/2026/03/07/%C3%BCbung/",
        "isle/_posts/2026-04-01-isle.md": "/notes/isle/2026/04/01/isle/",
        "_boats/Red Gull.md": "/notes/fleet/red-gull/",
        "_walks/coast/north.md": "/notes/walks/coast/north/",
        "about.md": "/notes/about/",
        "guide/rules.md": "/notes/guide/rules/",
        "guide/index.md": "/notes/guide/",
    },
    base="/notes",
    hidden=("_posts/2026-03-08-off.md", "_posts/2099-01-01-future.md", "_drafts/sketch.md"),
    skipped={
        "_posts/undated.md": "not-content",
        "_crew/ann.md": "not-content",
        "_includes/note.md": "not-content",
        "index.md": "list-page",
        "plain.md": "not-content",
        "attic/old.md": "not-content",
        "README.md": "not-content",
    },
)

HUGO = GeneratorSite(
    files={
        "hugo.toml": (
            'baseURL = "https://harbour.example/notes/"\ndefaultContentLanguage = "en"\n'
            "[permalinks]\n"
            'news = "/:year/:month/:slug/"\nlog = "/log/:year-:month-:day/:filename/"\n'
            "[languages.en]\nweight = 1\n[languages.de]\nweight = 2\n"
        ),
        "layouts/_default/single.html": "{{ .Content }}",
        "layouts/_default/list.html": "{{ .Content }}",
        "archetypes/default.md": page("An archetype"),
        "content/_index.md": page("Home"),
        "content/about.md": page("About"),
        "content/news/_index.md": page("News"),
        "content/news/_index.de.md": page("Neues"),
        "content/news/tide.md": page("High tide & wind", "date: 2026-01-31"),
        "content/news/slugged.md": page("Named", "date: 2026-02-28", "slug: by-its-slug"),
        "content/log/first.md": page("First", "date: 2026-03-01T23:30:00-05:00"),
        "content/boats/Red Gull & Co.md": page("Red Gull"),
        "content/boats/2026-03-01-kelp/index.md": page("Kelp", "slug: kelp-forests"),
        "content/boats/2026-03-01-kelp/index.de.md": page("Tang", "slug: tangwald"),
        "content/boats/2026-03-01-kelp/exercise.md": page("Exercise"),
        "content/boats/rye/index.md": page("Rye"),
        "content/boats/Übung.md": page("Umlaut"),
        "content/boats/moved.md": page("Moved", "url: /elsewhere/moved/"),
        "content/boats/bare.md": page("Bare", "url: else/bare"),
        "content/boats/file.md": page("File", "url: /else/file.html"),
        "content/boats/deep/below.md": page("Below"),
        "content/boats/hafen.de.md": page("Hafen"),
        "content/boats/json.md": '{\n"title": "In JSON"\n}\n\nThe harbour.\n',
        "content/boats/toml.md": '+++\ntitle = "In TOML"\n+++\nThe harbour.\n',
        "content/boats/draft.md": page("Draft", "draft: true"),
        "content/boats/future.md": page("Future", "date: 2099-01-01"),
        "content/boats/past.md": page("Past", "expiryDate: 2020-01-01"),
        "content/boats/unlisted.md": page("Unlisted", "_build: {list: never, render: never}"),
        "content/quiet/_index.md": page("Quiet", "cascade: {draft: true}"),
        "content/quiet/deep/below.md": page("Below"),
        "content/quiet/own.md": page("Own", "draft: false"),
        "content/draft/_index.md": page("A draft", "draft: true"),
        "content/draft/below.md": page("Below"),
        "content/mixed/_index.md": page(
            "Mixed", "cascade:", "- _target: {path: /mixed/old*}", "  draft: true"
        ),
        "content/mixed/old.md": page("Old"),
        "content/mixed/older.md": page("Older", "draft: false"),
        "content/mixed/young.md": page("Young"),
    },
    addresses={
        "content/about.md": "/notes/about/",
        "content/news/tide.md": "/notes/2026/01/high-tide-wind/",
        "content/news/slugged.md": "/notes/2026/02/by-its-slug/",
        "content/log/first.md": "/notes/log/2026-03-01/first/",
        "content/boats/Red Gull & Co.md": "/notes/boats/red-gull-co/",
        "content/boats/2026-03-01-kelp/index.md": "/notes/boats/kelp-forests/",
        "content/boats/2026-03-01-kelp/index.de.md": "/notes/de/boats/tangwald/",
        "content/boats/rye/index.md": "/notes/boats/rye/",
        "content/boats/Übung.md": "/notes/boats/%C3%BCbung/",
        "content/boats/moved.md": "/notes/elsewhere/moved/",
        "content/boats/bare.md": "/notes/else/bare/",
        "content/boats/file.md": "/notes/else/file.html",
        "content/boats/deep/below.md": "/notes/boats/deep/below/",
        "content/boats/hafen.de.md": "/notes/de/boats/hafen/",
        "content/boats/json.md": "/notes/boats/json/",
        "content/boats/toml.md": "/notes/boats/toml/",
        "content/mixed/older.md": "/notes/mixed/older/",
        "content/mixed/young.md": "/notes/mixed/young/",
    },
    base="/notes",
    hidden=(
        "content/boats/draft.md",
        "content/boats/future.md",
        "content/boats/past.md",
        "content/boats/unlisted.md",
        "content/draft/below.md",
        "content/mixed/old.md",
        "content/quiet/deep/below.md",
        "content/quiet/own.md",
    ),
    skipped={
        "archetypes/default.md": "not-content",
        "content/_index.md": "list-page",
        "content/quiet/_index.md": "list-page",
        "content/mixed/_index.md": "list-page",
        "content/draft/_index.md": "list-page",
        "content/news/_index.md": "list-page",
        "content/news/_index.de.md": "list-page",
        "content/boats/2026-03-01-kelp/exercise.md": "page-resource",
    },
)

ZOLA = GeneratorSite(
    files={
        "config.toml": (
            'base_url = "https://harbour.example/notes"\ndefault_language = "en"\n[languages.de]\n'
        ),
        "content/_index.md": "+++\ntitle = 'Home'\n+++\n",
        "content/about.md": "+++\ntitle = 'About'\n+++\nThe harbour.\n",
        "content/boats/_index.md": "+++\ntitle = 'Boats'\n+++\n",
        "content/boats/2026-03-01-kelp.md": "+++\ntitle = 'Kelp'\n+++\nThe harbour.\n",
        "content/boats/2026-03-01-kelp.de.md": "+++\ntitle = 'Tang'\n+++\nDer Hafen.\n",
        "content/boats/rye/index.md": "+++\ntitle = 'Rye'\n+++\nThe harbour.\n",
        "content/boats/named.md": "+++\ntitle = 'N'\nslug = 'by-its-slug'\n+++\nThe harbour.\n",
        "content/boats/Red Gull.md": "+++\ntitle = 'Red Gull'\n+++\nThe harbour.\n",
        "content/own.md": "+++\ntitle = 'Own'\npath = '2026/03/01/own'\n+++\nThe harbour.\n",
        "content/future.md": "+++\ntitle = 'Future'\ndate = 2099-01-01\n+++\nThe harbour.\n",
        "content/draft.md": "+++\ntitle = 'Draft'\ndraft = true\n+++\nThe harbour.\n",
        "content/quiet/_index.md": "+++\ntitle = 'Quiet'\ndraft = true\n+++\n",
        "content/quiet/deep/below.md": "+++\ntitle = 'B'\ndraft = false\n+++\nThe harbour.\n",
    },
    addresses={
        "content/about.md": "/notes/about/",
        "content/boats/2026-03-01-kelp.md": "/notes/boats/kelp/",
        "content/boats/2026-03-01-kelp.de.md": "/notes/de/boats/kelp/",
        "content/boats/rye/index.md": "/notes/boats/rye/",
        "content/boats/named.md": "/notes/boats/by-its-slug/",
        "content/boats/Red Gull.md": "/notes/boats/red-gull/",
        "content/own.md": "/notes/2026/03/01/own/",
        "content/future.md": "/notes/future/",
    },
    base="/notes",
    hidden=("content/draft.md", "content/quiet/deep/below.md"),
    skipped={
        "content/_index.md": "list-page",
        "content/boats/_index.md": "list-page",
        "content/quiet/_index.md": "list-page",
    },
)

ELEVENTY = GeneratorSite(
    files={
        "package.json": '{"dependencies": {"@11ty/eleventy": "3"}}',
        "eleventy.config.js": (
            "module.exports = function (eleventyConfig) {\n"
            '  return { dir: { input: "src", output: "made" } };\n};\n'
        ),
        "README.md": "# For whoever works on the site\n",
        "src/about.md": page("About"),
        "src/index.md": page("Home"),
        "src/boats/boats.md": page("Boats"),
        "src/boats/red/index.md": page("Red"),
        "src/boats/2026-03-01-kelp.md": page("Kelp"),
        "src/boats/own.md": page("Own", "permalink: /own/{{ page.fileSlug }}/"),
        "src/boats/title.md": page("High Tide", 'permalink: "/t/{{ title | slugify }}.html"'),
        "src/boats/bare.md": page("Bare", "permalink: bare/place/"),
        "src/boats/off.md": page("Off", "permalink: false"),
        "src/boats/apart.md": page("Apart", "eleventyExcludeFromCollections: true"),
        "src/boats/named.md": page("Named"),
        "src/boats/named.11tydata.json": '{"permalink": "/by/data/"}',
        "src/boats/quiet.md": page("Quiet"),
        "src/boats/quiet.json": '{"draft": true, "permalink": false}',
        "src/news/news.json": (
            '{"permalink": "/{{ page.date | date: \'%Y/%m\' }}/{{ page.fileSlug }}/"}'
        ),
        "src/news/2026-01-31-links.md": page("Links of January"),
        "src/news/2026-02-28-links.md": page("Links of February"),
        "src/news/2026-03-01-late.md": page("Late", "date: 2026-03-31T23:30:00-05:00"),
        "src/log/log.11tydata.js": (
            "module.exports = {\n  layout: false,\n"
            "  permalink: '/log/{{ page.filePathStem }}.html',\n};\n"
        ),
        "src/log/2026-03-02-first.md": page("First"),
        "src/_includes/note.md": page("Include"),
    },
    addresses={
        "src/about.md": "/about/",
        "src/boats/boats.md": "/boats/",
        "src/boats/red/index.md": "/boats/red/",
        "src/boats/2026-03-01-kelp.md": "/boats/2026-03-01-kelp/",
        "src/boats/own.md": "/own/own/",
        "src/boats/title.md": "/t/high-tide.html",
        "src/boats/bare.md": "/bare/place/",
        "src/boats/named.md": "/by/data/",
        "src/news/2026-01-31-links.md": "/2026/01/links/",
        "src/news/2026-02-28-links.md": "/2026/02/links/",
        "src/news/2026-03-01-late.md": "/2026/04/late/",
        "src/log/2026-03-02-first.md": "/log/log/first.html",
    },
    hidden=("src/boats/apart.md", "src/boats/off.md", "src/boats/quiet.md"),
    skipped={
        "README.md": "not-content",
        "src/index.md": "list-page",
        "src/_includes/note.md": "not-content",
    },
)

STARLIGHT = GeneratorSite(
    files={
        "package.json": '{"name": "harbour", "type": "module"}',
        "astro.config.mjs": (
            'import { defineConfig } from "astro/config";\n'
            'import starlight from "@astrojs/starlight";\n'
            "export default defineConfig({\n"
            '  site: "https://harbour.example",\n  base: "/notes",\n  outDir: "made",\n'
            "  integrations: [starlight({\n"
            '    title: "Harbour",\n    pagefind: false,\n'
            '    defaultLocale: "root",\n'
            "    locales: {\n"
            '      root: { label: "English", lang: "en" },\n'
            '      de: { label: "Deutsch", lang: "de" },\n    },\n  })],\n});\n'
        ),
        "src/content.config.ts": (
            'import { defineCollection } from "astro:content";\n'
            'import { docsLoader } from "@astrojs/starlight/loaders";\n'
            'import { docsSchema } from "@astrojs/starlight/schema";\n'
            "export const collections = {\n"
            "  docs: defineCollection({ loader: docsLoader(), schema: docsSchema() }),\n};\n"
        ),
        "src/content/docs/index.md": page("Home", "template: splash"),
        "src/content/docs/start.md": page("Start"),
        "src/content/docs/Knots & Ropes/Bow Line.md": page("Bow line"),
        "src/content/docs/boats/index.md": page("Boats"),
        "src/content/docs/boats/named.md": page("Named", "slug: by/its-slug"),
        "src/content/docs/de/start.md": page("Anfang"),
        "src/content/docs/draft.md": page("Draft", "draft: true"),
        "src/content/docs/_note.md": page("Note"),
        "README.md": "# For whoever works on the site\n",
    },
    addresses={
        "src/content/docs/start.md": "/notes/start/",
        "src/content/docs/Knots & Ropes/Bow Line.md": "/notes/knots--ropes/bow-line/",
        "src/content/docs/boats/index.md": "/notes/boats/",
        "src/content/docs/boats/named.md": "/notes/by/its-slug/",
        "src/content/docs/de/start.md": "/notes/de/start/",
    },
    base="/notes",
    hidden=("src/content/docs/draft.md",),
    skipped={
        "src/content/docs/index.md": "list-page",
        "src/content/docs/_note.md": "not-content",
        "README.md": "not-content",
    },
)

DOCUSAURUS = GeneratorSite(
    files={
        "package.json": '{"name": "harbour"}',
        "docusaurus.config.js": (
            'module.exports = { title: "Harbour", url: "https://harbour.example",\n'
            '  baseUrl: "/notes/", trailingSlash: true, onBrokenLinks: "ignore",\n'
            '  i18n: { defaultLocale: "en", locales: ["en", "de"] },\n'
            '  presets: [["@docusaurus/preset-classic", {\n'
            "    docs: { sidebarPath: undefined }, theme: {} }]] };\n"
        ),
        "versions.json": '["2.0", "1.0"]',
        "docs/start.md": page("Start", "id: start", "slug: /hello"),
        "docs/02-knots/01-bow-line.md": page("Bow line"),
        "docs/boats/index.md": page("Boats"),
        "docs/boats/red.md": page("Red", "slug: gull"),
        "docs/unlisted.md": page("Unlisted", "unlisted: true"),
        "versioned_docs/version-2.0/start.md": page("Start", "id: start", "slug: /hello"),
        "versioned_docs/version-1.0/start.md": page("Start", "id: start"),
        "i18n/de/docusaurus-plugin-content-docs/current/start.md": page("Los", "id: start"),
        "blog/2026-03-01-kelp.md": page("Kelp"),
        "blog/2026-03-02-rye/index.md": page("Rye", "slug: named"),
        "src/pages/about.md": page("About"),
        "README.md": "# For whoever works on the site\n",
    },
    addresses={
        "docs/start.md": "/notes/docs/next/hello/",
        "docs/02-knots/01-bow-line.md": "/notes/docs/next/knots/bow-line/",
        "docs/boats/index.md": "/notes/docs/next/boats/",
        "docs/boats/red.md": "/notes/docs/next/boats/gull/",
        "versioned_docs/version-2.0/start.md": "/notes/docs/hello/",
        "versioned_docs/version-1.0/start.md": "/notes/docs/1.0/start/",
        "i18n/de/docusaurus-plugin-content-docs/current/start.md": "/notes/de/docs/next/start/",
        "blog/2026-03-01-kelp.md": "/notes/blog/2026/03/01/kelp/",
        "blog/2026-03-02-rye/index.md": "/notes/blog/named/",
        "src/pages/about.md": "/notes/about/",
    },
    base="/notes",
    hidden=("docs/unlisted.md",),
    skipped={"README.md": "not-content"},
)

SITES = {
    "jekyll": JEKYLL,
    "hugo": HUGO,
    "zola": ZOLA,
    "eleventy": ELEVENTY,
    "starlight": STARLIGHT,
    "docusaurus": DOCUSAURUS,
}
