"""Makes `crates/numloom-ir/tests/complex.txt`: elementary functions of complex numbers at special values.

Where all is finite and not zero, the true value, correctly rounded, from mpmath; elsewhere NumPy's. NumPy's `expm1` multiplies 0 by
infinity: there its value is `exp(z) - 1`. Needs NumPy and mpmath 1.4.
"""

import pathlib
import warnings

import mpmath
import numpy as np

REAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-200, -1e-200, 1e200, -1e200, 0.5, -0.5]
IMAG = [0.0, 1.0, np.inf, np.nan, 1e-200, 1e200, 1e8]  # the rest is symmetry
LONG = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}
TRUE = {
    "expm1": lambda z: mpmath.exp(z) - 1,
    "log2": lambda z: mpmath.log(z) / mpmath.log(2),
    "log10": lambda z: mpmath.log(z) / mpmath.log(10),
    "log1p": lambda z: mpmath.log(1 + z),
}
NAMES = "exp expm1 log log2 log10 log1p sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh".split()


def rounded(x):
    try:
        return float(x)
    except OverflowError:
        return float(mpmath.sign(x)) * np.inf


def part(numpys, true):
    near = rounded(true)
    # mpmath's zeros have no sign, so it does not know the side of a cut either.
    return float(np.copysign(near, numpys)) if near == 0 or numpys != 0 else near


def value(name, z):
    numpys = getattr(np, LONG.get(name, name))(np.complex128(z))
    if name == "expm1" and not -700 < z.real < 700:
        exp = np.exp(np.complex128(z))
        numpys = complex(exp.real - 1, exp.imag)
    pole = 0 in (z.real, z.imag) and not np.isfinite(numpys)
    if pole or not np.isfinite(z):
        return numpys.real, numpys.imag
    true = TRUE.get(name, getattr(mpmath, name, None))(mpmath.mpc(z))
    return part(numpys.real, true.real), part(numpys.imag, true.imag)


def main():
    mpmath.mp.prec = 2400
    rows = ["# Made by tests/numpy/complex.py: a function, and its values at each real part (a line) and imaginary part."]
    rows += ["real " + " ".join(map(repr, REAL)), "imag " + " ".join(map(repr, IMAG))]
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        for name in NAMES:
            rows.append(name)
            for re in REAL:
                pairs = (value(name, complex(re, im)) for im in IMAG)
                rows.append("  ".join(f"{float(a)!r} {float(b)!r}" for a, b in pairs))
    path = pathlib.Path(__file__).parents[2] / "crates/numloom-ir/tests/complex.txt"
    path.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
