"""Begins the comparison of a variant with the live lists, and publishes the variant's lists."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace

from pydantic import ValidationError

from index.building.context import BuildOptions, Progress
from index.errors import GateError
from index.publishing.publish import publish_build
from index.publishing.retention import prune
from index.root.comparison import (
    ComparisonState,
    end_comparison,
    read_comparison,
    running_comparison,
    variant_folder,
    write_comparison,
)
from index.root.journal import append_journal
from index.root.root import Root
from recommender.encoder import Encoder
from recommender.errors import InputError, ModelError
from service.errors import ConflictError
from service.settings import Settings
from service.watching.build_run import build_options
from service.watching.variant_builds import VariantBuilds


class Comparisons:
    """Begins to compare a variant with the live lists, and publishes variants.

    A variant is a set of other settings for the ranking. The caller of a method holds the lock of
    the builds' folder.

    Args:
        settings: The effective settings.
        load_encoder: A function that loads the encoder that the settings name.
        progress: Called with a stage's name, the number of items done, and their total if known.
    """

    def __init__(
        self, settings: Settings, load_encoder: Callable[[], Encoder], progress: Progress
    ) -> None:
        self._settings = settings
        self._load_encoder = load_encoder
        self._progress = progress
        self._root = Root(settings.root)

    def start(self, name: str, *, share: float, block: int, reason: str = "") -> ComparisonState:
        """Makes a variant's build of the live build's articles, and begins to compare their lists.

        Args:
            name: The variant's name: its table in the settings is ``[variant.NAME]``.
            share: The share of articles that show the variant's lists, in (0, 1); they are drawn
                anew for each block of time.
            block: The length of a block of time, in seconds.
            reason: The reason, for the journal of builds; may be empty.

        Returns:
            The comparison that began.

        Raises:
            InputError: If clicks are not counted, the settings have no such variant, or ``share``
                or ``block`` is out of range.
            ConflictError: If a comparison runs already.
            ModelError: If the live build was made with another model than the settings name.
            AlsoLikeError: If the variant's build can't be made, or a gate refuses it.
        """
        if not self._settings.clicks:
            raise InputError(
                "a comparison is decided by clicks, but counting them is off: set clicks = true"
            )
        state = self._new_state(name, share, block)
        if (running := read_comparison(self._root.path)) is not None:
            raise ConflictError(
                f"the variant {running.variant} is compared already; end that comparison first: "
                "alsolike compare stop"
            )
        live = self._root.manifest()
        encoder = self._load_encoder().fingerprint
        if live.encoder != encoder:
            raise ModelError(
                f"the live build {live.name} was made with {live.encoder.model}, but the setting "
                f"model is {encoder.model}: set model as in the live build, or build first with: "
                "alsolike build"
            )
        if (earlier := variant_folder(self._root.path, name)).exists():
            shutil.rmtree(earlier)
        self._builds(state, build_options(self._settings)).make(live.name)
        state = state.model_copy(update={"started": int(time.time())})
        write_comparison(self._root.path, state)
        told = {
            "variant": name,
            "build": live.name,
            "share": share,
            "block": block,
            "reason": reason,
        }
        append_journal(self._root.path, "compare", **told, settings=state.settings)
        return state

    def publish(self, *, force: bool = False, reason: str = "") -> tuple[ComparisonState, str]:
        """Publishes a build with the variant's settings for all readers, and ends the comparison.

        Args:
            force: Whether to publish the build even if a gate refuses it.
            reason: The reason, for the journal of builds; may be empty.

        Returns:
            The comparison that ended, and the name of the build that is live now.

        Raises:
            NotFoundError: If no comparison runs.
            GateError: If a gate refuses the build; then the comparison goes on.
        """
        state, settings = running_comparison(self._root.path), self._settings
        options = build_options(settings, accept_change=True)
        limits = replace(options.limits, undecided="", max_churn=1.0)
        options = replace(options, limits=limits)
        made = self._builds(state, options).make_live(self._root.open())
        name = made.manifest.name
        try:
            publish_build(
                self._root,
                name,
                limits,
                force=force,
                reason=reason or f"variant {state.variant}",
                assessment=made.assessment,
            )
        except GateError as error:  # of which the comparison would know nothing
            message = str(error).replace(
                f"alsolike publish {name} --force", "alsolike compare publish --force"
            )
            raise GateError(message, error.gate) from None
        end_comparison(self._root.path, reason or f"published as {name}")
        prune(self._root, settings.keep, settings.keep_small, settings.keep_small_hours)
        return state, name

    def _new_state(self, name: str, share: float, block: int) -> ComparisonState:
        found = self._settings.variant.get(name)
        if found is None:
            known = ", ".join(sorted(self._settings.variant)) or "none"
            raise InputError(
                f"the settings have no variant {name!r} (they have: {known}); write a table "
                f"[variant.{name}] with what differs, such as half_life = 365"
            )
        given = found.model_dump(mode="json", exclude_unset=True)
        if self._settings.with_ranking(given) == self._settings:
            raise InputError(
                f"[variant.{name}] differs in nothing from the site's own settings; write into it "
                "what differs, such as half_life = 365"
            )
        try:
            return ComparisonState(variant=name, share=share, block=block, settings=given)
        except ValidationError as error:
            bounds = {
                "share": f"--share {share}: must be more than 0 and less than 1",
                "block": f"--block {block}s: must be from 1m to 7d",
            }
            raise InputError(bounds[str(error.errors()[0]["loc"][0])]) from error

    def _builds(self, state: ComparisonState, options: BuildOptions) -> VariantBuilds:
        return VariantBuilds(
            root=self._root,
            settings=self._settings,
            comparison=state,
            options=options,
            load_encoder=self._load_encoder,
            progress=self._progress,
        )
