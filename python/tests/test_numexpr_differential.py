"""`numloom.numexpr` beside NumExpr itself: dtypes and values over operators, functions and kinds, and errors by class and text.

What differs is listed here, each with its reason, and nothing else may.
"""

import numexpr
import numpy as np
import pytest

import numloom.numexpr as ours

KINDS = {
    "b": np.array([True, False, True, True]),
    "i1": np.array([1, -2, 3, 0], "i1"),
    "u1": np.array([1, 2, 3, 0], "u1"),
    "i4": np.array([7, -3, 5, 0], "i4"),
    "u4": np.array([7, 3, 2**32 - 1, 0], "u4"),
    "i8": np.array([9, -4, 2**40, 0], "i8"),
    "f2": np.array([0.5, 2.0, -1.5, 3.0], "f2"),
    "f4": np.array([0.25, 2.0, -1.5, 3.0], "f4"),
    "f8": np.array([0.125, 2.0, -1.5, 3.0], "f8"),
    # Off the branch cuts, on which NumExpr is on the wrong side.
    "c8": np.array([1 + 2j, 2 + 0.5j, 0.5 - 1.5j, 3 - 1j], "c8"),
    "c16": np.array([1 - 2j, 0.5 + 0.25j, 0.25 - 1.5j, 3 + 1j], "c16"),
    "S": np.array([b"ab", b"b", b"", b"abc"]),
}
UNARY = "sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh exp expm1 log log1p log10 log2".split()
UNARY += "abs ceil floor trunc round sign isnan isinf isfinite signbit real imag conj copy ones_like".split()
BINARY = "arctan2 fmod hypot nextafter copysign maximum minimum complex contains".split()
OPERATORS = "+ - * / // % ** << >> & | ^ < <= > >= == !=".split()
CONSTANTS = ["2", "2.0", "-1", "0.5", "3", "2147483648", "1j", "True"]


def outcome(module, expr, optimization="aggressive", **inputs):
    """The result, or the class of the error and its text."""
    with np.errstate(all="ignore"):
        try:
            return module.evaluate(expr, inputs, {}, optimization=optimization), None
        except Exception as error:
            return None, (type(error), str(error))


def alike(expr, tolerance=1e-12, optimization="aggressive", **inputs):
    """Compares, and tells what differs, if anything does."""
    want, want_error = outcome(numexpr, expr, optimization, **inputs)
    got, got_error = outcome(ours, expr, optimization, **inputs)
    if want_error or got_error:
        if want_error and got_error:
            same_class = issubclass(got_error[0], want_error[0])
            same_text = got_error[1] == want_error[1] or want_error[0] is not NotImplementedError
            return None if same_class and same_text else f"{got_error} for {want_error}"
        return f"got {got if got_error is None else got_error}, want {want if want_error is None else want_error}"
    if got.dtype != want.dtype:
        return f"dtype {got.dtype} for {want.dtype}"
    if got.dtype.kind in "fc":
        loose = tolerance if got.dtype.itemsize > 4 and got.dtype != np.complex64 else 1e-6
        with np.errstate(all="ignore"):
            ok = np.allclose(got, want, rtol=loose, atol=loose, equal_nan=True)
    else:
        ok = np.array_equal(got, want)
    return None if ok else f"{got} for {want}"


def collect(cases):
    return {(expr, *kinds): difference for expr, kinds, difference in cases if difference}


def report(differences):
    return "\n".join(f"{key}: {value}" for key, value in differences.items())


def reason(op, kinds, left_constant=None, constant=None):
    """Why results of an operator may differ; none if they may not."""
    integers, complex_ = {"b", "i1", "u1", "i4", "u4", "i8"}, {"c8", "c16"}
    if op == "**" and integers.issuperset(kinds):
        return "powers of integers are exact and wrap, a negative one is an error, as in NumPy: there they saturate, and are 0"
    if op == "**" and constant == "1j":
        return "0 to a complex power is NaN, as in NumPy: there it is 0, or a TypeError, by the level of optimization"
    if op in ("//", "%") and not integers.issuperset(kinds):
        return "floating floor division and remainder are exact, as in NumPy"
    if op == "/" and (complex_ & set(kinds) or constant == "1j"):
        return "a complex number divided by zero is infinite where NumPy's is: there it is NaN"
    if op in ("//", "&", "|", "^") and left_constant:
        return "a constant may stand on the left: there it is a TypeError"
    return None


def test_functions_of_one_argument():
    cases = ((f"{f}(a)", (k,), alike(f"{f}(a)", a=x)) for f in UNARY for k, x in KINDS.items())
    differences = collect(cases)
    assert not differences, report(differences)


def test_functions_of_two_arguments():
    pairs = [(j, k) for j in KINDS for k in KINDS]
    cases = ((f"{f}(a, b)", (j, k), alike(f"{f}(a, b)", a=KINDS[j], b=KINDS[k])) for f in BINARY for j, k in pairs)
    differences = collect(cases)
    assert not differences, report(differences)


def test_operators_between_arrays():
    pairs = [(j, k) for j in KINDS for k in KINDS]
    cases = ((op, (j, k), alike(f"a {op} b", a=KINDS[j], b=KINDS[k])) for op in OPERATORS for j, k in pairs)
    differences = {(op, *kinds): found for (op, *kinds), found in collect(cases).items() if not reason(op, kinds)}
    assert not differences, report(differences)


@pytest.mark.parametrize("optimization", ["none", "moderate", "aggressive"])
def test_operators_with_constants(optimization):
    cases = []
    for op in OPERATORS:
        for constant in CONSTANTS:
            for kind, x in KINDS.items():
                if kind == "S":
                    continue
                integral = "i4" if constant not in ("2.0", "0.5", "1j") else "f8"
                for left in (False, True):
                    expr = f"{constant} {op} a" if left else f"a {op} {constant}"
                    found = alike(expr, 1e-9, optimization, a=x)
                    if not reason(op, (kind, integral), left, constant):
                        cases.append((expr, (kind,), found))
    differences = collect(cases)
    assert not differences, report(differences)


def test_where():
    cases = []
    for c in KINDS:
        for j in KINDS:
            for k in ("b", "i4", "f4", "f8", "c16", "S"):
                expr, kinds = "where(c, a, b)", (c, j, k)
                cases.append((expr, kinds, alike(expr, c=KINDS[c], a=KINDS[j], b=KINDS[k])))
    differences = collect(cases)
    assert not differences, report(differences)


def test_reductions():
    """Sums and products of ints are int64 here, so that they do not wrap, and the least of int32 exists."""
    for name in ("sum", "prod", "min", "max"):
        for kind, x in KINDS.items():
            for expr in (f"{name}(a)", f"{name}(a, axis=0)", f"{name}(a, 0)"):
                narrow = kind in ("i1", "u1", "i4")
                if narrow:
                    got = ours.evaluate(expr, {"a": x}, {})
                    assert got == getattr(np, name)(x) and got.dtype == ("i8" if name in ("sum", "prod") else "i4")
                elif name in ("min", "max") and kind in ("u4", "i8"):
                    assert ours.evaluate(expr, {"a": x}, {}) == getattr(np, name)(x)
                else:
                    assert alike(expr, tolerance=1e-6, a=x) is None, (expr, kind)


@pytest.mark.parametrize(
    "expr",
    """
    a+ ; a b ; (a ;  a and b ; a or b ; not a ; a < b < 2 ; a if b else 2 ; a[0] ; a.T ; lambda: a ; __import__('os') ; f(a) ;
    sin ; a(b) ; 'x' ; (a, b) ; {a} ; nope + 1 ; 9223372036854775808 + i ; sum(a)*2 ; sum(a, axis=-1) ; sum(a, axis=5) ;
    i**-1 ; ~a ; a & b ; sin(a, b) ; 7 // 0 * a ; sum(a, axis=1.5) ; 1 + s ; a == s
    """.split(";"),
)
def test_errors_have_the_classes_that_programs_branch_on(expr):
    inputs = {"a": np.arange(3.0), "b": np.arange(3.0), "i": np.arange(3), "s": np.array([b"a", b"b", b"c"])}
    _, want = outcome(numexpr, expr.strip(), **inputs)
    _, got = outcome(ours, expr.strip(), **inputs)
    assert want is not None
    assert got is not None and (issubclass(got[0], want[0]) or got[0] is want[0]), (got, want)


@pytest.mark.parametrize(
    "expr, inputs, error, text",
    [
        ("~a", {"a": 1.0}, NotImplementedError, "couldn't find matching opcode for 'invert_dd'"),
        ("-a", {"a": True}, NotImplementedError, "couldn't find matching opcode for 'neg_bb'"),
        ("a - a", {"a": True}, NotImplementedError, "couldn't find matching opcode for 'sub_bbb'"),
        ("a + a", {"a": np.array([b"x"])}, NotImplementedError, "couldn't find matching opcode for 'add_sss'"),
        ("a", {"a": "text"}, ValueError, "NumExpr 2 does not support Unicode as a dtype."),
        ("a", {"a": np.array([1], "M8[D]")}, ValueError, "unknown type datetime64[D]"),
        ("a", {"a": np.array([1], "m8[s]")}, ValueError, "unknown type timedelta64[s]"),
        ("a", {"a": np.array([None])}, ValueError, "unknown type object"),
        ("a + b", {"a": np.zeros(3), "b": np.zeros(4)}, ValueError, "operands could not be broadcast together with shapes (3,) (4,) "),
        ("a", {}, KeyError, "'a'"),
        ("a[0]", {"a": 1}, ValueError, "Expression a[0] has forbidden control characters."),
    ],
)
def test_errors_have_the_texts_that_programs_match(expr, inputs, error, text):
    with pytest.raises(error) as info:
        ours.evaluate(expr, inputs, {})
    assert str(info.value) == text
    with pytest.raises(error) as info:
        numexpr.evaluate(expr, inputs, {})
    assert str(info.value) == text


def test_casting_is_refused_as_numexpr_does():
    u8, a, out = np.array([1], "u8"), np.array([1.5]), np.zeros(1, "i4")
    for module in (numexpr, ours):
        with pytest.raises(TypeError, match="operand 2 dtype could not be cast from dtype.'uint64'. to dtype.'int64'. according to the rule 'safe'"):
            module.evaluate("a + u", {"a": a, "u": u8}, {}, casting="safe")
        with pytest.raises(TypeError, match="requested dtype could not be cast from dtype.'float64'. to dtype.'int32'., the operand 0 dtype"):
            module.evaluate("a + 1", {"a": a}, {}, out=out)
        with pytest.raises(ValueError, match="casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe' .got 'foo'."):
            module.evaluate("a + 1", {"a": a}, {}, casting="foo")
        with pytest.raises(ValueError, match="order must be one of 'C', 'F', 'A', or 'K' .got 'Z'."):
            module.evaluate("a + 1", {"a": a}, {}, order="Z")
        with pytest.raises(ValueError, match="Unknown keyword argument 'q'"):
            module.evaluate("a + 1", {"a": a}, {}, q=1)
        frozen = np.zeros(1)
        frozen.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            module.evaluate("a + 1", {"a": a}, {}, out=frozen)
        assert isinstance(module.validate("a + u", {"a": a, "u": u8}, {}), type(None))
        assert isinstance(module.validate("a +", {}, {}), SyntaxError)


def test_what_numexpr_gets_wrong_is_right():
    least = np.array([-(2**31), 5], "i4")
    assert ours.evaluate("a // b", {"a": least, "b": np.array([-1, -1], "i4")}).tolist() == [-(2**31), -5]  # numexpr: SIGFPE
    assert ours.evaluate("min(a)", {"a": np.array([2**53 + 3, 2**53 + 1])}) == 2**53 + 1  # through double
    with pytest.raises(ValueError, match="18446744073709551615 at element 0 does not fit i64"):
        ours.evaluate("a > 0", {"a": np.array([2**64 - 1], "u8")})  # taken for -1
    assert ours.evaluate("a + 1", {"a": np.array([5], "u8")}) == 6
    assert ours.evaluate("sum(a)", {"a": np.full(10**6, 0.1, "f4")}) == pytest.approx(1e5, rel=1e-6)  # 100958
    assert ours.evaluate("a + b", {"a": np.zeros(0), "b": np.zeros((3, 1))}).shape == (3, 0)  # (0,)
    a = np.arange(100_000.0)
    ours.evaluate("x + 1", {"x": a[:-1]}, out=a[1:])
    assert np.array_equal(a[1:], np.arange(1.0, 100_000.0))  # repeats the first
    assert np.isnan(ours.evaluate("max(a)", {"a": np.array([1.0, np.nan])}))
    assert ours.evaluate("a // 0.1", {"a": np.array([1.0])}) == 9.0
    assert ours.evaluate("1 | a", {"a": np.array([2])}) == 3  # TypeError
    assert ours.evaluate("a > b", {"a": np.array([b"\xff"]), "b": np.array([b"a"])})  # signed bytes
    assert ours.evaluate("a", {"a": np.array([1])}).dtype.char == np.dtype("i8").char


def test_long_and_deep_texts_are_no_matter():
    assert ours.evaluate("+".join(["a"] * 1500), {"a": 1}, {}) == 1500
    assert ours.evaluate("(" * 90 + "a" + "+1)" * 90, {"a": 1}, {}) == 91
    assert ours.evaluate("+".join(f"a*{i}.5" for i in range(300)), {"a": 2.0}, {}) == sum(2 * (i + 0.5) for i in range(300))
    assert ours.evaluate("(a**50)**50", {"a": np.array([1.0])}, {}) == 1.0
    with pytest.raises(OverflowError):
        ours.evaluate("9**9**9*a", {"a": 1}, {})


def test_re_evaluate_and_compiled_objects():
    a, b = np.arange(3.0), np.ones(3)
    assert ours.validate("2*a + b") is None
    assert ours.re_evaluate().tolist() == [1.0, 3.0, 5.0]
    a = a + 1
    assert ours.re_evaluate().tolist() == [3.0, 5.0, 7.0]
    f = ours.NumExpr("2*x + y", [("y", np.float64), ("x", np.int32)])
    assert f.input_names == ("y", "x") and f(b, np.arange(3, dtype="i2")).tolist() == [1.0, 3.0, 5.0]
    assert f.run(b, np.zeros(3, "i4"), ex_uses_vml=False).tolist() == [1.0] * 3
    with pytest.raises(ValueError, match="number of inputs doesn't match program"):
        f(b)
    with pytest.raises(TypeError, match="Iterator operand 2 dtype"):
        f(b, b)
    import pickle

    assert pickle.loads(pickle.dumps(f))(b, np.zeros(3, "i4")).tolist() == [1.0] * 3


def test_a_fresh_thread_has_nothing_to_re_evaluate():
    import threading

    caught = []

    def work():
        try:
            ours.re_evaluate()
        except RuntimeError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1 and "previous evaluate() execution was not found" in caught[0]
