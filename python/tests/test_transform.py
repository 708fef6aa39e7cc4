"""`transform`: files in, files out, gone on with after whatever stopped it."""

import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import numloom as nl
from numloom import _progress

SLOW = "exp(sin(a)*cos(a) - tan(a)**2) + sqrt(a) + log1p(tanh(a)*arctan2(a, 2)) + hypot(sinh(a), expm1(a))**0.3"

EXPR = "y = sqrt(a)*a + b; total = sum(a*b)"


def saved(path, array):
    np.save(path, array)
    return str(path)


@pytest.fixture
def two(tmp_path):
    rng = np.random.default_rng(7)
    a, b = rng.random(300_000), rng.random(300_000)
    return a, b, saved(tmp_path / "a.npy", a), saved(tmp_path / "b.npy", b)


def test_files_come_to_what_arrays_come_to(two, tmp_path):
    a, b, a_file, b_file = two
    want = nl.evaluate(EXPR, a=a, b=b)
    out = tmp_path / "y.npy"
    for threads in (1, 2, None):
        done = nl.transform(EXPR, a=a_file, b=b_file, out={"y": out}, threads=threads, memory="16M")
        assert (done.y, done[0], done.resumed) == (out, out, False)
        assert done.total.tobytes() == want.total.tobytes()
        assert np.load(out).tobytes() == want.y.tobytes()
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "b.npy", "y.npy"]
    assert pickle.loads(pickle.dumps(done)) == done and not pickle.loads(pickle.dumps(done)).resumed


def test_the_only_array_needs_no_name_for_its_file(two, tmp_path):
    a, _, a_file, _ = two
    done = nl.transform("a + k; max(a)", a=a_file, k=np.float32(1), out=tmp_path / "y.npy")
    assert done[0] == tmp_path / "y.npy" and done[1] == a.max()
    assert repr(nl.transform("min(a)", a=a_file)) == f"Transformed({a.min()!r}, resumed=False)"


def test_an_array_without_a_file_is_held_in_memory(two):
    a, _, a_file, _ = two
    done = nl.transform("2*a", a=a_file)
    assert np.array_equal(done[0], 2 * a) and done[0].flags.writeable


def test_maps_travel_as_their_file_and_offset(tmp_path):
    path, elements = tmp_path / "raw: [1].bin", np.arange(1000.0).reshape(20, 50)
    path.write_bytes(b"head" * 4 + elements.tobytes())
    whole = np.memmap(path, np.float64, "r", 16, (20, 50))
    big = saved(tmp_path / "big.npy", elements.astype(">f4"))
    column_major = saved(tmp_path / "f.npy", np.asfortranarray(elements))
    for given, want in [
        (whole, elements),
        (whole[3:7], elements[3:7]),
        (whole[5], elements[5]),
        (np.memmap(path, "S8", "r", 16, (1000,)), None),
        (np.load(big, mmap_mode="r"), elements),
        (np.load(column_major, mmap_mode="r"), elements),
        (f"{path}:f64[20,50]@16", elements),
    ]:
        if want is None:
            assert nl.transform("sum(a == b'')", a=given)[0] == 1
        else:
            assert nl.transform("sum(a)", a=given)[0] == want.sum()
    with pytest.raises(nl.InputError, match="skips elements"):
        nl.transform("sum(a)", a=whole[:, ::2])
    with pytest.raises(nl.InputError, match="mode 'c'"):
        nl.transform("sum(a)", a=np.memmap(path, np.float64, "c", 16))


def test_a_map_as_out_is_changed_where_it_is(tmp_path):
    path = saved(tmp_path / "a.npy", np.arange(5.0))
    changed = np.load(path, mmap_mode="r+")
    done = nl.transform("a*a", a=changed, out=changed)
    assert done[0] is changed and changed.tolist() == [0, 1, 4, 9, 16]
    nl.transform("a - k", a=path, out=path, in_place=True, k=1.0)
    assert changed.tolist() == [-1, 0, 3, 8, 15]
    with pytest.raises(nl.InputError, match="mode 'r'"):
        nl.transform("a", a=path, out=np.load(path, mmap_mode="r"))


def test_what_is_wrong_says_where(two, tmp_path):
    _, _, a_file, b_file = two
    with pytest.raises(nl.FileError, match=r"nowhere\.npy") as caught:
        nl.transform("a + 1", a=tmp_path / "nowhere.npy", out=tmp_path / "y.npy")
    assert caught.value.code == "file-not-found" and isinstance(caught.value, OSError)
    torn = tmp_path / "torn.npy"
    torn.write_bytes(open(a_file, "rb").read()[:-1])
    with pytest.raises(nl.FileError, match=r"torn\.npy"):
        nl.transform("sum(a)", a=torn)
    with pytest.raises(nl.ExprTypeError) as caught:
        nl.transform("a & b", a=a_file, b=b_file)
    assert caught.value.span is not None
    with pytest.raises(nl.InputError, match="no input named `z`"):
        nl.transform("a", a=a_file, z=1)
    with pytest.raises(nl.InputError, match="in memory: save it"):
        nl.transform("a", a=np.ones(3))
    with pytest.raises(nl.Error, match="no output named `z`"):
        nl.transform("y = 2*a", a=a_file, out={"z": tmp_path / "y.npy"})
    with pytest.raises(nl.InputError, match="mapping of files"):
        nl.transform("y = 2*a", a=a_file, out=["y.npy"])
    with pytest.raises(ValueError, match="'256M'"):
        nl.transform("y = 2*a", a=a_file, memory="much")
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "b.npy", "torn.npy"]


def test_progress_is_told_to_the_end_in_the_callers_thread(two, tmp_path):
    _, _, a_file, b_file = two
    told = []
    nl.transform(EXPR, a=a_file, b=b_file, progress=lambda done, total: told.append((done, total, threading.get_ident())))
    assert told[-1][0] == told[-1][1] == 300_000 and {ident for *_, ident in told} == {threading.get_ident()}
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)


def test_a_callable_that_raises_ends_the_run_and_comes_out_as_it_is(two, tmp_path):
    class Enough(Exception):
        pass

    def stop(done, total):
        raise Enough

    with pytest.raises(Enough) as caught:
        nl.transform(EXPR, a=two[2], b=two[3], out={"y": tmp_path / "y.npy"}, progress=stop)
    assert caught.value.__cause__ is None


def test_the_bar_shows_elements_throughput_and_time(two, capsys):
    nl.transform(EXPR, a=two[2], b=two[3], progress=True)
    assert "100%" in (line := capsys.readouterr().err) and "300k of 300k elements" in line and "GB/s" in line

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    bar = _progress.Bar(Terminal())
    draw = bar.begin(8_000_000)
    bar.start -= 10
    for done in (250_000, 500_000):
        bar.drawn = -1.0
        draw(done, 1_000_000)
    bar.close()
    first, last = bar.file.getvalue().strip().split("\r")
    assert first.rstrip() == "[#######.....................]  25%  250k of 1M elements"
    assert last.startswith("[##############..............]  50%  500k of 1M elements  0.00 GB/s  20 s left".replace("20 s", "0:20"))
    assert bar.file.getvalue().endswith("\n")


LONG = f"""
EXPR = "y = {SLOW}; s = sum(a)"
""" + """
import os, sys, threading, numloom as nl
folder, in_place, part, number = sys.argv[1], sys.argv[2] == "in place", float(sys.argv[3]), int(sys.argv[4])
told = []
def tell(done, total):
    told.append(done)
    if done >= part * total and number:
        threading.Thread(target=os.kill, args=(os.getpid(), number)).start()
out = "a.npy" if in_place else "y.npy"
done = nl.transform(EXPR, a=f"{folder}/a.npy", out={"y": f"{folder}/{out}"}, in_place=in_place,
                    memory="16M", threads=1, progress=tell)
print(next(filter(None, told)), done.resumed, done.s.hex())
"""


def run_long(folder, in_place="no", part=1.0, number=0):
    """Runs it, until a signal of this number is sent when so much of it is done."""
    code = [sys.executable, "-c", LONG, str(folder), in_place, str(part), str(int(number))]
    return subprocess.run(code, capture_output=True, text=True, timeout=300)


def finish(folder, in_place="no"):
    """Elements that were done when it was first told of, whether it was gone on with, and the sum."""
    process = run_long(folder, in_place)
    assert process.returncode == 0, process.stderr
    first, resumed, total = process.stdout.split()
    return int(first), resumed == "True", float.fromhex(total)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A file that takes a second or two, and what it comes to."""
    folder = tmp_path_factory.mktemp("long")
    a = np.random.default_rng(3).random(24_000_000)
    saved(folder / "a.npy", a)
    _, resumed, total = finish(folder)
    assert not resumed
    return folder, a, np.load(folder / "y.npy", mmap_mode="r"), total


def same_file(array, path):
    return np.array_equal(np.load(path, mmap_mode="r").view("u8"), array.view("u8"))


@pytest.mark.parametrize("in_place", ["no", "in place"])
def test_a_killed_process_is_gone_on_with_to_the_same_bits(long, tmp_path, in_place):
    _, a, want, total = long
    saved(tmp_path / "a.npy", a)
    out = "a.npy" if in_place == "in place" else "y.npy"
    kept = False
    for part in (0.3, 0.6):
        process = run_long(tmp_path, in_place, part, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        kept |= (tmp_path / f"{out}.journal").exists()
    _, resumed, found = finish(tmp_path, in_place)
    assert resumed == kept and found == total
    # In place, what is overwritten is saved window by window, and the journal says so each time.
    assert resumed or in_place == "no"
    assert same_file(want, tmp_path / out)
    assert sorted(os.listdir(tmp_path)) == sorted({"a.npy", out})


def test_ctrl_c_leaves_what_can_be_gone_on_with_and_says_so(long, tmp_path):
    _, a, want, total = long
    saved(tmp_path / "a.npy", a)
    process = run_long(tmp_path, part=0.3, number=signal.SIGINT)
    assert "KeyboardInterrupt: stopped; what is done is kept: the same run goes on from there" in process.stderr
    assert (tmp_path / "y.npy.journal").exists() and not (tmp_path / "y.npy").exists()
    first, resumed, found = finish(tmp_path)
    assert resumed and first >= 0.3 * len(a) and found == total
    assert same_file(want, tmp_path / "y.npy")


def test_a_journal_is_refused_over_what_has_changed_and_discarded_when_told_to(long, tmp_path):
    folder, a, _, _ = long
    path, out = saved(tmp_path / "a.npy", a), tmp_path / "y.npy"

    def stop(done, total):
        if done >= total / 8:
            raise InterruptedError

    def run(expr, **options):
        return nl.transform(expr, a=path, out=out, memory="16M", threads=1, **options)

    with pytest.raises(InterruptedError):
        run(SLOW, progress=stop)
    assert (tmp_path / "y.npy.journal").exists()
    with pytest.raises(nl.Error) as caught:
        run("a + 1")
    assert caught.value.code == "journal-mismatch"
    done = run("a + 1", resume=False)
    assert not done.resumed and np.array_equal(np.load(out, mmap_mode="r"), a + 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit stands in for a full disk on Linux")
@pytest.mark.parametrize("in_place", ["no", "in place"])
def test_a_full_disk_is_an_error_with_the_files_name_and_the_run_is_gone_on_with(long, tmp_path, in_place):
    import resource

    _, a, want, total = long
    saved(tmp_path / "a.npy", a)
    out = "a.npy" if in_place == "in place" else "y.npy"
    full = """
import resource
def fill(done, total):
    if done > total / 4:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
nl.transform(EXPR, a=%r, out={"y": %r}, in_place=%r, memory="16M", threads=1, progress=fill)
"""
    code = LONG.partition("folder, in_place")[0] + full % (str(tmp_path / "a.npy"), str(tmp_path / out), in_place == "in place")
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "numloom.FileError" in process.stderr and f"cannot write `{tmp_path / out}.journal" in process.stderr, process.stderr
    assert "= help: what is done is kept: the same run goes on from there" in process.stderr
    assert (tmp_path / f"{out}.journal").exists()
    # Saved bytes are kept only if they are whole.
    assert ".journal.undo`" not in process.stderr or not (tmp_path / f"{out}.journal.undo").exists()
    _, resumed, found = finish(tmp_path, in_place)
    assert resumed and found == total
    assert same_file(want, tmp_path / out)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(nl.FileError, match=r"cannot reserve \d+ bytes for `.*z\.npy`"):
            nl.transform("2*a", a=tmp_path / "a.npy", out=tmp_path / "z.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "z.npy.partial").exists()


def test_without_undo_a_file_that_is_partly_updated_is_refused(long, tmp_path):
    _, a, _, _ = long
    path = saved(tmp_path / "a.npy", a)

    def stop(done, total):
        if done >= total / 8:
            raise InterruptedError

    def run(**options):
        return nl.transform(SLOW, a=path, out=path, in_place=True, undo=False, memory="16M", threads=1, **options)

    with pytest.raises(InterruptedError):
        run(progress=stop)
    with pytest.raises(nl.Error) as caught:
        run()
    assert caught.value.code == "not-resumable"
    assert not run(force=True).resumed


def test_a_signal_handler_that_raises_something_else_is_heard(long, tmp_path):
    _, a, _, _ = long
    path = saved(tmp_path / "a.npy", a)

    class Alarm(Exception):
        pass

    def ring(number, frame):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Alarm):
            nl.transform(f"sum({SLOW})", a=path, threads=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_other_threads_run_meanwhile(long):
    folder, *_ = long
    counted = 0
    ended = threading.Event()

    def count():
        nonlocal counted
        while not ended.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    nl.transform("sum(exp(sin(a)*cos(a)))", a=folder / "a.npy", threads=1)
    ended.set()
    thread.join()
    assert counted > 10
