"""Reports when files change, as the operating system says; the only user of watchfiles."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from watchfiles import Change, watch

log = logging.getLogger("alsolike")


def tell_changes(
    paths: Sequence[Path], changed: Callable[[set[str]], None], stop: threading.Event
) -> None:
    """Starts threads that call a function whenever files change.

    If the operating system can't report changes, a warning is logged; changes are then found only
    when the files are looked at again.

    Args:
        paths: The absolute paths of the files to watch, and of folders to watch with all in them.
        changed: The function; it gets the paths of the files that were changed.
        stop: An event that ends the threads once it is set.
    """
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    folders = [str(path) for path in paths if path.is_dir()]
    files = {str(path) for path in paths if not path.is_dir()}
    # A file that is replaced is another to the system, so its folder is followed.
    around = {str(Path(file).parent) for file in files}

    def follow(places: Iterable[str], deep: bool, wanted: Callable[[Change, str], bool]) -> None:
        try:
            for found in watch(
                *places,
                watch_filter=wanted,
                debounce=100,
                stop_event=stop,
                rust_timeout=1_000,
                raise_interrupt=False,
                recursive=deep,
                ignore_permission_denied=True,
            ):
                changed({path for _, path in found})
        except (OSError, RuntimeError) as error:
            log.warning("changes of files are found by looking for them only: %s", error)

    def start(*arguments: Any) -> None:
        threading.Thread(target=follow, args=arguments, name="files", daemon=True).start()

    if folders:
        start(folders, True, lambda _, _path: True)
    if around:
        start(around, False, lambda _, path: path in files)
