"""Fills templates for links of articles: ``https://example.org/{year}/{month}/{slug}/``."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from recommender.errors import ArticleError, SettingError

DEFAULT_TEMPLATE = "/{id}"
"""The template of the settings if none is set; a link that a site's own rules give goes before."""

_PLACEHOLDER = re.compile(r"\{([^{}\s][^{}]*)\}")
_SAFE = "/-._~!$'()*,;:@"  # what may stand in a path as it is


def check_template(template: Any, where: str) -> str:
    """Check a template for articles' addresses, and return it unchanged if it is valid.

    Args:
        template: The template, such as ``/{year}/{slug}/``.
        where: The name of the setting that holds it, for the error message.

    Raises:
        SettingError: If it is not a text with a placeholder, or has a brace without a partner.
    """
    if isinstance(template, str):
        rest, count = _PLACEHOLDER.subn("", template)
        if count and "{" not in rest and "}" not in rest:
            return template
    raise SettingError(
        f"{where} {template!r:.100} must hold a placeholder, such as {{id}}, {{path}}, {{slug}}, "
        "{year} or a field's name in braces"
    )


def fill_template(template: str, get: Callable[[str], Any]) -> str:
    """Make an article's address: replace a template's placeholders by a record's values.

    Values are percent-encoded; slashes in them stay.

    Args:
        template: A template that :func:`check_template` accepts.
        get: Returns the value for a placeholder's name; ``None`` if there is none.

    Raises:
        ArticleError: If there is no value for a placeholder, or it is not a text or number.
    """
    filled = ""
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        value = _text(get(found[1]))
        if not value:
            message = f"url_template {template}: there is no {found[1]}"
            raise ArticleError("url", "no-field", message)
        filled += template[end : found.start()]
        end = found.end()
        # No empty segments where both template and value have a slash.
        if filled.endswith("/"):
            value = value.lstrip("/")
        if template.startswith("/", end):
            value = value.rstrip("/")
        filled += quote(value, safe=_SAFE, errors="replace")
    return filled + template[end:]


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, str | int | dt.date) and not isinstance(value, bool):
        return "/".join(one for one in str(value).strip().split("/") if one not in (".", ".."))
    return ""
