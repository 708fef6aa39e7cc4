"""Runs `measure.py` for each number of threads and writes the record, its data and its plot: see README.md. `run.sh` makes the environment."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import machine
import plot
import readme
import report
from cases import CASES, SIZES

HERE = Path(__file__).parent
RECORD = HERE.parent / "record"
COLD = ("numloom", "numexpr", "numba", "jax", "blosc2")


def environment(threads: int) -> dict[str, str]:
    """What holds every peer to a number of threads; JAX reads NPROC."""
    names = ("NPROC", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS", "BLOSC_NTHREADS", "OPENBLAS_NUM_THREADS")
    return os.environ | dict.fromkeys(names, str(threads)) | {"MKL_NUM_THREADS": "1", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}


def measure(options: argparse.Namespace, threads: int) -> dict:
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "found.json")
        command = [sys.executable, str(HERE / "measure.py"), "--threads", str(threads), "--output", str(output)]
        command += ["--sizes", *map(str, options.sizes)]
        for flag, values in (("--cases", options.cases), ("--peers", options.peers)):
            command += [flag, *values] if values else []
        command += ["--quick"] if options.quick else []
        command += ["--calls"] if threads == options.threads[0] else []
        subprocess.run(command, check=True, env=environment(threads))
        return json.loads(output.read_text())


def cold(peers: list[str], repeats: int) -> dict[str, list[list[float]]]:
    """Import and first expression in processes of their own."""
    found = {}
    for peer in peers:
        command = [sys.executable, str(HERE / "cold.py"), peer]
        runs = [subprocess.run(command, check=True, env=environment(1), capture_output=True, text=True).stdout for _ in range(repeats)]
        found[peer] = [[float(number) for number in run.split()] for run in runs]
    return found


def joined(old: dict, new: dict) -> dict:
    """A record with rows measured anew; it says of which commands it was made."""
    def key(row):
        return tuple(row[name] for name in ("case", "dtype", "n", "threads", "fresh"))

    fresh = {key(row): row for row in new["rows"]}
    rows = [fresh.pop(key(row), row) for row in old["rows"]] + list(fresh.values())
    return old | new | {"rows": rows, "command": f"{old['command']}\n    {new['command']}", "began": old["began"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benches/peers/run.sh", description="numloom beside its peers, through Python.")
    names = [case.name for case in CASES]
    parser.add_argument("--cases", nargs="+", choices=names, metavar="CASE", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--sizes", nargs="+", type=lambda text: int(float(text)), default=SIZES, metavar="N", help="elements")
    parser.add_argument("--threads", nargs="+", type=int, default=(1, 2), metavar="T")
    parser.add_argument("--peers", nargs="+", metavar="PEER", help="those alone, such as `numloom numpy`")
    parser.add_argument("--quick", action="store_true", help="short turns, few rounds: whether all works, not how fast")
    parser.add_argument("--output", type=Path, help="a directory for record, data and plot; `-` prints the report alone")
    parser.add_argument("--into", type=Path, help="the data of a record, whose rows that are measured now are replaced")
    parser.add_argument("--name", help="of the processor, in the record's file name")
    options = parser.parse_args()
    directory = options.output or RECORD
    if str(directory) != "-":
        directory.mkdir(parents=True, exist_ok=True)  # now, not after minutes of measuring

    found = machine.describe(sys.argv[1:])
    for threads in options.threads:
        part = measure(options, threads)
        found["rows"] = found.get("rows", []) + part.pop("rows")
        found |= {key: value for key, value in part.items() if value or key not in found}
    able = [peer for peer in COLD if peer in found["labels"]]
    found["cold"] = cold(able, 1 if options.quick else 5)
    if options.into:
        found = joined(json.loads(options.into.read_text()), found)
    found["ended"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    found["load_at_end"] = os.getloadavg()

    wrong = [f"{row['case']} {row['dtype']} {row['n']}: {row['left_out']['numloom']}" for row in found["rows"] if "numloom" in row["left_out"]]
    if wrong:
        sys.exit("numloom fails:\n" + "\n".join(wrong))
    text = report.report(found)
    if str(directory) == "-":
        print(text)
        return
    stem = f"{found['began'][:10]}-peers-{options.name or machine.slug(found)}"
    (directory / f"{stem}.json").write_text(report.dump(found))
    (directory / f"{stem}.svg").write_text(plot.plot(found))
    (directory / f"{stem}.md").write_text(text + f"\n![Nanoseconds for each element, by size]({stem}.svg)\n")
    print(text)
    print(f"written: {directory / stem}.md, .json, .svg", file=sys.stderr)
    if directory == RECORD:
        readme.write()


if __name__ == "__main__":
    main()
