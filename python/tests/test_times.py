"""Dates and durations: NumPy's rules, units, and what is no time."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numloom as nl

NAT = np.iinfo("i8").min
UNITS = ["D", "h", "m", "s", "ms", "us", "ns", "7s", "W"]


def same(got, want):
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape, (got, want)
    if want.dtype.kind in "mM":
        got, want = got.view("i8"), want.view("i8")
    np.testing.assert_array_equal(got, want)


@st.composite
def times(draw, kind, size, units=UNITS, nat=True):
    """So small that no unit is left in which it does not fit."""
    numbers = st.integers(-9000, 9000)
    values = draw(st.lists(st.just(NAT) | numbers if nat else numbers, min_size=size, max_size=size))
    return np.array(values, "i8").view(f"{kind}8[{draw(st.sampled_from(units))}]")


# What the text says, kinds of the inputs, and what NumPy does for it.
OF_TWO = [
    ("a - b", "MM", np.subtract),
    ("a - b", "Mm", np.subtract),
    ("a + b", "Mm", np.add),
    ("a + b", "mM", np.add),
    ("a + b", "mm", np.add),
    ("a - b", "mm", np.subtract),
    ("a + b", "Mi", np.add),
    ("a - b", "Mi", np.subtract),
    ("a + b", "mi", np.add),
    ("a - b", "im", np.subtract),
    ("a * b", "mi", np.multiply),
    ("a * b", "im", np.multiply),
    ("a * b", "mf", np.multiply),
    ("a * b", "fm", np.multiply),
    ("a * b", "mb", np.multiply),
    ("a / b", "mm", np.divide),
    ("a / b", "mi", np.divide),
    ("a / b", "mf", np.divide),
    ("a // b", "mm", np.floor_divide),
    ("a // b", "mi", np.floor_divide),
    ("a // b", "mf", np.floor_divide),
    ("a % b", "mm", np.remainder),
    *((f"a {op} b", kinds, f) for op, f in [("<", np.less), ("<=", np.less_equal), (">", np.greater), (">=", np.greater_equal),
                                            ("==", np.equal), ("!=", np.not_equal)] for kinds in ("MM", "mm")),
    ("a < b", "mi", np.less),
    *((f"{f.__name__}(a, b)", kinds, f) for f in (np.minimum, np.maximum, np.fmin, np.fmax) for kinds in ("MM", "mm")),
    ("where(a < b, a, b)", "MM", lambda a, b: np.where(a < b, a, b)),
    ("where(a < b, a, b)", "mm", lambda a, b: np.where(a < b, a, b)),
    ("clip(a, b, 3*b)", "mm", lambda a, b: np.minimum(np.maximum(a, b), 3 * b)),
    ("-a + abs(b)", "mm", lambda a, b: -a + abs(b)),
    ("isnan(a) | ~isfinite(b) | isinf(a)", "Mm", lambda a, b: np.isnan(a) | ~np.isfinite(b)),
]  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(OF_TWO), st.integers(0, 6))
def test_operations_are_numpys(data, case, size):
    text, kinds, reference = case
    arrays = []
    for kind in kinds:
        if kind in "mM":
            arrays.append(data.draw(times(kind, size)))
        elif kind == "f":
            values = st.sampled_from([0.0, -0.5, 2.5, 1e-3, -7.0, np.nan, np.inf, 1e300])
            values = np.array(data.draw(st.lists(values, min_size=size, max_size=size)), "f8")
            with np.errstate(over="ignore"):
                arrays.append(values.astype(data.draw(st.sampled_from(["f4", "f8"]))))
        else:
            values = st.integers(0, 100) if kind == "i" else st.booleans()
            dtypes = ["i1", "i4", "i8", "u1"] + ["u8"] * (text != "a < b")
            dtype = data.draw(st.sampled_from(dtypes)) if kind == "i" else "?"
            arrays.append(np.array(data.draw(st.lists(values, min_size=size, max_size=size)), dtype))
    with np.errstate(all="ignore"):
        want = reference(*arrays)
    same(nl.evaluate(text, a=arrays[0], b=arrays[1]), want)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_reductions_are_numpys(data):
    kind = data.draw(st.sampled_from("mM"))
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    a = data.draw(times(kind, rows * columns)).reshape(rows, columns)
    name = data.draw(st.sampled_from(["min", "max", "ptp", "argmin", "argmax", "nanmin", "nanmax"] + ["sum", "mean"] * (kind == "m")))
    axis, keepdims = data.draw(st.sampled_from([None, 0, 1, -1])), data.draw(st.booleans())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = getattr(np, name)(a, axis=axis, keepdims=keepdims)
    same(nl.evaluate(f"{name}(a, axis={axis}, keepdims={keepdims})", a=a), want)


def test_layouts_scalars_and_the_objects_of_others():
    t = np.arange("2024-01-01", "2024-01-07", dtype="M8[D]")
    day = np.timedelta64(1, "D")
    for a in (t[::2], t[::-1], t.reshape(2, 3).T, t.astype(t.dtype.newbyteorder()), t[:0]):
        same(nl.evaluate("a + d", a=a, d=day), (a + day).astype("M8[D]"))
    same(nl.evaluate("t[1:] - t[:-1]", t=t), np.diff(t))
    assert nl.evaluate("max(t) - min(t)", t=t) == np.timedelta64(5, "D")
    assert nl.evaluate("a + b", a=datetime.date(2024, 2, 28), b=datetime.timedelta(days=2)) == np.datetime64("2024-03-01")
    same(nl.evaluate("a - b", a=pd.Series(t), b=t), t - t if pd.Series(t).dtype == t.dtype else (pd.Series(t).to_numpy() - t))
    late, hours = nl.evaluate("late = t > limit; (t - limit) / hour", t=t, limit=t[2], hour=np.timedelta64(1, "h"))
    assert late.tolist() == [False] * 3 + [True] * 3 and hours.dtype == "f8" and hours[3] == 24
    assert np.isnat(nl.evaluate("mean(a)", a=np.empty(0, "m8[s]")))
    with pytest.raises(nl.Error):
        nl.evaluate("min(a)", a=np.empty(0, "m8[s]"))
    same(nl.evaluate("let d = b - a; mean(d)", a=t, b=t + day), day)


def test_a_data_frame_has_dates():
    import numloom.pandas

    frame = pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None, "2024-01-03"]), "n": [1, 2, 3]})
    got = numloom.pandas.evaluate(frame, "t + n*day", day=np.timedelta64(1, "D"))
    assert got.tolist()[0] == pd.Timestamp("2024-01-02") and got.isna().tolist() == [False, True, False]


def test_results_go_where_they_are_asked_for():
    a, b = np.array([5, NAT, 7], "i8").view("m8[s]"), np.array([1, 2, 3], "m8[ms]")
    out = np.empty(3, "m8[ms]")
    assert nl.evaluate("a + b", a=a, b=b, out=out) is out
    same(out, a + b)
    wide = np.empty((2, 3), "m8[us]")
    nl.evaluate("a + b", a=a, b=b, out=wide)
    same(wide, np.broadcast_to((a + b).astype("m8[us]"), (2, 3)))
    strided, less = np.empty(6, "m8[s]")[::2], np.empty(3, bool)
    f = nl.compile("x = 2*a; y = a < b")
    assert f(a, b, out={"x": strided, "y": less}).y is less
    same(strided, 2 * a)
    same(less, a < b)
    a2 = a.copy()
    nl.evaluate("a[::-1] + a", a=a2, out=a2)
    same(a2, a[::-1] + a)
    for wrong in (np.empty(3, "M8[s]"), np.empty(3), np.empty(3, "i8")):
        with pytest.raises(nl.InputError, match="has dtype"):
            nl.evaluate("2*a", a=a, out=wrong)
    with pytest.raises(nl.InputError, match="cannot be cast"):
        nl.evaluate("2*a", a=a, out=np.empty(3, "m8[D]"), casting="no")


def test_a_unit_in_which_a_time_does_not_fit_is_an_error_and_not_another_time():
    a = np.array([1, 2**40, 5], "M8[s]")
    with pytest.raises(nl.RunError, match=r"does not fit datetime64\[ns\]") as caught:
        nl.evaluate("2 > 1 and a < b", a=a, b=np.array([0], "M8[ns]"))
    assert caught.value.src == "2 > 1 and a < b" and caught.value.src[slice(*caught.value.span)] == "a < b"
    most = (2**63 - 1) // 10**9
    edge = np.array([most, -most, NAT], "i8").view("M8[s]")
    same(nl.evaluate("a - b", a=edge, b=np.array([0, 0, 0], "M8[ns]")), edge - np.array([0, 0, 0], "M8[ns]"))
    for n in (most + 1, -most - 1):
        with pytest.raises(nl.RunError):
            nl.evaluate("a - b", a=np.array([n]).view("m8[s]"), b=np.array([0], "m8[ns]"))


@pytest.mark.parametrize(
    "text, words",
    [
        ("t + t", "has no meaning for datetime64"),
        ("t * 2", r"`\*` has no meaning for datetime64\[s\] and int64"),
        ("d * d", "no meaning"),
        ("d ** 2", "no meaning"),
        ("2 / d", "no meaning"),
        ("d - t", "no meaning"),
        ("d + 2.5", "no meaning for timedelta64.* and float64"),
        ("t < d", "no meaning"),
        ("t < 1", "no meaning"),
        ("~d", "needs numbers or bools"),
        ("-t", "needs durations"),
        ("sin(d)", "`sin` has no meaning for timedelta64"),
        ("sum(t)", "`sum` has no meaning for datetime64"),
        ("std(d)", "`std`"),
        ("prod(d)", "`prod`"),
        ("d and t", "`and` needs"),
        ("where(d, 1, 2)", "`where`"),
        ("where(t < t, t, 1)", "`where`"),
        ("d.real", "real"),
        ("2 + sum(d, where=(d > 1))", "`sum`"),
        ("t - y", r"no common unit"),
        ("d % 2", "no meaning"),
    ],
)
def test_what_means_nothing_for_times_is_refused_with_its_place(text, words):
    inputs = dict(t=np.array([1], "M8[s]"), d=np.array([1], "m8[s]"), y=np.array([1], "M8[Y]"))
    with pytest.raises(nl.ExprTypeError, match=words) as caught:
        nl.evaluate(text, inputs)
    assert caught.value.code == "type-mismatch" and caught.value.src == text and caught.value.span
    assert not nl.check(text, **inputs)


def test_errors_of_numbers_beside_times_are_at_their_place():
    t = np.array([1], "M8[s]")
    with pytest.raises(nl.ExprTypeError) as caught:
        nl.evaluate("(t > t) & sin(x, x)", t=t, x=1.0)
    assert caught.value.src == "(t > t) & sin(x, x)" and caught.value.code == "wrong-arity"
    with pytest.raises(nl.InputError, match="missing"):
        nl.evaluate("t + n", t=t, n=np.ma.array([1], mask=[True]))


def test_checks_know_what_times_become():
    found = nl.check("span = a - b; late = a > b; d*2", a="M8[s]", b="M8[ns]", d=np.timedelta64(1, "D"))
    assert [(o.name, str(o.dtype)) for o in found.outputs] == [("span", "timedelta64[ns]"), ("late", "bool"), (None, "timedelta64[D]")]
    assert nl.check("mean(a)", a="m8[s]").outputs[0].reduced


def test_one_plan_serves_all_values():
    f = nl.compile("a*k + b")
    for i in range(20):
        a = np.array([i], "m8[s]")
        same(f(a, k=i, b=a), a * i + a)
    from numloom._times import planned

    assert len(planned(f, (("<m8[s]", False, False), ("int", True, True), ("<m8[s]", False, False))).program.variants) == 1


def test_statements_comments_and_parentheses_stay():
    t, x = np.array([1, 5], "M8[s]"), np.array([1.0, 2.0])
    text = "let d = (t - (t0)) # how long\n" "rate = ((x) + (1)) * (d / second)\n(\n  d > d0  # late\n) if (x > 1) else False"
    rate, late = nl.evaluate(text, t=t, t0=t[0], x=x, second=np.timedelta64(1, "s"), d0=np.timedelta64(1, "s"))
    assert rate.tolist() == [0.0, 12.0] and late.tolist() == [False, True]
