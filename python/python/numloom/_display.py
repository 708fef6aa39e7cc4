"""How compiled expressions look in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._numloom import Compiled

_ROW = "<tr><th style='text-align:left'>{}</th><td style='text-align:left'>{}</td></tr>"


def compiled(program: Compiled) -> str:
    """The text, its inputs and outputs, and the dtypes it was compiled for, as a table."""
    rows = [
        ("inputs", ", ".join(program.inputs) or "none"),
        ("outputs", ", ".join(name or "(unnamed)" for name in program.outputs)),
        ("threads", str(program.engine.threads)),
        *((f"for {inputs or 'no inputs'}", outputs) for inputs, outputs in program.variants),
    ]
    table = "".join(_ROW.format(html.escape(head), html.escape(text)) for head, text in rows)
    return f"<pre>{html.escape(program.expr)}</pre><table>{table}</table>"
