"""Trees of expressions, made by operators and functions on `E.a`, `E.b`, ….

What goes in: constants and nodes. What comes out: nodes, each of a kind, with constants computed as Python and NumPy compute them and powers
written out as NumExpr does. PyTables builds on the attributes `astType`, `astKind`, `value` and `children`.
"""

from __future__ import annotations

import operator
import threading
from typing import Any

import numpy as np

from .kinds import KINDS, OF_TYPE, RANK, common_kind, double, int_, kind_of_value, long_

__all__ = ["E"]

default_kind = "double"
type_to_kind = dict(OF_TYPE)
kind_to_type = {name: kind.type for name, kind in KINDS.items() if name != "none"}
kind_rank = RANK
scalar_constant_types = (bool, np.bool_, int, np.integer, float, np.float32, complex, np.complexfloating, bytes, str)

ALL_AXES = 255
"""Stands for no axis in particular where a number must be."""

_POWERS = 50
"""Powers up to this are written out as products."""


class Context(threading.local):
    """How trees are built in this thread: `optimization`, `truediv`."""

    def __init__(self):
        self.options: dict[str, Any] = {}

    def get(self, name: str, default: Any) -> Any:
        return self.options.get(name, default)

    def get_current_context(self) -> dict[str, Any]:
        return self.options

    def set_new_context(self, options: dict[str, Any]) -> None:
        self.options = dict(options)


_context = Context()


def get_optimization() -> str:
    return _context.get("optimization", "none")


def isConstant(value: Any) -> bool:
    return isinstance(value, scalar_constant_types)


def getKind(value: Any) -> str:
    return kind_of_value(value)


class ExpressionNode:
    """A value that is not there yet. Operators on it give further nodes."""

    astType = "generic"
    __array_ufunc__ = None  # so that NumPy's scalars leave operators to us

    def __init__(self, value: Any = None, kind: str | None = None, children: Any = ()):
        self.value = value
        self.astKind = kind or "none"
        self.children = tuple(children or ())

    @property
    def real(self) -> ExpressionNode:
        return OpNode("real", [self], "double")

    @property
    def imag(self) -> ExpressionNode:
        return OpNode("imag", [self], "double")

    def __bool__(self) -> bool:
        raise TypeError(
            "You can't use Python's standard boolean operators in NumExpr expressions. You should use their bitwise "
            "counterparts instead: '&' instead of 'and', '|' instead of 'or', and '~' instead of 'not'."
        )

    def __pos__(self) -> ExpressionNode:
        return self

    def __neg__(self) -> ExpressionNode:
        return OpNode("neg", [self])

    def __invert__(self) -> ExpressionNode:
        return OpNode("invert", [self])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value}, {self.astKind}, {self.children})"

    __hash__ = None  # equality is an operation


class VariableNode(ExpressionNode):
    """An input."""

    astType = "variable"

    def __init__(self, value: str, kind: str):
        super().__init__(value, kind)


class ConstantNode(ExpressionNode):
    """A number or a text. Python's floats are double here."""

    astType = "constant"

    def __init__(self, value: Any):
        kind = getKind(value)
        super().__init__(value, "double" if kind == "float" and isinstance(value, float) else kind)

    @property
    def real(self) -> ConstantNode:
        return ConstantNode(complex(self.value).real)

    @property
    def imag(self) -> ConstantNode:
        return ConstantNode(complex(self.value).imag)

    def __neg__(self) -> ConstantNode:
        return ConstantNode(-self.value)

    def __invert__(self) -> ConstantNode:
        return ConstantNode(~self.value)


class RawNode:
    """A number that is no value: an axis."""

    astType = "raw"
    astKind = "none"

    def __init__(self, value: int):
        self.value = value
        self.children = ()


class OpNode(ExpressionNode):
    """An operation."""

    astType = "op"

    def __init__(self, opcode: str, args: Any = (), kind: str | None = None):
        kind = kind or common_kind([arg.astKind for arg in args])
        if kind == "bool":  # sums and products of truth values
            opcode = {"add": "or", "mul": "and"}.get(opcode, opcode)
        super().__init__(opcode, kind, args)


class FuncNode(OpNode):
    """A function."""


def _nodes(args: Any) -> list[ExpressionNode]:
    nodes = [ConstantNode(arg) if isConstant(arg) else arg for arg in args]
    for node in nodes:
        if not isinstance(node, ExpressionNode):
            raise TypeError(f"unsupported object type: {type(node)}")
    return nodes


def _constants(nodes: list[ExpressionNode]) -> bool:
    return all(isinstance(node, ConstantNode) for node in nodes)


def fold(compute: Any, *values: Any) -> Any:
    """What Python computes from constants, unless that takes more digits than any kind has."""
    if compute in (operator.pow, operator.lshift) and all(isinstance(value, int) for value in values):
        base, count = values
        if max(base.bit_length(), 1) * abs(count) > 4096 and abs(base) > 1:
            raise OverflowError("Python int too large to convert to C long")
    if compute is operator.mul and any(isinstance(value, (str, bytes)) for value in values):
        raise TypeError("strings can only be operated with strings")
    return compute(*values)


def _binary(name: str, compute: Any, kind: str | None = None):
    def forward(self, other):
        left, right = nodes = _nodes([self, other])
        if _constants(nodes):
            return ConstantNode(fold(compute, left.value, right.value))
        return OpNode(name, nodes, kind)

    return forward, lambda self, other: forward(other, self)


def _true_division(self, other):
    left, right = nodes = _nodes([self, other])
    if _constants(nodes):
        return ConstantNode(fold(operator.truediv, left.value, right.value))
    kind = common_kind([left.astKind, right.astKind])
    return OpNode("div", nodes, "double" if kind in ("bool", "int", "long") else kind)


def _power(base, exponent):
    base, exponent = nodes = _nodes([base, exponent])
    if _constants(nodes):
        return ConstantNode(fold(operator.pow, base.value, exponent.value))
    if not isinstance(exponent, ConstantNode):
        return OpNode("pow", nodes)
    x, integers = exponent.value, ("int", "long")
    if base.astKind in integers and exponent.astKind in integers and x < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    level = get_optimization()
    if exponent.astKind in ("complex", "bytes") or level == "none":
        return OpNode("pow", nodes)
    if level == "aggressive" and 2 * x == np.floor(2 * x) and abs(x) <= _POWERS:
        return _written_out(base, x)
    root_kind = "double" if base.astKind in integers else base.astKind
    plain = {
        -1: lambda: OpNode("div", _nodes([1, base])),
        0: lambda: OpNode("ones_like", [base]),
        0.5: lambda: FuncNode("sqrt", [base], root_kind),
        1: lambda: base,
        2: lambda: OpNode("mul", [base, base]),
    }
    return plain[x]() if x in plain else OpNode("pow", nodes)


def _written_out(base, x):
    """A power of a whole or half exponent as products, by squaring. The exponent's kind goes: a power of ints is an int."""
    product, square, n = None, base, int(abs(x))
    while n:
        if n & 1:
            product = square if product is None else OpNode("mul", [product, square])
        n >>= 1
        square = OpNode("mul", [square, square]) if n else square
    if int(abs(2 * x)) & 1:
        kind = "double" if base.astKind in ("int", "long") else base.astKind
        root = OpNode("sqrt", [base], kind)
        product = root if product is None else OpNode("mul", [product, root])
    if product is None:
        product = OpNode("ones_like", [base])
    return _true_division(1, product) if x < 0 else product


def _define_operators() -> None:
    arithmetic = "add sub mul floordiv mod lshift rshift and or xor".split()
    names = {"and": "and_", "or": "or_"}
    for name in arithmetic:
        forward, backward = _binary(name, getattr(operator, names.get(name, name)))
        setattr(ExpressionNode, f"__{name}__", forward)
        setattr(ExpressionNode, f"__r{name}__", backward)
    for name, (of, swapped) in {"gt": ("gt", False), "ge": ("ge", False), "lt": ("gt", True), "le": ("ge", True)}.items():
        setattr(ExpressionNode, f"__{name}__", _binary(of, getattr(operator, of), "bool")[swapped])
    for name in ("eq", "ne"):
        setattr(ExpressionNode, f"__{name}__", _binary(name, getattr(operator, name), "bool")[0])
    ExpressionNode.__truediv__ = _true_division
    ExpressionNode.__rtruediv__ = lambda self, other: _true_division(other, self)
    ExpressionNode.__pow__ = _power
    ExpressionNode.__rpow__ = lambda self, other: _power(other, self)


_define_operators()


def _function(compute: Any, least: str | None = None, most: str | None = None, kind: str | None = None):
    """A function of numbers whose result is of at least, at most, or exactly some kind."""
    name = compute.__name__
    keeps_integers = name in ("copy", "ones_like", "round", "sign")

    def call(*args):
        nodes = _nodes(args)
        if _constants(nodes):
            with np.errstate(all="ignore"):
                return ConstantNode(compute(*(node.value for node in nodes)))
        found = common_kind([node.astKind for node in nodes])
        if found in ("int", "long") and not keeps_integers:
            found = "double"
        elif found not in ("int", "long"):
            if least and RANK.index(found) < RANK.index(least):
                found = least
            if most and RANK.index(found) > RANK.index(most):
                found = most
        return FuncNode(name, nodes, kind or found)

    return call


def _where(condition, x, y):
    condition, x, y = nodes = _nodes([condition, x, y])
    if isinstance(condition, ConstantNode):
        return x if condition.value else y
    return FuncNode("where", nodes)


def _contains(text, part):
    return FuncNode("contains", _nodes([text, part]), "bool")


def _reduction(name: str):
    def call(a, axis=None):
        axis = axis.value if isinstance(axis, ConstantNode) else axis
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, (int, np.integer))):
            raise TypeError(f"axis must be a whole number or None, not {type(axis).__name__}")
        if axis is not None and axis < 0:
            raise ValueError("negative axis are not supported")
        if axis is not None and axis >= ALL_AXES:
            raise ValueError("cannot encode axis")
        (a,) = _nodes([a])
        if isinstance(a, ConstantNode):
            return a
        return FuncNode(name, [a, RawNode(ALL_AXES if axis is None else int(axis))], a.astKind)

    return call


functions = {
    **{name: _function(getattr(np, name), "float") for name in (
        "sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
        "fmod arctan2 log log1p log10 log2 exp expm1 abs".split())},
    **{name: _function(getattr(np, name), "float", "double") for name in ("ceil", "floor")},
    **{name: _function(getattr(np, name), "double") for name in
       "hypot nextafter copysign maximum minimum round trunc sign".split()},
    **{name: _function(getattr(np, name), "double", "double") for name in ("real", "imag")},
    **{name: _function(getattr(np, name), "double", kind="bool") for name in ("isnan", "isfinite", "isinf", "signbit")},
    **{name: _function(getattr(np, name)) for name in ("copy", "ones_like")},
    "complex": _function(complex, "complex"),
    "conj": _function(np.conj, "complex"),
    "where": _where,
    "contains": _contains,
    **{name: _reduction(name) for name in ("sum", "prod", "min", "max")},
}  # fmt: skip
"""Every function that an expression may call."""


class Expression:
    """`E.a` is the variable `a`, of double precision."""

    def __getattr__(self, name: str) -> VariableNode:
        if name.startswith("_"):
            raise AttributeError(name)
        return VariableNode(name, default_kind)


E = Expression()
