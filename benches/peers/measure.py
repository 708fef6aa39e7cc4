"""Times all peers by turns in this process, for one number of threads, and writes what it found as JSON.

`run.py` starts it with the environment that holds every peer to that number.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

import checks
from adapters import LeftOut, Work, load, numpy_
from cases import CASES, Case, inputs_of
from program import Program

TURN = {"full": 2e-3, "quick": 1e-4}
"""Seconds that a turn of a peer lasts at least."""
ROUNDS = {"full": 9, "quick": 3}
LONG = {0.5: 5, 1.5: 3}
"""Seconds of a round of all peers, and how many rounds are then enough."""
REST = 0.015
"""Seconds after a turn on several threads: OpenMP's wait on the spot for up to ten milliseconds, on a processor that the next peer would use."""
CALL = 10
"""Elements of a call that costs nothing but to be made, for what is allowed to small arrays."""


class Turns:
    """Peers that compute one thing, by turns."""

    def __init__(self, rounds: int, turn: float, threads: int):
        self.rounds, self.turn, self.threads = rounds, turn, threads

    def time(self, peers: list, functions: list) -> dict[str, dict]:
        """Nanoseconds for each call of each peer and round, and how many processors it kept busy."""
        lasts = [self._once(function) for function in functions]
        counts = [max(1, min(20_000, int(self.turn / last))) for last in lasts]
        rounds = min([self.rounds, *(enough for least, enough in LONG.items() if sum(lasts) > least)])
        samples = [[] for _ in peers]
        busy = [[] for _ in peers]
        for round_ in range(rounds):
            for turn in range(len(peers)):
                i = (turn + round_) % len(peers)
                function, count = functions[i], counts[i]
                if count > 1:
                    function()  # its data into the caches again
                processors = time.process_time()
                begin = time.perf_counter_ns()
                for _ in range(count):
                    function()
                elapsed = time.perf_counter_ns() - begin
                busy[i].append((time.process_time() - processors) * 1e9 / elapsed)
                samples[i].append(elapsed / count)
                if self.threads > 1:
                    time.sleep(REST)
        return {
            peer.name: {"ns": [float(f"{value:.5g}") for value in samples[i]], "processors": round(statistics.median(busy[i]), 2)}
            for i, peer in enumerate(peers)
        }

    @staticmethod
    def _once(function) -> float:
        begin = time.perf_counter()
        function()
        return time.perf_counter() - begin


def rows_of(case: Case, dtype: str, n: int, peers: list, turns: Turns) -> list[dict]:
    """One case at one size, with reused outputs and, where that is asked for and not small, with fresh ones."""
    program = Program.parse(case.text)
    inputs = inputs_of(case, program.inputs, dtype, n)
    return [row(case, program, inputs, dtype, n, fresh, peers, turns) for fresh in ((False, True) if case.fresh and n >= 1_000_000 else (False,))]


def row(case: Case, program: Program, inputs: dict[str, np.ndarray], dtype: str, n: int, fresh: bool, peers: list, turns: Turns) -> dict:
    """Checked, then timed."""
    shape = () if case.reduces else np.broadcast_shapes(*(array.shape for array in inputs.values()))
    work = Work(case.name, program, inputs, np.dtype(dtype), shape, case.reduces, turns.threads)
    left_out, able, functions = {}, [], []
    with np.errstate(all="ignore"):
        expected = [checks.sample(values).copy() for values in numpy_.function(work, True)(*work.arrays)]
    for peer in peers:
        try:
            function = peer.prepare(work, fresh)
            results = function()  # what it makes once is made here
            fault = checks.wrong(peer.name, work, results, expected) or getattr(peer, "promise", lambda *_: None)(work, results)
            if fault:
                raise LeftOut(f"WRONG: {fault}")
            able.append(peer)
            functions.append(function)
        except LeftOut as error:
            left_out[peer.name] = str(error)
        except Exception as error:  # a peer that fails is a finding, not the end of the run
            left_out[peer.name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    read = sum(array.nbytes for array in inputs.values())
    written = 0 if case.reduces else int(np.prod(shape)) * np.dtype(dtype).itemsize * len(program.outputs)
    found = {
        "case": case.name, "text": program.text, "group": case.group, "dtype": dtype, "n": n, "threads": turns.threads, "fresh": fresh, "reduces": case.reduces,
        "bytes": read + written, "peers": turns.time(able, functions), "left_out": left_out,
    }
    numloom = next((peer for peer in peers if peer.name == "numloom"), None)
    if numloom:
        found["engine"] = numloom.engine(work)
    return found


def calls(peers: list, rounds: int, count: int) -> dict[str, dict]:
    """What a call costs at ten elements: of what is compiled, of a known text, of a new text."""
    a, b, out = np.arange(10.0), np.ones(10), np.empty(10)
    found: dict[str, dict] = {}
    turns = Turns(rounds, 2e-3 if count > 20 else 1e-4, 1)
    for kind in ("compiled_call", "text_call"):
        able = [peer for peer in peers if hasattr(peer, kind)]
        if able:
            timed = turns.time(able, [getattr(peer, kind)(a, b, out) for peer in able])
            for name, values in timed.items():
                found.setdefault(name, {})[kind] = values["ns"]
    for peer in peers:
        if hasattr(peer, "first_call"):
            times = []
            for i in range(4 if getattr(peer.first_call, "slow", False) else count):
                begin = time.perf_counter_ns()
                peer.first_call(i, a, b)
                times.append(time.perf_counter_ns() - begin)
            found.setdefault(peer.name, {})["first_call"] = times[1:]
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", required=True)
    parser.add_argument("--cases", nargs="*")
    parser.add_argument("--peers", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    pace = "quick" if options.quick else "full"
    peers, missing = load(options.peers)
    turns = Turns(ROUNDS[pace], TURN[pace], options.threads)
    rows = []
    for case in CASES:
        if options.cases and case.name not in options.cases:
            continue
        for dtype in case.dtypes:
            if case.group == "design" and not case.shapes:
                rows += rows_of(case, dtype, CALL, [peer for peer in peers if peer.name in ("numloom", "numpy")], turns)
            for n in case.sizes(tuple(options.sizes)):
                for found in rows_of(case, dtype, n, peers, turns):
                    rows.append(found)
                    _say(found)
                gc.collect()
    found = {
        "versions": {peer.name: peer.version() for peer in peers},
        "labels": {peer.name: peer.label for peer in peers},
        "missing": missing,
        "rows": rows,
        "calls": calls(peers, ROUNDS[pace], 200 if pace == "full" else 20) if options.calls else {},
    }
    options.output.write_text(json.dumps(found))


def _say(found: dict) -> None:
    medians = {name: statistics.median(values["ns"]) / found["n"] for name, values in found["peers"].items()}
    text = "  ".join(f"{name} {value:.3f}" for name, value in medians.items())
    out = "".join(f"  [{name}: {why}]" for name, why in found["left_out"].items() if "WRONG" in why or "Error" in why)
    print(f"{found['case']} {found['dtype']} {found['n']:.0e} ×{found['threads']}{' fresh' if found['fresh'] else ''}: {text}{out}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
