"""The few shapes that the diagram is drawn with, as SVG text; all lengths are in pixels."""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

Point = tuple[float, float]

# The picture brings its own ground, so it reads on a light page and on a dark one.
_STYLE = """
text { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
.ground { fill: #ffffff; stroke: #d8dee6; }
.card { fill: #f7f9fb; stroke: #c9d2dc; }
.line { stroke: #e3e8ee; }
.strong { fill: #17202a; font-weight: 600; }
.plain { fill: #2b3743; }
.quiet { fill: #5d6b7a; }
.chip { fill: #e4e9ef; }
.pill { fill: #17202a; }
.on-pill { fill: #ffffff; font-weight: 600; }
.way { fill: none; stroke: #17202a; stroke-width: 2; }
.signal { fill: none; stroke: #8a97a6; stroke-width: 1.5; stroke-dasharray: 5 4; }
.part { fill: none; stroke: #8a97a6; stroke-width: 1.5; }
.head { fill: #17202a; }
.signal-head { fill: #8a97a6; }
@media (prefers-color-scheme: dark) {
  .ground { fill: #10161d; stroke: #2a3541; }
  .card { fill: #18212b; stroke: #34414f; }
  .line { stroke: #2a3541; }
  .strong { fill: #f1f5f9; }
  .plain { fill: #d5dde6; }
  .quiet { fill: #97a5b4; }
  .chip { fill: #2a3541; }
  .pill { fill: #f1f5f9; }
  .on-pill { fill: #10161d; }
  .way { stroke: #f1f5f9; }
  .head { fill: #f1f5f9; }
}
"""


def width(content: str, size: float) -> float:
    """Return what a text takes at most, in any of the usual sans-serif fonts."""
    return sum(0.34 if letter in " .,:;·ijlftr|'()/" else 0.64 for letter in content) * size


def text(at: Point, content: str, kind: str, size: float, anchor: str = "start") -> str:
    """Return a line of text; `anchor` says which end of it, or its middle, `at` is."""
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


def path(points: Sequence[Point], kind: str) -> str:
    """Return a line through points."""
    return f'<path class="{kind}" d="M{" L".join(f"{x:g} {y:g}" for x, y in points)}"/>'


def arrow(points: Sequence[Point], kind: str, head: str) -> str:
    """Return a line through points with an arrow head; its last part is level or upright."""
    (x0, y0), (x, y) = points[-2:]
    dx, dy = ((x > x0) - (x < x0)) * 8, ((y > y0) - (y < y0)) * 8
    tip = f"M{x:g} {y:g} L{x - dx - dy / 2:g} {y - dy - dx / 2:g} "
    tip += f"L{x - dx + dy / 2:g} {y - dy + dx / 2:g} Z"
    return path([*points[:-1], (x - dx, y - dy)], kind) + f'<path class="{head}" d="{tip}"/>'


def document(size: Point, title: str, description: str, shapes: Iterable[str]) -> str:
    """Return the whole picture on its ground."""
    wide, high = size
    ground = box((0.5, 0.5), (wide - 1, high - 1), "ground", 12)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" '
            f'width="{wide:g}" height="{high:g}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>',
            f"<style>{_STYLE}</style>",
            *(ground, *shapes),
            "</svg>\n",
        )
    )
