"""Makes one build and publishes it: the same for commands and for ``alsolike watch``."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from index.building.builder import BuildResult, make_build
from index.building.context import BuildOptions, Progress
from index.errors import BuildError, GateError
from index.publishing.gates import Verdict
from index.publishing.publish import publish_build
from index.publishing.retention import prune
from index.root.root import Root
from index.scale_out.open_engine import open_engine
from index.sources.source import Source
from recommender.encoder import Encoder
from recommender.errors import AlsoLikeError
from service.clicks.click_store import read_clicks
from service.curation.golden_set import limits_of, read_judgments
from service.curation.settled_pushes import last_received, settle_statements, statement_options
from service.settings import Settings
from service.watching.notices import notify, tell_ended_pins
from service.watching.variant_builds import follow_live


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRun:
    """A build that was made, and whether it was published.

    Attributes:
        made: The build, and how it was made.
        verdicts: The results of the gates (checks before publishing); empty if the build was not
            to be published, or a gate refused it.
        refusal: Why the build was not published, if a gate refused it or publishing is on hold;
            else ``None``.
    """

    made: BuildResult
    verdicts: list[Verdict]
    refusal: GateError | None


def build_options(settings: Settings, *, accept_change: bool = False, **more: Any) -> BuildOptions:
    """Returns the options of a build as the settings say; for a full build, pushed articles too.

    Args:
        settings: The effective settings.
        accept_change: Whether a gate accepts another model or way to prepare texts than before.
        **more: Further options, by the names of :class:`BuildOptions`.

    Raises:
        DatabaseError: If the database with the pushed articles can't be read.
    """
    if more.get("changes") is None and not more.get("only"):
        more = statement_options(settings) | more
    return BuildOptions(
        mapping=settings.mapping,
        depth=settings.depth,
        preferences=settings.preferences,
        learn=settings.learn != "off",
        weights=settings.weights,
        judgments=partial(read_judgments, settings),
        clicks=partial(read_clicks, settings),
        adopt_orphans=settings.adopt_orphans,
        trust_related_blocks=settings.trust_related_blocks,
        limits=limits_of(settings, accept_change=accept_change),
        milvus=settings.milvus,
        **more,
    )


def run_build(
    root: Root,
    settings: Settings,
    sources: Sequence[Source],
    options: BuildOptions,
    load_encoder: Callable[[], Encoder],
    progress: Progress,
    *,
    publish: bool = True,
    force: bool = False,
    reason: str = "",
) -> BuildRun:
    """Makes a build, publishes it and removes old builds; the caller holds the root's lock.

    If a build of all sources fails, or a gate refuses it, or pins have ended with it, whoever the
    setting ``notify`` names is told; for a build of some changes this is left to the caller. While
    a variant is compared with the live lists, the variant's build is made as well.

    Args:
        root: The folder that holds the builds.
        settings: The effective settings.
        sources: The sources of articles to read.
        options: The build's options.
        load_encoder: A function that loads the encoder.
        progress: Called with a stage's name, the number of items done, and their total if known.
        publish: Whether to publish the build.
        force: Whether to publish the build even if a gate refuses it.
        reason: The reason for publishing, for the journal of builds; may be empty.

    Raises:
        AlsoLikeError: If the build can't be made; see :func:`index.building.builder.make_build`.
    """
    before, since = root.live, last_received(settings)
    try:
        kind = "local" if options.changes is not None else settings.engine
        with open_engine(kind, address=settings.ray_address, root=root.path) as engine:
            chosen = replace(options, engine=engine, to_publish=publish and not force)
            made = make_build(root, sources, load_encoder, chosen, progress)
    except AlsoLikeError as error:
        if options.changes is None:
            notify(settings, "failed", f"no build could be made: {error}")
        with suppress(BuildError):  # old builds may be what fills the disk
            prune(root, settings.keep, settings.keep_small, settings.keep_small_hours)
        raise
    follow = partial(follow_live, root, settings, options, load_encoder, progress, made, before)
    follow(published=False)
    verdicts: list[Verdict] = []
    refusal: GateError | None = None
    name = made.manifest.name
    if publish:
        try:
            verdicts = publish_build(
                root,
                name,
                options.limits,
                force=force,
                reason=reason,
                assessment=made.assessment,
            )
        except GateError as error:
            refusal = error
            if options.changes is None:
                notify(settings, "refused", str(error), build=name)
        else:
            follow(published=True)
            if options.changes is None and before is not None:
                tell_ended_pins(root, settings, before, name)
        prune(root, settings.keep, settings.keep_small, settings.keep_small_hours)
        if refusal is None:
            settle_statements(settings, made.refused, since=since, drop=not options.small)
    return BuildRun(made=made, verdicts=verdicts, refusal=refusal)
