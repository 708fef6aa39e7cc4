"""Lazy arrays: NumPy's operators and functions over arrays and files, computed when they are asked for."""

from __future__ import annotations

import html
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import _numloom
from ._compile import Engine, _numpy_dtype, default_engine
from ._errors import InputError
from ._inputs import array_of
from ._maps import place_of
from ._progress import teller
from ._sizes import size_of

Chunks = int | str | Sequence[Any] | None
"""Rows at a time, a tuple that begins with them, as Dask's, or bytes as `"64M"`; `"auto"`, -1 or `None` leave it to the engine."""


def _reduction(name: str) -> Callable[..., Lazy]:
    def method(self: Lazy, axis: Any = None, **options: Any) -> Lazy:
        return _reduce(name, self, {"axis": axis, **options})

    method.__name__ = name
    method.__qualname__ = f"Lazy.{name}"
    method.__doc__ = f"NumPy's `{name}`, over all elements or along `axis`, with its options but `out`."
    return method


class Lazy(NDArrayOperatorsMixin):
    """An array that is computed when it is asked for. Made by `from_array`, `from_npy`, and from others by operators, NumPy's functions and subscripts.

    dtype and shape are known at once, and what cannot be is an error at once. `compute` makes one program of all that leads to it, which reads each source
    once for each pass and holds no array in between; `numloom.compute` does so for several. A number of Python's beside it is a literal, as in a text.

    >>> import numpy as np
    >>> x = from_array(np.array([1, 2, 6], "i2"))
    >>> y = np.sqrt(x + 3) / x.max()
    >>> y
    Lazy(float32, shape (3,))
    >>> y.compute()
    array([0.33333334, 0.372678  , 0.5       ], dtype=float32)
    >>> (x - x.mean())[::2].compute()
    array([-2.,  3.])
    """

    __slots__ = ("_node", "__weakref__")

    def __init__(self, node: _numloom.LazyNode):
        if not isinstance(node, _numloom.LazyNode):
            raise TypeError("lazy arrays are made by `numloom.from_array` and `numloom.from_npy`")
        self._node = node

    @staticmethod
    def expr(text: str, /, **inputs: Any) -> Lazy:
        """What an expression with one output says of lazy arrays, arrays and numbers, each under its name.

        >>> x = from_array([1.0, 2.0, 4.0])
        >>> Lazy.expr("let d = x[1:] - x[:-1]; d / mean(d)", x=x).compute()
        array([0.66666667, 1.33333333])
        """
        return Lazy(_numloom.LazyNode.expr(text, [(name, _lazy(value, name)._node) for name, value in inputs.items()]))

    # What it is.

    @property
    def dtype(self) -> np.dtype:
        return _numpy_dtype(self._node.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._node.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def chunks(self) -> int | None:
        """About how many rows are taken at a time; `None` if that is left to the engine."""
        return self._node.chunks

    def rechunk(self, chunks: Chunks = None) -> Lazy:
        """The same, taken so many rows at a time: a hint, which changes no bit of any result."""
        return Lazy(self._node.with_chunks(_rows(chunks, self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    # What becomes of it.

    def compute(self, *, engine: Engine | None = None, threads: int | None = None) -> Any:
        """The array, or a NumPy scalar if it has no axes."""
        return compute(self, engine=engine, threads=threads)[0]

    def write_npy(
        self,
        path: str | os.PathLike[str],
        *,
        memory: int | str | None = None,
        progress: bool | Callable[[int, int], Any] = False,
        resume: bool = True,
        engine: Engine | None = None,
        threads: int | None = None,
    ) -> None:
        """Computes it into a `.npy` file: a window at a time, with at most `memory` bytes of files resident.

        The file is there when it is whole. A run that was stopped, by Ctrl-C or a kill, is gone on with by the same call over the same files; `resume=False` starts over.
        `progress=True` draws a bar on standard error; a callable is called with the elements that are done and those that there are.
        """
        if memory is not None:
            memory = size_of(memory, "memory")
        told = teller(progress)
        tell = told and told.begin(self.nbytes)
        try:
            _run([self], [os.fspath(path)], engine, threads, memory=memory, fresh=not resume, progress=tell)
        finally:
            if told:
                told.close()

    def hold(self) -> Lazy:
        """The same value, computed whole before what it is used in and held in memory: for what is costly and small."""
        return Lazy(self._node.hold())

    def explain(self, *, engine: Engine | None = None) -> str:
        """How it would be computed: programs, passes, bytes."""
        return _numloom.LazyNode.explain([self._node], engine or default_engine())

    def visualize(self, filename: str | os.PathLike[str] | None = None) -> Drawing:
        """A drawing of what leads to it, which notebooks show; written to `filename` (`.svg` or `.dot`) if there is one."""
        return visualize(self, filename=filename)

    def _repr_svg_(self) -> str:
        return _draw([self], "svg")

    def _repr_html_(self) -> str:
        return f"<div><pre>{html.escape(repr(self))}</pre>{self._repr_svg_()}</div>"

    def __repr__(self) -> str:
        shape = f", shape {self.shape}" if self.shape else ""
        return f"Lazy({self.dtype}{shape})"

    # NumPy's ways.

    __hash__ = object.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a lazy array has no memory before it is computed")
        return np.asarray(self.compute(), dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if not all(map(_may_be_operand, inputs)):
            return NotImplemented
        name = ufunc.__name__
        if method == "reduce" and name in _REDUCED_BY:
            options.setdefault("axis", 0)
            return _reduce(_REDUCED_BY[name], inputs[0], options)
        if method != "__call__":
            raise TypeError(f"numloom has no `{name}.{method}` of lazy arrays; compute them first")
        if (where := options.pop("where", True)) is not True:
            raise TypeError(f"`where` of `np.{name}` needs an output to keep; write `np.where(mask, np.{name}(…), other)`")
        if given := [option for option, value in options.items() if value is not None]:
            raise TypeError(f"`np.{name}` of a lazy array takes no `{given[0]}`")
        return _call(name, *inputs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if (known := _NUMPY_FUNCTIONS.get(func)) is not None:
            return known(*args, **kwargs)
        name = f"{func.__module__}.{func.__name__}".replace("numpy", "np", 1)
        raise TypeError(f"numloom has no `{name}` of lazy arrays; compute them first, with `numloom.compute`")

    def __getitem__(self, items: Any) -> Lazy:
        return Lazy(self._node.subscript(list(items) if isinstance(items, tuple) else [items]))

    def __iter__(self) -> Any:
        raise TypeError("a lazy array is not iterated over; compute it first")

    def __bool__(self) -> bool:
        return bool(self._one("bool"))

    def __int__(self) -> int:
        return int(self._one("int"))

    def __float__(self) -> float:
        return float(self._one("float"))

    def __complex__(self) -> complex:
        return complex(self._one("complex"))

    def _one(self, kind: str) -> Any:
        if self.size != 1:
            raise TypeError(f"{kind}() of a lazy array of shape {self.shape}: only one value can be converted")
        return np.asarray(self.compute()).item()

    def astype(self, dtype: Any, mode: str = "wrap") -> Lazy:
        """Converted to another dtype; where a number does not fit, by `mode`: "wrap", "saturate" or "checked"."""
        target = np.dtype(dtype)
        if target == self.dtype:
            return self
        name = f"complex{target.itemsize * 8}" if target.kind == "c" else target.name
        return _call(name, self, *([mode] if mode != "wrap" else []))

    @property
    def real(self) -> Lazy:
        return _call("real", self)

    @property
    def imag(self) -> Lazy:
        return _call("imag", self)

    def conj(self) -> Lazy:
        return _call("conj", self)

    def clip(self, min: Any = None, max: Any = None) -> Lazy:
        return _call("clip", self, min, max)

    def round(self, decimals: int = 0) -> Lazy:
        return _call("round", self, decimals)

    sum = _reduction("sum")
    prod = _reduction("prod")
    min = _reduction("min")
    max = _reduction("max")
    ptp = _reduction("ptp")
    mean = _reduction("mean")
    var = _reduction("var")
    std = _reduction("std")
    any = _reduction("any")
    all = _reduction("all")
    argmin = _reduction("argmin")
    argmax = _reduction("argmax")

    def __reduce__(self) -> Any:
        """Files travel by their names, arrays as they are."""
        text, inputs = self._node.expression()
        return _rebuild, (text, [(name, _origin(node)) for name, node in inputs], self.chunks)

    def __copy__(self) -> Lazy:
        return self

    def __deepcopy__(self, memo: Any) -> Lazy:
        return self


def from_array(x: Any, chunks: Chunks = None) -> Lazy:
    """A lazy array over an array, which stays where it is; nothing is copied.

    A memory map of NumPy's over a whole file or a contiguous part of it is read from the file: a window at a time, with its pages given back. A change of the array before
    it is computed is seen.

    >>> import numpy as np
    >>> from_array(np.arange(6).reshape(2, 3)).sum(axis=1).compute()
    array([ 3, 12])
    """
    lazy = _lazy(x, "x")
    return lazy if chunks is None else lazy.rechunk(chunks)


def from_npy(path: str | os.PathLike[str], chunks: Chunks = None) -> Lazy:
    """A lazy array over a `.npy` file, which is mapped and never read whole. It pickles as its path.

    >>> import numpy as np, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "x.npy")
    >>> np.save(path, [1.0, 2.0, 6.0])
    >>> x = from_npy(path, chunks=1_000_000)
    >>> (x - x.mean()).compute()
    array([-2., -1.,  3.])
    """
    lazy = Lazy(_numloom.LazyNode.file(os.path.abspath(path)))
    return lazy if chunks is None else lazy.rechunk(chunks)


def compute(*values: Any, engine: Engine | None = None, threads: int | None = None) -> tuple[Any, ...]:
    """The arrays of several lazy ones, in shared passes: what reads the same source reads it together. What is not lazy comes back as it is.

    >>> x = from_array([1.0, 2.0, 6.0])
    >>> compute(x.mean(), x.max())
    (np.float64(3.0), np.float64(6.0))
    """
    lazy = [value for value in values if isinstance(value, Lazy)]
    done = iter(_run(lazy, None, engine, threads) if lazy else ())
    return tuple(next(done) if isinstance(value, Lazy) else value for value in values)


def visualize(*values: Lazy, filename: str | os.PathLike[str] | None = None) -> Drawing:
    """A drawing of what leads to these; written to `filename` (`.svg` or `.dot`) if there is one."""
    drawing = Drawing(values)
    if filename is not None:
        path = Path(filename)
        if path.suffix not in (".svg", ".dot"):
            raise ValueError(f"a drawing is an `.svg` or a `.dot`, not `{path.name}`")
        path.write_text(_draw(values, path.suffix[1:]), encoding="utf-8")
    return drawing


class Drawing:
    """What leads to lazy arrays, as notebooks show it."""

    def __init__(self, values: Sequence[Lazy]):
        self.svg = _draw(values, "svg")
        self.dot = _draw(values, "dot")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return self.dot


def _draw(values: Sequence[Lazy], format: str) -> str:
    return _numloom.LazyNode.draw([value._node for value in values], format)


def _run(
    values: Sequence[Lazy], files: list[str | None] | None, engine: Engine | None, threads: int | None, **options: Any
) -> list[Any]:
    nodes = [value._node for value in values]
    return _numloom.LazyNode.compute(nodes, engine or default_engine(), files=files, threads=threads, **options)


def _rows(chunks: Chunks, lazy: Lazy) -> int | None:
    if isinstance(chunks, (tuple, list)):
        if not chunks:
            return None
        chunks = chunks[0]
        if isinstance(chunks, (tuple, list)):
            chunks = chunks[0] if chunks else None
    if chunks is None or chunks == "auto" or chunks == -1:
        return None
    if isinstance(chunks, str):
        rows = lazy.shape[0] if lazy.shape else 1
        return max(1, size_of(chunks, "chunks") * rows // max(1, lazy.nbytes))
    if isinstance(chunks, (int, np.integer)) and not isinstance(chunks, bool) and chunks > 0:
        return int(chunks)
    raise ValueError(f'`chunks` must be a number of rows, a tuple that begins with one, a size, "auto", -1 or None (got {chunks!r})')


def _mapped(x: Any) -> _numloom.LazyNode | None:
    """A node over the file of a memory map, if the file has all that the map shows."""
    if type(x) is not np.memmap or x.ndim == 0 or x.size == 0 or x.dtype.kind not in "biufcS":
        return None
    try:
        place = place_of(x)
    except InputError:
        return None
    if place.mode == "c":
        return None
    extents = ",".join(map(str, x.shape))
    return _numloom.LazyNode.file(os.path.abspath(place.path), f"{x.dtype.str}[{extents}]@{place.offset}:{place.order}")


def _may_be_operand(value: Any) -> bool:
    return isinstance(value, (Lazy, np.ndarray, np.generic, bool, int, float, complex, str, bytes, list, tuple)) or value is None


def _lazy(value: Any, name: str) -> Lazy:
    if isinstance(value, Lazy):
        return value
    if (node := _mapped(value)) is None:
        array, validity = array_of(value, name)
        if validity is not None and not validity.all():
            raise InputError(f"`{name}` has missing values, and lazy arrays have none; fill them in first")
        # A header of our own, which nobody else can change.
        node = _numloom.LazyNode.array(array.view(np.ndarray))
    return Lazy(node)


def _operand(value: Any) -> Any:
    """A node, or what stands for a literal."""
    if isinstance(value, Lazy):
        return value._node
    if value is None or isinstance(value, np.dtype) or type(value) in (bool, int, float, complex, str, bytes):
        return value
    return _lazy(value, "operand")._node


_FUNCTIONS = frozenset(name for names, *_ in _numloom.functions() for name in names)


def _call(name: str, *args: Any, **keywords: Any) -> Lazy:
    if name not in _FUNCTIONS:
        raise TypeError(f"numloom has no function `{name}`; compute the lazy arrays first")
    operands = [_operand(arg) for arg in args]
    return Lazy(_numloom.LazyNode.call(name, operands, [(key, _operand(value)) for key, value in keywords.items()]))


def _reduce(name: str, x: Any, options: dict[str, Any]) -> Lazy:
    """A reduction with NumPy's options, of which those that say nothing are left out."""
    missing = np._NoValue
    options = {key: value for key, value in options.items() if value is not missing}
    if options.pop("out", None) is not None:
        raise TypeError(f"`{name}` of a lazy array takes no `out`; `write_npy` writes to a file")
    keywords: dict[str, Any] = {}
    if (axis := options.pop("axis", None)) is not None:
        keywords["axis"] = _axes(axis)
    if options.pop("keepdims", False):
        keywords["keepdims"] = True
    if (dtype := options.pop("dtype", None)) is not None:
        keywords["dtype"] = np.dtype(dtype)
    if options.get("where", True) is True:
        options.pop("where", None)
    if options.get("initial", None) is None:
        options.pop("initial", None)
    if (correction := options.pop("correction", None)) is not None:
        options["ddof"] = correction
    if options.get("ddof", 0) == 0:
        options.pop("ddof", None)
    keywords.update(options)
    operands = [(key, value if key == "axis" else _operand(value)) for key, value in keywords.items()]
    return Lazy(_numloom.LazyNode.call(name, [_operand(x)], operands))


def _axes(axis: Any) -> Any:
    return tuple(int(part) for part in axis) if isinstance(axis, (tuple, list)) else int(axis)


_REDUCED_BY = {
    "add": "sum",
    "multiply": "prod",
    "minimum": "min",
    "maximum": "max",
    "logical_and": "all",
    "logical_or": "any",
}


_REDUCTIONS = (
    *("sum", "prod", "min", "max", "ptp", "mean", "var", "std", "any", "all", "argmin", "argmax", "count_nonzero"),
    *("nansum", "nanprod", "nanmin", "nanmax", "nanmean", "nanvar", "nanstd"),
)


def _numpy_reduction(name: str) -> Callable[..., Lazy]:
    positional = {
        "sum": "axis dtype out keepdims initial where",
        "prod": "axis dtype out keepdims initial where",
        "mean": "axis dtype out keepdims",
        "var": "axis dtype out ddof keepdims",
        "std": "axis dtype out ddof keepdims",
    }.get(name.removeprefix("nan"), "axis out keepdims initial where")
    names = ("axis keepdims" if name == "count_nonzero" else positional).split()

    def function(a: Any, *args: Any, **options: Any) -> Lazy:
        return _reduce(name, a, {**dict(zip(names, args)), **options})

    return function


def _where(condition: Any, *choices: Any) -> Lazy:
    if not choices:
        raise TypeError("`np.where` of one lazy array has as many elements as are true, which is known when it is computed")
    return _call("where", condition, *choices)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None) -> Lazy:
    if out is not None:
        raise TypeError("`np.clip` of a lazy array takes no `out`")
    return _call("clip", a, a_min if a_min is not None else min, a_max if a_max is not None else max)


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Lazy:
    parts = [tuple(_operand(part) for part in parts) for parts in (condlist, choicelist)]
    return Lazy(_numloom.LazyNode.call("select", [*parts, _operand(default)], []))


def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None) -> Lazy:
    if isinstance(test_elements, Lazy):
        raise TypeError("`np.isin` takes a few numbers to look for, not a lazy array of them")
    values = tuple(np.asarray(test_elements).ravel().tolist())
    return Lazy(_numloom.LazyNode.call("isin", [_operand(element), values], [("invert", bool(invert))]))


def _round(a: Any, decimals: int = 0, out: Any = None) -> Lazy:
    if out is not None:
        raise TypeError("`np.round` of a lazy array takes no `out`")
    return _call("round", a, decimals)


def _as_is(name: str) -> Callable[..., Lazy]:
    return lambda *args, **keywords: _call(name, *args, **keywords)


def _expand_dims(a: Lazy, axis: Any) -> Lazy:
    axes = _axes(axis) if isinstance(axis, (tuple, list)) else (int(axis),)
    ndim = a.ndim + len(axes)
    new = {axis + ndim if axis < 0 else axis for axis in axes}
    if len(new) != len(axes) or not all(0 <= axis < ndim for axis in new):
        raise ValueError(f"axis {axis} is out of bounds, or named twice, for an array of {ndim} axes")
    return a[tuple(None if axis in new else slice(None) for axis in range(ndim))]


def _numpy_functions() -> dict[Callable[..., Any], Callable[..., Any]]:
    table: dict[Callable[..., Any], Callable[..., Any]] = {
        np.where: _where,
        np.clip: _clip,
        np.select: _select,
        np.isin: _isin,
        np.round: _round,
        np.around: _round,
        np.expand_dims: _expand_dims,
        np.ndim: lambda a: a.ndim,
        np.shape: lambda a: a.shape,
        np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
        np.full_like: lambda a, fill_value, dtype=None: _call("full_like", _like(a, dtype), fill_value),
        np.zeros_like: lambda a, dtype=None: _like(_call("zeros_like", a), dtype),
        np.ones_like: lambda a, dtype=None: _like(_call("ones_like", a), dtype),
        np.copy: lambda a, **_: a,
    }
    for name in _REDUCTIONS:
        table[getattr(np, name)] = _numpy_reduction(name)
    table[np.amin], table[np.amax] = table[np.min], table[np.max]
    for name in ("real", "imag", "angle", "nan_to_num", "isclose", "sinc", "fix", "isposinf", "isneginf"):
        table[getattr(np, name)] = _as_is(name)
    return table


def _like(lazy: Lazy, dtype: Any) -> Lazy:
    return lazy if dtype is None else lazy.astype(dtype)


_NUMPY_FUNCTIONS = _numpy_functions()


def _origin(node: _numloom.LazyNode) -> tuple[Any, ...]:
    kind, *parts = node.origin()
    return ("held", Lazy(parts[0])) if kind == "held" else (kind, *parts)


def _rebuild(text: str, inputs: list[tuple[str, tuple[Any, ...]]], chunks: int | None) -> Lazy:
    """What a pickled `Lazy` becomes."""
    make: dict[str, Callable[..., _numloom.LazyNode]] = {
        "array": _numloom.LazyNode.array,
        "file": _numloom.LazyNode.file,
        "held": lambda lazy: lazy._node.hold(),
    }
    nodes = [(name, make[kind](*parts)) for name, (kind, *parts) in inputs]
    lazy = Lazy(_numloom.LazyNode.expr(text, nodes))
    return lazy.rechunk(chunks)
