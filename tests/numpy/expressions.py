"""Random expressions: `numloom eval` against NumPy, bit for bit. A longer look than `oracle.py`, not part of every check.

    NUMLOOM_BIN=… python expressions.py [COUNT [SEED]]

Expressions have up to four levels, over every real dtype but f16 (and no 8-bit argument of a function that NumPy computes in f16),
with edge values. What NumPy refuses, numloom has to refuse. Each failure names its seed.
"""

import os
import pathlib
import random
import re
import sys
import tempfile

import numpy as np

from oracle import pool, run
from reference import DTYPES, evaluate, same_bits

NAMES = [name for name in DTYPES if name != "f16"]


class Writer:
    def __init__(self, rng):
        self.rng = rng

    def expr(self, depth):
        pick = self.rng.choice
        if depth == 0 or self.rng.random() < 0.12:
            return f"x_{pick(NAMES)}"
        a = self.expr(depth - 1)
        match self.rng.randrange(13):
            case 0 | 1 | 2:
                return f"({a} {pick(['+', '-', '*', '/', '//', '%'])} {self.expr(depth - 1)})"
            case 3:
                return f"({a} {pick(['&', '|', '^', '<<', '>>'])} {self.expr(depth - 1)})"
            case 4:
                return f"({a} {pick(['<', '<=', '>', '>=', '==', '!='])} {self.expr(depth - 1)})"
            case 5:
                literal = pick(["0", "1", "2", "3", "7", "100", "-1", "1.5", "0.1", "300", "2**40", "0x7f", "-0.0", "inf"])
                operator = pick(["+", "-", "*", "/", "//", "%", "<", "==", "&", "<<", ">>"])
                return f"({a} {operator} {literal})" if self.rng.random() < 0.7 else f"({literal} {operator} {a})"
            case 6:
                unary = ["-", "~", "+", "not ", "abs", "sign", "isnan", "isfinite", "floor", "trunc", "square", "popcount", "nan_to_num", "copy"]
                return f"({pick(unary)}({a}))"
            case 7:
                return f"where({self.expr(depth - 1)}, {a}, {self.expr(depth - 1)})"
            case 8:
                return f"({a} {pick(['and', 'or'])} {self.expr(depth - 1)})"
            case 9:
                binary = ["minimum", "maximum", "fmod", "fmin", "fmax", "gcd", "lcm", "logical_xor", "isclose", "nextafter"]
                name, b = pick(binary), self.expr(depth - 1)
                return f"nextafter(f32({a}), f64({b}))" if name == "nextafter" else f"{name}({a}, {b})"
            case 10:
                function = pick(["f64(#)", "f32(#)", "bool(#)", "sqrt(f64(#))", "rint(f32(#))", "i32(bool(#))", "u8(isnan(#))"])
                return function.replace("#", a)
            case 11:
                b = self.expr(depth - 1)
                forms = ["isin(#, (0, 1, 300, -1))", "clip(#, 1, $)", "clip(#, $, None)", "select((bool(#), $ > 1), (#, $), 2)", "ldexp(f32(#), bool($))"]
                return pick(forms).replace("#", a).replace("$", b)
            case _:
                return f"({a} {pick(['<', '<=', '==', '>'])} {self.expr(depth - 1)} {pick(['<', '!='])} {self.expr(depth - 1)})"


def main():
    binary = os.environ.get("NUMLOOM_BIN")
    if not binary or not pathlib.Path(binary).exists():
        print("NUMLOOM_BIN names no file: set it to the `numloom` binary", file=sys.stderr)
        return 2
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    batch, compared, refused, differences = 25, 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for start in range(first, first + count, batch):
            rng = np.random.default_rng(start)
            inputs = {f"x_{name}": rng.choice(pool(name, rng), 67) for name in NAMES}
            for name, array in inputs.items():
                np.save(folder / f"{name}.npy", array)
            wanted = {}
            for seed in range(start, start + batch):
                text = Writer(random.Random(seed)).expr(4)
                try:
                    want = evaluate(text, inputs)[""]
                except (TypeError, OverflowError):
                    refused += 1
                    if run(binary, "check", text, *(f"x_{name}:{name}" for name in NAMES)).returncode == 0:
                        differences.append(f"seed {seed}: `{text}` is accepted, and NumPy refuses it")
                    continue
                wanted[f"y{seed}"] = (seed, text, want)
            program = "; ".join(f"{name} = {text}" for name, (_, text, _) in wanted.items())
            named = set(re.findall(r"x_\w+", program))
            files = [f"{name}={folder}/{name}.npy" for name in inputs if name in named]
            outputs = [part for name in wanted for part in ("-o", f"{name}={folder}/{name}.npy")]
            done = run(binary, "eval", program, *files, *outputs)
            if done.returncode != 0:
                differences.append(f"seeds from {start}: {done.stderr.strip()}")
                continue
            for name, (seed, text, want) in wanted.items():
                got = np.load(folder / f"{name}.npy")
                os.remove(folder / f"{name}.npy")
                compared += 1
                wrong = same_bits(want, got)
                if wrong:
                    differences.append(f"seed {seed}: `{text}`: {wrong}")
    print(f"{compared} expressions compared, {refused} refused by both, {len(differences)} differences (NumPy {np.__version__})")
    for difference in differences[:20]:
        print("  " + difference[:2000])
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
