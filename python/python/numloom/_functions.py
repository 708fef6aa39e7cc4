"""The functions of the language, from the library's own table."""

from __future__ import annotations

import html
from functools import lru_cache
from typing import NamedTuple

from . import _numloom


class Function(NamedTuple):
    """One function that expressions may call."""

    names: tuple[str, ...]
    """Its names, the usual one first."""
    signature: str
    doc: str
    max_ulp: float | None
    """Its greatest error in units in the last place, where that is known."""

    def __str__(self) -> str:
        return f"{self.signature}: {self.doc}"


class Functions(dict[str, Function]):
    """Functions by their usual names; printed, a line for each, and a table in notebooks."""

    def __str__(self) -> str:
        width = max((len(function.signature) for function in self.values()), default=0)
        return "\n".join(f"{function.signature:{width}}  {function.doc}" for function in self.values())

    def _repr_html_(self) -> str:
        cells = ((function.signature, ", ".join(function.names[1:]), function.doc) for function in self.values())
        rows = ("".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row) for row in cells)
        return "<table><tr><th>function<th>also called<th>what it is" + "".join(f"<tr>{row}" for row in rows) + "</table>"


def functions() -> Functions:
    """Every function of the language, under its usual name: `print(functions())` lists them.

    >>> functions()["hypot"].signature
    'hypot(x, y)'
    >>> print(functions()["hypot"])
    hypot(x, y): sqrt(x*x + y*y) without overflow on the way
    """
    table = (Function(tuple(names), *rest) for names, *rest in _numloom.functions())
    return Functions((function.names[0], function) for function in table)


@lru_cache(maxsize=1)
def _usual_names() -> dict[str, str]:
    return {alias: name for name, function in functions().items() for alias in function.names}


def usual_name(name: str) -> str:
    """The usual name of the function that is called so; a name of none as it is."""
    return _usual_names().get(name, name)
