"""Expressions over the columns of pandas.

    >>> import pandas as pd, numloom.pandas
    >>> df = pd.DataFrame({"price": [2.5, 1.0], "qty": pd.array([4, None], "Int64")})
    >>> numloom.pandas.evaluate(df, "cost = price*qty; sum(price*qty)").cost.tolist()
    [10.0, <NA>]

pandas' own `eval` and `query` run on numloom, too, where it stands in for NumExpr: `numloom.install_as_numexpr()`, before pandas is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import _compile
from ._outputs import Outputs

__all__ = ["evaluate"]


def evaluate(frame: pd.DataFrame, expr: str, /, *, threads: int | None = None, **inputs: Any) -> Any:
    """Evaluates `expr` over columns of `frame`, and further `inputs`, which go before columns of their name.

    A result with an element for each row is a `Series` with the index of `frame`, of a nullable dtype if a column that it may depend on is nullable, with missing
    values kept. Another is as `numloom.evaluate` gives it: a number for `sum(price*qty)`. Several are `Outputs`. Only columns that the text names
    are looked at.
    """
    engine = _compile.default_engine()
    program = _compile._with_constants(engine, expr, engine._program(expr), {**dict.fromkeys(map(str, frame.columns)), **inputs})
    unknown = [name for name in inputs if name not in program.inputs]
    if unknown:
        raise _compile._errors.InputError(f"no input named `{unknown[0]}`", "unexpected-input")
    arrays = _compile.values(program.inputs, inputs, frame)
    result = program(*arrays, threads=threads)
    if isinstance(result, Outputs):
        return Outputs([_series(value, frame.index, name) for name, value in zip(program.outputs, result)], program.outputs)
    return _series(result, frame.index, program.outputs[0])


def _series(value: Any, index: pd.Index, name: str | None) -> Any:
    if value is np.ma.masked:
        return pd.NA
    if np.shape(value) != (len(index),):
        return value
    if isinstance(value, np.ma.MaskedArray):
        value = _nullable(np.asarray(value.data), np.ma.getmaskarray(value))
    return pd.Series(value, index=index, name=name, copy=False)


def _nullable(elements: np.ndarray, mask: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Elements of which some are missing, as an array of pandas' nullable dtypes."""
    if elements.dtype.kind == "b":
        return pd.arrays.BooleanArray(elements, mask)
    if elements.dtype.kind == "f":
        return pd.arrays.FloatingArray(elements, mask)
    if elements.dtype.kind in "iu":
        return pd.arrays.IntegerArray(elements, mask)
    return pd.array([None if gone else x for x, gone in zip(elements.tolist(), mask)], dtype=object)
