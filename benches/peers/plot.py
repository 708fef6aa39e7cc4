"""The plot of a record: nanoseconds for each element against size, a panel for each expression, a line for each peer. Plain SVG."""

from __future__ import annotations

import math
from html import escape

from rows import ceiling, median, size

PANELS = ("add", "axpy", "poly", "sin-cos", "exp-log", "pow", "dot", "black-scholes")
# Colours of M. Okabe and K. Ito, "Color universal design", 2008: apart for every kind of colour vision, and in grey by their dashes.
LINES = {
    "numloom": ("#d55e00", ""),
    "numpy": ("#0072b2", ""),
    "numexpr": ("#e69f00", "6 3"),
    "numexpr-vml": ("#cc79a7", "6 3"),
    "numexpr-vml-kernels": ("#cc79a7", "2 2"),
    "numba": ("#009e73", "8 2 2 2"),
    "jax": ("#56b4e9", "4 2"),
    "blosc2": ("#999999", ""),
    "ceiling": ("#000000", "1 3"),
}
WIDTH, HEIGHT, COLUMNS = 310, 210, 2
LEFT, TOP, RIGHT, BOTTOM = 44, 34, 150, 34
SPREAD = 60
"""How many times the fastest time a panel reaches up."""
APART = 11
"""Pixels between labels."""


def plot(found: dict) -> str:
    """The SVG of `f64` rows with reused outputs on the most threads."""
    threads = max(row["threads"] for row in found["rows"])
    rows = [
        row for row in found["rows"]
        if row["threads"] == threads and row["dtype"] == "f8" and not row["fresh"] and row["n"] >= 1_000 and "numloom" in row["peers"]
    ]
    panels = [(name, [row for row in rows if row["case"] == name]) for name in PANELS]
    panels = [(name, of) for name, of in panels if len(of) > 1]
    width = COLUMNS * (LEFT + WIDTH + RIGHT)
    height = -(-len(panels) // COLUMNS) * (TOP + HEIGHT + BOTTOM) + 30
    title = f"ns for each element by number of elements, f64, reused output, {threads} thread{'s' if threads > 1 else ''}: {found['processor']}, {found['began'][:10]}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="13">{escape(title)}</text>',
    ]
    for i, (name, of) in enumerate(panels):
        x = i % COLUMNS * (LEFT + WIDTH + RIGHT) + LEFT
        y = i // COLUMNS * (TOP + HEIGHT + BOTTOM) + TOP + 30
        parts.append(f'<g transform="translate({x} {y})">{_panel(name, of, found["labels"], i)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(name: str, rows: list[dict], labels: dict[str, str], index: int) -> str:
    rows = sorted(rows, key=lambda row: row["n"])
    lines = {}
    for peer in LINES:
        points = []
        for row in rows:
            of = ceiling(row) if peer == "ceiling" else peer
            if of in row["peers"]:
                points.append((row["n"], median(row, of) / row["n"]))
        if points:
            lines[peer] = points
    low = min(value for points in lines.values() for _, value in points) / 1.3
    high = low * SPREAD
    left, right = math.log(rows[0]["n"]), math.log(rows[-1]["n"])

    def at(n: float, value: float) -> tuple[float, float]:
        return (math.log(n) - left) / (right - left) * WIDTH, HEIGHT * (1 - math.log(value / low) / math.log(high / low))

    text = rows[0]["text"] if len(rows[0]["text"]) < 60 else name
    parts = [
        f'<text y="-8" font-family="monospace" font-size="12">{escape(text)}</text>',
        f'<clipPath id="p{index}"><rect width="{WIDTH}" height="{HEIGHT}"/></clipPath>',
    ]
    for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for digit in (1, 2, 5):
            value = digit * 10.0**exponent
            if low <= value <= high:
                y = at(rows[0]["n"], value)[1]
                parts.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#e4e4e4"/><text x="-5" y="{y + 4:.1f}" text-anchor="end" fill="#555">{value:g}</text>')
    for row in rows:
        x = at(row["n"], high)[0]
        parts.append(f'<path d="M{x:.1f} 0V{HEIGHT}" stroke="#e4e4e4"/><text x="{x:.1f}" y="{HEIGHT + 15}" text-anchor="middle" fill="#555">{size(row["n"])}</text>')
    ends = []
    for peer, points in reversed(lines.items()):  # numloom last, on top
        colour, dashes = LINES[peer]
        places = [at(*point) for point in points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        weight = 3 if peer == "numloom" else 1.6
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{weight}"{dash} stroke-linejoin="round" clip-path="url(#p{index})"/>')
        label = "C ceiling" if peer == "ceiling" else labels[peer]
        above = places[-1][1] < 0
        ends.append((max(places[-1][1], 4.0), places[-1][0], label + (" ↑" if above else ""), colour, peer == "numloom"))
    return "".join(parts + _labels(sorted(ends)))


def _labels(ends: list[tuple]) -> list[str]:
    """Names at the ends of their lines, moved apart."""
    ys = [end[0] for end in ends]
    for i in range(1, len(ys)):
        ys[i] = max(ys[i], ys[i - 1] + APART)
    over = max(0.0, ys[-1] - HEIGHT)
    ys[-1] -= over
    for i in range(len(ys) - 2, -1, -1):
        ys[i] = min(ys[i], ys[i + 1] - APART)
    weight = {True: ' font-weight="bold"', False: ""}
    return [
        f'<path d="M{x + 1:.1f} {y0:.1f}L{x + 9:.1f} {y:.1f}" stroke="{colour}" stroke-width="0.7" fill="none"/>'
        f'<text x="{x + 11:.1f}" y="{y + 4:.1f}" fill="{colour}"{weight[bold]}>{escape(label)}</text>'
        for (y0, x, label, colour, bold), y in zip(ends, ys, strict=True)
    ]
