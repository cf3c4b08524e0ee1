"""What would a site pick instead, and what would it get?

``python -m benchmarks.peers [--data DIR]``: related articles for every article of ``ms-research``
and ``synergy`` (without ``--data``: of the sample) by each peer in turn, each in a process of its
own.

* ``nDCG@10``: by the judgments of the corpus; ``orphans``, ``largest hub``, ``same story twice``:
  over the six that a page shows, for all articles. Of a peer that takes longer than ``--patience``
  for that, a random part of the lists is measured, which the table says.
* ``build``: from texts in memory to the first answer, encoding at this run's rate included;
  ``rebuild``: until answers know that 1 % of the texts changed.
* ``requests/s``: wrk with 16 connections on one web process, an article drawn at random each time;
  ``p99``: with one connection. ``precomputed``: the peer's lists in an AlsoLike build.
* ``memory``: the most that building and listing took, servers included, shared pages once;
  ``serving``: web process and server after the requests. ``disk``: what it keeps.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.corpora import OUT, data_folder, say
from benchmarks.peers.peer import PEERS
from benchmarks.peers.plots import as_json, draw, render
from recommender.sentence_encoder import DEFAULT_MODEL

_OURS = "alsolike"


def trial(name: str, corpus: str, folder: Path, arguments: argparse.Namespace) -> dict:
    """Run one peer on one corpus in a process of its own."""
    say(f"— {PEERS[name]}, {corpus}")
    command = [
        *(sys.executable, "-m", "benchmarks.peers.trial", name, corpus),
        *(str(folder / corpus / name), str(folder / corpus / _OURS)),
        *("--seconds", str(arguments.seconds), "--patience", str(arguments.patience)),
        *("--model", arguments.model),
        *(() if arguments.data is None else ("--data", str(arguments.data))),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"skipped": f"ended with {done.returncode}"}
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--peers", default=",".join(PEERS), help="which, by comma")
    parser.add_argument("--corpora", default="ms-research,synergy", help="with --data: which")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run of requests (4)")
    parser.add_argument("--patience", type=float, default=600.0, help="for a peer's lists (600 s)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="hashing:64: for a trial run")
    arguments = parser.parse_args()
    names = arguments.peers.split(",")
    corpora = ["sample"] if arguments.data is None else arguments.corpora.split(",")
    results: dict[str, dict[str, dict]] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # servers have users of their own
        for corpus in corpora:
            found = {
                name: trial(name, corpus, Path(folder), arguments)
                for name in sorted({_OURS, *names}, key=list(PEERS).index)
            }
            results[corpus] = found
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}\n")
    print(render(results))
    for path in draw(results, OUT):
        print(f"plot: {path}")
    print(json.dumps(as_json(results)))


if __name__ == "__main__":
    main()
