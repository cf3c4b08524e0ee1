"""What a site pushed to the service: a source that every full build reads beside the others.

Of each article there is one statement, the newest. Whether it or the other sources' record holds is
decided by :mod:`index.building.statement_staging`.
"""

from dataclasses import dataclass

from index.articles.record import Record, SourceItem
from index.sources.jsonl_source import json_object
from index.sources.source import read_record

PUSHED = "pushed"
"""The name of the source; articles that were pushed bear it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The newest message that a site pushed about one article: its record, or that it is gone.

    Attributes:
        article_id: The article's id.
        number: The statement's number, which grows with every statement about any article.
        stated: When the statement was made, if it says so, else when it was received; microseconds
            since 1970 UTC.
        received: When it was received, microseconds since 1970 UTC.
        who: The name of the token that pushed it.
        record: The record as JSON; ``None`` if the article is gone.
        refused: Why builds can't use the statement, for people; ``None`` if they can.
        hidden_until: Until when readers may not see the article, as it was pushed, microseconds
            since 1970 UTC; 0 if they may, or if a source shows the article again since; below 0 if
            an editor lifted the push's takedown.
    """

    article_id: str
    number: int
    stated: int
    received: int
    who: str
    record: str | None
    refused: str | None = None
    hidden_until: int = 0


def record_of(statement: Statement) -> SourceItem:
    """Parses a pushed statement's record, and gives it the statement's id; or returns a problem."""
    found = read_record(
        location_of(statement.article_id), json_object, (statement.record or "{}").encode()
    )
    if isinstance(found, Record):
        return Record(location=found.location, values={**found.values, "id": statement.article_id})
    return found


def location_of(article_id: str) -> str:
    """Returns the location that messages give for the pushed record of an article."""
    return f"{PUSHED} article {article_id}"
