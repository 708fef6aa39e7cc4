"""Numbers of Python's as inputs: weak, as in NumPy (NEP 50)."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numloom as nl

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
OPERATORS = {
    "a + k": np.add, "k - a": lambda a, k: k - a, "a * k": np.multiply, "a / k": np.divide, "k // a": lambda a, k: k // a, "a % k": np.remainder,
    "a & k": np.bitwise_and, "a | k": np.bitwise_or, "a ^ k": np.bitwise_xor,
    "a < k": np.less, "k >= a": lambda a, k: k >= a, "a == k": np.equal, "a != k": np.not_equal,
    "minimum(a, k)": np.minimum, "maximum(k, a)": lambda a, k: np.maximum(k, a), "fmax(a, k)": np.fmax,
    "where(a == a, a, k)": None, "clip(a, k, k)": None, "a + (k + k)": lambda a, k: a + (k + k), "a * -k": lambda a, k: a * -k,
}  # fmt: skip
NUMBERS = st.sampled_from([True, 0, 1, 2, 7, -1, 100, 127, 128, 255, 300, -129, 40000, 2**31, 2**40, 2**63, 1.0, 0.5, 0.1, -2.5, 1e30, 1e300, 1j, 0.5 - 2j])


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DTYPES), st.sampled_from(sorted(OPERATORS)), NUMBERS)
def test_operations_have_numpys_dtype_and_value_or_refuse_as_numpy_does(dtype, text, k):
    a = np.array([1, 0, 1, 1] if dtype == "?" else [1, 3, 100, 7], dtype)
    reference = OPERATORS[text]
    if k is True and text in ("a + (k + k)", "a * -k"):
        return  # Python adds bools as integers, NumPy and numloom as bools
    if reference is None:
        reference = (lambda a, k: np.where(a == a, a, k)) if "where" in text else (lambda a, k: np.clip(a, k, k))
        if "where" in text and np.dtype(dtype).kind in "iu" and type(k) is int and not np.iinfo(dtype).min <= k <= np.iinfo(dtype).max:
            reference = np.add  # NumPy's wraps, in silence: refused here
    try:
        with np.errstate(all="ignore"):
            want = reference(a, k)
    except (OverflowError, TypeError) as refused:
        compares_bools = dtype == "?" and any(sign in text for sign in "<>=")  # exact here, as with all other dtypes
        if isinstance(refused, OverflowError) and not compares_bools:
            with pytest.raises(nl.Error):
                nl.evaluate(text, a=a, k=k)
        return
    if want.dtype == "O" or (isinstance(k, int) and not -(2**63) <= k < 2**63):
        return
    try:
        got = nl.evaluate(text, a=a, k=k)
    except nl.ExprTypeError:
        return  # such as an operation that is none for bools or complex numbers
    assert got.dtype == want.dtype, (got, want)
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("text", ["a*k", "arctan2(a, k)", "hypot(k, a)", "a**k", "copysign(a, k)", "logaddexp(a, k)", "heaviside(a, k)"])
def test_floats_stay_single_precision(text):
    a = np.array([1.5, 2.0], "f4")
    assert nl.evaluate(text, a=a, k=2.0).dtype == "f4"
    assert nl.evaluate(text, a=a, k=2).dtype == "f4"
    assert nl.evaluate(text, a=a, k=np.float64(2.0)).dtype == "f8"
    assert nl.check(text, a=a, k=2.0).outputs[0].dtype == "f4"


def test_a_number_on_its_own_has_a_dtype():
    assert nl.evaluate("k", k=2).dtype == "i8" and nl.evaluate("k", k=2.5).dtype == "f8" and nl.evaluate("k", k=1j).dtype == "c16"
    assert nl.evaluate("k + j", k=2, j=3) == 5 and nl.evaluate("sqrt(k)", k=4) == 2.0
    assert nl.evaluate("a * sqrt(k)", a=np.ones(1, "f4"), k=4.0).dtype == (np.ones(1, "f4") * np.sqrt(4.0)).dtype


def test_a_value_is_no_part_of_what_is_compiled():
    f = nl.compile("a*k + 1")
    a = np.ones(3, "f4")
    for i in range(50):
        assert f(a, float(i)).dtype == "f4"
    assert f.variants == [("a: f32, k: f64 weak", "f32")]


def test_what_does_not_fit_is_an_error_of_the_run():
    a = np.ones(3, "i1")
    f = nl.compile("a + k")
    assert f(a, 100).dtype == "i1"
    with pytest.raises(nl.RunError) as caught:
        f(a, 300)
    assert caught.value.code == "cast-failed" and "300" in str(caught.value)
    assert nl.evaluate("a < k", a=a, k=300).all() and nl.evaluate("a / k", a=a, k=300).dtype == "f8"


def test_runs_over_files_and_tables_have_the_same_dtypes(tmp_path):
    a = np.arange(10, dtype="f4")
    np.save(tmp_path / "a.npy", a)
    done = nl.transform("k*a", a=tmp_path / "a.npy", k=2.5, out=tmp_path / "b.npy")
    want = nl.evaluate("k*a", a=a, k=2.5)
    assert want.dtype == "f4" and np.load(done[0] if isinstance(done, tuple) else tmp_path / "b.npy").dtype == "f4"
    assert nl.stream("k*a", {"a": a}, k=2.5).result().dtype == "f4"
    assert nl.stream("k*a", {"a": a}, k=np.float64(2.5)).result().dtype == "f8"


@pytest.mark.parametrize("name", ["e", "pi", "inf", "nan"])
def test_an_input_goes_before_a_constant_of_its_name_everywhere(name, tmp_path):
    x = np.arange(4.0)
    np.save(tmp_path / "x.npy", x)
    assert nl.evaluate(f"2*{name}", {name: x}).tolist() == [0, 2, 4, 6]
    assert nl.stream(f"2*{name}", {name: x}).result().tolist() == [0, 2, 4, 6]
    assert nl.stream(f"x*{name}", {"x": x}, **{name: 2}).result().tolist() == [0, 2, 4, 6]
    assert nl.transform(f"sum({name})", **{name: tmp_path / "x.npy"})[0] == 6
    assert nl.transform(f"sum({name}*x)", x=tmp_path / "x.npy", **{name: 2})[0] == 12


def test_integer_arithmetic_is_exact_or_an_error():
    a = np.ones(3)
    for text, k, want in [
        ("a * -k", 2**63, -(2.0**63)), ("a * (k + k)", 2**62 - 1, 2.0**63), ("a * (k + 1)", 2**63, 2.0**63), ("a * 10**k", 18, 1e18),
        ("a * k**-1", 4, 0.25), ("a * (k % 7)", 2**63, 1.0), ("where(a > 1, a, k)", 2**63, 2.0**63),
    ]:  # fmt: skip
        assert nl.evaluate(text, a=a, k=k).tolist() == [want] * 3, text
    for text, k in [("a * ~k", 2**63), ("a * 10**k", 20), ("a * (k + k)", 2**62), ("a * 10**k", -2), ("a * (k * 4)", 2**62 + 1), ("a * (1 << k)", 64)]:
        with pytest.raises(nl.RunError):
            nl.evaluate(text, a=a, k=k)
    with pytest.raises(nl.RunError):
        nl.evaluate("a + k*j", a=np.ones(3, "i1"), k=2**62 + 1, j=4)


def test_functions_leave_the_dtype_to_what_stands_beside_a_number():
    a = np.array([0.1, 0.2], "f4")
    for text in ["select((a > 1,), (a,), k)", "a * k.real", "a * real(k)"]:
        assert nl.evaluate(text, a=a, k=2.0).dtype == "f4", text
    assert nl.evaluate("isclose(a, k, 0, 0)", a=a, k=0.1).tolist() == np.isclose(a, 0.1, 0, 0).tolist() == [True, False]
    i = np.ones(2, "i1")
    assert nl.evaluate("full_like(i, k)", i=i, k=300.5).tolist() == [44, 44]
    clipped = nl.evaluate("clip(i, k, j)", i=i, k=300, j=500.5)
    assert clipped.dtype == np.clip(i, 300, 500.5).dtype == "f8" and clipped.tolist() == [300, 300]
