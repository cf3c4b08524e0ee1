"""The comparison of the live lists with those of a variant: the file ``comparison.json``.

Which of the two readers get, is decided by article and block of time. So every reader of a page
gets the same list within a block, and any cache can keep it until the block ends. A variant's
builds are in ``variants/NAME/builds/``, each under the name of the live build beside which it was
made and from whose articles. So the root's one pointer publishes both, and goes back with both.
"""

import enum
import hashlib
import secrets
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from index.errors import BuildError, raised_as
from index.files import read_regular, replace_file
from index.root.journal import append_journal
from recommender.errors import NotFoundError

COMPARISON = "comparison.json"
VARIANTS = "variants"

VARIANT_NAME = r"^[a-z0-9][a-z0-9-]{0,39}$"
"""What names a variant, and the folder of its builds."""

Moment = Annotated[int, Field(ge=0, lt=2**32)]

_SECOND = 1_000_000


class Variant(enum.IntEnum):
    """Which variant made a list that readers see, as recorded with the list's views and clicks."""

    LIVE = 0
    COMPARED = 1
    EXPORTED = 2
    INSTEAD = 3
    """The live build, while the compared variant has none. No comparison counts it for either side:
    hours of one side alone would be taken for a difference between the two."""


class ComparisonState(BaseModel):
    """A comparison of the live lists with those of a variant, which runs or has ended.

    For each article and block of time, a fixed random choice says which lists readers see.

    Attributes:
        variant: The variant's name.
        share: The share of articles and blocks of time that get the variant's lists.
        block: Length of a block of time, in seconds.
        settings: The settings of the variant's builds that differ from the site's, as they were
            when the comparison began.
        started: When the comparison began, in seconds since 1970.
        ended: When the comparison ended, in seconds since 1970; ``None`` while it runs.
        salt: A random text that makes the choice a different one in each comparison.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: str = Field(pattern=VARIANT_NAME)
    share: float = Field(0.5, gt=0, lt=1)
    block: int = Field(3600, ge=60, le=604_800)
    settings: dict[str, Any] = {}
    started: Moment = Field(default_factory=lambda: int(time.time()))
    ended: Moment | None = None
    salt: str = Field(default_factory=lambda: secrets.token_hex(8))

    @property
    def key(self) -> str:
        """A text that identifies this comparison, under which its clicks are counted."""
        return f"{self.variant}@{self.started}"

    def picks(self, article_id: str, block: int) -> bool:
        """Return whether readers of an article see the variant's list in a block of time."""
        return fraction_of(self.salt, article_id, block) < self.share

    def counted_in(self, article_id: str, variant: Variant, now: int) -> int | None:
        """Return the block of time for which a list that a reader saw counts; ``None`` for none.

        It is the current block or the one before, since a list that was sent at the end of a block
        may be seen in the next.

        Args:
            article_id: The id of the article whose list was seen.
            variant: The variant that made the list.
            now: When the reader saw the list, in microseconds since 1970 UTC.
        """
        if variant not in (Variant.LIVE, Variant.COMPARED):
            return None
        current, varied = block_of(now, self.block), variant is Variant.COMPARED
        for block in (current, current - 1):
            if (block + 1) * self.block > self.started and self.picks(article_id, block) == varied:
                return block
        return None


def fraction_of(*parts: object) -> float:
    """Return a number in [0, 1) that looks random and is always the same for the same parts."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(errors="surrogatepass"))
    return int.from_bytes(digest.digest()[:6]) / 2**48


def block_of(now: int, seconds: int) -> int:
    """Return the number of the block of time to which a moment belongs.

    Args:
        now: The moment, in microseconds since 1970 UTC.
        seconds: The length of a block, in seconds.
    """
    return now // (seconds * _SECOND)


def read_comparison(root: Path, *, running: bool = True) -> ComparisonState | None:
    """Read the comparison of a folder of builds; return ``None`` if there is none.

    Args:
        root: The folder of builds.
        running: Whether to return ``None`` also if the comparison has ended.

    Raises:
        BuildError: If the file can't be read.
    """
    path = root / COMPARISON
    try:
        found = ComparisonState.model_validate_json(read_regular(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BuildError(f"{path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        reason = ".".join(map(str, first["loc"])) + f" {first['msg']}"
        raise BuildError(
            f"{path} is damaged ({reason.strip()}): remove it to end the comparison"
        ) from error
    return None if running and found.ended is not None else found


def write_comparison(root: Path, comparison: ComparisonState) -> None:
    """Write the comparison of a folder of builds, replacing an earlier one in one step.

    Args:
        root: The folder of builds.
        comparison: The comparison to write.

    Raises:
        BuildError: If the file can't be written, for example because the disk is full.
    """
    with raised_as(BuildError, f"{root / COMPARISON} can't be replaced: ", OSError):
        replace_file(root / COMPARISON, comparison.model_dump_json().encode() + b"\n")


def running_comparison(root: Path) -> ComparisonState:
    """Return the comparison that runs in a folder of builds, ``root``.

    Raises:
        NotFoundError: If none runs.
        BuildError: If the file can't be read.
    """
    state = read_comparison(root)
    if state is None:
        raise NotFoundError("no comparison is running; begin one with: alsolike compare start NAME")
    return state


def end_comparison(root: Path, reason: str) -> ComparisonState:
    """End the running comparison, so that all readers see the live lists again.

    The caller must hold the lock of the folder of builds.

    Args:
        root: The folder of builds.
        reason: Why the comparison ends, for the journal.

    Raises:
        NotFoundError: If none runs.
        BuildError: If a file can't be read or written.
    """
    state = running_comparison(root)
    write_comparison(root, state.model_copy(update={"ended": int(time.time())}))
    append_journal(root, "compared", variant=state.variant, reason=reason)
    return state


def variant_folder(root: Path, name: str) -> Path:
    """Return the folder of a variant's builds, inside ``root``, the folder of the site's builds."""
    return root / VARIANTS / name
