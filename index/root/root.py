"""The class ``Root``: the folder of all builds, with publishing, rollback and cleaning up.

::

    root/
      CURRENT          names the live build with its manifest's SHA-256, and earlier live builds
      builds/NAME/     one folder per build, which never changes; those being made or removed have
                       a name that begins with a dot
      comparison.json  the variant with which the live lists are compared, and how
      variants/NAME/   the builds of a variant, each under the name of the live one beside it
      journal.jsonl    what was done, when, and by whom
      work/            what a build in progress has encoded, and on a cluster all it has done
      .lock            locked by the process that makes a build
      .current.lock    locked while CURRENT changes, for a moment
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from index.build.build import Build
from index.build.file_watch import FileWatch
from index.build.manifest import MANIFEST, Manifest, check_files, read_manifest
from index.errors import BuildError, BusyError, GateError, UnavailableError, raised_as
from index.files import sync_folder
from index.root.journal import PUBLISHING, append_journal, read_journal, utc_timestamp, who
from index.root.lock import CURRENT_LOCK, locked
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
"""Exit code of commands that can't publish because publishing is held after a rollback."""

_SWITCH_SECONDS = 600.0  # a rollback reads all files of the build to which it goes back
_UNFINISHED = ".unfinished-"
_REMOVED = ".removed-"
_LEFT = (_UNFINISHED, _REMOVED)


class Root:
    """The folder of all builds of a site: names, opens, publishes, rolls back and removes them.

    Args:
        path: The folder, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builds = path / "builds"
        self._small: dict[str, bool] = {}

    @contextmanager
    def locked(self, purpose: str) -> Iterator[list[str]]:
        """Lock the folder of builds for the duration of the ``with`` block; clean it up first.

        Once the folder is locked, an unfinished build in it must come from a process that died; it
        is removed.

        Args:
            purpose: What the lock is for; the error that other processes get names it.

        Yields:
            Sentences that say what was cleaned up.

        Raises:
            BusyError: If another process holds the lock; the message says for what.
            BuildError: If the folder can't be written.
        """
        with raised_as(BuildError, f"{self.path} can't be written: ", OSError):
            self.builds.mkdir(parents=True, exist_ok=True)
        with locked(self.path, purpose):
            yield self.clean_up()

    @contextmanager
    def cleaned(self, purpose: str) -> Iterator[list[str]]:
        """Lock the folder as :meth:`locked` does, but do without if a build is being made.

        For what takes a moment and must not wait for hours: publishing, rolling back, releasing.

        Args:
            purpose: What is done, for the errors that other processes get.

        Yields:
            Sentences that say what was cleaned up.

        Raises:
            NotFoundError: If the folder is none of builds.
            BuildError: If the folder can't be written.
        """
        self.check_builds()
        with ExitStack() as stack:
            found: list[str] = []
            with suppress(BusyError):
                found = stack.enter_context(self.locked(purpose))
            yield found

    def check_builds(self) -> None:
        """Raise an error if the folder is none of builds, as where a command runs elsewhere.

        Raises:
            NotFoundError: If no build was ever made in this folder.
        """
        if not self.builds.is_dir():
            raise NotFoundError(
                f"there are no builds in {self.path.absolute()}; run this where alsolike.toml is, "
                "or name the service's folder of builds with --root"
            )

    def switching(self, purpose: str) -> AbstractContextManager[None]:
        """Lock what is live for the duration of the ``with`` block; waits for another process.

        It is taken after :meth:`locked`, never before.
        """
        return locked(self.path, purpose, CURRENT_LOCK, wait=_SWITCH_SECONDS)

    def names(self) -> list[str]:
        """Return the names of all finished builds, oldest first."""
        if not self.builds.is_dir():
            return []
        return sorted(
            path.name
            for path in self.builds.iterdir()
            if BUILD_NAME.fullmatch(path.name) and (path / MANIFEST).is_file()
        )

    def current(self) -> Pointer | None:
        """Return the content of the file ``CURRENT``; ``None`` if no build was published yet."""
        return read_pointer(self.path, self._repair)

    def _repair(self) -> str:
        """Say what repairs a damaged ``CURRENT``: the build last live, or the newest if it's gone.

        After a rollback the newest build is the one that was rolled back.
        """
        names = self.names()
        if not names:
            return "remove it, and make a new build"
        recorded: list[dict[str, Any]] = []
        with suppress(BuildError):
            recorded = self._publishing()
        last = recorded[-1].get("build") if recorded else None
        return f"repair it with: alsolike publish {last if last in names else names[-1]} --force"

    def _publishing(self) -> list[dict[str, Any]]:
        """Return the journal's entries of which each names the build that was live from then on."""
        return [line for line in read_journal(self.path) if line.get("event") in PUBLISHING]

    def _intact_pointer(self) -> Pointer | None:
        """Return ``None`` also for a damaged ``CURRENT``, which publishing a build repairs."""
        try:
            return self.current()
        except BuildError:
            return None

    @property
    def live(self) -> str | None:
        """The name of the live build; ``None`` if no build was published yet."""
        pointer = self.current()
        return None if pointer is None else pointer.build

    def newest_other(self) -> str:
        """Return the name of the newest build that is complete and not live; empty if none is."""
        pointer = self._intact_pointer()
        for name in reversed(self.names()):
            if pointer is None or name != pointer.build:
                with suppress(BuildError, NotFoundError):
                    return self.verify(name, vectors=False, contents=False).name
        return ""

    def _remedy(self) -> str:
        if other := self.newest_other():
            return f"publish one that is there with: alsolike publish {other}"
        return f"make a build with: alsolike build SOURCE --root {self.path}"

    @contextmanager
    def _advised(self, name: str | None) -> Iterator[None]:
        """Add to an error about the live build which other build can be published."""
        try:
            yield
        except (BuildError, NotFoundError) as error:
            if name is not None or self._intact_pointer() is None or not self.newest_other():
                raise
            raise type(error)(f"{error}; or {self._remedy()}") from error

    def folder(self, name: str | None = None) -> Path:
        """Return the folder of a build, by default the live one.

        Raises:
            NotFoundError: If there is no build with this name, or no build is live.
        """
        if name is None:
            name = self.live
            if name is None:
                raise NotFoundError(f"nothing is published in {self.path}; {self._remedy()}")
        if not BUILD_NAME.fullmatch(name) or not (self.builds / name).is_dir():
            known = ", ".join(self.names()[-3:])
            others = f"the latest are {known}" if known else f"there are none in {self.path}"
            raise NotFoundError(f"there is no build {name!r}; {others}")
        return self.builds / name

    def open(
        self, name: str | None = None, *, verify: bool = True, watch: FileWatch | None = None
    ) -> Build:
        """Open a build, by default the live one.

        Args:
            name: The build's name; the live build by default.
            verify: Compare each file with the manifest before it is first read.
            watch: Notices if another process writes to a mapped file; for processes that keep the
                build open for a long time.

        Raises:
            NotFoundError: If there is no build with this name, or no build is live.
            BuildError: If the build is damaged, differs from what was published, or has a format
                that this version does not read.
        """
        with self._advised(name):
            manifest = self.manifest(name)
            return Build(self.folder(manifest.name), manifest, verify=verify, watch=watch)

    def open_live(self) -> Build | None:
        """Open the live build; return ``None`` if no build was published yet."""
        return None if self.live is None else self.open()

    def manifest(self, name: str | None = None) -> Manifest:
        """Read and check the manifest of a build, by default the live one.

        If ``CURRENT`` lists the build as live or as an earlier live one, the manifest must have
        the hash that is recorded there.

        Raises:
            NotFoundError: If there is no build with this name, or no build is live.
            BuildError: If the manifest is damaged; or if no name was given and ``CURRENT`` is
                damaged.
        """
        pointer = self.current() if name is None else self._intact_pointer()
        folder = self.folder(pointer.build if name is None and pointer is not None else name)
        known = [] if pointer is None else [pointer, *pointer.before]
        digest = next(
            (entry.manifest_sha256 for entry in known if entry.build == folder.name), None
        )
        return read_manifest(folder, sha256=digest)

    def verify(
        self, name: str | None = None, *, vectors: bool = True, contents: bool = True
    ) -> Manifest:
        """Verify every file of a build against its manifest.

        Args:
            name: The build's name; the live build by default.
            vectors: If the build's vectors are in Milvus, also check how many are stored there.
            contents: Verify the files' contents, not only their sizes.

        Raises:
            BuildError: If a file differs from the manifest; the message names the first such file.
            UnavailableError: If Milvus does not answer.
        """
        with self._advised(name):
            manifest = self.manifest(name)
            check_files(self.folder(name), manifest, contents=contents)
        if vectors:
            check_vectors(self.folder(name), manifest.count)
        return manifest

    def make_live(
        self, manifest: Manifest, *, event: str = "publish", reason: str = "", **details: Any
    ) -> None:
        """Make a build that was just verified the live one.

        The caller must hold the lock of :meth:`switching`. This method checks neither the gates nor
        whether publishing is on hold; :func:`index.publishing.publish.publish_build` checks both.

        Args:
            manifest: The result of :meth:`verify`.
            event: Name of the event for the journal.
            reason: Reason for the journal.
            **details: Further JSON values for the journal.
        """
        name = manifest.name
        digest = hashlib.sha256((self.folder(name) / MANIFEST).read_bytes()).hexdigest()
        before: list[PublishedBuild] = []
        if (pointer := self._intact_pointer()) is not None:
            live = PublishedBuild(build=pointer.build, manifest_sha256=pointer.manifest_sha256)
            earlier = self._still_there([live, *pointer.before])
            before = [entry for entry in earlier if entry.build != name]
            details.setdefault("instead_of", pointer.build)
        write_pointer(
            self.path, Pointer(build=name, manifest_sha256=digest, before=before[:HISTORY])
        )
        if manifest.small:
            details["small"] = True
        self._journal_live(event, name, articles=manifest.count, reason=reason, **details)

    def _journal_live(self, event: str, name: str, **details: Any) -> None:
        """Point the alias in Milvus to a build that just became live, and say so in the journal."""
        alias = point_alias(self.builds / name)
        append_journal(self.path, event, build=name, **details, **alias)

    def rollback(self, *, reason: str = "", full: bool = False) -> str:
        """Make the previous live build live again, and return its name; publishing is put on hold.

        Args:
            reason: The reason, for the journal.
            full: Go back to the last full build (one that computed all lists anew) that was live
                before, not to a small one.

        Raises:
            BuildError: If there is no such build, or it is damaged.
        """
        with self.switching("rollback"):
            pointer = self.current()
            earlier = [] if pointer is None else self._still_there(pointer.before)
            if full:
                earlier = earlier[self._first_full(earlier) :]
            if pointer is None or not earlier:
                kind = "full build" if full else "build"
                where = self.path.absolute()
                raise BuildError(f"{where} has no earlier {kind} to go back to; {self._remedy()}")
            target, *rest = earlier
            # A Milvus server that does not answer must not prevent a rollback.
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
            self._journal_live("rollback", target.build, instead_of=pointer.build, reason=reason)
            return target.build

    def check_hold(self) -> None:
        """Raise an error if publishing is on hold after a rollback.

        Raises:
            GateError: If publishing is on hold; the message says since when, by whom and why.
        """
        pointer = self._intact_pointer()
        if pointer is not None and pointer.held is not None:
            held = pointer.held
            raise GateError(
                f"publishing has been on hold since {held.who} rolled back on {held.since}"
                f"{f' ({held.reason})' if held.reason else ''}; when the cause is fixed, run: "
                "alsolike release",
                HELD_EXIT_CODE,
            )

    def release(self, *, reason: str = "") -> bool:
        """Allow publishing again after a rollback; return ``False`` if it was not on hold."""
        with self.switching("release"):
            pointer = self.current()
            if pointer is None or pointer.held is None:
                return False
            write_pointer(self.path, pointer.model_copy(update={"held": None}))
            append_journal(self.path, "release", build=pointer.build, reason=reason)
            return True

    def kept_for_rollback(self) -> list[str]:
        """Return the names of the live build and of those that a rollback would return to.

        These are the live build before, and the last full build before (one that computed all lists
        anew), which is often the same. Such builds are never removed.
        """
        pointer = self.current()
        if pointer is None:
            return []
        earlier = self._still_there(pointer.before)
        at = self._first_full(earlier)
        targets = [*earlier[:1], *earlier[at : at + 1]]
        return list(dict.fromkeys([pointer.build, *(entry.build for entry in targets)]))

    def _first_full(self, entries: list[PublishedBuild]) -> int:
        """Return the position of the first full build; the number of entries if there is none."""
        full = (at for at, entry in enumerate(entries) if not self.is_small(entry.build))
        return next(full, len(entries))

    def is_small(self, name: str) -> bool:
        """Return whether a build is small, that is, took over most lists from the build before.

        A build that can't be read does not count as small.
        """
        if name not in self._small:
            try:
                self._small[name] = self.manifest(name).small
            except (BuildError, NotFoundError):
                return False
        return self._small[name]

    def start_build(self, name: str) -> Path:
        """Create the folder of a new build under a temporary name, and return its path."""
        folder = self.builds / (_UNFINISHED + name)
        folder.mkdir(parents=True)
        return folder

    def finish_build(self, folder: Path) -> Path:
        """Sync a complete build to disk, give its folder the real name, and return its path."""
        final = self.builds / folder.name.removeprefix(_UNFINISHED)
        for path in folder.iterdir():
            sync_folder(path)  # despite its name, it can sync files as well
        sync_folder(folder)
        folder.rename(final)
        sync_folder(self.builds)
        return final

    def remove(self, name: str) -> None:
        """Delete a build; if the process dies meanwhile, no partial build is left under its name.

        Raises:
            UnavailableError: If the build's vectors are in Milvus, and the server does not answer;
                then the build is kept.
        """
        drop_vectors(self.folder(name))
        doomed = self.folder(name).rename(self.builds / (_REMOVED + name))
        sync_folder(self.builds)
        shutil.rmtree(doomed)

    def discard(self, folder: Path) -> None:
        """Remove an unfinished build: its collection in Milvus, then its files.

        Raises:
            UnavailableError: If the Milvus server does not answer; then the folder is kept, so that
                removing the build can be tried again.
        """
        drop_vectors(folder)
        shutil.rmtree(folder)

    def clean_up(self) -> list[str]:
        """Remove what a process that died left behind, and record this in the journal.

        The caller must hold the lock.

        Returns:
            A sentence for each thing that was removed or could not be removed.
        """
        with self.switching("clean-up"):
            sentences: list[str] = []
            with raised_as(BuildError, f"{self.path} can't be cleaned up: ", OSError):
                found = sorted(self.builds.iterdir())
            for path in found:
                if not path.name.startswith(_LEFT):
                    continue
                try:
                    self.discard(path)
                except UnavailableError as error:
                    sentences.append(str(error))
                except OSError as error:  # it must not stop a rollback
                    sentences.append(f"{path} can't be removed: {error}")
                else:
                    if path.name.startswith(_UNFINISHED):
                        name = path.name.removeprefix(_UNFINISHED)
                        sentences.append(f"build {name} was left unfinished")
            for path in self.path.glob(".*.tmp"):
                with suppress(OSError):
                    path.unlink()
            if sentences:
                append_journal(self.path, "clean-up", reason="; ".join(sentences))
            return sentences + self._complete_journal()

    def _complete_journal(self) -> list[str]:
        """Add the journal entry for a publish whose process died after replacing ``CURRENT``.

        Returns:
            A list with one sentence for each thing that was done; empty if no entry was missing.
        """
        pointer = self._intact_pointer()
        if pointer is None:
            return []
        recorded = self._publishing()
        if recorded and recorded[-1].get("build") == pointer.build:
            return self._complete_alias(recorded[-1])
        sentence = f"build {pointer.build} is live; its process died before recording that"
        self._journal_live("publish", pointer.build, reason=sentence)
        return [sentence]

    def _complete_alias(self, last: dict[str, Any]) -> list[str]:
        """Point the alias in Milvus to the live build, if that failed when the build became live.

        Returns:
            A list with one sentence that says what was done; empty if nothing was done.
        """
        if "alias_error" not in last:
            return []
        alias = point_alias(self.builds / last["build"])
        if "alias_error" not in alias:
            append_journal(self.path, "alias", build=last["build"], **alias)
            return [f"the alias in Milvus now points to build {last['build']}"]
        return []

    def _still_there(self, entries: list[PublishedBuild]) -> list[PublishedBuild]:
        return [entry for entry in entries if (self.builds / entry.build / MANIFEST).is_file()]
