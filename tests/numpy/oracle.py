"""NumPy as oracle of the command line: `numloom eval` over `.npy` files gives NumPy's dtypes, shapes and bits.

Every ordered pair of real dtypes but f16, with edge values and random bits, under expressions whose every step is exactly rounded or
integer; a NaN is one value. One run of the command line computes all expressions of a pair in one pass, into one file each. What NumPy
refuses, numloom has to refuse. Needs NumPy; the binary's path is in NUMLOOM_BIN.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

from reference import DTYPES, evaluate, same_bits

EXPRESSIONS = """
    a + b
    a - b
    a * b
    a / b
    a // b
    a % b
    fmod(a, b)
    a < b
    a <= b
    a > b
    a >= b
    a == b
    a != b
    a & b
    a | b
    a ^ b
    a << b
    a >> b
    minimum(a, b)
    maximum(a, b)
    where(a > b, a, b)
    b if a else a
    a and b
    a or not b
    not a
    -a
    +b
    ~a
    abs(a)
    sign(b)
    floor(a)
    ceil(a)
    trunc(b)
    (a + 0)**2
    isnan(a) | isinf(b)
    isfinite(a) & isfinite(b)
    0 < a <= b
    a*a - b*b
    (a + b) * 2 - a
    a * 0.5 + b
    a / 3 - b / 7
    100 - a * 3
    sqrt(f64(a)) + f32(b)
    f32(a) * f32(b)
    f64(b) - f64(a)
    u8(a > b) + u8(b != 0)
    rint(f64(a) / 4) % 8
    copysign(f64(a), where(isnan(b), 1, f64(b)))
    i16(where(abs(f64(a)) < 30000, f64(a), 0)) << 3
    i64(where(isfinite(f32(a)) & (abs(f64(a)) < 1e18), f64(a), -1)) // 7
    fmin(a, b)
    fmax(a, b)
    clip(a, b, a)
    clip(a, 1, 100)
    clip(a, None, b)
    clip(b, -300, 70000)
    nextafter(f64(a), f64(b))
    nextafter(f32(a), f32(b))
    spacing(f64(a)) + spacing(f32(b))
    ldexp(f64(a), b)
    ldexp(f32(a), b)
    ldexp(f32(a), -140)
    heaviside(f32(a), f64(b))
    degrees(f64(a)) + radians(f64(b))
    degrees(f32(a)) + radians(f32(b))
    gcd(a, b)
    lcm(a, b)
    popcount(a)
    square(a)
    reciprocal(where(a == 0, 1, a))
    logical_xor(a, b)
    isposinf(a) | isneginf(b)
    isin(a, (0, 1, 300, -1))
    isin(b, (1.5, 7), invert=True)
    isin(a, ())
    isclose(a, b)
    isclose(a, b, 0.3, atol=20, equal_nan=True)
    isclose(b, 100, rtol=0.5)
    nan_to_num(a)
    nan_to_num(a, nan=7, neginf=-1.5)
    zeros_like(a) == ones_like(b)
    full_like(f64(a), b)
    full_like(b, 3)
    copy(b)
    round(f64(a), 2)
    round(f32(a) / 3, 1)
    round(f64(b), -2)
    select((a > b, a == b), (a, b), 7)
    select((a, b > 0), (1.5, b))
    signbit(where(isnan(f64(a)), 0, f64(a)))
    let it = a * b; where(it < 0, it, a) == it
    let it = a - b; it == 0 and b == b
""".strip().splitlines()

EDGES = {
    "b": [False, True],
    "i": [0, 1, -1, 2, 3, 7, -7, 31, 32, 63, 64, 100, "min", "max", "min+1", "max-1"],
    "u": [0, 1, 2, 3, 7, 31, 32, 63, 64, 100, 200, "max", "max-1", "half"],
    "f": [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.7, 1e-310, 5e-324, 1e16, 1.7e308, 3e38, 1e-45, np.inf, -np.inf, np.nan],
}


def pool(dtype, rng):
    """Edge values and a few of any bits."""
    dtype = np.dtype(DTYPES[dtype])
    values = []
    for edge in EDGES[dtype.kind]:
        if isinstance(edge, str):
            info = np.iinfo(dtype)
            edge = {"min": info.min, "max": info.max, "min+1": info.min + 1, "max-1": info.max - 1, "half": info.max // 2 + 1}[edge]
        values.append(edge)
    with np.errstate(all="ignore"):
        edges = np.array(values).astype(dtype) if dtype.kind == "f" else np.array(values, dtype)
    if dtype.kind == "b":
        return edges
    small = (rng.integers(0, 100, 40) / (4 if dtype.kind == "f" else 1)).astype(dtype)
    return np.concatenate([edges, small[:6], np.frombuffer(rng.bytes(6 * dtype.itemsize), dtype)])


def run(binary, *arguments):
    return subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def main():
    binary = os.environ.get("NUMLOOM_BIN")
    if not binary or not pathlib.Path(binary).exists():
        print("NUMLOOM_BIN names no file: set it to the `numloom` binary", file=sys.stderr)
        return 2
    rng = np.random.default_rng(20)
    dtypes = [name for name, dtype in DTYPES.items() if name != "f16" and np.dtype(dtype).kind != "c"]
    compared = elements = refused = 0
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for da in dtypes:
            for db in dtypes:
                # Every value of one pool against every value of the other, and a tail that fills no vector.
                a, b = (x.reshape(-1) for x in np.meshgrid(pool(da, rng), pool(db, rng), indexing="ij"))
                np.save(folder / "a.npy", a)
                np.save(folder / "b.npy", b)
                files = [f"a={folder}/a.npy", f"b={folder}/b.npy"]
                wanted, program, outputs = {}, [], []
                for i, text in enumerate(EXPRESSIONS):
                    # Temporaries of one program have one name each.
                    *lets, last = re.sub(r"\bit\b", f"it{i}", text.strip()).split("; ")
                    try:
                        want = evaluate("; ".join([*lets, last]), {"a": a, "b": b})[""]
                    except TypeError:
                        refused += 1
                        if run(binary, "check", text.strip(), f"a:{da}", f"b:{db}").returncode == 0:
                            differences.append(f"{da}, {db}: `{text.strip()}` is accepted, and NumPy refuses it")
                        continue
                    if want.dtype == np.float16:
                        continue  # a storage dtype here
                    wanted[f"y{i}"] = (text.strip(), want)
                    program += [*lets, f"y{i} = {last}"]
                    outputs += ["-o", f"y{i}={folder}/y{i}.npy"]
                done = run(binary, "eval", "; ".join(program), *files, *outputs)
                if done.returncode != 0:
                    differences.append(f"{da}, {db}: {done.stderr.strip()}")
                    continue
                for name, (text, want) in wanted.items():
                    got = np.load(folder / f"{name}.npy")
                    compared += 1
                    elements += want.size
                    wrong = same_bits(want, got)
                    if wrong:
                        i = int(wrong.split("[")[1].split("]")[0]) if "[" in wrong else 0
                        differences.append(f"{da}, {db}: `{text}`: {wrong}, for a = {a[i]!r}, b = {b[i]!r}")
                    os.remove(folder / f"{name}.npy")
    print(
        f"{len(EXPRESSIONS)} expressions over {len(dtypes) ** 2} pairs of dtypes: {compared} files and {elements} elements compared, "
        f"{refused} refused by both, {len(differences)} differences (NumPy {np.__version__})"
    )
    for difference in differences[:20]:
        print("  " + difference)
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
