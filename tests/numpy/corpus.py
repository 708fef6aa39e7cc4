"""Checks the expected values of `tests/corpus/*.toml` against NumPy. Needs NumPy and Python 3.11; no numloom.

Every case with outputs is evaluated by NumPy and has to give the same dtypes, shapes and bits (within `ulp`, where a case has that),
except those whose `differs` says why numloom's answer is another one. A `differs` that is no longer true is an error too.
"""

import pathlib
import sys
import tomllib

import numpy as np

from reference import DTYPES, evaluate, same_bits


def array(table):
    shape = table.get("shape")
    [(name, values)] = [(k, v) for k, v in table.items() if k != "shape"]
    dtype = np.dtype(DTYPES.get(name, name))

    def element(x):
        if isinstance(x, list):
            return [element(y) for y in x]
        if isinstance(x, str) and dtype.kind == "c":
            return dtype.type(complex(x))
        if isinstance(x, str) and dtype.kind == "f":
            return np.array(int(x, 16), np.uint64).astype(f"u{dtype.itemsize}").view(dtype)[()]
        if dtype.kind == "S":
            return x.encode("latin-1")
        return dtype.type(int(x) if isinstance(x, str) else x)

    made = np.array(element(values), dtype)
    return made if shape is None else made.reshape(shape)


def ulps(want, got):
    if want.dtype.kind == "c":
        return max(ulps(want.real, got.real), ulps(want.imag, got.imag))
    bits = {2: np.int16, 4: np.int32, 8: np.int64}[want.dtype.itemsize]

    def place(x):
        i = np.atleast_1d(x).view(bits).astype(object)
        return np.where(i >= 0, i, -(i - np.iinfo(bits).min) - 1)

    same = np.isnan(want) & np.isnan(got)
    return int(np.max(np.where(np.atleast_1d(same), 0, abs(place(want) - place(got))), initial=0))


def check(case):
    """What is wrong with a case, or None."""
    if "error" in case:  # and Python would compute some of the bombs
        return None
    inputs = {name: array(table) for name, table in case.get("in", {}).items()}
    try:
        found = evaluate(case["expr"], inputs)
    except Exception as error:
        found = error
    out = case["out"]
    named = all(isinstance(table, dict) for table in out.values())
    expected = {name: array(t) for name, t in out.items()} if named else {"": array(out)}
    if isinstance(found, Exception):
        wrong = f"NumPy: {found!r}"
    elif found.keys() != expected.keys():
        wrong = f"outputs {sorted(found)} instead of {sorted(expected)}"
    else:
        wrong = None
        for name, want in expected.items():
            got = found[name]
            if "ulp" in case and want.dtype == got.dtype and want.shape == got.shape:
                n = ulps(want, got)
                # NumPy has its own error, of a few units at most.
                wrong = wrong or (f"{n} ulp away" if n > case["ulp"] + 4 else None)
            else:
                wrong = wrong or same_bits(want, got)
    if "differs" in case:
        return None if wrong else "NumPy agrees, and the case says it differs"
    return wrong


def main():
    directory = pathlib.Path(__file__).parent.parent / "corpus"
    total = failed = differs = 0
    for path in sorted(directory.glob("*.toml")):
        for case in tomllib.loads(path.read_text())["case"]:
            total += 1
            differs += "differs" in case
            wrong = check(case)
            if wrong:
                failed += 1
                print(f"{path.stem}/{case['name']}: `{case['expr']}`: {wrong}")
    print(f"{total} cases, {differs} of them with a stated difference, {failed} wrong (NumPy {np.__version__})")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
