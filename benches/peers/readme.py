"""Writes what README.md says of speed from the newest record, between two comments; `--check` fails where it says something else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rows import ceiling, median, number, size, table

ROOT = Path(__file__).resolve().parents[2]
README, RECORD = ROOT / "README.md", ROOT / "benches" / "record"
BEGIN, END = "<!-- from the newest record, by benches/peers/readme.py -->", "<!-- end -->"
SIZES = (100_000, 20_000_000)
PEERS = ("numpy", "numexpr", "numexpr-vml", "numexpr-vml-kernels", "numba", "jax", "blosc2")


def newest() -> Path | None:
    """The record that was made last."""
    records = list(RECORD.glob("*-peers-*.json"))
    return max(records, key=lambda path: (json.loads(path.read_text())["began"], path.name)) if records else None


def section(path: Path | None) -> str:
    """What stands between the comments."""
    if path is None:
        return ""
    found = json.loads(path.read_text())
    threads = max(row["threads"] for row in found["rows"])
    rows = [
        row
        for row in found["rows"]
        if row["group"] != "sweep" and row["threads"] == threads and row["dtype"] == "f8" and not row["fresh"] and "numloom" in row["peers"]
        and (row["n"] in SIZES or row["case"] in ("grid", "black-scholes", "sea-water") and row["n"] == 1_000_000)
    ]  # fmt: skip
    peers = [peer for peer in PEERS if peer in found["labels"]]
    lines = []
    for row in rows:
        text = row["text"] if len(row["text"]) < 60 else row["case"]
        best = ceiling(row)
        lines.append(
            [f"`{text}`", size(row["n"]), f"{median(row, 'numloom') / row['n']:.2f}"]
            + [_times(row, peer) for peer in [*peers, best]]
        )
    heads = ["expression", "elements", "ns each", *(found["labels"][peer] for peer in peers), "C"]
    versions = ", ".join(f"{found['labels'][peer]} {found['versions'][peer].split()[0]}" for peer in ("numpy", "numexpr", "numba", "jax", "blosc2") if peer in peers)
    relative = path.relative_to(ROOT).as_posix().removesuffix(".json")
    return (
        f"{found['processor']}, {threads} threads, `f64`, outputs reused, through Python: how many times as long each peer takes, of medians; below 1 it is faster than numloom. C is the faster of\n"
        f"gcc's loop, with the C library's functions, and one written with streaming stores. {versions}; commit {found['commit'].split(',')[0]}.\n\n"
        + table(heads, lines)
        + f"\n![Nanoseconds for each element, by number of elements]({relative}.svg)\n\n"
        + f"[The whole record]({relative}.md): what else was measured, with which command, and where numloom loses. `benches/peers/run.sh` measures everything.\n"
    )


def _times(row: dict, peer: str | None) -> str:
    if peer is None or peer not in row["peers"]:
        return "–"
    return number(median(row, peer) / median(row, "numloom"))


def write(check: bool = False) -> None:
    text = README.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md lacks {BEGIN}, or {END} after it")
    wanted = f"{before}{BEGIN}\n{section(newest())}{END}{after}"
    if not check:
        README.write_text(wanted)
    elif text != wanted:
        sys.exit("README.md does not say what the newest record in benches/record says: run python3 benches/peers/readme.py")


if __name__ == "__main__":
    write(check="--check" in sys.argv[1:])
