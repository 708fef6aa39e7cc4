"""`transform`: expressions over files of any size."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _compile, _numloom
from ._errors import InputError
from ._maps import spec_of
from ._outputs import Outputs
from ._progress import teller
from ._sizes import size_of



class Transformed(Outputs):
    """What a run over files came to: a value for each output that is reduced, and for others the file it went to, as it was given.

    A tuple whose named items are attributes, as all `Outputs`.
    """

    resumed: bool
    """Whether it went on from where an earlier run had stopped."""

    def __new__(cls, values, fields, resumed=False):
        self = super().__new__(cls, values, fields)
        self.resumed = resumed
        return self

    def __reduce__(self):
        return Transformed, (tuple(self), self._fields, self.resumed)

    def __repr__(self) -> str:
        items = (f"{field}={value!r}" if field else repr(value) for field, value in zip(self._fields, self))
        return f"Transformed({', '.join([*items, f'resumed={self.resumed}'])})"


def transform(
    expr: str,
    local_dict: Mapping[str, Any] | None = None,
    /,
    *,
    out: Any = None,
    in_place: bool = False,
    memory: int | str = "256M",
    progress: bool | Callable[[int, int], Any] = False,
    resume: bool = True,
    undo: bool = True,
    force: bool = False,
    threads: int | None = None,
    **inputs: Any,
) -> Transformed:
    """Evaluates `expr` over files, larger than memory if need be, into files.

    An input is a file, named as the command names it (`"a.npy"`, `"recs.npy:field"`, `"a.bin:f64[1000,1000]@128:F"`), a `numpy.memmap`, which travels as its file and
    is not copied, or a number. `out` is the file of the only output that is an array, or a mapping of files by the names of outputs; those
    that are reduced come back as values. The bits are those of `evaluate`.

    No more than `memory` bytes of the files are resident at a time. A new file is written as `out.npy.partial`, and gets its name when it is whole. A run that is
    stopped, by Ctrl-C, by a kill, by a full disk, **is gone on with by the same call**: a journal, `out.npy.journal`, says what is done. Over
    inputs that have changed since, or with another expression, it is refused; `resume=False` discards the journal, and starts over.

    With `in_place` the output files are there, with dtype and shape of the results, and are changed where they are; inputs may be the same files. So they
    are where `out` is a `numpy.memmap`. Bytes that are about to be overwritten are saved before, so that such a run can be gone on with as well; `undo=False` does
    without, which is faster, and after a kill the file is partly updated and refused, unless `force=True` says to run over it as it is.

    `progress=True` draws a bar on standard error; a callable is called with the elements that are done and those that there are, some 25 times a second.

    Returns `Transformed`. Raises `Error`; `FileError` names the file. A `KeyboardInterrupt` says what is kept.

    >>> import numpy as np, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "a.npy")
    >>> np.save(path, [1.0, 2.0, 6.0])
    >>> transform("mean(a); std(a)", a=path)
    Transformed(np.float64(3.0), np.float64(2.160246899469287), resumed=False)
    >>> done = transform("scaled = k*(a - mean(a)); m = max(a)", a=path, k=10.0, out={"scaled": path + ".scaled.npy"})
    >>> float(done.m), np.load(done.scaled).tolist(), done.resumed
    (6.0, [-20.0, -10.0, 30.0], False)
    >>> _ = transform("a * 2", a=path, out=path, in_place=True)
    >>> np.load(path).tolist()
    [2.0, 4.0, 12.0]
    """
    engine = _compile.default_engine()
    given = {**(local_dict or {}), **inputs}
    program = _compile._with_constants(engine, expr, engine._program(expr), given)
    unknown = [name for name in inputs if name not in program.inputs]
    if unknown:
        raise InputError(f"no input named `{unknown[0]}`", "unexpected-input")
    if local_dict is not None:
        given = {name: value for name, value in given.items() if name in program.inputs}
    files = _files(out)
    in_place = in_place or any(isinstance(file, np.memmap) for file in files.values())
    settings = {
        "in_place": in_place,
        "memory": size_of(memory, "memory"),
        "fresh": not resume,
        "undo": undo,
        "force": force,
        "threads": threads,
    }
    sources = [(name, _input(value, name)) for name, value in given.items()]
    places = [(name, _output(file, name)) for name, file in files.items()]
    told = teller(progress)
    try:
        values, resumed = program._transform(sources, places, settings, told and told.begin)
    except KeyboardInterrupt as stopped:
        stopped.args = stopped.args or (_what_is_kept(stopped.__cause__),)
        raise
    finally:
        if told:
            told.close()
    if None in files:
        only = next((i for i, value in enumerate(values) if value is None), 0)
        values[only] = files[None]
    for i, name in enumerate(program.outputs):
        if values[i] is None:
            values[i] = files[name]
    return Transformed(values, program.outputs, resumed)


def _files(out: Any) -> dict[str | None, Any]:
    """Files by the names of outputs; the only one may have none."""
    if out is None:
        return {}
    if isinstance(out, Mapping):
        return dict(out)
    if isinstance(out, Sequence) and not isinstance(out, str):
        raise InputError("`out` must be a file, or a mapping of files by the names of outputs", "output-shape")
    return {None: out}


def _input(value: Any, name: str) -> Any:
    if isinstance(value, np.memmap):
        return spec_of(value, name)
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, np.ndarray) and value.ndim:
        raise InputError(f"input `{name}` is an array in memory: save it, as `np.save('{name}.npy', {name})`, and give the path")
    return value


def _output(file: Any, name: str | None) -> str:
    if isinstance(file, np.memmap):
        if file.mode not in ("r+", "w+"):
            raise InputError(f"`out` is a map of mode {file.mode!r}: open it with mode 'r+' to have it changed", "read-only-output")
        return spec_of(file, name or "out")
    if isinstance(file, (str, os.PathLike)):
        return os.fspath(file)
    raise InputError(f"`out` must be a file or a `numpy.memmap`, not {type(file).__name__}", "output-dtype")


def _what_is_kept(error: BaseException | None) -> str:
    """What a run that was stopped says of going on."""
    found = getattr(error, "diagnostics", ())
    if found and found[0].help:
        return f"stopped; {found[0].help}"
    return "stopped before anything was done that is worth keeping: the same call starts over"
