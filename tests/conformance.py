"""Random programs: numloom against NumPy, as docs/conformance.md says.

    NUMLOOM_CONFORMANCE=…/examples/conformance python tests/conformance.py [CASES [SEED]] [--complete] [--jobs N] [--case NUMBER]

Numloom's half draws the programs, evaluates them and writes batches; each batch is then evaluated by NumPy here, in a process of its
own, and compared. The bounds and the differences that are allowed stand in the tables of docs/conformance.md, nowhere else: a
difference that no row names is a failure, and so is a row that nothing here states. `--complete` wants every operation on every
dtype it is defined on, with nothing unsupported. `--case` shows one case.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "numpy"))

import meaning as side  # noqa: E402

ROOT = pathlib.Path(__file__).parent.parent
BATCH = 2000
# What NumPy raises where an operation has no meaning for it.
REFUSALS = (TypeError, ValueError, OverflowError, ZeroDivisionError, IndexError)


def load(folder):
    """The cases of a batch and its arrays by dtype."""
    arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    with open(folder / "manifest.jsonl", encoding="utf-8") as manifest:
        return [json.loads(line) for line in manifest], arrays


def array(where, arrays):
    size = int(np.prod(where["shape"]))
    return arrays[where["dtype"]][where["start"] : where["start"] + size].reshape(where["shape"])


class Report:
    """What a batch came to."""

    def __init__(self):
        self.counts = collections.Counter()  # (operation, dtype, class)
        self.layouts = collections.Counter()
        self.keywords = collections.Counter()  # of reductions
        self.differences = collections.Counter()
        self.outcomes = collections.Counter()
        self.failures = []

    def add(self, other):
        for name in ("counts", "layouts", "keywords", "differences", "outcomes"):
            getattr(self, name).update(getattr(other, name))
        self.failures += other.failures

    def count(self, made_of, outcome):
        """Counts an output's outermost operation; where all bits were compared, those within it as well."""
        for operation, dtype in made_of if outcome == "bits" else made_of[:1]:
            self.counts[operation, dtype, outcome] += 1

    def fail(self, case, why):
        inputs = ", ".join(
            f"{name}: {x['dtype']}{tuple(x['shape'])} {x['layout']}" for name, x in case["inputs"].items()
        )
        text = case["text"]
        self.failures.append(f"case {case['case']}: `{text}` over {inputs}\n    {why}")


def judge(case, arrays, report):
    """Compares one case."""
    report.layouts.update(x["layout"] for x in case["inputs"].values())
    side.USED.clear()
    try:
        outcome, why = verdict(case, arrays, report)
    except Exception as error:  # a fault of this side is a failure too, and no reason to stop
        outcome, why = "failed", f"this side: {error!r}"
    report.outcomes[outcome] += 1
    report.differences.update(side.USED)
    if why:
        report.fail(case, why + "".join(f"\n    {line}" for line in case["numpy"].splitlines()))
    # Which of several outputs is refused, neither says.
    elif outcome == "unsupported" or outcome == "refused" and len(case["outputs"]) == 1:
        for output in case["outputs"].values():
            report.count(output["of"], outcome)
    if outcome == "compared":
        report.keywords.update(re.findall(r"\b(axis|keepdims|dtype|initial|where|ddof)=", case["text"]))


def verdict(case, arrays, report):
    """What became of a case, and what is wrong with it."""
    inputs = {name: array(x, arrays) for name, x in case["inputs"].items()}
    answer = case.get("error")
    if answer in ("panic", "engines-differ"):
        return "failed", f"{answer}: {case['message']}"
    if answer == "not-supported-yet":
        return "unsupported", None
    try:
        found = side.evaluate(case["numpy"], inputs)
    except REFUSALS as error:
        if answer is not None:
            return "refused", None
        if side.huge_literal(error):
            return "differs", None
        return "failed", f"NumPy refuses it: {type(error).__name__}: {error}"
    if answer is not None:
        if side.nothing(answer, found) or side.no_number(case) or side.no_complex_form(case):
            return "differs", None
        return "failed", f"numloom answers {answer}, and NumPy computes it: {case['message']}"
    wrongs = {name: side.compare(found[name], array(output, arrays)) for name, output in case["outputs"].items()}
    for name, wrong in wrongs.items():
        if wrong:
            return "failed", f"{name}: {wrong}"
    for name, output in case["outputs"].items():
        report.count(output["of"], found[name].name if isinstance(found[name], side.Within) else "bits")
    return "compared", None


def run(job):
    """A batch, from its drawing to its report."""
    binary, seed, first, count = job
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [binary, "draw", str(seed), str(first), str(count), folder], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            report.failures.append(f"cases {first} to {first + count - 1}: {done.stderr.strip()}")
            return report
        cases, arrays = load(pathlib.Path(folder))
        for case in cases:
            judge(case, arrays, report)
    return report


def show(binary, seed, number):
    """One case in full."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([binary, "draw", str(seed), str(number), "1", folder], check=True)
        [case], arrays = load(pathlib.Path(folder))
        print(json.dumps(case, indent=1))
        inputs = {name: array(x, arrays) for name, x in case["inputs"].items()}
        for name, x in inputs.items():
            print(f"{name} = {x!r}")
        if "error" not in case:
            for name, output in case["outputs"].items():
                print(f"numloom: {name} = {array(output, arrays)!r}")
        try:
            for name, x in side.evaluate(case["numpy"], inputs).items():
                print(f"NumPy: {name} = {x!r}")
        except REFUSALS as error:
            print(f"NumPy: {error!r}")
        report = Report()
        judge(case, arrays, report)
        print("\n".join(report.failures) or "the same")


def table(report):
    """A line for each operation: dtypes, and how many were compared in which class."""
    rows = collections.defaultdict(lambda: collections.defaultdict(list))
    for (operation, dtype, outcome), n in report.counts.items():
        rows[operation][outcome].append((dtype, n))
    for operation, outcomes in sorted(rows.items()):
        for outcome, cells in sorted(outcomes.items()):
            print(f"  {operation:16} {outcome:12} " + "  ".join(f"{dtype} {n}" for dtype, n in sorted(cells)))


def missing(binary, report):
    """The pairs that were never compared, though the operation is defined on the dtype: why not."""
    cells = subprocess.run([binary, "cells"], capture_output=True, text=True, check=True).stdout
    for line in cells.splitlines():
        operation, dtype, defined = line.split("\t")
        classes = {c for o, d, c in report.counts if (o, d) == (operation, dtype)}
        if defined == "true" and not classes - {"refused", "unsupported"}:
            why = "unsupported" if "unsupported" in classes else "refused" if classes else "never drawn"
            yield operation, dtype, why


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="?", type=int, default=12_000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--case", type=int)
    parser.add_argument("--complete", action="store_true")
    options = parser.parse_args()
    binary = os.environ.get("NUMLOOM_CONFORMANCE")
    if not binary or not pathlib.Path(binary).exists():
        print("NUMLOOM_CONFORMANCE names no file: set it to numloom's half, `examples/conformance`", file=sys.stderr)
        return 2
    side.read_tables(ROOT / "docs" / "conformance.md")
    if options.case is not None:
        return show(binary, options.seed, options.case)
    jobs = [
        (binary, options.seed, first, min(BATCH, options.cases - first)) for first in range(0, options.cases, BATCH)
    ]
    report = Report()
    with multiprocessing.Pool(options.jobs, maxtasksperchild=1) as pool:
        for part in pool.imap_unordered(run, jobs, chunksize=1):
            report.add(part)
    table(report)
    print("layouts: " + ", ".join(f"{n} {name}" for name, n in sorted(report.layouts.items())))
    print("keywords: " + ", ".join(f"{n} {name}" for name, n in sorted(report.keywords.items())))
    print("differences: " + ", ".join(f"{n} {name}" for name, n in sorted(report.differences.items())))
    print("outcomes: " + ", ".join(f"{n} {name}" for name, n in sorted(report.outcomes.items())))
    gaps = list(missing(binary, report))
    reasons = collections.defaultdict(list)
    for operation, dtype, why in gaps:
        reasons[operation, why].append(dtype)
    for (operation, why), dtypes in reasons.items():
        print(f"  not compared: {operation} on {', '.join(dtypes)} ({why})")
    unstated = sorted(side.DIFFERENCES.keys() - report.differences.keys())
    if unstated:
        print("which never showed: " + ", ".join(unstated))
    allowed = set() if options.complete else {"unsupported"}
    failed = bool(report.failures) or any(why not in allowed for _, _, why in gaps)
    print(
        f"{options.cases} cases of seed {options.seed}: {report.outcomes['compared']} compared, "
        f"{report.outcomes['refused']} refused by both, {report.outcomes['unsupported']} unsupported, "
        f"{len(report.failures)} failures, {len(gaps)} gaps (NumPy {np.__version__})"
    )
    for failure in report.failures[:40]:
        print("  " + failure)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
