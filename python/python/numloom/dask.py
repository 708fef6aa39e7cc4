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
from ._functions import usual_name
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


_REDUCTIONS = frozenset((*_COMBINED_BY, "mean", "var", "std"))


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

    Elementwise expressions become one task for each chunk. Of a reduction each chunk is reduced in one pass, and what is left of the chunks by a
    tree: `sum prod min max any all count_nonzero mean var std nansum nanprod`, with `axis`, `keepdims` and `ddof`. One within an expression, as in
    `(x - mean(x)) / std(x)`, is a layer of the graph of its own, of which the elements are computed when it is there; the chunks are read again, or kept
    by Dask, in between. Inputs are sliced before, not in the text.

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
    for name, array in arrays.items():
        _refuse_masks(getattr(array, "_meta", array), f"input `{name}`")
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
    for chunk in chunks:
        _refuse_masks(chunk, "a chunk")  # which may have one where nothing said so before
    return np.asarray(task(*chunks))


def _pair_task(task: _Task, *chunks: np.ndarray) -> np.ndarray:
    """Several results of one shape as one array with an axis more, the last."""
    for chunk in chunks:
        _refuse_masks(chunk, "a chunk")
    return np.stack(task(*chunks), axis=-1)


def _refuse_masks(array: Any, what: str) -> None:
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(f"{what} is a masked array, and chunks keep no masks: fill it, as `da.ma.filled(x, value)`", "unexpected-nulls")


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
        self.before: dict[str, str] = {}
        """Statements that others may read, by their names."""

    def outputs(self) -> list[Any]:
        results, infos = [], iter(self.infos)
        nodes, statements = self.program._tree()
        source = self.program.expr.encode()
        for (name, value, temporary), statement in zip(statements, self.program._statements):
            reductions = _reductions(nodes, value)
            replaced: list[tuple[int, int, str]] = []
            for node in reductions:
                called, operand, arguments = _call(nodes, node, source, replaced)
                self.refuse_others(operand, statement.text)
                array = self.reduced(called, operand, arguments)
                if node == value:
                    break
                start, end = nodes[node][1]
                fresh = self.fresh()
                self.chunked[fresh] = array
                replaced = [*((a, b, n) for a, b, n in replaced if not start <= a < end), (start, end, fresh)]
            else:
                text = _whole(_text(nodes[value][1], source, replaced))
                self.refuse_others(text, statement.text)
                array = None if temporary else self.elementwise(text, next(infos).dtype)
                if name:
                    self.before[name] = text
            if value in reductions:
                if name:
                    self.chunked[name] = array
                if not temporary:
                    array = array.astype(next(infos).dtype)
            if not temporary:
                results.append(array)
        return results

    def refuse_others(self, text: str, statement: str) -> None:
        """Raises an error if `text`, whose reductions by tree have names by now, is not elementwise."""
        last = _compile.default_engine()._program(self.text(text))._statements[-1]
        if last.reduction is not None or not last.is_elementwise:
            raise InputError(
                f"`{statement}` subscripts, or reduces in a way that does not go chunk by chunk: "
                "slice the arrays before, and reduce a Dask array by Dask's own"
            )

    def fresh(self) -> str:
        """A name that the text does not have."""
        n = len(self.chunked)
        while f"r{n}" in self.program.expr or f"r{n}" in self.chunked:
            n += 1
        return f"r{n}"

    def dtype(self, text: str) -> np.dtype:
        arrays = {name: _stand_in(array) for name, array in {**self.chunked, **self.whole}.items()}
        check = _compile.check(self.text(text), **arrays)
        if check.error is not None:
            raise check.error
        return check.outputs[-1].dtype

    def text(self, *values: str) -> str:
        """A program of `values`, and of those statements that they read."""
        lines = list(values)
        for name, value in reversed(self.before.items()):
            if name in _compile.default_engine()._program("; ".join(lines)).inputs:
                lines.insert(0, f"let {name} = {value}")
        return "; ".join(lines)

    def task(self, *values: str) -> tuple[_Task, list[str]]:
        """What computes `values`, and which chunked inputs it takes."""
        text = self.text(*values)
        read = _compile.default_engine()._program(text).inputs
        names = [name for name in self.chunked if name in read]
        constants = {name: array for name, array in self.whole.items() if name in read}
        return _Task(text, tuple(names), constants, self.threads), names

    def blockwise(self, run: Any, values: list[str], dtype: np.dtype, axes: tuple[int, ...] = (), results: int = 0) -> da.Array:
        """An array of what `run` gives for each chunk: of one element along `axes`, if there are some and it is not empty, and with an axis more for `results`."""
        task, names = self.task(*values)
        arrays = [self.chunked[name] for name in names]
        if not arrays:
            raise InputError(f"`{values[0]}` reads no Dask array: compute it by itself")
        rank = max(array.ndim for array in arrays)
        if axes:
            arrays = [_without_empty(array) for array in arrays]
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

    def reduced(self, name: str, operand: str, arguments: list[tuple[str | None, str]]) -> da.Array:
        options = _options(name, arguments)
        dtype = self.dtype(f"{name}({', '.join([operand, *(f'{key}={text}' if key else text for key, text in arguments)])})")
        whole = self.elementwise(operand, dtype)
        axes = _axes(options.get("axis"), whole.ndim)
        keepdims, along = options.get("keepdims", False), f"axis={axes}, keepdims=True"
        if name in _COMBINED_BY:
            chunks = self.blockwise(_array_task, [f"{name}({operand}, {along})"], dtype, axes)
            return getattr(chunks, _COMBINED_BY[name])(axis=axes, keepdims=keepdims).astype(dtype)
        if name not in ("mean", "var", "std") or dtype.kind in "cmM":
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
        variance = (n * (variances + (means - center) ** 2)).sum(**kept) / da.maximum(total - ddof, 0)
        return da.sqrt(variance) if name == "std" else variance


def _reductions(nodes: list, root: int) -> list[int]:
    """The reductions at and below a node that go chunk by chunk, the innermost first."""
    below, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node not in below:
            below.add(node)
            stack += nodes[node][3]
    return [node for node in sorted(below) if nodes[node][0] == "call" and usual_name(nodes[node][2]) in _REDUCTIONS]


def _call(nodes: list, node: int, source: bytes, replaced: list) -> tuple[str, str, list[tuple[str | None, str]]]:
    """Name, operand and other arguments of a reduction."""
    _, _, word, children, keywords = nodes[node]
    operand, *texts = [_text(nodes[child][1], source, replaced) for child in children]
    return usual_name(word), _whole(operand), list(zip(keywords[1:], texts))


def _text(span: tuple[int, int], source: bytes, replaced: list[tuple[int, int, str]]) -> str:
    """What stands at a place, with names for what was computed already."""
    at, end = span
    parts = []
    for start, stop, name in sorted(replaced):
        if at <= start and stop <= end:
            parts += [source[at:start], name.encode()]
            at = stop
    return b"".join([*parts, source[at:end]]).decode()


def _whole(text: str) -> str:
    """The text of an operand as one statement: over several lines it is one only in parentheses, as it stood in some."""
    return f"({text})" if len(text.splitlines()) > 1 else text


def _one(length: int) -> int:
    return 1


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes that are reduced, from 0 up."""
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -rank <= a < rank:
            raise InputError(f"there is no axis {a} of {rank}", "axis-out-of-range")
    return tuple(a % rank for a in axes)


def _without_empty(array: da.Array) -> da.Array:
    """The array without its chunks that have no elements; along an axis without any, one stays."""
    for axis, lengths in enumerate(array.chunks):
        if len(kept := _full(lengths)) < len(lengths):
            array = array.blocks[(*[slice(None)] * axis, kept)]
    return array


def _full(lengths: tuple[int, ...]) -> list[int]:
    """Which chunks along an axis have elements; the first if none has."""
    return [i for i, length in enumerate(lengths) if length != 0] or [0]


def _counts(whole: da.Array, axes: tuple[int, ...]) -> da.Array:
    """How many elements of each chunk go into one: an array with one element for each chunk along `axes`."""
    shape = [1] * whole.ndim
    counts = np.ones(shape)
    for a in axes:
        lengths = np.asarray(whole.chunks[a], float)[_full(whole.chunks[a])]
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
