"""A root: the folder of builds, the pointer to the live one, and how that pointer moves.

::

    root/
      CURRENT          names the live build and its manifest's SHA-256, and what was live before
      builds/NAME/     one immutable directory per build; .NAME is being made or removed
      journal.jsonl    what was done, when, by whom
      .lock            held by whoever builds or publishes
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.build.build import Build
from index.build.file_watch import FileWatch
from index.build.manifest import MANIFEST, Manifest, check_files, read_manifest
from index.errors import BuildError, GateError, UnavailableError
from index.files import sync_folder
from index.root.journal import append_journal, read_journal, utc_timestamp, who
from index.root.lock import locked
from index.root.pointer import (
    BUILD_NAME,
    HISTORY,
    Hold,
    Pointer,
    PublishedBuild,
    read_pointer,
    write_pointer,
)
from index.scale_out.milvus.milvus_collections import check_vectors, drop_vectors, point_alias
from recommender.errors import NotFoundError

HELD_EXIT_CODE = 16
"""What the command line ends with while publishing is held."""

_UNFINISHED = ".unfinished-"
_REMOVED = ".removed-"
_PUBLISHING = ("publish", "force", "rollback", "alias")


class Root:
    """A folder of builds.

    Args:
        path: The folder; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builds = path / "builds"

    @contextmanager
    def locked(self, purpose: str) -> Iterator[list[str]]:
        """Hold the root alone. The lock is the kernel's: a dead process holds none.

        Whoever holds it knows that an unfinished build was left by a process that died, and
        removes it first; yields sentences that say what was removed.

        Raises:
            BusyError: If another process holds it, naming what it does.
            BuildError: If the root can't be written.
        """
        try:
            self.builds.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BuildError(f"{self.path} can't be written: {error}") from error
        with locked(self.path, purpose):
            yield self.clean_up()

    def names(self) -> list[str]:
        """Names of all finished builds, oldest first."""
        if not self.builds.is_dir():
            return []
        return sorted(
            path.name
            for path in self.builds.iterdir()
            if BUILD_NAME.fullmatch(path.name) and (path / MANIFEST).is_file()
        )

    def current(self) -> Pointer | None:
        """What ``CURRENT`` says; see :func:`index.root.pointer.read_pointer`."""
        return read_pointer(self.path)

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
        if not BUILD_NAME.fullmatch(name) or not (self.builds / name).is_dir():
            known = ", ".join(self.names()[-3:]) or "none"
            raise NotFoundError(f"there is no build {name!r} in {self.path} (latest: {known})")
        return self.builds / name

    def open(
        self, name: str | None = None, *, verify: bool = True, watch: FileWatch | None = None
    ) -> Build:
        """Open a build, the live one by default; see :class:`index.build.build.Build`.

        Raises:
            NotFoundError: If there is none of that name, or nothing is live.
            BuildError: If it is damaged, is not the build that was published, or is of a format
                that this version does not read.
        """
        manifest = self.manifest(name)
        return Build(self.folder(manifest.name), manifest, verify=verify, watch=watch)

    def manifest(self, name: str | None = None) -> Manifest:
        """The checked manifest of a build, the live one's by default.

        That of a build which is or was live must have the digest that ``CURRENT`` holds for it.

        Raises:
            NotFoundError: If there is none of that name, or nothing is live.
            BuildError: If it is damaged, or the live build is asked for and ``CURRENT`` is.
        """
        try:
            pointer = self.current()
        except BuildError:  # a build named outright can do without, and publishing it repairs this
            if name is None:
                raise
            pointer = None
        folder = self.folder(pointer.build if name is None and pointer is not None else name)
        known = [] if pointer is None else [pointer, *pointer.before]
        digest = next(
            (entry.manifest_sha256 for entry in known if entry.build == folder.name), None
        )
        return read_manifest(folder, sha256=digest)

    def verify(self, name: str | None = None, *, vectors: bool = True) -> Manifest:
        """Compare every byte of a build with what was written.

        Args:
            name: The build; the live one by default.
            vectors: Also count what Milvus holds of it, if its vectors lie there.

        Raises:
            BuildError: Naming the first file that differs.
            UnavailableError: If Milvus does not answer.
        """
        manifest = self.manifest(name)
        check_files(self.folder(name), manifest)
        if vectors:
            check_vectors(self.folder(name), manifest.count)
        return manifest

    def make_live(
        self, manifest: Manifest, *, event: str = "publish", reason: str = "", **details: Any
    ) -> None:
        """Point to a build that was verified just now; asks neither gates nor a hold.

        The caller holds the lock. To publish a build as a site does, see
        :func:`index.publishing.publish.publish_build`.

        Args:
            manifest: What :meth:`verify` gave.
            event: For the journal.
            reason: For the journal.
            **details: More for the journal.
        """
        name = manifest.name
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
        write_pointer(
            self.path, Pointer(build=name, manifest_sha256=digest, before=before[:HISTORY])
        )
        alias = point_alias(self.folder(name))
        append_journal(
            self.path, event, build=name, articles=manifest.count, reason=reason, **alias, **details
        )

    def rollback(self, *, reason: str = "") -> str:
        """Make the build live that was live before, hold publishing, and return its name.

        Raises:
            BuildError: If there is none left, or it does not verify.
        """
        pointer = self.current()
        earlier = [] if pointer is None else self._still_there(pointer.before)
        if pointer is None or not earlier:
            raise BuildError(f"{self.path} has no earlier build to go back to")
        target, *rest = earlier
        # A server that is away must not stand in the way of going back.
        self.verify(target.build, vectors=False)
        write_pointer(
            self.path,
            Pointer(
                build=target.build,
                manifest_sha256=target.manifest_sha256,
                before=rest,
                held=Hold(since=utc_timestamp(), who=who(), reason=reason),
            ),
        )
        alias = point_alias(self.folder(target.build))
        append_journal(
            self.path,
            "rollback",
            build=target.build,
            instead_of=pointer.build,
            reason=reason,
            **alias,
        )
        return target.build

    def check_hold(self) -> None:
        """Refuse to publish while a rollback holds it.

        Raises:
            GateError: Saying since when, by whom and why.
        """
        try:
            pointer = self.current()
        except BuildError:
            return  # a damaged pointer is repaired by publishing
        if pointer is not None and pointer.held is not None:
            held = pointer.held
            raise GateError(
                f"publishing is held since the rollback of {held.since} by {held.who}"
                f"{f' ({held.reason})' if held.reason else ''}; when the cause is mended: "
                "alsolike release",
                HELD_EXIT_CODE,
            )

    def release(self, *, reason: str = "") -> bool:
        """Let builds be published again; ``False`` if nothing held them."""
        pointer = self.current()
        if pointer is None or pointer.held is None:
            return False
        write_pointer(self.path, pointer.model_copy(update={"held": None}))
        append_journal(self.path, "release", build=pointer.build, reason=reason)
        return True

    def kept_for_rollback(self) -> list[str]:
        """The live build and the one a rollback would go to: never removed."""
        pointer = self.current()
        if pointer is None:
            return []
        return [pointer.build, *(entry.build for entry in self._still_there(pointer.before)[:1])]

    def start_build(self, name: str) -> Path:
        """Make the folder of an unfinished build, under a name that nothing reads."""
        folder = self.builds / (_UNFINISHED + name)
        folder.mkdir(parents=True)
        return folder

    def finish_build(self, folder: Path) -> Path:
        """Sync a written build to disk and give it its real name."""
        final = self.builds / folder.name.removeprefix(_UNFINISHED)
        for path in folder.iterdir():
            sync_folder(path)  # fsync asks for no more than an open file
        sync_folder(folder)
        folder.rename(final)
        sync_folder(self.builds)
        return final

    def remove(self, name: str) -> None:
        """Delete a build; a crash half-way leaves nothing that looks like one.

        Raises:
            UnavailableError: If its vectors lie in Milvus, which does not answer; it stays.
        """
        drop_vectors(self.folder(name))
        doomed = self.folder(name).rename(self.builds / (_REMOVED + name))
        sync_folder(self.builds)
        shutil.rmtree(doomed)

    def discard(self, folder: Path) -> None:
        """Remove an unfinished build: its collection in Milvus, then its files.

        Raises:
            UnavailableError: If Milvus does not answer; the folder stays, to be tried again.
        """
        drop_vectors(folder)
        shutil.rmtree(folder)

    def clean_up(self) -> list[str]:
        """Remove and record what a process that died left behind; the caller holds the lock.

        Returns:
            A sentence for each thing that was removed, or could not be.
        """
        sentences: list[str] = []
        try:
            for path in sorted(self.builds.iterdir()):
                if path.name.startswith((_UNFINISHED, _REMOVED)):
                    try:
                        self.discard(path)
                    except UnavailableError as error:
                        sentences.append(str(error))
                        continue
                    if path.name.startswith(_UNFINISHED):
                        sentences.append(
                            f"build {path.name.removeprefix(_UNFINISHED)} died unfinished"
                        )
            for path in self.path.glob(".*.tmp"):
                path.unlink()
        except OSError as error:
            raise BuildError(f"{self.path} can't be cleaned up: {error}") from error
        if sentences:
            append_journal(self.path, "clean-up", reason="; ".join(sentences))
        return sentences + self._complete_journal()

    def _complete_journal(self) -> list[str]:
        """Record a publish that a crash cut off between the pointer and the journal."""
        try:
            pointer = self.current()
        except BuildError:
            return []
        if pointer is None:
            return []
        recorded = [line for line in read_journal(self.path) if line.get("event") in _PUBLISHING]
        if recorded and recorded[-1].get("build") == pointer.build:
            return self._complete_alias(recorded[-1])
        sentence = f"build {pointer.build} is live, though its process died before it said so"
        alias = point_alias(self.builds / pointer.build)
        append_journal(self.path, "publish", build=pointer.build, reason=sentence, **alias)
        return [sentence]

    def _complete_alias(self, last: dict[str, Any]) -> list[str]:
        """Switch an alias in Milvus that could not be switched when its build became live."""
        if "alias_error" not in last:
            return []
        alias = point_alias(self.builds / last["build"])
        if "alias_error" not in alias:
            append_journal(self.path, "alias", build=last["build"], **alias)
            return [f"the alias of build {last['build']} in Milvus is switched now"]
        return []

    def _still_there(self, entries: list[PublishedBuild]) -> list[PublishedBuild]:
        return [entry for entry in entries if (self.builds / entry.build / MANIFEST).is_file()]
