"""Array expressions from strings, in as few fused passes over memory as can be.

    >>> import numpy as np, numloom as nl
    >>> a, b = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    >>> nl.evaluate("2*a + 3*b")
    array([32., 64.])
    >>> f = nl.compile("lo = min(a - b); hi = max(a - b)")
    >>> f(a, b=b)
    Outputs(lo=np.float64(-18.0), hi=np.float64(-9.0))

`evaluate` takes the arrays it is given by name, or else looks names up where it is called. `compile` makes a callable that can be held,
pickled, and called from any number of threads. `check` says what an expression would give, or all that is wrong with it, without
running anything. `transform` goes through files that are larger than memory, `stream` and the `scan_` functions through tables that come a
chunk at a time. `from_array` and `from_npy` make lazy arrays, which NumPy's operators and functions take, and `compute` computes together. An `Engine` has
options of its own. Whatever is wrong is a `numloom.Error`.
"""

from ._compile import (
    CacheInfo,
    Check,
    Engine,
    OutputInfo,
    cache_clear,
    cache_info,
    check,
    compile,
    evaluate,
)
from ._errors import (
    CancelledError,
    Diagnostic,
    EngineError,
    Error,
    ExprSyntaxError,
    ExprTypeError,
    FileError,
    InputError,
    InternalError,
    Label,
    LimitError,
    OutOfMemoryError,
    RecordError,
    RunError,
    ShapeError,
    error_codes,
)
from ._functions import Function, Functions, functions
from ._install import install_as_numexpr
from ._lazy import Lazy, compute, from_array, from_npy, visualize
from ._numloom import Compiled, __version__
from ._outputs import Outputs
from ._stream import Source, Stream, scan_csv, scan_npy, scan_text, stream
from ._transform import Transformed, transform

__all__ = [
    "CacheInfo",
    "CancelledError",
    "Check",
    "Compiled",
    "Diagnostic",
    "Engine",
    "EngineError",
    "Error",
    "ExprSyntaxError",
    "ExprTypeError",
    "FileError",
    "Function",
    "Functions",
    "InputError",
    "InternalError",
    "Label",
    "Lazy",
    "LimitError",
    "OutOfMemoryError",
    "OutputInfo",
    "Outputs",
    "RecordError",
    "RunError",
    "ShapeError",
    "Source",
    "Stream",
    "Transformed",
    "__version__",
    "cache_clear",
    "cache_info",
    "check",
    "compile",
    "compute",
    "error_codes",
    "evaluate",
    "from_array",
    "from_npy",
    "functions",
    "install_as_numexpr",
    "scan_csv",
    "scan_npy",
    "scan_text",
    "stream",
    "transform",
    "visualize",
]

# Where they are to be found, not where they happen to be written.
for _public in [globals()[_name] for _name in __all__]:
    if isinstance(_public, type) and _public.__module__.startswith("numloom._"):
        _public.__module__ = "numloom"
del _public
