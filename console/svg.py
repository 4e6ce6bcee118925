"""The shapes of the diagram and the chart, as SVG text; all lengths are in pixels."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

Point = tuple[float, float]

# A background of its own makes the picture readable on light and dark pages.
_STYLE = """
text { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
.strong, .on-pill { font-weight: 600; }
.background { fill: #ffffff; stroke: #d8dee6; }
.card { fill: #f7f9fb; stroke: #c9d2dc; }
.strong, .pill, .head { fill: #17202a; }
.plain { fill: #2b3743; }
.quiet { fill: #5d6b7a; }
.chip { fill: #e4e9ef; }
.on-pill { fill: #ffffff; }
.way { fill: none; stroke: #17202a; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  .background { fill: #10161d; stroke: #2a3541; }
  .card { fill: #18212b; stroke: #34414f; }
  .strong, .pill, .head { fill: #f1f5f9; }
  .plain { fill: #d5dde6; }
  .quiet { fill: #97a5b4; }
  .chip { fill: #2a3541; }
  .on-pill { fill: #10161d; }
  .way { stroke: #f1f5f9; }
}
"""


def width(content: str, size: float) -> float:
    """Return the maximum width of a text in the usual sans-serif fonts."""
    return sum(0.34 if letter in " .,:;·ijlftr|'()/" else 0.64 for letter in content) * size


def text(at: Point, content: str, kind: str, size: float, anchor: str = "start") -> str:
    """Return a line of text with its start, middle or end (`anchor`) at a point."""
    x, y = at
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size:g}" '
        f'text-anchor="{anchor}">{escape(content)}</text>'
    )


def box(at: Point, size: Point, kind: str, radius: float) -> str:
    """Return a rectangle with rounded corners."""
    return (
        f'<rect class="{kind}" x="{at[0]:g}" y="{at[1]:g}" width="{size[0]:g}" '
        f'height="{size[1]:g}" rx="{radius:g}"/>'
    )


def dot(at: Point, colour: str) -> str:
    """Return a small filled circle."""
    return f'<circle cx="{at[0]:g}" cy="{at[1]:g}" r="4.5" fill="{colour}"/>'


def arrow(start: Point, end: Point) -> str:
    """Return a line with an arrow head; a level one with a bend if it ends at another height."""
    (x0, y0), (x, y) = start, end
    bend = f"H{(x0 + x) / 2:g} V{y:g} H{x:g}" if x != x0 else f"V{y:g}"
    return f'<path class="way" d="M{x0:g} {y0:g} {bend}" marker-end="url(#head)"/>'


def document(size: Point, title: str, description: str, shapes: Iterable[str]) -> str:
    """Return the picture on its background."""
    wide, high = size
    background = box((0.5, 0.5), (wide - 1, high - 1), "background", 12)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" '
            f'width="{wide:g}" height="{high:g}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>',
            f"<style>{_STYLE}</style>",
            '<marker id="head" class="head" orient="auto" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse">'
            '<path d="M0 0 L8 4 L0 8 Z"/></marker>',
            *(background, *shapes),
            "</svg>\n",
        )
    )
