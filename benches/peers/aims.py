"""What numloom is to reach beside its peers, and whether a run reached it: a line for each aim, with its worst row."""

from __future__ import annotations

from dataclasses import dataclass

from rows import DTYPES, fastest, median, number, size, table, what

FUNCTIONS = ("sin-cos", "exp-log", "pow", "tanh")
NARROW = {"f4": 4, "i2": 2, "u1": 1, "i1": 1}


@dataclass(frozen=True)
class Aim:
    """`cases` at `sizes` are to take no more than 1/`least` of the time of the fastest of `peers`."""

    what: str
    cases: tuple[str, ...]
    sizes: tuple[int, ...]
    peers: tuple[str, ...]
    least: float
    dtypes: tuple[str, ...] = ("f8",)
    threads: tuple[int, ...] = (1, 2)


MEMORY, CACHED = (20_000_000,), (10_000, 100_000)
LARGE = (100_000, 1_000_000, 20_000_000)
AIMS = (
    Aim("`a + b` in memory: 1.2 of the fastest of NumExpr, numba, JAX", ("add",), MEMORY, ("numexpr", "numba", "jax"), 1.2),
    Aim("`2*a + 3*b` in memory: 1.25 of the fastest of them", ("axpy",), MEMORY, ("numexpr", "numba", "jax"), 1.25),
    Aim("both: 0.9 of C with streaming stores", ("add", "axpy"), MEMORY, ("gcc-stream",), 0.9),
    Aim("polynomial in caches: 0.9 of gcc, same rounding", ("poly",), CACHED, ("gcc",), 0.9, threads=(1,)),
    Aim("polynomial in caches: 0.9 of gcc joining operations", ("poly",), CACHED, ("gcc-fma",), 0.9, threads=(1,)),
    Aim("polynomial in caches: numba", ("poly",), CACHED, ("numba",), 1.0, threads=(1,)),
    Aim("functions: 1.5 of NumExpr with MKL", ("sin-cos", "exp-log", "tanh"), LARGE, ("numexpr-vml",), 1.5),
    Aim("`a**b`: 1.2 of it", ("pow",), LARGE, ("numexpr-vml",), 1.2),
    Aim("functions: 1.5 of NumExpr with MKL's kernels for this processor", ("sin-cos", "exp-log", "tanh"), LARGE, ("numexpr-vml-kernels",), 1.5),
    Aim("`a**b`: 1.2 of it", ("pow",), LARGE, ("numexpr-vml-kernels",), 1.2),
    Aim("functions: 4 of NumExpr's wheel and numba", FUNCTIONS, LARGE, ("numexpr", "numba"), 4.0),
    Aim("functions: 2 of JAX", FUNCTIONS, LARGE, ("jax",), 2.0),
    Aim("`sum(a*b)`, mean with std, min and max: 0.9 of one pass in C", ("dot", "moments"), LARGE, ("gcc",), 0.9),
    Aim("`sin(x**2) + cos(y**2)` over a grid: NumPy", ("grid",), (1_000_000,), ("numpy",), 1.0),
)


def reached(found: dict) -> str:
    """Every aim with the row that is furthest from it, and what small types take of `f64`."""
    rows = [row for row in found["rows"] if not row["fresh"] and "numloom" in row["peers"]]
    lines = []
    for aim in AIMS:
        ratios = [
            (median(row, peer) / median(row, "numloom"), fastest(row, peer) / fastest(row, "numloom"), row, peer)
            for row in rows
            if row["case"] in aim.cases and row["n"] in aim.sizes and row["dtype"] in aim.dtypes and row["threads"] in aim.threads
            for peer in aim.peers
            if peer in row["peers"]
        ]
        if not ratios:
            lines.append([aim.what, f"{aim.least:g}", "–", "not measured", "–"])
            continue
        of_medians, of_fastest, row, peer = min(ratios, key=lambda each: each[0])
        where = f"{what(row)}, {size(row['n'])}, {found['labels'][peer]}, threads {row['threads']}"
        count = sum(each[0] >= aim.least for each in ratios)
        holds = "yes" if count == len(ratios) else f"**no**: {count} of {len(ratios)} rows"
        lines.append([aim.what, f"{aim.least:g}", f"{number(of_medians)}, {number(of_fastest)}", where, holds])
    return (
        "## What is to be reached\n\nPeers' times over numloom's, medians and fastest, on the row that is furthest from its aim. An aim holds on a row whose medians reach it.\n\n"
        + table(["aim", "at least", "worst", "where", "holds"], lines)
        + "\n"
        + _narrow(rows)
    )


def _narrow(rows: list[dict]) -> str:
    """Time for each byte of small types over that of `f64`."""
    times = {(row["dtype"], row["n"], row["threads"]): median(row, "numloom") / row["bytes"] for row in rows if row["case"] == "axpy"}
    lines = []
    for dtype in NARROW:
        for n in LARGE:
            cells = [
                f"{times[dtype, n, threads] / times['f8', n, threads]:.2f}" if {(dtype, n, threads), ("f8", n, threads)} <= times.keys() else "–"
                for threads in (1, 2)
            ]
            if cells != ["–", "–"]:
                lines.append([DTYPES[dtype], size(n), *cells])
    if not lines:
        return ""
    return "Time for each byte of `2*a + 3*b` over that in `f64`, which is to be 1 (less where the smaller arrays lie in a nearer cache):\n\n" + table(
        ["dtype", "n", "1 thread", "2 threads"], lines
    )
