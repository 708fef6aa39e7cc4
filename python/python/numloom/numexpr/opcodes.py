"""Which operations exist for which kinds, as NumExpr names them: `add_iii` takes two ints and gives one.

What it has no operation for, programs get by casting upwards, or not at all: `NotImplementedError` names it, and PyTables reads the name.
"""

from __future__ import annotations

from itertools import product

from .kinds import NUMBERS

# For each operation, the kinds it has, and how a kind becomes the signature of result and arguments.
_TABLE = [
    ("add sub mul", "ilfdc", "{0}{0}{0}"),
    ("div", "ilfdc", "{0}{0}{0}"),
    ("floordiv mod", "ilfd", "{0}{0}{0}"),
    ("pow", "ilfd", "{0}{0}{0}"),
    ("lshift rshift", "il", "{0}{0}{0}"),
    ("and or xor", "bil", "{0}{0}{0}"),
    ("invert", "bil", "{0}{0}"),
    ("neg", "ilfdc", "{0}{0}"),
    ("eq ne", "bilfdcs", "b{0}{0}"),
    ("gt ge", "ilfds", "b{0}{0}"),
    ("copy", "bilfdcs", "{0}{0}"),
    ("ones_like", "ilfdc", "{0}{0}"),
    ("where", "bilfdc", "{0}b{0}{0}"),
    ("sqrt", "fd", "{0}{0}"),
    ("real imag", "c", "d{0}"),
    ("complex", "d", "c{0}{0}"),
    ("contains", "s", "b{0}{0}"),
    ("sum prod", "ilfdc", "{0}{0}n"),
    ("min max", "ilfd", "{0}{0}n"),
]

# Looked at where nothing above fits.
_FUNCTIONS = [
    ("sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh", "fdc", "{0}{0}"),
    ("log log1p log10 log2 exp expm1 conjugate", "fdc", "{0}{0}"),
    ("absolute", "ilfdc", "{0}{0}"),
    ("round sign", "ilfdc", "{0}{0}"),
    ("ceil floor trunc", "fd", "{0}{0}"),
    ("fmod arctan2 hypot nextafter copysign maximum minimum", "fd", "{0}{0}{0}"),
    ("isnan isfinite isinf", "fdc", "b{0}"),
    ("signbit", "fd", "b{0}"),
    ("pow", "c", "{0}{0}{0}"),
]


def _names(table: list[tuple[str, str, str]]) -> frozenset[str]:
    rows = ((names.split(), kinds, shape) for names, kinds, shape in table)
    return frozenset(f"{name}_{shape.format(kind)}" for names, kinds, shape in rows for name in names for kind in kinds)


OPCODES = _names(_TABLE)
FUNCCODES = _names(_FUNCTIONS)


def upcasts(codes: str):
    """Every list of kinds that these may be cast to, the nearest first; text stays text."""
    return map("".join, product(*(NUMBERS[NUMBERS.index(code) :] if code in NUMBERS else code for code in codes)))


def resolve(name: str, result: str, args: str) -> str:
    """The kinds of arguments that the operation takes in the place of `args`, so that it gives `result`."""
    for table in (OPCODES, FUNCCODES):
        for taken in upcasts(args):
            if f"{name}_{result}{taken}" in table:
                return taken
    raise NotImplementedError(f"couldn't find matching opcode for '{name}_{result}{args}'")
