"""Writes that do not wait for the disk: only a power cut would tell, and no test makes one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest


class _Unsynced(sqlite3.Connection):
    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        setting = "PRAGMA synchronous"
        return super().execute(f"{setting} = OFF" if sql.startswith(setting) else sql, *values)


@contextmanager
def unsynced_disk() -> Iterator[None]:
    """In this process, syncs neither files nor SQLite's commits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=_Unsynced))
        yield
