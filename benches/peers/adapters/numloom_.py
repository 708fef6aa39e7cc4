"""numloom: a compiled expression, called with arrays."""

import re

import numloom as nl
import numpy as np

from adapters import Work

name = "numloom"
label = "numloom"
ENGINE = re.compile(r"(?:interpreter|cranelift|wide)(?:, vectors of \d+ bits)?")


def version() -> str:
    return nl.__version__


def prepare(work: Work, fresh: bool):
    f = nl.Engine(threads=work.threads).compile(work.program.text, list(work.program.inputs))
    arrays, several = work.arrays, len(work.program.outputs) > 1
    if fresh or work.reduces:
        return (lambda: f(*arrays)) if several else (lambda: (f(*arrays),))
    out = tuple(work.outputs())
    return (lambda: f(*arrays, out=out)) if several else (lambda: (f(*arrays, out=out[0]),))


def engine(work: Work) -> str:
    """Which engines run it, as `explain` says."""
    f = nl.Engine(threads=work.threads).compile(work.program.text, list(work.program.inputs))
    return " and ".join(sorted(set(ENGINE.findall(f.explain(*work.arrays)))))


PART = 100_000
"""Elements of an array that the interpreter computes too."""


def promise(work: Work, found) -> str | None:
    """What is wrong with results by numloom's own promise: the bits of its interpreter, with any number of threads."""
    arrays = [array if work.reduces or array.ndim != 1 else array[:PART] for array in work.arrays]
    f = nl.Engine(threads=7, backend="interpreter").compile(work.program.text, list(work.program.inputs))
    expected = f(*arrays)
    expected = tuple(expected) if len(work.program.outputs) > 1 else (expected,)
    for values, bits in zip(found, expected, strict=True):
        values = values if work.reduces or values.ndim != 1 else values[:PART]
        if np.asarray(values).tobytes() != np.asarray(bits).tobytes():
            return "not the bits of the interpreter"
    return None


def compiled_call(a, b, out):
    f = nl.compile("2*a + 3*b", ["a", "b"])
    return lambda: f(a, b, out=out)


def text_call(a, b, out):
    return lambda: nl.evaluate("2*a + 3*b", a=a, b=b, out=out)


def first_call(i, a, b):
    return nl.evaluate(f"2*a + 3*b - {i}.25*a*b", a=a, b=b)
