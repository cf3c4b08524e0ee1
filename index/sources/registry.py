"""Lists the kinds of sources by name, and opens sources from ``[[source]]`` tables."""

import dataclasses
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from index.articles.file_suffixes import BY_SUFFIX
from index.articles.foreign_dates import check_date_format
from index.articles.language_tags import read_language
from index.articles.parse import FIELDS
from index.articles.url_template import check_template
from index.errors import raised_as
from index.sources.configured_source import ConfiguredSource
from index.sources.csv_source import CsvSource
from index.sources.feed import FeedSource
from index.sources.file_kinds import kind_of_file, kind_of_folder
from index.sources.ghost import GhostSource
from index.sources.html_pages import HtmlSource
from index.sources.json_source import JsonSource
from index.sources.jsonl_source import JsonlSource
from index.sources.markdown_pages import MarkdownSource
from index.sources.parquet import ParquetSource
from index.sources.plain_pages import PlainSource
from index.sources.pushed_source import PUSHED
from index.sources.secret_options import mask, resolve_secrets
from index.sources.sitemap import SitemapSource
from index.sources.source import Source
from index.sources.sql import SqlSource
from index.sources.wordpress import WordPressSource
from index.sources.wxr import WxrSource
from recommender.errors import ArticleError, SettingError, did_you_mean

KINDS: dict[str, type[Source]] = {
    "csv": CsvSource,
    "feed": FeedSource,
    "ghost": GhostSource,
    "html": HtmlSource,
    "json": JsonSource,
    "jsonl": JsonlSource,
    "markdown": MarkdownSource,
    "parquet": ParquetSource,
    "plain": PlainSource,
    "sitemap": SitemapSource,
    "sql": SqlSource,
    "wordpress": WordPressSource,
    "wxr": WxrSource,
}
"""Source classes by kind. To add a kind, add a dataclass whose fields are its options."""

_COMMON = ("kind", "name", "map", "url_template", "date_format", "language")


def open_sources(
    locations: Sequence[str],
    tables: Sequence[Mapping[str, Any]],
    fields: Mapping[str, str | list[str]],
    overrides: Mapping[str, str],
) -> list[ConfiguredSource]:
    """Opens the sources of a build: those named on the command line, or else the configured ones.

    Args:
        locations: The sources named on the command line: files, folders, globs, ``-`` or URLs of
            feeds.
        tables: The ``[[source]]`` tables of the settings.
        fields: For each article field, the records' field to read it from, for every source; a
            table's own ``map`` overrides these.
        overrides: A mapping like ``fields``, from the command line; it overrides ``fields`` and
            every ``map``.

    Raises:
        SettingError: If there is no source, two have the same name, or one has a wrong option.
    """
    if not locations and not tables:
        raise SettingError(
            "nothing to read: name a source, such as articles.jsonl, or describe it in a "
            "[[source]] table of alsolike.toml, or push articles to the service"
        )
    renamed = _mapping("the setting map", fields)
    _mapping("--map", overrides)
    opened = [
        open_source(table, renamed, overrides)
        for table in (map(table_for, locations) if locations else tables)
    ]
    for name, count in Counter(each.called for each in opened if each.called).items():
        if count > 1:
            raise SettingError(
                f"{count} [[source]] tables have the name {name!r}; give each its own"
            )
    taken = {each.called for each in opened}
    return [each if each.called else _told_apart(each, taken) for each in opened]


def _told_apart(source: ConfiguredSource, taken: set[str]) -> ConfiguredSource:
    """Gives a source without configured name a number if its own is taken, and adds it to these.

    Articles keep the name, so that of two sources each must know its own.
    """
    name, number = source.name, 1
    while name in taken:
        number += 1
        name = f"{source.name} ({number})"
    taken.add(name)
    return source if number == 1 else dataclasses.replace(source, called=name)


def open_source(
    table: Mapping[str, Any],
    fields: Mapping[str, str] = MappingProxyType({}),
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> ConfiguredSource:
    """Returns the source that a ``[[source]]`` table describes, without reading from it.

    Args:
        table: ``kind``, ``name``, ``map``, ``url_template``, ``date_format`` and ``language``, and
            the kind's own options.
        fields: For each article field, the records' field to read it from; the table's own ``map``
            overrides these.
        overrides: A mapping like ``fields``, which overrides both ``fields`` and ``map``.

    Raises:
        SettingError: If an option is wrong; the message names it and never holds a secret.
    """
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        said = f"kind = {kind!r:.40} is unknown" if "kind" in table else "has no kind"
        raise SettingError(f"[[source]] {said}; choose one of {', '.join(KINDS)}")
    where = f"[[source]] of kind {kind}"
    options, secrets = resolve_secrets(
        {
            name: os.path.expanduser(value)  # noqa: PTH111 - "-" and globs are no paths
            if isinstance(value, str) and (name == "path" or name.endswith("_file"))
            else value
            for name, value in table.items()
        }
    )
    called = options.pop("name", "")
    if not isinstance(called, str) or called == PUSHED:
        raise SettingError(f"{where}: name = {called!r:.40} must be text other than {PUSHED!r}")
    own = _mapping(where, options.pop("map", {}))
    template = options.pop("url_template", "")
    if template:
        check_template(template, f"{where}: url_template")
    date_format = options.pop("date_format", "")
    with raised_as(SettingError, f"{where}: ", ValueError, ArticleError):
        check_date_format(date_format)
        language = read_language(options.pop("language", "")) or ""
    del options["kind"]
    _check_names(where, KINDS[kind], options)
    try:
        source = TypeAdapter(KINDS[kind]).validate_python(options)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise SettingError(mask(f"{where}: option {name}: {said}", secrets)) from None
    except SettingError as error:
        raise SettingError(mask(f"{where}: {error}", secrets)) from None
    return ConfiguredSource(
        source=source,
        called=called,
        fields={**fields, **own, **overrides},
        url_template=template,
        date_format=date_format,
        language=language,
        secrets=secrets,
    )


def table_for(location: str) -> dict[str, Any]:
    """Returns a ``[[source]]`` table, with kind and path or url, for a source named in a command.

    Args:
        location: A file, a folder, a glob, ``-`` for standard input, or the URL of a feed or of a
            sitemap.

    Raises:
        SettingError: If it can't be told what kind of source the location is.
        SourceError: If it is a gzipped file that breaks off.
    """
    if location == "-":
        return {"kind": "jsonl", "path": "-"}
    if location.startswith(("http://", "https://")):
        name = location.partition("?")[0].rpartition("/")[2].lower()
        return {"kind": "sitemap" if "sitemap" in name else "feed", "url": location}
    if "://" in location:
        raise SettingError(
            "a database needs a query: describe it in a [[source]] table of alsolike.toml, with "
            "the password in password_env or password_file"
        )
    location = os.path.expanduser(location)  # noqa: PTH111 - it may be a glob
    path = Path(location)
    try:
        if path.is_dir():
            kind = kind_of_folder(path)
        elif path.is_symlink() or path.is_file():
            path.stat()  # raises where a link leads nowhere
            kind = kind_of_file(path)
        else:
            kind = BY_SUFFIX.get(Path(location.lower().removesuffix(".gz")).suffix)
    except OSError as error:
        unread = error.filename or location
        raise SettingError(f"{unread} can't be read: {error.strerror or error}") from error
    if kind is None:
        said = f"there is no file {location}"
        if path.is_dir():
            said = f"the folder {location} holds no pages"
        elif path.exists():
            said = f"the kind of the file {location} can't be told from its name or content"
        raise SettingError(
            f"{said}; name a file that ends in "
            f"{', '.join(BY_SUFFIX)}, .json, a folder of pages of one kind, or describe it in a "
            "[[source]] table of alsolike.toml"
        )
    return {"kind": kind, "path": location}


def _mapping(where: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise SettingError(f'{where}: map must be a table such as {{summary = "text"}}')
    names = {
        ours: ",".join(map(str, theirs)) if isinstance(theirs, list) else theirs
        for ours, theirs in value.items()
    }
    for ours, theirs in names.items():
        if ours not in FIELDS or not isinstance(theirs, str) or not theirs:
            raise SettingError(
                f"{where}: {ours!r} = {theirs!r} is not valid{did_you_mean(ours, FIELDS)}; "
                "map an article field "
                f"({', '.join(FIELDS)}) to the name of a source field"
            )
    return names


def _check_names(where: str, cls: type, options: Mapping[str, Any]) -> None:
    known = [*(option.name for option in dataclasses.fields(cls)), *_COMMON]
    for name in options:
        if name not in known:
            raise SettingError(
                f"{where} has no option {name!r}{did_you_mean(name, known)} "
                f"(it has {', '.join(known)}); settings of the whole site stand above the first "
                "[[source]]"
            )
