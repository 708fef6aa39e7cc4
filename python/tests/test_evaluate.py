"""`evaluate`: where names come from, and what comes out."""

import gc
import weakref

import numpy as np
import pytest

import numloom as nl

scale = 10.0  # a global variable of this module


def test_names_come_from_the_caller():
    a, b = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    assert nl.evaluate("2*a + 3*b").tolist() == [32.0, 64.0]
    assert nl.evaluate("a * scale").tolist() == [10.0, 20.0]


def test_a_local_name_hides_a_global_one():
    scale = 2.0
    assert nl.evaluate("scale * 3") == 6.0


def test_keywords_are_inputs_and_the_caller_is_not_asked():
    a = np.array([1.0])  # noqa: F841
    assert nl.evaluate("a + 1", a=[5]).tolist() == [6]
    with pytest.raises(nl.InputError, match="missing input `scale`"):
        nl.evaluate("a * scale", a=1.0)


def test_a_mapping_gives_inputs_and_keywords_go_before_it():
    assert nl.evaluate("a - b", {"a": 5, "b": 3, "unused": None}) == 2
    assert nl.evaluate("a - b", {"a": 5, "b": 3}, b=1) == 4
    assert nl.evaluate("a - b", {"a": 5}, {"b": 3}) == 2
    records = np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])
    assert nl.evaluate("a + b", {name: records[name] for name in records.dtype.names}).tolist() == [3.5]


def test_the_name_of_a_dtype_is_no_input():
    assert nl.compile("sum(a, dtype=f32)").inputs == ("a",)
    total = nl.evaluate("sum(a, dtype=f32)", a=[1.0, 2.0])
    assert total == 3 and total.dtype == np.float32


def test_a_keyword_that_is_no_input_is_an_error():
    with pytest.raises(nl.InputError, match="no input named `c`; there are `a`"):
        nl.evaluate("a + 1", a=1, c=2)


def test_constants_give_way_to_inputs_of_their_name():
    e = 1.0  # noqa: F841  a caller's variable does not count: it may be an exception
    assert nl.evaluate("e") == np.e
    assert nl.evaluate("e + pi", e=1.0) == 1.0 + np.pi
    assert nl.evaluate("e + 1", {"e": 2.0}) == 3.0


def test_one_result_is_itself_and_several_have_names():
    assert isinstance(nl.evaluate("lo = min(a)", a=[3, 1]), np.int64)
    out = nl.evaluate("double = 2*a; max(a); lo = min(a)", a=[3, 1])
    assert out.double.tolist() == [6, 2] and out[1] == 3 and out["lo"] == 1
    assert list(out._asdict()) == ["double", "_1", "lo"]
    with pytest.raises(AttributeError, match="no output named `hi`"):
        out.hi
    with pytest.raises(KeyError):
        out["hi"]


def test_results_without_axes_are_scalars_of_their_dtype():
    for dtype in "?bhilBHILefdFD":
        value = nl.evaluate("a", a=np.dtype(dtype).type(1))
        assert type(value) is np.dtype(dtype).type


def test_results_are_as_numpys_in_dtype_and_type():
    a, b = np.arange(4, dtype="i2"), np.float32(2)
    got = nl.evaluate("a * b")
    assert type(got) is np.ndarray and got.dtype == (a * b).dtype
    assert nl.evaluate("a + 1").dtype == np.int16
    assert nl.evaluate("a > 1").dtype == np.bool_
    assert nl.evaluate("sum(a)").dtype == np.int64
    assert nl.evaluate("a.real + 0*1j").dtype == np.complex128
    assert nl.evaluate("a == a").dtype.char == "?"
    assert nl.evaluate("i64(a)").dtype.char == np.dtype("int64").char


def test_empty_arrays_and_arrays_without_axes():
    assert nl.evaluate("a + 1", a=np.zeros((0, 3))).shape == (0, 3)
    assert nl.evaluate("a + b", a=np.zeros((0,)), b=np.zeros((3, 1))).shape == (3, 0)
    assert nl.evaluate("sum(a)", a=np.zeros((0, 3))) == 0.0
    assert nl.evaluate("a + 1", a=np.array(2.0)) == 3.0
    with pytest.raises(nl.RunError) as caught:
        nl.evaluate("min(a)", a=[])
    assert caught.value.code == "empty-reduction"


def test_threads_are_an_option_of_the_call():
    a = np.arange(300_000.0)
    for threads in (1, 2, None):
        assert nl.evaluate("sum(a)", a=a, threads=threads) == a.sum()
    for bad in (0, -1, "two", 2**40):
        with pytest.raises(ValueError):
            nl.evaluate("sum(a)", a=a, threads=bad)


def test_an_engine_has_its_own_options_and_caches():
    engine = nl.Engine(threads=1, backend="interpreter", cache_entries=10)
    assert (engine.threads, engine.cache_info().max_entries) == (1, 10)
    assert engine.evaluate("a * 2", a=[1, 2]).tolist() == [2, 4]
    assert engine.cache_info().entries == 1
    engine.cache_clear()
    assert engine.cache_info().entries == 0
    b = np.ones(2)
    assert engine.evaluate("b + 1").tolist() == [2.0, 2.0]
    assert repr(engine) == "numloom.Engine(threads=1, backend='interpreter', cache_entries=10)"


def test_an_engine_that_nobody_holds_goes_away():
    engine = nl.Engine(threads=1)
    assert engine.evaluate("a + 1", a=1) == 2
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_bad_options_of_an_engine_are_errors():
    with pytest.raises(TypeError, match="no option `colour`"):
        nl.Engine(colour="red")
    for bad in ({"threads": 0}, {"threads": -1}, {"backend": "gpu"}, {"deadline": -1.0}, {"block": 0}):
        with pytest.raises(ValueError):
            nl.Engine(**bad)


def test_limits_bound_what_a_stranger_can_ask_for():
    engine = nl.Engine(max_source_bytes=20, max_depth=8, max_output_bytes=100)
    for expr in ("a + " * 10 + "a", "(" * 9 + "a" + ")" * 9, "a + 1"):
        with pytest.raises(nl.LimitError) as caught:
            engine.evaluate(expr, a=np.zeros(100))
        assert caught.value.code == "limit-exceeded"


def test_check_tells_dtypes_without_running():
    found = nl.check("lo = min(a); a * b", a="i2", b=np.float32(1))
    assert found and found.outputs[0] == ("lo", np.dtype("int16"), True)
    assert found.outputs[1].dtype == np.float32
    wrong = nl.check("a +", a=float)
    assert not wrong and wrong.diagnostics[0].code == "expected-expression"
    assert isinstance(wrong.error, SyntaxError)


def test_tables_of_the_library_are_there():
    assert nl.functions()["hypot"].signature == "hypot(x, y)"
    assert "unknown-name" in nl.error_codes()
