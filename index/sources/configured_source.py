"""Wraps a source with its configuration: which fields to read, missing links, secrets to mask."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from index.articles.link_parser import is_related_name
from index.articles.record import Record, RecordProblem, SourceItem, describe, get_field, unreadable
from index.errors import SourceError
from index.sources.parser_process import ParserStoppedError
from index.sources.secret_options import mask
from index.sources.source import Source, SplitItems, pass_through, read_record, split_records
from recommender.errors import AlsoLikeError, one_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredSource:
    """Wraps a source, and applies its configuration: field names, defaults, secrets to mask.

    Attributes:
        source: The wrapped source.
        called: The configured name; empty to use the wrapped source's own.
        fields: For each article field, the record's field to read it from.
        url_template: Template for the links of articles that state none; empty to use the build's
            template.
        date_format: How the source writes dates that are not clear by themselves, in the notation
            of ``strptime``; empty to use the build's.
        language: The language of records that do not say theirs; empty if it is unknown.
        secrets: The secrets to mask in every name, location and message.
    """

    source: Source
    called: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    url_template: str = ""
    date_format: str = ""
    language: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """The configured name, or else the wrapped source's, with secrets masked."""
        return one_line(mask(self.called or self.source.name, self.secrets))

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences for people on how the source will be read, such as the generator found."""
        found = getattr(self.source, "remarks", ())
        return tuple(one_line(mask(remark, self.secrets)) for remark in found)

    def records(self) -> Iterator[SourceItem]:
        """Yields the wrapped source's records, with secrets masked in locations and messages."""
        for item in self._guarded(self.source.records):
            yield self._configured(item)

    def split(self) -> SplitItems:
        """Returns the raw records in order, and the function that parses one of them.

        If the wrapped source can't be split, its records are parsed already, and the function
        returns each unchanged.
        """
        if self.secrets:
            return self.records(), pass_through
        raw, parse = split_records(self.source)
        return self._guarded(lambda: raw), partial(self._parse, parse)

    def _parse(self, parse: Callable[[Any], SourceItem], raw: Any) -> SourceItem:
        try:
            item = parse(raw)
        except Exception as error:  # noqa: BLE001 - no value from outside ends a build
            item = unreadable(self.name, error)
        return self._configured(item)

    def _guarded(self, read: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Yields what ``read()`` yields; turns any exception into a SourceError with its name."""
        try:
            yield from read()
        except Exception as error:  # noqa: BLE001 - libraries raise what they like over files
            message = str(error)
            if isinstance(error, ParserStoppedError):
                message = f"{self.name} can't be read: {error}"
            elif not isinstance(error, AlsoLikeError):
                message = f"{self.name} can't be read to its end: {describe(error)}"
            # "from None" because the cause's message may hold a secret.
            raise SourceError(mask(message, self.secrets)) from None

    def _configured(self, item: SourceItem) -> SourceItem:
        changes = self.fields, self.url_template, self.date_format, self.language, self.secrets
        if not any(changes):
            return item
        if isinstance(item, RecordProblem):
            message = mask(item.message, self.secrets)
            return replace(item, location=mask(item.location, self.secrets), message=message)
        return read_record(mask(item.location, self.secrets), self._rename, item)

    def _rename(self, location: str, item: Record) -> Record:
        values: Mapping[str, Any] = item.values
        for ours, theirs in self.fields.items():
            # By its own name, a date may also say from when the article is visible, and what ids
            # are made of may be a title or an address.
            if ours in ("date", "id"):
                continue
            for name in theirs.split(","):
                values = _without(values, name.strip())
        if "related" in self.fields:  # then other fields that name related articles are not read
            values = {name: of for name, of in values.items() if not is_related_name(name)}
        values = {
            **values,
            **{ours: get_field(item.values, of) for ours, of in self.fields.items()},
        }
        for name, value in item.values.items():
            if (theirs := name.rstrip()) != name:  # the name stands twice
                named = (ours for ours, one in self.fields.items() if theirs in one.split(","))
                values |= {ours + name[len(theirs) :]: value for ours in named}
        return replace(
            item,
            location=location,
            values=values,
            given=item.values,
            date_format=self.date_format,
            url_template=self.url_template,
            language=self.language,
        )


def _without(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns values without the one that a field is read from; what else says of it stays.

    In ``attributes`` for example, of which a title is read, a status may stand. A value that is
    null stays, too: it may say that the article was not published yet.
    """
    first, _, rest = name.partition(".")
    if values.get(name) is not None:
        return {key: value for key, value in values.items() if key != name}
    if rest and isinstance(inner := values.get(first), Mapping):
        return {**values, first: _without(inner, rest)}
    return values
