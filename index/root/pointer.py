"""The file ``CURRENT``: which build is live, what was before it, and whether publishing is held."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index.errors import BuildError
from index.files import replace_file

CURRENT = "CURRENT"
HISTORY = 20
"""How many earlier live builds the pointer remembers."""

BUILD_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


class PublishedBuild(BaseModel):
    """A build that is or was live."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    build: str
    manifest_sha256: str


class Hold(BaseModel):
    """A rollback's request that nothing be published until someone has looked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: str
    who: str
    reason: str


class Pointer(PublishedBuild):
    """What ``CURRENT`` says; ``before`` lists what was live earlier, latest first.

    The hold lies in the same file, so that no crash parts it from its rollback.
    """

    before: list[PublishedBuild] = []
    held: Hold | None = None


def read_pointer(root: Path) -> Pointer | None:
    """What ``CURRENT`` says; ``None`` before the first publish.

    Raises:
        BuildError: If the file is damaged, be it by one byte.
    """
    path = root / CURRENT
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BuildError(f"{path} can't be read: {error}") from error
    try:
        body, _, _ = content.partition(b"\n")
        if content != _sealed(body):
            raise ValueError("its checksum does not fit")
        pointer = Pointer.model_validate_json(body)
    except (ValidationError, ValueError) as error:
        raise BuildError(
            f"{path} is damaged ({error}); repair it with: alsolike publish BUILD --force"
        ) from error
    if not BUILD_NAME.fullmatch(pointer.build):
        raise BuildError(f"{path} names {pointer.build!r}, which is not a build's name")
    return pointer


def write_pointer(root: Path, pointer: Pointer) -> None:
    """Replace ``CURRENT`` in one step.

    Raises:
        BuildError: If it can't be written, such as on a full disk.
    """
    path = root / CURRENT
    try:
        replace_file(path, _sealed(pointer.model_dump_json().encode()))
    except OSError as error:
        raise BuildError(f"{path} can't be replaced: {error}") from error


def _sealed(body: bytes) -> bytes:
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"
