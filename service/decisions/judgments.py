"""Stores editors' judgments: whether an article in another article's list is a good or bad link.

The quality of a build's lists is measured by them.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from service.decisions import schema
from service.decisions.decision_rules import check_name, check_pair
from service.decisions.decision_store import Actor, Change, Table
from service.errors import DecisionError

_TABLE = schema.judgments
_OVERRIDES = schema.overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """One editor's judgment whether an article's list should show another article.

    Attributes:
        article_id: The article that the list belongs to.
        target_id: The judged article in that list.
        verdict: 1 for a good link, -1 for a bad one.
        author: The editor's name.
        build: The name of the build that the editor saw; empty if the judgment was made by hiding
            the target as not related.
        reason: The editor's reason; may be empty.
        created: Time of the judgment, microseconds since 1970 UTC.
    """

    article_id: str
    target_id: str
    verdict: int
    author: str
    build: str
    reason: str
    created: int


class Judgments(Table):
    """Reads and changes the database table of judgments.

    If an editor hides a link because it is "not related", this counts as a bad judgment too.
    """

    def all(self) -> list[Judgment]:
        """Returns all judgments, sorted by article, target and author.

        If an editor hid a link as not related, this counts instead of what the same editor judged.
        """
        return self._select()

    def of(self, article_id: str) -> list[Judgment]:
        """Returns all editors' judgments of the links in one article's list, sorted by target."""
        return self._select(article_id)

    def by(self, author: str, article_id: str) -> dict[str, int]:
        """Returns one editor's verdicts on the links in an article's list.

        Each is 1 for a good link or -1 for a bad one, by the id of the article that is linked.
        """
        found = self.of(article_id)
        return {each.target_id: each.verdict for each in found if each.author == author}

    def _select(self, article_id: str | None = None) -> list[Judgment]:
        given = sa.select(_TABLE)
        names = ("article_id", "target_id", "author", "reason", "created")
        hidden = sa.select(*(_OVERRIDES.c[name] for name in names)).where(_OVERRIDES.c.not_related)
        if article_id is not None:
            given = given.where(_TABLE.c.article_id == article_id)
            hidden = hidden.where(_OVERRIDES.c.article_id == article_id)
        with self._store.read() as connection:
            found = [Judgment(**row) for row in connection.execute(given).mappings()]
            rows = connection.execute(hidden).mappings()
            found += [Judgment(**row, verdict=-1, build="") for row in rows]
        by_key = {(item.article_id, item.target_id, item.author): item for item in found}
        return [by_key[key] for key in sorted(by_key)]

    def put(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        verdict: int,
        build: str = "",
        reason: str = "",
    ) -> int:
        """Stores whether an actor finds a link good or bad.

        It replaces an earlier judgment of the link by the same actor. A good one also takes the
        place of the actor's hide as not related, which goes on as a plain hide.

        Args:
            actor: The actor who judges.
            article_id: The article that the list belongs to.
            target_id: The judged article in that list.
            verdict: 1 for a good link, -1 for a bad one.
            build: The name of the build that the actor sees.
            reason: The actor's reason, at most 1,000 characters.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an argument is not as described.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        check_pair(article_id, target_id)
        if build:
            check_name(build, "build")
        if verdict not in (1, -1):
            raise DecisionError("verdict", f"a verdict must be 1 or -1, not {verdict}")
        with self._store.change(actor) as change:
            values = {"verdict": verdict, "build": build, "reason": reason, "created": change.now}
            key = _key(article_id, target_id, actor)
            if verdict == 1:
                _hide_plainly(change, article_id, target_id)
            return change.decide("judgment.put", _TABLE, key, values, reason=reason)

    def remove(self, actor: Actor, *, article_id: str, target_id: str, reason: str = "") -> int:
        """Removes an actor's own judgment of a link; a hide as not related becomes a plain hide.

        Args:
            actor: The actor whose judgment it is.
            article_id: The article that the list belongs to.
            target_id: The judged article in that list.
            reason: The actor's reason, at most 1,000 characters.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an argument is not as described.
            NotFoundError: If the actor did not judge this link.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        check_pair(article_id, target_id)
        key = _key(article_id, target_id, actor)
        absent = f"{actor.name} has not judged {target_id!r} as a link in {article_id!r}"
        with self._store.change(actor) as change:
            entry = _hide_plainly(change, article_id, target_id)
            if entry is not None and change.stored(_TABLE, key) is None:
                return entry
            return change.decide("judgment.remove", _TABLE, key, None, reason=reason, absent=absent)


def _hide_plainly(change: Change, article_id: str, target_id: str) -> int | None:
    """Takes the judgment from the actor's hide as not related; returns the audit entry, if any."""
    key = {"article_id": article_id, "target_id": target_id}
    found = change.stored(_OVERRIDES, key)
    if found is None or not found["not_related"] or found["author"] != change.actor.name:
        return None
    values = {**found, "not_related": False}
    return change.decide("override.put", _OVERRIDES, key, values, reason=found["reason"])


def _key(article_id: str, target_id: str, actor: Actor) -> dict[str, str]:
    return {"article_id": article_id, "target_id": target_id, "author": actor.name}
