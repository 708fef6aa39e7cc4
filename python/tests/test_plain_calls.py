"""Calls of a compiled expression on arrays, into one: they take a short way once their dtypes were met, and mean the same on it."""

import subprocess
import sys

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
