"""A writer or a server may be killed at any moment: what was answered is kept and told, once."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from service.decisions.database import open_database, upgrade_database
from service.decisions.decision_state import OverrideKind
from tests.support.decision_databases import MIRA, NewUrl, reopen, server
from tests.support.fork_server import forked


def decide_for_ever(url: str, answers: Path, first: int) -> None:
    """Pin one article after another, and note each once it is answered."""
    database = open_database(url)
    noted = os.open(answers, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number in itertools.count(first):
        kind = OverrideKind.PIN if number % 3 else OverrideKind.HIDE
        database.overrides.put(
            MIRA,
            article_id=f"a{number % 7}",
            target_id=f"t{number}",
            kind=kind,
            position=None if kind is OverrideKind.HIDE else 1,
        )
        if number % 5 == 0:
            database.takedowns.put(MIRA, article_id=f"t{number}")
        os.write(noted, f"t{number}\n".encode())


def check_kills(url: str, folder: Path, writes: int) -> None:
    upgrade_database(url)
    answers = folder / "answers"
    answers.touch()
    draw = random.Random(writes)
    kills = 0
    while count(answers) < writes:
        arguments = (url, answers, 10_000 * kills)
        process = forked().Process(target=decide_for_ever, args=arguments)
        process.start()
        enough = count(answers) + draw.randrange(1, 40)
        while count(answers) < enough:
            assert process.is_alive()
        time.sleep(draw.uniform(0, 0.01))  # at any moment of a write
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
        check_whole(url, answers.read_text().split())
    assert kills >= writes // 40


def count(answers: Path) -> int:
    return answers.read_bytes().count(b"\n")


def check_whole(url: str, answered: list[str]) -> None:
    with closing(open_database(url)) as database:
        found = {item.target_id for item in database.overrides.all()}
        assert found >= set(answered)
        entries = list(database.audit.all())
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        told = [entry.target_id for entry in entries if entry.action == "override.put"]
        assert sorted(told) == sorted(found)  # each decision is told once, and nothing else
        taken = [entry.article_id for entry in entries if entry.action == "takedown.put"]
        assert sorted(taken) == sorted(item.article_id for item in database.takedowns.all())


def test_a_writer_killed_at_any_moment_loses_no_answered_override(
    new_url: NewUrl, tmp_path: Path
) -> None:
    check_kills(new_url(), tmp_path, 120)


@pytest.mark.full
@pytest.mark.timeout(1_200)
def test_kills_during_a_thousand_writes_lose_no_answered_override(
    new_url: NewUrl, tmp_path: Path
) -> None:
    check_kills(new_url(), tmp_path, 1_000)


def test_a_server_killed_on_the_spot_keeps_what_it_answered(tmp_path: Path) -> None:
    with server() as (url, postgresql):
        upgrade_database(url)
        answers = tmp_path / "answers"
        answers.touch()
        process = forked().Process(target=decide_for_ever, args=(url, answers, 0))
        process.start()
        while count(answers) < 30:
            assert process.is_alive()
        postgresql.stop(signal.SIGQUIT)  # what an immediate shutdown sends: no checkpoint
        process.join()
        assert process.exitcode == 1
        postgresql.start()
        reopen(url).close()
        check_whole(url, answers.read_text().split())
