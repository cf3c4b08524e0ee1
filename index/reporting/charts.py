"""Small charts as inline SVG: columns, a meter and a scatter plot, legible on a phone."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 360, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 22, 30


def columns(
    counts: Sequence[int],
    labels: Sequence[str],
    *,
    title: str,
    every: int = 1,
    mark: tuple[float, str] | None = None,
    highlight: frozenset[int] = frozenset(),
) -> Markup:
    """Draw a column chart; each bar shows its count on hover.

    Args:
        counts: The counts, one per bar.
        labels: The labels, one per bar.
        title: The chart's name for screen readers.
        every: Show the label of every n-th bar only; the others are shown on hover.
        mark: A vertical line to draw: its position from 0 to 1 along the axis, and its text.
        highlight: Positions of the bars to draw in the warning color.
    """
    width = _WIDTH - _LEFT - _RIGHT
    height = _HEIGHT - _TOP - _BOTTOM
    most = max([*counts, 1])
    step = width / max(len(counts), 1)
    parts: list[str] = []
    for number, (count, label) in enumerate(zip(counts, labels, strict=True)):
        tall = height * count / most
        x, y = _LEFT + number * step, _TOP + height - tall
        style = "warn" if number in highlight else "bar"
        parts.append(
            f'<g><title>{escape(label)}: {count:,}</title><rect class="{style}" x="{x + 1:.1f}" '
            f'y="{y:.1f}" width="{step - 2:.1f}" height="{tall:.1f}" rx="1.5"/></g>'
        )
        middle = x + step / 2
        if count and (len(counts) <= 12 or (mark is None and number == counts.index(most))):
            parts.append(f'<text class="count" x="{middle:.1f}" y="{y - 4:.1f}">{count:,}</text>')
        if number % every == 0:
            parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT - 12}">{escape(label)}</text>')
    if mark is not None:
        x = _LEFT + mark[0] * width
        parts.append(
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 18}" y2="{_TOP + height}"/>'
            f'<text class="note" x="{x + 4:.1f}" y="{_TOP - 10}">{escape(mark[1])}</text>'
        )
    axis = _TOP + height
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{axis}" y2="{axis}"/>'
    )
    return _svg(parts, _WIDTH, _HEIGHT, title)


def meter(share: float, *, title: str, warn: bool = False) -> Markup:
    """Draw a share of a whole as a partly filled horizontal bar.

    Args:
        share: The filled part, from 0 to 1.
        title: The bar's name for screen readers.
        warn: Draw the bar in the warning color.
    """
    filled = 100.0 * min(max(share, 0.0), 1.0)
    return Markup(  # noqa: S704 - numbers and an escaped title
        f'<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}"><rect class="rail" width="100" height="8"/>'
        f'<rect class="{"warn" if warn else "bar"}" width="{filled:.1f}" height="8"/></svg>'
    )


def scatter(articles: Sequence[Mapping[str, Any]], *, title: str, pages: str = "") -> Markup:
    """Draw articles as points; each point shows its title on hover, and may lead to its page.

    Args:
        articles: The articles, each with ``article_id``, ``x`` and ``y`` in [0, 1], ``title``, and
            ``group``, the number of its color.
        title: The chart's name for screen readers.
        pages: The address below which articles have pages; empty for points without links.
    """
    width, height, rim = 1_000, 720, 12
    radius = 5 if len(articles) > 600 else 7

    def point(item: Mapping[str, Any]) -> str:
        # By the keyboard, thousands of dots would stand between the parts of the page.
        link = f'a href="{pages}/article?id={quote(item["article_id"], safe="")}" tabindex="-1"'
        return (
            f"<{link if pages else 'g'}><title>{escape(item['title'])}</title>"
            f'<circle class="g{item["group"]}" cx="{rim + (width - 2 * rim) * item["x"]:.0f}" '
            f'cy="{height - rim - (height - 2 * rim) * item["y"]:.0f}" r="{radius}"/>'
            f"</{'a' if pages else 'g'}>"
        )

    points = [point(item) for item in articles]
    return _svg(points, width, height, title, role="group" if pages else "img")


def _svg(parts: Sequence[str], width: int, height: int, title: str, *, role: str = "img") -> Markup:
    return Markup(  # noqa: S704 - all texts in the parts are escaped
        f'<svg viewBox="0 0 {width} {height}" role="{role}" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )
