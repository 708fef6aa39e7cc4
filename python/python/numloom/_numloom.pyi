"""The compiled half of `numloom`."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from typing_extensions import disjoint_base

from ._compile import CacheInfo, Statement

__all__ = ["Compiled", "Engine", "LazyNode", "Running", "Source", "__version__", "draw", "error_codes", "functions"]

__version__: str

@final
class Compiled:
    """An expression that waits for arrays: call it with one for each of its inputs."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def explain(self, *args: Any, stage: str = "plan", **kwargs: Any) -> str: ...
    @property
    def expr(self) -> str: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[str | None, ...]: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def variants(self) -> list[tuple[str, str]]: ...
    def _tree(
        self,
    ) -> tuple[
        list[tuple[str, tuple[int, int], str | None, list[int], list[str | None]]],
        list[tuple[str | None, int, bool]],
    ]: ...
    @property
    def _statements(self) -> list[Statement]: ...
    def _transform(
        self,
        inputs: list[tuple[str, Any]],
        outputs: list[tuple[str | None, str]],
        settings: dict[str, Any],
        tell: Callable[[int], Callable[[int, int], Any]] | None,
    ) -> tuple[list[Any], bool]: ...
    def _stream(
        self,
        source: Source,
        values: list[tuple[str, Any]],
        chunk: int,
        threads: int | None,
        target: str,
        files: Sequence[tuple[str | None, str]],
    ) -> Running: ...
    def _repr_html_(self) -> str: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@disjoint_base
class Engine:
    """Options, a pool of threads and a cache of kernels, held together."""

    def __new__(cls, **options: Any) -> Engine: ...
    def compile(self, expr: str, inputs: Any = None) -> Compiled: ...
    def cache_info(self) -> CacheInfo: ...
    def cache_clear(self) -> None: ...
    @property
    def options(self) -> dict[str, Any]: ...
    @property
    def threads(self) -> int: ...
    def _check(
        self, expr: str, schema: list[tuple[str, np.dtype, bool, bool]]
    ) -> tuple[list[tuple[str | None, str, bool]], Any]: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Source:
    """A table: a file, a file-like object, or whatever gives blocks of columns."""

    @staticmethod
    def csv(
        input: Any,
        *,
        delimiter: str,
        quote: str,
        comment: str,
        header: bool,
        names: list[str] | None,
        skip_lines: int,
        missing: list[str] | None,
        missing_is_error: bool,
        dtypes: list[tuple[str, np.dtype]],
        every_dtype: np.dtype | None,
        sample: int,
    ) -> Source: ...
    @staticmethod
    def text(
        input: Any,
        *,
        comment: str,
        columns: list[int] | None,
        names: list[str] | None,
        skip_lines: int,
        dtypes: list[tuple[str, np.dtype]],
        every_dtype: np.dtype | None,
    ) -> Source: ...
    @staticmethod
    def files(files: list[tuple[str, str]]) -> Source: ...
    @staticmethod
    def npz(path: str, members: list[str]) -> Source: ...
    @staticmethod
    def blocks(object: Any, columns: list[tuple[str, np.dtype, tuple[int, ...]]], restarts: bool) -> Source: ...
    @property
    def columns(self) -> list[tuple[str, str]]: ...
    @property
    def rows(self) -> int | None: ...

@final
class Running:
    """A run over a source: an iterator over blocks of its columns."""

    def __iter__(self) -> Running: ...
    def __next__(self) -> tuple[list[np.ndarray], tuple[str | None, ...]]: ...
    def values(self) -> list[Any] | None: ...
    def close(self) -> None: ...

@final
class LazyNode:
    """A node of a graph that is computed when it is asked for."""

    @staticmethod
    def array(array: np.ndarray) -> LazyNode: ...
    @staticmethod
    def file(path: str, raw: str | None = None) -> LazyNode: ...
    @staticmethod
    def call(name: str, args: list[Any], keywords: list[tuple[str, Any]]) -> LazyNode: ...
    @staticmethod
    def expr(text: str, inputs: list[tuple[str, LazyNode]]) -> LazyNode: ...
    def subscript(self, items: list[Any]) -> LazyNode: ...
    def hold(self) -> LazyNode: ...
    def with_chunks(self, rows: int | None) -> LazyNode: ...
    @property
    def chunks(self) -> int | None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def origin(self) -> tuple[Any, ...]: ...
    def expression(self) -> tuple[str, list[tuple[str, LazyNode]]]: ...
    @staticmethod
    def explain(nodes: list[LazyNode], engine: Engine) -> str: ...
    @staticmethod
    def draw(nodes: list[LazyNode], format: str) -> str: ...
    @staticmethod
    def compute(
        nodes: list[LazyNode],
        engine: Engine,
        *,
        files: list[str | None] | None = None,
        threads: int | None = None,
        memory: int | None = None,
        fresh: bool = False,
        progress: Any = None,
    ) -> list[Any]: ...

def draw(
    src: str,
    code: str,
    message: str,
    labels: Sequence[tuple[tuple[int, int], str | None, bool]],
    notes: Sequence[str],
    help: str | None,
) -> str: ...
def error_codes() -> list[tuple[str, str]]: ...
def functions() -> list[tuple[list[str], str, str, float | None]]: ...
