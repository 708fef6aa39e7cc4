"""Searches for the inputs where a function is farthest from its true value.

    pip install gmpy2 numpy
    cargo build --release -p numloom-math --example evaluate
    python tools/accuracy.py target/release/examples/evaluate [-n COUNT] [--seed N] [NAME…]

Random inputs over the usual and the whole range of each function first. Then by refinement: around each of the worst, inputs ever
nearer to it, down to its neighbours, as long as worse ones are found. Prints a line for each function: the greatest error in ulp of the true
value, at which input, how many inputs were tried. `--write` puts them into `src/accuracy.rs` and the worst inputs of each into
`tests/anchors.txt`, beside those that are there.
"""

import argparse
import subprocess
from pathlib import Path

import gmpy2
import numpy as np

HERE = Path(__file__).resolve().parent
BITS = 160

gmpy2.get_context().precision = BITS
M = gmpy2


def uniform(lo, hi):
    return lambda rng, n: rng.uniform(lo, hi, n)


def wide(lo, hi, signed=True):
    """All exponents from lo to hi."""

    def draw(rng, n):
        x = np.ldexp(rng.uniform(1, 2, n), rng.integers(lo, hi, n))
        return x * rng.choice([-1.0, 1.0], n) if signed else x

    return draw


def near(point, lo=-60, hi=-1):
    return lambda rng, n: point + np.ldexp(rng.uniform(-2, 2, n), rng.integers(lo, hi, n))


def quarters(rng, n):
    """Next to multiples of pi/2 and pi/4."""
    return rng.integers(1, 1 << 22, n) * (np.pi / 4) * (1 + rng.uniform(-1, 1, n) * 2.0 ** -rng.integers(20, 53, n))


def reduced_worst(rng, n):
    """Where the reduction cancels most: tools/angles.py."""
    words = [line for line in (HERE.parent / "tests/angles.txt").read_text().split("\n") if line and line[0] != "#"]
    x = np.array([int(word, 16) for word in words], dtype=np.uint64).view(np.float64)
    return rng.permutation(x)[:n]


POSITIVE = [uniform(0.01, 100), uniform(0.5, 2), wide(-1074, 1024, False), near(1.0)]
ANGLES = [uniform(-100, 100), uniform(-4, 4), wide(-40, 1024), quarters, wide(15, 25), reduced_worst]
SMALL = [uniform(-5, 5), uniform(-1, 1), wide(-60, 10), uniform(-720, 720)]

UNARY = {
    "sin": (M.sin, ANGLES),
    "cos": (M.cos, ANGLES),
    "tan": (M.tan, ANGLES),
    "asin": (M.asin, [uniform(-1, 1), wide(-40, 0), near(1.0), near(-1.0)]),
    "acos": (M.acos, [uniform(-1, 1), wide(-40, 0), near(1.0), near(-1.0)]),
    "atan": (M.atan, [uniform(-10, 10), uniform(-1, 1), wide(-60, 60), near(1.0)]),
    "sinh": (M.sinh, SMALL),
    "cosh": (M.cosh, SMALL),
    "tanh": (M.tanh, [uniform(-5, 5), uniform(-1, 1), wide(-60, 5), uniform(-25, 25)]),
    "asinh": (M.asinh, [uniform(-10, 10), uniform(-1, 1), wide(-60, 1024)]),
    "acosh": (M.acosh, [uniform(1, 10), lambda r, n: 1 + np.ldexp(r.uniform(1, 2, n), r.integers(-52, 3, n)), wide(0, 1024, False)]),
    "atanh": (M.atanh, [uniform(-1, 1), wide(-60, 0), near(1.0), near(-1.0)]),
    "exp": (M.exp, [uniform(-10, 10), uniform(-1, 1), wide(-60, 10), uniform(-745, 710)]),
    "exp2": (M.exp2, [uniform(-10, 10), uniform(-1, 1), wide(-60, 10), uniform(-1075, 1024)]),
    "expm1": (M.expm1, [uniform(-5, 5), uniform(-1, 1), uniform(-0.2, 0.2), wide(-60, 10), uniform(-50, 710)]),
    "log": (M.log, POSITIVE),
    "log2": (M.log2, POSITIVE),
    "log10": (M.log10, POSITIVE),
    "log1p": (M.log1p, [uniform(-1, 10), uniform(-0.5, 0.5), wide(-60, 0), wide(-60, 1024, False), near(-1.0)]),
    "cbrt": (M.cbrt, [uniform(-10, 10), wide(-1074, 1024)]),
    "erf": (M.erf, [uniform(-1, 1), uniform(-6, 6), wide(-60, 2)]),
    "erfc": (M.erfc, [uniform(-1, 1), uniform(-6, 6), uniform(5, 27), wide(-60, 4)]),
}


def both(x, y):
    return lambda rng, n: np.stack([x(rng, n), y(rng, n)])


def near_one_power(rng, n):
    """Powers of what is near one, as great as they get."""
    t = np.ldexp(rng.uniform(1, 2, n), rng.integers(-52, -2, n)) * rng.choice([-1.0, 1.0], n)
    x = 1 + t
    return np.stack([x, rng.uniform(-745, 709, n) / np.log1p(x - 1)])


def full_power(rng, n):
    x = np.ldexp(rng.uniform(1, 2, n), rng.integers(-1074, 1024, n))
    return np.stack([x, rng.uniform(-745, 709, n) / np.log(x)])


def alike(rng, n):
    x = np.ldexp(rng.uniform(1, 2, n), rng.integers(-1000, 1000, n))
    return np.stack([x, x * np.ldexp(rng.uniform(1, 2, n), rng.integers(-30, 30, n)) * rng.choice([-1.0, 1.0], n)])


BINARY = {
    "atan2": (M.atan2, [both(uniform(-10, 10), uniform(-10, 10)), both(wide(-1074, 1024), wide(-1074, 1024)), alike]),
    "hypot": (M.hypot, [both(uniform(-10, 10), uniform(-10, 10)), both(wide(-1074, 1024), wide(-1074, 1024)), alike]),
    "pow": (lambda x, y: x**y, [both(uniform(0.1, 10), uniform(-5, 5)), near_one_power, full_power]),
}

FUNCTIONS = {**{k: (1, *v) for k, v in UNARY.items()}, **{k: (2, *v) for k, v in BINARY.items()}}


class Tool:
    def __init__(self, command, isa=None):
        self.command, self.isa = command, [isa] if isa else []

    def __call__(self, name, x):
        run = subprocess.run([self.command, name, "f64", *self.isa], input=np.ascontiguousarray(x).tobytes(), capture_output=True, check=True)
        return np.frombuffer(run.stdout)


def errors(name, x, got):
    """How far, in ulp of the true value; 0 where either is not finite."""
    arity, true, _ = FUNCTIONS[name]
    result = np.zeros(len(got))
    mpfr = M.mpfr
    columns = [column.tolist() for column in np.atleast_2d(x)]
    with np.errstate(all="ignore"):
        unit = np.spacing(np.abs(got))
        # Just below a power of two it is the lower binade's that counts.
        lower = np.spacing(np.nextafter(np.abs(got), 0))
    for i, g in enumerate(got.tolist()):
        want = true(*(mpfr(c[i]) for c in columns))
        if M.is_finite(want) and abs(g) != float("inf") and g == g:
            size = lower[i] if abs(want) < abs(g) else unit[i]
            result[i] = float(abs(mpfr(g) - want) / mpfr(float(size)))
        elif M.is_finite(want) and abs(float(want)) < 1.7976931348623157e308 or M.is_nan(want) != (g != g):
            result[i] = 1e9
    return result


def search(tool, name, count, rng, known):
    arity, _, ranges = FUNCTIONS[name]
    share = count // (2 * len(ranges)) + 1
    parts = [draw(rng, share) for draw in ranges]
    parts.append(known[0] if arity == 1 else known)
    x = np.concatenate(parts, axis=-1)
    # What would only say that it is not in the domain is left out by `errors`.
    e = errors(name, x, tool(name, x))
    tried = x.shape[-1]
    best_x, best_e = x, e
    width = 2.0**-3
    while tried < count:
        order = np.argsort(best_e)[::-1][:200]
        best_x, best_e = best_x[..., order], best_e[order]
        each = 20
        repeated = np.repeat(best_x, each, axis=-1)
        x = repeated * (1 + rng.uniform(-width, width, repeated.shape))
        e = errors(name, x, tool(name, x))
        tried += x.shape[-1]
        best_x, best_e = np.concatenate([best_x, x], axis=-1), np.concatenate([best_e, e])
        width = max(width / 4, 2.0**-50) if width > 2.0**-50 else 2.0**-3
    order = np.argsort(best_e)[::-1][:8]
    return best_x[..., order], best_e[order], tried


ANCHORS = HERE.parent / "tests/anchors.txt"
TABLE = HERE.parent / "src/accuracy.rs"


def bits(x):
    return int(np.float64(x).view(np.uint64))


def known(name):
    """The inputs of the anchors."""
    rows = []
    for line in ANCHORS.read_text().splitlines():
        words = line.split()
        if words[:2] == [name, "f64"]:
            operands = words[2 : 2 + FUNCTIONS[name][0]]
            rows.append([float(np.uint64(int(word, 16)).view(np.float64)) for word in operands])
    return np.array(rows).T


def anchor(name, x):
    """A line of `tests/anchors.txt`; none where the true value overflows."""
    true = FUNCTIONS[name][1](*(gmpy2.mpfr(c) for c in x))
    want = float(true)
    if not np.isfinite(want):
        return None
    left = float((true - gmpy2.mpfr(want)) / gmpy2.mpfr(float(np.spacing(abs(want)))))
    return " ".join([name, "f64", *(f"{bits(c):016x}" for c in x), f"{bits(want):016x}", f"{left:+.3f}"])


def write(found):
    """The table, and the worst inputs among the anchors."""
    text = TABLE.read_text()
    head, rest = text.split("table! {\n")
    old, tail = rest.split("\n}", 1)
    rows = {row.split('"')[1]: row for row in old.splitlines()}
    for name, (x, e, tried) in found.items():
        at = ", ".join(repr(float(c)) for c in x[:, 0])
        rows[name] = f'    "{name}" {np.ceil(e[0] * 10 + 0.01) / 10:.1f} {e[0]:.4f} [{at}] {tried};'
    TABLE.write_text(head + "table! {\n" + "\n".join(rows.values()) + "\n}" + tail)
    lines = ANCHORS.read_text().splitlines()
    for name, (x, _, _) in found.items():
        mine = [anchor(name, column) for column in x.T]
        last = max(i for i, line in enumerate(lines) if line.startswith(f"{name} f64 "))
        lines[last + 1 : last + 1] = [line for line in mine if line and line not in lines]
    ANCHORS.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("evaluate")
    parser.add_argument("names", nargs="*")
    parser.add_argument("-n", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    tool = Tool(options.evaluate)
    found = {}
    for name in options.names or FUNCTIONS:
        rng = np.random.default_rng(options.seed)
        x, e, tried = search(tool, name, options.n, rng, known(name))
        x = np.atleast_2d(x)
        found[name] = x, e, tried
        print(f"{name:6} {e[0]:.4f} at {', '.join(repr(float(c)) for c in x[:, 0])} of {tried}", flush=True)
    if options.write:
        write(found)


main()
