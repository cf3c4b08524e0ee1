"""What this process may use of its machine: cores and memory, as a container limits them."""

import ctypes
import math
import os
from contextlib import suppress
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")


def allowed_cores() -> int:
    """Return on how many cores the system lets this process run; macOS does not limit them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cores(group: Path = _GROUP) -> int:
    """Return how many cores this process may keep busy, at least 1.

    These are the cores that it may run on, or fewer if a control group limits its processor time
    (``cpu.max``, or ``cpu.cfs_quota_us`` of version 1), as containers do. A fraction is rounded up.

    Args:
        group: The folder of the process's control group (cgroup).
    """
    cores = allowed_cores()
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if not period:
        quota = _read(group / "cpu" / "cpu.cfs_quota_us")
        period = _read(group / "cpu" / "cpu.cfs_period_us")
    if quota.isdecimal() and period.isdecimal() and int(period):
        cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(cores, 1)


def usable_memory(group: Path = _GROUP) -> int:
    """Return how much memory this process may use, in bytes: the machine's, or its group's limit.

    Args:
        group: The folder of the process's control group (cgroup).
    """
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(group / "memory.max") or _read(group / "memory" / "memory.limit_in_bytes")
    return min(whole, int(limit)) if limit.isdecimal() else whole


def return_freed_memory() -> None:
    """Return to the system what this process has freed, which glibc keeps for each thread."""
    with suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
