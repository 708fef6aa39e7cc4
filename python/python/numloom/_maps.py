"""Where in which file the elements of a memory map are."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from ._errors import InputError


class MapPlace(NamedTuple):
    """All of an array's elements, one after the other."""

    path: str
    offset: int
    """Bytes before the first element."""
    order: str
    """`C` or `F`."""
    mode: str


def place_of(array: np.memmap) -> MapPlace:
    """Where `array` lies, which is a map, or a view of one that skips nothing."""
    if array.filename is None:
        raise InputError("the map has no file")
    whole = array.flags.c_contiguous or array.flags.f_contiguous
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    if not whole or not isinstance(base, np.memmap):
        raise InputError("a view of a map that skips elements cannot travel as its path: give the map, and slice in the expression")
    offset = base.offset + (array.__array_interface__["data"][0] - base.__array_interface__["data"][0])
    return MapPlace(os.fspath(array.filename), offset, "C" if array.flags.c_contiguous else "F", array.mode)


def spec_of(array: np.memmap, name: str) -> str:
    """The file of a map, as the command names it: `a.bin:<f8[1000,1000]@128:C`."""
    place = place_of(array)
    if place.mode == "c":
        raise InputError(f"`{name}` is a map of mode 'c', which may have changes that its file has not: give the path of the file")
    if array.dtype.names:
        raise InputError(f"`{name}` has records: give a field by its path, as `{os.path.basename(place.path)}:{array.dtype.names[0]}`")
    if array.ndim == 0:
        raise InputError(f"`{name}` is a map without axes: give its value")
    extents = ",".join(map(str, array.shape))
    return f"{os.path.abspath(place.path)}:{array.dtype.str}[{extents}]@{place.offset}:{place.order}"
