"""The functions that the NumPy spelling of a random program calls, and how results are compared.

Most of a spelling is NumPy's own. A function here is for one of two things: it states a difference, each a row of docs/conformance.md
(it computes with NumPy what numloom means, and counts where that is not what NumPy does); or it makes a `Within`, a result that is
known within bounds only.
"""

import collections
import math
import re
import warnings

import numpy as np

from reference import DTYPES, SHORT, same_bits

# The differences that functions here state, and how often the evaluations since the last `clear` came upon them.
DIFFERENCES = {}
USED = collections.Counter()
# From docs/conformance.md: units in the last place for each elementary function, numloom's and NumPy's together, by dtype.
ULPS = {}


def difference(name):
    """Marks a function as one that states a difference; it is given a function to call when it does."""

    def mark(function):
        DIFFERENCES[name] = function.__doc__
        return lambda *args, **keywords: function(*args, **keywords, differs=lambda: USED.update([name]))

    return mark


def read_tables(path):
    """Reads the tables of docs/conformance.md: the bounds, and the differences, which have to be those that are stated here."""
    text = path.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    rows = lambda section: [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in sections[section].splitlines()
        if line.startswith("| `")
    ]
    for names, ours64, ours32, theirs64, theirs32, *_ in rows("Elementary functions"):
        for name in re.findall(r"`(\w+)`", names):
            ULPS[name] = {"float64": float(ours64) + float(theirs64), "float32": float(ours32) + float(theirs32)}
    for names, ours, theirs, *_ in rows("Complex functions"):
        for name in re.findall(r"`(\w+)`", names):
            ULPS.setdefault(name, {})["complex"] = float(ours) + float(theirs)
    listed = {row[0].strip("`") for row in rows("Named differences")}
    if listed != DIFFERENCES.keys():
        raise SystemExit(f"{path}: the differences {sorted(listed ^ DIFFERENCES.keys())} are stated in one place only")


class Within:
    """A result within bounds: NumPy's own for dtype and shape, and a check that says what is wrong, or None."""

    def __init__(self, name, want, check):
        self.name, self.want, self.check = name, np.asarray(want), check

    def __repr__(self):
        return f"{self.name}({self.want!r})"


def compare(want, got):
    """What is wrong with `got`, or None."""
    if not isinstance(want, Within):
        return same_bits(want, got)
    if want.want.dtype != got.dtype:
        return f"dtype {got.dtype} instead of {want.want.dtype}"
    if want.want.shape != got.shape:
        return f"shape {got.shape} instead of {want.want.shape}"
    return want.check(got)


def first(wrong, got, want, note=""):
    """The words for elements that are wrong, the first of them shown."""
    wrong = np.atleast_1d(wrong).reshape(-1)
    if not wrong.any():
        return None
    i = int(np.argmax(wrong))
    got, want = np.atleast_1d(got).reshape(-1), np.atleast_1d(want).reshape(-1)
    return f"{int(wrong.sum())} of {wrong.size} elements are out of bounds; the first is [{i}] = {got[i]!r} instead of {want[i]!r}{note}"


# ---- Dtypes.


@difference("f16-storage")
def wide(x, differs):
    """What is stored as f16 computes as f32."""
    differs()
    return np.asarray(x).astype(np.float32)


def is_small(x):
    return hasattr(x, "dtype") and x.dtype in (np.bool_, np.int8, np.uint8)


@difference("small-in-f32")
def in_f32(name, *args, differs):
    """Functions of floats take bool, i8 and u8 to f32, where NumPy takes them to f16; beside a float literal both take f64."""
    if any(map(is_small, args)) and not any(type(x) in (float, complex) for x in args):
        differs()
        args = [x.astype(np.float32) if is_small(x) else x for x in args]
    return getattr(np, name)(*args)


def ldexp(x, n):
    """`ldexp`, whose first operand alone goes to floats."""
    return np.ldexp(in_f32("copysign", x, x), n) if is_small(x) else np.ldexp(x, n)


@difference("integer-to-tens")
def round_to_tens(x, differs):
    """Only floats round to tens."""
    if getattr(x, "dtype", np.dtype(float)).kind in "iu":
        differs()
        raise TypeError("integers do not round to tens")
    return np.round(x, -1)


@difference("round-of-bool")
def round_of(x, differs):
    """A bool rounds to itself, where NumPy's `round` makes it an f16."""
    if x.dtype == np.bool_:
        differs()
        return x
    return np.round(x)


@difference("reciprocal-of-zero")
def reciprocal(x, differs):
    """The reciprocal of an integer zero is 0, as every quotient by it, where NumPy converts an infinity."""
    found = np.reciprocal(x)
    if is_complex(x):
        return ratio(found, 1.0, x)
    if found.dtype.kind in "iu" and (np.asarray(x) == 0).any():
        differs()
        return np.where(np.asarray(x) == 0, found.dtype.type(0), found)
    return found


@difference("where-literal")
def all_fit(choices, differs):
    """A literal that does not fit the dtype of what it is chosen beside is refused, as everywhere; NumPy wraps it or makes it u64."""
    dtypes = [x.dtype for x in choices if hasattr(x, "dtype")]
    dtype = np.result_type(*dtypes, np.int64 if all(d == np.bool_ for d in dtypes) else dtypes[0])
    for literal in choices:
        if type(literal) is int and dtype.kind in "iu" and not np.iinfo(dtype).min <= literal <= np.iinfo(dtype).max:
            differs()
            raise OverflowError(f"{literal} does not fit {dtype}")


def where(condition, x, y):
    all_fit([x, y])
    return np.where(condition, x, y)


@difference("isclose-literal")
def isclose(x, y, differs, **keywords):
    """A literal beyond f32 is infinite beside an f32; NumPy takes it for finite, and everything for close to it."""
    if type(y) is float and getattr(x, "dtype", None) == np.float32 and np.isfinite(y) and np.isinf(np.float32(y)):
        differs()
        y = np.float32(y)
    return np.isclose(x, y, **keywords)


@difference("select-literal")
def select(conditions, choices, default, differs):
    """A literal among the choices takes the dtype of the others, where NumPy makes it int64 and refuses it beside unsigned ones."""
    all_fit(choices)
    dtype = np.result_type(*choices, default)
    if dtype.kind == "u" and any(type(x) is int for x in choices):
        differs()
        choices = [dtype.type(x) if type(x) is int else x for x in choices]
    return np.select(list(conditions), list(choices), default)


@difference("huge-literal")
def huge_literal(error, differs):
    """A literal beyond i64 is a number like any other; NumPy cannot hold it beside some dtypes. Whether `error` is that."""
    if isinstance(error, OverflowError) and "too large to convert to C long" in str(error):
        differs()
        return True
    return False


@difference("no-elements")
def nothing(answer, found, differs):
    """An integer to a constant negative power is refused whatever the data; NumPy refuses the first element. Whether `answer` is that."""
    if answer == "negative-integer-power" and any(x.size == 0 for x in found.values()):
        differs()
        return True
    return False


@difference("bytes-are-no-numbers")
def no_number(case, differs):
    """Byte strings are compared with each other and searched, and nothing else. Whether a case was refused for that."""
    if "byte string" in case["message"]:
        differs()
        return True
    return False


@difference("no-complex-form")
def no_complex_form(case, differs):
    """Some functions of real numbers have no complex form, or none yet. Whether a case was refused for that."""
    if "needs real numbers" in case["message"] or "complex" in case["message"]:
        differs()
        return True
    return False


# ---- Conversions.


def fits(x, dtype):
    """Which elements, their fractions dropped, are values of an integer dtype."""
    info = np.iinfo(dtype)
    if x.dtype.kind == "b":
        return np.ones(x.shape, bool)
    if x.dtype.kind in "iu":
        return (x >= info.min) & (x <= info.max)
    whole = np.trunc(x.astype(np.float64))
    # The upper bound as a float is a power of two; the lower is one, or zero.
    return (whole >= float(info.min)) & (whole < float(info.max // 2 + 1) * 2)


@difference("float-to-int")
def cast(x, to, differs):
    """A float outside of an integer's range goes modulo its width, NaN and infinities to 0, where C leaves it open."""
    x, dtype = np.asarray(x), np.dtype(DTYPES[to])
    if x.dtype.kind == "c" and dtype.kind in "iu":
        x = x.real
    if x.dtype.kind != "f" or dtype.kind not in "iu":
        return x.astype(dtype)
    inside = fits(x, dtype)
    y = np.where(inside, x, 0).astype(dtype)
    if inside.all():
        return y
    differs()
    bits = 8 * dtype.itemsize
    y = np.atleast_1d(y)
    for i in np.argwhere(np.atleast_1d(~inside & np.isfinite(x))):
        whole = int(np.atleast_1d(x)[tuple(i)]) % (1 << bits)
        y[tuple(i)] = whole - (1 << bits) if dtype.kind == "i" and whole >> (bits - 1) else whole
    return y.reshape(x.shape)


@difference("saturate")
def saturate(x, to, differs):
    """`saturate` goes to the nearest end, NaN to 0; NumPy has no such mode."""
    differs()
    x, dtype = np.real(np.asarray(x)), np.dtype(DTYPES[to])
    info = np.iinfo(dtype)
    inside = fits(x, dtype)
    nearest = np.where(x.astype(np.float64) < 0, info.min, np.array(info.max, dtype)).astype(dtype)
    if x.dtype.kind == "f":
        nearest = np.where(np.isnan(x), np.array(0, dtype), nearest)
    return np.where(inside, np.where(inside, x, 0).astype(dtype), nearest)


@difference("checked")
def checked(x, to, differs):
    """`checked` is an error where an element does not fit; NumPy has no such mode."""
    differs()
    x, dtype = np.real(np.asarray(x)), np.dtype(DTYPES[to])
    if not fits(x, dtype).all():
        raise OverflowError(f"an element does not fit {dtype}")
    return x.astype(dtype)


# ---- Zeros and NaNs.


@difference("signaling-nan")
def quiet(x, differs):
    """A signaling NaN is a NaN like any other, where functions of the C library, such as `fmin` and `hypot`, take it for worse."""
    if getattr(x, "dtype", np.dtype(int)).kind != "f" or not np.isnan(x).any():
        return x
    quiet_bit = {2: 0x200, 4: 0x400000, 8: 0x8000000000000}[x.dtype.itemsize]
    unsigned = {2: np.uint16, 4: np.uint32, 8: np.uint64}[x.dtype.itemsize]
    if (np.isnan(x) & (np.asarray(x).view(unsigned) & unsigned(quiet_bit) == 0)).any():
        differs()
    return np.where(np.isnan(x), x.dtype.type(np.nan), x)


@difference("zero-of-two")
def least(name, x, y, differs):
    """Of two zeros of either sign, `minimum` and `maximum` give the second; NumPy's answer depends on the machine."""
    if name in ("fmin", "fmax"):
        x, y = quiet(x), quiet(y)
    found = getattr(np, name)(x, y)
    if found.dtype.kind != "f":
        return found
    zeros = (x == y) & (found == 0)
    second = np.asarray(y).astype(found.dtype)
    if (zeros & (np.signbit(found) != np.signbit(second))).any():
        differs()
    return np.where(zeros, second, found)


@difference("clip-literal")
def clip(x, low, high, differs):
    """A bound that is a literal takes the common dtype, where NumPy wants an integer to fit the dtype of `x`."""
    if x.dtype.kind in "iu":
        # Beyond all its values, a literal is no bound.
        info = np.iinfo(x.dtype)
        low = None if type(low) is int and low <= info.min else low
        high = None if type(high) is int and high >= info.max else high
    if x.dtype.kind in "biu" and np.result_type(*(a for a in (x, low, high) if a is not None)).kind == "f":
        if int in (type(low), type(high)):
            differs()
        low, high = (float(a) if type(a) is int else a for a in (low, high))
    found = np.clip(x, low, high)
    if found.dtype.kind not in "fc":
        return found
    # `minimum` and `maximum` of zeros of both signs, of complex numbers if one of the three is.
    x = x.astype(found.dtype) if is_complex(found) else x
    ours = x if low is None else least("maximum", x, low)
    ours = ours if high is None else least("minimum", ours, high)
    ours = np.asarray(ours).astype(found.dtype)
    return np.where(found == ours, ours, found)


def positive_nan(x, differs):
    if not hasattr(x, "dtype") or x.dtype.kind != "f":
        return x
    negative = np.isnan(x) & np.signbit(x)
    if not negative.any():
        return x
    differs()
    return np.where(negative, -x, x)


@difference("sign-of-nan")
def signbit(x, differs):
    """The sign of a NaN reads as positive, since which one an operation makes is left open."""
    return np.signbit(positive_nan(x, differs))


@difference("sign-of-nan")
def copysign(x, y, differs):
    """The sign of a NaN reads as positive, since which one an operation makes is left open."""
    return in_f32("copysign", x, positive_nan(y, differs))


# ---- Elementary functions.


def places(x):
    """Floats as integers that count them in their order."""
    bits = x.view({2: np.int16, 4: np.int32, 8: np.int64}[x.dtype.itemsize]).astype(np.int64)
    least_one = -(1 << (8 * x.dtype.itemsize - 1))
    return np.where(bits >= 0, bits, least_one - bits)


def ulps(want, got):
    """How many floats lie from one to the other, a float; NaN and NaN are none, a NaN and a number infinitely many."""
    a, b = places(want), places(got)
    # Differences beyond 2^63 wrap; as floats they are far enough apart.
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
    near = np.abs(a // 2 - b // 2) < 1 << 40
    apart = np.where(near, np.abs(np.where(near, a - b, 0)), apart)
    nan = np.isnan(want), np.isnan(got)
    return np.where(nan[0] & nan[1], 0, np.where(nan[0] | nan[1], np.inf, apart))


def near(name, want, count=lambda wrong: wrong):
    """Within the units in the last place that the table has for `name`; a zero has its sign."""
    want = np.atleast_1d(want)

    def check(got):
        most = ULPS[name][str(want.dtype)]
        got = np.atleast_1d(got)
        wrong = (ulps(want, got) > most) | ((want == 0) & (got == 0) & (np.signbit(want) != np.signbit(got)))
        return first(count(wrong), got, want, f" (at most {most:g} ulp)")

    return check


# Up to here NumPy's angles are near enough.
LARGEST_ANGLE = 2.0**20


@difference("large-angle")
def angles(x, wrong, differs):
    """Beyond 2^20, NumPy's `sin`, `cos` and `tan` are far off in some builds: not compared."""
    large = np.isfinite(x) & (np.abs(np.atleast_1d(x).astype(np.float64)) > LARGEST_ANGLE)
    if (wrong & large).any():
        differs()
    return wrong & ~large


def through_python(name, x):
    """A function that NumPy does not have: of Python's, on every element in f64."""
    dtype = np.float32 if x.dtype.itemsize <= 2 or x.dtype == np.float32 else np.float64
    return np.vectorize(getattr(math, name), otypes=[np.float64])(x.astype(np.float64)).astype(dtype)


def square_root(x):
    return elementary_of_complex("sqrt", x) if is_complex(x) else in_f32("sqrt", x)


def squared(x):
    return product(x, x) if is_complex(x) else np.square(x)


def elementary(name, *args):
    if is_complex(args[0]) and len(args) == 1:
        return elementary_of_complex(name, *args)
    args = [quiet(x) for x in args]
    want = in_f32(name, *args) if hasattr(np, name) else through_python(name, *args)
    if name == "sinc":
        want = np.sinc(*args)
    count = (lambda wrong: angles(args[0], wrong)) if name in ("sin", "cos", "tan", "sinc") else (lambda wrong: wrong)
    shaped = Within("ulp", want, None)
    shaped.check = near(name, want, count)
    return shaped


@difference("square-of-bool")
def square(x, differs):
    """`x ** 2` of a bool has the dtype of any other power by a literal; NumPy's is that of `square`."""
    if getattr(x, "dtype", None) == np.bool_:
        differs()
        return x.astype(np.int64)
    return squared(x) if is_complex(x) else x**2


def twice(x):
    """An array of two, so that NumPy takes the way of arrays: that of single values differs for -0.0 and -inf to the power 0.5."""
    return np.stack([x, x]) if hasattr(x, "dtype") else x


def root(x):
    """`x ** 0.5`, which is the square root."""
    if is_complex(x):
        return elementary_of_complex("sqrt", x)
    return (twice(x) ** 0.5)[0]


def first_power(x):
    want = (twice(x) ** 1)[0]
    return power_of_complex(want, x, 1) if is_complex(x) else want


def inverse(x):
    want = (twice(x) ** -1)[0]
    return ratio(want, 1.0, x) if is_complex(x) else want


def power(x, y):
    """`x ** y`: integers wrap, floats are near."""
    x, y = quiet(x), quiet(y)
    if hasattr(x, "dtype") and hasattr(y, "dtype"):
        x, y = np.broadcast_arrays(x, y)
    want = (twice(x) ** twice(y))[0]
    if is_complex(want):
        return power_of_complex(want, x, y)
    return want if want.dtype.kind != "f" else Within("ulp", want, near("pow", want))


def float_power(x, y):
    """`x ** y` in f64."""
    if hasattr(x, "dtype") and hasattr(y, "dtype"):
        x, y = np.broadcast_arrays(x, y)
    want = np.float_power(twice(x), twice(y))[0]
    if is_complex(want):
        return power_of_complex(want, x, y)
    return Within("ulp", want, near("pow", want))


def logaddexp(name, x, y):
    """Where the sum is near 1, its logarithm has the error of what was taken apart: units of the largest of operands and result."""
    want = np.asarray(in_f32(name, x, y))
    x, y = (np.asarray(a).astype(want.dtype) for a in (x, y))
    size = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(want))

    def check(got):
        most = ULPS[name][str(want.dtype)] * np.spacing(size)
        same = (want == got) | (np.isnan(want) & np.isnan(got)) | (np.abs(want - got) <= most)
        return first(~same, got, want)

    return Within("ulp", want, check)


# ---- Complex numbers.


def is_complex(*values):
    return np.result_type(*values).kind == "c"


def parts(x):
    """Real and imaginary part, to more digits."""
    x = np.asarray(x)
    return np.real(x).astype(np.longdouble), np.imag(x).astype(np.longdouble)


def complex_of(re, im):
    """The complex number of two real parts, of the dtype that `re + im` has beside `1j`."""
    if is_complex(re) or is_complex(im):
        raise TypeError("parts are real")
    dtype = np.result_type(re, im, 1j)
    re, im = np.asarray(re), np.asarray(im)
    found = np.empty(np.broadcast_shapes(re.shape, im.shape), dtype)
    found.real, found.imag = re, im
    return found


def beside(want, sizes, over, units):
    """Each part within `units` of its last place, were it as large as `sizes`; what overflows on the way (`over`) is not compared."""
    want = np.asarray(want)
    eps, tiny = float(np.finfo(want.real.dtype).eps), float(np.finfo(want.real.dtype).smallest_subnormal)

    def check(got):
        for part, size in zip(("real", "imag"), sizes, strict=True):
            w, g = getattr(want, part), getattr(got, part)
            same = (w == g) | (np.isnan(w) & np.isnan(g))
            near_enough = np.abs(w.astype(np.longdouble) - g) <= units * (eps * size + tiny)
            if (~same & over).any():
                unknown()
            wrong = first(~(same | near_enough | over), got, want, f" (its {part} part)")
            if wrong:
                return wrong
        return None

    return Within("parts", want, check)


def overflows(dtype, *products):
    """Where one of some products of finite parts is too large."""
    most = float(np.finfo(dtype).max) / 4
    return np.any([np.isfinite(p) & (np.abs(p) > most) for p in np.broadcast_arrays(*products)], axis=0)


# Units of the size that the parts of a product or quotient have before anything cancels: two roundings here, Smith's there.
PRODUCT_UNITS, QUOTIENT_UNITS = 2, 8


def product(x, y):
    want = x * y
    if not is_complex(want):
        return want
    (a, b), (c, d) = parts(x), parts(y)
    over = overflows(want.real.dtype, a * c, b * d, a * d, b * c)
    return beside(want, (np.abs(a * c) + np.abs(b * d), np.abs(a * d) + np.abs(b * c)), over, PRODUCT_UNITS)


def ratio(want, x, y):
    (a, b), (c, d) = parts(x), parts(y)
    square = c * c + d * d
    # Division by zero, and by what is not finite, has no size: the same is wanted.
    square = np.where(np.isfinite(square) & (square > 0), square, np.nan)
    sizes = (np.abs(a * c) + np.abs(b * d)) / square, (np.abs(b * c) + np.abs(a * d)) / square
    return beside(want, sizes, overflows(want.real.dtype, *sizes), QUOTIENT_UNITS)


def quotient(x, y):
    if not hasattr(x, "dtype"):
        y = np.asarray(y)  # or Python would divide literals by a value itself
    want = x / y
    return ratio(want, x, y) if is_complex(want) else want


def absolute(x):
    want = np.abs(x)
    return Within("ulp", want, near("hypot", want)) if is_complex(x) else want


def angle(x):
    """`angle`; of a real number, 0 or pi."""
    want = np.angle(x) if is_complex(x) else in_f32("arctan2", np.zeros_like(x), x)
    return Within("ulp", want, near("atan2", want))


def sign(x):
    want = np.sign(x)
    if not is_complex(x):
        return want
    check = modulus(want, 4)
    size = np.hypot(*parts(x))

    def check_sign(got):
        return check(got, other=directions(size, got, want))

    return Within("modulus", want, check_sign)


@difference("complex-sign")
def directions(size, got, want, differs):
    """Where the modulus overflows, or vanishes, NumPy has no direction. Whether it is so."""
    real = np.finfo(want.real.dtype)
    odd = ~(size < float(real.max) / 4) | (size < 4 * float(real.smallest_normal))
    if (odd & (got != want)).any():
        differs()
    return odd


def modulus(want, units, zeros=True):
    """Within units in the last place of the modulus. Where that is not finite, the parts are the same, or as near; so are the signs of
    zeros, if they count."""
    want = np.asarray(want)
    real = want.real.dtype
    eps, tiny = float(np.finfo(real).eps), float(np.finfo(real).smallest_subnormal)

    def check(got, other=False):
        pairs = list(zip(parts(want), parts(got), strict=True))
        apart = np.hypot(*(x - y for x, y in pairs))
        size = np.hypot(*(x for x, _ in pairs))
        near_enough = np.isfinite(apart) & (apart <= units * (eps * size + tiny))
        alike = ~np.isfinite(size)
        for x, y in pairs:
            if np.any(zeros):
                near_enough &= ~(zeros & (x == 0) & (y == 0) & (np.signbit(x) != np.signbit(y)))
            alike &= (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= units * eps * np.abs(x))
        most = np.max(units, initial=0)
        return first(~(near_enough | alike | other), got, want, f" (at most {most:g} units of the modulus)")

    return check


def elementary_of_complex(name, z):
    if not hasattr(np, name):
        raise TypeError(f"no {name} of complex numbers")
    want = getattr(np, name)(z)
    units = ULPS[name].get("complex", 0)  # none: not a function of complex numbers here
    # The real part of `expm1` passes through 0; of what is not finite, C leaves some signs open.
    check = modulus(want, units, zeros=np.isfinite(z) & (name != "expm1"))
    turning = {"exp": "imag", "expm1": "imag", "sinh": "imag", "cosh": "imag", "tanh": "imag", "sin": "real", "cos": "real", "tan": "real"}
    if name == "log1p":
        return Within("modulus", want, lambda got: check(got, other=small_log1p(z, want, got)))
    if name not in turning:
        return Within("modulus", want, check)
    if name == "expm1":
        return Within("modulus", want, lambda got: check(got, other=infinite_expm1(want, got)))
    angle_of = np.abs(getattr(np.asarray(z), turning[name])).astype(np.float64)
    return Within("modulus", want, lambda got: check(got, other=(angle_of > LARGEST_ANGLE) & np.isfinite(angle_of)))


def seen(odd, want, got, differs):
    """Where a difference is, noted if it shows."""
    if (odd & (want != got)).any():
        differs()
    return odd


@difference("complex-expm1")
def infinite_expm1(want, got, differs):
    """`expm1` of infinities is `exp(z) - 1`, where NumPy has NaN wherever 0 meets an infinity. Where that is."""
    return seen(~(np.isfinite(want) & np.isfinite(got)), want, got, differs)


@difference("complex-log1p")
def small_log1p(z, want, got, differs):
    """`log1p` keeps the digits of a small number, where NumPy rounds `1 + z`. Where that shows."""
    return seen((np.abs(z) < 1) & (np.abs(want - got) <= 4 * np.finfo(want.real.dtype).eps), want, got, differs)


def power_of_complex(want, x, y):
    """`x ** y`, whose logarithm magnifies; of a part that vanishes the sign is left open."""
    with np.errstate(all="ignore"):
        size = np.abs(np.asarray(y) * np.log(np.asarray(x, np.complex128)))
    units = ULPS["pow"]["complex"] * (1 + np.where(np.isfinite(size), size, 0))
    check = modulus(want, units, zeros=False)
    return Within("modulus", want, lambda got: check(got, other=unbounded(want, got)))


@difference("complex-power")
def unbounded(want, got, differs):
    """Where a power is not finite, or not a number, or vanishes, it depends on how it is computed. Where that is."""
    least = np.finfo(want.real.dtype).smallest_normal
    odd = ~(np.isfinite(want) & np.isfinite(got)) | ((np.abs(want) < least) & (np.abs(got) < least))
    return seen(odd, want, got, differs)


# ---- Reductions.


def exact_sum(values):
    """The sum of floats, rounded once; None where it overflows on the way."""
    if np.isnan(values).any() or np.isinf(values).any():
        return float(np.sum(values[~np.isfinite(values)]))
    try:
        return math.fsum(values)
    except OverflowError:
        return None


@difference("overflow-on-the-way")
def unknown(differs):
    """A sum whose parts overflow, though it need not itself, depends on the order: not compared."""
    differs()


def rows(x, axis):
    """The elements that go into each element of the result: a row for each."""
    axes = range(x.ndim) if axis is None or x.ndim == 0 else [a % x.ndim for a in np.atleast_1d(axis)]
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = [x.shape[a] for a in kept]
    n = int(np.prod([x.shape[a] for a in axes]))
    return np.transpose(x, [*kept, *axes]).reshape(int(np.prod(shape)), n)


def total(name, row, dtype, ddof):
    """The true value of a reduction of floats, and how far from it a result may be; None if nothing is known of it."""
    eps = float(np.finfo(dtype).eps)
    if name.startswith("nan"):
        row = row[~np.isnan(row)]
    n = row.size
    match name.removeprefix("nan"):
        case "sum" | "mean" as which:
            true, size = exact_sum(row), exact_sum(np.abs(row[np.isfinite(row)]))
            if true is None or size is None:
                return None
            n_or_nan = n or math.nan
            return (true, n * eps * size) if which == "sum" else (true / n_or_nan, eps * size)
        case "prod":
            sizes = np.log2(np.abs(row[np.isfinite(row) & (row != 0)]))
            if np.abs(sizes).sum() > 1000:
                return None
            true = np.multiply.reduce(row.astype(np.longdouble))
            return true, n * eps * abs(true)
        case "var" | "std" as which:
            found = spread(row, ddof, eps, name.startswith("nan"))
            if found is None:
                return None
            true, most = found
            if which == "var" or not np.isfinite(true):
                return (true if which == "var" else np.sqrt(true)), most
            root = np.sqrt(true)
            return root, np.sqrt(true + most) - np.sqrt(max(true - most, 0)) + eps * root
    raise KeyError(name)


def spread(row, ddof, eps, only_numbers):
    """The variance of a row, and n·eps of it by its condition: sqrt(1 + mean² / variance)."""
    n, free = row.size, row.size - ddof
    if 0 < n <= ddof and 0 < np.ptp(row) <= 8 * eps * np.abs(row).max():
        return None  # whether there is any spread depends on a rounding
    if n == 0 or not np.isfinite(row).all() or free <= 0 and (only_numbers or (row == row[0]).all()):
        return math.nan, 0.0
    if (row == row[0]).all():
        most = np.square(n * eps * row[0])
        return (0.0, most) if np.isfinite(most) else None
    wide_row = row.astype(np.longdouble)
    mean = wide_row.sum() / n
    if free <= 0:
        return math.inf, 0.0
    apart = wide_row - mean
    if np.square(apart).sum() > np.finfo(np.float64).max:
        return None
    true = (np.square(apart).sum() - np.square(apart.sum()) / n) / free
    # Squares may vanish.
    least = n * float(np.finfo(np.float64).smallest_subnormal)
    return true, n * eps * np.sqrt(true * true + true * mean * mean) + (n * eps * mean) ** 2 + least


@difference("zero-of-many")
def any_zero(wrong, differs):
    """The sign of a zero that is a least or greatest element of both signs follows the order of the reduction."""
    if wrong.any():
        differs()


@difference("axis-of-value")
def axis_of(name, x, axis, given, differs):
    """The axes 0 and -1 of a single value are taken by every reduction, in NumPy by some only."""
    if x.ndim == 0 and axis is not None and all(a in (0, -1) for a in np.atleast_1d(axis)):
        try:
            getattr(np, name)(x, axis=axis, **given)
        except np.exceptions.AxisError:
            differs()
            return None
    return axis


@difference("larger-mask")
def as_large(x, mask, differs):
    """A mask and what it masks broadcast together, where NumPy wants the mask to fit the other."""
    shape = np.broadcast_shapes(x.shape, np.shape(mask))
    if shape != x.shape:
        differs()
    return np.broadcast_to(x, shape)


EXTREMES = ("min", "max", "nanmin", "nanmax", "ptp")


def reduction(name, x, axis=None, ddof=None, **keywords):
    """A reduction: NumPy's own where it is exact, else what is known of each element."""
    x = np.asarray(x)
    if "where" in keywords:
        x = as_large(x, keywords["where"])
    if name in ("nanmin", "nanmax"):
        x = quiet(x)
    given = keywords if ddof is None else keywords | {"ddof": ddof}
    axis = axis_of(name, x, axis, given)
    want = np.asarray(getattr(np, name)(x, axis=axis, **given))
    finite = np.isfinite(x) if x.dtype.kind in "fc" else True
    if "dtype" in keywords and name not in ("mean", "nanmean"):
        x = cast(x, SHORT[np.dtype(keywords["dtype"])]) if not is_complex(x) else x.astype(keywords["dtype"])
    if want.dtype.kind not in "fc":
        return want
    if name in EXTREMES:
        return Within("bits", want, lambda got: extreme(want, got))
    if is_complex(x):
        return complex_reduction(name, x, want, axis, keywords, ddof or 0)
    # What is masked is left out; what is there from the start is one more.
    mask = np.broadcast_to(keywords.get("where", True), x.shape)
    start = [keywords["initial"]] if "initial" in keywords else []
    # What the dtype that is asked for does not hold overflows on the way.
    overflows = np.isinf(x) & finite & mask
    found = [
        None if over.any() else total(name, np.concatenate([row[kept].astype(np.float64), start]), want.dtype, ddof or 0)
        for row, kept, over in zip(rows(x, axis), rows(mask, axis), rows(overflows, axis), strict=True)
    ]
    return Within("fsum", want, lambda got: bounds(found, got))


def extreme(want, got):
    """What is wrong with least or greatest elements: nothing but the sign of a zero."""
    if is_complex(want):
        # A number with a NaN part is NaN as a whole.
        want, got = (np.where(np.isnan(z), np.nan, z) for z in (want, got))
    for part, other in zip(real_parts(want), real_parts(got), strict=True):
        any_zero(np.atleast_1d((part == 0) & (other == 0) & (np.signbit(part) != np.signbit(other))))
        wrong = same_bits(np.where(part == 0, 0, part), np.where(other == 0, 0, other))
        if wrong:
            return wrong
    return None


@difference("complex-spread")
def real_spread(want, differs):
    """A variance is real, also where `dtype=` is complex and NumPy's result too."""
    if want.dtype.kind == "c":
        differs()
    return want.real


def complex_reduction(name, x, want, axis, keywords, ddof):
    """Sums and means of the parts; variances are sums of those of the parts; products are near by modulus."""
    mask = np.broadcast_to(keywords.get("where", True), x.shape)
    if name.startswith("nan"):
        # A NaN part leaves out the number.
        mask = mask & ~np.isnan(x)
    start = keywords.get("initial")
    real = want.real.dtype

    def of(part):
        own = [] if start is None else [getattr(np.asarray(start), part)]
        split = zip(rows(getattr(x, part), axis), rows(mask, axis), strict=True)
        return [total(name, np.concatenate([row[kept].astype(np.float64), own]), real, ddof) for row, kept in split]

    if name in ("sum", "mean", "nansum", "nanmean"):
        found = of("real"), of("imag")
        return Within("fsum", want, lambda got: bounds(found[0], got.real) or bounds(found[1], got.imag))
    split = zip(rows(x, axis), rows(mask, axis), strict=True)
    kept_rows = [row[kept] for row, kept in split]
    if name in ("prod", "nanprod"):
        found = [complex_total(name, [*row, *([] if start is None else [start])], real) for row in kept_rows]
        return Within("modulus", want, lambda got: distances(found, got))
    want = real_spread(want)
    found = [complex_spread(name, row, real, ddof) for row in kept_rows]
    return Within("fsum", want, lambda got: bounds(found, got))


def complex_total(name, row, dtype):
    """The true product of complex numbers, and how far from it a result may be; None where a part may overflow or vanish on the way."""
    row = np.array(row, np.complex128)
    if name == "nanprod":
        row = row[~np.isnan(row)]
    if not np.isfinite(row).all():
        return None
    sizes = np.log2(np.abs(row[row != 0]))
    if np.abs(sizes).sum() > (1000 if dtype == np.float64 else 120):
        return None
    true = np.multiply.reduce(row.astype(np.clongdouble))
    return true, (2 * row.size + 1) * float(np.finfo(dtype).eps) * abs(true)


def distances(found, got):
    """What is wrong with complex numbers, given a true value and a distance for each, or None where nothing is known."""
    return known_elements(found, got, np.complex128, lambda value, true, most: abs(value.astype(np.clongdouble) - true) <= most)


def complex_spread(name, row, dtype, ddof):
    if name.startswith("nan"):
        row = row[~np.isnan(row)]
        if row.size <= ddof:
            return math.nan, 0.0
    if not np.isfinite(row).all():
        return math.nan, 0.0
    eps = float(np.finfo(dtype).eps)
    found = [spread(getattr(row, part).astype(np.float64), ddof, eps, False) for part in ("real", "imag")]
    if None in found:
        return None
    (re, off_re), (im, off_im) = found
    # No degree of freedom: one part may have no spread, and the other some.
    true = math.inf if math.inf in (re, im) else re + im
    if name.endswith("var") or not np.isfinite(true):
        return true, off_re + off_im
    root, most = np.sqrt(true), off_re + off_im
    return root, np.sqrt(true + most) - np.sqrt(max(true - most, 0)) + eps * root


def bounds(found, got):
    """What is wrong with an array, given a true value and a distance for each element, or None where nothing is known."""
    dtype = np.asarray(got).dtype
    # Where all is subnormal, the last place is as large as what is bounded.
    least = float(np.finfo(dtype).smallest_subnormal)

    def near_enough(value, true, most):
        nearest, value = dtype.type(true), float(value)
        same = value == nearest or (np.isnan(value) and np.isnan(nearest))
        return same or (np.isfinite(value) and abs(value - true) <= most + least)

    return known_elements(found, got, np.float64, near_enough)


def known_elements(found, got, dtype, is_near):
    """The words for elements that are not near what is known of them; the true values are of `dtype`."""
    flat = np.atleast_1d(got).reshape(-1)
    wrong = np.zeros(flat.size, bool)
    for i, bound in enumerate(found):
        if bound is None:
            unknown()
        else:
            wrong[i] = not is_near(flat[i], *bound)
    return first(wrong, flat, np.array([bound[0] if bound else np.nan for bound in found], dtype))


def real_parts(x):
    """A real array, or the two parts of a complex one."""
    return [x.real, x.imag] if is_complex(x) else [x]


def in_parts(want, found, axis=None):
    """Known elements of each part, in the order of `rows`."""

    def check(got):
        wrongs = (bounds(known, laid_out(part, axis)) for known, part in zip(found, real_parts(got), strict=True))
        return next(filter(None, wrongs), None)

    return Within("fsum", want, check)


def centred(x, axis=None):
    """`x - mean(x)`: as near as the mean is, and rounded."""
    x = np.asarray(x)
    axis = axis_of("mean", x, axis, {})
    want = np.asarray(x - np.mean(x, axis=axis, keepdims=axis is not None))
    return in_parts(want, [centre(part, axis, want.real.dtype) for part in real_parts(x)], axis)


def laid_out(got, axis):
    """The elements in the order of `rows`."""
    return got if axis is None else np.concatenate([*rows(got, axis), []]).astype(got.dtype)


def centre(x, axis, dtype):
    eps, found = float(np.finfo(dtype).eps), []
    for row in rows(x, axis):
        mean = total("mean", row.astype(np.float64), dtype, 0)
        for value in row.astype(np.float64):
            known = mean is not None
            found.append((value - mean[0], mean[1] + eps * (abs(value) + abs(mean[0]))) if known else None)
    return found


def normal(x):
    """`(x - mean(x)) / std(x)`."""
    x = np.asarray(x)
    want = np.asarray((x - np.mean(x)) / np.std(x))
    real = want.real.dtype
    eps, flat = float(np.finfo(real).eps), x.reshape(-1)
    known = complex_spread("std", flat, real, 0) if is_complex(x) else total("std", flat.astype(np.float64), real, 0)
    std, off = known or (0.0, 0.0)
    if not std > 2 * off:
        # No spread to speak of: what comes is noise, or nothing at all.
        unknown()
        return Within("fsum", want, lambda got: None)

    def divided(known):
        if known is None or abs(known[0]) + known[1] > np.finfo(real).max:
            return None
        return known[0] / std, (known[1] + abs(known[0]) * (off / std + eps)) / (std - off)

    return in_parts(want, [[divided(known) for known in centre(part, None, real)] for part in real_parts(x)])


SCOPE = {
    function.__name__: function for function in (elementary, root, float_power, logaddexp, where, power, product, quotient, absolute, reduction, centred, normal, square_root, squared, inverse, first_power, sign, complex_of, angle)
} | {
    "np": np, "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan,
    "wide": wide, "in_f32": in_f32, "round_of": round_of, "round_to_tens": round_to_tens, "ldexp": ldexp, "clip": clip, "select": select, "isclose": isclose, "reciprocal": reciprocal, "cast": cast, "saturate": saturate,
    "checked": checked, "least": least, "square": square, "signbit": signbit, "copysign": copysign,
}  # fmt: skip


def evaluate(source, inputs):
    """The outputs of NumPy source over a dict of arrays: arrays and `Within`s by name."""
    scope = SCOPE | inputs
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        exec(compile(source, "<program>", "exec"), scope)
    names = [line.split(" = ")[0] for line in source.splitlines()]
    return {name: x if isinstance(x := scope[name], Within) else np.asarray(x) for name in names}
