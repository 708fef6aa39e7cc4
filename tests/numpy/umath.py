"""NumPy's validation sets for elementary functions, which its wheel carries, through `examples/evaluate.rs` of numloom-math.

    python umath.py path/to/evaluate

In f64 a result is the one of the set or the float beside it. In f32 too: the sets are correctly rounded but for a few that were rounded twice.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

DATA = Path(np.__file__).parent / "_core/tests/data"
NAMES = {"arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan", "arctanh": "atanh"}


def rows(path, dtype, bits):
    """Arguments and results of one dtype."""
    words = [line.split(",") for line in path.read_text().splitlines() if line.startswith(f"np.{dtype},")]
    columns = np.array([[int(word, 16) for word in row[1:3]] for row in words], dtype=bits).T
    return np.ascontiguousarray(columns).view(dtype)


def places(x, bits):
    """Floats counted in order, both zeros as one."""
    signed = x.view(bits.replace("u", "")).astype(object)
    least = -(1 << (8 * x.itemsize - 1))
    return np.where(signed < 0, least - signed, signed)


def main():
    evaluate, tested = sys.argv[1], 0
    for path in sorted(DATA.glob("umath-validation-set-*.csv")):
        ufunc = path.stem.removeprefix("umath-validation-set-")
        name = NAMES.get(ufunc, ufunc)
        for dtype, short, bits in (("float64", "f64", "uint64"), ("float32", "f32", "uint32")):
            x, want = rows(path, dtype, bits)
            run = subprocess.run([evaluate, name, short], input=x.tobytes(), capture_output=True, check=True)
            got = np.frombuffer(run.stdout, dtype=dtype)
            assert got.shape == want.shape, name
            assert (np.isnan(got) == np.isnan(want)).all(), name
            apart = np.abs(places(got, bits) - places(want, bits))
            apart[np.isnan(want)] = 0
            worst = apart.argmax()
            assert apart[worst] <= 1, f"{name} {short} at {x[worst]!r}: {got[worst]!r}, not {want[worst]!r}"
            tested += len(x)
            print(f"{name:6} {short} {len(x):4} rows, {np.count_nonzero(apart):3} beside")
    assert tested > 20_000, "the sets are there"
    print(f"{tested} passed, 0 failed")


main()
