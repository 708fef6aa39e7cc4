"""The functions of the language, from the library's own table."""

from __future__ import annotations

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


def functions() -> dict[str, Function]:
    """Every function of the language, under its usual name.

    >>> functions()["hypot"].signature
    'hypot(x, y)'
    """
    table = (Function(tuple(names), *rest) for names, *rest in _numloom.functions())
    return {function.names[0]: function for function in table}
