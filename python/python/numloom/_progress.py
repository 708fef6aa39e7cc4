"""How far a run is: a bar on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO


class Teller:
    """Calls a function with elements done and in all."""

    def __init__(self, function: Callable[[int, int], Any]):
        self.function = function

    def begin(self, bytes_in_all: int) -> Callable[[int, int], Any]:
        """What to call, for a run that moves so many bytes."""
        return self.function

    def close(self) -> None:
        """After the run, however it ended."""


def teller(progress: bool | Callable[[int, int], Any], file: TextIO | None = None) -> Teller | None:
    """Who is to be told how far a run is; none if nobody is."""
    if callable(progress):
        return Teller(progress)
    return Bar(file or sys.stderr) if progress else None


class Bar(Teller):
    """Elements, GB/s, and the time left: on a terminal and in a notebook one line that changes, elsewhere a line now and then."""

    WIDTH = 28

    def __init__(self, file: TextIO):
        super().__init__(self.draw)
        self.file = file
        self.redraws = _is_terminal(file) or _is_notebook()
        self.bytes, self.start = 0, time.monotonic()
        self.drawn = self.start
        self.first: int | None = None
        self.shown = ""
        self.ended = False

    def begin(self, bytes_in_all: int) -> Callable[[int, int], Any]:
        self.bytes = bytes_in_all
        return self.draw

    def close(self) -> None:
        if self.redraws and self.shown and not self.ended:
            self.file.write("\n")
            self.file.flush()

    def draw(self, done: int, total: int) -> None:
        if not total or self.ended:
            return
        if self.first is None:
            # What an earlier run has done took no time of this one.
            self.first = done if done < total else 0
        now = time.monotonic()
        self.ended = done >= total
        if now - self.drawn < (0.1 if self.redraws else 10.0) and not self.ended:
            return
        self.drawn = now
        line = self.text(done, total, now - self.start)
        if self.redraws:
            self.file.write("\r" + line.ljust(len(self.shown)) + ("\n" if self.ended else ""))
        else:
            self.file.write(line + "\n")
        self.shown = line
        self.file.flush()

    def text(self, done: int, total: int, seconds: float) -> str:
        filled = self.WIDTH * done // total
        ran = done - (self.first or 0)
        parts = [f"{100 * done // total:3}%", f"{_count(done)} of {_count(total)} elements"]
        if ran and seconds > 0:
            parts.append(f"{ran / total * self.bytes / seconds / 1e9:.2f} GB/s")
            parts.append(f"{_time(seconds)} in all" if done >= total else f"{_time((total - done) / ran * seconds)} left")
        return f"[{'#' * filled}{'.' * (self.WIDTH - filled)}] {'  '.join(parts)}"


def _count(n: int) -> str:
    for power, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= power:
            return f"{n / power:.3g}{letter}"
    return str(n)


def _time(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _is_terminal(file: TextIO) -> bool:
    try:
        return file.isatty()
    except (AttributeError, ValueError):
        return False


def _is_notebook() -> bool:
    """Whether output goes to a notebook's cell, where a carriage return draws over the line."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")
