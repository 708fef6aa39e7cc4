"""Blocks of rows that Python code makes: what they may be, and how the library is given them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ._errors import InputError
from ._inputs import array_of


class BlockReader:
    """Blocks as the library asks for them: see `numloom.stream` for what they may be.

    `columns` is what the first one says of the columns called `names`.
    """

    def __init__(self, blocks: Any, names: Sequence[str], chunk: int):
        self.names, self.make, self.restarts = names, *_maker(blocks, chunk)
        self.blocks: Iterator[Any] | None = self.make()
        self.first: list[np.ndarray] | None = self.take()
        if self.first is None:
            raise InputError("the source has no blocks, and without one nothing says what its columns are")
        self.columns = [(name, array.dtype, array.shape[1:]) for name, array in zip(names, self.first)]

    def next_block(self) -> list[np.ndarray] | None:
        """An array for each of `names`; none after the last block."""
        if self.first is not None:
            block, self.first = self.first, None
            return block
        return self.take()

    def again(self) -> None:
        """Begins anew."""
        self.first, self.blocks = None, self.make()

    def take(self) -> list[np.ndarray] | None:
        if self.blocks is None:
            return None
        for block in self.blocks:
            return [_rows(value, name) for name, value in zip(self.names, _columns(block, self.names))]
        self.blocks = None
        return None


def _maker(blocks: Any, chunk: int) -> tuple[Callable[[], Iterator[Any]], bool]:
    """What makes an iterator over blocks, and whether it can do so more than once."""
    if isinstance(blocks, np.ndarray) or _is_table(blocks):
        return lambda: iter([blocks]), True
    if isinstance(blocks, Mapping):
        return lambda: _cut(blocks, chunk), True
    if callable(blocks) and not isinstance(blocks, Iterable):
        return lambda: iter(blocks()), True
    if not isinstance(blocks, Iterable):
        raise InputError(f"{type(blocks).__name__} is no source: give a path, what a `scan_` function returns, or an iterable of blocks")
    return lambda: iter(blocks), iter(blocks) is not blocks


def _cut(arrays: Mapping[str, Any], chunk: int) -> Iterator[dict[str, Any]]:
    """Arrays in rows that take about `chunk` bytes: maps are never looked at as a whole."""
    row_bytes = sum(array.nbytes // max(1, len(array)) for array in map(np.asanyarray, arrays.values()))
    rows = max(1, chunk // max(1, row_bytes))
    lengths = {name: len(array) for name, array in arrays.items()}
    n = max(lengths.values(), default=0)
    if n != min(lengths.values(), default=0):
        raise InputError("columns have different numbers of rows: " + ", ".join(f"`{name}` {n}" for name, n in lengths.items()))
    for start in range(0, max(n, 1), rows):
        yield {name: array[start : start + rows] for name, array in arrays.items()}


def _is_table(block: Any) -> bool:
    """Whether it is a data frame, or a table or batch of Arrow's."""
    return hasattr(block, "columns") and (hasattr(block, "iloc") or hasattr(block, "column_names") or hasattr(block, "schema"))


def _columns(block: Any, names: Sequence[str]) -> list[Any]:
    """What is called `names` in a block."""
    fields = getattr(block, "_fields", None)
    if isinstance(block, np.ndarray) and block.dtype.names is None:
        block = (block,)
    if isinstance(block, (tuple, list)) and fields is None:
        if len(block) != len(names):
            listed = ", ".join(f"`{name}`" for name in names)
            raise InputError(f"a block has {len(block)} arrays for {len(names)} inputs ({listed})", "missing-input")
        return list(block)
    if hasattr(block, "column_names") and hasattr(block, "column"):
        known, column = block.column_names, block.column
    elif isinstance(block, np.ndarray):
        known, column = block.dtype.names, block.__getitem__
    elif fields is not None:
        known, column = fields, lambda name: getattr(block, name)
    elif isinstance(block, Mapping) or _is_table(block):
        known, column = list(block.keys()), block.__getitem__
    else:
        raise InputError(f"a block is a mapping of arrays, an array, or a table, not {type(block).__name__}")
    for name in names:
        if name not in known:
            there = ", ".join(f"`{name}`" for name in known if name)
            raise InputError(f"a block has no column `{name}`: there are {there}", "unknown-name")
    return [column(name) for name in names]


def _rows(value: Any, name: str) -> np.ndarray:
    """One column of a block, without missing values."""
    if hasattr(value, "combine_chunks"):
        value = value.combine_chunks()
    array, validity = array_of(value, name)
    if array.ndim == 0:
        raise InputError(f"column `{name}` of a block has no axes: give numbers by name, beside the source")
    if validity is None or validity.all():
        return array
    if array.dtype.kind != "f":
        raise InputError(f"column `{name}` has missing values, for which {array.dtype} has none: make it floats", "unexpected-nulls")
    return np.where(validity, array, array.dtype.type(np.nan))
