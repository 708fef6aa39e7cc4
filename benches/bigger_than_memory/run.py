"""Files larger than the memory that a run is allowed, beside a plain sequential copy of the same bytes, NumExpr over memory maps, and Dask.

    cargo build --release -p numloom-cli
    python3 benches/bigger_than_memory/run.py target/release/numloom FOLDER [--gib 2] [--rounds 3] [--limit 512] [--peers PYTHON]

Makes a.bin and b.bin of so many GiB of f64 in FOLDER. Each round runs, by turns and from the same cache state, cold or warm: `2*a + 3*b` into a new file, and a copy that
reads both files and writes one, both to the end of the same sync; four reductions of `a`, and a plain read of it. With --peers, an interpreter that has
NumExpr and Dask, also what is written by hand with them: a loop over pieces of np.memmap with `numexpr.evaluate(out=)`, and Dask arrays of the maps. All of
it inside a cgroup of --limit MiB if one can be made (as root). Prints ratios of medians and of the fastest to the plain one, and the most of RssAnon + RssFile
that was seen, sampled every 50 ms.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

BLOCK = 1 << 20

# Elements of a piece, in the peers' programs.
PIECE = 1 << 21

# Seconds after which a program is given up.
LONGEST = 300


def make(path, gib):
    if os.path.exists(path) and os.path.getsize(path) == gib << 30:
        return
    import array

    piece = array.array("d", ((i * 7919 % 10007) / 97 for i in range(BLOCK // 8))).tobytes()
    with open(path, "wb") as file:
        for _ in range(gib << 10):
            file.write(piece)
        os.fsync(file.fileno())


def read(path):
    buffer = bytearray(BLOCK)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def copy(paths, to):
    """Reads all of them side by side, and writes one."""
    buffer = bytearray(BLOCK)
    files = [open(path, "rb", buffering=0) for path in paths]
    with open(to + ".partial", "wb", buffering=0) as out:
        while all([file.readinto(buffer) for file in files]):
            out.write(buffer)
        os.fsync(out.fileno())
    os.rename(to + ".partial", to)


def numexpr_loop(to, a, b):
    """A piece of two million elements at a time, as its users write it."""
    import numexpr
    import numpy as np

    a, b = (np.memmap(path, dtype="f8", mode="r") for path in (a, b))
    out = np.memmap(to + ".partial", dtype="f8", mode="w+", shape=a.shape)
    for start in range(0, len(a), PIECE):
        part = slice(start, start + PIECE)
        numexpr.evaluate("2*a + 3*b", {"a": a[part], "b": b[part]}, out=out[part])
    out.flush()
    os.rename(to + ".partial", to)


def numexpr_reductions(path):
    """What NumExpr has of them; the means of means are put together by hand, and there is no standard deviation but that of squares."""
    import numexpr
    import numpy as np

    a = np.memmap(path, dtype="f8", mode="r")
    total = squares = 0.0
    low, high = np.inf, -np.inf
    for start in range(0, len(a), PIECE):
        x = a[start : start + PIECE]
        total += numexpr.evaluate("sum(x)")
        squares += numexpr.evaluate("sum(x*x)")
        low = min(low, numexpr.evaluate("min(x)"))
        high = max(high, numexpr.evaluate("max(x)"))
    mean = total / len(a)
    print(mean, (squares / len(a) - mean * mean) ** 0.5, low, high)


def dask_array(path):
    """An array whose pieces are mapped when they are computed: of a map that is handed to it, Dask makes a copy."""
    import dask.array as da
    import numpy as np

    n = os.path.getsize(path) // 8

    def piece(block_info):
        ((start, end),) = block_info[None]["array-location"]
        return np.memmap(path, dtype="f8", mode="r", offset=8 * start, shape=(end - start,))

    return da.map_blocks(piece, chunks=da.core.normalize_chunks(PIECE, (n,)), dtype="f8", name=path, meta=np.empty(0))


class Target:
    """Takes the pieces of `dask.array.store`."""

    def __init__(self, path, n):
        import numpy as np

        self.shape, self.dtype = (n,), np.dtype("f8")
        self.map = np.memmap(path, dtype="f8", mode="w+", shape=(n,))

    def __setitem__(self, part, values):
        self.map[part] = values


def dask_map(to, a, b):
    import dask.array as da

    x = 2 * dask_array(a) + 3 * dask_array(b)
    out = Target(to + ".partial", x.shape[0])
    da.store(x, out, lock=False)
    out.map.flush()
    os.rename(to + ".partial", to)


def dask_reductions(path):
    import dask

    a = dask_array(path)
    print(dask.compute(a.mean(), a.std(), a.min(), a.max()))


def resident(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            lines = dict(line.split(":", 1) for line in status if line.startswith("Rss"))
        return sum(int(lines[key].split()[0]) for key in ("RssAnon", "RssFile"))
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return 0


def cgroup(limit):
    path = f"/sys/fs/cgroup/memory/numloom-bench-{os.getpid()}"
    try:
        os.mkdir(path)
        with open(f"{path}/memory.limit_in_bytes", "w") as file:
            file.write(str(limit << 20))
        return path
    except OSError:
        return None


def timed(args, group):
    """Seconds, or no end of them if it failed or was killed, and the most KiB resident."""

    def enter():
        if group:
            with open(f"{group}/cgroup.procs", "w") as file:
                file.write("0")

    start = time.perf_counter()
    child = subprocess.Popen(args, preexec_fn=enter, stdout=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:
        most = max(most, resident(child.pid))
        if time.perf_counter() - start > LONGEST:
            child.kill()
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
    seconds = time.perf_counter() - start
    return seconds if child.returncode == 0 else float("inf"), most


def forget(paths):
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


PROGRAMS = {
    "--copy": lambda to, *paths: copy(paths, to),
    "--read": read,
    "--numexpr": numexpr_loop,
    "--numexpr-reductions": numexpr_reductions,
    "--dask": dask_map,
    "--dask-reductions": dask_reductions,
}


def main():
    if sys.argv[1] in PROGRAMS:
        return PROGRAMS[sys.argv[1]](*sys.argv[2:])
    args = argparse.ArgumentParser()
    args.add_argument("numloom")
    args.add_argument("folder")
    args.add_argument("--gib", type=int, default=2)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--limit", type=int, default=512)
    args.add_argument("--memory", default="256M")
    args.add_argument("--states", nargs="+", default=("cold", "warm"), choices=("cold", "warm"))
    args.add_argument("--peers", metavar="PYTHON")
    args = args.parse_args()
    a, b, c = (os.path.join(args.folder, name) for name in ("a.bin", "b.bin", "c.bin"))
    make(a, args.gib)
    make(b, args.gib)
    group = cgroup(args.limit)
    print(f"cgroup of {args.limit} MiB" if group else "no cgroup could be made", flush=True)
    me = [sys.executable, __file__]
    numloom = [args.numloom, "eval", "--memory", args.memory, "--progress", "never"]
    works = {
        "2*a + 3*b": {
            "plain": [*me, "--copy", c, a, b],
            "numloom": [*numloom, "2*a + 3*b", f"a={a}:f64", f"b={b}:f64", "-o", f"{c}:f64", "--fresh"],
        },
        "mean; std; min; max": {
            "plain": [*me, "--read", a],
            "numloom": [*numloom, "mean(a); std(a); min(a); max(a)", f"a={a}:f64"],
        },
    }
    if args.peers:
        them = [args.peers, __file__]
        works["2*a + 3*b"] |= {"NumExpr": [*them, "--numexpr", c, a, b], "Dask": [*them, "--dask", c, a, b]}
        works["mean; std; min; max"] |= {"NumExpr": [*them, "--numexpr-reductions", a], "Dask": [*them, "--dask-reductions", a]}
    for state in args.states:
        for name, commands in works.items():
            times, most = {who: [] for who in commands}, dict.fromkeys(commands, 0)
            for round in range(args.rounds):
                order = list(commands)
                for who in order if round % 2 else reversed(order):
                    if os.path.exists(c):
                        os.remove(c)
                    if state == "cold":
                        forget([a, b])
                    else:
                        read(a)
                        read(b)
                    seconds, kib = timed(commands[who], group)
                    times[who].append(seconds)
                    most[who] = max(most[who], kib)
            plain = times.pop("plain")
            print(f"{state:5} {name:20} plain: median {statistics.median(plain):.2f} s, fastest {min(plain):.2f} s")
            for who, taken in times.items():
                median = statistics.median(plain) / statistics.median(taken)
                print(
                    f"{'':26} {who}: of the plain one's speed: median {median:.2f}, fastest {min(plain) / min(taken):.2f}; resident {most[who] >> 10} MiB",
                    flush=True,
                )
    if os.path.exists(c):
        os.remove(c)
    if group:
        os.rmdir(group)


if __name__ == "__main__":
    main()
