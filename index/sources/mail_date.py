"""Dates as e-mail, RSS and HTTP write them (RFC 5322)."""

from __future__ import annotations

import datetime as dt
import email.utils

_MAX_LENGTH = 100


def mail_date(text: str) -> dt.datetime | None:
    """An e-mail's date, without a zone if it names none; ``None`` if it is none of the calendar."""
    if len(text) > _MAX_LENGTH:
        return None
    try:
        return email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        return None
