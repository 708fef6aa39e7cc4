"""`out`, `casting` and `order`."""

import numpy as np
import pytest

import numloom as nl


def test_out_is_written_to_and_returned():
    a, out = np.arange(5.0), np.empty(5)
    assert nl.evaluate("a*a", a=a, out=out) is out
    assert out.tolist() == [0, 1, 4, 9, 16]


def test_out_of_any_layout():
    a = np.arange(6.0).reshape(2, 3)
    for out in (
        np.empty((2, 3), order="F"),
        np.empty((4, 6))[::2, ::-2],
        np.empty((2, 3), ">f8"),
        np.empty(49, "u1")[1:].view("f8").reshape(2, 3),
        np.zeros((2, 3), [("pad", "u1"), ("x", "f8")])["x"],
    ):
        nl.evaluate("a + 1", a=a, out=out)
        assert np.array_equal(out, a + 1)


@pytest.mark.parametrize("n", [10, 5000, 300_000])
def test_out_may_share_memory_with_inputs_in_any_way(n):
    fresh = np.random.default_rng(1).random(n)
    cases = {
        "the same": lambda a: (a, a),
        "forwards": lambda a: (a[:-1], a[1:]),
        "backwards": lambda a: (a[1:], a[:-1]),
        "reversed": lambda a: (a[::-1], a),
        "into the reversed": lambda a: (a, a[::-1]),
        "every other": lambda a: (a[::2], a[: len(a[::2])]),
    }
    for name, views in cases.items():
        a, b = fresh.copy(), fresh.copy()
        x, out = views(a)
        want_x, want_out = views(b)
        nl.evaluate("2*x + x*x", x=x, out=out)
        want_out[...] = 2 * want_x.copy() + want_x * want_x
        assert np.array_equal(a, b), name


def test_out_with_overlapping_elements_gets_what_numpy_would_give():
    row = np.zeros(3)
    out = np.lib.stride_tricks.as_strided(row, (4, 3), (0, 8))
    nl.evaluate("a + 1", a=np.tile(np.arange(3.0), (4, 1)), out=out)
    assert row.tolist() == [1.0, 2.0, 3.0]


def test_two_places_may_share_memory():
    x = np.zeros(3)
    nl.evaluate("a + 1; a + 2", a=np.zeros(3), out=(x, x))
    assert x.tolist() == [2.0] * 3
    y = np.zeros(4)
    nl.evaluate("a + 1; a + 2", a=np.zeros(3), out=(y[:3], y[1:]))
    assert y.tolist() == [1.0, 2.0, 2.0, 2.0]


def test_several_places_by_order_and_by_name():
    a, double, total = np.arange(3.0), np.empty(3), np.empty(())
    got = nl.evaluate("double = 2*a; total = sum(a)", a=a, out=(double, None))
    assert got.double is double and got.total == 3.0
    got = nl.evaluate("double = 2*a; total = sum(a)", a=a, out={"total": total})
    assert got.total is total and total == 3.0 and got.double.tolist() == [0, 2, 4]
    with pytest.raises(nl.InputError, match="1 place for 2 outputs"):
        nl.evaluate("double = 2*a; total = sum(a)", a=a, out=double)
    with pytest.raises(nl.InputError, match="`sum`, which is no output"):
        nl.evaluate("double = 2*a; total = sum(a)", a=a, out={"sum": total})


def test_another_dtype_is_cast_by_the_rule():
    a = np.array([1.5, 2.5])
    out = np.empty(2, "f4")
    assert nl.evaluate("a + 1", a=a, out=out).tolist() == [2.5, 3.5]
    whole = np.empty(2, "i4")
    with pytest.raises(TypeError, match="cannot be cast by the rule 'same_kind'"):
        nl.evaluate("a + 1", a=a, out=whole)
    assert nl.evaluate("a + 1", a=a, out=whole, casting="unsafe").tolist() == [2, 3]
    with pytest.raises(TypeError, match="by the rule 'safe'"):
        nl.evaluate("a + 1", a=a, out=out, casting="safe")
    with pytest.raises(ValueError):
        nl.evaluate("a + 1", a=a, out=out, casting="sometimes")


def test_a_larger_out_is_broadcast_to_and_a_smaller_one_refused():
    out = np.zeros((2, 3))
    nl.evaluate("a + 1", a=np.arange(3.0), out=out)
    assert out.tolist() == [[1, 2, 3]] * 2
    with pytest.raises(nl.ShapeError, match=r"has shape \(2,\), into which the result's, \(3,\)"):
        nl.evaluate("a + 1", a=np.arange(3.0), out=np.zeros(2))


def test_what_cannot_be_written_to_is_refused():
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        nl.evaluate("a", a=np.ones(3), out=frozen)
    with pytest.raises(nl.InputError, match="must be an array, not list"):
        nl.evaluate("a + 1; a", a=np.ones(3), out=[[0, 0, 0], None])
    assert frozen.tolist() == [0, 0, 0]


def test_a_failed_run_is_told():
    out = np.zeros(3, "u1")
    with pytest.raises(nl.RunError) as caught:
        nl.evaluate("u8(a, 'checked')", a=[1, 2, 300], out=out)
    assert caught.value.code == "cast-failed"


def test_order_of_new_arrays():
    c, f = np.ones((3, 4)), np.asfortranarray(np.ones((3, 4)))
    for order, inputs, fortran in [
        ("K", (f, f), True),
        ("K", (c, f), False),
        ("A", (f, f), True),
        ("A", (c, f), False),
        ("C", (f, f), False),
        ("F", (c, c), True),
    ]:
        got = nl.evaluate("a + b", a=inputs[0], b=inputs[1], order=order)
        assert got.flags.f_contiguous == fortran and got.flags.c_contiguous != fortran
    with pytest.raises(ValueError, match=r"order must be one of 'C', 'F', 'A', or 'K' \(got 'Z'\)"):
        nl.evaluate("a", a=c, order="Z")
