"""What admins do with builds by API, page or command.

They publish a build, roll back to the build before, allow publishing again after a rollback, and
end the comparison of a variant.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from index.errors import BuildError, BusyError, GateError, UnavailableError
from index.publishing.gates import Verdict
from index.publishing.publish import publish_build
from index.root.comparison import ComparisonState, end_comparison, running_comparison
from index.root.journal import acting_for, append_journal, read_journal, utc_timestamp
from index.root.root import Root
from service.curation.golden_set import limits_of
from service.decisions.decision_store import Actor
from service.errors import PublishError
from service.serving.live import Live
from service.settings import Settings


class BuildActions:
    """Changes which build is published, in the name of an actor.

    Each method holds the lock of the builds' folder, so that only one process changes it at a time.
    When a method returns, this process answers requests from the build that is published then.

    Args:
        settings: The effective settings; they name the folder of the builds and the limits that a
            build must keep to be published.
        live: Holds the build that this process serves; ``None`` in a process without a server.
        report: A function that gets messages about files which a killed process left behind.
    """

    def __init__(
        self,
        settings: Settings,
        live: Live | None = None,
        report: Callable[[list[str]], object] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._root = Root(settings.root)
        self._live = live
        self._report = report

    def publish(
        self,
        actor: Actor,
        name: str,
        *,
        accept_change: bool = False,
        force: bool = False,
        reason: str = "",
    ) -> list[Verdict]:
        """Publishes a build if it passes all checks (gates) that the settings demand.

        Args:
            actor: Who publishes.
            name: The name of the build.
            accept_change: Whether to publish even if the encoder or the way to prepare texts
                changed, and many lists with it.
            force: Whether to publish even if other checks fail.
            reason: The actor's reason; may be empty.

        Returns:
            The result of each check.

        Raises:
            NotFoundError: If there is no such build.
            GateError: If a check fails, or publishing is on hold after a rollback.
            BusyError: If another process holds the lock of the builds' folder.
            PublishError: If the build or the builds' folder is damaged.
        """
        self._root.folder(name)
        with self._holding_root(actor, "publish", beside_builds=True):
            return publish_build(
                self._root,
                name,
                limits_of(self._settings, accept_change=accept_change),
                force=force,
                reason=reason,
            )

    def roll_back(self, actor: Actor, *, reason: str = "", full: bool = False) -> str:
        """Publishes the build that was published before, and puts publishing on hold.

        While it is on hold, no other build is published until someone calls :meth:`release`.

        Args:
            actor: Who rolls back.
            reason: The actor's reason; may be empty.
            full: Whether to return to the last full build, and not to a small one.

        Returns:
            The name of the build that is published now.

        Raises:
            NotFoundError: If no build is published.
            BusyError: If another process holds the lock of the builds' folder.
            PublishError: If there is no earlier build to return to.
        """
        with self._holding_root(actor, "rollback", beside_builds=True):
            return self._root.rollback(reason=reason, full=full)

    def release(self, actor: Actor, *, reason: str = "") -> bool:
        """Allows publishing again after a rollback; returns ``False`` if it was allowed already.

        Args:
            actor: Who allows it.
            reason: The actor's reason; may be empty.
        """
        with self._holding_root(actor, "release", beside_builds=True):
            return self._root.release(reason=reason)

    def stop_comparison(self, actor: Actor, *, reason: str = "") -> ComparisonState:
        """Ends the comparison of a variant with the live lists: all readers get the live lists.

        The counted views and clicks stay.

        Args:
            actor: Who ends it.
            reason: The actor's reason; may be empty.

        Returns:
            The comparison as it was when it ended.

        Raises:
            NotFoundError: If no comparison runs.
            BusyError: If another process holds the lock of the builds' folder.
        """
        with self._holding_root(actor, "compare stop"):
            return end_comparison(self._root.path, reason)

    def start_publishing_variant(self, actor: Actor, *, reason: str = "") -> None:
        """Starts a process that makes a live build with the compared variant's settings.

        The method does not wait for it. If the process fails, the journal of builds says why.

        Args:
            actor: Who publishes the variant's lists.
            reason: The actor's reason; may be empty.

        Raises:
            NotFoundError: If no variant is compared.
            BusyError: If another process holds the lock of the builds' folder.
        """
        with self._holding_root(actor, "compare publish"):
            running_comparison(self._root.path)
        name = _named(actor)
        command = [sys.executable, "-m", "service.cli", "compare", "publish"]
        reason = reason.replace("\0", "")  # which no argument can hold
        command += [f"--root={self._root.path}", f"--by={name}", f"--reason={reason}"]
        start = utc_timestamp()
        process = subprocess.Popen(  # noqa: S603 - this very program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # it goes on where this process ends
        )
        with suppress(OSError):  # readers come first
            os.setpriority(os.PRIO_PROCESS, process.pid, 19)

        def wait() -> None:
            _, told = process.communicate()
            journal = read_journal(self._root.path)
            said = {line["event"] for line in journal if line.get("at", "") >= start}
            if process.returncode and not said & {"refuse", "fail"}:
                with acting_for(name), suppress(BuildError):
                    append_journal(self._root.path, "fail", reason=told.strip()[-1_000:])

        threading.Thread(target=wait, name="compare publish", daemon=True).start()

    @contextmanager
    def _holding_root(
        self, actor: Actor, action: str, *, beside_builds: bool = False
    ) -> Iterator[None]:
        """Holds the lock of the builds' folder in the actor's name while the caller changes it.

        Afterwards this process loads the build that is published then.

        Args:
            actor: Who changes the folder; the journal of the folder records the name.
            action: What the actor does, such as ``"publish"``, for the message to those who wait.
            beside_builds: Whether it may be done while a build is being made.
        """
        self._root.check_builds()
        name = _named(actor)
        lock = self._root.cleaned if beside_builds else self._root.locked
        try:
            with acting_for(name), lock(f"{action} by {name}") as found:
                self._report(found)
                yield
        except (GateError, BusyError, UnavailableError):
            raise
        except BuildError as error:
            raise PublishError(str(error)) from error
        if self._live is not None:
            self._live.refresh()


def _named(actor: Actor) -> str:
    """Returns how the journal names who does something."""
    return actor.name if actor.how == "cli" else f"{actor.name} ({actor.how})"
