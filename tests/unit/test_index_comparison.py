"""Which of two variants readers get: decided by article and block of time, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from index.errors import BuildError
from index.root.comparison import (
    COMPARISON,
    ComparisonState,
    Variant,
    block_of,
    fraction_of,
    read_comparison,
    write_comparison,
)

HOUR = 3_600_000_000
START = 1_800_000_000
NOW = START * 1_000_000


def compare(share: float = 0.5, **more: object) -> ComparisonState:
    return ComparisonState(variant="bold", share=share, started=START, salt="salt", **more)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_both_shares_are_kept_over_articles_and_over_blocks(share: float) -> None:
    comparison = compare(share)
    picked = [[comparison.picks(f"a-{row}", block) for row in range(200)] for block in range(200)]
    assert sum(map(sum, picked)) / 40_000 == pytest.approx(share, abs=0.015)
    for some in (picked, zip(*picked, strict=True)):
        assert all(sum(one) / 200 == pytest.approx(share, abs=0.16) for one in some)


def test_the_choice_is_the_same_in_every_process_and_another_one_in_the_next_comparison() -> None:
    assert fraction_of("salt", "ä\ud800", 3) == pytest.approx(0.53197061)
    articles = [f"a-{row}" for row in range(64)]
    chosen = [compare().picks(one, 7) for one in articles]
    assert chosen == [compare().picks(one, 7) for one in articles]
    assert chosen != [compare().picks(one, 8) for one in articles]
    other = compare().model_copy(update={"salt": "other"})
    assert chosen != [other.picks(one, 7) for one in articles]


def test_a_list_counts_in_the_block_in_which_readers_got_it() -> None:
    comparison = compare()
    block = block_of(NOW, 3600) + 1
    now = block * HOUR + 5
    seen = set()
    for article in (f"a-{row}" for row in range(40)):
        here, before = comparison.picks(article, block), comparison.picks(article, block - 1)
        seen.add((here, before))
        for shown, varied in ((Variant.LIVE, False), (Variant.COMPARED, True)):
            expected = block if here == varied else block - 1 if before == varied else None
            assert comparison.counted_in(article, shown, now) == expected
        assert comparison.counted_in(article, Variant.INSTEAD, now) is None
        assert comparison.counted_in(article, Variant.EXPORTED, now) is None
    assert len(seen) == 4
    first = block_of(NOW, 3600)
    before = [comparison.counted_in(f"a-{row}", Variant.LIVE, NOW) for row in range(40)]
    assert set(before) == {first, None}, "no block counts that ended before the comparison began"


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_comparison(tmp_path) is None
    comparison = compare(settings={"weights": {"words": 1.0}})
    write_comparison(tmp_path, comparison)
    assert read_comparison(tmp_path) == comparison
    assert comparison.key == f"bold@{START}"
    write_comparison(tmp_path, comparison.model_copy(update={"ended": START + 9}))
    assert read_comparison(tmp_path) is None
    assert read_comparison(tmp_path, running=False) is not None


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    for field, value in (
        ("share", 7),
        ("started", 10**14),
        ("started", -1),
        ("variant", "../bold"),
    ):
        (tmp_path / COMPARISON).write_text(json.dumps({"variant": "bold", field: value}))
        with pytest.raises(BuildError, match=rf"comparison\.json is damaged .*{field}.*remove it"):
            read_comparison(tmp_path)
    with pytest.raises(ValidationError, match="block"):
        compare(block=1)
