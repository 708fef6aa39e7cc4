"""The record of a run, as Markdown: every row, won or lost."""

from __future__ import annotations

import json
import statistics

import aims
from rows import CALL, CEILING, ceiling, fastest, median, number, ratio, size, table, what

def dump(found: dict) -> str:
    """The data, a line for each row."""
    rest = {key: value for key, value in found.items() if key != "rows"}
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in found["rows"])
    return json.dumps(rest, ensure_ascii=False, indent=1)[:-2] + ',\n "rows": [\n' + rows + "\n ]\n}\n"


def report(found: dict) -> str:
    rows = found["rows"]
    peers = [peer for peer in found["labels"] if peer != "numloom"]
    threads = sorted({row["threads"] for row in rows})
    parts = [_head(found), aims.reached(found)]
    if "numpy" in found["labels"]:
        parts.append(never_slower(found))
    for fresh in (False, True):
        for count in threads:
            chosen = [row for row in rows if row["threads"] == count and row["fresh"] == fresh and row["n"] != CALL and "numloom" in row["peers"]]
            if chosen:
                title = f"## {'Fresh' if fresh else 'Reused'} outputs, {count} thread{'s' if count > 1 else ''}\n\n"
                parts.append(title + _rows(found, chosen, peers))
    if found.get("calls"):
        parts.append(_calls(found))
    parts.append(_busy(found))
    parts.append(_cases(rows) + _left_out(found))
    return "\n".join(parts)


def _head(found: dict) -> str:
    versions = ", ".join(f"{found['labels'][name]} {version}" for name, version in found["versions"].items() if not name.startswith("gcc-"))
    missing = "".join(f"\n!!! LEFT OUT {name}: {why}\n" for name, why in found["missing"].items())
    caches = ", ".join(f"{level} {text}" for level, text in found["caches"].items())
    return f"""# {found['began'][:10]}, {found['processor']}, {found['cores']} cores: numloom beside its peers

    {found['command']}

{found['memory_gib']} GiB, {caches}; {found['system']}; CPython {found['python']}, rustc {found['rustc']}, commit {found['commit']}. {versions}. Load {found['load'][0]:.1f}
when it began, {found['load_at_end'][0]:.1f} at its end, of which the run itself is {max(row['threads'] for row in found['rows'])} at most.
numloom's engines: {_engines(found)}.
{missing}
All peers take turns in one process for each number of threads, through Python, on the same arrays; results are checked against NumPy's first, numloom's for its
interpreter's bits too. `ns` is numloom's median time for
each element, GB/s its compulsory traffic: each input read once, each output written once. All else are **ratios, a peer's time over numloom's**: of medians, then of fastest turns;
above 1 numloom is faster, and where it is slower by both they are bold. `ceiling` is the faster of the two C loops that compute the same. NumPy computes on one thread always; what it
and blosc2 cannot put into a reused output they make anew.
"""


def _engines(found: dict) -> str:
    """How many rows ran on which engine, as `explain` says it."""
    counts: dict[str, int] = {}
    for row in found["rows"]:
        if "engine" in row:
            counts[row["engine"]] = counts.get(row["engine"], 0) + 1
    return "; ".join(f"{engine} ({count} rows)" for engine, count in sorted(counts.items(), key=lambda each: -each[1])) or "not asked"


def _rows(found: dict, rows: list[dict], peers: list[str]) -> str:
    lines = []
    for row in rows:
        best = ceiling(row)
        lines.append(
            [what(row), size(row["n"]), f"{median(row, 'numloom') / row['n']:.3f}", f"{row['bytes'] / median(row, 'numloom'):.1f}"]
            + [ratio(row, peer) for peer in peers]
            + ([ratio(row, best) if best else "–"] if any(peer in CEILING for peer in peers) else [])
        )
    heads = ["case", "n", "ns", "GB/s"] + [found["labels"][peer] for peer in peers] + (["ceiling"] if any(peer in CEILING for peer in peers) else [])
    return table(heads, lines)


def never_slower(found: dict) -> str:
    """Whether numloom is never slower than NumPy from 1e4 elements up, and below by no more than what its call costs more."""
    rows = [row for row in found["rows"] if row["group"] == "design" and not row["fresh"] and {"numloom", "numpy"} <= row["peers"].keys()]
    calls = {(what(row), row["threads"]): fastest(row, "numloom") - fastest(row, "numpy") for row in rows if row["n"] == CALL}
    failed, held = [], 0
    for row in rows:
        if row["n"] == CALL:
            continue
        allowed = max(0.0, calls.get((what(row), row["threads"]), 0.0)) if row["n"] < 10_000 else 0.0
        if min(median(row, "numloom") - median(row, "numpy"), fastest(row, "numloom") - fastest(row, "numpy")) <= allowed:
            held += 1
        else:
            cells = [f"{number(of(row, peer) / 1e3)}" for of in (median, fastest) for peer in ("numloom", "numpy")]
            failed.append([what(row), size(row["n"]), str(row["threads"]), *cells, number(allowed / 1e3), ratio(row, "numpy")])
    costs = [
        [what(row), *(number(fastest(row, peer) / 1e3) for peer in ("numloom", "numpy"))]
        for row in rows
        if row["n"] == CALL and row["threads"] == rows[0]["threads"]
    ]
    text = "## Never slower than NumPy\n\n"
    text += "From n = 1e4 up, called from Python with `out=`, numloom is to be no slower than NumPy on any row that the project set itself figures for; below, no slower than NumPy plus what its\n"
    text += "call costs more, which is the difference on ten elements. A row fails where both its median and its fastest time are slower.\n\n"
    if failed:
        heads = ["case", "n", "threads", "numloom, µs, median", "NumPy", "numloom, fastest", "NumPy", "allowed", "ratio"]
        text += f"**Fails** on {len(failed)} of {held + len(failed)} rows:\n\n" + table(heads, failed)
    else:
        text += f"**Holds** on all {held} rows.\n"
    return text + f"\nA call on {CALL} elements, fastest:\n\n" + table(["case", "numloom, µs", "NumPy, µs"], costs)


def _calls(found: dict) -> str:
    kinds = {"compiled_call": "compiled object", "text_call": "known text", "first_call": "new expression"}
    lines = []
    for peer, times in found["calls"].items():
        cells = [_both([time / 1e3 for time in times[kind]]) if kind in times else "–" for kind in kinds]
        lines.append([found["labels"][peer], *cells])
    text = "## What a call costs\n\n`2*a + 3*b` with `out=` on ten elements, µs, median and fastest; JAX, which has none, without. A new expression is parsed, compiled and run.\n\n"
    text += table(["peer", *kinds.values()], lines)
    if found.get("cold"):
        lines = [[found["labels"][peer], *(_both(times) for times in zip(*runs, strict=True))] for peer, runs in found["cold"].items()]
        text += "\nIn a process that has imported nothing but NumPy, ms:\n\n" + table(["peer", "import", "first expression"], lines)
    return text


def _both(times) -> str:
    return f"{number(statistics.median(times))}, {number(min(times))}"


def _busy(found: dict) -> str:
    """Which peers kept another number of processors busy than they were told."""
    many = sorted({found["labels"][peer] for row in found["rows"] if row["threads"] == 1 for peer, times in row["peers"].items() if times["processors"] > 1.3})
    text = f"On one thread, {', '.join(many) or 'none'} kept more than 1.3 processors busy.\n"
    counts = [row for row in found["rows"] if row["threads"] == 2 and row["n"] >= 10_000_000 and not row["reduces"]]
    if counts:
        shares = {
            found["labels"][peer]: statistics.median(row["peers"][peer]["processors"] for row in counts if peer in row["peers"])
            for peer in found["labels"]
            if any(peer in row["peers"] for row in counts)
        }
        text += f"On two, in memory, the median of what each kept busy: {', '.join(f'{label} {share:.1f}' for label, share in shares.items())}.\n"
    return text


def _cases(rows: list[dict]) -> str:
    texts = {row["case"]: row["text"] for row in rows}
    return "## Cases\n\n" + table(["case", "expression"], [[f"`{name}`", f"`{text}`"] for name, text in texts.items()]) + "\n"


def _left_out(found: dict) -> str:
    """Which peers did not run which cases; what they computed wrongly first."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in found["rows"]:
        for peer, why in row["left_out"].items():
            where = reasons.setdefault((peer, why), [])
            if what(row) not in where:
                where.append(what(row))
    if not reasons:
        return ""
    lines = sorted(([found["labels"][peer], why, ", ".join(where)] for (peer, why), where in reasons.items()), key=lambda line: "WRONG" not in line[1])
    return "## Left out\n\n" + table(["peer", "why", "where"], lines)
