"""NumExpr's kinds of values: what they are called, stored as, and made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

double = np.double
int_ = np.int32
long_ = np.int64

INT32 = range(-(2**31), 2**31)


class Kind(NamedTuple):
    """One kind of value."""

    code: str
    """The letter in names of operations: `add_iii`."""
    type: type
    """What stands for it in a signature. `float` is single, `double` double precision."""
    dtype: str
    """NumPy's, for arrays and results."""
    cast: str | None
    """numloom's cast to it."""


KINDS = {
    "bool": Kind("b", bool, "?", "bool"),
    "int": Kind("i", int_, "i4", "i32"),
    "long": Kind("l", long_, "i8", "i64"),
    "float": Kind("f", float, "f4", "f32"),
    "double": Kind("d", double, "f8", "f64"),
    "complex": Kind("c", complex, "c16", "c128"),
    "bytes": Kind("s", bytes, "S", None),
    "str": Kind("s", str, "S", None),
    "none": Kind("n", type(None), "V", None),
}
"""In the order in which each takes up those before it; `bytes` goes with `bytes` only."""

RANK = ("bool", "int", "long", "float", "double", "complex", "none")
NUMBERS = "bilfdc"
"""Codes of the kinds that are cast upwards, in order."""

OF_CODE = {kind.code: name for name, kind in KINDS.items() if name != "bytes"}
OF_TYPE = {kind.type: name for name, kind in KINDS.items() if name != "none"}


def kind_of_value(value: Any) -> str:
    """The kind of a constant. Python's floats are single here, as `float` is; what has a NumPy type keeps its own."""
    if isinstance(value, (bytes, str)):
        return "bytes"
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, np.int64):
        return "long"
    if isinstance(value, np.float64):
        return "double"
    if isinstance(value, np.float32):
        return "float"
    if isinstance(value, (int, np.integer)):
        return "int" if value in INT32 else "long"
    return "complex" if isinstance(value, (complex, np.complexfloating)) else "float"


def type_of_array(array: Any) -> type:
    """The type that stands for an array's dtype in a signature; the array may be anything with a dtype."""
    dtype = array.dtype
    kind, size = dtype.kind, dtype.itemsize
    if kind == "b":
        return bool
    if kind in "iu":
        return long_ if size > 4 or kind == "u" and size == 4 else int_
    if kind == "f":
        return double if size > 4 else float
    if kind == "c":
        return complex
    if kind == "S":
        return bytes
    if kind == "U":
        raise ValueError("NumExpr 2 does not support Unicode as a dtype.")
    raise ValueError(f"unknown type {dtype.name}")


def common_kind(kinds: list[str]) -> str:
    """The kind that takes up all of these."""
    texts = sum(kind in ("bytes", "str") for kind in kinds)
    if texts and texts < len(kinds):
        raise TypeError("strings can only be operated with strings")
    return "bytes" if texts else RANK[max(map(RANK.index, kinds), default=-1)]
