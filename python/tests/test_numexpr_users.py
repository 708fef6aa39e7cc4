"""Programs that use pandas, PyTables, blosc2 and xarray, which import `numexpr` themselves and get what stands in for it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SHIM = Path(__file__).parents[1] / "shim" / "src"

COUNTED = """
    import numpy as np
    import numexpr as ne
    from numloom.numexpr import necompiler
    assert ne.__file__.endswith("numloom/numexpr/__init__.py"), ne.__file__
    calls = []
    for name in ("_quick", "_run"):
        def counted(self, *args, run=getattr(necompiler.CompiledExpression, name)):
            calls.append(self)
            return run(self, *args)
        setattr(necompiler.CompiledExpression, name, counted)
"""


def program(needs, text, tmp_path):
    """Runs a program in a process of its own, in which `numexpr` is ours, and fails with what it printed."""
    pytest.importorskip(needs)
    environment = os.environ | {"PYTHONPATH": str(SHIM)}
    source = textwrap.dedent(COUNTED) + textwrap.dedent(text)
    done = subprocess.run([sys.executable, "-c", source], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stdout + done.stderr


def test_pandas_computes_eval_and_query_through_it(tmp_path):
    program(
        "pandas",
        """
        import pandas as pd
        assert pd.get_option("compute.use_numexpr")
        df = pd.DataFrame({"a": np.arange(10), "b": np.linspace(0, 1, 10), "c": np.arange(10) % 3 == 0})
        k = 3
        assert df.eval("a*b + @k").equals(df.a * df.b + 3) and calls
        calls.clear()
        assert df.query("a > 4 and c or b < 0.2").index.tolist() == [0, 1, 6, 9] and calls
        assert df.query("a in [1, 2]").index.tolist() == [1, 2]
        assert pd.eval("df.a + df.b").equals(df.a + df.b)
        assert np.allclose(df.eval("sin(b) + arctan2(a, b)"), np.sin(df.b) + np.arctan2(df.a, df.b))
        assert df.eval("x = a + 1\\ny = x * 2").y.tolist() == [2 * (i + 1) for i in range(10)]
        with_error = None
        try:
            df.query("~b")
        except Exception as error:
            with_error = f"{type(error).__name__}: {error}"
        assert with_error and "invert_dd" in with_error, with_error

        n = 1_000_001
        a, b = pd.Series(np.arange(n)), pd.Series(np.ones(n))
        for compute in (lambda: a + b, lambda: a * 2.5, lambda: a / b, lambda: a > b, lambda: a.where(a > 5, -a), lambda: a // 3, lambda: a % 7):
            calls.clear()
            got = compute()
            with pd.option_context("compute.use_numexpr", False):
                want = compute()
            pd.testing.assert_series_equal(got, want)
        calls.clear()
        a + a
        assert calls
        print("done")
        """,
        tmp_path,
    )


def test_pytables_queries_and_expressions_go_through_it(tmp_path):
    program(
        "tables",
        """
        import tables as tb

        class Row(tb.IsDescription):
            name = tb.StringCol(8)
            i = tb.Int32Col()
            x = tb.Float64Col()
            f = tb.Float32Col()
            on = tb.BoolCol()
            u = tb.UInt8Col()

        with tb.open_file("t.h5", "w") as h5:
            table = h5.create_table("/", "t", Row)
            row = table.row
            for k in range(1000):
                row["name"], row["i"], row["x"], row["f"], row["on"], row["u"] = b"r%d" % (k % 7), k, k / 10, k / 4, k % 2, k % 256
                row.append()
            table.flush()
            plain = table.read()
            conditions = {
                "(i > 10) & (x < 50)": (plain["i"] > 10) & (plain["x"] < 50),
                "(name == b'r3') | (i == 5)": (plain["name"] == b"r3") | (plain["i"] == 5),
                "on & ~(f >= 100)": plain["on"] & ~(plain["f"] >= 100),
                "sqrt(x)*2 > 15": np.sqrt(plain["x"]) * 2 > 15,
                "(u + i) % 5 == 0": (plain["u"].astype("i4") + plain["i"]) % 5 == 0,
                "x == limit": plain["x"] == 4.0,
            }
            limit = 4.0
            for condition, want in conditions.items():
                got = table.read_where(condition)
                assert np.array_equal(got, plain[want]), condition
                assert [r["i"] for r in table.where(condition)] == plain["i"][want].tolist(), condition
            table.cols.x.create_csindex()
            assert np.array_equal(table.read_where("(x > 20) & (x <= 30) & on"), plain[(plain["x"] > 20) & (plain["x"] <= 30) & plain["on"]])
            for bad in ("~x", "name + i", "nope > 1"):
                try:
                    table.read_where(bad)
                except (NotImplementedError, TypeError, NameError):
                    pass
                else:
                    raise AssertionError(bad)
            a = h5.create_array("/", "a", np.arange(10000.0).reshape(100, 100))
            b = h5.create_array("/", "b", np.ones((100, 100)))
            expr = tb.Expr("2*a + b**3 - sin(a)")
            assert np.allclose(expr.eval(), 2 * a[:] + 1 - np.sin(a[:]))
            out = h5.create_carray("/", "out", tb.Float64Atom(), (100, 100))
            expr.set_output(out)
            expr.eval()
            assert np.allclose(out[:], 2 * a[:] + 1 - np.sin(a[:]))
        assert calls
        print("done")
        """,
        tmp_path,
    )


def test_blosc2_evaluates_chunks_through_it(tmp_path):
    program(
        "blosc2",
        """
        import blosc2
        a, b = np.linspace(0, 1, 200_000).reshape(200, 1000), np.arange(1000.0)
        x, y = blosc2.asarray(a), blosc2.asarray(b)
        lazy = blosc2.lazyexpr("sin(x)**2 + where(x > 0.5, y, 2*x)", {"x": x, "y": y})
        assert np.allclose(lazy.compute()[:], np.sin(a) ** 2 + np.where(a > 0.5, b, 2 * a))
        assert np.allclose((x * 2 + y).compute()[:], a * 2 + b)
        assert np.allclose(((x - y) > 0).compute()[:], (a - b) > 0)
        assert np.allclose((x + 1).sum(axis=0), (a + 1).sum(axis=0))
        print("done")
        """,
        tmp_path,
    )


def test_xarray_queries_go_through_it(tmp_path):
    program(
        "xarray",
        """
        import xarray as xr
        ds = xr.Dataset({"a": ("x", np.arange(10)), "b": ("x", np.linspace(0, 1, 10))})
        assert ds.query(x="a > 5 and b < 0.9", engine="numexpr").a.values.tolist() == [6, 7, 8]
        assert calls
        print("done")
        """,
        tmp_path,
    )


def test_numexpr_itself_is_left_alone_unless_asked():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, numloom; assert 'numexpr' not in sys.modules; import numexpr; print(numexpr.__file__)"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "numloom" not in done.stdout and done.returncode == 0
