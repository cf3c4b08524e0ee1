"""Would the unit tests notice a fault in what must never be wrong?

``python -m benchmarks.mutants --coverage`` runs the unit tests, says which branches of ``MODULES``
they miss, and keeps which test file covers which line. Then ``python -m benchmarks.mutants`` makes
300 small faults (drawn by a fixed seed), each in a process forked from this one, runs the test
files that cover the faulty line, and adds a line to ``benchmarks/out/mutants.jsonl`` for each;
``--start 0 --count 25`` makes some. ``equivalent_mutants.toml`` names those that nobody could
notice, and why.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import random
import signal
import sys
import time
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coverage
import pytest

from benchmarks.corpora import table
from benchmarks.support.program_faults import faults
from recommender.clicks.click_rates import rate_interval

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "out"
MODULES = """
recommender/visibility.py recommender/rerank.py index/articles/visibility_words.py index/query.py
index/build/manifest.py index/root/pointer.py service/http/query_params.py
service/serving/serving_view.py service/serving/guard.py service/serving/selection.py
service/serving/live.py service/serving/response_cache.py service/decisions/overrides.py
service/decisions/decision_state.py service/decisions/snapshot.py
service/decisions/snapshot_file.py service/decisions/poller.py
""".split()
DRAWN, SEED = 300, 20
_OPTIONS = ["-q", "-m", "not full", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout=60"]
_SECONDS = 90  # until a faulty program that hangs counts as noticed


def measure_coverage(tests: list[str]) -> int:
    """Run tests; print a line per module, and the branches missed, by line.

    Args:
        tests: The files to run, beside what was run before; none for all unit tests, anew.

    Returns:
        Pytest's exit code.
    """
    measured = coverage.Coverage(
        data_file=str(OUT / "coverage"), branch=True, config_file=False, include=MODULES
    )
    by_file = SimpleNamespace(  # a plugin that tells coverage which test file runs
        pytest_runtest_logstart=lambda nodeid: measured.switch_context(nodeid.partition("::")[0])
    )
    if tests:
        measured.load()
    _unload()  # or what they do while they are imported is not seen
    measured.start()
    tests = tests or [str(ROOT / "tests" / "unit")]
    failed = pytest.main([*_OPTIONS, *tests], plugins=[by_file])
    measured.stop()
    measured.save()
    with contextlib.redirect_stdout(io.StringIO()):
        measured.json_report(outfile=str(OUT / "coverage.json"))
    files = json.loads((OUT / "coverage.json").read_text())
    rows, total = [], [0, 0]
    for module in MODULES:
        if (found := files["files"].get(module)) is None:
            continue  # what was run does not load it
        have, of = found["summary"]["covered_branches"], found["summary"]["num_branches"]
        total = [total[0] + have, total[1] + of]
        missed = " ".join(f"{a}-{b}" for a, b in found["missing_branches"])
        rows.append([module, f"{have}/{of}", f"{have / max(1, of):.1%}", missed])
    rows.append(["all", f"{total[0]}/{total[1]}", f"{total[0] / max(1, total[1]):.1%}", ""])
    print(table(["module", "branches", "covered", "missed"], rows))
    return failed


def draw() -> list[tuple[str, int]]:
    """The module and the number in it of every fault to make, by the fixed seed."""
    trees = {module: ast.parse((ROOT / module).read_text()) for module in MODULES}
    places = [(module, n) for module in MODULES for n, _ in enumerate(faults(trees[module]))]
    return random.Random(SEED).sample(places, DRAWN)


def make_fault(module: str, number: int, covered: coverage.CoverageData) -> dict[str, Any]:
    """Makes a fault in a process of its own, and says whether a test there failed."""
    tree = ast.parse((ROOT / module).read_text())
    fault = list(faults(tree))[number]
    lines = covered.contexts_by_lineno(str(ROOT / module))
    tests = {test for line in fault.lines for test in lines.get(line, ())}
    if "" in tests:  # it holds from the import on
        tests = {test for some in lines.values() for test in some}
    stem = Path(module).stem
    files = sorted(tests - {""}, key=lambda test: (stem not in test, test))
    words, start = f"{module} {fault.put()}", time.perf_counter()
    if files and (child := os.fork()) == 0:
        os.setsid()
        _run_faulty(str(ROOT / module), tree, files)
    result = "not covered" if not files else _wait(child)
    seconds = round(time.perf_counter() - start, 1)
    return {"fault": words, "line": fault.lines[0], "result": result, "seconds": seconds}


def _run_faulty(path: str, tree: ast.Module, files: list[str]) -> None:
    """Runs tests with one module's faulty code; never returns."""
    right = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> Any:
        if self.get_filename(fullname) != path:
            return right(self, fullname)
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    _unload()
    SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os._exit(pytest.main([*_OPTIONS, "-x", "--hypothesis-seed=0", *files]))


def _unload() -> None:
    """Forgets our modules, so that they are imported anew; other libraries stay."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("recommender", "index", "service", "tests", "conftest"):
            del sys.modules[name]


def _wait(child: int) -> str:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if status == 0 else "killed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "killed by time"


def report(found: list[dict[str, Any]]) -> None:
    """Print a line per module, what survived, and the share of those that could be noticed."""
    path = Path(__file__).with_name("equivalent_mutants.toml")
    equivalent = tomllib.loads(path.read_text(encoding="utf-8"))
    left = [one for one in found if not one["result"].startswith("killed")]
    for one in left:
        print(
            f"{one['line']:4} {one['result']}: {one['fault']}  {equivalent.get(one['fault'], '')}"
        )
    same = sum(one["fault"] in equivalent for one in left)
    killed, noticeable = len(found) - len(left), len(found) - same
    low, high = (float(end) for end in rate_interval(killed, noticeable))
    print(f"{len(found)} made, {killed} killed, {len(left) - same} survived, {same} equivalent:")
    print(f"{killed / noticeable:.1%} killed (95 %: {low:.1%} to {high:.1%})")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coverage", nargs="*", metavar="TEST", help="measure, by all unit tests")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=DRAWN)
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(OUT / "hypothesis")
    sys.dont_write_bytecode = False
    if arguments.coverage is not None:
        sys.exit(measure_coverage(arguments.coverage))
    covered = coverage.CoverageData(str(OUT / "coverage"))
    covered.read()
    drawn = draw()[arguments.start : arguments.start + arguments.count]
    tests = sorted(covered.measured_contexts() - {""})
    pytest.main([*_OPTIONS, "--collect-only", *tests])  # loads what all of them need
    mode = "a" if arguments.start else "w"
    with (OUT / "mutants.jsonl").open(mode, encoding="utf-8") as out:
        for module, number in drawn:
            found = make_fault(module, number, covered)
            out.write(json.dumps(found) + "\n")
            out.flush()
    lines = (OUT / "mutants.jsonl").read_text(encoding="utf-8").splitlines()
    report(list({(one["line"], one["fault"]): one for one in map(json.loads, lines)}.values()))


if __name__ == "__main__":
    main()
