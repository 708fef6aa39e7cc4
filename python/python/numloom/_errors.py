"""What can go wrong, as exceptions.

Every exception is an `Error`, which is a `ValueError`, and also the built-in that fits: `except TypeError` catches an `ExprTypeError`.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import _numloom

Span = tuple[int, int]


@dataclass(frozen=True)
class Label:
    """A place in the text: `src[span[0]:span[1]]`, and what is there."""

    span: Span
    message: str | None
    primary: bool


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong: a stable code, one line, places in the text, facts, and a repair where one is obvious."""

    code: str
    message: str
    labels: tuple[Label, ...]
    notes: tuple[str, ...]
    help: str | None

    @property
    def span(self) -> Span | None:
        """The place; none if it is about no place in the text."""
        return next((label.span for label in self.labels if label.primary), None)


class Error(ValueError):
    """Whatever numloom finds wrong. Printed, it shows the place under the text.

    `code` says exactly what is wrong, and never changes its meaning: see `error_codes`. `src` is the text of the expression, if it is
    about one, and `span` the place in it. `diagnostics` is all that is wrong, as data; the other attributes are those of the first.
    """

    code: str | None = None
    src: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def span(self) -> Span | None:
        """Where, such that `src[span[0]:span[1]]` is the place; none if it is about no place in the text."""
        return self.diagnostics[0].span if self.diagnostics else None

    def __reduce__(self):
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(cls: type[Error], args: tuple, attributes: dict) -> Error:
    """What a pickled error becomes: made by its class, as what a `SyntaxError` says of the place is in no dictionary."""
    error = cls(*args)
    error.__dict__.update(attributes)
    return error


class ExprSyntaxError(SyntaxError, Error):
    """The text does not parse. Python draws the caret."""


class ExprTypeError(TypeError, Error):
    """The text parses and means nothing: an unknown name, a dtype that an operation does not take."""


class InputError(TypeError, Error):
    """Inputs or places for outputs that are missing, unknown, or of a kind that numloom does not take."""

    def __init__(self, message: str, code: str = "dtype-mismatch"):
        super().__init__(message)
        self.code = code


class ShapeError(Error):
    """Shapes that do not go together."""


class RunError(Error):
    """The data could not be computed with."""


class CancelledError(RunError):
    """The run was cancelled, or reached its deadline."""


class EngineError(RuntimeError, Error):
    """The engine could not be had."""


class FileError(OSError, Error):
    """A file or a memory map."""

    __reduce__ = Error.__reduce__


class RecordError(Error):
    """A malformed record of a table in text: what is wrong with its content, and not with the file."""

    line: int | None = None
    """The line, from 1, lines inside quotes counted."""
    column: int | None = None
    """The column, from 1, if it is about one."""
    name: str | None = None
    """The column's name."""


class LimitError(Error):
    """A named limit was reached."""


class OutOfMemoryError(MemoryError, Error):
    """Memory for results could not be had."""


class InternalError(RuntimeError, Error):
    """A mistake of numloom's own. Please report it."""


_CLASSES = {
    "syntax": ExprSyntaxError,
    "type": ExprTypeError,
    "bind": InputError,
    "shape": ShapeError,
    "run": RunError,
    "compile": EngineError,
    "io": FileError,
    "limit": LimitError,
}

_CLASSES_OF_CODES = {
    "cancelled": CancelledError,
    "deadline-exceeded": CancelledError,
    "out-of-memory": OutOfMemoryError,
    "bad-record": RecordError,
}


def exception(
    kind: str, src: str | None, drawn: str, diagnostics: list[dict], place: tuple[int, int | None, str | None] | None = None
) -> Error:
    """The exception for an error of the library, whose spans are in bytes; `place` is line, column and name of what is wrong in a table."""
    found = tuple(_diagnostic(src or "", **diagnostic) for diagnostic in diagnostics)
    first = found[0]
    cls = _CLASSES_OF_CODES.get(first.code) or _CLASSES.get(kind, Error)
    error = cls(*_syntax_args(src, first)) if cls is ExprSyntaxError else cls(drawn)
    error.code, error.src, error.diagnostics = first.code, src, found
    if isinstance(error, RecordError) and place is not None:
        error.line, error.column, error.name = place
    if cls is ExprSyntaxError:
        error.__notes__ = [*first.notes, *([f"help: {first.help}"] if first.help else [])]
    return error


def _diagnostic(src: str, code: str, message: str, labels: list, notes: list, help: str | None) -> Diagnostic:
    encoded = src.encode()

    def characters(at: int) -> int:
        return len(encoded[:at].decode(errors="ignore"))

    places = (Label((characters(start), characters(end)), text, primary) for (start, end), text, primary in labels)
    return Diagnostic(code, message, tuple(places), tuple(notes), help)


def _syntax_args(src: str | None, diagnostic: Diagnostic) -> tuple:
    """What `SyntaxError` is made of: lines and columns from 1, in characters."""
    if src is None or diagnostic.span is None:
        return (diagnostic.message,)

    def place(at: int) -> tuple[int, int]:
        return src.count("\n", 0, at) + 1, at - (src.rfind("\n", 0, at) + 1) + 1

    (line, column), (end_line, end_column) = map(place, diagnostic.span)
    text = src.split("\n")[line - 1]
    return diagnostic.message, ("<expr>", line, column, text, end_line, end_column)


def error_codes() -> dict[str, str]:
    """Each code that an error may have, and what it means.

    >>> error_codes()["cancelled"]
    'The run was cancelled between two blocks. Its outputs hold no complete result.'
    """
    return dict(_numloom.error_codes())
