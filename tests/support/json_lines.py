"""Records as the lines of a JSONL file."""

from __future__ import annotations

import json
from typing import Any

GOOD = {"id": "kelp", "title": "Kelp", "url": "/kelp", "summary": "Tall and green."}


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
