"""Texts to trees: Python's own parser, and of what it finds only arithmetic. Nothing is ever evaluated by Python."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from typing import Any

from .expressions import ConstantNode, ExpressionNode, VariableNode, fold, functions, isConstant
from .kinds import OF_TYPE, double

_BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY = {ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_}
_COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def parse(text: str, types: Mapping[str, type], sanitize: bool = True) -> ExpressionNode:
    """The tree of `text`, whose variables have `types`, and are double if they have none.

    Refused syntax is a `ValueError`, if `sanitize`; what does not parse a `SyntaxError`; what has no meaning a `TypeError`.
    """
    try:
        tree = ast.parse(text, "<expr>", "eval")
    except SyntaxError:
        if sanitize and re.search(r"[;:\[]", _QUOTED.sub("", text)):
            raise _forbidden(text) from None
        raise
    except (RecursionError, MemoryError):
        raise _too_deep() from None
    try:
        value = _Reader(text, types).read(tree.body)
    except RecursionError:
        raise _too_deep() from None
    if isConstant(value):
        return ConstantNode(value)
    if not isinstance(value, ExpressionNode):
        raise TypeError(f"unsupported expression type: {type(value)}")
    return value


def _forbidden(text: str) -> ValueError:
    return ValueError(f"Expression {text} has forbidden control characters.")


def _too_deep() -> ValueError:
    return ValueError("the expression is nested too deeply")


class _Reader:
    """One text, being read."""

    def __init__(self, text: str, types: Mapping[str, type]):
        self.text, self.types = text, types

    def read(self, node: ast.expr) -> Any:
        method = getattr(self, f"on_{type(node).__name__}", None)
        if method is None:
            raise TypeError(f"unsupported expression type: {type(node).__name__}")
        return method(node)

    def on_Constant(self, node: ast.Constant) -> Any:
        if not isConstant(node.value):
            raise TypeError(f"unsupported expression type: {type(node.value)}")
        return node.value

    def on_Name(self, node: ast.Name) -> Any:
        if node.id.startswith("__") and node.id.endswith("__"):
            raise _forbidden(self.text)
        if node.id in functions:
            return functions[node.id]
        return VariableNode(node.id, OF_TYPE[self.types.get(node.id, double)])

    def on_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](self.read(node.operand))

    def on_BinOp(self, node: ast.BinOp) -> Any:
        chain = []  # a long sum leans to the left, and is no reason to recurse
        while isinstance(node, ast.BinOp):
            chain.append(node)
            node = node.left
        value = self.read(node)
        for link in reversed(chain):
            compute = _BINARY.get(type(link.op))
            if compute is None:
                raise TypeError("unsupported operator @")
            right = self.read(link.right)
            both = isConstant(value) and isConstant(right)
            value = fold(compute, value, right) if both else compute(value, right)
        return value

    def on_BoolOp(self, node: ast.BoolOp) -> Any:
        stops = isinstance(node.op, ast.Or)
        for operand in node.values:
            value = self.read(operand)
            if operand is not node.values[-1] and bool(value) == stops:
                break
        return value

    def on_Compare(self, node: ast.Compare) -> Any:
        left, result = self.read(node.left), True
        for op, right in zip(node.ops, node.comparators):
            if type(op) not in _COMPARE:
                raise TypeError("`in` and `is` compare objects, not elements; use contains(), or ==")
            if not result:
                break
            right = self.read(right)
            left, result = right, _COMPARE[type(op)](left, right)
        return result

    def on_IfExp(self, node: ast.IfExp) -> Any:
        return self.read(node.body if self.read(node.test) else node.orelse)

    def on_Attribute(self, node: ast.Attribute) -> Any:
        if node.attr not in ("real", "imag"):
            raise _forbidden(self.text)
        return getattr(self.read(node.value), node.attr)

    def on_Call(self, node: ast.Call) -> Any:
        function = self.read(node.func)
        if isinstance(function, ExpressionNode) or isConstant(function):
            raise TypeError(f"'{type(function).__name__}' object is not callable")
        if any(isinstance(arg, ast.Starred) for arg in node.args) or any(not keyword.arg for keyword in node.keywords):
            raise TypeError("unpacked arguments are not supported")
        args = [self.argument(arg) for arg in node.args]
        return function(*args, **{keyword.arg: self.argument(keyword.value) for keyword in node.keywords})

    def argument(self, node: ast.expr) -> Any:
        return None if isinstance(node, ast.Constant) and node.value is None else self.read(node)

    def refuse(self, node: ast.expr) -> Any:
        raise _forbidden(self.text)

    on_Subscript = on_Lambda = on_NamedExpr = refuse
    on_List = on_Dict = on_ListComp = on_SetComp = on_DictComp = on_GeneratorExp = refuse
