"""`compile`: the callable, its arguments, threads, processes and signals."""

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


def test_arguments_come_by_place_and_by_name():
    f = nl.compile("a - 2*b")
    assert (f.inputs, f.outputs, f.expr) == (("a", "b"), (None,), "a - 2*b")
    assert f(5, 1) == f(a=5, b=1) == f(5, b=1) == f(b=1, a=5) == 3
    assert nl.compile("a - 2*b", ["b", "a"])(1, 5) == 3


@pytest.mark.parametrize(
    "args, kwargs, code",
    [
        ((1,), {}, "missing-input"),
        ((), {}, "missing-input"),
        ((1, 2, 3), {}, "unexpected-input"),
        ((1,), {"a": 2, "b": 3}, "unexpected-input"),
        ((1, 2), {"c": 3}, "unexpected-input"),
    ],
)
def test_wrong_arguments_are_errors(args, kwargs, code):
    with pytest.raises(nl.InputError) as caught:
        nl.compile("a - 2*b")(*args, **kwargs)
    assert caught.value.code == code and isinstance(caught.value, TypeError)


def test_each_combination_of_dtypes_has_its_kernel():
    f = nl.compile("a + b")
    for dtype in ("i2", "f4", "f8", "c16"):
        assert f(np.ones(3, dtype), np.ones(3, "i2")).dtype == np.result_type(dtype, "i2")
    assert len(f.variants) == 4
    assert f(np.ones(3, "i2"), np.int16(1)).dtype == np.int16
    assert len(f.variants) == 5


def test_a_constant_needs_no_input():
    assert nl.compile("2*pi")() == 2 * np.pi


def test_pickles_are_small_and_share_one_object_in_a_process():
    f = nl.compile("a * 2")
    again = pickle.loads(pickle.dumps(f))
    assert again is pickle.loads(pickle.dumps(f))
    assert again(3) == 6 and again.engine is f.engine
    assert len(pickle.dumps(f)) < 200
    engine = nl.Engine(threads=1)
    g = pickle.loads(pickle.dumps(engine.compile("a + b", ["b", "a"])))
    assert g.inputs == ("b", "a") and g.engine.threads == 1
    out = nl.evaluate("lo = min(a); max(a)", a=[1, 2])
    assert pickle.loads(pickle.dumps(out)).lo == 1


def test_explain_says_how_it_runs():
    f = nl.compile("(x - mean(x)) / std(x)")
    with pytest.raises(ValueError, match="not been called"):
        f.explain()
    assert "passes    2" in f.explain(np.zeros(1000))
    f(np.zeros(3, "f4"))
    assert "x: f32" in f.explain()
    assert f.explain(np.zeros(3), stage="opt").startswith("input x: f64")
    with pytest.raises(ValueError, match="stage must be one of"):
        f.explain(stage="tea")


def test_it_shows_itself():
    f = nl.compile("a < b")
    f(1, 2)
    assert repr(f) == "<numloom.Compiled 'a < b' of (a, b)>"
    assert "a &lt; b" in f._repr_html_() and "a: i64 weak" in f._repr_html_()


def test_one_object_serves_many_threads():
    f = nl.compile("2*a + b; sum(a)")
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for n in (1, 10, 1000, 20_000):
            for dtype in ("f8", "f4", "i4"):
                a, b = (rng.integers(0, 100, n).astype(dtype) for _ in range(2))
                got, total = f(a, b)
                if not (np.array_equal(got, 2 * a + b) and total == a.sum(dtype="f8")):
                    failures.append((n, dtype))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_other_threads_go_on_during_a_run():
    f, a = nl.compile("sum(sin(a)*cos(a)*tan(a)*exp(a))"), np.linspace(0, 1, 3_000_000)
    f(a[:10])
    beats, stop = [], threading.Event()

    def beat():
        while not stop.is_set():
            beats.append(None)
            time.sleep(0.001)

    thread = threading.Thread(target=beat)
    thread.start()
    before = len(beats)
    f(a, threads=1)
    after = len(beats)
    stop.set()
    thread.join()
    assert after > before + 1


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_a_run(threads):
    a = np.linspace(0, 1, 4000)
    f = nl.compile("sum(sin(a[:, None]*a)*cos(a[:, None] + a)*tan(a[:, None] - a))")
    begun = threading.Event()

    def interrupt():
        begun.wait()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            begun.set()
            for _ in range(1000):  # as long as it takes: a run of 16e6 sines, cosines and tangents may be over before
                f(a, threads=threads)
    finally:
        thread.join()
    assert f(a[:2]) == pytest.approx(nl.evaluate("sum(sin(b*c)*cos(b + c)*tan(b - c))", b=a[:2, None], c=a[:2]))


def test_a_handler_that_raises_nothing_lets_the_run_go_on():
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(None))
    try:
        a = np.linspace(0, 1, 2_000_000)
        timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1))
        timer.start()
        while not seen:
            assert nl.evaluate("sum(sin(a))") == nl.evaluate("sum(sin(a))", threads=1)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_forked_child_evaluates(tmp_path):
    a = np.arange(1_000_000.0)
    want = nl.evaluate("sum(a*a)")
    pid = os.fork()
    if pid == 0:
        ok = nl.evaluate("sum(a*a)") == want and nl.evaluate("sum(a*2)") == 2 * a.sum()
        os._exit(0 if ok else 1)
    _, status = os.waitpid(pid, 0)
    assert status == 0


def test_use_at_exit_is_safe():
    code = "import atexit, numloom as nl; atexit.register(lambda: print(nl.evaluate('a+1', a=1)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("2\n", "", 0)


def test_a_thread_at_exit_is_safe():
    code = (
        "import threading, numpy as np, numloom as nl\n"
        "a = np.ones(3_000_000)\n"
        "threading.Thread(target=lambda: [nl.evaluate('sum(sin(a))', a=a) for _ in range(10**6)], daemon=True).start()\n"
        "nl.evaluate('sum(cos(a))')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)


def test_many_distinct_expressions_leave_memory_flat():
    resource = pytest.importorskip("resource")
    a = np.ones(4)
    engine = nl.Engine(cache_entries=16)

    # 100,000 texts and 1,000,000 calls are asked for, and take minutes.
    texts, calls = (100_000, 1_000_000) if os.environ.get("NUMLOOM_SOAK") else (6_000, 60_000)

    def many(start, count):
        for i in range(start, start + count):
            assert engine.evaluate(f"a + {i}", a=a)[0] == i + 1

    def again(count):
        f = engine.compile("2*a + k")
        for i in range(count):
            f(a, i)

    many(0, 3000)
    again(3000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    many(3000, texts)
    again(calls)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 20_000 and engine.cache_info().entries <= 16
