"""`stream` and the `scan_` functions: rows that come a chunk at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from . import _compile, _numloom
from ._blocks import BlockReader
from ._errors import InputError
from ._outputs import Outputs
from ._sizes import size_of

DTypes = Any
"""A dtype for all columns, or a mapping of names to dtypes."""


class Source:
    """A table whose rows are read a chunk at a time: made by `scan_csv`, `scan_text` and `scan_npy`.

    `columns` are names and dtypes, `rows` how many there are, if that is known before they are read.
    """

    def __init__(self, source: _numloom.Source, only: Sequence[str] | None = None):
        self._source = source
        columns = {name: _compile._numpy_dtype(dtype) for name, dtype in source.columns}
        unknown = [name for name in only or () if name not in columns]
        if unknown:
            raise InputError(f"no column is named `{unknown[0]}`: they are {', '.join(f'`{name}`' for name in columns)}", "unknown-name")
        self.columns: dict[str, np.dtype] = {name: columns[name] for name in only} if only is not None else columns
        self.rows: int | None = source.rows

    def stream(self, expr: str, /, *, chunk: int | str = "1M", threads: int | None = None, **values: Any) -> Stream:
        """`numloom.stream` over this source."""
        return Stream(expr, self, values, chunk, threads)

    def evaluate(self, expr: str, /, *, chunk: int | str = "1M", threads: int | None = None, **values: Any) -> Any:
        """What `numloom.evaluate` gives over all rows: arrays for what has an element for each row, numbers for what is reduced."""
        return Stream(expr, self, values, chunk, threads).result()

    def __repr__(self) -> str:
        columns = ", ".join(f"{name}: {dtype}" for name, dtype in self.columns.items())
        return f"<numloom.Source of {columns or 'no columns'}>"


class Stream(Iterator[Any]):
    """A run of an expression over a source, which has not begun: iterate over it, or call one of its methods, once.

    As an iterator it gives blocks of consecutive rows: an array, or `Outputs` of those of several outputs. How many rows a block has is not specified; what
    they hold does not depend on it. Afterwards `result()` has the values of reductions. To stop before the end call `close()`, leave the `with` block, or forget it.
    """

    def __init__(self, expr: str, source: Any, values: Mapping[str, Any], chunk: int | str, threads: int | None):
        self._chunk, self._threads = size_of(chunk, "chunk"), threads
        engine = _compile.default_engine()
        known = {**values, **source} if isinstance(source, Mapping) else values
        self._program = _compile._with_constants(engine, expr, engine._program(expr), known)
        unknown = [name for name in values if name not in self._program.inputs]
        if unknown:
            raise InputError(f"no input named `{unknown[0]}`", "unexpected-input")
        self._values = list(values.items())
        self._given = source
        self._running: _numloom.Running | None = None
        self._result: tuple[Any] | None = None
        self._closed = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        if self._running is None:
            self._running = self._start("blocks")
        found = next(self._running, None)
        if found is None:
            raise StopIteration
        arrays, names = found
        return arrays[0] if len(arrays) == 1 else Outputs(arrays, names)

    def result(self) -> Any:
        """What `numloom.evaluate` gives over all rows. After an iteration to the end: the values of reductions, and `None` for what was iterated over."""
        if self._running is None and self._result is None:
            self._result = (self._run("memory"),)
        if self._result is None:
            values = self._running.values()
            if values is None:
                raise ValueError("the iteration has not come to its end: what the rows come to is not known yet")
            self._result = (self._together(values),)
        return self._result[0]

    def to_numpy(self) -> Any:
        """`result()`: arrays in memory."""
        return self.result()

    def to_npy(self, path: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]]) -> Any:
        """Writes what has an element for each row to `.npy` files: one, or a mapping of them by the names of outputs.

        A file gets its name when it is whole. Returns the values of reductions as `result()` does, with the files in the places of others.
        """
        if not isinstance(path, Mapping):
            return self._run("npy", [(None, os.fspath(path))], os.fspath(path))
        names = [name for name in self._program.outputs if name in path]
        unknown = [name for name in path if name not in names]
        if unknown:
            raise InputError(f"`{unknown[0]}` is no output", "unused-output")
        files = {name: os.fspath(path[name]) for name in names}
        return self._run("npy", list(files.items()), files)

    def to_csv(self, path: str | os.PathLike[str]) -> Any:
        """Writes what has an element for each row to a CSV file, a column for each output, under its name. Returns as `to_npy` does."""
        return self._run("csv", [(None, os.fspath(path))], os.fspath(path))

    def close(self) -> None:
        """Ends the run, if it has begun and not ended: no thread is left, and the source can be read by another."""
        self._closed = True
        if self._running is not None:
            self._running.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<numloom.Stream {self._program.expr!r}>"

    def _start(self, target: str, columns: Sequence[tuple[str | None, str]] = ()) -> _numloom.Running:
        if self._closed:
            raise ValueError("the stream is closed")
        if self._running is not None:
            raise ValueError("the stream has begun: make another one")
        source = self._source()
        self._given = None
        return self._program._stream(source, self._values, self._chunk, self._threads, target, list(columns))

    def _run(self, target: str, columns: Sequence[tuple[str | None, str]] = (), files: Any = None) -> Any:
        self._running = self._start(target, columns)
        try:
            for _ in self._running:
                pass
        finally:
            self._running.close()
        return self._together(self._running.values(), files)

    def _together(self, values: list[Any], files: Any = None) -> Any:
        names = self._program.outputs
        for i, name in enumerate(names):
            if values[i] is None and files is not None:
                values[i] = files.get(name) if isinstance(files, dict) else files
        return values[0] if len(values) == 1 else Outputs(values, names)

    def _source(self) -> _numloom.Source:
        """The source that was given, as the library's."""
        given = self._given
        if isinstance(given, (str, os.PathLike)):
            given = scan(given)
        values = dict(self._values)
        names = [name for name in self._program.inputs if name not in values]
        if isinstance(given, Source):
            hidden = [name for name in names if name not in given.columns and name in dict(given._source.columns)]
            if hidden:
                raise InputError(f"column `{hidden[0]}` is not one of those that were chosen", "unknown-name")
            return given._source
        if isinstance(given, Mapping):
            given = {name: array for name, array in given.items() if name in names}
        reader = BlockReader(given, names, self._chunk)
        return _numloom.Source.blocks(reader, reader.columns, reader.restarts)


def stream(expr: str, source: Any, /, *, chunk: int | str = "1M", threads: int | None = None, **values: Any) -> Stream:
    """Evaluates `expr` over a table that is read a chunk of rows at a time, in memory of a few chunks: an iterator over blocks of the result.

    `source` is what `scan_csv`, `scan_text` or `scan_npy` return, or a path that these take; a mapping of arrays and memory maps, which are cut; or an
    iterable of blocks, such as a generator. A block is a mapping of arrays by the names of inputs, a structured array, a data frame of pandas, a
    table or batch of Arrow's; or a sequence of arrays, or one array, in the order of the inputs. A generator is run through in the
    thread that asks for results, is asked for a block when the one before has been computed with, and may fill the same array each time. Whatever it raises comes out as it is.

    An output has an element for each row, or is reduced over all rows. The bits are those of `evaluate` over all rows at once, wherever they are cut. What needs a reduced
    value first, as `x - mean(x)`, reads the source twice, which a generator does not allow: give the function that makes it, or a list.

    `chunk` is about how many bytes of a file or an array are taken at a time, `threads` the most threads; `values` are inputs of one value.

    >>> import numpy as np
    >>> def blocks():
    ...     for i in range(3):
    ...         yield {"x": np.full(2, float(i)), "y": np.ones(2)}
    >>> [block.tolist() for block in stream("k*x + y", blocks(), k=10)]
    [[1.0, 1.0], [11.0, 11.0], [21.0, 21.0]]
    >>> stream("sum(x*y)", blocks()).result()
    np.float64(6.0)
    >>> stream("x - mean(x)", blocks).result().tolist()
    [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]
    """
    return Stream(expr, source, values, chunk, threads)


def scan(path: str | os.PathLike[str]) -> Source:
    """What the end of a path's name says that it holds."""
    name = os.fspath(path).lower()
    name = name.removesuffix(".gz")
    if name.endswith((".npy", ".npz")):
        return scan_npy(path)
    if name.endswith(".csv"):
        return scan_csv(path)
    if name.endswith((".txt", ".dat")):
        return scan_text(path)
    raise InputError(f"`{os.fspath(path)}` does not say what it holds: use `scan_csv`, `scan_text` or `scan_npy`", "unknown-format")


def scan_csv(
    path: Any,
    /,
    *,
    columns: Sequence[str] | None = None,
    dtypes: DTypes = None,
    delimiter: str = ",",
    quote: str = '"',
    comment: str = "",
    header: bool = True,
    names: Sequence[str] | None = None,
    skip_lines: int = 0,
    missing: str = "nan",
    missing_values: Sequence[str] | None = None,
    sample: int = 1000,
) -> Source:
    """A CSV file as a table: a path (plain or gzip), an open binary file or anything with `read`, or `"-"` for standard input.

    Names come from the header, or are `names`; without both they are `c0`, `c1` and so on. Dtypes are inferred from the first `sample` records, unless `dtypes` says them:
    a mapping of some, or one for all. Only columns that an expression reads are parsed, on all threads; `columns` hides the others altogether.

    An empty field, or one of `missing_values` ("NA", "N/A", "null" and so on, unless said), is NaN; with `missing="error"` it is an error, as it is
    in columns of integers. Errors have the line and the column. What is no file can be read once.

    >>> import io
    >>> sales = scan_csv(io.BytesIO(b"item,price,qty\\nnut,0.5,8\\nbolt,1.5,2\\n"))
    >>> sales
    <numloom.Source of item: |S8, price: float64, qty: int64>
    >>> sales.evaluate("total = sum(price*qty); max(price)")
    Outputs(total=np.float64(7.0), np.float64(1.5))
    """
    if missing not in ("nan", "error"):
        raise ValueError(f"`missing` must be 'nan' or 'error' (got {missing!r})")
    some, every = _dtypes(dtypes)
    source = _numloom.Source.csv(
        _input(path),
        delimiter=delimiter,
        quote=quote,
        comment=comment,
        header=header,
        names=None if names is None else list(names),
        skip_lines=skip_lines,
        missing=None if missing_values is None else list(missing_values),
        missing_is_error=missing == "error",
        dtypes=some,
        every_dtype=every,
        sample=sample,
    )
    return Source(source, columns)


def scan_text(
    path: Any,
    /,
    *,
    columns: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    dtypes: DTypes = None,
    comment: str = "#",
    skip_lines: int = 0,
) -> Source:
    """Numbers with white space between, as `numpy.loadtxt` reads them, as a table: a path (plain or gzip), an open binary file, or `"-"` for standard input.

    `columns` are those that there are to be, by their numbers from 0; they are called `c0`, `c1` and so on by these numbers, or `names`. They are float64 unless
    `dtypes` says otherwise: a mapping of some, or one for all.

    >>> import io
    >>> scan_text(io.BytesIO(b"# t x\\n0 1.5\\n1 2.5\\n"), names=["t", "x"]).evaluate("t + x").tolist()
    [1.5, 3.5]
    """
    some, every = _dtypes(dtypes)
    source = _numloom.Source.text(
        _input(path),
        comment=comment,
        columns=None if columns is None else list(columns),
        names=None if names is None else list(names),
        skip_lines=skip_lines,
        dtypes=some,
        every_dtype=every,
    )
    return Source(source)


def scan_npy(path: str | os.PathLike[str] | None = None, /, *, members: Sequence[str] = (), **files: str | os.PathLike[str]) -> Source:
    """Arrays in files as the columns of a table, rows along their first axis.

    `files` are columns by their names, each a file as the command names it: `a="a.npy"`, `x="recs.npy:x"`, `b="b.bin:f64"`. Instead of them `path` is an `.npz` archive, whose
    members, all or those called `members`, are the columns; or one `.npy` file, whose column is called as the file.

    >>> import numpy as np, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "x.npz")
    >>> np.savez_compressed(path, a=np.arange(4), b=np.ones(4))
    >>> scan_npy(path).evaluate("sum(a + b)")
    np.float64(10.0)
    """
    if (path is None) == (not files):
        raise InputError("give an archive or a file, or else files by name", "missing-input")
    if path is None:
        return Source(_numloom.Source.files([(name, os.fspath(file)) for name, file in files.items()]))
    name = os.fspath(path)
    if name.lower().endswith(".npz"):
        return Source(_numloom.Source.npz(name, list(members)))
    stem = os.path.basename(name).partition(".")[0]
    return Source(_numloom.Source.files([(stem, name)]))


def _input(path: Any) -> Any:
    """A path, or an object with `read`."""
    if isinstance(path, (str, os.PathLike)):
        return sys.stdin.buffer if path == "-" else os.fspath(path)
    if not hasattr(path, "read"):
        raise InputError(f"{type(path).__name__} is no path, and has no `read`")
    return path


def _dtypes(dtypes: DTypes) -> tuple[list[tuple[str, np.dtype]], np.dtype | None]:
    """Dtypes of some columns, and of all others."""
    if isinstance(dtypes, Mapping):
        return [(name, np.dtype(dtype)) for name, dtype in dtypes.items()], None
    return [], None if dtypes is None else np.dtype(dtypes)
