"""Byte strings: `numloom eval` over `.npy` files against NumPy, for many widths. Needs NumPy; the binary's path is in NUMLOOM_BIN.

Strings are of few letters, zeros and high bytes among them, so that they are often equal, parts of each other, or padded.
"""

import os
import pathlib
import sys
import tempfile

import numpy as np

from oracle import run
from reference import evaluate, same_bits

EXPRESSIONS = """
    a < b
    a <= b
    a > b
    a >= b
    a == b
    a != b
    contains(a, b)
    startswith(a, b)
    endswith(a, b)
    str_len(a)
    contains(a, b"a\\x00b")
    contains("abaab", a)
    a == "ab"
    b"b" < a <= b"ba\\xff"
    (a < b) & (a != "a") | contains(b, "b")
""".strip().splitlines()


def names(rng, n, width):
    letters = np.frombuffer(b"ab\0\xff"[: rng.integers(1, 5)], np.uint8)
    return np.frombuffer(rng.choice(letters, n * width).tobytes(), f"S{width}")


def main():
    binary = os.environ.get("NUMLOOM_BIN")
    if not binary or not pathlib.Path(binary).exists():
        print("NUMLOOM_BIN names no file: set it to the `numloom` binary", file=sys.stderr)
        return 2
    rng = np.random.default_rng(21)
    compared, differences = 0, []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for wide in (1, 2, 3, 8, 17, 100, 5000):
            for other in (1, 2, 5, 40):
                n = 3001 if wide < 1000 else 67
                inputs = {"a": names(rng, n, wide), "b": names(rng, n, other)}
                for name, array in inputs.items():
                    np.save(folder / f"{name}.npy", array)
                texts = {f"y{i}": text.strip() for i, text in enumerate(EXPRESSIONS)}
                outputs = [part for name in texts for part in ("-o", f"{name}={folder}/{name}.npy")]
                program = "; ".join(f"{name} = {text}" for name, text in texts.items())
                done = run(binary, "eval", program, f"a={folder}/a.npy", f"b={folder}/b.npy", *outputs)
                if done.returncode != 0:
                    differences.append(f"S{wide}, S{other}: {done.stderr.strip()}")
                    continue
                for name, text in texts.items():
                    compared += 1
                    wrong = same_bits(evaluate(text, inputs)[""], np.load(folder / f"{name}.npy"))
                    if wrong:
                        differences.append(f"S{wide}, S{other}: `{text}`: {wrong}")
                    os.remove(folder / f"{name}.npy")
    print(f"{compared} arrays compared, {len(differences)} differences (NumPy {np.__version__})")
    for difference in differences[:20]:
        print("  " + difference)
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
