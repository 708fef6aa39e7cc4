"""One expression of `cases.py` as a program, and that program as the source of each peer."""

from __future__ import annotations

import ast
from dataclasses import dataclass

REDUCTIONS = ("sum", "mean", "std", "min", "max")

UFUNCS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}


@dataclass(frozen=True)
class Program:
    """Temporaries and outputs in order, over named inputs."""

    text: str
    inputs: tuple[str, ...]
    temporaries: tuple[tuple[str, ast.expr], ...]
    outputs: tuple[ast.expr, ...]

    @classmethod
    def parse(cls, text: str) -> Program:
        """Reads statements `let name = value`, `name = value` and `value`, parted by semicolons."""
        temporaries, outputs = [], []
        for statement in " ".join(text.split()).split(";"):
            target, is_let = statement.strip(), False
            if target.startswith("let "):
                target, is_let = target[4:], True
            node = ast.parse(target).body[0]
            if is_let:
                temporaries.append((node.targets[0].id, node.value))
            else:
                outputs.append(node.value)
        own = {name for name, _ in temporaries}
        inputs = []
        for tree in [value for _, value in temporaries] + outputs:
            called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Name) and id(node) not in called and node.id not in own and node.id not in inputs:
                    inputs.append(node.id)
        return cls(" ".join(text.split()), tuple(sorted(inputs)), tuple(temporaries), tuple(outputs))

    @property
    def trees(self) -> list[ast.expr]:
        """All that is computed."""
        return [value for _, value in self.temporaries] + list(self.outputs)

    def lines(self, indent: str = "    ") -> str:
        """The temporaries as Python statements."""
        return "".join(f"{indent}{name} = {ast.unparse(value)}\n" for name, value in self.temporaries)

    def python(self, out: bool) -> str:
        """A function over arrays, as one writes it in NumPy; with `out`, the last operation of each output goes there."""
        results = [f"_o{i}" for i in range(len(self.outputs))]
        source = f"def f({', '.join(self.inputs + (('out',) if out else ()))}):\n{self.lines()}"
        for i, (name, value) in enumerate(zip(results, self.outputs, strict=True)):
            source += f"    {name} = {_into(value, f'out[{i}]') if out else ast.unparse(value)}\n"
        return source + f"    return {', '.join(results)},\n"

    def single(self) -> list[str] | None:
        """Each output as one expression with its temporaries written out, or `None` where that is more than a reader would write."""
        known: dict[str, ast.expr] = {}
        texts = []
        for name, value in (*self.temporaries, *((None, value) for value in self.outputs)):
            whole = _Inline(known).visit(ast.parse(ast.unparse(value), mode="eval").body)
            text = ast.unparse(whole)
            if len(text) > 5_000:
                return None
            if name is None:
                texts.append(text)
            else:
                known[name] = whole
        return texts


class _Inline(ast.NodeTransformer):
    """Replaces names by what they stand for."""

    def __init__(self, known: dict[str, ast.expr]):
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)


def _into(value: ast.expr, place: str) -> str:
    """`value` with its last operation writing to `place`."""
    if isinstance(value, ast.BinOp):
        return f"{UFUNCS[type(value.op)]}({ast.unparse(value.left)}, {ast.unparse(value.right)}, out={place})"
    if isinstance(value, ast.Call) and value.func.id not in REDUCTIONS + ("where",):
        return ast.unparse(value)[:-1] + f", out={place})"
    if isinstance(value, ast.Call) and value.func.id == "where":
        return f"assign({place}, {ast.unparse(value)})"
    return ast.unparse(value)


def c_expression(value: ast.expr, suffix: str = "") -> str:
    """An expression in C: `x**2` is `x*x`, as everywhere; `suffix` is that of the type's functions and constants."""

    def c(node: ast.expr) -> str:
        match node:
            case ast.BinOp(op=ast.Pow(), left=left, right=ast.Constant(value=2)):
                return f"({c(left)} * {c(left)})"
            case ast.BinOp(op=ast.Pow()):
                return f"pow{suffix}({c(node.left)}, {c(node.right)})"
            case ast.BinOp():
                return f"({c(node.left)} {C_OPS[type(node.op)]} {c(node.right)})"
            case ast.UnaryOp(op=ast.USub()):
                return f"(-{c(node.operand)})"
            case ast.Compare():
                return f"({c(node.left)} {C_COMPARES[type(node.ops[0])]} {c(node.comparators[0])})"
            case ast.Call(func=ast.Name(id="where")):
                return "({} ? {} : {})".format(*map(c, node.args))
            case ast.Call(func=ast.Name(id="abs")):
                return f"fabs{suffix}({c(node.args[0])})"
            case ast.Call():
                return f"{node.func.id}{suffix}({', '.join(map(c, node.args))})"
            case ast.Constant(value=float(number)):
                return f"{number!r}{suffix}"
            case ast.Constant(value=number):
                return str(number)
            case ast.Name():
                return node.id
        raise ValueError(f"no C for `{ast.unparse(node)}`")

    return c(value)


def is_arithmetic(value: ast.expr) -> bool:
    """Whether it is `+ - * /` alone."""
    return not any(isinstance(node, ast.Call | ast.Compare | ast.Pow) for node in ast.walk(value))


C_OPS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
C_COMPARES = {ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<="}
