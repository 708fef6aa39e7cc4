"""`numloom.dask` on Dask's threads, processes and a cluster of workers."""

import pickle

import numpy as np
import pytest

import numloom as nl

da = pytest.importorskip("dask.array")
import dask  # noqa: E402

import numloom.dask as nd  # noqa: E402

rng = np.random.default_rng(7)
A, B = rng.random((60, 40)), rng.random((60, 40)).astype("f4")
R = rng.random(40)


@pytest.fixture
def inputs():
    return {"a": da.from_array(A, chunks=(20, 15)), "b": da.from_array(B, chunks=(25, 40)), "r": R, "k": 2.5}


def test_elementwise_is_one_task_for_each_chunk(inputs):
    got = nd.evaluate("k*a + b*r", **inputs)
    assert isinstance(got, da.Array) and got.dtype == np.float64
    assert np.allclose(got.compute(), 2.5 * A + B * R)
    x = da.ones((100, 10), chunks=(25, 10))
    lazy = nd.evaluate("sqrt(x*x + 1) - sin(x)", x=x)
    (optimized,) = dask.optimize(lazy)
    assert len([key for key in dict(optimized.__dask_graph__())]) <= 2 * 4
    assert np.allclose(lazy, np.sqrt(2) - np.sin(1))


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "prod", "min", "max", "any", "all", "count_nonzero", "mean", "var", "std"])
def test_reductions_go_by_tree(name, axis, keepdims, inputs):
    text = f"{name}(a*b + r - 0.5, axis={axis}, keepdims={keepdims})"
    want = nl.evaluate(text, a=A, b=B, r=R)
    got = nd.evaluate(text, **{name: value for name, value in inputs.items() if name != "k"})
    assert got.dtype == np.asarray(want).dtype and got.shape == np.shape(want)
    assert np.allclose(got.compute(), want, rtol=1e-12)


def test_ddof_and_integers(inputs):
    i = rng.integers(-100, 100, 1000).astype("i2")
    x = da.from_array(i, chunks=77)
    out = nd.evaluate("std(x, ddof=1); sum(x); min(x); mean(x > 0); max(f32(x))", x=x)
    want = nl.evaluate("std(x, ddof=1); sum(x); min(x); mean(x > 0); max(f32(x))", x=i)
    for got, expected in zip(dask.compute(*out), want):
        assert np.allclose(got, expected) and np.asarray(got).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize(
    "text",
    [
        "(a - mean(a)) / std(a)",
        "sum(a*b) + a",
        "a - mean(a, axis=0)",
        "a - mean(a, axis=1, keepdims=True)",
        "mean((a - mean(a))**2)",
        "let m = mean(a); let d = a - m; m; d; max(abs(d)) - min(abs(d))",
        "m = sum(a, axis=0); a/m; sqrt(sum((a/m)**2)) # how far",
        "(2*sum(a*b)/(count_nonzero(a > 0.5) + 1)) * (b - max(b))",
    ],
)
def test_reductions_within_expressions_are_layers_of_their_own(text, inputs):
    names = nl.compile(text).inputs
    want = nl.evaluate(text, {"a": A, "b": B})
    got = nd.evaluate(text, **{name: inputs[name] for name in names})
    want, got = [x if isinstance(x, tuple) else (x,) for x in (want, got)]
    for x, y in zip(dask.compute(*got), want, strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype and np.shape(x) == np.shape(y)
        assert np.allclose(x, y, rtol=1e-5 if np.asarray(y).dtype == "f4" else 1e-12)


def test_times_go_chunk_by_chunk():
    t = np.arange("2024-01-01", "2024-01-13", dtype="M8[D]")
    x = da.from_array(t, chunks=5)
    late, span = dask.compute(*nd.evaluate("t - first; max(t) - min(t)", t=x, first=t[0]))
    assert np.array_equal(late, t - t[0]) and span == t[-1] - t[0]


def test_several_outputs_and_temporaries(inputs):
    out = nd.evaluate("let d = a - b; y = d*d; worst = max(abs(d)); k*d", **{k: v for k, v in inputs.items() if k != "r"})
    y, worst, scaled = dask.compute(*out)
    assert out._fields == ("y", "worst", None)
    assert np.allclose(y, (A - B) ** 2) and np.isclose(worst, abs(A - B).max()) and np.allclose(scaled, 2.5 * (A - B))


def test_mistakes_are_told_before_any_task(inputs):
    with pytest.raises(SyntaxError):
        nd.evaluate("a +", a=inputs["a"])
    with pytest.raises(nl.ExprTypeError):
        nd.evaluate("a & 1", a=inputs["a"])
    for text in ("a[1:] + a[:-1]", "argmin(a)", "a - argmin(a)", "a - ptp(a)", "sum(a, where=a > 0)"):
        with pytest.raises(nl.InputError):
            nd.evaluate(text, a=inputs["a"])
    with pytest.raises(nl.InputError, match="missing input"):
        nd.evaluate("a + c", a=inputs["a"])
    with pytest.raises(nl.InputError, match="no input named"):
        nd.evaluate("a + 1", a=inputs["a"], c=1)
    with pytest.raises(nl.InputError, match="no axis 5"):
        nd.evaluate("sum(a, axis=5)", a=inputs["a"])


OTHERS = ["argmin(x)", "argmax(x)", "ptp(x)", "nanmin(x)", "nanmax(x)", "x[1:]", "x[::-1]", "x[0]"]


@pytest.mark.parametrize("part", OTHERS)
@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "x*{}",
        "sum({})",
        "sum(x[1]*0 + {})",
        "mean(x - {})",
        "x/std({} + 1)",
        "let s = {}; x/s",
        "let s = sum({}); x/s",
        "let s = x*{}; max(s)",
        "y = x - mean(sum({})*x); y",
    ],
)
def test_what_does_not_go_chunk_by_chunk_is_refused_wherever_it_stands(part, form):
    x = da.from_array(np.arange(8.0), chunks=3)
    with pytest.raises(nl.InputError, match="chunk by chunk"):
        nd.evaluate(form.format(part), x=x)


def test_every_other_reduction_is_refused_within_one():
    from numloom.dask import _REDUCTIONS

    x = da.from_array(np.arange(8.0), chunks=3)
    reduces = [name for name in nl.functions() if _reduces(name)]
    assert {"argmax", "ptp", "nanmax", "sum"} <= set(reduces)
    for name in set(reduces) - _REDUCTIONS:
        with pytest.raises(nl.InputError, match="chunk by chunk"):
            nd.evaluate(f"sum(x*{name}(x))", x=x)


def _reduces(name):
    found = nl.check(f"{name}(x)", x="f8")
    return bool(found) and found.outputs[0].reduced


def test_statements_over_several_lines_stay_one(inputs):
    x, w = np.arange(6.0), np.ones(6)
    got = nd.evaluate("(x # one\n + w)", x=da.from_array(x, chunks=2), w=da.from_array(w, chunks=2))
    assert got.shape == (6,) and np.array_equal(got.compute(), x + w)
    got = nd.evaluate("let d = (x\n - w)\n(sum(d\n * w)\n + (d))", x=da.from_array(x, chunks=2), w=w)
    assert np.array_equal(got.compute(), ((x - w) * w).sum() + (x - w))


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", ["sum", "prod", "min", "max", "any", "all", "count_nonzero", "mean", "var", "std"])
def test_chunks_without_elements_count_for_nothing(name, axis):
    a = rng.random((8, 5)) - 0.5
    x = da.from_array(a, chunks=((3, 0, 5), (0, 2, 3)))
    assert x.chunks == ((3, 0, 5), (0, 2, 3))
    for text in (f"{name}(x, axis={axis})", f"{name}(x*w, axis={axis}, keepdims=True) - x"):
        given = {"w": np.linspace(1, 2, 5)} if "w" in text else {}
        want = nl.evaluate(text, x=a, **given)
        assert np.allclose(nd.evaluate(text, x=x, **given).compute(), want)


def test_an_array_without_elements_has_no_least_one():
    x = da.zeros((0,), chunks=1)
    assert np.isnan(nd.evaluate("mean(x)", x=x).compute()) and nd.evaluate("sum(x)", x=x).compute() == 0
    with pytest.raises(nl.Error):
        nd.evaluate("min(x)", x=x).compute()


def test_more_degrees_of_freedom_than_elements_are_none():
    a = np.arange(8.0)
    with np.errstate(all="ignore"):
        assert nd.evaluate("var(x, ddof=9)", x=da.from_array(a, chunks=3)).compute() == nl.evaluate("var(x, ddof=9)", x=a) == np.inf


def test_masks_are_refused_and_not_dropped():
    m = np.ma.array(np.arange(6.0), mask=[0, 1, 0, 0, 0, 1])
    x = da.from_array(m, chunks=2)
    for given in ({"x": x}, {"x": da.ones(6, chunks=2), "m": m}):
        with pytest.raises(nl.InputError, match="masked.*fill"):
            nd.evaluate(" + ".join(given), **given)
    unsaid = da.ones(6, chunks=2).map_blocks(lambda a: np.ma.array(a, mask=a > 0), meta=np.empty(0))
    for text in ("x + 1", "sum(x)", "std(x)"):
        with pytest.raises(nl.InputError, match="masked.*fill"):
            nd.evaluate(text, x=unsaid).compute()
    assert np.array_equal(nd.evaluate("x + 1", x=da.ma.filled(x, 0)).compute(), m.filled(0) + 1)


def test_without_dask_arrays_it_is_numloom():
    assert nd.evaluate("a + 1", a=np.ones(2)).tolist() == [2.0, 2.0]


def test_a_map_travels_as_its_path(tmp_path):
    path = tmp_path / "a.npy"
    big = np.arange(300_000.0).reshape(1000, 300)
    np.save(path, big)
    mapped = np.load(path, mmap_mode="r")
    x = nd.from_map(mapped, chunks=(100, 300))
    got = nd.evaluate("2*x + sum0", x=x, sum0=1.0)
    assert len(pickle.dumps(got)) < 20_000
    assert np.array_equal(got.compute(scheduler="processes", num_workers=2), 2 * big + 1)
    beside = nd.evaluate("y - x", x=mapped, y=da.from_array(big, chunks=(250, 300)))
    assert not beside.compute().any()
    part = nd.from_map(mapped[100:200], chunks=50)
    assert np.array_equal(part.compute(), big[100:200])
    with pytest.raises(nl.InputError, match="skips elements"):
        nd.from_map(mapped[:, ::2])
    assert x.name == nd.from_map(np.load(path, mmap_mode="r"), chunks=(100, 300)).name


def test_a_cluster_of_workers_computes_it(tmp_path):
    distributed = pytest.importorskip("distributed")
    path = tmp_path / "a.npy"
    np.save(path, A)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=tmp_path) as cluster,
        distributed.Client(cluster),
    ):
        x = nd.from_map(np.load(path, mmap_mode="r"), chunks=(10, 40))
        out = nd.evaluate("y = exp(-x)*b; std(y, axis=0)", x=x, b=B)
        y, spread = dask.compute(*out)
        want = nl.evaluate("y = exp(-x)*b; std(y, axis=0)", x=A, b=B)
        assert np.array_equal(y, want.y) and np.allclose(spread, want[1])
        f = nl.compile("2*x")
        from distributed import get_client

        assert get_client().submit(f, 21).result() == 42
        bad = nd.evaluate("u8(x*1000, 'checked')", x=x)
        with pytest.raises(nl.RunError) as info:
            bad.compute()
        assert info.value.code == "cast-failed"


def test_xarray_applies_it_and_keeps_coordinates():
    xr = pytest.importorskip("xarray")
    x = xr.DataArray(A, dims=("t", "s"), coords={"t": np.arange(60)}, name="x").chunk(t=20)
    f = nl.compile("2*x + 1")
    got = xr.apply_ufunc(f, x, dask="parallelized", output_dtypes=[float])
    assert got.chunks == x.chunks and np.allclose(got.values, 2 * A + 1) and (got.t == x.t).all()
    assert np.allclose(nl.evaluate("x + 1", x=x.compute()), A + 1)
