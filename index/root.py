"""A root: the folder of builds, the pointer to the live one, and how that pointer moves.

::

    root/
      CURRENT          names the live build and its manifest's SHA-256, and what was live before
      builds/NAME/     one immutable directory per build
      journal.jsonl    what was done, when, by whom
      .lock            held by whoever builds or publishes
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index.files import replace_file, sync_folder
from index.journal import append_journal
from index.manifest import MANIFEST, Manifest, check_files, read_manifest
from recommender.errors import BuildError, BusyError, NotFoundError

CURRENT = "CURRENT"
HISTORY = 20
"""How many earlier live builds the pointer remembers."""

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_UNFINISHED = ".unfinished-"


class PublishedBuild(BaseModel):
    """A build that is or was live."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    build: str
    manifest_sha256: str


class Pointer(PublishedBuild):
    """The file ``CURRENT``; ``before`` lists what was live earlier, latest first."""

    before: list[PublishedBuild] = []


class Root:
    """A folder of builds.

    Args:
        path: The folder; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builds = path / "builds"

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold the root alone. The lock is the kernel's: a dead process holds none.

        Raises:
            BusyError: If another process holds it, naming what it does.
        """
        self.builds.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise BusyError(
                    f"{self.path} is in use: {holder}; wait for it to end, then try again"
                ) from None
            file.truncate(0)
            file.write(f"{purpose} (process {os.getpid()})")
            file.flush()
            yield

    def names(self) -> list[str]:
        """Names of all finished builds, oldest first."""
        if not self.builds.is_dir():
            return []
        return sorted(
            path.name
            for path in self.builds.iterdir()
            if _NAME.fullmatch(path.name) and (path / MANIFEST).is_file()
        )

    def current(self) -> Pointer | None:
        """What ``CURRENT`` says; ``None`` before the first publish.

        Raises:
            BuildError: If the file is damaged.
        """
        path = self.path / CURRENT
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BuildError(f"{path} can't be read: {error}") from error
        try:
            body, _, digest = content.rstrip(b"\n").rpartition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() != digest:
                raise ValueError("its checksum does not fit")
            pointer = Pointer.model_validate_json(body)
        except (ValidationError, ValueError) as error:
            raise BuildError(
                f"{path} is damaged ({error}); repair it with: alsolike publish BUILD"
            ) from error
        if not _NAME.fullmatch(pointer.build):
            raise BuildError(f"{path} names {pointer.build!r}, which is not a build's name")
        return pointer

    def folder(self, name: str | None = None) -> Path:
        """The folder of a build, of the live one by default.

        Raises:
            NotFoundError: If there is none of that name, or nothing is live.
        """
        if name is None:
            pointer = self.current()
            if pointer is None:
                raise NotFoundError(
                    f"nothing is published in {self.path}; make a build with: "
                    f"alsolike build SOURCE --root {self.path}"
                )
            name = pointer.build
        if not _NAME.fullmatch(name) or not (self.builds / name).is_dir():
            known = ", ".join(self.names()[-3:]) or "none"
            raise NotFoundError(f"there is no build {name!r} in {self.path} (latest: {known})")
        return self.builds / name

    def manifest(self, name: str | None = None) -> Manifest:
        """The checked manifest of a build; the live one's is held to ``CURRENT``'s digest."""
        pointer = self.current()
        folder = self.folder(name)
        known = [] if pointer is None else [pointer, *pointer.before]
        digest = next(
            (entry.manifest_sha256 for entry in known if entry.build == folder.name), None
        )
        return read_manifest(folder, sha256=digest)

    def verify(self, name: str | None = None) -> Manifest:
        """Compare every byte of a build with what was written.

        Raises:
            BuildError: Naming the first file that differs.
        """
        manifest = self.manifest(name)
        check_files(self.folder(name), manifest)
        return manifest

    def publish(self, name: str, *, reason: str = "", event: str = "publish") -> None:
        """Verify a build and make it live. The caller holds the lock.

        Raises:
            BuildError: If it does not verify; what was live stays live.
        """
        manifest = self.verify(name)
        digest = hashlib.sha256((self.folder(name) / MANIFEST).read_bytes()).hexdigest()
        try:
            pointer = self.current()
        except BuildError:  # a damaged pointer is repaired by publishing
            pointer = None
        before: list[PublishedBuild] = []
        if pointer is not None:
            before = [
                entry
                for entry in [
                    PublishedBuild(build=pointer.build, manifest_sha256=pointer.manifest_sha256),
                    *pointer.before,
                ]
                if entry.build != name
            ]
        self._point(Pointer(build=name, manifest_sha256=digest, before=before[:HISTORY]))
        append_journal(self.path, event, build=name, articles=manifest.count, reason=reason)

    def rollback(self, *, reason: str = "") -> str:
        """Make the build live that was live before, and return its name.

        Raises:
            BuildError: If there is none left, or it does not verify.
        """
        pointer = self.current()
        if pointer is None or not pointer.before:
            raise BuildError(f"{self.path} has no earlier build to go back to")
        target, *rest = pointer.before
        self.verify(target.build)
        self._point(
            Pointer(build=target.build, manifest_sha256=target.manifest_sha256, before=rest)
        )
        append_journal(
            self.path, "rollback", build=target.build, instead_of=pointer.build, reason=reason
        )
        return target.build

    def start_build(self, name: str) -> Path:
        """A fresh folder for a build in the making, under a name nothing reads."""
        folder = self.builds / (_UNFINISHED + name)
        folder.mkdir(parents=True)
        return folder

    def finish_build(self, folder: Path) -> Path:
        """Give a written and synced build its real name."""
        final = self.builds / folder.name.removeprefix(_UNFINISHED)
        sync_folder(folder)
        folder.rename(final)
        sync_folder(self.builds)
        return final

    def clean_up(self) -> list[str]:
        """Remove what builds that died left behind; the caller holds the lock."""
        left = sorted(
            path
            for path in (self.builds.iterdir() if self.builds.is_dir() else ())
            if path.name.startswith(_UNFINISHED)
        )
        for path in left:
            shutil.rmtree(path)
        for path in self.path.glob(".*.tmp"):
            path.unlink()
        return [path.name.removeprefix(_UNFINISHED) for path in left]

    def _point(self, pointer: Pointer) -> None:
        body = pointer.model_dump_json().encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        replace_file(self.path / CURRENT, body + b"\n" + digest + b"\n")
