"""NumExpr's functions: names and dtypes as NumExpr has them, results by numloom."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .. import _compile, _errors
from . import expressions, utils
from ._emit import children_first, code_of, source, spelled
from ._parse import parse
from .expressions import ExpressionNode, kind_to_type
from .kinds import KINDS, OF_CODE, OF_TYPE, double, int_, long_, type_of_array
from .opcodes import resolve

typecode_to_kind = {kind.code: name for name, kind in KINDS.items()}
kind_to_typecode = {name: kind.code for name, kind in KINDS.items()}
type_to_typecode = {kind.type: kind.code for name, kind in KINDS.items() if name != "none"}
type_to_kind = expressions.type_to_kind
default_type = double
vml_functions: list[str] = []

_ndarray = np.ndarray
_CASTINGS = ("no", "equiv", "safe", "same_kind", "unsafe")
_OPTIONS = {"optimization": (("none", "moderate", "aggressive"), "aggressive"), "truediv": ((False, True, "auto"), "auto")}

getType = type_of_array


def getContext(kwargs: Mapping[str, Any], _frame_depth: int = 1) -> dict[str, Any]:
    """Options of how trees are built, with defaults for those that are not given."""
    context = {}
    for name, (allowed, default) in _OPTIONS.items():
        context[name] = kwargs.get(name, default)
        if context[name] not in allowed:
            raise ValueError(f"'{name}' must be one of {allowed}")
    for name in kwargs:
        if name not in _OPTIONS:
            raise ValueError(f"Unknown keyword argument '{name}'")
    if context["truediv"] == "auto":
        context["truediv"] = True  # as Python has divided since 3.0
    return context


def stringToExpression(s: str, types: Mapping[str, type], context: Mapping[str, Any], sanitize: bool = True) -> ExpressionNode:
    """The tree of a text."""
    before = expressions._context.get_current_context()
    expressions._context.set_new_context(dict(context))
    try:
        return parse(s, types, sanitize)
    finally:
        expressions._context.set_new_context(before)


class ASTNode:
    """A node without operators of its own, so that trees can be compared."""

    def __init__(self, astType: str = "generic", astKind: str = "unknown", value: Any = None, children: Sequence[ASTNode] = ()):
        self.astType, self.astKind, self.value, self.children = astType, astKind, value, tuple(children)

    def key(self) -> tuple:
        return self.astType, self.astKind, self.value, self.children

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ASTNode) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def typecode(self) -> str:
        return kind_to_typecode[self.astKind]

    def postorderWalk(self):
        return children_first(self)

    def allOf(self, *astTypes: str):
        return (node for node in children_first(self) if node.astType in astTypes)


def expressionToAST(ex: ExpressionNode) -> ASTNode:
    """The same tree of plain nodes."""
    made: dict[int, ASTNode] = {}
    for node in children_first(ex):
        made[id(node)] = ASTNode(node.astType, node.astKind, node.value, [made[id(child)] for child in node.children])
    return made[id(ex)]


def typeCompileAst(ast: ASTNode) -> ASTNode:
    """The same tree with casts where operations need them; `NotImplementedError` where there is no operation."""
    made: dict[int, ASTNode] = {}
    for node in children_first(ast):
        children = [made[id(child)] for child in node.children]
        value = node.value
        if node.astType == "op":
            wanted = resolve(node.value, node.typecode(), "".join(child.typecode() for child in children))
            for i, want in enumerate(wanted):
                if children[i].typecode() != want:
                    kind = OF_CODE[want]
                    if children[i].astType == "constant":
                        children[i] = ASTNode("constant", kind, children[i].value)
                    else:
                        children[i] = ASTNode("op", kind, f"cast_{want}{children[i].typecode()}".encode(), [children[i]])
            value = f"{node.value}_{node.typecode()}{wanted}".encode()
        made[id(node)] = ASTNode(node.astType, node.astKind, value, children)
    return made[id(ast)]


def _variables(ex: ExpressionNode) -> list[str]:
    return sorted({node.value for node in children_first(ex) if node.astType == "variable"})


def getExprNames(text: str, context: Mapping[str, Any], sanitize: bool = True) -> tuple[list[str], bool]:
    """The names that a text reads, ascending, and whether it uses Intel's library, which it never does."""
    return _variables(stringToExpression(text, {}, context, sanitize)), False


class CompiledExpression:
    """What `NumExpr` gives: call it with one array for each of `input_names`."""

    def __init__(self, ex: ExpressionNode, signature: Sequence[tuple[str, type]]):
        types, found = dict(signature), _variables(ex)
        self.input_names = tuple(name for name, _ in signature) or tuple(found)
        if set(self.input_names) != set(found):
            raise ValueError(f"input names ({list(self.input_names)}) don't match those found in expression ({set(found)})")
        self._ex = ex
        self._kinds = [OF_TYPE[types.get(name, default_type)] for name in self.input_names]
        self._dtypes = [np.dtype(KINDS[kind].dtype) for kind in self._kinds]
        self._spelled = dict(zip(self.input_names, spelled(self.input_names)))
        self._source = source(ex, self._spelled)
        self._is_text = code_of(ex) == "s"
        if self._is_text and not found:
            raise ValueError("data type must provide an itemsize")
        # numloom computes nothing that is text: all there can be is a copy.
        self._program = None if self._is_text else self._compile(self._source.text)
        self.constants = self._source.constants
        self.signature = "".join(KINDS[kind].code for kind in self._kinds).encode()
        self.tempsig = b""
        self.constsig = "".join(code_of(node) for node in children_first(ex) if node.astType == "constant").encode()
        self.fullsig = code_of(ex).encode() + self.signature + self.constsig
        self.program = self._source.text.encode()

    def _compile(self, text: str) -> Any:
        return _compile.default_engine()._program(text, tuple(self._spelled.values()))

    def __call__(self, *args: Any, out: Any = None, order: str = "K", casting: str = "safe", ex_uses_vml: bool = False) -> np.ndarray:
        """The result over these arrays, which `casting` must let be cast to the kinds of the signature."""
        if out is None and order == "K" and casting in ("safe", "same_kind"):
            result = self._quick(args)
            if result is not None:
                return result
        if len(args) != len(self.input_names):
            raise ValueError("number of inputs doesn't match program")
        if casting not in _CASTINGS:
            allowed = ", ".join(map(repr, _CASTINGS))
            raise ValueError(f"casting must be one of {allowed} (got {casting!r})")
        arrays = [arg if type(arg) is np.ndarray else np.asarray(arg) for arg in args]
        for i, (array, dtype) in enumerate(zip(arrays, self._dtypes), 1):
            if array.dtype is not dtype and not _fits(array.dtype, dtype, casting):
                raise TypeError(
                    f"Iterator operand {i} dtype could not be cast from {array.dtype!r} to {dtype!r} according to the rule {casting!r}"
                )
        return self._run(arrays, out, order, casting)

    run = __call__

    def _quick(self, arrays: Sequence[Any]) -> np.ndarray | None:
        """A new array of the result, if all are arrays of the very dtypes of the signature, as they mostly are; else none."""
        if utils._limit is not None or len(arrays) != len(self._dtypes):
            return None
        for array, dtype in zip(arrays, self._dtypes):
            if type(array) is not _ndarray or array.dtype is not dtype:
                return None
        try:
            result = self._program(*arrays)
        except _errors.ShapeError as error:
            raise _misfit(arrays) from error
        return result if type(result) is _ndarray else np.asarray(result)

    def _run(self, arrays: list[np.ndarray], out: Any, order: str, casting: str) -> np.ndarray:
        """The result over arrays of dtypes that may be cast."""
        program = self._program
        if self._is_text:
            return _copied(arrays[0], out, order, casting)
        if any(array.dtype.char in "LQgGmMUOV" for array in arrays):
            arrays, program = self._unusual(arrays)
        if out is not None:
            self._check_out(out, casting)
        try:
            result = program(*arrays, out=out, order=order, casting=casting, threads=utils._limit)
        except _errors.ShapeError as error:
            raise _misfit(arrays) from error
        return result if isinstance(result, _ndarray) else np.asarray(result)

    def _unusual(self, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], Any]:
        """Arrays of dtypes that numloom has, and the program for those of them that are `uint64`."""
        unsigned = []
        for i, array in enumerate(arrays):
            if array.dtype.char in "gG":
                arrays[i] = array.astype(self._dtypes[i])
            elif array.dtype.kind == "u" and array.dtype.itemsize == 8 and self._kinds[i] == "long":
                unsigned.append(self.input_names[i])
            elif array.dtype.kind in "mMUOV":
                type_of_array(array)
        text = source(self._ex, self._spelled, frozenset(unsigned)).text if unsigned else self._source.text
        return arrays, self._compile(text)

    def _check_out(self, out: Any, casting: str) -> None:
        if not isinstance(out, np.ndarray):
            raise TypeError("return arrays must be of ArrayType")
        if not out.flags.writeable:
            raise ValueError("operand array with iterator write flag set is read-only")
        if self._source.dtype.kind != "S" and not np.can_cast(self._source.dtype, out.dtype, casting):
            raise TypeError(
                f"Iterator requested dtype could not be cast from {self._source.dtype!r} to {out.dtype!r}, "
                f"the operand 0 dtype, according to the rule {casting!r}"
            )

    def explain(self) -> str:
        """How it runs."""
        return self._program.explain()

    def __repr__(self) -> str:
        return f"<numloom.numexpr {self._source.text!r} of ({', '.join(self.input_names)})>"

    def __reduce__(self):
        signature = [(name, kind_to_type[kind]) for name, kind in zip(self.input_names, self._kinds)]
        return _rebuild, (expressionToAST(self._ex), signature)


def _misfit(arrays: Sequence[np.ndarray]) -> ValueError:
    shapes = " ".join(str(array.shape) for array in arrays)
    return ValueError(f"operands could not be broadcast together with shapes {shapes} ")


def _copied(array: np.ndarray, out: np.ndarray | None, order: str, casting: str) -> np.ndarray:
    if out is None:
        return array.copy(order)
    np.copyto(out, array, casting=casting)
    return out


def _rebuild(ex: ASTNode, signature: list[tuple[str, type]]) -> CompiledExpression:
    return CompiledExpression(ex, signature)


@lru_cache(maxsize=1024)
def _fits(have: np.dtype, want: np.dtype, casting: str) -> bool:
    return want.kind == have.kind == "S" or np.can_cast(have, want, casting)


def NumExpr(ex: Any, signature: Sequence[tuple[str, type]] = (), sanitize: bool = True, **kwargs: Any) -> CompiledExpression:
    """A callable for a text, or for a tree made of `E`; `signature` is a list of names and types, in the order of arguments.

    Types are bool, numpy.int32, numpy.int64, float (single precision), numpy.double, complex and bytes; what is not listed is double.
    """
    if isinstance(ex, str):
        ex = stringToExpression(ex, dict(signature), getContext(kwargs), sanitize)
    return CompiledExpression(ex, signature)


def disassemble(nex: CompiledExpression) -> list[list[Any]]:
    """There is no virtual machine here: see the `explain` of a compiled expression."""
    raise NotImplementedError("there is no virtual machine to disassemble; `explain()` says how it runs")


def getArguments(
    names: Sequence[str],
    local_dict: Mapping[str, Any] | None = None,
    global_dict: Mapping[str, Any] | None = None,
    _frame_depth: int = 2,
) -> list[np.ndarray]:
    """What `names` are in `local_dict`, or else in `global_dict`; those of the frame `_frame_depth` calls up where they are not given."""
    if local_dict is None or global_dict is None:
        frame = sys._getframe(_frame_depth)
        local_dict = frame.f_locals if local_dict is None else local_dict
        global_dict = frame.f_globals if global_dict is None else global_dict
    arrays = []
    for name in names:
        try:
            value = local_dict[name]
        except KeyError:
            value = global_dict[name]
        arrays.append(value if type(value) is np.ndarray else np.asarray(value))
    return arrays


class _Last(threading.local):
    """What this thread evaluated last."""

    call: tuple[CompiledExpression, list[str], Any, str, str] | None = None

    def set(self, compiled: CompiledExpression, names: list[str], out: Any, order: str, casting: str) -> None:
        self.call = compiled, names, None if out is None else weakref.ref(out), order, casting


_last = _Last()


def _default_sanitize() -> bool:
    return os.environ.get("NUMEXPR_SANITIZE", "1") != "0"


@lru_cache(maxsize=1024)
def _names(ex: str, sanitize: bool, options: tuple) -> tuple[list[str], dict[str, Any]]:
    context = getContext(dict(options))
    return getExprNames(ex, context, sanitize)[0], context


@lru_cache(maxsize=1024)
def _compiled(ex: str, sanitize: bool, options: tuple, types: tuple[type, ...]) -> CompiledExpression:
    names, context = _names(ex, sanitize, options)
    return NumExpr(ex, list(zip(names, types)), sanitize, **context)


@lru_cache(maxsize=1024)
def _type_of(dtype: np.dtype) -> type:
    return type_of_array(np.empty(0, dtype))


def _prepare(
    ex: str, local: Any, other: Any, sanitize: bool | None, options: dict[str, Any], depth: int
) -> tuple[CompiledExpression, list[str], list[np.ndarray]]:
    if not isinstance(ex, str):
        raise ValueError("must specify expression as a string")
    sanitize = _default_sanitize() if sanitize is None else bool(sanitize)
    chosen = tuple(sorted(options.items())) if options else ()
    names, _ = _names(ex, sanitize, chosen)
    arrays = getArguments(names, local, other, depth)
    types = tuple([_type_of(array.dtype) for array in arrays])
    return _compiled(ex, sanitize, chosen, types), names, arrays


def evaluate(
    ex: str,
    local_dict: Mapping[str, Any] | None = None,
    global_dict: Mapping[str, Any] | None = None,
    out: np.ndarray | None = None,
    order: str = "K",
    casting: str = "same_kind",
    sanitize: bool | None = None,
    _frame_depth: int = 3,
    disable_cache: bool = False,
    **kwargs: Any,
) -> np.ndarray:
    """Evaluates a text over arrays, which are the caller's variables of the names in it, unless mappings are given.

    `out` is an array to write to, which may share memory with inputs; `casting` says what may be cast; `order` how a new array lies.
    `optimization` is 'none', 'moderate' or 'aggressive', and says which powers are written out; that has a part in the result's dtype.
    """
    compiled, names, arrays = _prepare(ex, local_dict, global_dict, sanitize, kwargs, _frame_depth)
    if not disable_cache:
        _last.set(compiled, names, out, order, casting)
    if out is None and order == "K" and casting == "same_kind" and (result := compiled._quick(arrays)) is not None:
        return result
    if casting == "same_kind":
        return compiled._run(arrays, out, order, casting)
    return compiled(*arrays, out=out, order=order, casting=casting)


def validate(
    ex: str,
    local_dict: Mapping[str, Any] | None = None,
    global_dict: Mapping[str, Any] | None = None,
    out: np.ndarray | None = None,
    order: str = "K",
    casting: str = "safe",
    _frame_depth: int = 2,
    sanitize: bool | None = None,
    **kwargs: Any,
) -> Exception | None:
    """Prepares `re_evaluate`, or returns the exception that says why not."""
    try:
        compiled, names, _ = _prepare(ex, local_dict, global_dict, sanitize, kwargs, _frame_depth + 1)
        _last.set(compiled, names, out, order, casting)
    except Exception as error:
        return error
    return None


def re_evaluate(
    local_dict: Mapping[str, Any] | None = None, global_dict: Mapping[str, Any] | None = None, _frame_depth: int = 2
) -> np.ndarray:
    """Evaluates what this thread evaluated or validated last, over what its names are now."""
    if _last.call is None:
        raise RuntimeError(
            "A previous evaluate() execution was not found, please call `validate` or `evaluate` once before `re_evaluate`"
        )
    compiled, names, out, order, casting = _last.call
    arrays = getArguments(names, local_dict, global_dict, _frame_depth)
    return compiled(*arrays, out=None if out is None else out(), order=order, casting=casting)
