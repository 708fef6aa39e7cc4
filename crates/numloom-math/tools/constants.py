"""Writes src/generic/constants.rs: polynomials by Remez exchange, split constants and tables, all to the last bit.

    pip install mpmath && python tools/constants.py > src/generic/constants.rs && cargo fmt

A polynomial minimises the greatest error of the whole function (column `weight`), and its coefficients are rounded to f64 from the
lowest up, the rest being fitted anew after each, so that the later ones make up for the rounding of the earlier.
"""

from struct import pack, unpack

from mpmath import (
    asin, atan, cos, cosh, erf, erfc, exp, floor, log, log1p, lu_solve, matrix, mp, mpf, nint, pi, polyval, sin, sinh, sqrt, tan,
)

mp.prec = 300


def hexf(x):
    """A Rust literal of the f64 nearest to x."""
    x = float(x)
    return repr(x) if x != int(x) or abs(x) < 1e15 else f"{x:.1f}"


def round_to(x, bits):
    """x rounded to a multiple of 2^-bits."""
    return nint(mpf(x) * mpf(2) ** bits) / mpf(2) ** bits


def pair(x):
    hi = mpf(float(x))
    return hi, mpf(float(mpf(x) - hi))


def remez(f, weight, degree, lo, hi, rounds=9):
    """The polynomial of the degree with the least max |f - p| * weight on [lo, hi]; and that maximum."""
    lo, hi = mpf(lo), mpf(hi)
    n = degree + 2
    points = [(lo + hi) / 2 - (hi - lo) / 2 * cos(pi * i / (n - 1)) for i in range(n)]
    grid = [(lo + hi) / 2 - (hi - lo) / 2 * cos(pi * i / (24 * n)) for i in range(24 * n + 1)]
    values = [(x, f(x), weight(x)) for x in grid]
    for _ in range(rounds):
        a = matrix(n, n)
        b = matrix(n, 1)
        for i, x in enumerate(points):
            for j in range(degree + 1):
                a[i, j] = x**j
            a[i, degree + 1] = (-1) ** i / (weight(x) + mpf(2) ** -200)
            b[i] = f(x)
        solution = lu_solve(a, b)
        coefficients = [solution[j] for j in range(degree + 1)]
        error = [(x, (polyval(coefficients[::-1], x) - fx) * w) for x, fx, w in values]
        # The greatest error of each run of one sign.
        best = [error[0]]
        for x, e in error[1:]:
            if e * best[-1][1] > 0:
                if abs(e) > abs(best[-1][1]):
                    best[-1] = (x, e)
            else:
                best.append((x, e))
        while len(best) > n:
            best.pop(0 if abs(best[0][1]) < abs(best[-1][1]) else -1)
        if len(best) < n:
            break
        points = [x for x, _ in best]
        sizes = [abs(e) for _, e in best]
        if max(sizes) / min(sizes) < 1.001:
            break
    return coefficients, max(abs(e) for _, e in error)


def fit(f, weight, degree, lo, hi, exchanges=True):
    """Coefficients in f64, lowest first; and the greatest weighted error with them. Without `exchanges`, by least squares alone."""
    if lo < 0 < hi:
        # The powers that remain all vanish at zero, where exchange fails: by least squares, on Chebyshev's points.
        n = 4 * degree
        nodes = [(lo + hi) / 2 - (hi - lo) / 2 * cos(pi * (i + mpf("0.5")) / n) for i in range(n)]
        fixed = [mpf(float(remez(f, weight, degree, lo, hi)[0][0]))] if exchanges else []
        for k in range(len(fixed), degree + 1):
            a = matrix(n, degree + 1 - k)
            b = matrix(n, 1)
            for i, x in enumerate(nodes):
                b[i] = (f(x) - polyval(fixed[::-1] or [0], x)) * weight(x)
                for j in range(k, degree + 1):
                    a[i, j - k] = x**j * weight(x)
            fixed.append(mpf(float(lu_solve(a, b)[0])))
    else:
        fixed = []
        for k in range(degree + 1):
            rest = lambda x: (f(x) - polyval(fixed[::-1] or [0], x)) / x**k
            found, _ = remez(rest, lambda x: weight(x) * x**k, degree - k, lo, hi)
            fixed.append(mpf(float(found[0])))
    grid = [lo + (hi - lo) * (mpf(i) + mpf("0.3")) / 500 for i in range(500)]
    worst = max(abs((polyval(fixed[::-1], x) - f(x)) * weight(x)) for x in grid)
    return fixed, worst


def print_array(doc, name, values, public="pub(crate) "):
    for line in doc:
        print(f"/// {line}")
    print(f"{public}const {name}: [f64; {len(values)}] = [")
    for v in values:
        print(f"    {hexf(v)},")
    print("];\n")


def print_table(doc, name, values):
    for line in doc:
        print(f"/// {line}")
    print(f"const {name}: [f64; {len(values)}] = [")
    for v in values:
        print(f"    {hexf(v)},")
    print("];\n")


def print_rows(doc, name, columns):
    print(f"/// {doc}, by row.")
    print(f"pub(crate) static {name}: Table<{len(columns)}> = Table::new([{', '.join('&' + c for c in columns)}]);\n")


def polynomial(doc, name, f, weight, degree, lo, hi, first=None):
    """With `first`, what rounding takes from the first coefficient is a constant of that name."""
    lo, hi = mpf(lo), mpf(hi)
    rest = mpf(0)
    if first:
        exact, _ = remez(f, weight, degree, lo, hi)
        _, rest = pair(exact[0])
    values, worst = fit(lambda x: f(x) - rest, weight, degree, lo, hi)
    print_array([f"{doc}; degree {degree}, error 2^{float(log(worst, 2)):.1f}."], name, values)
    if first:
        constant("What is left of its first coefficient.", first, rest)


def pieces(what, name, f, step, degree):
    """Tables of polynomials around the multiples of the step, their coefficients by row; relative, and without a constant where f(0) is 0."""
    rows, worst = [], mpf(0)
    half = step * mpf("0.5001")
    for j in range(16):
        of = lambda x: f(j * step + x)
        if j == 0 and f(mpf(0)) == 0:
            odd = lambda x: of(x) / x if abs(x) > 1e-40 else 2 / sqrt(pi)
            found, error = fit(odd, lambda x: 1 / odd(x), degree - 1, -half, half, exchanges=False)
            found = [mpf(0)] + found
        else:
            found, error = fit(of, lambda x: 1 / of(x), degree, -half, half, exchanges=False)
        rows.append(found)
        worst = max(worst, error)
    for k in range(degree + 1):
        print_table([f"Coefficient {k} of {what} around multiples of {name}_STEP."], f"{name}_{k}", [row[k] for row in rows])
    for first in range(0, degree + 1, 4):
        columns = [f"{name}_{k}" for k in range(first, min(first + 4, degree + 1))]
        print_rows(f"{what}, degree {degree}, error 2^{float(log(worst, 2)):.1f}", f"{name}_FROM_{first}", columns)


def constant(doc, name, value):
    print(f"/// {doc}")
    print(f"pub(crate) const {name}: f64 = {hexf(value)};\n")


def main():
    print("//! Constants of the kernels. Written by tools/constants.py, which says how; do not edit.")
    print('#![expect(clippy::approx_constant, reason = "parts of well-known constants, beside what is left of them")]\n')
    print("use crate::table::Table;\n")

    # Exponentials: x = (16 n + k) ln2/16 + r, |r| <= ln2/32.
    half = log(2) / 32 + mpf(2) ** -30
    polynomial(
        "(e^r - 1 - r) / r^2 on +-ln2/32, relative to e^r - 1", "EXP",
        lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > 1e-40 else mpf(0.5),
        lambda r: abs(r) + mpf(2) ** -40, 5, -half, half,
    )
    polynomial(
        "The same for f32", "EXP_SHORT",
        lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > 1e-40 else mpf(0.5),
        lambda r: abs(r) + mpf(2) ** -40, 4, -half, half,
    )
    tiny = mpf(2) ** -40
    polynomial(
        "(cosh r - 1) / r^2 in u = r^2, |r| <= ln2/32, relative to 1", "COSH",
        lambda u: (cosh(sqrt(u)) - 1) / u, lambda u: u, 2, tiny, half**2,
    )
    polynomial(
        "(sinh r - r) / r^3 in u = r^2, |r| <= ln2/32, relative to sinh r", "SINH",
        lambda u: (sinh(sqrt(u)) - sqrt(u)) / sqrt(u) ** 3, lambda u: u, 2, tiny, half**2,
    )
    powers = [pair(mpf(2) ** (mpf(k) / 16)) for k in range(16)]
    print_table(["2^(k/16), rounded."], "EXP_HI", [h for h, _ in powers])
    print_table(["2^(k/16), what is left."], "EXP_LO", [l for _, l in powers])
    lacking = [unpack("<d", pack("<q", unpack("<q", pack("<d", float(h)))[0] - (k << 48)))[0] for k, (h, _) in enumerate(powers)]
    print_table(["2^(k/16), rounded, less k in the upper bits of the mantissa."], "EXP_ENTRY", lacking)
    print_table(["What is left of 2^(k/16), relative to it."], "EXP_REST", [l / h for h, l in powers])
    print_rows("2^(k/16)", "EXP_K", ["EXP_HI", "EXP_LO"])
    print_rows("2^(k/16), to be scaled", "EXP_SCALED", ["EXP_ENTRY", "EXP_REST"])
    print_rows("2^(k/16), to be scaled, for f32", "EXP_ROUNDED", ["EXP_ENTRY"])
    negative = [pair(mpf(2) ** (-mpf(k) / 16)) for k in range(16)]
    print_table(["2^(-k/16), rounded."], "EXP_NEG_HI", [h for h, _ in negative])
    print_table(["2^(-k/16), what is left."], "EXP_NEG_LO", [l for _, l in negative])
    print_rows("2^(k/16) and 2^(-k/16)", "EXP_BOTH", ["EXP_HI", "EXP_LO", "EXP_NEG_HI", "EXP_NEG_LO"])
    constant("16/ln2.", "SIXTEEN_OVER_LN2", 16 / log(2))
    hi, lo = pair(log(2) / 16)
    constant("ln2/16, rounded.", "LN2_16_HI", hi)
    constant("ln2/16, what is left.", "LN2_16_LO", lo)
    constant("ln2.", "LN2", log(2))

    # Logarithms: x = 2^k m, m in [1, 2), c near 1/m with few bits, r = m c - 1 exact. From 1.5 on as if it were m/2, with 2c.
    reciprocals = []
    least, most = mpf(0), mpf(0)
    for i in range(16):
        lo, hi = mpf(1) + mpf(i) / 16, mpf(1) + mpf(i + 1) / 16
        if i >= 8:
            lo, hi = lo / 2, hi / 2
        c = mpf(1)
        if i not in (0, 15):
            c = min((mpf(j) / 32 for j in range(16, 48)), key=lambda c: max(abs(lo * c - 1), abs(hi * c - 1)))
            # Exact: every r is a multiple of 2^-(53 - exponent of m) / 32 and below 2^53 of them.
            unit = mpf(2) ** (-52 if i < 8 else -53) * (mpf(1) / 32 if (32 * c) % 2 else mpf(1) / 16)
            assert max(abs(lo * c - 1), abs(hi * c - 1)) <= unit * mpf(2) ** 53, i
            # The leading part outweighs r, so that a fast sum of the two is exact.
            assert max(abs(lo * c - 1), abs(hi * c - 1)) <= abs(log(c)), i
        least, most = min(least, lo * c - 1), max(most, hi * c - 1)
        reciprocals.append(c)
    least, most = least - mpf(2) ** -20, most + mpf(2) ** -20
    polynomial(
        "(log(1 + r) - r + r^2/2) / r^3, relative to r", "LOG",
        lambda r: (log1p(r) - r + r**2 / 2) / r**3 if abs(r) > 1e-20 else mpf(1) / 3,
        lambda r: r**2, 8, least, most,
    )
    polynomial(
        "The same for f32", "LOG_SHORT",
        lambda r: (log1p(r) - r + r**2 / 2) / r**3 if abs(r) > 1e-20 else mpf(1) / 3,
        lambda r: r**2, 6, least, most,
    )
    polynomial(
        "(log(1 + r) - r + r^2/2 - r^3/3) / r^4, relative to r", "LOG_TAIL",
        lambda r: (log1p(r) - r + r**2 / 2 - r**3 / 3) / r**4 if abs(r) > 1e-16 else -mpf(1) / 4,
        lambda r: abs(r) ** 3, 9, least, most,
    )
    halved = [c / 2 if i >= 8 else c for i, c in enumerate(reciprocals)]
    print_table(["A multiple of 1/64 near 1/m, by the upper four bits of m's mantissa."], "LOG_C", halved)
    hi, lo = pair(mpf(1) / 3)
    constant("1/3, rounded.", "THIRD_HI", hi)
    constant("1/3, what is left.", "THIRD_LO", lo)
    for base, name in ((mpf(1), "LN"), (log(2), "LB"), (log(10), "LG")):
        # Multiples of 2^-42, so that the sum of k times the one and the other is exact.
        # What is added for a half is the same as for k, so that both cancel.
        two = round_to(log(2) / base, 42)
        his = [round_to(-log(c) / base, 42) + (two if i >= 8 else 0) for i, c in enumerate(reciprocals)]
        los = [-log(c) / base - h for c, h in zip(halved, his)]
        what = {"LN": "-log c", "LB": "-log2 c", "LG": "-log10 c"}[name]
        print_table([f"{what}, a multiple of 2^-42."], f"{name}_C_HI", his)
        print_table([f"{what}, what is left."], f"{name}_C_LO", los)
        print_rows(f"c and {what}", f"{name}_C", ["LOG_C", f"{name}_C_HI", f"{name}_C_LO"])
        print_table([f"{what}, rounded."], f"{name}_C_ROUNDED", [-log(c) / base for c in halved])
        print_rows(f"c and {what}, for f32", f"{name}_ROUNDED", ["LOG_C", f"{name}_C_ROUNDED"])
        constant(f"The logarithm of 2, rounded ({name}).", f"{name}_2", log(2) / base)
        constant(f"The logarithm of 2, a multiple of 2^-42 ({name}).", f"{name}_2_HI", two)
        constant(f"The logarithm of 2, what is left ({name}).", f"{name}_2_LO", log(2) / base - two)
        hi, lo = pair(1 / base)
        constant(f"The factor from natural logarithms, rounded ({name}).", f"{name}_E_HI", hi)
        constant(f"The factor from natural logarithms, what is left ({name}).", f"{name}_E_LO", lo)

    # Angles.
    half = (pi / 2) ** 2 * mpf("1.0001")
    small = mpf(2) ** -30
    polynomial(
        "(sin u / u - 1) / u^2 in u^2, |u| <= pi/2, relative to u, for f32", "SIN_SHORT",
        lambda x: (sin(sqrt(x)) / sqrt(x) - 1) / x, lambda x: x, 6, small, half,
    )
    constant("2/pi.", "TWO_OVER_PI", 2 / pi)
    p1 = mpf(float(pi / 2))
    scale = mpf(2) ** 86
    p2 = floor((pi / 2 - p1) * scale) / scale
    p3 = mpf(float(pi / 2 - p1 - p2))
    constant("pi/2, rounded.", "PI_2_1", p1)
    constant("pi/2, 33 bits of what is left.", "PI_2_2", p2)
    constant("pi/2, what is left then.", "PI_2_3", p3)
    constant("pi/2, all that is left after the first.", "PI_2_LO", pi / 2 - p1)
    # Sine and cosine: x = (16 n + j) pi/16 + z, |z| <= pi/32; tangent: x = (16 n + j) pi/32 + z, |z| <= pi/64.
    reach = (pi / 32) ** 2 * mpf("1.0001")
    polynomial(
        "(sin z / z - 1) / z^2 in z^2, |z| <= pi/32, relative to sin z", "SIN",
        lambda x: (sin(sqrt(x)) / sqrt(x) - 1) / x, lambda x: x, 3, mpf(2) ** -30, reach,
    )
    polynomial(
        "(cos z - 1) / z^2 in z^2, |z| <= pi/32, relative to 1", "COS",
        lambda x: (cos(sqrt(x)) - 1) / x, lambda x: x, 3, mpf(2) ** -30, reach,
    )
    sines = [pair(sin(j * pi / 16)) for j in range(16)]
    # So that the one in the middle is 0.
    cosines = [pair(sin((8 - j) * pi / 16)) for j in range(16)]
    print_table(["sin(j pi/16), rounded."], "SIN_HI", [h for h, _ in sines])
    print_table(["sin(j pi/16), what is left."], "SIN_LO", [l for _, l in sines])
    print_table(["cos(j pi/16), rounded."], "COS_HI", [h for h, _ in cosines])
    print_table(["cos(j pi/16), what is left."], "COS_LO", [l for _, l in cosines])
    print_rows("sin(j pi/16) and cos(j pi/16)", "SIN_C", ["SIN_HI", "SIN_LO", "COS_HI", "COS_LO"])
    reach = (pi / 64) ** 2 * mpf("1.0001")
    polynomial(
        "(tan z / z - 1) / z^2 in z^2, |z| <= pi/64, relative to tan z", "TAN",
        lambda x: (tan(sqrt(x)) / sqrt(x) - 1) / x, lambda x: x, 3, mpf(2) ** -30, reach,
    )
    tangents = [pair(tan(j * pi / 32)) for j in range(16)]
    print_table(["tan(j pi/32), rounded."], "TAN_HI", [h for h, _ in tangents])
    print_table(["tan(j pi/32), what is left."], "TAN_LO", [l for _, l in tangents])
    print_rows("tan(j pi/32)", "TAN_C", ["TAN_HI", "TAN_LO"])
    print_rows("tan(j pi/32), for f32", "TAN_ROUNDED", ["TAN_HI"])
    print("/// The first 1280 bits of 2/pi after the point.")
    mp.prec = 1600
    digits = int(floor(2 / (+pi) * mpf(2) ** 1280))
    mp.prec = 300
    words = [(digits >> (1280 - 64 * (i + 1))) & (2**64 - 1) for i in range(20)]
    print(f"pub(crate) static TWO_OVER_PI_BITS: [u64; {len(words)}] = [")
    for w in words:
        print(f"    0x{w:016x},")
    print("];\n")

    # Inverse tangent: t in [0, 1], c = j/8 near it, z = (t - c) / (1 + t c), |z| <= 0.073.
    polynomial(
        "(atan z / z - 1) / z^2 in z^2, |z| <= 0.073, relative to atan z", "ATAN",
        lambda x: (atan(sqrt(x)) / sqrt(x) - 1) / x, lambda x: x, 4, small, mpf("0.073") ** 2,
    )
    eighths = [atan(mpf(j) / 8) for j in range(9)] + [mpf(0)] * 7
    tops = [round_to(angle, 50) for angle in eighths]
    print_table(["atan(j/8), a multiple of 2^-50; nine of them."], "ATAN_TOP", tops)
    print_table(["atan(j/8), what is left."], "ATAN_REST", [angle - top for angle, top in zip(eighths, tops)])
    print_table(["atan(j/8), rounded."], "ATAN_HI", eighths)
    print_rows("atan(j/8)", "ATAN_C", ["ATAN_TOP", "ATAN_REST"])
    print_rows("atan(j/8), for f32", "ATAN_ROUNDED", ["ATAN_HI"])
    top = round_to(pi / 2, 50)
    constant("pi/2, a multiple of 2^-50.", "PI_2_TOP", top)
    constant("pi/2, what is left of that.", "PI_2_REST", pi / 2 - top)
    polynomial(
        "(asin s / s - 1) / s^2 in s^2, |s| <= 1/2, relative to asin s, for f32", "ASIN_SHORT",
        lambda x: (asin(sqrt(x)) / sqrt(x) - 1) / x, lambda x: x, 11, mpf(2) ** -12, mpf("0.2501"),
    )

    # Error functions: near zero as x + x Q(x^2); else erfc x = e^(-x^2) H(t) / (1 + 2x), t = (x - 3) / (x + 3), which maps 3/4 to
    # -0.6 and 27.5 to 0.8. H is between 1.1 and 1.3.
    _, left = pair(2 / sqrt(pi) - 1)
    polynomial(
        "erf x / x - 1, less what is left of the first coefficient, in x^2, |x| <= 3/4, relative to erf x", "ERF",
        lambda u: erf(sqrt(u)) / sqrt(u) - 1 - left, lambda u: sqrt(u) / erf(sqrt(u)), 11, mpf(2) ** -20, mpf(9) / 16,
    )
    constant("2/sqrt(pi) - 1, what the first coefficient leaves.", "ERF_LO", left)
    of_x = lambda t: 3 * (1 + t) / (1 - t)
    times = lambda x: (1 + 2 * x) * exp(x * x) * erfc(x)
    polynomial(
        "(1 + 2x) e^(x^2) erfc x in t = (x - 3)/(x + 3), x from 3/4 to 27.5, relative", "ERFC",
        lambda t: times(of_x(t)), lambda t: 1 / times(of_x(t)), 19, mpf("-0.6001"), mpf(49) / 61, first="ERFC_LO",
    )
    # For f32: sixteen polynomials around multiples of a step, the first one of erf without a constant.
    step = mpf(65) / 256
    constant("The step of the polynomials of erf, for f32.", "ERF_STEP", step)
    pieces("erf x", "ERF", erf, step, 11)
    step = mpf(21) / 32
    constant("The step of the polynomials of erfc, for f32.", "ERFC_STEP", step)
    pieces("e^(x^2) erfc x", "ERFC", lambda x: exp(x * x) * erfc(x), step, 15)
    # Cube roots of [1, 2]: a first guess.
    polynomial(
        "cube root on [1, 2], relative", "CBRT",
        lambda x: x ** (mpf(1) / 3), lambda x: x ** (-mpf(1) / 3), 4, 1, 2,
    )
    constant("The cube root of 2.", "CBRT_2", mpf(2) ** (mpf(1) / 3))
    constant("The cube root of 1/2.", "CBRT_HALF", mpf(2) ** (-mpf(1) / 3))


main()
