"""What is read off the rows of a run, and how it is written."""

from __future__ import annotations

import statistics

SIZES = {1_000: "1e3", 10_000: "1e4", 100_000: "1e5", 1_000_000: "1e6", 20_000_000: "2e7"}
DTYPES = {"f8": "f64", "f4": "f32", "i1": "i8", "i2": "i16", "u1": "u8"}
CALL = 10
"""Elements of the rows that say what a call costs."""
CEILING = ("gcc", "gcc-stream")
"""What computes the same as numloom."""


def median(row: dict, peer: str) -> float:
    return statistics.median(row["peers"][peer]["ns"])


def fastest(row: dict, peer: str) -> float:
    return min(row["peers"][peer]["ns"])


def size(n: int) -> str:
    return SIZES.get(n, f"{n:.0e}".replace("e+0", "e"))


def what(row: dict) -> str:
    """A case with its dtype."""
    return f"`{row['case']}` {DTYPES[row['dtype']]}"


def ratio(row: dict, peer: str) -> str:
    """A peer's time over numloom's, of medians and of fastest; bold where numloom is slower in both."""
    if peer not in row["peers"]:
        return "wrong" if "WRONG" in row["left_out"].get(peer, "") else "–"
    a, b = median(row, peer) / median(row, "numloom"), fastest(row, peer) / fastest(row, "numloom")
    text = f"{number(a)}, {number(b)}"
    return f"**{text}**" if max(a, b) < 1 else text


def number(value: float) -> str:
    return f"{value:.2f}" if value < 9.95 else f"{value:.1f}" if value < 99.5 else f"{value:.0f}"


def ceiling(row: dict) -> str | None:
    """The fastest C that computes the same."""
    able = [peer for peer in CEILING if peer in row["peers"]]
    return min(able, key=lambda peer: median(row, peer)) if able else None


def table(heads: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]) + "\n"
