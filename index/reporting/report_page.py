"""Renders the report of a build as an HTML page that loads no other files."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from index.build.manifest import Manifest
from index.reporting.charts import columns, meter, scatter
from recommender.parameters import DEFAULT_RECIPE, EVIDENCE_PHRASES, USUAL_WEIGHTS

PAGE = "report.html"

_templates = Environment(
    loader=PackageLoader("index"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(
    manifest: Manifest, report: dict[str, Any], *, pages: str = "", header: str = ""
) -> str:
    """Render the report page of a build as HTML.

    Args:
        manifest: The build's manifest, whose list of files may still be empty.
        report: The result of :func:`index.reporting.report.make_report`.
        pages: The address below which articles have pages for editors, to which titles lead; empty
            for a page that stands alone.
        header: Text to show above the page; it is escaped unless it is ``Markup``.
    """
    template = _templates.get_template("report.html")
    return template.render(
        manifest=manifest,
        report=report,
        refused=[gate for gate in report["gates"] if not gate["passed"]],
        charts=_charts(report, pages),
        editor=pages,
        header=header,
        meter=meter,
        phrases=EVIDENCE_PHRASES,
        usual={**USUAL_WEIGHTS, "neighbors": DEFAULT_RECIPE.neighbors_say},
    )


def _charts(report: dict[str, Any], pages: str) -> dict[str, Any]:
    scores, links = report["scores"], report["links"]
    bins = scores["bins"]
    edges = [f"{edge / len(bins):g}" for edge in range(len(bins))]
    used = {item["group"] for item in report["map"]["articles"]}
    charts: dict[str, Any] = {
        "scores": columns(
            bins,
            edges,
            every=5,
            title="Scores of the best related articles",
            mark=(scores["good"], f"shown from {scores['good']:g} upward"),
        ),
        "links": columns(
            list(links["inbound"].values()),
            list(links["inbound"]),
            title="Number of lists that show each article",
            highlight=frozenset({0}),
        ),
        "map": scatter(
            report["map"]["articles"], title="Map of the articles by meaning", pages=pages
        ),
        "groups": [
            (number, name) for number, name in enumerate(report["map"]["groups"]) if number in used
        ],
        "churn": None,
    }
    if report["churn"] is not None:
        slots = report["churn"]["lists"]["by_slots"]
        charts["churn"] = columns(
            slots,
            [str(number) for number in range(len(slots))],
            title="Lists by the number of articles that changed",
        )
    return charts
