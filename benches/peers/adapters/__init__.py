"""One file for each peer: how its own documentation says it is best used.

A peer has a `name`, a `label`, a `version()` and `prepare(work, fresh)`, which gives a function of no arguments that computes all outputs of `work`
once and returns them, or raises `LeftOut` with the reason. `fresh` asks for new outputs; otherwise each call writes to arrays of an earlier one.
What has `compiled_call(a, b, out)`, `text_call(a, b, out)` and `first_call(i, a, b)` is also timed for what a call and a new expression cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from program import Program

MODULES = ("numloom_", "numpy_", "numexpr_", "numexpr_vml", "numba_", "jax_", "blosc2_", "c_")


class LeftOut(Exception):
    """Why a peer does not run a case."""


@dataclass
class Work:
    """A program with its inputs, and how many threads it may use."""

    name: str
    program: Program
    inputs: dict[str, np.ndarray]
    dtype: np.dtype
    shape: tuple[int, ...]
    reduces: bool
    threads: int
    reused: list[np.ndarray] = field(default_factory=list)

    def outputs(self) -> list[np.ndarray]:
        """The same arrays for every peer, without what the one before wrote."""
        if not self.reused:
            self.reused += [np.empty(self.shape, self.dtype) for _ in self.program.outputs]
        for array in self.reused:
            array.fill(0)
        return list(self.reused)

    @property
    def elements(self) -> int:
        return max(int(np.prod(self.shape)), max(array.size for array in self.inputs.values()))

    @property
    def arrays(self) -> list[np.ndarray]:
        return [self.inputs[name] for name in self.program.inputs]


def load(wanted: list[str] | None = None) -> tuple[list[Any], dict[str, str]]:
    """The peers that can be imported here, and why others cannot."""
    peers, missing = [], {}
    for module in MODULES:
        name = module.removesuffix("_").replace("_", "-")
        if wanted is not None and name not in wanted:
            continue
        try:
            found = import_module(f"adapters.{module}")
            peers += getattr(found, "PEERS", [found])
        except Exception as error:  # whatever it is, the others can run
            missing[name] = f"{type(error).__name__}: {error}"
    return peers, missing
