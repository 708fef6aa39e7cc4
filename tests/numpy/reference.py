"""A numloom program, evaluated by NumPy: the oracle behind `oracle.py` and `corpus.py`.

The text is read by Python's own parser and rewritten: `and`, `or`, `not`, chained comparisons and conditionals become NumPy's
elementwise functions, names become arrays or functions. What NumPy itself means by each of them is the answer; nothing here computes.
"""

import ast
import math
import re
import warnings

import numpy as np

DTYPES = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "f16": np.float16, "f32": np.float32, "f64": np.float64, "c64": np.complex64, "c128": np.complex128,
}  # fmt: skip
SHORT = {np.dtype(long): short for short, long in DTYPES.items()}


def cast(dtype):
    def convert(x, mode="wrap"):
        x = np.asarray(x)
        if mode == "saturate" and np.issubdtype(dtype, np.integer):
            info = np.iinfo(dtype)
            if x.dtype.kind == "f":
                # The clip is exact: what lies beyond the greatest float below the bound is set by hand.
                y = np.where(np.isnan(x), 0, np.trunc(x))
                inside = (y >= float(info.min)) & (y < float(info.max) + 1)
                z = np.where(inside, y, 0).astype(dtype)
                return np.where(inside, z, np.where(y < 0, dtype(info.min), dtype(info.max)))
            low = max(info.min, np.iinfo(x.dtype).min) if x.dtype.kind != "b" else 0
            high = min(info.max, np.iinfo(x.dtype).max) if x.dtype.kind != "b" else 1
            return np.clip(x, x.dtype.type(low), x.dtype.type(high)).astype(dtype)
        return x.astype(dtype)

    return convert


def elementary(f):
    """A function of Python's as a ufunc would be: in the dtype of `exp`, computed in f64."""

    def apply(x):
        dtype = np.exp(np.asarray(x)).dtype
        return np.vectorize(lambda x: f(float(x)), otypes=[np.float64])(x).astype(dtype)

    return apply


def from_parts(re, im=0.0):
    parts = np.result_type(re, im, 0.0)
    made = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), np.result_type(parts, 1j))
    made.real, made.imag = re, im
    return made


FUNCTIONS = {
    name: getattr(np, name)
    for name in """
        sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh
        arccosh arctanh hypot copysign floor ceil trunc round around rint isnan isinf isfinite signbit absolute abs fabs sign
        minimum maximum fmod add subtract multiply divide true_divide floor_divide mod remainder power pow negative positive
        bitwise_and bitwise_or bitwise_xor invert bitwise_not left_shift right_shift logical_and logical_or logical_not
        equal not_equal less less_equal greater greater_equal where sum prod min max amin amax mean
        asin acos atan atan2 asinh acosh atanh fmin fmax clip nextafter logaddexp logaddexp2 degrees rad2deg radians deg2rad
        gcd lcm bitwise_count isin nan_to_num zeros_like ones_like full_like copy float_power square reciprocal heaviside ldexp
        spacing sinc isclose isposinf isneginf logical_xor fix select bitwise_invert bitwise_left_shift bitwise_right_shift
        real imag conj conjugate angle var std any all count_nonzero argmin argmax ptp nansum nanprod
        nanmin nanmax nanmean nanvar nanstd
    """.split()
} | {
    "popcount": np.bitwise_count,
    "erf": elementary(math.erf),
    "erfc": elementary(math.erfc),
} | {name: cast(dtype) for name, dtype in DTYPES.items()}
FUNCTIONS |= {
    "contains": lambda x, part: np.strings.find(x, part) >= 0,
    "startswith": np.strings.startswith,
    "endswith": np.strings.endswith,
    "str_len": np.strings.str_len,
}
BYTES = ("contains", "startswith", "endswith", "str_len", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LONG_NAMES = {
    "bool_": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "int": "i64", "uint8": "u8",
    "uint16": "u16", "uint32": "u32", "uint64": "u64", "float16": "f16", "float32": "f32", "float64": "f64",
    "float": "f64", "double": "f64", "complex64": "c64", "complex128": "c128",
}  # fmt: skip
FUNCTIONS["complex"] = from_parts
FUNCTIONS |= {long: FUNCTIONS[short] for long, short in LONG_NAMES.items()}
CONSTANTS = {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan}


class Elementwise(ast.NodeTransformer):
    """Python's short-circuiting forms, as functions of arrays."""

    @staticmethod
    def call(name, *args):
        return ast.Call(ast.Name(name, ast.Load()), list(args), [])

    @staticmethod
    def encoded(node):
        """A text that is compared or searched stands for its bytes, which are an array of NumPy's: with padding."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, bytes) else node.value.encode("ascii")
            return Elementwise.call("asarray", ast.Constant(text))
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in BYTES:
            node.args = [self.encoded(arg) for arg in node.args]
        return node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        name = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        first, *rest = node.values
        for value in rest:
            first = self.call(name, first, value)
        return first

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        return self.call("logical_not", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_IfExp(self, node):
        self.generic_visit(node)
        return self.call("where", node.test, node.body, node.orelse)

    def visit_Compare(self, node):
        self.generic_visit(node)
        sides = [self.encoded(side) for side in (node.left, *node.comparators)]
        pairs = [ast.Compare(sides[i], [op], [sides[i + 1]]) for i, op in enumerate(node.ops)]
        first, *rest = pairs
        for pair in rest:
            first = self.call("logical_and", first, pair)
        return first


def statements(source):
    """(kind, name, expression) of each statement; kind is "let", "output" or "bare"."""
    for line in re.split(r"[;\n]", re.sub(r"#[^\n]*", "", source)):
        if not line.strip():
            continue
        found = re.match(r"\s*(let\s+)?([A-Za-z_]\w*)\s*=(?!=)(.*)", line)
        if found:
            yield ("let" if found[1] else "output"), found[2], found[3]
        else:
            yield "bare", "", line


def evaluate(source, inputs):
    """The outputs of `source` over a dict of arrays: a dict by name, "" for the anonymous one."""
    scope = FUNCTIONS | CONSTANTS | {"asarray": np.asarray} | inputs
    outputs = {}
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        for kind, name, text in statements(source):
            tree = ast.fix_missing_locations(Elementwise().visit(ast.parse(text.strip(), mode="eval")))
            value = eval(compile(tree, "<expr>", "eval"), {}, scope)
            scope[name] = value
            if kind != "let":
                outputs[name] = np.asarray(value)
    return outputs


def same_bits(want, got):
    """Same dtype, shape and bits; any NaN is any NaN. None, or what differs."""
    if want.dtype != got.dtype:
        return f"dtype {got.dtype} instead of {want.dtype}"
    if want.shape != got.shape:
        return f"shape {got.shape} instead of {want.shape}"
    w, g = np.ascontiguousarray(want).reshape(-1), np.ascontiguousarray(got).reshape(-1)
    if want.dtype.kind == "c":
        return same_bits(w.real, g.real) or same_bits(w.imag, g.imag)
    bits = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[want.dtype.itemsize]
    differ = w.view(bits) != g.view(bits)
    if want.dtype.kind == "f":
        differ &= ~(np.isnan(w) & np.isnan(g))
    if not differ.any():
        return None
    i = int(np.argmax(differ))
    return f"{int(differ.sum())} of {w.size} elements differ; the first is [{i}] = {g[i]!r} instead of {w[i]!r}"
