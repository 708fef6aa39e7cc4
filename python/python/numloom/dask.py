"""Expressions over Dask arrays: one task for each chunk, reductions by tree, memory maps by path.

    >>> import dask.array as da, numloom.dask
    >>> x = da.ones((1000, 1000), chunks=(250, 1000))
    >>> out = numloom.dask.evaluate("y = 2*x + 1; mean(y, axis=0)", x=x)
    >>> out.y.chunks[0], float(out[1].sum().compute())
    ((250, 250, 250, 250), 3000.0)

Dask stays what schedules: on threads, on processes, or on a cluster. A task runs on one thread unless `threads` says otherwise, so that workers and engine
do not fight for processors. What travels is text: a worker compiles it once. A chunk had best be some 10 MB or more, as a task costs Dask a
millisecond.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
from dask.base import normalize_token

from . import _compile, _numloom
from ._errors import InputError
from ._maps import place_of
from ._outputs import Outputs

__all__ = ["MapSource", "evaluate", "from_map"]

_COMBINED_BY = {
    "sum": "sum",
    "nansum": "sum",
    "prod": "prod",
    "nanprod": "prod",
    "min": "min",
    "max": "max",
    "any": "any",
    "all": "all",
    "count_nonzero": "sum",
}
"""Reductions of chunks that are combined by one more reduction."""


class MapSource:
    """A file as an array that is opened where it is read: it travels as its path, and no more of it is in memory than is looked at."""

    def __init__(self, path: str, dtype: Any, shape: tuple[int, ...], offset: int = 0, order: str = "C"):
        self.path, self.dtype, self.shape, self.offset, self.order = os.fspath(path), np.dtype(dtype), tuple(shape), offset, order
        self.ndim = len(self.shape)

    @classmethod
    def of(cls, array: np.memmap) -> MapSource:
        """What `array`, which must be all of its map from some offset on, is mapped from."""
        place = place_of(array)
        return cls(place.path, array.dtype, array.shape, place.offset, place.order)

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)[index]

    def __dask_tokenize__(self) -> Any:
        status = os.stat(self.path)
        return normalize_token((type(self).__name__, os.path.abspath(self.path), status.st_size, status.st_mtime_ns,
                                str(self.dtype), self.shape, self.offset, self.order))  # fmt: skip


def from_map(array: np.memmap | MapSource, chunks: Any = "auto") -> da.Array:
    """A memory map as a Dask array, its chunks read where they are used. (`dask.array.from_array` copies the whole of it.)"""
    source = array if isinstance(array, MapSource) else MapSource.of(array)
    return da.from_array(source, chunks=chunks, asarray=False, meta=np.empty((0,) * source.ndim, source.dtype))


def evaluate(expr: str, local_dict: Mapping[str, Any] | None = None, /, *, threads: int = 1, **inputs: Any) -> Any:
    """Evaluates `expr` over Dask arrays, and whatever else `numloom.evaluate` takes, lazily: the result is a Dask array, or `Outputs` of some.

    Arrays beside Dask arrays become such, memory maps by `from_map`; numbers go to every task. Without any Dask array the result is
    computed at once.

    Elementwise expressions become one task for each chunk. A reduction may be all of a statement, of which each chunk is reduced in one
    pass, and what is left of the chunks by a tree: `sum prod min max any all count_nonzero mean var std nansum nanprod`, with `axis`, `keepdims` and `ddof`. One
    within an expression, as in `x - mean(x)`, needs a statement of its own and a second call; and inputs are sliced before, not in the text.

    Errors of text, names and dtypes are raised here, before any task runs.
    """
    given = {**(local_dict or {}), **inputs}
    program = _compile.default_engine()._program(expr)
    program = _compile._with_constants(_compile.default_engine(), expr, program, given)
    unknown = [name for name in inputs if name not in program.inputs]
    if unknown:
        raise InputError(f"no input named `{unknown[0]}`", "unexpected-input")
    arrays = dict(zip(program.inputs, _compile.values(program.inputs, given)))
    if not any(isinstance(array, da.Array) for array in arrays.values()):
        return program(**arrays, threads=threads)
    like = max((array for array in arrays.values() if isinstance(array, da.Array)), key=lambda array: array.ndim)
    arrays = {name: _chunked_as(array, like) for name, array in arrays.items()}
    outputs = _Chunked(program, arrays, threads).outputs()
    return outputs[0] if len(outputs) == 1 else Outputs(outputs, program.outputs)


def _chunked_as(array: Any, like: da.Array) -> Any:
    """An array as a Dask array, cut where `like` is; a number as it is."""
    if isinstance(array, da.Array) or np.ndim(array) == 0:
        return array
    shape = np.shape(array)
    trailing = zip(reversed(shape), reversed(like.shape), reversed(like.chunks))
    cuts = [chunks if n == m else n for n, m, chunks in trailing]
    cuts += shape[: len(shape) - len(cuts)][::-1]
    chunks = tuple(reversed(cuts))
    if isinstance(array, np.memmap) and array.filename is not None:
        return from_map(array, chunks)
    return da.from_array(array if isinstance(array, np.ndarray) else np.asarray(array), chunks=chunks)


class _Task:
    """What one task runs: a text, compiled once in each process."""

    def __init__(self, expr: str, names: tuple[str, ...], constants: dict[str, Any], threads: int):
        self.expr, self.names, self.constants, self.threads = expr, names, constants, threads

    def __call__(self, *chunks: np.ndarray) -> Any:
        program = _compile.rebuild(self.expr, (*self.names, *self.constants), _compile.default_engine())
        return program(*chunks, *self.constants.values(), threads=self.threads)

    def __dask_tokenize__(self) -> Any:
        constants = {name: normalize_token(value) for name, value in self.constants.items()}
        return normalize_token(("numloom", _numloom.__version__, self.expr, self.names, constants))


def _array_task(task: _Task, *chunks: np.ndarray) -> np.ndarray:
    return np.asarray(task(*chunks))


def _pair_task(task: _Task, *chunks: np.ndarray) -> np.ndarray:
    """Several results of one shape as one array with an axis more, the last."""
    return np.stack(task(*chunks), axis=-1)


class _Chunked:
    """One expression over arrays of which some have chunks."""

    def __init__(self, program: _numloom.Compiled, arrays: dict[str, Any], threads: int):
        self.program, self.threads = program, threads
        self.chunked = {name: array for name, array in arrays.items() if isinstance(array, da.Array)}
        self.whole = {name: array for name, array in arrays.items() if name not in self.chunked}
        check = _compile.check(program.expr, **{name: _stand_in(array) for name, array in arrays.items()})
        if check.error is not None:
            raise check.error
        self.infos = check.outputs
        self.before: list[str] = []

    def outputs(self) -> list[Any]:
        results, infos = [], iter(self.infos)
        for statement in self.program._statements:
            if not statement.is_elementwise:
                raise InputError(
                    f"`{statement.text}` reduces within an expression, or subscripts, which does not go chunk by chunk: "
                    "compute the reduction first, and slice the arrays"
                )
            if statement.is_output:
                info = next(infos)
                if statement.reduction is None:
                    results.append(self.elementwise(statement.value, info.dtype))
                else:
                    results.append(self.reduced(*statement.reduction, info.dtype))
            elif statement.reduction is not None:
                raise InputError(f"`{statement.text}` is a reduction of which only other statements know: make it an output")
            if statement.name:
                self.before.append(f"let {statement.name} = {statement.value}")
        return results

    def text(self, *values: str) -> str:
        return "; ".join([*self.before, *values])

    def task(self, *values: str) -> tuple[_Task, list[str]]:
        """What computes `values`, and which chunked inputs it takes."""
        text = self.text(*values)
        read = _compile.default_engine()._program(text).inputs
        names = [name for name in self.chunked if name in read]
        constants = {name: array for name, array in self.whole.items() if name in read}
        return _Task(text, tuple(names), constants, self.threads), names

    def blockwise(self, run: Any, values: list[str], dtype: np.dtype, axes: tuple[int, ...] = (), results: int = 0) -> da.Array:
        """An array of what `run` gives for each chunk: of one element along `axes`, and with an axis more for `results`."""
        task, names = self.task(*values)
        arrays = [self.chunked[name] for name in names]
        if not arrays:
            raise InputError(f"`{values[0]}` reads no Dask array: compute it by itself")
        rank = max(array.ndim for array in arrays)
        indices = [index for array in arrays for index in (array, tuple(range(rank - array.ndim, rank)))]
        return da.blockwise(
            run,
            tuple(range(rank + bool(results))),
            task,
            None,
            *indices,
            dtype=dtype,
            meta=np.empty((0,) * (rank + bool(results)), dtype),
            adjust_chunks={axis: _one for axis in axes},
            new_axes={rank: results} if results else None,
        )

    def elementwise(self, value: str, dtype: np.dtype) -> da.Array:
        return self.blockwise(_array_task, [value], dtype)

    def reduced(self, name: str, operand: str, arguments: list[tuple[str | None, str]], dtype: np.dtype) -> da.Array:
        options = _options(name, arguments)
        whole = self.elementwise(operand, dtype)
        axes = _axes(options.get("axis"), whole.ndim)
        keepdims, along = options.get("keepdims", False), f"axis={axes}, keepdims=True"
        if name in _COMBINED_BY:
            chunks = self.blockwise(_array_task, [f"{name}({operand}, {along})"], dtype, axes)
            return getattr(chunks, _COMBINED_BY[name])(axis=axes, keepdims=keepdims).astype(dtype)
        if name not in ("mean", "var", "std") or dtype.kind == "c":
            raise InputError(f"`{name}` of {dtype} does not go chunk by chunk: reduce a Dask array by Dask's own")
        result = self.moments(name, operand, along, axes, options.get("ddof", 0), _counts(whole, axes))
        if not keepdims:
            result = result[tuple(0 if axis in axes else slice(None) for axis in range(whole.ndim))]
        return result.astype(dtype)

    def moments(self, name: str, operand: str, along: str, axes: tuple[int, ...], ddof: float, n: da.Array) -> da.Array:
        """Mean and variance of all from those of the chunks, after Chan, Golub and LeVeque (1979)."""
        double, kept = np.dtype("f8"), {"axis": axes, "keepdims": True}
        total = n.sum(**kept)
        mean = f"f64(mean({operand}, {along}))"
        if name == "mean":
            return (self.blockwise(_array_task, [mean], double, axes) * n).sum(**kept) / total
        both = self.blockwise(_pair_task, [mean, f"f64(var({operand}, {along}))"], double, axes, results=2)
        means, variances = both[..., 0], both[..., 1]
        center = (means * n).sum(**kept) / total
        variance = (n * (variances + (means - center) ** 2)).sum(**kept) / (total - ddof)
        return da.sqrt(variance) if name == "std" else variance


def _one(length: int) -> int:
    return 1


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes that are reduced, from 0 up."""
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -rank <= a < rank:
            raise InputError(f"there is no axis {a} of {rank}", "axis-out-of-range")
    return tuple(a % rank for a in axes)


def _counts(whole: da.Array, axes: tuple[int, ...]) -> da.Array:
    """How many elements of each chunk go into one: an array with one element for each chunk along `axes`."""
    shape = [1] * whole.ndim
    counts = np.ones(shape)
    for a in axes:
        lengths = np.asarray(whole.chunks[a], float)
        if np.isnan(lengths).any():
            raise InputError("the lengths of chunks are unknown: call `compute_chunk_sizes()` first")
        counts = counts * lengths.reshape([-1 if b == a else 1 for b in range(whole.ndim)])
    return da.from_array(counts, chunks=tuple((1,) * n for n in counts.shape))


def _options(name: str, arguments: list[tuple[str | None, str]]) -> dict[str, Any]:
    """The arguments of a reduction, which are constants."""
    options = {}
    for place, (keyword, text) in enumerate(arguments):
        keyword = keyword or ("axis" if place == 0 else None)
        if keyword not in ("axis", "keepdims", "ddof"):
            raise InputError(f"`{keyword or text}` of `{name}` does not go chunk by chunk")
        options[keyword] = ast.literal_eval(text)
    return options


def _stand_in(array: Any) -> Any:
    """Something of the dtype and rank, to be typed."""
    return np.empty((1,) * array.ndim, array.dtype) if isinstance(array, da.Array) else array
