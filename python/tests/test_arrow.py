"""Arrow's C data interface: what is read where it is, where nulls are, and what is refused."""

import gc

import numpy as np
import pytest

import numloom as nl
from numloom._arrow import from_arrow

pa = pytest.importorskip("pyarrow")


class Capsules:
    """An array that offers nothing but the interface."""

    def __init__(self, array):
        self._array = array

    def __arrow_c_array__(self, requested_schema=None):
        return self._array.__arrow_c_array__(requested_schema)


class Streams:
    """The same, in pieces."""

    def __init__(self, array):
        self._array = array

    def __arrow_c_stream__(self, requested_schema=None):
        return self._array.__arrow_c_stream__(requested_schema)


NUMBERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_stay_where_they_are(kind):
    array = pa.array(np.arange(60).astype(kind))
    elements, present = from_arrow(Capsules(array.slice(3, 50)), "a")
    assert present is None and elements.dtype == kind and elements.tolist() == list(range(3, 53))
    assert elements.ctypes.data == array.buffers()[1].address + 3 * elements.itemsize
    assert not elements.flags.writeable
    assert nl.evaluate("a + a", a=Capsules(array)).tolist() == [2 * i for i in range(60)]


def test_memory_lives_as_long_as_what_looks_at_it():
    before = pa.total_allocated_bytes()
    array = pa.array(list(range(1 << 16)))
    elements, _ = from_arrow(Capsules(array), "a")
    pieces, _ = from_arrow(Streams(pa.chunked_array([array])), "a")
    view = elements[100:]
    del array, elements
    gc.collect()
    assert view.sum() == pieces[100:].sum()
    assert pa.total_allocated_bytes() > before
    del view, pieces
    gc.collect()
    assert pa.total_allocated_bytes() <= before


@pytest.mark.parametrize("start", [0, 1, 7, 8, 9, 13])
def test_nulls_are_kept_wherever_a_slice_begins(start):
    values = [None if i % 3 == 0 else i for i in range(40)]
    array = pa.array(values, "int32").slice(start, 20)
    expected = [None if x is None else 2 * x for x in values[start : start + 20]]
    assert nl.evaluate("2*a", a=Capsules(array)).tolist() == expected
    bools = pa.array([None if i % 5 == 0 else i % 2 == 0 for i in range(40)]).slice(start, 20)
    assert nl.evaluate("~a", a=Capsules(bools)).tolist() == [None if x is None else not x for x in bools.to_pylist()]
    assert nl.evaluate("sum(a)", a=Capsules(array)) == sum(x or 0 for x in values[start : start + 20])


def test_pieces_are_put_together():
    pieces = pa.chunked_array([[1, 2], [], [None, 4]])
    assert nl.evaluate("2*a", a=pieces).tolist() == [2, 4, None, 8]
    assert nl.evaluate("2*a", a=pa.chunked_array([[1], [2]])).tolist() == [2, 4]
    assert nl.evaluate("2*a", a=pa.chunked_array([], "int16")).dtype == "i2"
    one = pa.chunked_array([np.arange(5.0)])
    assert from_arrow(one, "a")[0].ctypes.data == one.chunk(0).buffers()[1].address


def test_times_have_their_unit_and_nulls_are_no_times():
    stamps = pa.array([0, None, 5], pa.timestamp("ms"))
    got = nl.evaluate("a + d", a=stamps, d=pa.array([1, 2, 3], pa.duration("s")))
    assert got.dtype == "M8[ms]" and np.isnat(got[1]) and got[0] == np.datetime64(1000, "ms")
    days = nl.evaluate("a - b", a=pa.array([19000], pa.date32()), b=np.datetime64("1970-01-01"))
    assert days[0] == np.timedelta64(19000, "D")


@pytest.mark.parametrize(
    "value, words",
    [
        (pa.array(["a"]), "format 'u'"),
        (pa.array(["a"]).dictionary_encode(), "dictionary"),
        (pa.array([[1]]), "format"),
        (pa.table({"x": [1]}), "format"),
        (pa.array([1], pa.timestamp("s", tz="UTC")), "time zone"),
    ],
)
def test_what_is_neither_numbers_nor_times_is_refused(value, words):
    with pytest.raises(nl.InputError, match=words):
        nl.evaluate("a + 1", a=value)


def test_series_of_polars_are_read_as_well():
    polars = pytest.importorskip("polars")
    assert nl.evaluate("2*a", a=polars.Series([1, None, 3])).tolist() == [2, None, 6]
    assert nl.evaluate("2*a", a=polars.Series([1.5, 2.5])).tolist() == [3.0, 5.0]
    column = polars.Series(np.arange(5.0))
    assert np.shares_memory(from_arrow(column, "a")[0], column.to_numpy())
