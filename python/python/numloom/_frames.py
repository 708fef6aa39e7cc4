"""Names of the caller's: the only place that looks into frames."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import InputError


def caller_values(names: Sequence[str], depth: int) -> list[Any]:
    """What `names` are in the frame `depth` calls up, its local variables first, then its global ones."""
    frame = sys._getframe(depth)
    return values(names, frame.f_locals, frame.f_globals)


def values(names: Sequence[str], local: Mapping[str, Any], other: Mapping[str, Any] | None = None) -> list[Any]:
    """What `names` are in `local`, or else in `other`."""
    found = []
    for name in names:
        try:
            found.append(local[name])
        except KeyError:
            if other is None or name not in other:
                raise missing(names, local, other) from None
            found.append(other[name])
    return found


def missing(names: Sequence[str], local: Mapping[str, Any], other: Mapping[str, Any] | None) -> InputError:
    """The error for those of `names` that are not there."""
    lost = [name for name in names if name not in local and (other is None or name not in other)]
    listed = ", ".join(f"`{name}`" for name in lost)
    return InputError(f"missing input{'s' * (len(lost) != 1)} {listed}", "missing-input")
