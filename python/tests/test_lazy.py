"""Lazy arrays: NumPy's operators and functions, computed when they are asked for."""

import copy
import operator
import pickle
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import numloom as nl
import pytest


@pytest.fixture
def pair():
    rng = np.random.default_rng(7)
    a = rng.normal(size=(40, 30)) * 5
    return a, nl.from_array(a, chunks=16)


@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow])
@pytest.mark.parametrize("other", [3, 2.5, np.float32(1.5), np.arange(1, 31, dtype="i2"), [[2.0]] * 40])
def test_arithmetic_is_numpys_on_both_sides(pair, op, other):
    a, x = np.abs(pair[0]) + 0.5, nl.from_array(np.abs(pair[0]) + 0.5)
    for got, want in [(op(x, other), op(a, other)), (op(other, x), op(other, a))]:
        assert isinstance(got, nl.Lazy)
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        assert np.allclose(got.compute(), want, rtol=1e-15)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift])
def test_bits_and_comparisons_are_numpys(op):
    a, b = np.arange(-8, 8, dtype="i2"), np.arange(16, dtype="i2") % 5
    assert np.array_equal(op(nl.from_array(a), b).compute(), op(a, b))
    assert np.array_equal(op(a, nl.from_array(b)).compute(), op(a, b))
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        assert np.array_equal(compare(nl.from_array(a), b).compute(), compare(a, b))
        assert np.array_equal(compare(2, nl.from_array(b)).compute(), compare(2, b))
    for unary in (operator.neg, operator.pos, operator.invert, abs):
        assert np.array_equal(unary(nl.from_array(a)).compute(), unary(a))


def test_pythons_numbers_are_literals_and_numpys_are_not():
    x = nl.from_array(np.array([1, 2], "i2"))
    assert (x + 1).dtype == np.int16
    assert (x + np.int64(1)).dtype == np.int64
    assert (x * 1j).dtype == (np.array([1], "i2") * 1j).dtype
    with pytest.raises(nl.ExprTypeError, match="300 does not fit u8"):
        nl.from_array(np.array([1], "u1")) + 300


@pytest.mark.parametrize(
    "function",
    [
        np.sqrt,
        np.sin,
        np.log1p,
        np.isnan,
        np.rint,
        np.sign,
        np.square,
        np.absolute,
        np.real,
        np.nan_to_num,
        np.zeros_like,
        np.round,
        lambda x: np.round(x, 2),
        lambda x: np.hypot(x, 3),
        lambda x: np.maximum(x, x[0]),
        lambda x: np.arctan2(x, x + 1),
        lambda x: np.where(x > 0, x, -1),
        lambda x: np.clip(x, -1, 2),
        lambda x: np.clip(x, min=-1, max=2),
        lambda x: np.isin(np.rint(x), [1, 2, 3]),
        lambda x: np.select([x < 0, x < 1], [x, x * 2], 7),
        lambda x: np.full_like(x, 3, dtype="i4"),
        lambda x: np.expand_dims(x, (0, -1)),
        lambda x: np.isclose(x, 1, atol=0.5),
        lambda x: x.astype("i4").astype("f4"),
    ],
)
def test_functions_are_numpys(pair, function):
    a, x = pair
    with np.errstate(all="ignore"):
        want = function(a)
    got = function(x)
    assert isinstance(got, nl.Lazy)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_allclose(got.compute(), want, rtol=1e-6 if want.dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("name", "sum prod min max ptp mean var std any all argmin argmax count_nonzero nansum nanmin nanmax nanmean nanstd".split())
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": -1, "keepdims": True}])
def test_reductions_are_numpys(pair, name, options):
    a, x = pair[0] / 20, pair[1] / 20
    want = getattr(np, name)(a, **options)
    got = getattr(np, name)(x, **options)
    assert isinstance(got, nl.Lazy)
    assert (got.dtype, got.shape) == (want.dtype, np.shape(want))
    result = got.compute()
    assert type(result) is type(want)
    np.testing.assert_allclose(result, want, rtol=1e-12)
    if hasattr(a, name):
        assert getattr(x, name)(**options).shape == np.shape(want)


def test_options_of_reductions_are_numpys(pair):
    a, x = pair
    mask = a > 0
    for lazy, want in [
        (x.std(0, ddof=1), a.std(0, ddof=1)),
        (np.var(x, 1, None, None, 2), np.var(a, 1, None, None, 2)),
        (x.sum(axis=(0, 1), dtype="f4"), a.sum(axis=(0, 1), dtype="f4")),
        (np.sum(x, where=x > 0), np.sum(a, where=mask)),
        (x.max(axis=1, where=mask, initial=-3), a.max(axis=1, where=mask, initial=-3)),
        (np.add.reduce(x), np.add.reduce(a)),
        (np.maximum.reduce(x, axis=1), np.maximum.reduce(a, axis=1)),
    ]:
        np.testing.assert_allclose(lazy.compute(), want, rtol=1e-5 if want.dtype == np.float32 else 1e-12)
    with pytest.raises(TypeError, match="takes no `out`"):
        np.sum(x, out=np.empty(()))


def test_subscripts_are_numpys(pair):
    a, x = pair
    y, b = x * 2, a * 2
    for items in [0, -1, slice(3, 9), (slice(None), 2), (slice(None, None, -3), slice(1, -1)), (..., None), (None, 5, ..., None), np.int64(4)]:
        assert np.array_equal(y[items].compute(), b[items])
    assert np.array_equal(x.mean(axis=1)[::5].compute(), nl.evaluate("mean(a, axis=1)")[::5])
    with pytest.raises(nl.ShapeError):
        x[40]
    for items in [[1, 2], x > 0, 1.5, "a", True]:
        with pytest.raises((IndexError, TypeError)):
            x[items]


def test_several_values_come_together_and_what_is_not_lazy_as_it_is(pair):
    a, x = pair
    centred, spread, three = nl.compute(x - x.mean(), x.std(), 3)
    assert three == 3
    np.testing.assert_allclose(centred, a - a.mean(), rtol=1e-12, atol=1e-12)
    assert np.isclose(spread, a.std())
    assert nl.compute() == ()
    assert "passes    1" in nl.from_array(a).sum().explain()
    assert "y = a - mean(a)" in (x - x.mean()).explain()


def test_what_numloom_lacks_is_refused_with_a_way_out(pair):
    _, x = pair
    for function in (np.concatenate, np.linalg.norm, np.sort, np.transpose):
        with pytest.raises(TypeError, match="compute them first"):
            function([x, x] if function is np.concatenate else x)
    with pytest.raises(TypeError, match="no function `matmul`"):
        x @ x
    with pytest.raises(TypeError, match=r"no `add\.accumulate`"):
        np.add.accumulate(x)
    with pytest.raises(TypeError, match="takes no `out`"):
        np.sqrt(x, out=np.empty((40, 30)))
    with pytest.raises(TypeError, match="takes no `dtype`"):
        np.add(x, 1, dtype="f4")
    with pytest.raises(TypeError, match="only one value"):
        bool(x > 0)
    with pytest.raises(TypeError, match="iterated"):
        list(x)
    with pytest.raises(nl.ShapeError, match=re.escape("`x` of shape (40, 30) and `y` of shape (7,)")):
        x + np.ones(7)
    with pytest.raises(nl.ExprTypeError):
        x & 1
    with pytest.raises(nl.InputError, match="missing"):
        nl.from_array(np.ma.masked_less([1.0, 2.0], 1.5))
    with pytest.raises(TypeError):
        nl.Lazy(3)
    for chunks in ("many", 0, -5, 1.5):
        with pytest.raises(ValueError, match="`chunks` must be"):
            nl.from_array([1.0], chunks=chunks)


def test_one_value_converts_and_an_array_is_computed_for_numpy(pair):
    a, x = pair
    assert float(x.max()) == a.max() and int(x.argmax()) == a.argmax() and bool((x < 1e9).all())
    assert np.array_equal(np.asarray(x), a) and np.asarray(x, "f4").dtype == np.float32
    assert len(x) == 40 and x.size == 1200 and x.ndim == 2 and x.nbytes == a.nbytes
    assert x.chunks == 16 and x.rechunk((5, 3)).chunks == 5 and x.rechunk("auto").chunks is None and x.rechunk("2400B").chunks == 10
    assert {x: 1}[x] == 1


def test_files_are_mapped_and_written_as_files(tmp_path, pair):
    a, _ = pair
    np.save(tmp_path / "a.npy", a)
    x = nl.from_npy(tmp_path / "a.npy")
    (x - x.mean(axis=0)).write_npy(tmp_path / "centred.npy", memory=1 << 24)
    assert np.array_equal(np.load(tmp_path / "centred.npy"), nl.evaluate("a - mean(a, axis=0)"))
    with pytest.raises(nl.FileError, match=r"nothing\.npy"):
        nl.from_npy(tmp_path / "nothing.npy")


def test_a_run_into_a_file_tells_how_far_it_is_and_goes_on_where_it_was_stopped(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6_000_000.0))
    x, out = nl.from_npy(tmp_path / "a.npy"), tmp_path / "out.npy"
    told = []

    def tell(done, total):
        told.append((done, total))
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        (x * 2 + 1).write_npy(out, memory="16M", progress=tell)
    assert told[-1][0] <= told[-1][1] == 6_000_000
    (x * 2 + 1).write_npy(out, memory="16M")
    assert np.array_equal(np.load(out), np.arange(6_000_000.0) * 2 + 1)
    assert not (tmp_path / "out.npy.journal").exists()


def test_a_memory_map_is_read_from_its_file_and_any_part_of_it_too(tmp_path):
    a = np.arange(60.0).reshape(12, 5)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "f.npy", np.asfortranarray(a))
    a.astype(">f4").tofile(tmp_path / "raw.bin")
    raw = np.memmap(tmp_path / "raw.bin", ">f4", "r", offset=20, shape=(11, 5))
    maps = [np.load(tmp_path / "a.npy", mmap_mode="r"), np.load(tmp_path / "f.npy", mmap_mode="r"), raw]
    for mapped in maps:
        for part in (mapped, mapped[3:7], mapped[:, 2:3], mapped[::2], mapped[4]):
            x = nl.from_array(part)
            assert np.array_equal(x.compute(), part)
            assert x.dtype == part.dtype.newbyteorder("=")
    assert "file " in nl.from_array(maps[0][3:]).sum().explain()
    # What a private map holds is in no file.
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[0] = 100
    assert nl.from_array(private).max().compute() == 100
    shared = np.load(tmp_path / "a.npy", mmap_mode="r+")
    x = nl.from_array(shared)
    shared[0] = 200
    assert x.max().compute() == 200


def test_the_bits_are_those_of_evaluate_whatever_the_chunks_and_threads(tmp_path):
    a = np.sin(np.arange(100_003.0))
    np.save(tmp_path / "a.npy", a)
    want = nl.evaluate("sum(a*a); mean(exp(a)); std(a)")
    for chunks in (None, 1000, 65_536):
        for threads in (1, 2, 5):
            for x in (nl.from_array(a, chunks), nl.from_npy(tmp_path / "a.npy", chunks)):
                got = nl.compute((x * x).sum(), np.exp(x).mean(), x.std(), threads=threads)
                assert got == tuple(want)


def test_files_travel_by_name_and_arrays_as_they_are(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(1e6))
    x = nl.from_npy(tmp_path / "a.npy", chunks=1000)
    y = (x - x.mean()) / np.array([2.0]) + x.sum()[None]
    data = pickle.dumps(y)
    assert len(data) < 2000
    again = pickle.loads(data)
    assert again.chunks == 1000 and np.array_equal(again.compute(), y.compute())
    mapped = nl.from_array(np.load(tmp_path / "a.npy", mmap_mode="r")[5:])
    assert len(pickle.dumps(mapped)) < 1000
    assert np.array_equal(pickle.loads(pickle.dumps(mapped)).compute(), np.arange(5, 1e6))
    assert copy.deepcopy(y) is y and copy.copy(y) is y
    held = nl.from_array([1.0, 4.0]).hold() + 1
    assert pickle.loads(pickle.dumps(held)).compute().tolist() == [2.0, 5.0]


def test_texts_take_lazy_arrays_and_others(pair):
    a, x = pair
    y = nl.Lazy.expr("let top = d[1:]; top * k", d=x - x.mean(), k=np.float32(2))
    assert np.array_equal(y.compute(), nl.evaluate("let d = a - mean(a); d * k", a=a, k=np.float32(2))[1:])
    with pytest.raises(nl.ExprTypeError, match="no input named `velo`"):
        nl.Lazy.expr("x + velo", x=x)


def test_drawings_are_svg_and_dot(tmp_path, pair):
    _, x = pair
    y = (x - x.mean()) < 0
    root = ElementTree.fromstring(y._repr_svg_())
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 4
    assert "<svg" in y._repr_html_() and "Lazy(bool, shape (40, 30))" in y._repr_html_()
    drawing = y.visualize(tmp_path / "y.dot")
    assert (tmp_path / "y.dot").read_text() == repr(drawing) and "mean(x)" in repr(drawing)
    nl.visualize(y, x.sum(), filename=tmp_path / "both.svg")
    ElementTree.fromstring((tmp_path / "both.svg").read_text())
    with pytest.raises(ValueError, match=r"\.svg"):
        y.visualize(tmp_path / "y.png")


def test_an_array_lives_as_long_as_what_is_made_of_it():
    x = nl.from_array(np.arange(1000.0)) * 2
    junk = [np.zeros(1000) for _ in range(50)]
    assert x.sum().compute() == 999_000
    result = x.compute()
    del x, junk
    result += 1
    assert result[-1] == 1999 and result.flags.writeable


def test_positional_arguments_of_numpys_functions_mean_what_they_mean_there():
    x = np.array([3, 1, 2])
    assert np.min(nl.from_array(x), None, None, False, 0).compute() == np.min(x, None, None, False, 0) == 0
    filled = np.full_like(nl.from_array(x), 2.5, dtype="f8").compute()
    assert filled.tolist() == np.full_like(x, 2.5, dtype="f8").tolist()
