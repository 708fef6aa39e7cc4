"""Standing in for NumExpr under its name."""

from __future__ import annotations

import importlib
import sys


def install_as_numexpr() -> None:
    """Makes `import numexpr` give `numloom.numexpr`, in this process, from now on.

    To be called before programs that import NumExpr themselves, as pandas, PyTables and blosc2 do.
    """
    package = importlib.import_module("numloom.numexpr")
    for name in ("expressions", "interpreter", "kinds", "necompiler", "opcodes", "utils", "version"):
        sys.modules[f"numexpr.{name}"] = importlib.import_module(f"numloom.numexpr.{name}")
    sys.modules["numexpr"] = package
