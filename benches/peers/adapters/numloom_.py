"""numloom: a compiled expression, called with arrays."""

import numloom as nl

from adapters import Work

name = "numloom"
label = "numloom"


def version() -> str:
    return nl.__version__


def prepare(work: Work, fresh: bool):
    f = nl.Engine(threads=work.threads).compile(work.program.text, list(work.program.inputs))
    arrays, several = work.arrays, len(work.program.outputs) > 1
    if fresh or work.reduces:
        return (lambda: f(*arrays)) if several else (lambda: (f(*arrays),))
    out = tuple(work.new_outputs())
    return (lambda: f(*arrays, out=out)) if several else (lambda: (f(*arrays, out=out[0]),))


def explain(work: Work) -> str:
    """Which engine ran and how it stored its outputs."""
    f = nl.Engine(threads=work.threads).compile(work.program.text, list(work.program.inputs))
    if work.reduces:
        return f.explain(*work.arrays)
    out = work.new_outputs()
    return f.explain(*work.arrays, out=tuple(out) if len(out) > 1 else out[0])


def compiled_call(a, b, out):
    f = nl.compile("2*a + 3*b", ["a", "b"])
    return lambda: f(a, b, out=out)


def text_call(a, b, out):
    return lambda: nl.evaluate("2*a + 3*b", a=a, b=b, out=out)


def first_call(i, a, b):
    return nl.evaluate(f"2*a + 3*b - {i}.25*a*b", a=a, b=b)
