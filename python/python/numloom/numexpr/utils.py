"""Threads, and what there is to say of Intel's vector library: that it is not used."""

from __future__ import annotations

import os

from .. import _compile

use_vml = False

_limit: int | None = None
"""The most threads of a run; none if all of the engine's may be used."""

_chosen: int = 1


def _number(name: str) -> int | None:
    """A count of threads from the environment. Of a list, as OpenMP takes one for each level, the first."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    try:
        number = int(text.partition(",")[0])
    except ValueError:
        raise ValueError(f"{name} must be a whole number, got {text!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {text!r}")
    return number


MAX_THREADS: int = _number("NUMEXPR_MAX_THREADS") or 64


def detect_number_of_cores() -> int:
    """How many processors the machine has."""
    return os.cpu_count() or 1


def detect_number_of_threads() -> int:
    """How many threads `_init_num_threads` would choose."""
    asked = _number("NUMEXPR_NUM_THREADS") or _number("OMP_NUM_THREADS")
    return min(asked or detect_number_of_cores(), MAX_THREADS)


def _init_num_threads() -> int:
    """Chooses the number of threads: `NUMEXPR_NUM_THREADS`, else `OMP_NUM_THREADS`, else as many as there are processors, up to 16."""
    asked = _number("NUMEXPR_NUM_THREADS") or _number("OMP_NUM_THREADS")
    if asked is None:
        asked = MAX_THREADS if _number("NUMEXPR_MAX_THREADS") else min(detect_number_of_cores(), 16)
    asked = min(asked, MAX_THREADS)
    set_num_threads(asked)
    return asked


def set_num_threads(nthreads: int) -> int:
    """Sets the most threads of runs from now on, in this process, and returns what it was."""
    global _limit, _chosen
    if not 1 <= nthreads <= MAX_THREADS:
        raise ValueError(f"the number of threads must be from 1 to {MAX_THREADS} (NUMEXPR_MAX_THREADS), got {nthreads}")
    before, _chosen = _chosen, int(nthreads)
    _limit = _chosen if _chosen < _compile.default_engine().threads else None
    return before


def get_num_threads() -> int:
    """The most threads of a run, as set."""
    return _chosen


def get_vml_version() -> None:
    """None: Intel's library is not used."""


def set_vml_accuracy_mode(mode: str | None) -> None:
    """Nothing: functions have one accuracy, `numloom.functions()` tells which."""
    if mode not in (None, "high", "low", "fast"):
        raise ValueError("mode argument must be one of: None, 'high', 'low', 'fast'")


def set_vml_num_threads(nthreads: int) -> None:
    """Nothing: Intel's library is not used."""


def get_vml_num_threads() -> None:
    """None: Intel's library is not used."""
