"""numba: an explicit loop, `parallel=True` with `prange` where there are threads to use; no `fastmath`, so that it computes what is written."""

import ast

import numba
import numpy as np

from adapters import LeftOut, Work

name = "numba"
label = "numba"
NAMES = {name: getattr(np, name) for name in ("sin", "cos", "tanh", "exp", "log", "log1p", "sqrt", "abs")} | {
    "np": np,
    "single": np.float32,
    "prange": numba.prange,
    "where": numba.njit(lambda c, a, b: a if c else b),
}


def version() -> str:
    return numba.__version__


def source(work: Work) -> str:
    """One loop over all elements; two over a grid, with what one axis alone needs computed by the loop of that axis."""
    program = work.program
    outputs = [f"o{i}" for i in range(len(program.outputs))]
    head = f"def f({', '.join(program.inputs + tuple(outputs))}):\n"
    texts = [ast.unparse(value) for value in program.outputs]
    if work.reduces:
        return _reduction(program, texts)
    if len(work.shape) == 2:
        return head + (
            "    for i in prange(o0.shape[0]):\n        y_ = y[i, 0]\n        for j in range(o0.shape[1]):\n"
            f"            o0[i, j] = {texts[0].replace('x', 'x[0, j]').replace('y', 'y_')}\n"
        )
    body = "".join(f"        {name}_ = {name}[i]\n" for name in program.inputs)
    own = {name: f"{name}_" for name in program.inputs}
    single = work.dtype == np.float32
    for name, value in program.temporaries:
        body += f"        {name} = {_renamed(value, own, single)}\n"
    for name, value in zip(outputs, program.outputs, strict=True):
        body += f"        {name}[i] = {_renamed(value, own, single)}\n"
    return head + f"    for i in prange({program.inputs[0]}.size):\n{body}"


class _Rename(ast.NodeTransformer):
    """Elements for arrays, and constants of their type, which would make `float32` a `float64` otherwise."""

    def __init__(self, own: dict[str, str], single: bool):
        self.own, self.single = own, single

    def visit_Name(self, node):
        return ast.Name(self.own.get(node.id, node.id))

    def visit_BinOp(self, node):
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
            return ast.BinOp(self.visit(node.left), node.op, node.right)
        return self.generic_visit(node)

    def visit_Constant(self, node):
        return ast.Call(ast.Name("single"), [node], []) if self.single else node


def _renamed(value: ast.expr, own: dict[str, str], single: bool = False) -> str:
    return ast.unparse(_Rename(own, single).visit(ast.parse(ast.unparse(value), mode="eval").body))


def _reduction(program, texts: list[str]) -> str:
    head = f"def f({', '.join(program.inputs)}):\n"
    if texts[0].startswith("sum"):
        inner = _renamed(program.outputs[0].args[0], {name: f"{name}[i]" for name in program.inputs})
        return head + f"    s = 0.0\n    for i in prange(a.size):\n        s += {inner}\n    return (s,)\n"
    return head + (
        "    s, q, lo, hi = 0.0, 0.0, np.inf, -np.inf\n"
        "    for i in prange(a.size):\n        v = a[i]\n        s += v\n        lo = min(lo, v)\n        hi = max(hi, v)\n"
        "    m = s/a.size\n"
        "    for i in prange(a.size):\n        d = a[i] - m\n        q += d*d\n"
        "    return m, np.sqrt(q/a.size), lo, hi\n"
    )


def prepare(work: Work, fresh: bool):
    space = dict(NAMES)
    exec(source(work), space)
    numba.set_num_threads(work.threads)
    f = numba.njit(space["f"], parallel=work.threads > 1, error_model="numpy")
    arrays = work.arrays
    if work.reduces:
        return lambda: f(*arrays)
    if fresh:
        shape, dtype = work.shape, work.dtype
        count = len(work.program.outputs)

        def run():
            out = [np.empty(shape, dtype) for _ in range(count)]
            f(*arrays, *out)
            return out

        return run
    out = work.outputs()

    def again():
        f(*arrays, *out)
        return out

    return again


def compiled_call(a, b, out):
    f = numba.njit(_axpy)
    f(a, b, out)
    return lambda: f(a, b, out)


def _axpy(a, b, out):
    for i in range(a.size):
        out[i] = 2*a[i] + 3*b[i]


def first_call(i, a, b):
    space = dict(NAMES)
    exec(f"def f(a, b, o):\n    for i in range(a.size):\n        o[i] = 2*a[i] + 3*b[i] - {i}.25*a[i]*b[i]\n", space)
    out = np.empty_like(a)
    numba.njit(space["f"], error_model="numpy")(a, b, out)
    return out


first_call.slow = True
