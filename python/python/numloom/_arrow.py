"""Arrays that speak Arrow's C data interface, as arrays of NumPy's over the same memory.

What goes in: an object with `__arrow_c_array__` or `__arrow_c_stream__`: an array of pyarrow, a series of polars, a column of pandas. What comes out: its
elements, and where they are, if that is not everywhere. Numbers stay where they are; only bits are unpacked, and the pieces of what lies in several put together.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._errors import InputError

_DTYPES = {
    "c": "i1", "C": "u1", "s": "i2", "S": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8", "e": "f2", "f": "f4", "g": "f8",
    "tdD": "M8[D]", "tdm": "M8[ms]", "tts": "m8[s]", "ttm": "m8[ms]", "ttu": "m8[us]", "ttn": "m8[ns]",
    "tDs": "m8[s]", "tDm": "m8[ms]", "tDu": "m8[us]", "tDn": "m8[ns]",
    "tss:": "M8[s]", "tsm:": "M8[ms]", "tsu:": "M8[us]", "tsn:": "M8[ns]",
}  # fmt: skip
"""NumPy's dtypes by Arrow's format strings."""

_WIDER = {"tdD": "i4", "tts": "i4", "ttm": "i4"}
"""What times of 32 bits lie as: they are brought to 64."""


class _Schema(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


class _Array(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


class _Stream(ctypes.Structure):
    pass


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

Pair = tuple[np.ndarray, "np.ndarray | None"]


def from_arrow(value: Any, name: str) -> Pair:
    """The elements of `value`, given for the input `name`, and where they are."""
    if hasattr(value, "__arrow_c_array__"):
        schema, array = value.__arrow_c_array__()
        return _pair(_read(_Schema, schema, b"arrow_schema"), _read(_Array, array, b"arrow_array"), array, name)
    pieces = list(_pieces(value.__arrow_c_stream__(), name))
    if len(pieces) == 1:
        return pieces[0]
    elements = np.concatenate([elements for elements, _ in pieces])
    if all(present is None for _, present in pieces):
        return elements, None
    return elements, np.concatenate([np.ones(len(e), bool) if present is None else present for e, present in pieces])


def _read(kind: type, capsule: Any, label: bytes) -> Any:
    return kind.from_address(_pointer(capsule, label))


class _Owned(_Array):
    """An array that is let go of with this object."""

    def __del__(self) -> None:
        _let_go(self, _Array)


def _let_go(struct: Any, kind: type) -> None:
    if struct.release:
        ctypes.CFUNCTYPE(None, ctypes.POINTER(kind))(struct.release)(ctypes.cast(ctypes.byref(struct), ctypes.POINTER(kind)))


def _pieces(capsule: Any, name: str) -> Iterator[Pair]:
    """The pieces of a stream; one without elements if there are none."""
    stream, schema = _read(_Stream, capsule, b"arrow_array_stream"), _Schema()
    _succeeded(stream.get_schema(ctypes.byref(stream), ctypes.byref(schema)), stream, name)
    try:
        count = 0
        while True:
            array = _Owned()
            _succeeded(stream.get_next(ctypes.byref(stream), ctypes.cast(ctypes.byref(array), ctypes.POINTER(_Array))), stream, name)
            if not array.release:
                break
            count += 1
            yield _pair(schema, array, array, name)
        if not count:
            yield np.empty(0, _dtype_of(schema, name)), None
    finally:
        _let_go(schema, _Schema)


def _succeeded(code: int, stream: Any, name: str) -> None:
    if code:
        said = stream.get_last_error(ctypes.byref(stream)) or b"no reason given"
        raise InputError(f"input `{name}` could not be read through Arrow: {said.decode(errors='replace')}")


def _dtype_of(schema: _Schema, name: str) -> np.dtype:
    format = schema.format.decode()
    if schema.dictionary:
        raise InputError(f"input `{name}` is a dictionary of Arrow's: decode it first")
    if format == "b":
        return np.dtype("?")
    if format.startswith("ts") and not format.endswith(":"):
        raise InputError(f"input `{name}` has a time zone: give it in UTC and without one")
    if format not in _DTYPES:
        raise InputError(f"input `{name}` is an Arrow array of format {format!r}, and no numbers, bools or times: cast it first")
    return np.dtype(_DTYPES[format])


def _pair(schema: _Schema, array: _Array, owner: Any, name: str) -> Pair:
    dtype, n, offset = _dtype_of(schema, name), array.length, array.offset
    if not n:
        return np.empty(0, dtype), None
    format = schema.format.decode()
    if dtype.kind == "b":
        elements = _bits(array.buffers[1], offset, n)
    else:
        lies_as = np.dtype(_WIDER.get(format, dtype))
        elements = _memory(array.buffers[1] + offset * lies_as.itemsize, n * lies_as.itemsize, owner).view(lies_as)
        elements = elements if lies_as == dtype else elements.astype("i8").view(dtype)
    bits = array.buffers[0]
    if array.null_count == 0 or not bits:
        return elements, None
    present = _bits(bits, offset, n)
    if present.all():
        return elements, None
    if dtype.kind in "mM":
        return np.where(present, elements, np.array("NaT", dtype)), None
    return elements, present


def _memory(address: int, size: int, owner: Any) -> np.ndarray:
    """Bytes that `owner` keeps, to read."""
    memory = (ctypes.c_uint8 * size).from_address(address)
    memory._owner = owner
    array = np.frombuffer(memory, np.uint8)
    array.flags.writeable = False
    return array


def _bits(address: int, offset: int, n: int) -> np.ndarray:
    """Bits, to a byte each."""
    first = offset // 8
    size = (offset + n + 7) // 8 - first
    packed = np.frombuffer((ctypes.c_uint8 * size).from_address(address + first), np.uint8)
    return np.unpackbits(packed, bitorder="little")[offset % 8 :][:n].view(bool)
