"""Placements: short signed texts that say which list is shown, so that its clicks can be counted.

A placement is a part of a list like its title is: the same for everyone who gets the list, so that
caches go on working. It says nothing about a reader. Whoever reports clicks sends it back, and
names positions only; the signature makes sure that this service has shown such a list.

It is the Base64 (URL alphabet, without padding) of: version (1 byte), variant (1), date of the last
full build (8), digest of the query (2), digest of the comparison if its variant made the list (2),
digest of the article's id (6), for each item the digest of its id (6) and its origin (1), and a
keyed BLAKE2b of all that (8).
"""

import binascii
import functools
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path

from index.build.build import Build
from index.build.id_table import id_digest
from index.build.list_dates import build_date, build_name
from index.files import read_regular, sync_folder
from index.query import MAX_LIMIT, RelatedQuery
from index.root.comparison import Variant
from recommender.errors import SettingError
from service.serving.selection import Origin, SelectedItem
from service.settings import Settings

KEY_FILE = "clicks.key"
"""The file in the root with the key that signs placements; all processes of a site share it."""

_KEY_BYTES = 32
_VERSION = 1
_HEAD = struct.Struct(">BBQ2s2s6s")
_ITEM = struct.Struct(">6sB")
_MAC = 8
_ORIGINS = tuple(Origin)
_NUMBERS = {origin: number for number, origin in enumerate(Origin)}
MAX_PLACEMENT = (_HEAD.size + MAX_LIMIT * _ITEM.size + _MAC + 2) // 3 * 4
"""The longest placement, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The content of a placement: the signed text that says which list a page showed.

    Attributes:
        variant: Where the list came from: the live lists, a compared variant or an export.
        full_build: The date of the last full build, as :func:`index.build.list_dates.build_date`
            returns it.
        query: A digest of the query that asked for the list, 2 bytes.
        comparison: If a compared variant made the list, the :func:`short_digest` of the
            comparison's key; else two zero bytes.
        article: The digest of the id of the article whose list it is, 6 bytes.
        items: For each position the digest of the shown article's id, and why the list shows it.
        signature: The signature of all these values, 8 bytes; different for every placement.
    """

    variant: Variant
    full_build: int
    query: bytes
    comparison: bytes
    article: bytes
    items: tuple[tuple[bytes, Origin], ...]
    signature: bytes

    @property
    def full_build_name(self) -> str:
        """The name of the full build on which the list is based, made of its date."""
        return build_name(self.full_build)


class Placements:
    """Makes the signed texts that say which list a page shows, and reads them again.

    Args:
        key: The secret key of the signatures, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(
        self,
        build: Build,
        row: int,
        items: Sequence[SelectedItem],
        query: RelatedQuery,
        variant: Variant = Variant.LIVE,
        comparison: str = "",
    ) -> str:
        """Returns the placement of a list: a signed text in Base64 that says which list it is.

        Args:
            build: The build from which the list was selected.
            row: The row number of the article whose list it is.
            items: The articles that the list shows, in their order.
            query: The query that asked for the list.
            variant: Where the list came from: the live lists, a compared variant or an export.
            comparison: The key of the comparison, if a compared variant made the list.
        """
        ids = build.ids
        head = _HEAD.pack(
            _VERSION,
            variant,
            build_date(build.full_name),
            short_digest(query.identity()) if query.exclude else _digest(query),  # may be large
            short_digest(comparison) if comparison else b"",
            id_digest(ids[row]),
        )
        content = head + b"".join(
            [_ITEM.pack(id_digest(ids[item.row]), _NUMBERS[item.origin]) for item in items]
        )
        return urlsafe_b64encode(content + self._sign(content)).rstrip(b"=").decode()

    def read(self, token: str) -> Placement | None:
        """Reads a placement that a page sent; ``None`` if its signature is not this service's."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        content, signature = raw[:-_MAC], raw[-_MAC:]
        if not compare_digest(self._sign(content), signature):
            return None
        if urlsafe_b64encode(raw).rstrip(b"=") != token.encode():
            return None  # other characters that mean the same bytes
        version, variant, full_build, query, comparison, article = _HEAD.unpack_from(content)
        if version != _VERSION:
            return None
        return Placement(
            variant=Variant(variant),  # with this version there are no others
            full_build=full_build,
            query=query,
            comparison=comparison,
            article=article,
            items=tuple(
                (digest, _ORIGINS[origin])
                for digest, origin in _ITEM.iter_unpack(content[_HEAD.size :])
            ),
            signature=signature,
        )

    def _sign(self, content: bytes) -> bytes:
        return blake2b(content, digest_size=_MAC, key=self._key).digest()


def short_digest(text: str) -> bytes:
    """Returns a hash of a text, 2 bytes long, for use in placements."""
    return blake2b(text.encode(), digest_size=2).digest()


def open_placements(settings: Settings) -> Placements | None:
    """Returns an object that makes and reads a site's placements; ``None`` if clicks don't count.

    The first call creates the file with the secret key in the folder of the builds; only the user
    who created it can read it.

    Raises:
        SettingError: If the key file can't be read or created.
    """
    if not settings.clicks:
        return None
    path = settings.root / KEY_FILE
    try:
        key = _read_or_make(path)
    except OSError as error:
        raise SettingError(
            f"counting clicks needs the key file {path}, which can't be read or made: "
            f"{error.strerror}; give it to the user who runs AlsoLike, or set clicks = false"
        ) from error
    if len(key) != _KEY_BYTES:
        raise SettingError(
            f"the key file {path} has {len(key)} bytes instead of {_KEY_BYTES}: restore it, or "
            "remove it to have a new one made"
        )
    return Placements(key)


def _read_or_make(path: Path) -> bytes:
    try:
        return read_regular(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{KEY_FILE}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(beside)
        except FileExistsError:  # another process was first
            return read_regular(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)
    return read_regular(path)


@functools.lru_cache(maxsize=1_000)
def _digest(query: RelatedQuery) -> bytes:
    return short_digest(query.identity())
