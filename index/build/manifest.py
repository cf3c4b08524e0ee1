"""The manifest of a build, ``manifest.json``: describes the build and verifies its files."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from index.errors import BuildError, FormatError
from index.files import known_sha256, read_regular
from recommender.encoder import Fingerprint

FORMAT_VERSION = 7
MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
"""File with the manifest's own hash, in the format of ``sha256sum --check``. A published build's
hash is also recorded in ``CURRENT``; that of an unpublished build is only in this file."""

_HASHING = 4
"""Number of files to hash in parallel."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(_Strict):
    """The size in bytes and the SHA-256 of one file of a build."""

    bytes: int
    sha256: str


class IndexEntry(_Strict):
    """The type of the neighbor index, and the measured share of true neighbors that it finds.

    If the index is in Milvus, ``uri`` and ``collection`` locate it; ``uri`` contains no secret.
    """

    kind: str
    recall: float
    uri: str | None = None
    collection: str | None = None


class Manifest(_Strict):
    """The content of a build's ``manifest.json``, which describes the build and its files.

    A *small* build takes over from the live build what did not change. Its ``full`` names the last
    build that computed all lists anew (such a build names itself), and ``drift`` is the share of
    that build's lists of which the first articles changed since. ``pushed`` is the number of the
    newest change pushed over the API that the build contains, with all earlier ones.
    """

    format: int
    name: str
    created: str
    alsolike: str
    encoder: Fingerprint
    recipe: str
    count: int
    visible: int
    depth: int
    sources: list[str]
    index: IndexEntry
    quality: dict[str, float]
    reading: dict[str, Any]
    encoded: int
    weights: dict[str, float] = Field(default_factory=dict)
    seconds: dict[str, float]
    full: str = ""
    small: bool = False
    pushed: int = 0
    drift: float = 0.0
    files: dict[str, FileEntry]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a build's ``manifest.json``, and its hash into ``manifest.sha256``."""
    content = (manifest.model_dump_json(indent=2) + "\n").encode()
    (folder / MANIFEST).write_bytes(content)
    (folder / SEAL).write_bytes(_seal(content))


def _seal(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


class _Format(BaseModel):
    """What a manifest of any format holds."""

    format: int
    pushed: int = 0


def _check_format(path: Path, found: _Format) -> None:
    if found.format == FORMAT_VERSION:
        return
    newer = found.format > FORMAT_VERSION
    remedy = (
        "a newer AlsoLike made it: install that version, or go back with: alsolike rollback"
        if newer
        else "make a new build with: alsolike build --from-scratch --force"
    )
    raise FormatError(
        f"{path} has format {found.format}, but this version of AlsoLike reads {FORMAT_VERSION}; "
        f"{remedy}",
        newer=newer,
        pushed=found.pushed,
    )


def read_manifest(folder: Path, *, sha256: str | None = None) -> Manifest:
    """Read and check a build's manifest.

    Args:
        folder: The build's folder.
        sha256: The expected SHA-256 of ``manifest.json`` in hex, if known.

    Raises:
        BuildError: If the manifest is missing, changed, unreadable, or of another format version.
    """
    path = folder / MANIFEST
    try:
        content = read_regular(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise BuildError(
            f"{path} was changed: its SHA-256 is {found}, expected {sha256}; make a new build"
        )
    with suppress(ValidationError):
        _check_format(path, _Format.model_validate_json(content))
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise BuildError(
            f"{path} is not a manifest of format {FORMAT_VERSION}: "
            f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}; make a new build"
        ) from error
    if manifest.name != folder.name:
        raise BuildError(
            f"{path} belongs to build {manifest.name!r}: rename the folder {folder.name!r} to it"
        )
    try:
        seal = read_regular(folder / SEAL)
    except OSError as error:
        raise _unreadable(folder / SEAL, error) from error
    if seal != _seal(content):
        raise BuildError(
            f"{path} does not match its hash in {SEAL}: one of the two was changed; "
            "make a new build"
        )
    return manifest


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Return size and hash of each file of a build, except the manifest and its hash file."""
    paths = sorted(path for path in folder.iterdir() if path.name not in (MANIFEST, SEAL))
    with ThreadPoolExecutor(_HASHING) as pool:  # hashing releases Python's global lock
        hashes = list(pool.map(known_sha256, paths))
    return {
        path.name: FileEntry(bytes=path.stat().st_size, sha256=sha256)
        for path, sha256 in zip(paths, hashes, strict=True)
    }


def check_files(
    folder: Path, manifest: Manifest, names: set[str] | None = None, *, contents: bool = True
) -> None:
    """Compare a build's files with its manifest, byte for byte.

    Args:
        folder: The build's folder.
        manifest: The build's manifest.
        names: The files to compare. By default all files are compared, and the folder may hold no
            file that the manifest does not list.
        contents: Compare the files' contents, not only their sizes.

    Raises:
        BuildError: If a file is missing, unknown or changed; the message names the first one.
    """
    if names is None:
        extra = {path.name for path in folder.iterdir()} - set(manifest.files) - {MANIFEST, SEAL}
        if extra:
            raise BuildError(f"{folder / min(extra)} does not belong to the build; remove it")
        names = set(manifest.files)
    with ThreadPoolExecutor(_HASHING) as pool:  # hashing releases Python's global lock
        for _ in pool.map(partial(_check_file, folder, manifest, contents), sorted(names)):
            pass


def _check_file(folder: Path, manifest: Manifest, contents: bool, name: str) -> None:
    path = folder / name
    entry = manifest.files.get(name)
    if entry is None:
        raise BuildError(f"{folder / MANIFEST} lists no file {name}; make a new build")
    try:
        size = path.stat().st_size
        digest = known_sha256(path) if contents and size == entry.bytes else entry.sha256
    except OSError as error:
        raise _unreadable(path, error) from error
    if size != entry.bytes:
        raise BuildError(
            f"{path} has {size} bytes, the manifest says {entry.bytes}; make a new build"
        )
    if digest != entry.sha256:
        raise BuildError(
            f"{path} is damaged: its SHA-256 is not the one in the build's manifest; "
            "make a new build"
        )


def _unreadable(path: Path, error: OSError) -> BuildError:
    return BuildError(f"{path} can't be read: {error.strerror}; make a new build")
