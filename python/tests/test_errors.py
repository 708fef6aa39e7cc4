"""Exceptions: their classes, data, and how they look."""

import pickle
import traceback

import numpy as np
import pytest

import numloom as nl


def caught(expr, error=nl.Error, /, **inputs):
    with pytest.raises(error) as info:
        nl.evaluate(expr, **inputs)
    return info.value


def test_a_syntax_error_is_drawn_by_python():
    error = caught("2 * (a + b", SyntaxError, a=1, b=2)
    assert isinstance(error, nl.ExprSyntaxError) and isinstance(error, ValueError)
    assert (error.code, error.lineno, error.offset, error.text) == ("unclosed-bracket", 1, 5, "2 * (a + b")
    drawn = "".join(traceback.format_exception_only(error))
    assert "    2 * (a + b\n        ^\n" in drawn


def test_places_are_in_characters_and_lines_count_from_one():
    error = caught("é = 1; x = 2\nü = 3 +")
    assert error.lineno == 2 and error.text == "ü = 3 +"
    src = "'é' == a + nope"
    error = nl.check(src, a="f8").error
    assert src[slice(*error.span)] == "nope"


def test_a_type_error_shows_the_place():
    error = caught("a + (b & c)", nl.ExprTypeError, a=1.0, b=1.5, c=1)
    assert isinstance(error, TypeError) and isinstance(error, ValueError)
    assert str(error).startswith("error[type-mismatch]: ") and " 1 | a + (b & c)" in str(error)
    assert error.src[slice(*error.span)] == "&"
    first = error.diagnostics[0]
    assert first.code == error.code and any(label.primary for label in first.labels)


def test_an_unknown_function_suggests_one():
    error = caught("sine(a)", a=1.0)
    assert error.code == "unknown-function" and "sin" in str(error)


def test_a_slip_of_the_pen_is_shown_where_it_is():
    error = caught("2*velocty", nl.ExprTypeError, velocity=1.0)
    assert error.code == "unknown-name" and error.src[slice(*error.span)] == "velocty"
    assert "did you mean `velocity`?" in str(error)


def test_shapes_name_both_sides():
    error = caught("a + b", nl.ShapeError, a=np.zeros(3), b=np.zeros(4))
    assert error.code == "shape-mismatch" and "`a` of shape (3,) and `b` of shape (4,)" in str(error)


def test_a_deadline_cancels():
    engine = nl.Engine(deadline=1e-9, threads=1)
    with pytest.raises(nl.CancelledError) as info:
        engine.evaluate("sum(sin(a))", a=np.zeros(1_000_000))
    assert info.value.code == "deadline-exceeded"


def test_memory_that_cannot_be_had_is_an_error():
    a = np.broadcast_to(np.float64(1), (2**40, 2**10))
    with pytest.raises(MemoryError):
        nl.evaluate("a + 1", a=a)


def test_errors_pickle_with_their_data():
    for expr in ("a +", "a & 1.5", "sine(a)"):
        error = caught(expr, a=1.0)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
        assert (again.code, again.span, again.diagnostics) == (error.code, error.span, error.diagnostics)


@pytest.mark.parametrize("expr", ["", " ", "a..b", "__import__('os')", "a[", "\0", "a;;b", "(" * 5000, "1" * 100_000, "\ud800"])
def test_no_text_is_more_than_an_exception(expr):
    with pytest.raises(Exception) as info:
        nl.evaluate(expr, a=np.zeros(2))
    assert isinstance(info.value, (nl.Error, UnicodeEncodeError))


def test_every_class_has_a_base_that_python_programs_catch():
    for cls in (nl.ExprSyntaxError, nl.ExprTypeError, nl.InputError, nl.ShapeError, nl.RunError, nl.LimitError, nl.InternalError):
        assert issubclass(cls, nl.Error) and issubclass(cls, ValueError) and issubclass(cls, Exception)
