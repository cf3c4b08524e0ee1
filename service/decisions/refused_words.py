"""Stores words that an editor does not want as a link to a target, though the target is welcome."""

from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa

from service.decisions import schema
from service.decisions.decision_rules import MAX_REASON, check_pair
from service.decisions.decision_store import Actor, Table
from service.errors import DecisionError

_TABLE = schema.refused_words


class RefusedWords(Table):
    """Reads and changes the database table of words in texts that must not become certain links."""

    def all(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Returns all refused words.

        Their keys are pairs of ids: the article with the text, and the article not to link to.
        """
        found: defaultdict[tuple[str, str], tuple[str, ...]] = defaultdict(tuple)
        for row in self._rows(sa.select(_TABLE).order_by(*_TABLE.primary_key.columns)):
            found[row["article_id"], row["target_id"]] += (row["words"],)
        return found

    def put(self, actor: Actor, *, article_id: str, target_id: str, words: str) -> int:
        """Stores that some words of an article's text should not become a link to another article.

        Args:
            actor: The actor who decides.
            article_id: The article with the text.
            target_id: The article not to link to; other words of the text may link to it.
            words: The words as they stand in the text.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an id is invalid, or the words are empty or too long.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        check_pair(article_id, target_id)
        if not 0 < len(words) <= MAX_REASON:
            raise DecisionError("words", f"the words must have 1 to {MAX_REASON} characters")
        key = {"article_id": article_id, "target_id": target_id, "words": words}
        with self._store.change(actor) as change:
            values = {"author": actor.name, "created": change.now}
            return change.decide("words.refuse", _TABLE, key, values, reason="")
