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


@pytest.mark.parametrize("text", ["d*k", "k*d", "d + k", "d - k", "d < k", "d == k", "d // k", "t + k", "minimum(d, k)", "where(d < d, d, k)", "clip(d, 0, k)"])
def test_a_number_that_no_time_can_be_is_an_error_and_no_other_number(text):
    inputs = dict(d=np.array([1, 2], "m8[s]"), t=np.array([1, 2], "M8[s]"))
    for k in (2**63, 2**64 - 1):
        with pytest.raises(nl.Error):
            nl.evaluate(text, **{name: value for name, value in {**inputs, "k": k}.items() if name in text})
        with pytest.raises(nl.Error):
            nl.evaluate(text.replace("k", str(k)), inputs)
    small = nl.evaluate(text, **{name: value for name, value in {**inputs, "k": 3}.items() if name in text})
    assert small.shape == (2,)
    assert nl.evaluate("d < k", d=inputs["d"], k=2**63 - 1).all()


@pytest.mark.parametrize("text", ["(t > t) & sin(x, x)", "t - t; x + zz", "(t - t) / d + (x & 1)"])
def test_a_check_says_what_evaluate_says(text):
    inputs = dict(t=np.array([1], "M8[s]"), d=np.array([1], "m8[s]"), x=1.5)
    with pytest.raises(nl.Error) as caught:
        nl.evaluate(text, inputs)
    found = nl.check(text, **inputs)
    assert not found and found.error.src == text
    if caught.value.code != "missing-input":
        assert (found.error.code, str(found.error), found.diagnostics) == (caught.value.code, str(caught.value), caught.value.diagnostics)


def test_numbers_beside_times_are_typed_once_each():
    class Counting(nl.Engine):
        sizes = []

        def _check(self, expr, schema):
            self.sizes.append(len(expr))
            return super()._check(expr, schema)

    a, k = np.array([1, 2], "m8[s]"), 3
    cases = [
        ("a" + " + a*k" * 160, 2),
        ("a" + "".join(f" + {i}" for i in range(160)), 0),
        ("a" + "".join(f" + a*(k + {i})" for i in range(160)), 160),
        ("a" + "".join(f" + a*({i}*(a/a) + k)" for i in range(60)), 60),
        ("\n".join(["let s0 = k", *(f"let r{i} = a/a; let s{i + 1} = a*r{i} + a*k" for i in range(60)), "s60"]), 60),
    ]
    for text, most in cases:
        Counting.sizes.clear()
        got = Counting().evaluate(text, {"a": a, "k": k})
        assert got.shape == (2,)
        assert len(Counting.sizes) <= most and max(Counting.sizes, default=0) <= 100, (len(Counting.sizes), max(Counting.sizes, default=0))


def test_numbers_that_come_of_times_keep_the_rules_of_numbers():
    a, k = np.array([10, 20], "m8[s]"), np.array([2, 3], "u1")
    same(nl.evaluate("a * (k if a > a[0] else 1)", a=a, k=k), a * np.array([1, 3]))
    same(nl.evaluate("let r = a/b; let s = r*k; a*s + a*(s + 1)", a=a, b=a, k=k), a * (1.0 * k) + a * (1.0 * k + 1))
    same(nl.evaluate("a * select((a > b, a == b), (k, 7), 0)", a=a, b=a[:1], k=k), np.array([70, 60], "m8[s]"))
    same(nl.evaluate("let late = a > b; let n = late*u64(2); a*n", a=a, b=a[:1]), np.array([0, 40], "m8[s]"))
    assert nl.check("argmax(a); a//b; isnan(a); i64(a)", a=a, b=a)


def test_limits_are_told_of_the_text_that_was_given():
    a = np.array([1, 2], "M8[s]")
    text = "a + b - b - b - b - b"
    with pytest.raises(nl.LimitError, match="integers") as caught:
        nl.Engine(max_source_bytes=100).evaluate(text, a=a, b=np.array([1, 2], "m8[ms]"))
    assert caught.value.src == text and "let t" not in str(caught.value) and caught.value.code
    found = nl.Engine(max_source_bytes=100).check(text, a="M8[s]", b="m8[ms]")
    assert found.error.src == text


def test_scalars_of_pandas_are_times():
    t = np.array(["2024-01-01", "2024-01-05"], "M8[ns]")
    assert nl.evaluate("t > limit", t=t, limit=pd.Timestamp("2024-01-02")).tolist() == [False, True]
    same(nl.evaluate("t + d", t=t, d=pd.Timedelta(days=1)), t + np.timedelta64(1, "D"))
    assert np.isnat(nl.evaluate("t - n", t=t, n=pd.NaT)).all()
    for zoned in (pd.Timestamp("2024-01-02", tz="UTC"), datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)):
        with pytest.raises(nl.InputError, match="time zone"):
            nl.evaluate("t > limit", t=t, limit=zoned)


def test_inputs_may_be_called_as_constants_are():
    a, b = np.array([1, NAT], "i8").view("m8[s]"), np.array([2, 1], "m8[s]")
    same(nl.evaluate("a / b + nan*0", a=a, b=b, nan=np.array([1.0, 1.0])), a / b)


def test_places_for_results_are_looked_at_with_numlooms_errors():
    a = np.array([1, 2], "m8[s]")
    for text, out in [("a / a", np.empty(2, "m8[s]")), ("a < a", np.empty(2, "M8[s]"))]:
        with pytest.raises(nl.InputError, match="out.*numbers"):
            nl.evaluate(text, a=a, out=out)
    for out in (np.empty(3, "m8[ms]"), np.empty(3, "m8[s]")):
        with pytest.raises(nl.ShapeError):
            nl.evaluate("a + a", a=a, out=out)


def test_units_too_far_apart_are_an_error_of_numlooms():
    with pytest.raises(nl.ExprTypeError, match="common unit"):
        nl.evaluate("a + b", a=np.array([1], "m8[2000000000W]"), b=np.array([1], "m8[as]"))


def test_bounds_may_be_named_or_none():
    d, lo, hi = np.array([1, 5, 9], "m8[s]"), np.timedelta64(2, "s"), np.timedelta64(7, "s")
    cases = [
        ("clip(d, min=lo)", lo, None),
        ("clip(d, lo)", lo, None),
        ("clip(d, None, hi)", None, hi),
        ("clip(d, max=hi)", None, hi),
        ("clip(d, max=hi, min=lo)", lo, hi),
    ]
    for text, least, most in cases:
        given = {name: value for name, value in dict(d=d, lo=lo, hi=hi).items() if name in text}
        same(nl.evaluate(text, given), d.clip(least, most))
    for wrong in ("clip(d, lo, min=lo)", "clip(d, low=lo)"):
        with pytest.raises(nl.Error):
            nl.evaluate(wrong, d=d, lo=lo)


def test_forgetting_forgets_plans():
    import gc
    import weakref

    engine = nl.Engine()
    engine.evaluate("a - b", a=np.array([1], "M8[s]"), b=np.array([1], "M8[s]"))
    assert engine._plans.cache_info().currsize == 1
    engine.cache_clear()
    assert engine._plans.cache_info().currsize == 0
    engine.evaluate("a - b", a=np.array([1], "M8[s]"), b=np.array([1], "M8[s]"))
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None
