"""Checks the fields of an editor's decision: ids, reasons, names, end times."""

import hashlib
import unicodedata

from recommender.article import check_id
from service.errors import DecisionError

MAX_POSITION = 50
MAX_REASON = 1_000
MAX_NAME = 100


def check_pair(article_id: str, target_id: str) -> None:
    """Checks the two article ids in a decision about one article in another's list.

    Args:
        article_id: The article whose list it is.
        target_id: The article in that list.

    Raises:
        ArticleError: For an invalid id.
        DecisionError: If both ids are the same.
    """
    check_id(article_id, field="article_id")
    check_id(target_id, field="target_id")
    if article_id == target_id:
        raise DecisionError(
            "target_id", f"article {article_id!r} can't be in its own list; choose another"
        )


def check_reason(reason: str) -> None:
    """Checks the reason that an editor gives for a decision.

    It may have up to 1,000 characters, including line breaks and tabs.

    Raises:
        DecisionError: If the reason is longer, or holds other control characters.
    """
    if len(reason) > MAX_REASON:
        raise DecisionError(
            "reason", f"the reason has {len(reason)} characters; at most {MAX_REASON} are allowed"
        )
    _refuse_controls("reason", reason.replace("\n", "").replace("\t", ""))


def check_name(name: str, field: str = "name") -> None:
    """Checks the name of a person or token.

    It must have 1 to 100 characters on one line, without white space at either end.

    Args:
        name: The name.
        field: The name of the field that holds it, for the error.

    Raises:
        DecisionError: If the name is not valid.
    """
    if not name or name != name.strip() or len(name) > MAX_NAME:
        raise DecisionError(
            field,
            f"{field} {name[:MAX_NAME]!r} must have 1 to {MAX_NAME} characters "
            "and must not begin or end with white space",
        )
    _refuse_controls(field, name)


def check_until(until: int, now: int) -> None:
    """Checks that a decision ends in the future.

    Args:
        until: When the decision ends, microseconds since 1970 UTC.
        now: The current time, microseconds since 1970 UTC.

    Raises:
        DecisionError: If the end time has passed.
    """
    if until <= now:
        raise DecisionError("until", "the end time is in the past; choose a later one, or none")


def digest(text: str) -> str:
    """Returns the SHA-256 of a text as hexadecimal digits; the text may be invalid Unicode."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def first_control(text: str) -> str:
    """Returns a text's first control character or half of a surrogate pair; empty without one."""
    return next((each for each in text if unicodedata.category(each) in ("Cc", "Cs")), "")


def _refuse_controls(field: str, text: str) -> None:
    if found := first_control(text):
        raise DecisionError(field, f"{field} holds the character {found!a}; remove it")
