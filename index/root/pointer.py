"""The file ``CURRENT``: names the live build and earlier ones, and whether publishing is held."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index.errors import BuildError, raised_as
from index.files import read_regular, replace_file

CURRENT = "CURRENT"
HISTORY = 100
"""Number of earlier live builds that the file ``CURRENT`` lists."""

BUILD_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


class PublishedBuild(BaseModel):
    """The name of a build that is or was live, and the SHA-256 of its manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    build: str
    manifest_sha256: str


class Hold(BaseModel):
    """A stop of all publishing, which a rollback sets and which lasts until an operator ends it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: str
    who: str
    reason: str


class Pointer(PublishedBuild):
    """The content of the file ``CURRENT``, which names the live build.

    ``before`` lists the earlier live builds, latest first. ``held`` says that publishing is on
    hold; it is in the same file, so that a rollback sets both in one step.
    """

    before: list[PublishedBuild] = []
    held: Hold | None = None


def read_pointer(root: Path, repair: Callable[[], str]) -> Pointer | None:
    """Read the file ``CURRENT``, which names the live build; ``None`` if none was published yet.

    Args:
        root: The folder that the file is in.
        repair: A function that returns what repairs the file, for the error if it is damaged.

    Raises:
        BuildError: If the file can't be read, or does not match the checksum in it.
    """
    path = root / CURRENT
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BuildError(f"{path} can't be read: {error}") from error
    try:
        body, _, _ = content.partition(b"\n")
        if content != _sealed(body):
            raise ValueError("its checksum does not match its content")
        pointer = Pointer.model_validate_json(body)
    except (ValidationError, ValueError) as error:
        raise BuildError(f"{path} is damaged ({error}); {repair()}") from error
    if not BUILD_NAME.fullmatch(pointer.build):
        raise BuildError(
            f"{path} names {pointer.build!r}, which is not a valid name of a build; {repair()}"
        )
    return pointer


def write_pointer(root: Path, pointer: Pointer) -> None:
    """Replace the file ``CURRENT``, which names the live build, in one step.

    Raises:
        BuildError: If the file can't be written, for example because the disk is full.
    """
    path = root / CURRENT
    with raised_as(BuildError, f"{path} can't be replaced: ", OSError):
        replace_file(path, _sealed(pointer.model_dump_json().encode()))


def _sealed(body: bytes) -> bytes:
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"
