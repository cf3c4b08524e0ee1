"""Makes a variant's build for each live build, of the same articles, while a comparison runs."""

import datetime as dt
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from index.build.build import Build
from index.building.builder import BuildResult, make_build
from index.building.context import Beside, BuildOptions, Progress
from index.errors import BuildError, GateError
from index.publishing.gates import Gate, Verdict
from index.root.comparison import ComparisonState, read_comparison, variant_folder
from index.root.journal import append_journal, read_journal
from index.root.root import Root
from index.scale_out.open_engine import open_engine
from recommender.encoder import Encoder
from recommender.errors import AlsoLikeError, NotFoundError
from service.settings import Settings
from service.watching.notices import notify

log = logging.getLogger("alsolike")

_HOUR = 3_600


@functools.lru_cache(maxsize=1)  # kept loaded, as the watcher keeps its own
def _load(model: str, precision: str) -> Encoder:
    from recommender.sentence_encoder import load_encoder

    return load_encoder(model, precision)


Changed = tuple[Mapping[str, bytes], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantBuilds:
    """Makes the builds of the variant that is compared; the caller holds the root's lock.

    Args:
        root: The folder that holds the live builds.
        settings: The effective settings.
        comparison: The comparison, which holds the variant's own settings.
        options: The options of the live build.
        load_encoder: A function that loads the encoder of the live build.
        progress: Called with a stage's name, the number of items done, and their total if known.
    """

    root: Root
    settings: Settings
    comparison: ComparisonState
    options: BuildOptions
    load_encoder: Callable[[], Encoder]
    progress: Progress

    @property
    def own(self) -> Root:
        """The folder that holds the variant's builds, none of which is ever published there."""
        return Root(variant_folder(self.root.path, self.comparison.variant))

    def follow(self, made: BuildResult, before: str | None, *, published: bool) -> None:
        """Makes the variant's build that belongs to a live build, if it is time for it.

        The method is called before and after the live build is published. The variant's build is
        made before, so that both go live at once. But a small live build does not wait for a whole
        build of the variant: that is made afterwards, after a failure no sooner than in an hour. If
        the variant's build fails, people are notified, and all readers get the live lists.

        Args:
            made: The live build.
            before: The name of the build that was live before; a small build changes its articles.
            published: Whether the live build is published already.
        """
        name, small = made.manifest.name, made.manifest.small
        changed = made.changed if small and before in self.own.names() else None
        waits = small and changed is None
        if waits != published or (waits and self._failed_lately()):
            return
        try:
            self.make(name, before=before, changed=changed)
        except Exception as error:
            if not isinstance(error, AlsoLikeError):
                log.exception("the variant's build failed")
            variant = self.comparison.variant
            told = f"the build of variant {variant} beside {name} failed, so that all readers "
            told += f"get the live lists: {error}"
            log.error("%s", told)
            with suppress(BuildError):  # such as a full disk
                append_journal(self.root.path, "variant", variant=variant, build=name, reason=told)
            notify(self.settings, "failed", told, build=name)

    def make(self, name: str, *, before: str | None = None, changed: Changed | None = None) -> None:
        """Makes the variant's build of the same articles as a finished live build.

        Args:
            name: The name of the live build, and of the variant's build.
            before: The name of the previous builds, if only changes are to be computed.
            changed: The articles that the live build changed and removed since then; ``None`` to
                compute all lists.

        Raises:
            AlsoLikeError: If the variant's build can't be made.
            GateError: If a gate refuses the variant's build that lets the live build pass.
        """
        own, live = self.own, self.root.open(name)
        with own.locked("alsolike build"):
            found = self._newest() if changed is None or before is None else own.open(before)
            beside = Beside(
                build=live, name=name, previous=found, changed=changed, calibrated=found
            )
            made = self._make(own, beside)
            judged = {gate["gate"]: gate for gate in live.report()["gates"]}
            refusals = [
                one
                for one in made.assessment.verdicts
                if not one.passed and not _is_no_worse(one, judged.get(one.gate.name.lower()))
            ]
            if refusals:
                own.remove(name)
                reason = "; ".join(one.message for one in refusals)
                append_journal(own.path, "refuse", build=name, reason=reason)
                told = f"the build of variant {self.comparison.variant} was refused: {reason}"
                raise GateError(told, int(refusals[0].gate))

    def _newest(self) -> Build | None:
        """Opens the variant's newest build that is whole and not of another format, if any is."""
        for name in reversed(self.own.names()):
            with suppress(BuildError, NotFoundError):
                self.own.verify(name, vectors=False)
                return self.own.open(name)
        return None

    def make_live(self, live: Build) -> BuildResult:
        """Makes a full build that can be published, with the variant's settings and weights.

        Args:
            live: The live build, whose articles are used.

        Raises:
            AlsoLikeError: If the build can't be made.
        """
        names = self.own.names()  # without any, weights are learned anew: the live ones are others
        calibrated = self.own.open(live.name) if live.name in names else self._newest()
        beside = Beside(build=live, previous=live, calibrated=calibrated)
        return self._make(self.root, beside, milvus=self.settings.milvus)

    def _make(self, root: Root, beside: Beside, **more: Any) -> BuildResult:
        varied = self.settings.with_ranking(self.comparison.settings)
        own_encoder = (varied.model, varied.precision) != (
            self.settings.model,
            self.settings.precision,
        )
        kind = "local" if beside.changed is not None else varied.engine
        engine = open_engine(kind, address=varied.ray_address, root=root.path)
        with engine as opened:
            options = replace(
                self.options,
                changes=None,
                only=frozenset(),
                statements=None,
                engine=opened,
                milvus=None,  # where a collection is named for its build
                depth=varied.depth,
                learn=varied.learn != "off",
                weights=varied.weights,
                preferences=varied.preferences,
                adopt_orphans=varied.adopt_orphans,
            )
            load = functools.partial(_load, varied.model, varied.precision)
            return make_build(
                root,
                [],
                load if own_encoder else self.load_encoder,
                replace(options, **more),
                self.progress,
                beside,
            )

    def _failed_lately(self) -> bool:
        last: dict[str, Any] = next(reversed(read_journal(self.own.path)), {})
        if last.get("event") not in ("fail", "refuse"):
            return False
        return 0 <= time.time() - dt.datetime.fromisoformat(last["at"]).timestamp() < _HOUR


def follow_live(
    root: Root,
    settings: Settings,
    options: BuildOptions,
    load_encoder: Callable[[], Encoder],
    progress: Progress,
    made: BuildResult,
    before: str | None,
    *,
    published: bool,
) -> None:
    """Makes the variant's build that belongs to a live build, if a variant is compared.

    For the arguments see :class:`VariantBuilds` and :meth:`VariantBuilds.follow`.
    """
    try:
        comparison = read_comparison(root.path)
    except BuildError as error:
        log.error("%s", error)
        return
    if comparison is not None:
        builds = VariantBuilds(
            root=root,
            settings=settings,
            comparison=comparison,
            options=options,
            load_encoder=load_encoder,
            progress=progress,
        )
        builds.follow(made, before, published=published)


def _is_no_worse(found: Verdict, live: Mapping[str, Any] | None) -> bool:
    """Tells whether the live build failed a gate, too, or was allowed lists as weak as these."""
    if live is None or not live["passed"]:
        return live is not None
    return found.gate in (Gate.WEAK, Gate.HUB) and found.value <= live["limit"]
