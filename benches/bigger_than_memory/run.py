"""Files larger than the memory that a run is allowed, beside a plain sequential copy of the same bytes.

    cargo build --release -p numloom-cli
    python3 benches/bigger_than_memory/run.py target/release/numloom FOLDER [--gib 2] [--rounds 3] [--limit 512]

Makes a.bin and b.bin of so many GiB of f64 in FOLDER. Each round runs, by turns and from the same cache state, cold or warm: `2*a + 3*b` into a new file, and a copy that
reads both files and writes one, both to the end of the same sync; four reductions of `a`, and a plain read of it. All of it inside a cgroup of --limit MiB if one can
be made (as root). Prints the ratios of medians and of the fastest, and the most of RssAnon + RssFile that was seen, sampled every 50 ms.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

BLOCK = 1 << 20


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
    """Seconds, and the most KiB resident."""

    def enter():
        if group:
            with open(f"{group}/cgroup.procs", "w") as file:
                file.write("0")

    start = time.perf_counter()
    child = subprocess.Popen(args, preexec_fn=enter, stdout=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:
        most = max(most, resident(child.pid))
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
    seconds = time.perf_counter() - start
    assert child.returncode == 0, args
    return seconds, most


def forget(paths):
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main():
    if sys.argv[1] in ("--copy", "--read"):
        return copy(sys.argv[3:], sys.argv[2]) if sys.argv[1] == "--copy" else read(sys.argv[2])
    args = argparse.ArgumentParser()
    args.add_argument("numloom")
    args.add_argument("folder")
    args.add_argument("--gib", type=int, default=2)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--limit", type=int, default=512)
    args.add_argument("--memory", default="256M")
    args = args.parse_args()
    a, b, c = (os.path.join(args.folder, name) for name in ("a.bin", "b.bin", "c.bin"))
    make(a, args.gib)
    make(b, args.gib)
    group = cgroup(args.limit)
    print(f"cgroup of {args.limit} MiB" if group else "no cgroup could be made", flush=True)
    me = [sys.executable, __file__]
    numloom = [args.numloom, "eval", "--memory", args.memory, "--progress", "never"]
    works = {
        "2*a + 3*b": (
            [*numloom, "2*a + 3*b", f"a={a}:f64", f"b={b}:f64", "-o", f"{c}:f64", "--fresh"],
            [*me, "--copy", c, a, b],
        ),
        "mean; std; min; max": (
            [*numloom, "mean(a); std(a); min(a); max(a)", f"a={a}:f64"],
            [*me, "--read", a],
        ),
    }
    for state in ("cold", "warm"):
        for name, commands in works.items():
            times, most = [[], []], [0, 0]
            for round in range(args.rounds):
                for which in (0, 1) if round % 2 else (1, 0):
                    if os.path.exists(c):
                        os.remove(c)
                    if state == "cold":
                        forget([a, b])
                    else:
                        read(a)
                        read(b)
                    seconds, kib = timed(commands[which], group)
                    times[which].append(seconds)
                    most[which] = max(most[which], kib)
            ours, plain = times
            median = statistics.median(plain) / statistics.median(ours)
            print(
                f"{state:5} {name:20} of the plain one's speed: median {median:.2f}, fastest {min(plain) / min(ours):.2f}; "
                f"{min(ours):.2f} s, {min(plain):.2f} s; resident {most[0] >> 10} MiB",
                flush=True,
            )
    if group:
        os.rmdir(group)


if __name__ == "__main__":
    main()
