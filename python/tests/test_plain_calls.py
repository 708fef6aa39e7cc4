"""Calls of a compiled expression on arrays, into one: they take a short way once their dtypes were met, and mean the same on it."""

import functools
import gc
import operator
import subprocess
import sys
import weakref

import numpy as np
import pytest

import numloom as nl


def met(text, *arrays):
    """The expression, after a call that made its kernel."""
    f = nl.compile(text)
    f(*arrays)
    return f


def test_the_array_that_was_given_is_filled_and_returned():
    a, b = np.arange(5.0), np.ones(5)
    f = met("2*a + 3*b", a, b)
    out = np.empty(5)
    assert f(a, b, out=out) is out
    np.testing.assert_array_equal(out, 2 * a + 3)


@pytest.mark.parametrize("n", [0, 1, 1000, 30_000, 300_000])
def test_any_length(n):
    a = np.linspace(0, 1, n)
    f = met("a*a - 1", a)
    np.testing.assert_array_equal(f(a, out=np.empty(n)), a * a - 1)


def test_out_that_is_an_input_or_overlaps_one():
    a = np.arange(1000.0)
    f = met("a + 1", a)
    want = a + 1
    f(a, out=a)
    np.testing.assert_array_equal(a, want)
    want = a[:-1] + 1
    f(a[:-1], out=a[1:])
    np.testing.assert_array_equal(a[1:], want)


def test_out_of_other_layouts_dtypes_and_byte_orders():
    a = np.arange(6.0).reshape(2, 3)
    f = met("a*3", a)
    for out in [np.empty((2, 3), order="F"), np.empty((2, 6))[:, ::2], np.empty((2, 3), ">f8"), np.empty((2, 3), "c16")]:
        assert f(a, out=out) is out
        np.testing.assert_array_equal(out, a * 3)
    np.testing.assert_array_equal(f(a.T, out=np.empty((3, 2))), a.T * 3)
    np.testing.assert_array_equal(f(a.astype(">f8"), out=np.empty((2, 3))), a * 3)
    np.testing.assert_array_equal(f(np.float64(2), out=np.empty(())), 6.0)


def test_out_that_does_not_take_the_result():
    a = np.arange(4.0)
    f = met("a + 0.5", a)
    with pytest.raises(TypeError):
        f(a, out=np.empty(4, "i8"))
    out = np.empty(4, "i8")
    assert f(a, out=out, casting="unsafe") is out
    np.testing.assert_array_equal(out, [0, 1, 2, 3])
    with pytest.raises(ValueError):
        f(a, out=np.empty(5))
    still = np.zeros(4)
    still.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        f(a, out=still)
    np.testing.assert_array_equal(still, 0)


def test_subclasses_are_asked_what_they_mean():
    a = np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False])
    f = met("a + 1", np.arange(3.0))
    out = np.ma.zeros(3)
    f(a, out=out)
    assert out.mask.tolist() == [False, True, False]


def test_an_element_that_fails_is_an_error():
    a = np.array([1.0, 300.0])
    f = met("u8(a, 'checked')", np.array([1.0]))
    with pytest.raises(nl.Error, match="300"):
        f(a, out=np.empty(2, "u1"))


def test_an_input_called_out_is_given_by_its_place():
    x = np.arange(3.0)
    f = met("2*out", x)
    with pytest.raises(nl.Error, match="twice"):
        f(x, out=np.empty(3))


def test_the_limit_of_an_engine_holds():
    f = nl.Engine(max_output_bytes=100).compile("a + 1")
    a = np.arange(10.0)
    f(a)
    with pytest.raises(nl.Error):
        f(np.arange(20.0), out=np.empty(20))


def test_dtypes_may_be_met_while_others_run():
    """A kernel that is made waits for no run that wants the interpreter back."""
    code = """if True:
        import threading
        import numpy as np
        import numloom as nl

        a = np.arange(20_000.0)
        c = np.empty_like(a)
        for dtype in "f4 i2 i4 i8 u1 u2 u4 u8 c8 c16".split() * 3:
            f = nl.compile("a + a")
            f(a)
            done = threading.Event()

            def run():
                while not done.is_set():
                    f(a, out=c)

            others = [threading.Thread(target=run) for _ in range(3)]
            for other in others:
                other.start()
            for _ in range(20):
                f(a.astype(dtype))
                f(a.astype("b1"))
            done.set()
            for other in others:
                other.join()
        print("done")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n", done.stderr


def ways(f, arrays):
    """The results of a call by place, by name, by both, and each of these unpacked, with a new array and with one to write to."""
    named = dict(zip(f.inputs, arrays))
    first, rest = arrays[:1], dict(list(named.items())[1:])
    turned = dict(reversed(named.items()))
    calls = [lambda **to: f(*arrays, **to), lambda **to: f(**named, **to), lambda **to: f(*first, **rest, **to), lambda **to: f(**turned, **to)]
    for call in calls:
        yield call()
        out = np.empty_like(call())
        assert call(out=out) is out
        yield out


@pytest.mark.parametrize("n", [0, 3, 30_000])
@pytest.mark.parametrize("text", ["2*a", "a - 2*b", "a - 2*b + c", "a - 2*b + c*d", "a - 2*b + c*d - x"])
def test_arguments_by_place_and_by_name_mean_the_same(text, n):
    arrays = [np.arange(n) * (k + 1.5) for k in range(5)]
    f = nl.compile(text)
    arrays = arrays[: len(f.inputs)]
    want = eval(text, dict(zip(f.inputs, arrays)))
    for _ in range(2):
        for got in ways(f, arrays):
            assert type(got) is np.ndarray and got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)


def test_new_arrays_lie_as_numpys():
    for a in [np.ones((3, 4)), np.ones((3, 4), order="F"), np.ones((3, 4))[:, ::2], np.ones(()), np.ones((0, 4)), np.ones((1, 1))]:
        f = met("a + 1", a)
        got, want = f(a), a + 1
        assert (got.shape, got.flags.c_contiguous, got.flags.f_contiguous) == (want.shape, want.flags.c_contiguous, want.flags.f_contiguous)
        np.testing.assert_array_equal(got, want)


def test_numbers_beside_arrays_are_weak():
    a = np.arange(4, dtype="f4")
    f = nl.compile("a*k")
    for _ in range(2):
        for k in [2, 2.5, True, 1 + 2j, np.float64(2.5), np.int8(3)]:
            got, want = f(a, k), a * k
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)
        assert type(f(2.0, 3.0)) is np.float64


@pytest.mark.parametrize(
    "args, kwargs, why",
    [
        ((), {}, "missing inputs `a`, `b`"),
        ((1,), {}, "missing input `b`"),
        ((1,), {"out": np.empty(2)}, "missing input `b`"),
        ((1, 2, 3), {}, "takes 2 inputs"),
        ((1, 2, 3, 4, 5), {"out": np.empty(2)}, "takes 2 inputs"),
        ((np.ones(2), np.ones(2)), {"a": np.ones(2)}, "twice"),
        ((np.ones(2), np.ones(2)), {"c": np.ones(2)}, "no input named `c`"),
        ((np.ones(2), np.ones(3)), {}, "shape"),
    ],
)
def test_wrong_arguments_are_named(args, kwargs, why):
    f = met("a + b", np.ones(2), np.ones(2))
    with pytest.raises(nl.Error, match=why):
        f(*args, **kwargs)


def test_every_way_of_python_to_call():
    a = np.arange(3.0)
    f = met("a + 1", a)
    calls = [f.__call__, type(f).__call__.__get__(f), functools.partial(f), lambda a: next(map(f, [a])), lambda a: operator.call(f, a) if hasattr(operator, "call") else f(a)]
    for call in calls:
        np.testing.assert_array_equal(call(a), a + 1)
    assert callable(f)
    with pytest.raises(TypeError):
        f.__class__ = object


def test_the_type_is_whole():
    f = nl.compile("a + 1")
    assert type(f) is nl.Compiled and nl.Compiled.__name__ == "Compiled" and nl.Compiled.__module__ == "numloom"
    assert "waits for arrays" in nl.Compiled.__doc__
    with pytest.raises(TypeError):
        type("Sub", (nl.Compiled,), {})
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_one_that_python_makes_is_called_as_well():
    """Without the short way: nothing but its cost differs."""
    f = nl.Compiled(nl.Engine(threads=1), "a + b")
    a = np.arange(3.0)
    for _ in range(2):
        np.testing.assert_array_equal(f(a, b=a, out=np.empty(3)), a + a)
    with pytest.raises(nl.ExprSyntaxError):
        nl.Compiled(nl.Engine(threads=1), "a +")


def test_calls_hold_nothing():
    a, b, out = np.arange(3.0), np.ones(3), np.empty(3)
    f = met("a + b", a, b)
    objects = (a, b, out, f, f.inputs, "out")
    before = [sys.getrefcount(x) for x in objects]
    for _ in range(1000):
        f(a, b, out=out)
        f(a=a, b=b)
        with pytest.raises(nl.Error):
            f(a, c=b)
    gc.collect()
    assert [sys.getrefcount(x) for x in objects] == before
