"""What is installed: its size, what importing it costs, and that its documents run."""

import doctest
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import numloom as nl

ROOT = Path(__file__).parents[1]


def test_all_is_the_interface():
    assert sorted(nl.__all__) == nl.__all__ and all(hasattr(nl, name) for name in nl.__all__)
    public = {name for name, value in vars(nl).items() if not name.startswith("_") and not hasattr(value, "__path__")}
    modules = {name for name in public if type(getattr(nl, name)).__name__ == "module"}
    assert public - modules == set(nl.__all__) - {"__version__"}


def test_everything_public_is_documented():
    for name in nl.__all__:
        assert name == "__version__" or getattr(nl, name).__doc__, name


def test_the_package_is_small():
    try:
        files = importlib.metadata.files("numloom") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed")
    installed = [file.locate() for file in files if "__pycache__" not in str(file)]
    assert 0 < sum(file.stat().st_size for file in installed if file.exists()) < 16 << 20


def test_importing_it_imports_nothing_that_is_not_needed():
    code = "import sys, numpy; before = set(sys.modules); import numloom; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "numloom" in loaded
    assert not loaded & {"pandas", "dask", "numexpr", "pyarrow", "xarray", "asyncio", "multiprocessing", "numba"}


@pytest.mark.parametrize("name", ["tutorial.md", "../docs/bigger-than-memory.md"])
def test_documents_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, run = doctest.testfile(str(ROOT / name), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert failed == 0 and run > 20
