"""What dates and durations cost beside the same integers and NumPy, on one thread, `out` given, in one process and interleaved.

    python bench/times.py

Prints microseconds: the fastest and the median of all rounds.
"""

from __future__ import annotations

import statistics
import timeit

import numpy as np

import numloom as nl

ROUNDS = 15

engine = nl.Engine(threads=1)
rng = np.random.default_rng(1)


def cases(n: int) -> list:
    i, j = rng.integers(1, 10**9, n), rng.integers(1, 10**9, n)
    i[::97] = np.iinfo("i8").min
    a, b = i.view("m8[ns]"), j.view("m8[ns]")
    times, integers, floats, bools = np.empty(n, "m8[ns]"), np.empty(n, "i8"), np.empty(n), np.empty(n, bool)
    total, whole = np.empty((), "m8[ns]"), np.empty((), "i8")
    rows = [
        ("a - b", times, integers, np.subtract),
        ("a < b", bools, bools, np.less),
        ("sum(a)", total, whole, None),
        ("a / b", floats, floats, np.divide),
    ]
    found = []
    for text, out, out_of_integers, ufunc in rows:
        f = engine.compile(text)
        given, same = ((a, b), (i, j)) if ufunc else ((a,), (i,))
        numpys = (lambda out=out, ufunc=ufunc: ufunc(a, b, out=out)) if ufunc else (lambda: np.sum(a))
        want = np.array(numpys())
        got = f(*given, out=out)
        np.testing.assert_array_equal(got, want)
        found.append((text, {
            "times": lambda f=f, given=given, out=out: f(*given, out=out),
            "integers": lambda f=f, same=same, out=out_of_integers: f(*same, out=out),
            "NumPy, times": numpys,
        }))  # fmt: skip
    return found


for n, calls in ((10, 2000), (1_000_000, 5)):
    print(f"{n} elements")
    for text, ways in cases(n):
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                spent[name].append(timeit.timeit(way, number=calls) / calls * 1e6)
        cells = (f"{name} {min(all_):.1f} ({statistics.median(all_):.1f})" for name, all_ in spent.items())
        print(f"  {text:8}", "   ".join(cells), sep="")
