"""Sizes as people write them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"\s*(\d+)\s*([KMGT]?)(?:i?B)?\s*", re.IGNORECASE)


def size_of(size: int | str, name: str) -> int:
    """Bytes: a number of them, or `"256M"`, with powers of 1,024.

    >>> size_of("256M", "memory"), size_of("1 GiB", "memory"), size_of(4096, "memory")
    (268435456, 1073741824, 4096)
    """
    if isinstance(size, str):
        found = _SIZE.fullmatch(size)
        if not found:
            raise ValueError(f"`{name}` must be a size, as '256M' or '2G' (got {size!r})")
        return int(found[1]) << 10 * " KMGT".index(found[2].upper() or " ")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError(f"`{name}` must be a number of bytes, or as '256M' (got {size!r})")
    return size
