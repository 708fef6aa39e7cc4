"""NumExpr built against MKL's vector mathematics, in its high-accuracy mode: more copies of the module in the same process.

`run.sh` builds it into a directory of its own and names that in PEERS_VML. The C parts of a copy are another file with state and threads of their own,
so all take turns in one process.

Of itself MKL takes its slowest kernels on a processor that is not Intel's. There, one more copy calls those that it has for the instruction set
(`mkl_kernels.c`): what this NumExpr would be on a processor of Intel's that were this one.
"""

import ctypes
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from adapters import LeftOut, numexpr_

CACHE = Path(os.environ.get("PEERS_C", "/tmp/peers-c"))


def copy_of_numexpr(directory: Path, own: int = 0):
    """`numexpr` as it lies in `directory`, without disturbing the one that is imported already; with RTLD_DEEPBIND, on MKL's own names."""
    def mine():
        return {key: module for key, module in sys.modules.items() if key.split(".")[0] == "numexpr"}

    first = mine()
    for key in first:
        del sys.modules[key]
    sys.path.insert(0, str(directory))
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | own)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module("numexpr")
    finally:
        sys.setdlopenflags(flags)
        sys.path.remove(str(directory))
        for key in mine():
            del sys.modules[key]
        sys.modules.update(first)
    if not module.use_vml or not module.__file__.startswith(str(directory)):
        raise LeftOut(f"{module.__file__} was built without MKL")
    module.set_vml_accuracy_mode("high")
    module.set_vml_num_threads(1)  # of each of NumExpr's own threads
    return module


class Vml:
    """One copy."""

    def __init__(self, name: str, label: str, ne, note: str = ""):
        self.name, self.label, self.ne, self.note = name, label, ne, note

    def version(self):
        return numexpr_.version(self.ne) + self.note

    def prepare(self, work, fresh):
        return numexpr_.prepare(work, fresh, self.ne)

    def compiled_call(self, a, b, out):
        return numexpr_.compiled_call(a, b, out, self.ne)

    def text_call(self, a, b, out):
        return numexpr_.text_call(a, b, out, self.ne)

    def first_call(self, i, a, b):
        return numexpr_.first_call(i, a, b, self.ne)


def kernels(site: Path) -> str | None:
    """Puts MKL's kernels for this processor before its own names, where MKL would not take them itself; their instruction set."""
    processor = Path("/proc/cpuinfo").read_text()
    wide = "avx512dq" in processor
    if "GenuineIntel" in processor or not wide and "avx2" not in processor:
        return None
    name, isa = ("avx512", "Z0") if wide else ("avx2", "L9")
    library = CACHE / f"mkl-{name}.so"
    defines = [f'-DKERNELS="{next(site.parents[2].glob(f"lib/libmkl_vml_{name}.so.*"))}"', f'-DISA="{isa}"']
    source = Path(__file__).parent.parent / "mkl_kernels.c"
    CACHE.mkdir(parents=True, exist_ok=True)
    if not library.exists():  # another run may have it open
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", *defines, str(source), "-o", f"{library}.new", "-ldl"], check=True)
        os.replace(f"{library}.new", library)
    ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    return name


if not os.environ.get("PEERS_VML"):
    raise LeftOut("PEERS_VML names no NumExpr that is built with MKL")
_site = Path(os.environ["PEERS_VML"])
_isa = kernels(_site)
PEERS = [Vml("numexpr-vml", "NumExpr + MKL", copy_of_numexpr(_site, os.RTLD_DEEPBIND))]
if _isa:
    _copy = CACHE / "numexpr-kernels"
    if not _copy.exists():
        shutil.copytree(_site / "numexpr", _copy / "numexpr")
    PEERS.append(Vml("numexpr-vml-kernels", f"NumExpr + MKL, {_isa}", copy_of_numexpr(_copy), f", its {_isa} kernels"))
