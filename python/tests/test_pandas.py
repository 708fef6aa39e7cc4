"""`numloom.pandas`, and columns as inputs."""

import numpy as np
import pytest

import numloom as nl

pd = pytest.importorskip("pandas")
import numloom.pandas as npd  # noqa: E402


@pytest.fixture
def df():
    return pd.DataFrame(
        {
            "price": [2.5, 1.0, np.nan],
            "qty": pd.array([4, None, 2], "Int64"),
            "on": pd.array([True, None, False], "boolean"),
            "name": ["a", "b", "c"],
        },
        index=[10, 20, 30],
    )


def test_a_result_for_each_row_keeps_the_index(df):
    got = npd.evaluate(df, "double = 2*price")
    pd.testing.assert_series_equal(got, (2 * df.price).rename("double"))


def test_missing_values_are_kept(df):
    got = npd.evaluate(df, "price*qty")
    assert got.dtype == "Float64" and got.isna().tolist() == [False, True, False]
    assert np.isnan(got.iloc[2]) or got.iloc[2] is pd.NA
    assert npd.evaluate(df, "qty + 1").tolist() == [5, pd.NA, 3]
    assert npd.evaluate(df, "qty + 1").dtype == "Int64"
    assert npd.evaluate(df, "qty > 3").dtype == "boolean"
    assert npd.evaluate(df, "sum(qty)") == 6
    assert npd.evaluate(df, "where(on, qty, 0)").isna().tolist() == [False, True, False]


def test_several_results_and_further_inputs(df):
    out = npd.evaluate(df, "total = sum(qty*k); y = price + k", k=10)
    assert out.total == 60 and out.y.index.tolist() == [10, 20, 30]
    assert npd.evaluate(df, "price + 1", price=1.0) == 2.0
    with pytest.raises(nl.InputError, match="no input named `z`"):
        npd.evaluate(df, "price", z=1)
    with pytest.raises(nl.InputError, match="missing input `nope`"):
        npd.evaluate(df, "price + nope")


def test_only_columns_that_are_named_are_looked_at(df):
    with pytest.raises(nl.InputError, match="`name`"):
        npd.evaluate(df, "name + 1")
    assert len(npd.evaluate(df, "price + 1")) == 3


def test_columns_are_inputs_of_evaluate_too(df):
    assert nl.evaluate("x + 1", x=df.price)[:2].tolist() == [3.5, 2.0]
    assert nl.evaluate("x + 1", x=df.qty).tolist() == [5, None, 3]
    assert nl.evaluate("sum(x)", x=df.index) == 60


def test_arrow_columns_and_arrays_keep_nulls():
    pa = pytest.importorskip("pyarrow")
    column = pd.Series([1, None, 3], dtype="int64[pyarrow]")
    assert nl.evaluate("2*x", x=column).tolist() == [2, None, 6]
    assert nl.evaluate("2*x", x=pa.array([1, None, 3])).tolist() == [2, None, 6]
    assert nl.evaluate("2*x", x=pa.array([1.5, 2.5])).tolist() == [3.0, 5.0]
    assert nl.evaluate("~x", x=pa.array([True, None, False])).tolist() == [False, None, True]
