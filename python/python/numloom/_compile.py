"""`evaluate`, `compile`, `check`, and the engines behind them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from . import _errors, _numloom
from ._frames import caller_values, values
from ._inputs import is_times, operand_of, refuse_dtype

CONSTANTS = frozenset(("pi", "e", "inf", "nan"))
"""Names that stand for numbers unless an input has them."""
OPTIONS = frozenset(("out", "casting", "order", "threads"))
"""Keywords of `evaluate` that are no inputs."""


class CacheInfo(NamedTuple):
    """What a cache of kernels holds."""

    entries: int
    max_entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int


class OutputInfo(NamedTuple):
    """One output of an expression."""

    name: str | None
    """None for a bare expression."""
    dtype: np.dtype
    reduced: bool
    """Whether it is one value for the whole of the inputs."""


class Statement(NamedTuple):
    """One statement of an expression, as its text has it."""

    text: str
    name: str | None
    is_output: bool
    value: str
    reduction: tuple[str, str, list[tuple[str | None, str]]] | None
    """The reduction that the value is: name, operand, and other arguments by keyword."""
    is_elementwise: bool
    """Whether nothing else is reduced, and nothing subscripted."""


@dataclass(frozen=True)
class Check:
    """What `check` found: outputs, or all that is wrong. True if nothing is."""

    outputs: tuple[OutputInfo, ...]
    diagnostics: tuple[_errors.Diagnostic, ...]
    error: _errors.Error | None
    """What `evaluate` would raise."""

    def __bool__(self) -> bool:
        return self.error is None


class Engine(_numloom.Engine):
    """Options, a pool of threads and a cache of kernels, held together.

    Each option left out has a default of the library's; `threads` that of `NUMLOOM_NUM_THREADS`, else of `OMP_NUM_THREADS`, else what the
    process's affinity and cgroup allow. No option changes the bits of a result.

    >>> engine = Engine(threads=1, max_source_bytes=1000)
    >>> engine.threads, engine.evaluate("a + 1", a=[1, 2])
    (1, array([2, 3]))

    Threads, processes and pickles: any number of threads may use one; a forked child starts threads of its own; it travels as its options.
    """

    def __new__(
        cls,
        *,
        threads: int | None = None,
        backend: str | None = None,
        deadline: float | None = None,
        max_output_bytes: int | None = None,
        max_source_bytes: int | None = None,
        max_depth: int | None = None,
        max_nodes: int | None = None,
        max_inputs: int | None = None,
        cache_entries: int | None = None,
        cache_bytes: int | None = None,
        **others: Any,
    ):
        named = dict(
            threads=threads,
            backend=backend,
            deadline=deadline,
            max_output_bytes=max_output_bytes,
            max_source_bytes=max_source_bytes,
            max_depth=max_depth,
            max_nodes=max_nodes,
            max_inputs=max_inputs,
            cache_entries=cache_entries,
            cache_bytes=cache_bytes,
            **others,
        )
        self = super().__new__(cls, **{name: value for name, value in named.items() if value is not None})
        self._program = lru_cache(maxsize=1024)(self.compile)
        self._plans = lru_cache(maxsize=256)(_plan_of_times)
        return self

    def evaluate(self, expr: str, local_dict: Mapping[str, Any] | None = None, /, **options: Any) -> Any:
        """`numloom.evaluate` on this engine."""
        return _evaluate(self, expr, local_dict, None, options, 3)

    def check(self, expr: str, /, **inputs: Any) -> Check:
        """`numloom.check` under this engine's limits."""
        schema = [_schema_input(name, value) for name, value in inputs.items()]
        if any(is_times(dtype) for _, dtype, _, _ in schema):
            return _check_of_times(self, expr, schema)
        outputs, error = self._check(expr, schema)
        infos = tuple(OutputInfo(name, _numpy_dtype(dtype), reduced) for name, dtype, reduced in outputs)
        return Check(infos, getattr(error, "diagnostics", ()), error)

    def cache_clear(self) -> None:
        """Forgets all kernels and parsed texts; those in use stay with their users."""
        self._program.cache_clear()
        self._plans.cache_clear()
        super().cache_clear()


_lock = threading.Lock()
_default: Engine | None = None


def default_engine() -> Engine:
    """The engine behind the functions of this module; made when it is first asked for."""
    global _default
    if _default is None:
        with _lock:
            if _default is None:
                _default = Engine()
    return _default


def evaluate(
    expr: str,
    local_dict: Mapping[str, Any] | None = None,
    global_dict: Mapping[str, Any] | None = None,
    /,
    **options: Any,
) -> Any:
    """Evaluates `expr` over arrays.

    Inputs come by name: as keywords, in a mapping `local_dict` (or else `global_dict`), or, if there is neither, from the local and global
    variables of the caller. They are NumPy arrays of any layout, which are never copied, numbers, lists, and whatever else NumPy makes an array of. Shapes
    broadcast and dtypes promote as in NumPy 2; a number of Python's is weak, as an input and in the text. Dates and durations (`datetime64`, `timedelta64`) follow
    NumPy's rules, with their units. What the text may call is what `functions` lists.

    Four keywords are no inputs: `out`, an array that is written to and returned (for several outputs a sequence or a mapping of them), which may share memory with
    inputs; `casting` ('same_kind') says which dtypes `out` may have; `order` ('K') how a new array lies; `threads` the most threads of this run.

    Returns an array, or a NumPy scalar if it has no axes; `Outputs` if the expression has several. Where an input is a masked array, or a
    pandas column that may be missing values, so is the result.

    Raises `Error`: whatever is wrong with text, inputs or data.

    >>> a, b = np.array([1, 2, 3], "i2"), 0.5
    >>> evaluate("a + 1")
    array([2, 3, 4], dtype=int16)
    >>> evaluate("double = 2*x; sum(x)", x=[1.5, 2.5])
    Outputs(double=array([3., 5.]), np.float64(4.0))
    >>> evaluate("a*k", a=np.ones(1, "f4"), k=2.5), evaluate("late - early", late=np.datetime64("2024-03-01"), early=np.datetime64("2024-02-01"))
    (array([2.5], dtype=float32), np.timedelta64(29,'D'))
    """
    return _evaluate(_default or default_engine(), expr, local_dict, global_dict, options, 3)


def compile(expr: str, inputs: Sequence[str] | None = None, *, engine: Engine | None = None) -> _numloom.Compiled:
    """A callable that evaluates `expr` over the arrays it is given, in the order of `inputs`, or by name.

    Without `inputs` they are those that the text reads, in the order of their first use: see its `inputs`. It takes `out`, `casting`,
    `order` and `threads` as `evaluate` does, may be called from any number of threads at once, and pickles as its text. Kernels are made for
    dtypes when they are met first.

    >>> f = compile("sqrt(x*x + y*y)", ["y", "x"])
    >>> f(np.array([3.0]), np.array([4.0])), f(x=3.0, y=4.0)
    (array([5.]), np.float64(5.0))
    """
    return (engine or default_engine()).compile(expr, inputs)


def check(expr: str, /, **inputs: Any) -> Check:
    """What `expr` would give for `inputs`, which are arrays or dtypes; or all that is wrong with it. Runs nothing.

    >>> check("a + 1; mean(a)", a="i2").outputs
    (OutputInfo(name=None, dtype=dtype('int16'), reduced=False), OutputInfo(name=None, dtype=dtype('float64'), reduced=True))
    >>> wrong = check("a + bb", a="f8", b=1.5)
    >>> bool(wrong), wrong.diagnostics[0].code, wrong.diagnostics[0].help
    (False, 'unknown-name', 'did you mean `b`?')
    """
    return default_engine().check(expr, **inputs)


def cache_info() -> CacheInfo:
    """What the cache of kernels of the default engine holds."""
    return default_engine().cache_info()


def cache_clear() -> None:
    """Makes the default engine forget all kernels; those in use stay with their users."""
    default_engine().cache_clear()


def _evaluate(
    engine: Engine,
    expr: str,
    local: Mapping[str, Any] | None,
    other: Mapping[str, Any] | None,
    options: dict[str, Any],
    depth: int,
) -> Any:
    program = engine._program(expr)
    if local is None and other is None and not OPTIONS.issuperset(options):
        return _with_constants(engine, expr, program, options)(**options)
    given = {name: options.pop(name) for name in OPTIONS if name in options} if options else {}
    if local is None and other is None:
        return program(*caller_values(program.inputs, depth), **given)
    if local is not None:
        options = {**local, **options} if options else local
    program = _with_constants(engine, expr, program, options)
    return program(*values(program.inputs, options, other), **given)


def _with_constants(engine: Engine, expr: str, program: _numloom.Compiled, inputs: Mapping[str, Any]) -> _numloom.Compiled:
    """The program for inputs some of which may be named as constants are."""
    if CONSTANTS.isdisjoint(inputs):
        return program
    return engine._program(expr, program.inputs + tuple(name for name in CONSTANTS if name in inputs))


def _schema_input(name: str, value: Any) -> tuple[str, np.dtype, bool, bool]:
    """An array, a number or a dtype as (name, dtype, whether it has no axes, whether it is a number of Python's)."""
    if isinstance(value, (str, type, np.dtype)):
        dtype, scalar = np.dtype(value), False
        if not is_times(dtype):
            refuse_dtype(dtype, name)
    else:
        array, _ = operand_of(value, name)
        dtype, scalar = array.dtype, array.ndim == 0
    return name, dtype, scalar, type(value) in (int, float, complex)


def _plan_of_times(program: _numloom.Compiled, signature: Any) -> Any:
    from ._times import written

    return written(program, signature)


def _check_of_times(engine: Engine, expr: str, schema: list[tuple[str, np.dtype, bool, bool]]) -> Check:
    from ._times import about, planned

    try:
        program = engine._program(expr, tuple(name for name, *_ in schema))
        plan = planned(program, tuple((dtype.newbyteorder("=").str, scalar, weak) for _, dtype, scalar, weak in schema))
    except _errors.Error as error:
        return Check((), error.diagnostics, error)
    integers = [(name, np.dtype("i8") if is_times(dtype) else dtype, scalar, weak) for name, dtype, scalar, weak in schema]
    outputs, error = engine._check(plan.program.expr, integers)
    if error is not None:
        error = about(error, plan, program)
    infos = tuple(OutputInfo(name, dtype or _numpy_dtype(found), reduced) for dtype, (name, found, reduced) in zip(plan.dtypes, outputs))
    return Check(infos, getattr(error, "diagnostics", ()), error)


def _numpy_dtype(name: str) -> np.dtype:
    """The dtype that numloom calls `name`, as `f64` or `S5`."""
    if name == "bool" or name.startswith("S"):
        return np.dtype(name)
    kind, bits = name[0], int(name[1:])
    return np.dtype(f"{kind}{bits // 8}")


@lru_cache(maxsize=1024)
def rebuild(expr: str, inputs: tuple[str, ...], engine: Engine) -> _numloom.Compiled:
    """What a pickled `Compiled` becomes: one for each text and engine of a process."""
    return engine.compile(expr, inputs)


def rebuild_engine(cls: type[Engine], options: dict[str, Any]) -> Engine:
    """What a pickled `Engine` becomes: one for each set of options of a process."""
    if cls is Engine and not options:
        return default_engine()
    return _engine_of(cls, tuple(sorted(options.items())))


@lru_cache(maxsize=64)
def _engine_of(cls: type[Engine], options: tuple[tuple[str, Any], ...]) -> Engine:
    return cls(**dict(options))
