"""Every peer's results against NumPy's, before any is timed."""

from __future__ import annotations

import numpy as np

from adapters import Work

FUNCTIONS = {"f8": 1e-13, "f4": 2e-6}
"""Of expressions with elementary functions: some ulp of each, and what the operations after them make of it."""
JOINED = {"f8": 1e-12, "f4": 1e-5}
"""Of compilers that join multiplications and additions, where terms cancel."""
SUMS = {"f8": 1e-11, "f4": 1e-4}
"""Sums in another order, some of them in single precision."""
PROGRAMS = 1e-7
"""Of long programs, which lose digits where terms cancel."""
JOINS = ("jax", "gcc-fma")
CALLS = ("sin", "cos", "exp", "log", "tanh", "**")


def sample(values) -> np.ndarray:
    """Both ends of an array and some of its middle."""
    values = np.asarray(values[()] if hasattr(values, "schunk") else values).reshape(-1)
    return values if values.size < 200_000 else np.concatenate([values[:50_000], values[-50_000:], values[:: values.size // 50_000]])


def tolerance(peer: str, work: Work) -> float:
    """How far from NumPy's values a peer's may lie, as a part of them: nothing where both round every operation as written."""
    kind, text = work.dtype.str[1:], work.program.text
    if work.dtype.kind in "iu":
        return 0.0
    if work.reduces:
        return SUMS[kind]
    if work.program.temporaries:
        return PROGRAMS
    if any(call in text for call in CALLS):
        return FUNCTIONS[kind]
    if peer.startswith("numexpr-vml") and ("sqrt" in text or "/" in text):
        return FUNCTIONS[kind]  # MKL's are not always the nearest
    return JOINED[kind] if peer in JOINS else 0.0


def wrong(peer: str, work: Work, found, expected: list[np.ndarray]) -> str | None:
    """What is wrong with the results of a peer."""
    limit = tolerance(peer, work)
    if len(found) != len(expected):
        return f"{len(found)} results for {len(expected)}"
    for values, true in zip(found, expected, strict=True):
        values = sample(values)
        if values.shape != true.shape:
            return f"shape {values.shape} for {true.shape}"
        if limit == 0.0:
            differ = int(np.count_nonzero(values != true))
            if differ:
                return f"{differ} of {true.size} checked elements differ"
            continue
        # Of the value, or of a usual one where terms cancel.
        size = np.maximum(np.abs(true), np.median(np.abs(true))).astype(np.float64)
        worst = float((np.abs(values.astype(np.float64) - true) / size).max())
        if not worst <= limit:
            return f"off by {worst:.2g} of the value, allowed {limit:g}"
    return None
