"""The expressions that are timed: one table, in numloom's language, from which every peer's own text is made.

A case states its expression once. `program.py` turns it into NumPy, NumExpr, numba, JAX or C; `checks.py` holds every peer to NumPy's values
first. Inputs are random and not compressible, in ranges where no result is NaN, infinite or subnormal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import equation_of_state

SIZES = (1_000, 10_000, 100_000, 1_000_000, 20_000_000)
"""In L1, in L2, at its edge, in the last-level cache, in memory."""

FLOATS, WIDE, NARROW = ("f8", "f4"), ("f8",), ("i2", "u1")


@dataclass(frozen=True)
class Case:
    """An expression, what it runs on and what is to be learnt from it."""

    name: str
    text: str
    group: str
    """`design` rows are those that the project set itself figures for; `sweep` goes from memory-bound to arithmetic-bound; `kernels` are whole programs."""
    dtypes: tuple[str, ...] = WIDE
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    """From where to where an input lies, where that is not from 0.1 to 2."""
    max_elements: int | None = None
    shapes: dict[str, tuple[int, ...]] | None = None
    """Of inputs that broadcast; such a case has one size only."""
    reduces: bool = False
    fresh: bool = False
    """Whether it is also timed with outputs that are made anew by each call."""

    def sizes(self, wanted: tuple[int, ...]) -> tuple[int, ...]:
        if self.shapes is not None:
            return (int(np.prod(np.broadcast_shapes(*self.shapes.values()))),)
        return tuple(n for n in wanted if self.max_elements is None or n <= self.max_elements)


def inputs_of(case: Case, names: tuple[str, ...], dtype: str, n: int) -> dict[str, np.ndarray]:
    """Random arrays for the inputs of a case, the same in every run."""
    random = np.random.default_rng(20261123)
    arrays = {}
    for name in names:
        shape = case.shapes[name] if case.shapes else (n,)
        if np.dtype(dtype).kind in "iu":
            limits = np.iinfo(dtype)
            arrays[name] = random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        else:
            low, high = case.ranges.get(name, (0.1, 2.0))
            arrays[name] = random.uniform(low, high, shape).astype(dtype)
    return arrays


HORNER = "((((((((1.5*a + 0.3)*a - 2.1)*a + 0.7)*a + 1.1)*a - 0.4)*a + 2.2)*a - 1.9)*a + 0.6) + 0.5*b"

# The usual rational fit of the normal distribution's integral (Abramowitz and Stegun, 26.2.17), so that no peer lacks a function.
BLACK_SCHOLES = """
let w = 0.3*sqrt(t);
let d1 = (log(s/x) + (0.1 + 0.3*0.3/2)*t) / w;
let d2 = d1 - w;
let k1 = 1/(1 + 0.2316419*abs(d1));
let k2 = 1/(1 + 0.2316419*abs(d2));
let q1 = 0.3989422804014327*exp(d1*d1*-0.5) * (k1*(0.31938153 + k1*(-0.356563782 + k1*(1.781477937 + k1*(-1.821255978 + k1*1.330274429)))));
let q2 = 0.3989422804014327*exp(d2*d2*-0.5) * (k2*(0.31938153 + k2*(-0.356563782 + k2*(1.781477937 + k2*(-1.821255978 + k2*1.330274429)))));
let n1 = where(d1 > 0, 1 - q1, q1);
let n2 = where(d2 > 0, 1 - q2, q2);
let e = x*exp(-0.1*t);
call = s*n1 - e*n2;
put = e*(1 - n2) - s*(1 - n1)
"""

CASES = (
    Case("add", "a + b", "design", FLOATS, fresh=True),
    Case("axpy", "2*a + 3*b", "design", FLOATS + NARROW + ("i1",), fresh=True),
    Case("poly", HORNER, "design"),
    Case("sin-cos", "sin(a)**2 + cos(b)**2", "design", FLOATS),
    Case("exp-log", "exp(-a*a/2) * log(b + 1.5)", "design", FLOATS, fresh=True),
    Case("pow", "a**b", "design"),
    Case("tanh", "tanh(a)", "design", FLOATS),
    Case("sum", "sum(a)", "design", reduces=True),
    Case("dot", "sum(a*b)", "design", FLOATS, reduces=True),
    Case("moments", "mean(a); std(a); min(a); max(a)", "design", reduces=True),
    Case("grid", "sin(x**2) + cos(y**2)", "design", shapes={"x": (1, 1000), "y": (1000, 1)}),
    Case("add3", "a + b + c", "sweep"),
    Case("hypot", "sqrt(a*a + b*b)", "sweep", FLOATS),
    Case("choose", "where(a > b, a*2, b/3)", "sweep"),
    Case("differ", "where(a > b, a - b, b - a)", "sweep", NARROW),
    Case("horner10", "(((((((((1.5*a + 0.3)*a - 2.1)*a + 0.7)*a + 1.1)*a - 0.4)*a + 2.2)*a - 1.9)*a + 0.6)*a - 0.8)*a + 0.2", "sweep"),
    Case("root-pow", "sqrt(a + 2*b + c/2)**1.2", "sweep"),
    Case("where-exp", "where(a > b, exp(-a), log1p(b))", "sweep"),
    Case(
        "black-scholes", BLACK_SCHOLES, "kernels",
        ranges={"s": (10.0, 50.0), "x": (10.0, 50.0), "t": (1.0, 2.0)}, max_elements=1_000_000,
    ),
    Case(
        "sea-water", equation_of_state.TEXT, "kernels",
        ranges={"sa": (0.01, 10.0), "ct": (-12.0, 20.0), "p": (0.0, 1000.0)}, max_elements=1_000_000,
    ),
)
