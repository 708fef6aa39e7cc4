"""Random programs over random arrays: the same values, dtypes and shapes as NumPy's."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numloom as nl

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-310, 1e308, 3.0, 1e10]

# What the text says, and what NumPy does for it; on complex numbers if `complex`.
BINARY = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "==": np.equal,
    "!=": np.not_equal,
}
ORDERED = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
INTEGER = {"&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor, "<<": np.left_shift, ">>": np.right_shift}


def elements(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return st.sampled_from(list(np.array(SPECIAL).astype(dtype)))
    if dtype.kind == "c":
        return st.builds(complex, st.integers(-9, 9), st.integers(-9, 9))
    return None


@st.composite
def laid_out(draw, dtype, shape):
    """An array of this dtype and shape, lying somehow."""
    a = draw(hnp.arrays(dtype, shape, elements=elements(dtype)))
    how = draw(st.sampled_from(["c", "f", "swapped", "reversed", "strided"]))
    if how == "f":
        a = np.asfortranarray(a)
    elif how == "swapped":
        a = a.astype(a.dtype.newbyteorder())
    elif how == "reversed" and a.ndim:
        a = a[::-1]
    elif how == "strided" and a.ndim:
        a = np.repeat(a, 2, axis=0)[::2]
    return a


@st.composite
def two_arrays(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=5, min_side=0))
    return [draw(laid_out(draw(st.sampled_from(DTYPES)), shape)) for shape in shapes.input_shapes]


def same(got, want):
    assert np.asarray(got).dtype == np.asarray(want).dtype.newbyteorder("=")
    assert np.shape(got) == np.shape(want)
    np.testing.assert_array_equal(got, want)  # NaN equals NaN


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), two_arrays())
def test_operators_are_numpys(data, arrays):
    a, b = arrays
    kinds = {a.dtype.kind, b.dtype.kind}
    table = dict(BINARY)
    if "c" not in kinds:
        table |= ORDERED
    if kinds <= {"i", "u"} and np.result_type(a, b).kind != "f":
        table |= INTEGER
    if kinds == {"b"}:
        table.pop("-")
    op = data.draw(st.sampled_from(sorted(table)))
    with np.errstate(all="ignore"):
        want = table[op](a, b)
    same(nl.evaluate(f"a {op} b", a=a, b=b), want)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), two_arrays())
def test_out_is_as_if_inputs_were_copied_first(data, arrays):
    a, b = arrays
    total = nl.evaluate("a + b", a=a, b=b)
    pool = np.zeros(total.size + 8, total.dtype)
    shift = data.draw(st.integers(0, 8))
    x = pool[: total.size].reshape(total.shape)
    x[...] = total
    out = pool[shift : shift + total.size].reshape(total.shape)
    expected = nl.evaluate("x + x", x=x.copy())
    if expected.dtype == out.dtype:
        got = nl.evaluate("x + x", x=x, out=out)
        assert got is out
        same(out, expected)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_reductions_are_numpys_in_shape_and_dtype(data):
    dtype = data.draw(st.sampled_from([d for d in DTYPES if d not in ("c8", "c16")]))
    shape = data.draw(hnp.array_shapes(max_dims=4, max_side=5))
    a = data.draw(laid_out(dtype, shape))
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    keepdims = data.draw(st.booleans())
    name = data.draw(st.sampled_from(["sum", "prod", "min", "max", "any", "all", "argmax", "count_nonzero"]))
    if name in ("sum", "prod") and a.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            a = np.clip(np.nan_to_num(np.round(a)), -3, 3)  # exact in any order
    with np.errstate(all="ignore"):
        want = getattr(np, name)(a, axis=axis, keepdims=keepdims)
    got = nl.evaluate(f"{name}(a, axis={axis}, keepdims={keepdims})", a=a)
    assert np.shape(got) == np.shape(want) and np.asarray(got).dtype == np.asarray(want).dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, want)
