"""Holds the `numloom` command to NumPy, bit for bit, on the same `.npy` files.

For each pair of real dtypes but f16 it writes two arrays of edge values and random ones, evaluates every expression with NumPy and with
`numloom eval … -o`, and compares dtype, shape and bits (a NaN is one value). What NumPy refuses, numloom must refuse. `NUMLOOM_BIN` names the
command. The few places where numloom means something else are the rows of `STATED`, each with its reason.
"""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

BIN = os.environ.get("NUMLOOM_BIN", "target/release/numloom")
DTYPES = [np.dtype(name) for name in "? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8".split()]
N = 1003

# Exactly rounded or integer operations only, in the words that Python and numloom share.
EXPRESSIONS = """
a + b | a - b | a * b | a / b | a // b | a % b | fmod(a, b)
2*a + 3*b | 1 - a | a * 2.5 | a / 4 | a // 3 | a % 7 | a ** 2 | a ** 3 | a ** 0.5 | a ** -1.0
-a | +a | ~a | abs(a) | sign(a) | a & b | a | b | a ^ b | a << b | a >> b | a >> 1 | a & 1
a < b | a <= b | a > b | a >= b | a == b | a != b | a == 100 | a < -1 | a > 1000 | 2.5 <= a
(a > b) & (a < 100) | (a == b) | (b > 0) | logical_and(a, b) | logical_or(a, b) | logical_not(a)
where(a > b, a, b) | where(b, a, 1) | where(a, 0.5, b) | minimum(a, b) | maximum(a, b) | minimum(a, 3)
sqrt(a) | floor(a) | ceil(a) | trunc(a) | round(a) | rint(a) | copysign(a, b)
isnan(a) | isinf(a) | isfinite(a)
int8(a) | uint8(a) | int16(a) | uint16(a) | int32(a) | uint32(a) | int64(a) | uint64(a) | float32(a) | float64(a) | bool(a)
""".replace("a | b", "bitwise_or(a, b)").replace("(a == b) | (b > 0)", "bitwise_or(a == b, b > 0)")
EXPRESSIONS = [e.strip() for e in EXPRESSIONS.replace("\n", "|").split("|") if e.strip()]


def cast(dtype):
    return lambda x: np.asarray(x).astype(dtype)


NAMES = {name: getattr(np, name) for name in
         "fmod abs sign logical_and logical_or logical_not where minimum maximum sqrt floor ceil trunc round rint copysign "
         "isnan isinf isfinite bitwise_or".split()}
NAMES |= {name: cast(name) for name in "int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64 bool".split()}


# (holds for (expression, a's dtype, b's dtype, NumPy's result or None), what to expect instead, why)
def float16_result(expr, a, b, want):
    return want is not None and want.dtype == np.float16


def undefined_cast(expr, a, b, want):
    name = expr.split("(")[0]
    return a.kind == "f" and name in NAMES and name.startswith(("int", "uint"))


def round_of_bool(expr, a, b, want):
    return expr == "round(a)" and a.kind == "b"


def power_of_bool(expr, a, b, want):
    return a.kind == "b" and expr in ("a ** 2",)


def inexact_power(expr, a, b, want):
    return expr == "a ** 3" and a.kind == "f"


STATED = [
    (inexact_power, "a float power other than -1, 0, 0.5, 1 and 2 is an elementary function, not exactly rounded in either"),
    (float16_result, "f16 is a storage dtype: numloom computes these in f32"),
    (undefined_cast, "float to integer out of range is undefined in NumPy; numloom wraps"),
    (round_of_bool, "numloom keeps a bool; NumPy gives f16"),
    (power_of_bool, "NumPy's fast path for squares makes i8 of bools, where its promotion says i64"),
]


def edges(dtype):
    if dtype.kind == "b":
        return [False, True]
    if dtype.kind == "f":
        info = np.finfo(dtype)
        values = [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, 100, 1000.5, info.max, info.min, info.tiny, info.smallest_subnormal,
                  -info.smallest_subnormal, np.inf, -np.inf, np.nan, 2.0**31, -2.0**31, 2.0**63, 2.0**64, 1e16, 0.1]
        return values
    info = np.iinfo(dtype)
    values = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, info.max, info.max - 1, info.min, info.min + 1]
    return values + ([-1, -2, -7] if dtype.kind == "i" else [])


def array(dtype, other, side, rng):
    """Edge values of `dtype`, each against each of `other`'s, then random ones up to N."""
    mine, theirs = edges(dtype), edges(other)
    mine = np.array(mine, dtype=dtype)
    pairs = (np.tile(mine, len(theirs)) if side == 0 else np.repeat(mine, len(theirs)))[:N]
    if dtype.kind == "f":
        rest = rng.standard_normal(N).astype(dtype) * 10
    elif dtype.kind == "b":
        rest = rng.integers(0, 2, N).astype(bool)
    else:
        info = np.iinfo(dtype)
        rest = rng.integers(info.min, info.max, N, dtype=dtype, endpoint=True)
    rest[: len(pairs)] = pairs
    return rest


def same(got, want):
    if got.dtype != want.dtype or got.shape != want.shape:
        return False
    if got.dtype.kind == "f":
        bits = f"u{got.itemsize}"
        return bool(np.all((got.view(bits) == want.view(bits)) | (np.isnan(got) & np.isnan(want))))
    return bool(np.all(got == want))


def first_difference(got, want, a, b):
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{got.shape}, NumPy has {want.dtype}{want.shape}"
    for i in range(len(want)):
        if not same(got[i : i + 1], want[i : i + 1]):
            return f"element {i}: {got[i]!r}, NumPy has {want[i]!r}, for a = {a[i]!r}, b = {b[i]!r}"
    return "no difference"


def run(*args):
    return subprocess.run([BIN, *args], capture_output=True, text=True, timeout=60)


def numpy_result(expr, a, b):
    """NumPy's value, or None if it refuses the dtypes."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(eval(expr, {"__builtins__": {}}, NAMES | {"a": a, "b": b}))
    except (TypeError, ValueError, OverflowError):
        return None


def main():
    rng = np.random.default_rng(20261122)
    compared = refused = stated = 0
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for da, db in itertools.product(DTYPES, DTYPES):
            a, b = array(da, db, 0, rng), array(db, da, 1, rng)
            np.save(folder / "a.npy", a)
            np.save(folder / "b.npy", b)
            inputs = [f"a={folder}/a.npy", f"b={folder}/b.npy"]
            program, wants, outputs = [], {}, []
            for i, expr in enumerate(EXPRESSIONS):
                want = numpy_result(expr, a, b)
                if any(holds(expr, da, db, want) for holds, _ in STATED):
                    stated += 1
                    continue
                if want is None:
                    refused += 1
                    checked = run("check", expr, f"a:{da.name}", f"b:{db.name}")
                    if checked.returncode == 0:
                        failures.append(f"{expr} [{da.name}, {db.name}]: NumPy refuses it, numloom says {checked.stdout.strip()}")
                    continue
                program.append(f"o{i} = {expr}")
                outputs += ["-o", f"o{i}={folder}/o{i}.npy"]
                wants[i] = want
            done = run("eval", "; ".join(program), *inputs, *outputs)
            if done.returncode != 0:
                failures.append(f"[{da.name}, {db.name}]: {done.stderr.strip()}")
                continue
            for i, want in wants.items():
                got = np.load(folder / f"o{i}.npy")
                compared += 1
                if not same(got, want):
                    failures.append(f"{EXPRESSIONS[i]} [{da.name}, {db.name}]: {first_difference(got, want, a, b)}")
    print(f"{len(EXPRESSIONS)} expressions, {len(DTYPES) ** 2} pairs of dtypes, NumPy {np.__version__}")
    print(f"{compared} results compared, {refused} refused by both, {stated} stated differences left out:")
    for _, why in STATED:
        print(f"  - {why}")
    for failure in failures[:40]:
        print(f"DIFFERENT {failure}")
    print(f"{compared + refused - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
