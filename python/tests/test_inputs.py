"""Everything that may stand for an array, and what is refused."""

import array

import numpy as np
import pytest

import numloom as nl


def layouts(a):
    """The elements of `a`, lying otherwise."""
    yield "swapped", a.astype(a.dtype.newbyteorder())
    yield "fortran", np.asfortranarray(a)
    yield "reversed", a[::-1].copy()[::-1]
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    yield "strided", wide[..., ::2]
    raw = np.zeros(a.nbytes + 1, "u1")
    unaligned = raw[1:].view(a.dtype).reshape(a.shape)
    unaligned[...] = a
    yield "unaligned", unaligned
    records = np.zeros(a.shape, [("pad", "u1"), ("x", a.dtype)])
    records["x"] = a
    yield "field", records["x"]
    frozen = a.copy()
    frozen.flags.writeable = False
    yield "frozen", frozen


@pytest.mark.parametrize("dtype", list("?bhilBHILefdFD") + ["S3"])
def test_any_layout_gives_the_same_bits(dtype):
    a = np.arange(24).reshape(4, 6).astype(dtype)
    expr = "a == b'11'" if dtype == "S3" else "a + a"
    want = nl.evaluate(expr, a=a)
    for name, b in layouts(a):
        got = nl.evaluate(expr, a=b)
        assert got.dtype == want.dtype and got.tobytes() == want.tobytes(), name


def test_broadcast_views_are_read_in_place():
    a = np.broadcast_to(np.arange(3.0), (1_000_000, 3))
    assert nl.evaluate("sum(a, axis=0)", a=a).tolist() == [0.0, 1e6, 2e6]


def test_lists_numbers_and_numpys_scalars():
    assert nl.evaluate("a + b", a=[1, 2], b=(0.5, 0.5)).tolist() == [1.5, 2.5]
    assert nl.evaluate("a + b", a=True, b=2) == 3
    assert nl.evaluate("a * b", a=1j, b=2.0) == 2j
    assert nl.evaluate("a", a=2**63).dtype == np.uint64
    assert nl.evaluate("a", a=np.float32(0.1)).dtype == np.float32
    assert nl.evaluate("a == 'x'", a=np.bytes_(b"x"))
    assert nl.evaluate("a", a=[]).shape == (0,)


def test_buffers_and_array_interfaces():
    class Interface:
        def __init__(self, a):
            self.a, self.__array_interface__ = a, a.__array_interface__

    assert nl.evaluate("2*a", a=array.array("f", [1.5])).tolist() == [3.0]
    assert nl.evaluate("2*a", a=memoryview(b"\1\2")).tolist() == [2, 4]
    assert nl.evaluate("2*a", a=Interface(np.arange(3.0))).tolist() == [0, 2, 4]


def test_dlpack_alone_will_do():
    class Tensor:
        def __init__(self, a):
            self._a = a

        def __dlpack__(self, **options):
            return self._a.__dlpack__(**options)

        def __dlpack_device__(self):
            return self._a.__dlpack_device__()

    assert nl.evaluate("2*a", a=Tensor(np.arange(3.0))).tolist() == [0, 2, 4]


def test_maps_are_read_without_a_copy(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(1000.0))
    a = np.load(path, mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "b.npy", "w+", "f8", (1000,))
    assert nl.evaluate("2*a", a=a, out=out) is out
    out.flush()
    assert np.array_equal(np.load(tmp_path / "b.npy"), 2 * np.load(path))


def test_masks_are_kept():
    a = np.ma.array([1.0, 2.0, 4.0], mask=[False, True, False])
    got = nl.evaluate("2*a", a=a)
    assert isinstance(got, np.ma.MaskedArray)
    assert got.tolist() == [2.0, None, 8.0]
    assert nl.evaluate("sum(a)", a=a) == 5.0
    assert nl.evaluate("a + b", a=a, b=np.ones((2, 1))).tolist() == [[2.0, None, 5.0]] * 2
    assert nl.evaluate("min(a)", a=np.ma.masked_all(3)) is np.ma.masked
    assert isinstance(nl.evaluate("a", a=np.ma.array([1.0])), np.ma.MaskedArray)


def test_a_result_that_may_be_missing_needs_a_masked_place():
    a = np.ma.array([1.0, 2.0], mask=[False, True])
    out = np.ma.zeros(2)
    assert nl.evaluate("a + 1", a=a, out=out) is out
    assert out.tolist() == [2.0, None]
    with pytest.raises(nl.InputError) as caught:
        nl.evaluate("a + 1", a=a, out=np.zeros(2))
    assert caught.value.code == "unexpected-nulls"
    plain = np.zeros(2)
    nl.evaluate("a + 1", a=np.ma.array([1.0, 2.0]), out=plain)
    assert plain.tolist() == [2.0, 3.0]


class Matrix(np.ndarray):
    pass


def test_subclasses_are_their_memory():
    assert type(nl.evaluate("a*a", a=np.arange(3.0).view(Matrix))) is np.ndarray


@pytest.mark.parametrize(
    "value, words",
    [
        (np.array(["a"]), "encode"),
        (np.array([None, 1]), "objects are no numbers"),
        (np.zeros(2, [("x", "f8"), ("y", "i4")]), r"fields one by one, as `\['x'\]`, `\['y'\]`"),
        (np.zeros(2, "g"), "as float64"),
        (np.zeros(2, "G"), "as complex128"),
        ({"a": 1}, "objects are no numbers"),
        ([[1], [1, 2]], "is no array"),
        ("text", "encode"),
        (None, "objects are no numbers"),
        (np.zeros(2, "V3"), "is no number"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_with_a_way_out(value, words):
    with pytest.raises(nl.InputError, match=words) as caught:
        nl.evaluate("a + 1", a=value)
    assert "`a`" in str(caught.value)


def test_a_lazy_collection_is_not_computed_in_silence():
    class Lazy:
        def __dask_graph__(self):
            return {}

    with pytest.raises(nl.InputError, match="numloom.dask.evaluate"):
        nl.evaluate("a + 1", a=Lazy())
