"""NumExpr's interface over numloom: `import numloom.numexpr as ne`, or for programs that import `numexpr` themselves

    import numloom
    numloom.install_as_numexpr()

before they do. Names, arguments, dtypes of results, classes of errors and their texts are those of NumExpr 2.14; its wrong values and
crashes are not: see `docs/for-numexpr-users.md`. Texts are parsed, and never evaluated as Python.
"""

from . import expressions, interpreter, necompiler, utils, version
from .expressions import E
from .interpreter import __BLOCK_SIZE1__, use_vml
from .necompiler import NumExpr, disassemble, evaluate, re_evaluate, validate
from .utils import (
    MAX_THREADS,
    _init_num_threads,
    detect_number_of_cores,
    detect_number_of_threads,
    get_num_threads,
    get_vml_version,
    set_num_threads,
    set_vml_accuracy_mode,
    set_vml_num_threads,
)

is_cpu_amd_intel = False
ncores = detect_number_of_cores()
nthreads = _init_num_threads()
__version__ = version.version


def print_versions() -> None:
    """Prints what runs here."""
    import numpy

    from .. import __version__ as numloom_version

    print(f"NumExpr interface: {__version__}, by numloom {numloom_version}\nNumPy: {numpy.__version__}\nthreads: {get_num_threads()} of {ncores}")


def test(verbosity: int = 1) -> None:
    """There is no suite inside the package."""
    raise NotImplementedError("numloom's tests are in its repository: ./ci.sh python")


__all__ = [
    "E",
    "MAX_THREADS",
    "NumExpr",
    "detect_number_of_cores",
    "detect_number_of_threads",
    "disassemble",
    "evaluate",
    "expressions",
    "get_num_threads",
    "get_vml_version",
    "interpreter",
    "ncores",
    "necompiler",
    "nthreads",
    "print_versions",
    "re_evaluate",
    "set_num_threads",
    "set_vml_accuracy_mode",
    "set_vml_num_threads",
    "test",
    "use_vml",
    "utils",
    "validate",
]
