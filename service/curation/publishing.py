"""What admins do to builds: publish, roll back, release; once for API, pages and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from index.errors import BuildError, BusyError, GateError, UnavailableError
from index.publishing.gates import Verdict
from index.publishing.publish import Assessment, publish_build
from index.root.journal import acting_for
from index.root.root import Root
from service.curation.golden_gate import golden_gate
from service.decisions.decision_store import Actor
from service.errors import PublishError
from service.serving.live import Live
from service.settings import Settings


class BuildActions:
    """Changes which build is live: alone in the root, in someone's name, served before it returns.

    Args:
        settings: The effective settings: the root, and what its gates let through.
        live: What this process serves; ``None`` in one that serves nothing, such as a command.
        report: Called with sentences about what a process that died left in the root.
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
        """Make a build live if it passes every gate; see :func:`.publish_build`.

        Raises:
            NotFoundError: If there is no such build.
            GateError: If a gate refuses it, or a rollback holds publishing.
            BusyError: If another process works in the root.
            PublishError: If the build or the root is damaged.
        """
        self._root.folder(name)
        with self._holding_root(actor, "publish"):
            return publish_by_settings(
                self._root,
                name,
                self._settings,
                accept_change=accept_change,
                force=force,
                reason=reason,
            )

    def roll_back(self, actor: Actor, *, reason: str = "") -> str:
        """Make the build live that was live before, and hold publishing; returns its name.

        Raises:
            NotFoundError: If nothing is live.
            BusyError: If another process works in the root.
            PublishError: If there is no build to go back to.
        """
        with self._holding_root(actor, "rollback"):
            return self._root.rollback(reason=reason)

    def release(self, actor: Actor, *, reason: str = "") -> bool:
        """Let builds be published again after a rollback; ``False`` if nothing held them."""
        with self._holding_root(actor, "release"):
            return self._root.release(reason=reason)

    @contextmanager
    def _holding_root(self, actor: Actor, action: str) -> Iterator[None]:
        """Hold the root's lock as this person, then serve what was made of it."""
        name = actor.name if actor.how == "cli" else f"{actor.name} ({actor.how})"
        try:
            with acting_for(name), self._root.locked(f"{action} by {name}") as found:
                self._report(found)
                yield
        except (GateError, BusyError, UnavailableError):
            raise
        except BuildError as error:
            raise PublishError(str(error)) from error
        if self._live is not None:
            self._live.refresh()


def publish_by_settings(
    root: Root,
    name: str,
    settings: Settings,
    *,
    accept_change: bool = False,
    force: bool = False,
    reason: str = "",
    assessment: Assessment | None = None,
) -> list[Verdict]:
    """Publish by the gates as a site's settings have them, in a root that the caller holds."""
    return publish_build(
        root,
        name,
        settings.limits,
        golden=golden_gate(settings),
        accept_change=accept_change,
        force=force,
        reason=reason,
        assessment=assessment,
    )
