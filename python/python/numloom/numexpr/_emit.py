"""Trees to numloom's language: every kind is written as a cast, so that nothing is left to promotion.

What goes in: a tree. What comes out: the source that `numloom.compile` takes, or a `NotImplementedError` that names the operation there is none of.
What is used twice becomes a `let`, so that the source is no longer than the tree, however its parts are shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .expressions import ALL_AXES
from .kinds import KINDS, NUMBERS, OF_CODE
from .opcodes import resolve

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "mod": "%", "pow": "**", "lshift": "<<", "rshift": ">>",
    "and": "&", "or": "|", "xor": "^", "eq": "==", "ne": "!=", "gt": ">", "ge": ">=",
}  # fmt: skip
_PREFIX = {"neg": "-", "invert": "~"}
REDUCTIONS = ("sum", "prod", "min", "max")

_PLAIN = re.compile(r"[A-Za-z]\w*", re.ASCII)
_TAKEN = {"pi", "e", "inf", "nan", "let", "and", "or", "not", "if", "else", "in", "is", "True", "False", "None"}

_DEEP = 40
"""Nesting from which on a part is given a name: the language has a limit."""


class Source(NamedTuple):
    """A tree in numloom's language."""

    text: str
    dtype: np.dtype
    """The result's; that of a sum or product of ints is wider."""
    constants: tuple[Any, ...]
    """Each constant once, in its kind."""


def spelled(names: Iterable[str]) -> list[str]:
    """Names of inputs as the language can have them."""
    return [name if _PLAIN.fullmatch(name) and name not in _TAKEN else f"_in{i}" for i, name in enumerate(names)]


def children_first(root: Any) -> Iterator[Any]:
    """Every node of a tree once, after what it is made of."""
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))


def code_of(node: Any) -> str:
    return KINDS[node.astKind].code


def source(root: Any, names: dict[str, str], unsigned: frozenset[str] = frozenset()) -> Source:
    """The source of a tree whose variables are spelled as `names` says; those in `unsigned` are `uint64`."""
    nodes = list(children_first(root))
    uses: dict[int, int] = {}
    for node in nodes:
        for child in node.children:
            uses[id(child)] = uses.get(id(child), 0) + 1
    written: dict[int, tuple[str, int]] = {}
    lets: list[str] = []
    constants: dict[tuple, Any] = {}
    for node in nodes:
        code = code_of(node)
        if node.astType == "raw":
            continue
        if node.astType == "variable":
            text, depth = _variable(names[node.value], code, node.value in unsigned), 1
        elif node.astType == "constant":
            text, depth = constant(node.value, code), 1
        else:
            if node.value in REDUCTIONS and node is not root:
                raise RuntimeError("invalid program: reduction operations must occur last")
            text, depth = _operation(node, code, written, constants)
            if node is not root and (uses[id(node)] > 1 or depth > _DEEP):
                lets.append(f"let _{len(lets)} = {text}")
                text, depth = f"_{len(lets) - 1}", 1
        written[id(node)] = text, depth
    if root.astType == "constant":
        _note(constants, root.value, code_of(root))
    text = "; ".join([*lets, written[id(root)][0]])
    code = code_of(root)
    widened = root.astType == "op" and root.value in ("sum", "prod") and code == "i"
    return Source(text, np.dtype("i8" if widened else KINDS[OF_CODE[code]].dtype), _sorted(constants))


def _operation(node: Any, code: str, written: dict, constants: dict) -> tuple[str, int]:
    args = "".join(code_of(child) for child in node.children)
    wanted = resolve(node.value, code, args)
    texts, depths = [], [0]
    for child, have, want in zip(node.children, args, wanted):
        if child.astType == "raw":
            continue
        text, depth = written[id(child)]
        if child.astType == "constant":
            text = constant(child.value, want)
            _note(constants, child.value, want)
        elif have != want:
            text, depth = f"{KINDS[OF_CODE[want]].cast}({text})", depth + 1
        texts.append(text)
        depths.append(depth)
    return _call(node, code, texts), max(depths) + 1


def _call(node: Any, code: str, texts: list[str]) -> str:
    name = node.value
    if name in _INFIX:
        return f"({texts[0]} {_INFIX[name]} {texts[1]})"
    if name in _PREFIX:
        return f"({_PREFIX[name]}{texts[0]})"
    if name == "copy":
        return texts[0]
    if name in REDUCTIONS:
        axis = node.children[1].value
        return f"{name}({texts[0]})" if axis == ALL_AXES else f"{name}({texts[0]}, axis={axis})"
    text = f"{name}({', '.join(texts)})"
    return f"c128({text})" if name == "absolute" and code == "c" else text


def _variable(name: str, code: str, unsigned: bool) -> str:
    """An input as a value of its kind. A `uint64` that no int64 holds is an error, not another number."""
    if code not in NUMBERS:
        return name
    mode = ", 'checked'" if unsigned else ""
    return f"{KINDS[OF_CODE[code]].cast}({name}{mode})"


def constant(value: Any, code: str) -> str:
    """A constant as a value of its kind."""
    kind = KINDS[OF_CODE[code]]
    if code == "s":
        return repr(in_kind(value, code))
    if code == "b":
        return str(bool(value))
    if code == "c":
        value = complex(value)
        return f"complex({_real(value.real, 'f64')}, {_real(value.imag, 'f64')})"
    if code in "il":
        if not np.iinfo(kind.dtype).min <= value <= np.iinfo(kind.dtype).max:
            raise OverflowError("Python int too large to convert to C long")
        return f"{kind.cast}({int(value)})"
    return _real(float(value), kind.cast)


def _real(value: float, cast: str) -> str:
    return f"{cast}({value!r})"


def in_kind(value: Any, code: str) -> Any:
    """A constant as its kind has it."""
    if code == "s":
        return value.encode("ascii") if isinstance(value, str) else bytes(value)
    if code == "f":
        return np.float32(value)
    return KINDS[OF_CODE[code]].type(value)


def _note(constants: dict[tuple, Any], value: Any, code: str) -> None:
    value = in_kind(value, code)
    constants.setdefault((code, repr(value)), value)


def _sorted(constants: dict[tuple, Any]) -> tuple[Any, ...]:
    return tuple(constants[key] for key in sorted(constants))
