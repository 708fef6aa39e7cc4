"""What a call returns, and what it is told to write to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._errors import InputError, ShapeError


class Outputs(tuple):
    """Several results: a tuple whose named ones are attributes, and items, too.

    >>> lo, hi = both = Outputs([1, 3], ["lo", "hi"])
    >>> both.hi, both["lo"], both[1]
    (3, 1, 3)
    >>> both._asdict()
    {'lo': 1, 'hi': 3}
    """

    _fields: tuple[str | None, ...]

    def __new__(cls, values, fields):
        self = super().__new__(cls, values)
        self._fields = tuple(fields)
        return self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name in self._fields:
            return self[self._fields.index(name)]
        raise AttributeError(f"no output named `{name}`", name=name, obj=self)

    def __getitem__(self, key):
        if isinstance(key, str):
            if key not in self._fields:
                raise KeyError(key)
            key = self._fields.index(key)
        return super().__getitem__(key)

    def __dir__(self):
        return [*super().__dir__(), *(field for field in self._fields if field)]

    def _asdict(self) -> dict[str, Any]:
        """Names and values; a result without a name has its place, as `_2`."""
        return {field or f"_{i}": value for i, (field, value) in enumerate(zip(self._fields, self))}

    def __reduce__(self):
        return Outputs, (tuple(self), self._fields)

    def __repr__(self) -> str:
        items = (f"{field}={value!r}" if field else repr(value) for field, value in zip(self._fields, self))
        return f"Outputs({', '.join(items)})"


def places(out: Any, names: tuple[str | None, ...]) -> list[tuple[Any, np.ndarray] | None]:
    """`out` as one object for each output and its memory; none for outputs that are to be new arrays.

    It is an array for one output; for several a sequence of arrays and `None`, or a mapping by name. A masked array has no memory to
    compute into, as its mask is to be written too: it stands for itself.
    """
    if isinstance(out, Mapping):
        unknown = [name for name in out if name not in names]
        if unknown:
            raise InputError(f"`out` has `{unknown[0]}`, which is no output", "unused-output")
        given = [out.get(name) if name else None for name in names]
    elif isinstance(out, (tuple, list)):
        given = list(out)
    else:
        given = [out]
    if len(given) != len(names):
        message = f"`out` has {len(given)} place{'s' * (len(given) != 1)} for {len(names)} output{'s' * (len(names) != 1)}"
        raise InputError(message, "output-shape")
    return [None if array is None else (array, _memory(array)) for array in given]


def _memory(array: Any) -> np.ndarray | Any:
    if not isinstance(array, np.ndarray):
        raise InputError(f"`out` must be an array, not {type(array).__name__}", "output-dtype")
    return array if isinstance(array, np.ma.MaskedArray) else np.asarray(array)


def check(out: np.ndarray, result: np.ndarray, casting: str | None) -> None:
    """Raises an error, before anything is computed, if what is computed into `result` cannot be stored in `out`."""
    casting = casting or "same_kind"
    if not out.flags.writeable:
        raise InputError("`out` is read-only", "read-only-output")
    if not np.can_cast(result.dtype, out.dtype, casting):
        message = f"`out` has dtype {out.dtype}, to which the result, {result.dtype}, cannot be cast by the rule {casting!r}"
        raise InputError(message, "output-dtype")
    try:
        np.broadcast_to(result, out.shape)
    except ValueError:
        raise _misfit(out, result) from None


def _misfit(out: np.ndarray, result: np.ndarray) -> ShapeError:
    error = ShapeError(f"`out` has shape {out.shape}, into which the result's, {result.shape}, does not broadcast")
    error.code = "output-shape"
    return error


def store(out: np.ndarray, result: Any, casting: str | None) -> None:
    """Copies a result to where it was asked for."""
    masked_out = isinstance(out, np.ma.MaskedArray)
    if np.ma.isMaskedArray(result) and not masked_out:
        if np.ma.is_masked(result):
            raise InputError("the result has missing values, for which `out` has no room: give a masked array", "unexpected-nulls")
        result = np.ma.getdata(result)
    target = out.data if masked_out else out
    np.copyto(np.asarray(target), np.ma.getdata(result), casting=casting or "same_kind")
    if masked_out:
        out.mask = np.broadcast_to(np.ma.getmaskarray(result), out.shape)


def masked(elements: np.ndarray, validity: np.ndarray) -> Any:
    """Elements of which some may be missing."""
    if elements.ndim == 0:
        return elements[()] if validity else np.ma.masked
    return np.ma.MaskedArray(elements, mask=~validity)
