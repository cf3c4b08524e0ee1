"""The peers' figures as Markdown tables, plots, and one JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.corpora import table
from benchmarks.peers.peer import PEERS

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Corpus to peer to figures, or to ``{"skipped": why}``."""

_FIGURES = (
    "rps",
    "p99_ms",
    "build_s",
    "rebuild_s",
    "orphans",
    "duplicates",
    "peak_rss_mb",
    "disk_mb",
)
_OURS, _OTHERS = "#0b5c55", "#8a8a8a"


def measured(peers: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The peers that ran."""
    return {name: found for name, found in peers.items() if "skipped" not in found}


def render(results: Results) -> str:
    """One table a corpus, then versions and what a request does."""
    parts = []
    for corpus, peers in results.items():
        ran = measured(peers)
        sets = list(next(iter(ran.values()))["ndcg10"]) if ran else []
        header = [
            *(corpus, *(f"nDCG@10 {name.removeprefix(corpus + '-')}" for name in sets)),
            *("orphans", "largest hub", "same story twice", "build", "rebuild"),
            *("requests/s", "p99", "all lists", "precomputed, requests/s"),
            *("memory", "serving", "disk"),
        ]
        rows = [
            [
                *(PEERS[name], *(f"{found['ndcg10'][one]:.4f}" for one in sets)),
                *(_orphans(found), f"{found['largest_hub']:.1%}"),
                *(f"{found['duplicates']:,}", _seconds(found["build_s"])),
                *(_seconds(found["rebuild_s"]), f"{found['rps']:,.0f}"),
                *(f"{found['p99_ms']:,.1f} ms", _seconds(found["lists_s"])),
                "the same"
                if found["precomputed_rps"] is None
                else f"{found['precomputed_rps']:,.0f}",
                *(f"{found[key]:,.0f} MB" for key in ("peak_rss_mb", "serve_mb", "disk_mb")),
            ]
            for name, found in ran.items()
        ]
        parts.append(table(header, rows))
        parts.extend(
            f"{PEERS[name]}: left out, {found['skipped']}"
            for name, found in peers.items()
            if "skipped" in found
        )
    asked = measured(list(results.values())[-1])
    parts.append(
        table(
            ["peer", "versions", "what one request does"],
            [[PEERS[name], found["version"], found["call"]] for name, found in asked.items()],
        )
    )
    return "\n\n".join(parts)


def _orphans(found: Mapping[str, Any]) -> str:
    known = found["orphans"]
    return f"of {found['lists']:,} lists" if known is None else f"{known:,}"


def _seconds(value: float) -> str:
    return f"{value:,.2f} s" if value < 10 else f"{value:,.0f} s"


def as_json(results: Results) -> dict[str, Any]:
    """Every peer's figures: those of the last corpus on top, all of them below ``corpora``."""
    last = measured(list(results.values())[-1])
    peers: dict[str, Any] = {}
    for name, found in last.items():
        peers[name] = {
            "ndcg10": {
                judged: value
                for some in results.values()
                for judged, value in some[name].get("ndcg10", {}).items()
            },
            **{key: found[key] for key in _FIGURES},
            "corpora": {corpus: some[name] for corpus, some in results.items()},
        }
    return {"peers": peers}


def draw(results: Results, folder: Path) -> list[Path]:
    """Two plots of the last corpus: what readers get against what it costs, and building."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "alsolike"
    corpus, peers = list(results.items())[-1]
    ran = measured(peers)
    if not ran:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "peers.svg", folder / "peers-building.svg"]
    _draw_requests(corpus, ran, paths[0])
    _draw_building(corpus, ran, paths[1])
    return paths


def _draw_requests(corpus: str, peers: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.2))
    quality_of = {
        name: sum(found["ndcg10"].values()) / max(1, len(found["ndcg10"]))
        for name, found in peers.items()
    }
    named: list[tuple[float, float]] = []
    for name, quality in sorted(quality_of.items(), key=lambda item: -item[1]):
        found, ours = peers[name], name == "alsolike"
        # A name steps down below one that would else lie on it.
        crowded = any(
            above - quality < 0.012 and 1 / 3 < rate / found["rps"] < 3 for above, rate in named
        )
        named.append((quality, found["rps"]))
        axes.scatter(found["rps"], quality, s=70 if ours else 45, color=_OURS if ours else _OTHERS)
        axes.annotate(
            PEERS[name],
            (found["rps"], quality),
            xytext=(-8 if ours else 8, -12 if crowded else -3),
            ha="right" if ours else "left",
            textcoords="offset points",
            fontsize=9,
            fontweight="bold" if ours else "normal",
        )
    axes.set_xscale("log")
    axes.set_xlabel("requests per second, one web process")
    axes.set_ylabel(f"nDCG@10, {corpus}")
    axes.margins(x=0.12, y=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def _draw_building(corpus: str, peers: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 3.8))
    names = list(peers)[::-1]
    for place, name in enumerate(names):
        found = peers[name]
        color = _OURS if name == "alsolike" else _OTHERS
        axes.barh(place + 0.2, found["build_s"], 0.38, color=color)
        axes.barh(place - 0.2, found["rebuild_s"], 0.38, color=color, alpha=0.45)
    axes.set_yticks(range(len(names)), [PEERS[name] for name in names])
    axes.set_xscale("log")
    axes.set_xlabel(f"seconds, {corpus}: build (dark), after 1 % changed (light)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
