"""NumExpr's own tests, from its wheel and unchanged, run against what stands in for it."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SHIM = Path(__file__).parents[1] / "shim" / "src"

# What looks at the code of NumExpr's virtual machine, of which there is none here.
DISASSEMBLY = [
    "test_numexpr::test_reductions",
    "test_numexpr::test_r0_reuse",
    "test_numexpr2::test_reductions",
    "test_numexpr2::test_r0_reuse",
    "test_evaluate::test_disassemble",
]


def test_numexprs_own_tests_pass(tmp_path):
    installed = Path(importlib.util.find_spec("numexpr").origin).parent / "tests" / "test_numexpr.py"
    shutil.copy(installed, tmp_path)
    environment = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name and "NUMEXPR" not in name}
    environment["PYTHONPATH"] = str(SHIM)

    def python(*args):
        return subprocess.run([sys.executable, *args], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)

    where = python("-c", "import numexpr; print(numexpr.__file__)")
    assert Path(where.stdout.strip()).parts[-3:] == ("numloom", "numexpr", "__init__.py"), where
    skipped = (f"--deselect=test_numexpr.py::{name}" for name in DISASSEMBLY)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "test_numexpr.py", *skipped)
    print(done.stdout)
    passed = re.search(r"^(\d+) passed, 5 deselected in", done.stdout, re.M)
    assert passed and int(passed[1]) == 6037, done.stdout[-3000:]
