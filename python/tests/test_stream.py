"""`stream`, `scan_csv`, `scan_text`, `scan_npy`: rows that come a chunk at a time."""

import gc
import gzip
import io
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import numloom as nl

ELEMENTWISE = "y = sqrt(x)*k + n"
MIXED = "y = sqrt(x)*k + n; mean(x*n); s = std(x); max(n)"
TWICE = "(x - mean(x)) / std(x)"


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    return {"x": rng.random(50_021), "n": rng.integers(-9, 9, 50_021, "i4")}


@pytest.fixture(scope="module")
def files(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    for name, array in table.items():
        np.save(folder / f"{name}.npy", array)
    np.savez(folder / "stored.npz", **table)
    np.savez_compressed(folder / "deflated.npz", **table)
    pd.DataFrame(table).to_csv(folder / "t.csv", index=False)
    with gzip.open(folder / "t.csv.gz", "wb", 1) as file:
        file.write((folder / "t.csv").read_bytes())
    return folder


def blocks(table, rows):
    n = len(table["x"])
    for start in range(0, n, rows):
        yield {name: array[start : start + rows] for name, array in table.items()}


def refilled(table, rows):
    """Blocks in the same memory each time."""
    room = {name: np.empty(rows, array.dtype) for name, array in table.items()}
    for block in blocks(table, rows):
        n = len(block["x"])
        for name, array in block.items():
            room[name][:n] = array
        yield {name: array[:n] for name, array in room.items()}


def sources(table, files):
    """The same rows, wherever they come from, as what makes a source."""
    x, n = files / "x.npy", files / "n.npy"
    yield "arrays", lambda: table
    yield "maps", lambda: {"x": np.load(x, mmap_mode="r"), "n": np.load(n, mmap_mode="r")}
    yield "npy", lambda: nl.scan_npy(x=x, n=n)
    yield "npz", lambda: nl.scan_npy(files / "stored.npz")
    yield "deflated npz", lambda: files / "deflated.npz"
    yield "csv", lambda: nl.scan_csv(files / "t.csv", dtypes={"n": "i4"})
    yield "gzip csv", lambda: nl.scan_csv(files / "t.csv.gz", dtypes={"n": "i4"})
    for rows in (1, 7_001, 50_021):
        if rows > 1:
            yield f"generator of {rows}", lambda rows=rows: lambda: blocks(table, rows)
            yield f"refilled {rows}", lambda rows=rows: lambda: refilled(table, rows)
    yield "list", lambda: list(blocks(table, 999))
    yield "frames", lambda: [pd.DataFrame(block) for block in blocks(table, 10_000)]
    yield "frame", lambda: pd.DataFrame(table)
    yield "batches", lambda: pa.table(table).to_batches(max_chunksize=8_000)
    yield "arrow table", lambda: pa.table(table)
    yield "records", lambda: np.rec.fromarrays(list(table.values()), names=list(table)).view(np.ndarray)


def bits(value):
    return [np.asarray(part).tobytes() for part in (value if isinstance(value, tuple) else [value])]


def test_the_bits_are_those_of_arrays_at_any_chunk_and_on_any_threads(table, files):
    wants = {expr: bits(nl.evaluate(expr, {**table, "k": 2.5})) for expr in (MIXED, TWICE)}
    for name, make in sources(table, files):
        for chunk in ("16K", 100_000, "4M"):
            for threads in (1, 3):
                got = nl.stream(MIXED, make(), k=2.5, chunk=chunk, threads=threads).result()
                assert bits(got) == wants[MIXED], (name, chunk, threads)
        assert bits(nl.stream(TWICE, make(), chunk="64K").result()) == wants[TWICE], name


def test_blocks_are_all_rows_in_order_and_values_come_after(table, files):
    want = nl.evaluate(MIXED, {**table, "k": 2.5})
    for name, make in sources(table, files):
        run = nl.stream(MIXED, make(), k=2.5, chunk="100K")
        rows = list(run)
        assert np.concatenate(rows).tobytes() == want.y.tobytes(), name
        assert all(type(block) is np.ndarray and block.flags.writeable and block.flags.aligned for block in rows)
        got = run.result()
        assert got.y is None and bits(got[1:]) == bits(want[1:]), name
        assert list(run) == []


def test_several_columns_come_as_named_tuples(table):
    for block in nl.stream("a = x + n; x - n", blocks(table, 1000)):
        assert isinstance(block, nl.Outputs) and block._fields == ("a", None)
        assert 0 < len(block.a) == len(block[1])


def test_sinks(table, files, tmp_path):
    want = nl.evaluate(MIXED, {**table, "k": 2.5})
    got = nl.scan_csv(files / "t.csv").stream(MIXED, k=2.5).to_npy(tmp_path / "y.npy")
    assert got.y == str(tmp_path / "y.npy") and got.s == want.s
    assert np.load(tmp_path / "y.npy").tobytes() == want.y.tobytes()
    two = nl.stream("a = x + n; b = n; sum(n)", blocks(table, 777))
    got = two.to_npy({"b": tmp_path / "b.npy", "a": tmp_path / "a.npy"})
    assert np.load(got.b).tobytes() == table["n"].tobytes() and np.load(got.a).tobytes() == (table["x"] + table["n"]).tobytes()
    got = nl.stream("a = x; b = n", blocks(table, 777)).to_csv(tmp_path / "t.csv")
    assert got == (str(tmp_path / "t.csv"),) * 2
    back = np.loadtxt(tmp_path / "t.csv", delimiter=",", skiprows=1)
    assert np.array_equal(back[:, 0], table["x"]) and np.array_equal(back[:, 1], table["n"])
    assert nl.stream("x + 1", blocks(table, 5_000)).to_numpy().tobytes() == (table["x"] + 1).tobytes()
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "b.npy", "t.csv", "y.npy"]


def test_a_sink_that_fails_leaves_no_file(table, tmp_path):
    def broken():
        yield from blocks(table, 5_000)
        raise OSError("the tape is torn")

    for write in (lambda run: run.to_npy(tmp_path / "y.npy"), lambda run: run.to_csv(tmp_path / "y.csv")):
        with pytest.raises(OSError, match="the tape is torn"):
            write(nl.stream("x + n", broken()))
    with pytest.raises(nl.Error, match="expected 1 columns, found 2"):
        nl.stream("x + n; x", blocks(table, 1000)).to_npy(tmp_path / "y.npy")
    with pytest.raises(nl.InputError, match="`z` is no output"):
        nl.stream("y = x + n", blocks(table, 1000)).to_npy({"z": tmp_path / "y.npy"})
    assert os.listdir(tmp_path) == []


def test_nothing_is_read_before_it_is_asked_for(table):
    given = []

    def watched():
        for block in blocks(table, 1000):
            given.append(len(block["x"]))
            yield block

    run = nl.stream("x + n", watched())
    assert given == []
    next(run)
    # One is asked for while the one before is taken.
    assert len(given) <= 3
    run.close()
    assert len(given) <= 3
    assert list(run) == []


def test_a_generator_runs_in_the_callers_thread(table):
    threads = set()

    def watched():
        for block in blocks(table, 1000):
            threads.add(threading.get_ident())
            yield block

    nl.stream("sum(x)", watched()).result()
    assert threads == {threading.get_ident()}


def test_what_a_generator_raises_comes_out_as_it_is(table):
    class Torn(Exception):
        pass

    error = Torn("at block 3")

    def broken():
        for i, block in enumerate(blocks(table, 1000)):
            if i == 3:
                raise error
            yield block

    for consume in (list, lambda run: run.result(), lambda run: run.to_numpy()):
        with pytest.raises(Torn) as caught:
            consume(nl.stream("x + n", broken()))
        assert caught.value is error and error.__cause__ is None


def test_streams_closed_early_leave_nothing_behind(table, files):
    before = threading.active_count(), native_threads()
    ended = []

    def watched():
        try:
            yield from blocks(table, 1000)
        finally:
            ended.append(True)

    for leave in ("close", "with", "forget"):
        run = nl.stream("x + n", watched())
        next(run)
        if leave == "close":
            run.close()
        elif leave == "with":
            with run:
                pass
        alive = weakref.ref(run)
        del run
        gc.collect()
        assert alive() is None
    assert len(ended) == 3
    source = nl.scan_csv(files / "t.csv")
    run = source.stream("x + n", chunk="10K")
    next(run)
    with pytest.raises(ValueError, match="being read"):
        source.evaluate("sum(x)")
    run.close()
    assert source.evaluate("count_nonzero(x)") == 50_021
    assert not [name for name in open_files() if name.endswith("t.csv")]
    wait_until(lambda: native_threads() <= before[1] + nl.Engine().threads)
    assert threading.active_count() == before[0]


def test_a_stream_in_a_cycle_is_collected(table):
    ended = []

    def own():
        try:
            for block in blocks(table, 1000):
                yield block
                assert run is not None
        finally:
            ended.append(True)

    run = nl.stream("x + n", own())
    next(run)
    alive = weakref.ref(run)
    del run, own
    gc.collect()
    assert alive() is None and ended


def native_threads():
    """Threads of this process that are runs."""
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except OSError:
            pass
    return sum(name.startswith("numloom-run") for name in names)


def open_files():
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return [os.readlink(link) for link in links if os.path.islink(link)]


def wait_until(true):
    for _ in range(200):
        if true():
            return
        time.sleep(0.01)
    assert true()


def test_a_stream_runs_once(table):
    run = nl.stream("x + n", table)
    next(run)
    with pytest.raises(ValueError, match="has begun"):
        run.to_npy("nowhere.npy")
    for consume in (run.result, run.to_numpy):
        with pytest.raises(ValueError, match="not come to its end"):
            consume()
    run.close()
    with pytest.raises(ValueError, match="closed"):
        closed = nl.stream("x + n", table)
        closed.close()
        next(closed)


def test_a_stream_that_is_asked_by_its_own_source_says_so(table):
    def own():
        yield from blocks(table, 1000)
        next(run)

    run = nl.stream("x + n", own())
    with pytest.raises(ValueError, match="being read already"):
        list(run)


def test_what_can_be_read_once_cannot_be_read_twice(table):
    with pytest.raises(nl.RunError) as caught:
        nl.stream("x - mean(x)", blocks(table, 1000)).result()
    assert caught.value.code == "not-streamable"
    source = nl.scan_csv(io.BytesIO(b"x\n1\n2\n"))
    assert source.evaluate("sum(x)") == 3
    with pytest.raises(nl.RunError) as caught:
        source.evaluate("sum(x)")
    assert caught.value.code == "not-streamable"


def test_blocks_that_are_not_what_they_should_be_say_so(table):
    x = np.ones(3)
    for source, message in [
        ([], "no blocks"),
        ([{"x": x}], "no column `n`"),
        ([(x,)], "1 arrays for 2 inputs"),
        ([{"x": 1.0, "n": x}], "has no axes"),
        ([{"x": x, "n": "three"}], "dtype"),
        ([{"x": x, "n": x[:2]}], "2 rows where the first has 3"),
        ([{"x": x, "n": x}, {"x": x, "n": x.astype("f4")}], "expected column `n: f64`, found `n: f32`"),
        ([{"x": pd.array([1, None], "Int64"), "n": x[:2]}], "missing values"),
        ({"x": x, "n": x[:2]}, "different numbers of rows"),
        (3.5, "no source"),
        ("table.parquet", "does not say what it holds"),
    ]:
        with pytest.raises(nl.Error, match=message):
            nl.stream("x + n", source).result()
    for expr, message, kind in [("x +", "expected", nl.ExprSyntaxError), ("x + nn", "no input named `nn`|no column `nn`", nl.Error)]:
        with pytest.raises(kind, match=message):
            nl.stream(expr, table).result()
    with pytest.raises(nl.InputError, match="no input named `k`"):
        nl.stream("x + n", table, k=1)
    floats = [{"x": pd.array([1.5, None], "Float64"), "n": x[:2]}]
    assert np.array_equal(nl.stream("x + n", floats).result(), [2.5, np.nan], equal_nan=True)


def test_no_rows_are_a_run_too(tmp_path):
    assert nl.stream("sum(x)", {"x": np.empty(0)}).result() == 0
    assert nl.stream("x + 1", {"x": np.empty(0)}).result().shape == (0,)
    assert list(nl.stream("x + 1", [{"x": np.empty(0)}])) == []


def test_rows_may_be_arrays():
    m = np.arange(60.0).reshape(20, 3)
    assert np.array_equal(nl.stream("2*m", (m[i : i + 4] for i in range(0, 20, 4))).result(), 2 * m)
    assert nl.stream("sum(m)", m).result() == m.sum()


def test_csv_options():
    text = b"# made by hand\n id ; price;ok\n1;2,5;x\n"
    assert nl.scan_csv(io.BytesIO(b"skip me\n#no\na;b\n1;2.5\n3;-\n"), delimiter=";", comment="#", skip_lines=1, missing_values=["-"]).evaluate(
        "b"
    ).tolist()[0] == 2.5
    bare = nl.scan_csv(io.BytesIO(b"1,2\n3,4\n"), header=False)
    assert list(bare.columns) == ["c0", "c1"] and bare.evaluate("sum(c0*c1)") == 14
    named = nl.scan_csv(io.BytesIO(b"1,2\n3,4\n"), header=False, names=["a", "b"], dtypes="f4")
    assert named.columns == {"a": np.dtype("f4"), "b": np.dtype("f4")} and named.rows is None
    chosen = nl.scan_csv(io.BytesIO(b"a,b,c\n1,2,3\n"), columns=["c", "a"])
    assert list(chosen.columns) == ["c", "a"]
    with pytest.raises(nl.InputError, match="`b` is not one of those"):
        chosen.evaluate("a + b")
    with pytest.raises(nl.InputError, match="no column is named `d`"):
        nl.scan_csv(io.BytesIO(b"a,b\n1,2\n"), columns=["d"])
    for options, message in [(dict(delimiter="::"), "one ASCII character"), (dict(missing="drop"), "'nan' or 'error'"), (dict(quote=","), "must differ")]:
        with pytest.raises(ValueError, match=message):
            nl.scan_csv(io.BytesIO(text), **options)


@pytest.mark.parametrize(
    "rows, message",
    [
        (b"1,2\n3\n", "line 3"),
        (b"1,2\n3,4,5\n", "line 3"),
        (b"1,2\n3,4x\n", r"line 3, column 2 \(`b`\)"),
        (b'1,2\n"3,4\n', "line 3"),
        (b"1,2\n3,\x00\n", r"line 3, column 2 \(`b`\)"),
        (b"1,2\n3,\xff\n", r"line 3, column 2 \(`b`\)"),
    ],
)
def test_malformed_rows_name_line_and_column(tmp_path, rows, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"a,b\n" + rows)
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(nl.Error, match=message) as caught:
            nl.scan_csv(source, dtypes={"a": "i8", "b": "f8"}).evaluate("sum(a*b)")
        assert source is not path or "bad.csv" in str(caught.value)
        error = caught.value
        assert type(error) is nl.RecordError and isinstance(error, ValueError) and error.code == "bad-record"
        assert error.line == 3
        if "column" in message:
            assert (error.column, error.name) == (2, "b")


def test_rows_that_are_unusual_and_well_formed():
    for text in (b"a,b\r\n1,2\r\n3,4\r\n", b"\xef\xbb\xbfa,b\n1,2\n3,4", b'"a","b"\n"1",2\n3,"4"\n'):
        assert nl.scan_csv(io.BytesIO(text)).evaluate("sum(a*b)") == 14


def test_missing_is_nan_or_an_error():
    text = b"a,b\n1.5,2\n,3\n"
    assert np.isnan(nl.scan_csv(io.BytesIO(text)).evaluate("a")[1])
    with pytest.raises(nl.Error, match=r"line 3, column 1 \(`a`\)"):
        nl.scan_csv(io.BytesIO(text), missing="error").evaluate("a")


def test_text_as_loadtxt_reads_it(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("# t x y\n0 1.5 2\n\n1\t2.5   3 # note\n")
    want = np.loadtxt(path)
    assert nl.scan_text(path).evaluate("c1*c2").tolist() == (want[:, 1] * want[:, 2]).tolist()
    source = nl.scan_text(path, columns=[0, 2], names=["t", "y"], dtypes={"t": "i8"})
    assert source.columns == {"t": np.dtype("i8"), "y": np.dtype("f8")}
    assert source.evaluate("sum(t + y)") == 6 and source.evaluate("t").dtype == np.dtype("i8")
    path.write_text("1 2\n3 four\n")
    with pytest.raises(nl.Error, match=r"t\.txt.*line 2, column 2"):
        nl.scan_text(path).evaluate("c1")


def test_file_like_objects_are_read_in_the_callers_thread_and_their_errors_come_out():
    class Slow(io.BytesIO):
        threads = set()

        def read(self, n=-1):
            self.threads.add(threading.get_ident())
            return super().read(min(n, 100))

    text = b"x\n" + b"".join(b"%d\n" % i for i in range(3000))
    assert nl.scan_csv(Slow(text)).evaluate("sum(x)", chunk=1000) == sum(range(3000))
    assert Slow.threads == {threading.get_ident()}

    class Torn(io.BytesIO):
        def read(self, n=-1):
            if self.tell() > 100_000:
                raise EOFError("torn")
            return super().read(min(n, 1000))

    with pytest.raises(EOFError, match="torn"):
        nl.scan_csv(Torn(text * 20), dtypes="S5").evaluate("count_nonzero(x == b'7')", chunk=1000)
    with pytest.raises(TypeError, match="binary mode"):
        nl.scan_csv(io.StringIO("x\n1\n"))
    with pytest.raises(nl.InputError, match="no `read`"):
        nl.scan_csv(3)


def test_standard_input():
    code = "import numloom as nl; print(nl.scan_csv('-').evaluate('sum(a*b)'))"
    done = subprocess.run([sys.executable, "-c", code], input=b"a,b\n1,2\n3,4\n", capture_output=True, timeout=60)
    assert done.stdout.strip() == b"14", done.stderr


def test_ctrl_c_ends_a_run_that_waits_for_its_source():
    code = """
import os, signal, threading, numloom as nl
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    nl.scan_csv("-").evaluate("sum(a)")
except KeyboardInterrupt as stopped:
    print("stopped", stopped.args)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Nothing ever comes.
    out = process.stdout.read()
    process.stdin.close()
    assert out.startswith(b"stopped"), process.stderr.read()
    assert process.wait(60) == 0
    process.stdout.close()
    process.stderr.close()


def test_ctrl_c_ends_a_run_that_computes(table):
    def endless():
        while True:
            yield table

    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.2, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        nl.stream("sum(x)", endless()).result()
    timer.join()


def test_memory_is_that_of_a_few_chunks():
    code = """
import resource, numpy as np, numloom as nl
def blocks(n):
    room = np.ones(100_000)
    for i in range(n):
        yield {"x": room}
assert nl.stream("sum(x)", blocks(100)).result() == 1e7
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total = 0
for block in nl.stream("2*x", blocks(3000)):
    total += len(block)
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    total, kib = map(int, done.stdout.split())
    assert total == 3000 * 100_000 and kib < 100_000, "2.4 GB went through"


def test_runs_of_many_threads_at_once(table, files):
    want = nl.evaluate("sum(x*n)", table)
    found = []

    def run(i):
        source = nl.scan_csv(files / "t.csv") if i % 2 else blocks(table, 3_000)
        found.append(nl.stream("sum(x*n)", source).result())

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [value.tobytes() for value in found] == [want.tobytes()] * 8


def test_a_file_of_a_reduced_output_is_refused_and_no_other_column_is_written_to_it(tmp_path):
    x = np.arange(4.0)
    stream = nl.stream("a = x; b = n; m = sum(n)", {"x": x, "n": -x})
    with pytest.raises(nl.Error, match="no column"):
        stream.to_npy({"a": tmp_path / "a.npy", "m": tmp_path / "m.npy"})
    assert not list(tmp_path.iterdir())
