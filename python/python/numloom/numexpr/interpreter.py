"""What programs ask NumExpr's compiled half for; there is none here."""

from .opcodes import FUNCCODES, OPCODES
from .utils import MAX_THREADS, use_vml

__BLOCK_SIZE1__ = 1024
allaxes = 255
opcodes = {name.encode(): i for i, name in enumerate(sorted(OPCODES))}
funccodes = {name.encode(): i for i, name in enumerate(sorted(FUNCCODES))}

__all__ = ["MAX_THREADS", "__BLOCK_SIZE1__", "allaxes", "funccodes", "opcodes", "use_vml"]
