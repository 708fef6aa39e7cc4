"""What a call costs at ten elements, beside NumExpr and NumPy, in one process and interleaved.

    python bench/calls.py

Prints microseconds: the fastest and the median of all rounds, and the ratio of medians to the best of the others.
"""

from __future__ import annotations

import statistics
import timeit

import numexpr as ne
import numpy as np

import numloom as nl
import numloom.numexpr as shim

N, ROUNDS, CALLS = 10, 25, 4000

a, b, c = np.arange(float(N)), np.ones(N), np.empty(N)
f = nl.compile("2*a + 3*b")
g = ne.NumExpr("2*a + 3*b", [("a", np.float64), ("b", np.float64)])
h = shim.NumExpr("2*a + 3*b", [("a", np.float64), ("b", np.float64)])
s = nl.compile("sum(a*b)")
want = 2 * a + 3 * b
for module in (ne, shim):
    assert np.array_equal(module.evaluate("2*a + 3*b"), want)
assert np.array_equal(f(a, b), want) and np.array_equal(nl.evaluate("2*a + 3*b"), want) and s(a, b) == (a * b).sum()

CASES = {
    "compiled call": {
        "numloom": lambda: f(a, b),
        "numloom, out=": lambda: f(a, b, out=c),
        "numloom, by name": lambda: f(a=a, b=b),
        "numloom.numexpr": lambda: h(a, b),
        "numexpr": lambda: g(a, b),
        "NumPy": lambda: 2 * a + 3 * b,
    },
    "re_evaluate": {
        "numloom.numexpr": lambda: shim.re_evaluate(),
        "numexpr": lambda: ne.re_evaluate(),
    },
    "evaluate of a known text": {
        "numloom": lambda: nl.evaluate("2*a + 3*b"),
        "numloom, by name": lambda: nl.evaluate("2*a + 3*b", a=a, b=b),
        "numloom.numexpr": lambda: shim.evaluate("2*a + 3*b"),
        "numexpr": lambda: ne.evaluate("2*a + 3*b"),
    },
    "sum(a*b)": {
        "numloom": lambda: s(a, b),
        "NumPy": lambda: (a * b).sum(),
    },
}


def first_calls(module, count=200):
    """The time of `evaluate` of texts that were never seen."""
    times = []
    for i in range(count):
        text = f"2*a + 3*b - {i}.25*a*b"
        begin = timeit.default_timer()
        module.evaluate(text)
        times.append(timeit.default_timer() - begin)
    return times


for title, cases in CASES.items():
    times = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, call in cases.items():
            times[name].append(timeit.timeit(call, number=CALLS) / CALLS * 1e6)
    print(f"\n{title}, {N} elements: fastest, median in µs")
    for name, values in times.items():
        print(f"  {name:20} {min(values):7.2f} {statistics.median(values):7.2f}")

print("\nevaluate of a new text: fastest, median in µs")
for name, module in {"numloom": nl, "numloom.numexpr": shim, "numexpr": ne}.items():
    values = [value * 1e6 for value in first_calls(module)]
    print(f"  {name:20} {min(values):7.0f} {statistics.median(values):7.0f}")
