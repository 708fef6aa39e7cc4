"""A CSV file reduced to one number: numloom beside pandas, with its own parser and with pyarrow's, and beside polars, streaming and not.

    pip install ./python pandas pyarrow polars
    python3 benches/bigger_than_memory/tables.py FOLDER [--rows 1e7] [--rounds 3] [--numloom target/release/numloom]

Makes table.csv in FOLDER: ten columns of numbers of usual kinds. Each program sums `a*b + c`, of three of them, in a process of its own, by turns, with the file in the
system's cache; each reads the three columns alone, as its documentation says, in pieces where it can. Times are of the work, without the start of the interpreter and
imports, but for `numloom eval`, which is the whole process. Prints each one's median and fastest time over those of numloom from Python, and the most memory that its
process had at any time, beyond what imports took.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import time

COLUMNS = ("id", "a", "time", "b", "n", "x", "c", "y", "flag", "z")
TEXT = "sum(a*b + c)"
USED = ["a", "b", "c"]


def make(path: str, rows: int) -> None:
    """Rows drawn from a few thousand, so that a large file is made in little time."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.readline().decode().strip() == header(rows):
                return
    draw = random.Random(7)

    def row() -> str:
        fields = (
            draw.randrange(10**7), f"{draw.uniform(-100, 100):.4f}", 1_700_000_000 + draw.randrange(10**6), repr(draw.random()), draw.randrange(-50, 50),
            f"{draw.gauss(0, 1e-3):.6e}", f"{draw.uniform(0, 10):.2f}", repr(draw.gauss(0, 1)), draw.randrange(2), f"{draw.uniform(0, 1000):.1f}",
        )
        return ",".join(map(str, fields)) + "\n"

    few = [row() for _ in range(min(rows, 5000))]
    with open(path, "w") as file:
        file.write(header(rows) + "\n")
        for start in range(0, rows, len(few)):
            draw.shuffle(few)
            file.writelines(few[: rows - start])


def header(rows: int) -> str:
    return ",".join(COLUMNS[:-1]) + f",z{rows}"


def numloom(path: str):
    import numloom as nl

    return lambda: nl.scan_csv(path).evaluate(TEXT)


def pandas_c(path: str):
    import pandas as pd

    def work():
        pieces = pd.read_csv(path, usecols=USED, chunksize=500_000)
        return sum((piece["a"] * piece["b"] + piece["c"]).sum() for piece in pieces)

    return work


def pandas_pyarrow(path: str):
    import pandas as pd
    import pyarrow.csv  # noqa: F401

    def work():
        table = pd.read_csv(path, usecols=USED, engine="pyarrow")
        return (table["a"] * table["b"] + table["c"]).sum()

    return work


def polars(path: str):
    import polars as pl

    total = (pl.col("a") * pl.col("b") + pl.col("c")).sum()
    return lambda: pl.scan_csv(path).select(total).collect().item()


def polars_streaming(path: str):
    import polars as pl

    total = (pl.col("a") * pl.col("b") + pl.col("c")).sum()
    return lambda: pl.scan_csv(path).select(total).collect(engine="streaming").item()


PROGRAMS = {
    "numloom": numloom,
    "pandas": pandas_c,
    "pandas, pyarrow": pandas_pyarrow,
    "polars": polars,
    "polars, streaming": polars_streaming,
}


def memory(line: str) -> int:
    """KiB of this process."""
    with open("/proc/self/status") as status:
        return int(re.search(rf"{line}:\s+(\d+)", status.read())[1])


def run(name: str, path: str) -> None:
    """Seconds, the result, and KiB at the most beyond those before."""
    work = PROGRAMS[name](path)
    before = memory("VmRSS")
    begin = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begin
    print(seconds, float(result), max(0, memory("VmHWM") - before))


def command(program: str, path: str) -> tuple[float, float, int]:
    begin = time.perf_counter()
    child = subprocess.Popen([program, "eval", TEXT, "--csv", path], stdout=subprocess.PIPE, text=True)
    answer = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"{program} failed")
    return time.perf_counter() - begin, float(answer.split()[-1]), usage.ru_maxrss


def main() -> None:
    if sys.argv[1] == "--run":
        return run(*sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--numloom", metavar="PROGRAM")
    options = parser.parse_args()
    path = os.path.join(options.folder, "table.csv")
    make(path, options.rows)
    print(f"{options.rows} rows of {len(COLUMNS)} columns, {os.path.getsize(path) / 1e6:.0f} MB")
    found: dict[str, list[tuple[float, float, int]]] = {}
    for round_ in range(options.rounds):
        names = [*PROGRAMS, *(["numloom eval"] if options.numloom else [])]
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            if name == "numloom eval":
                found.setdefault(name, []).append(command(options.numloom, path))
                continue
            child = subprocess.run([sys.executable, __file__, "--run", name, path], capture_output=True, text=True)
            if child.returncode:
                print(f"{name}: left out: {child.stderr.strip().splitlines()[-1]}")
                PROGRAMS.pop(name)
                continue
            seconds, result, kib = child.stdout.split()
            found.setdefault(name, []).append((float(seconds), float(result), int(kib)))
    answers = [runs[0][1] for runs in found.values()]
    if max(answers) - min(answers) > 1e-9 * abs(answers[0]):
        sys.exit(f"they do not agree: { {name: runs[0][1] for name, runs in found.items()} }")
    ours = [seconds for seconds, _, _ in found["numloom"]]
    for name, runs in found.items():
        times = [seconds for seconds, _, _ in runs]
        ratio, fastest = statistics.median(times) / statistics.median(ours), min(times) / min(ours)
        print(f"{name:18} median {ratio:.2f}, fastest {fastest:.2f} of numloom's time ({min(times):.2f} s); {max(kib for _, _, kib in runs) >> 10} MiB")


if __name__ == "__main__":
    main()
