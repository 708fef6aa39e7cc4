"""What may stand for an array, and how it becomes one, without a copy where there is a way."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from ._errors import InputError

Pair = tuple[np.ndarray, "np.ndarray | None"]


def array_of(value: Any, name: str) -> Pair:
    """`value` as an array of a dtype that numloom has, and where there are elements, if that is not everywhere.

    Masks and missing values are kept, or the value is refused; they are never dropped.
    """
    array, validity = _elements(value, name)
    refuse_dtype(array.dtype, name)
    return array, validity


def operand_of(value: Any, name: str) -> Pair:
    """The same for what takes times as well: dates and durations of NumPy's, pandas' and Python's."""
    if isinstance(value, (datetime.date, datetime.timedelta)):
        if getattr(value, "tzinfo", None) is not None:
            raise InputError(f"input `{name}` has a time zone: give it in UTC and without one")
        if hasattr(value, "to_numpy"):  # pandas' own, of which NumPy makes objects
            return np.asarray(value.to_numpy()), None
        value = np.timedelta64(value) if isinstance(value, datetime.timedelta) else np.datetime64(value)
    array, validity = _elements(value, name)
    if not is_times(array.dtype):
        refuse_dtype(array.dtype, name)
    return array, validity


def is_times(dtype: np.dtype) -> bool:
    """Whether it is of dates or of durations."""
    return dtype.kind in "mM"


def _elements(value: Any, name: str) -> Pair:
    if isinstance(value, np.ma.MaskedArray):
        return np.asarray(value.data), ~np.ma.getmaskarray(value)
    if isinstance(value, np.ndarray):
        return np.asarray(value), None
    if (graph := getattr(value, "__dask_graph__", None)) and graph() is not None:
        raise InputError(f"input `{name}` is a lazy Dask collection: `numloom.dask.evaluate` takes it, or call its `compute()`")
    module = type(value).__module__.partition(".")[0]
    if module == "pandas":
        return _from_pandas(value, name)
    if (hasattr(value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__")) and not isinstance(getattr(value, "dtype", None), np.dtype):
        from ._arrow import from_arrow

        return from_arrow(value, name)
    if hasattr(value, "__dlpack__") and not (hasattr(value, "__array__") or hasattr(value, "__array_interface__")):
        return np.from_dlpack(value), None
    try:
        return np.asarray(value), None
    except (TypeError, ValueError) as error:
        raise InputError(f"input `{name}` is no array: {error}") from error


def _from_pandas(value: Any, name: str) -> Pair:
    """A series, an index or an array of pandas. Those of nullable dtypes have their missing values as a validity."""
    dtype = getattr(value, "dtype", None)
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    if isinstance(dtype, np.dtype) or numpy_dtype is None:
        return np.asarray(value), None
    column = getattr(value, "array", value)
    if isinstance(mask := getattr(column, "_mask", None), np.ndarray):
        return np.asarray(column._data), ~mask  # what the two are is settled by `isna` and `to_numpy`, in tests
    if numpy_dtype.kind not in "biufc":
        return np.asarray(value), None
    absent = np.asarray(column.isna())
    return column.to_numpy(dtype=numpy_dtype, na_value=numpy_dtype.type(0)), ~absent


def refuse_dtype(dtype: np.dtype, name: str) -> None:
    """Raises an error that says what to do, if numloom has nothing of the array's dtype."""
    if dtype.kind in "biufc" and dtype.char not in "gG":
        return
    if dtype.kind == "S" and dtype.itemsize:
        return
    raise InputError(f"input `{name}` has dtype {dtype}: {_way_out(dtype)}")


def _way_out(dtype: np.dtype) -> str:
    if dtype.names:
        fields = ", ".join(f"`['{field}']`" for field in dtype.names[:4])
        return f"give its fields one by one, as {fields}"
    if dtype.kind in "mM":
        return "only `evaluate`, compiled expressions and `check` take times; give its integers, `.view('i8')`: where it is no time they are the least one"
    if dtype.kind in "UT":
        return "encode it, as `np.char.encode(x)`: numloom compares bytes"
    if dtype.char in "gG":
        return f"give it as {'float64' if dtype.char == 'g' else 'complex128'}, which may round"
    if dtype.kind == "O":
        return "Python objects are no numbers; give it a dtype, as `x.astype(float)`"
    return "it is no number"
