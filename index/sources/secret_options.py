"""Reads a source's secret options from the environment or files, and masks them in messages."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from index.errors import raised_as
from index.sources.regular_file import open_regular
from recommender.errors import SettingError

SECRET = "password"  # noqa: S105 - the option's name
_MAX_BYTES = 64 * 1024
_MASK = "***"
_SHORTEST = 6  # characters
_SECRET_NAME = re.compile(r"key\b|token|secret|pass|pw|auth|sig", re.IGNORECASE)


def resolve_secrets(table: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Reads a source's secrets from the environment variables and files that its table names.

    An option ``NAME_env``, with the name of an environment variable, or ``NAME_file``, with the
    path of a file, is replaced by the option ``NAME`` with the secret.

    Args:
        table: One ``[[source]]`` table.

    Returns:
        The options with the secrets, and all texts that messages must never show.

    Raises:
        SettingError: If the table itself holds a secret, or a secret can't be found. The
            message does not show the secret.
    """
    refuse_secrets(table)
    options: dict[str, Any] = {}
    found: list[str] = []
    for key, value in table.items():
        name, _, way = key.rpartition("_")
        if way in ("env", "file") and name and isinstance(value, str):
            options[name] = _look_up(key, value, way)
            found += [options[name]] if name == SECRET else _in_url(options[name])
        else:
            options[key] = value
            found += _in_url(value) if key == "url" and isinstance(value, str) else []
    return options, tuple(sorted(_spellings(found, options), key=len, reverse=True))


def refuse_secrets(table: Mapping[str, Any]) -> None:
    """Checks that a table does not itself hold a secret, such as a password.

    Raises:
        SettingError: If the table holds a secret. The message says where the secret belongs, but
            does not show it.
    """
    remedy = (
        "name the environment variable or the file that holds it instead: "
        'password_env = "…" or password_file = "…"'
    )
    if SECRET in table:
        raise SettingError(f"a password does not belong in the settings; {remedy}")
    if isinstance(table.get("url"), str) and has_password(table["url"]):
        raise SettingError(f"the url holds a password; {remedy}")


def has_password(url: str) -> bool:
    """Tells whether a URL holds a password, even if the URL can't be parsed."""
    netloc = url.partition("://")[2].partition("/")[0]
    in_options = re.search("pass(?:word|wd)=", url.partition("?")[2], re.IGNORECASE)
    return ":" in netloc.rpartition("@")[0] or in_options is not None


def mask(text: str, secrets: Iterable[str]) -> str:
    """Returns ``text`` with every secret in it replaced by ``***``."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return text


def _look_up(key: str, value: str, way: str) -> str:
    if way == "env":
        secret = os.environ.get(value, "")
        if not secret:
            raise SettingError(f"{key}: the environment variable {value!r} is not set; set it")
        return secret
    with (
        raised_as(SettingError, f"{key}: {value} can't be read: ", OSError, ValueError),
        open_regular(value) as file,
    ):
        secret = file.read(_MAX_BYTES).decode().strip("\r\n")
    if not secret:
        raise SettingError(f"{key}: the file {value} is empty; write the secret into it")
    return secret


def _in_url(url: str) -> list[str]:
    """Returns the parts of a URL that may be secret: its password and values of its query.

    A short value without a telling name is none, such as that of ``paged=1``: it stands in every
    other word of a message.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]
    userinfo = parts.netloc.rpartition("@")[0]
    values = [
        value
        for name, value in parse_qsl(parts.query)
        if len(value) >= _SHORTEST or _SECRET_NAME.search(name)
    ]
    return [text for text in (unquote(userinfo.partition(":")[2]), *values) if text]


def _spellings(secrets: list[str], options: Mapping[str, Any]) -> set[str]:
    """Returns every form in which a message may show the secrets, such as percent-encoded."""
    forms: set[str] = set()
    for secret in secrets:
        pair = f"{options.get('user', '')}:{secret}".encode()
        forms |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
        forms |= {repr(secret)[1:-1], base64.b64encode(pair).decode()}
    return forms
