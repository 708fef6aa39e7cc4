"""NumExpr as its wheel has it: an expression compiled once, called as its documentation's `NumExpr` object."""

import re

import numexpr
import numpy as np

from adapters import LeftOut, Work

name = "numexpr"
label = "NumExpr"
TYPES = {"f8": np.float64, "f4": float, "i1": np.int32, "i2": np.int32, "u1": np.int32}
"""As its signatures say it: `float` is 32 bits, and nothing is narrower, so small integers are widened and their results cast."""


def version(ne=numexpr) -> str:
    mkl = re.search(r"Version ([\d.]+)", ne.get_vml_version() or "") if ne.use_vml else None
    return ne.__version__ + (f" with MKL {mkl[1]}" if mkl else "")


def prepare(work: Work, fresh: bool, ne=numexpr):
    texts = work.program.single()
    if texts is None:
        raise LeftOut("has no temporaries, and the expression without them is too long")
    if fresh and work.dtype.kind in "iu":
        raise LeftOut("makes int32 of smaller integers")
    if work.reduces:
        texts = [_reduction(text) for text in texts]
    ne.set_num_threads(work.threads)
    kind = TYPES[work.dtype.str[1:]]
    signature = [(name, kind) for name in work.program.inputs]
    arrays = work.arrays
    functions = []
    for text in texts:
        names = set(compile(text, "", "eval").co_names)
        used = [(name, array) for (name, _), array in zip(signature, arrays, strict=True) if name in names]
        functions.append((ne.NumExpr(text, [(name, kind) for name, _ in used]), [array for _, array in used]))
    options = {"casting": "unsafe", "order": "K", "ex_uses_vml": ne.use_vml}
    if fresh or work.reduces:
        return lambda: [f(*used, **options) for f, used in functions]
    out = work.outputs()
    return lambda: [f(*used, out=place, **options) for (f, used), place in zip(functions, out, strict=True)]


def _reduction(text: str) -> str:
    if text.startswith(("mean", "std")):
        raise LeftOut("has no mean and no std")
    return text


def compiled_call(a, b, out, ne=numexpr):
    f = ne.NumExpr("2*a + 3*b", [("a", np.float64), ("b", np.float64)])
    return lambda: f(a, b, out=out, ex_uses_vml=ne.use_vml)


def text_call(a, b, out, ne=numexpr):
    return lambda: ne.evaluate("2*a + 3*b", {"a": a, "b": b}, out=out)


def first_call(i, a, b, ne=numexpr):
    return ne.evaluate(f"2*a + 3*b - {i}.25*a*b", {"a": a, "b": b})
