"""A plot as SVG text: lines of points on a linear and a logarithmic axis, each line with its name at its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 40, 50
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2")

Point = tuple[float, float]


def plot(title: str, across: str, up: str, lines: Mapping[str, Sequence[Point]]) -> str:
    """The whole picture; `across` and `up` name the axes, the second of which is logarithmic."""
    points = [point for line in lines.values() for point in line]
    most_x = max(x for x, _ in points)
    low = math.floor(math.log10(min(y for _, y in points)))
    high = max(low + 1, math.ceil(math.log10(max(y for _, y in points))))

    def place(point: Point) -> Point:
        x = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / most_x
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(point[1]) - low) / (high - low)

    parts = [_text(LEFT, TOP - 16, title, "start", 15), _text((WIDTH - RIGHT + LEFT) / 2, HEIGHT - 12, across)]
    parts.append(_text(LEFT, TOP - 1, up, "start", 11))
    for power in range(low, high + 1):
        _, y = place((0, 10.0**power))
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#8886" stroke-width="0.5"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{10.0**power:g}", "end"))
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place((x, 10.0**low))[0], HEIGHT - BOTTOM + 18, f"{x:g}"))
    parts += _lines({name: [place(point) for point in line] for name, line in lines.items() if line})
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, background, *parts, "</svg>"]) + "\n"


def _lines(lines: Mapping[str, Sequence[Point]]) -> list[str]:
    parts = []
    free = TOP - 14.0
    by_height = sorted(lines.items(), key=lambda item: item[1][-1][1])
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(lines)}
    for name, line in by_height:
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
        parts.append(f'<path d="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colours[name]}"/>' for x, y in line]
        free = max(free + 15, line[-1][1])  # Names of lines that end close together stand below each other.
        parts.append(_text(WIDTH - RIGHT + 10, free + 4, name, "start", 12, colours[name]))
    return parts


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12, colour: str = "#333") -> str:
    style = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
