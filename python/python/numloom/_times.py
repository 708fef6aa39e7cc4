"""Dates and durations: `datetime64` and `timedelta64` as the 64-bit integers that they are, under NumPy's rules.

What goes in: a compiled expression of whose inputs some are times. What comes out: the same expression over integers, written so that units meet in
the finer one, overflow of that is an error, and what is no time (NaT, the least integer) stays so. What has no meaning for times is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _errors, _numloom
from ._errors import ExprTypeError, InputError, RunError
from ._functions import usual_name
from ._inputs import is_times, operand_of
from ._outputs import Outputs, check, places, store

NAT = "(-9223372036854775808)"
NAN = "(0.0 / 0.0)"
"""Not `nan`, which an input may be called."""
MOST = 2**63 - 1

_ATTOSECONDS = {"W": 604800 * 10**18, "D": 86400 * 10**18, "h": 3600 * 10**18, "m": 60 * 10**18} | {
    unit: 10 ** (18 - 3 * i) for i, unit in enumerate(("s", "ms", "us", "ns", "ps", "fs", "as"))
}
_MONTHS = {"Y": 12, "M": 1}

_OF_ALL = ("min", "max", "ptp", "argmin", "argmax", "sum", "mean", "nanmin", "nanmax")
_OF_TWO = ("minimum", "maximum", "fmin", "fmax")


Signature = tuple[tuple[str, bool, bool], ...]
"""Of each input the dtype, whether it is one value, and whether it is a number of Python's."""


class Plan(NamedTuple):
    """An expression over integers that stands for one over times."""

    program: _numloom.Compiled
    dtypes: tuple[np.dtype | None, ...]
    """Of the outputs; none for those that are no times."""
    origins: tuple[tuple[int, tuple[int, int], str | None], ...]
    """For each line of the text: where it begins, what it stands for in the text that was given, and the dtype that it brings a time to."""


def call(program: _numloom.Compiled, args: Sequence[Any], kwargs: dict[str, Any] | None) -> Any:
    """What `program`, some of whose arguments are times, returns."""
    given = dict(kwargs or {})
    options = {name: given.pop(name) for name in ("out", "casting", "order", "threads") if name in given and name not in program.inputs}
    values = dict(zip(program.inputs, args)) | given
    arrays, signature = {}, []
    for name in program.inputs:
        value = values[name]
        if type(value) in (int, float, complex, bool):
            arrays[name] = value
            # As the compiled half does, whose integers are of 64 bits with a sign where that holds them.
            signature.append(("u8" if type(value) is int and value > MOST else type(value).__name__, True, type(value) is not bool))
            continue
        array, validity = operand_of(value, name)
        if validity is not None:
            raise InputError(f"input `{name}` may be missing values, which goes with no times: fill them, and use NaT in times", "unexpected-nulls")
        arrays[name] = array.view(array.dtype.str.replace("M8", "i8").replace("m8", "i8").partition("[")[0]) if is_times(array.dtype) else array
        signature.append((array.dtype.newbyteorder("=").str, array.ndim == 0, False))
    plan = planned(program, tuple(signature))
    return _run(plan, program, arrays, options)


def _run(plan: Plan, program: _numloom.Compiled, arrays: dict[str, Any], options: dict[str, Any]) -> Any:
    given = options.pop("out", None)
    targets = [None] * len(plan.dtypes) if given is None else [None if pair is None else pair[0] for pair in places(given, program.outputs)]
    direct = [_integers_of(target, dtype) for target, dtype in zip(targets, plan.dtypes)]
    for target, dtype, integers in zip(targets, plan.dtypes, direct):
        if target is not None and integers is None:
            _check_kind(target, dtype, options.get("casting"))
    try:
        results = plan.program(**arrays, **options, **({} if given is None else {"out": direct}))
    except _errors.Error as error:
        raise about(error, plan, program) from None
    results = [results] if len(plan.dtypes) == 1 else list(results)
    for i, (result, target, dtype, integers) in enumerate(zip(results, targets, plan.dtypes, direct)):
        if integers is not None:
            results[i] = target
            continue
        if dtype is not None:
            results[i] = result = np.asarray(result).view(dtype)[()]
        if target is not None:
            check(target, np.asarray(result), options.get("casting"))
            store(target, result, options.get("casting"))
            results[i] = target
    return results[0] if len(results) == 1 else Outputs(results, program.outputs)


def _integers_of(target: Any, dtype: np.dtype | None) -> np.ndarray | None:
    """The memory of `target`, if a result of `dtype` can be computed into it."""
    if target is None:
        return None
    if dtype is None:
        return None if is_times(target.dtype) else target
    if type(target) is np.ma.MaskedArray or target.dtype != dtype or not target.dtype.isnative:
        return None
    return np.asarray(target).view("i8")


def _check_kind(target: np.ndarray, dtype: np.dtype | None, casting: str | None) -> None:
    """Raises an error, before anything is computed, if times of `dtype`, or numbers, cannot be stored in `target`."""
    if dtype is None:
        raise InputError(f"`out` has dtype {target.dtype}, and the result is of numbers", "output-dtype")
    if dtype.kind != target.dtype.kind:
        raise InputError(f"`out` has dtype {target.dtype}, and the result is of {dtype}", "output-dtype")
    check(target, np.empty((1,) * target.ndim, dtype), casting)


def about(error: _errors.Error, plan: Plan, program: _numloom.Compiled) -> _errors.Error:
    """An error of the text over integers as one of the text that was given."""
    if error.src != plan.program.expr or not error.diagnostics:
        return error
    first = error.diagnostics[0]
    if isinstance(error, _errors.LimitError):
        note = "with dates and durations among the inputs each operation becomes several, on integers: the limit holds for these"
        return _error(type(error), program.expr, first.code, first.message, [((0, len(program.expr.encode())), None, True)], [*first.notes, note], first.help)
    at = first.span[0] if first.span else 0
    _, span, brought = next(origin for origin in reversed(plan.origins) if origin[0] <= at)
    message, code, cls, help = first.message, first.code, type(error), first.help
    if brought is not None and code == "cast-failed":
        where = message.rpartition(" at ")[2] if " at " in message else ""
        message = f"a time does not fit {brought}, the finer of the units that meet here" + (f" (at {where})" if where else "")
    if code == "cast-failed" and "checked" not in program.expr:
        help = "a time, and an integer beside one, is of 64 bits with a sign"
    return _error(cls, program.expr, code, message, [(span, None, True)], first.notes, help)


def _error(cls: type, src: str, code: str, message: str, labels: list, notes: Sequence[str] = (), help: str | None = None) -> Any:
    drawn = _numloom.draw(src, code, message, labels, list(notes), help)
    kind = {ExprTypeError: "type", RunError: "run", _errors.ShapeError: "shape", InputError: "bind", _errors.LimitError: "limit"}.get(cls, "run")
    return _errors.exception(kind, src, drawn, [dict(code=code, message=message, labels=labels, notes=list(notes), help=help)])


def planned(program: _numloom.Compiled, signature: Signature) -> Plan:
    """The plan for inputs of these dtypes; its engine keeps it."""
    engine: Any = program.engine
    return engine._plans(program, signature)


def written(program: _numloom.Compiled, signature: Signature) -> Plan:
    return _Writer(program, signature).plan()


class _Term(NamedTuple):
    text: str
    """A name, or something in parentheses."""
    dtype: np.dtype | None
    """Of a time; none for a number."""
    node: int | None = None
    """What it is in the text that was given, if it stands as it is written there."""
    parts: tuple[_Term, ...] = ()
    """Of a tuple, what is in it."""


class _Number(NamedTuple):
    """A line that gives a number a name."""

    at: int
    dtype: np.dtype | None
    """None where what it reads settles that, or whether it weighs nothing."""
    reads: tuple[_Term, ...]


class _Writer:
    """Writes an expression over times as one over integers, a line for each operation."""

    def __init__(self, program: _numloom.Compiled, signature: Signature):
        self.program, self.src = program, program.expr.encode()
        self.nodes, self.statements = program._tree()
        self.names: dict[str, np.dtype] = {}
        self.schema = []
        for name, (dtype, scalar, weak) in zip(program.inputs, signature):
            dtype = np.dtype(dtype)
            if is_times(dtype):
                self.names[name] = dtype
            self.schema.append((name, np.dtype("i8") if is_times(dtype) else dtype, scalar, weak))
        self.lines: list[str] = []
        self.origins: list[tuple[tuple[int, int], str | None]] = []
        self.fresh = "t"
        while self.fresh in program.expr:
            self.fresh += "_t"
        self.terms: dict[int, _Term | None] = {}
        self.numbers: dict[str, _Number] = {}
        self.dtypes: dict[tuple[str, int], np.dtype] = {}
        """Of numbers, by text and how many statements there were before."""
        self.before = 0

    def plan(self) -> Plan:
        dtypes: list[np.dtype | None] = []
        for name, value, temporary in self.statements:
            term = self.term(value)
            head = f"let {name} = " if temporary else f"{name} = " if name else ""
            self.line(head + term.text, self.nodes[value][1])
            if name and term.dtype is not None:
                self.names[name] = term.dtype
            elif name:
                known = self.numbers.get(term.text)
                self.numbers[name] = _Number(len(self.lines) - 1, known and known.dtype, (term,))
            self.before += 1
            if not temporary:
                dtypes.append(term.dtype)
        starts, at = [], 0
        for line in self.lines:
            starts.append(at)
            at += len(line) + 1
        text = "\n".join(self.lines)
        origins = tuple((start, *origin) for start, origin in zip(starts, self.origins))
        try:
            program = self.program.engine.compile(text, self.program.inputs)
        except _errors.Error as error:
            raise about(error, Plan(_Text(text), (), origins), self.program) from None
        return Plan(program, tuple(dtypes), origins)

    def line(self, text: str, span: tuple[int, int], brings: str | None = None) -> None:
        self.lines.append(text)
        self.origins.append((span, brings))

    def let(self, text: str, span: tuple[int, int], brings: str | None = None) -> str:
        name = f"{self.fresh}{len(self.lines)}"
        self.line(f"let {name} = {text}", span, brings)
        return name

    def named(self, text: str, span: tuple[int, int], dtype: str | None, reads: Sequence[_Term] = ()) -> _Term:
        """A number by name: of a dtype of its own, or of that which comes of what it reads."""
        name = self.let(text, span)
        self.numbers[name] = _Number(len(self.lines) - 1, dtype and np.dtype(dtype), tuple(reads))
        return _Term(name, None)

    def term(self, root: int) -> _Term:
        """What the node stands for, after all below it."""
        below, stack = set(), [root]
        while stack:
            node = stack.pop()
            if node not in below:
                below.add(node)
                stack += self.nodes[node][3]
        for node in sorted(below):
            if node not in self.terms:
                self.terms[node] = self.made(node)
        return self.child(root)

    def child(self, node: int) -> _Term:
        term = self.terms[node]
        if term is not None:
            return term
        start, end = self.nodes[node][1]
        return _Term(f"({self.src[start:end].decode()})", None, node)

    def made(self, node: int) -> _Term | None:
        """The node as an operation on integers; none if there is no time below it, so that it stands as it is written."""
        kind, span, word, children, words = self.nodes[node]
        if kind == "name":
            return _Term(word, self.names[word]) if word in self.names else None
        if all(self.terms[child] is None for child in children):
            return None
        terms = [self.child(child) for child in children]
        if kind == "subscript" and self.nodes[children[0]][0] == "name":
            start, end = span
            return _Term(self.let(self.src[start:end].decode(), span), terms[0].dtype)
        if any(term.dtype is not None for term in terms):
            return self.of_times(node, terms)
        texts = [term.text for term in terms]
        if kind == "unary":
            text = f"{word} {texts[0]}"
        elif kind == "binary":
            text = f"{texts[0]} {word} {texts[1]}"
        elif kind == "compare":
            text = texts[0] + "".join(f" {op} {right}" for op, right in zip(words, texts[1:]))
        elif kind == "bool":
            text = f" {word} ".join(texts)
        elif kind == "if":
            text = f"{texts[1]} if {texts[0]} else {texts[2]}"
        elif kind == "call":
            text = f"{word}({', '.join(f'{key}={text}' if key else text for key, text in zip(words, texts))})"
        elif kind == "attribute":
            text = f"{texts[0]}.{word}"
        elif kind == "subscript":
            raise self.refused(node, "a subscript", terms, "an input or a name")
        else:
            return _Term(f"({', '.join(texts)},)", None, parts=tuple(terms))
        return self.named(text, span, None, terms)

    def of_times(self, node: int, terms: list[_Term]) -> _Term:
        kind, span, word, _, words = self.nodes[node]
        if kind == "unary":
            return self.unary(node, word, terms)
        if kind == "binary":
            return self.binary(node, word, *terms)
        if kind == "compare":
            pairs = [self.compare(node, op, left, right) for op, left, right in zip(words, terms, terms[1:])]
            return self.named(" & ".join(f"({pair})" for pair in pairs), span, "?")
        if kind == "if":
            return self.choice(node, terms)
        if kind == "call":
            return self.function(node, word, words, terms)
        what = {"bool": f"`{word}`", "attribute": f"`.{word}`", "subscript": "a subscript", "literal": "a tuple"}.get(kind, "this")
        raise self.refused(node, what, terms, "numbers, bools or comparisons")

    def unary(self, node: int, op: str, terms: list[_Term]) -> _Term:
        (x,) = terms
        if x.dtype.kind == "M" or op not in "+-":
            raise self.refused(node, f"`{op}`", terms, "durations" if op in "+-" else "numbers or bools")
        # What is no time is its own opposite.
        return _Term(self.let(f"-{x.text}", self.nodes[node][1]), x.dtype) if op == "-" else x

    def binary(self, node: int, op: str, x: _Term, y: _Term) -> _Term:
        span = self.nodes[node][1]
        kinds = self.kind(x) + self.kind(y)
        if op in "+-" and kinds in ("mm", "mi", "im") + (("Mm", "Mi", "mM", "iM") if op == "+" else ("MM", "Mm", "Mi")):
            x, y, dtype = self.together(node, x, y)
            result = "m" if kinds == "MM" else "M" if "M" in kinds else "m"
            return _Term(self.guarded(f"{x} {op} {y}", [x, y], span), dtype_as(dtype, result))
        if op == "*" and kinds in ("mi", "mf", "im", "fm"):
            time, factor = (x, y) if kinds[0] == "m" else (y, x)
            if "i" in kinds:
                return _Term(self.guarded(f"{time.text} * {self.integer(factor)}", [time.text], span), time.dtype)
            return _Term(self.truncated(f"f64({time.text}) * f64({factor.text})", time.text, span), time.dtype)
        if op in ("/", "//", "%") and kinds == "mm":
            a, b, dtype = self.together(node, x, y)
            if op == "/":
                return self.named(self.guarded(f"f64({a}) / f64({b})", [a, b], span, NAN), span, "f8")
            if op == "//":
                return self.named(self.guarded(f"{a} // {b}", [a, b], span, "0"), span, "i8")
            return _Term(self.guarded(f"{a} % {b}", [a, b], span, also=f"({b} == 0)"), dtype)
        if op in ("/", "//") and kinds == "mi":
            return _Term(self.quotient(x.text, self.let(self.integer(y), span), span), x.dtype)
        if op in ("/", "//") and kinds == "mf":
            return _Term(self.truncated(f"f64({x.text}) / f64({y.text})", x.text, span), x.dtype)
        raise self.refused(node, f"`{op}`", [x, y])

    def compare(self, node: int, op: str, x: _Term, y: _Term) -> str:
        kinds = self.kind(x) + self.kind(y)
        if x.dtype is None and y.dtype is None:
            return f"{x.text} {op} {y.text}"
        if kinds not in ("MM", "mm", "mi", "im"):
            raise self.refused(node, f"`{op}`", [x, y])
        a, b, _ = self.together(node, x, y)
        if op == "!=":
            return f"({a} != {b}) | ({a} == {NAT}) | ({b} == {NAT})"
        return f"({a} {op} {b}) & ({a} != {NAT}) & ({b} != {NAT})"

    def choice(self, node: int, terms: list[_Term]) -> _Term:
        condition, x, y = terms
        if condition.dtype is not None or self.kind(x) + self.kind(y) not in ("MM", "mm", "mi", "im"):
            raise self.refused(node, "`where`", terms[1:] if condition.dtype is None else terms)
        a, b, dtype = self.together(node, x, y)
        return _Term(self.let(f"where({condition.text}, {a}, {b})", self.nodes[node][1]), dtype)

    def function(self, node: int, word: str, words: Sequence[str | None], terms: list[_Term]) -> _Term:
        name, span = usual_name(word), self.nodes[node][1]
        x, n = terms[0], len(terms)
        plain = not any(words)
        kind = self.kind(x)
        if name in ("isnan", "isnat", "isfinite", "isinf") and n == 1 and plain:
            texts = {"isfinite": f"{x.text} != {NAT}", "isinf": f"{x.text} != {x.text}"}
            return self.named(texts.get(name, f"{x.text} == {NAT}"), span, "?")
        if name == "i64" and n == 1 and plain:
            return self.named(x.text, span, "i8")
        if name == "abs" and n == 1 and kind == "m":
            return _Term(self.let(f"abs({x.text})", span), x.dtype)
        if name == "where" and n == 3 and plain:
            return self.choice(node, terms)
        if name in _OF_TWO and n == 2 and plain and self.kind(x) + self.kind(terms[1]) in ("MM", "mm", "mi", "im"):
            return self.extreme(node, name, *terms)
        bounds = [key or of for key, of in zip(words[1:], ("min", "max"))]
        if name == "clip" and words[0] is None and n == len(bounds) + 1 and sorted(bounds) in ([], ["min"], ["max"], ["max", "min"]):
            for key, bound in sorted(zip(bounds, terms[1:]), key=lambda pair: pair[0], reverse=True):
                if bound.text != "(None)":
                    x = self.extreme(node, "maximum" if key == "min" else "minimum", x, bound)
            return x
        if name in _OF_ALL and x.dtype is not None and (kind == "m" or name not in ("sum", "mean")):
            if all(term.dtype is None for term in terms[1:]) and all((key or "axis") in ("axis", "keepdims") for key in words[1:]) and n <= 3:
                return self.reduction(name, x, "".join(f", {key or 'axis'}={term.text}" for key, term in zip(words[1:], terms[1:])), span)
        raise self.refused(node, f"`{word}`", terms)

    def extreme(self, node: int, name: str, x: _Term, y: _Term) -> _Term:
        span = self.nodes[node][1]
        if self.kind(x) + self.kind(y) not in ("MM", "mm", "mi", "im"):
            raise self.refused(node, f"`{name}`", [x, y])
        a, b, dtype = self.together(node, x, y)
        if name in ("minimum", "maximum"):
            return _Term(self.guarded(f"{name}({a}, {b})", [a, b], span), dtype)
        both = self.let(f"{name.replace('f', '')}imum({a}, {b})", span)
        return _Term(self.let(f"where({a} == {NAT}, {b}, where({b} == {NAT}, {a}, {both}))", span), dtype)

    def reduction(self, name: str, x: _Term, options: str, span: tuple[int, int]) -> _Term:
        t = x.text
        if name in ("min", "argmin", "nanmax"):
            # What is no time is the least integer.
            text = f"{name.replace('nan', '')}({t}{options})"
            return self.named(text, span, "i8") if name == "argmin" else _Term(self.let(text, span), x.dtype)
        if name == "nanmin":
            least = self.let(f"min(where({t} == {NAT}, {MOST}, {t}){options})", span)
            none = self.let(f"all({t} == {NAT}{options})", span)
            return _Term(self.let(f"where({none}, {NAT}, {least})", span), x.dtype)
        missing = self.let(f"any({t} == {NAT}{options})", span)
        if name == "argmax":
            return self.named(f"where({missing}, argmin({t}{options}), argmax({t}{options}))", span, "i8")
        if name == "ptp":
            value = f"max({t}{options}) - min({t}{options})"
            return _Term(self.let(f"where({missing}, {NAT}, {value})", span), dtype_as(x.dtype, "m"))
        if name == "mean":
            total = self.let(f"where({missing}, {NAT}, sum({t}{options}))", span)
            count = self.let(f"sum(i64({t} == {t}){options})", span)
            return _Term(self.quotient(total, count, span), x.dtype)
        return _Term(self.let(f"where({missing}, {NAT}, {name}({t}{options}))", span), x.dtype)

    def guarded(self, text: str, times: list[str], span: tuple[int, int], otherwise: str = NAT, also: str = "") -> str:
        """`text` where all of `times` are some."""
        missing = " | ".join([f"({time} == {NAT})" for time in times] + [also] * bool(also))
        value = self.let(text, span)
        return self.let(f"where({missing}, {otherwise}, {value})", span)

    def quotient(self, a: str, b: str, span: tuple[int, int]) -> str:
        """Integers divided as C divides them."""
        q = self.let(f"{a} // {b}", span)
        return self.let(f"where(({a} == {NAT}) | ({b} == 0), {NAT}, where(({q} * {b} != {a}) & (({a} < 0) ^ ({b} < 0)), {q} + 1, {q}))", span)

    def truncated(self, text: str, time: str, span: tuple[int, int]) -> str:
        """A float as a time: its whole part, if that can be one."""
        q = self.let(text, span)
        return self.let(f"where(({time} != {NAT}) & (abs({q}) < 9223372036854775808.0), i64({q}), {NAT})", span)

    def together(self, node: int, x: _Term, y: _Term) -> tuple[str, str, np.dtype]:
        """Both as integers in the finer of their units, and as what."""
        if x.dtype is None or y.dtype is None:
            dtype = dtype_as(x.dtype if x.dtype is not None else y.dtype, "m")
        else:
            if {_is_calendar(term.dtype) for term in (x, y)} == {True, False}:
                message = f"{x.dtype} and {y.dtype} have no common unit: months and years differ in length"
                help = "bring dates to days, as `x.astype('datetime64[D]')`"
                raise self.error(node, message, [], help)
            try:
                dtype = np.promote_types(dtype_as(x.dtype, "m"), dtype_as(y.dtype, "m"))
            except OverflowError:
                message = f"{x.dtype} and {y.dtype} have no common unit: there is more of one in the other than an integer of 64 bits can say"
                raise self.error(node, message, [], "bring one to a unit between, by `astype`") from None
        a, b = (self.integer(term) if term.dtype is None else self.scaled(term, dtype, node) for term in (x, y))
        kind = "M" if "M" in (getattr(x.dtype, "kind", ""), getattr(y.dtype, "kind", "")) else "m"
        return a, b, dtype_as(dtype, kind)

    def scaled(self, term: _Term, to: np.dtype, node: int) -> str:
        factor = _factor(term.dtype, to)
        if factor == 1:
            return term.text
        span, most, t = self.nodes[node][1], MOST // factor, term.text
        beyond = f"({t} != {NAT}) & (({t} < {-most}) | ({t} > {most}))"
        fits = self.let(f'i64(i8(where({beyond}, 1000, 0), "checked"))', span, str(dtype_as(to, term.dtype.kind)))
        return self.let(f"where({t} == {NAT}, {NAT}, {t} * {factor if most else 0} + {fits})", span)

    def integer(self, term: _Term) -> str:
        return f'i64({term.text}, "checked")' if self.number(term).kind == "u" else f"i64({term.text})"

    def kind(self, term: _Term) -> str:
        """`M` for dates, `m` for durations, `i` for integers and bools, `f` for floats, `?` for what goes with no time."""
        if term.dtype is not None:
            return term.dtype.kind
        return {"b": "i", "i": "i", "u": "i", "f": "f"}.get(self.number(term).kind, "?")

    def number(self, term: _Term) -> np.dtype:
        """The dtype of what is no time."""
        kind, _, word, *_ = ("name", None, term.text) if term.node is None else self.nodes[term.node]
        known = self.numbers.get(word or "") if kind == "name" else None
        if known is not None and known.dtype is not None:
            return known.dtype
        key = term.text, self.before
        if key not in self.dtypes:
            literal = None if term.node is None else _literal(self.nodes[term.node], term.text)
            self.dtypes[key] = self.checked(term) if literal is None else literal
        return self.dtypes[key]

    def checked(self, term: _Term) -> np.dtype:
        """The dtype by the engine's rules, of a text of no more lines than the term needs; those of known dtypes are inputs of it."""
        schema, needed, stack = [*self.schema], {}, [term]
        while stack:
            part = stack.pop()
            stack += part.parts
            for name, number in self.read(part):
                if name in needed:
                    continue
                needed[name] = number
                if number.dtype is None:
                    stack += number.reads
                else:
                    schema.append((name, number.dtype, False, False))
        places = sorted(number.at for number in needed.values() if number.dtype is None)
        text = "\n".join([*(self.lines[at] for at in places), term.text])
        outputs, error = self.program.engine._check(text, schema)
        if error is not None:
            # The text that was given says what is wrong there.
            own = (0, len(self.src)) if term.node is None else self.nodes[term.node][1]
            starts, at = [], 0
            for place in places:
                starts.append((at, *self.origins[place]))
                at += len(self.lines[place]) + 1
            raise about(error, Plan(_Text(text), (), (*starts, (at, own, None))), self.program)
        name = outputs[-1][1]
        return np.dtype("S1") if name.startswith("S") else np.dtype("?") if name == "bool" else np.dtype(f"{name[0]}{int(name[1:]) // 8}")

    def read(self, term: _Term) -> list[tuple[str, _Number]]:
        """The numbers by name that a term reads."""
        if term.node is None:
            return [(term.text, self.numbers[term.text])] if term.text in self.numbers else []
        names, stack = {}, [term.node]
        while stack:
            kind, _, word, children, _ = self.nodes[stack.pop()]
            if kind == "name" and word in self.numbers:
                names[word] = self.numbers[word]
            stack += children
        return list(names.items())

    def refused(self, node: int, what: str, terms: Sequence[_Term], needs: str | None = None) -> ExprTypeError:
        children = [child for child in self.nodes[node][3]]
        spans = dict(zip((id(term) for term in terms), (self.nodes[child][1] for child in children[-len(terms) :])))
        words = [f"this is {term.dtype if term.dtype is not None else self.number(term)}" for term in terms]
        labels = [(spans[id(term)], said, False) for term, said in zip(terms, words) if id(term) in spans]
        listed = " and ".join(word.removeprefix("this is ") for word in words)
        message = f"{what} needs {needs}, not {listed}" if needs else f"{what} has no meaning for {listed}"
        return self.error(node, message, labels, "give the integers, as `x.view('i8')`, if that is what is meant")

    def error(self, node: int, message: str, labels: list, help: str) -> ExprTypeError:
        primary = (self.nodes[node][1], None, True)
        return _error(ExprTypeError, self.program.expr, "type-mismatch", message, [primary, *labels], (), help)


def _literal(node: tuple, text: str) -> np.dtype | None:
    """The dtype of a number that stands in the text, perhaps with a sign."""
    if node[0] not in ("literal", "unary"):
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    if type(value) is int and -MOST <= value < 2**64:
        return np.dtype("i8" if value <= MOST else "u8")
    return {bool: np.dtype("?"), float: np.dtype("f8"), complex: np.dtype("c16")}.get(type(value))


class _Text(NamedTuple):
    expr: str


def dtype_as(dtype: np.dtype, kind: str) -> np.dtype:
    """The dtype of the same unit for dates (`M`) or durations (`m`)."""
    unit, count = np.datetime_data(dtype)
    return np.dtype(f"{kind}8") if unit == "generic" else np.dtype(f"{kind}8[{count}{unit}]")


def _is_calendar(dtype: np.dtype) -> bool | None:
    unit = np.datetime_data(dtype)[0]
    return None if unit == "generic" else unit in _MONTHS


def _factor(dtype: np.dtype, finer: np.dtype) -> int:
    """How many of the finer unit make one."""
    (unit, count), (to, of) = np.datetime_data(dtype), np.datetime_data(finer)
    if unit == to == "generic" or "generic" in (unit, to):
        return 1
    table = _MONTHS if unit in _MONTHS else _ATTOSECONDS
    return count * table[unit] // (of * table[to])
