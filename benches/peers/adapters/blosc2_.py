"""python-blosc2: a lazy expression over arrays of its own, uncompressed, which is the fastest that it has in memory.

Its outputs are new ones in every row: its fast path takes none.
"""

import blosc2

from adapters import LeftOut, Work

name = "blosc2"
label = "blosc2"


def version() -> str:
    return blosc2.__version__


def prepare(work: Work, fresh: bool):
    texts = work.program.single()
    if texts is None:
        raise LeftOut("has no temporaries, and the expression without them is too long")
    blosc2.set_nthreads(work.threads)
    plain = blosc2.CParams(clevel=0, nthreads=work.threads)
    operands = {name: blosc2.asarray(array, cparams=plain) for name, array in work.inputs.items()}
    expressions = [blosc2.lazyexpr(text, operands) for text in texts]
    if work.reduces:
        return lambda: [expression.compute()[()] for expression in expressions]
    return lambda: [expression.compute(cparams=plain) for expression in expressions]


def first_call(i, a, b):
    return blosc2.lazyexpr(f"2*a + 3*b - {i}.25*a*b", {"a": a, "b": b}).compute()
