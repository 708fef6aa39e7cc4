"""Milliseconds of an import and of a first expression in a process that has done nothing else but import NumPy: `cold.py PEER`."""

import sys
import time
from importlib import import_module

import numpy as np

a, b = np.arange(10.0), np.ones(10)
begin = time.perf_counter()
peer = import_module(f"adapters.{sys.argv[1]}_")
imported = time.perf_counter()
peer.first_call(0, a, b)
print((imported - begin) * 1e3, (time.perf_counter() - imported) * 1e3)
