"""C by gcc, called through ctypes: the ceiling.

Three builds of the same loops: `gcc` rounds each operation, as every peer here promises or does; `gcc-fma` is plain `-O3 -march=native`, which joins
multiplications and additions and so computes something else; `gcc-stream` stores past the caches by hand. Elementary functions are the C library's.
"""

import ast
import ctypes
import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np

from adapters import LeftOut, Work
from program import c_expression, is_arithmetic

CACHE = Path(os.environ.get("PEERS_C", "/tmp/peers-c"))
TYPES = {"f8": "double", "f4": "float", "i1": "int8_t", "i2": "int16_t", "u1": "uint8_t"}

HEAD = """
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
typedef {type} T;
#if THREADS > 1
#define LOOP(clauses) _Pragma("omp parallel for simd schedule(static) num_threads(THREADS) if(n >= 32768)")
#else
#define LOOP(clauses) _Pragma("omp simd")
#endif
"""

# One block of a cache line or more at a time; the first and last elements, which fill no block, by ordinary stores.
STREAM = """
#ifdef __AVX512F__
#define WIDTH 64
#define STREAM(to, value) _mm512_stream_si512((void *)(to), (__m512i)(value))
#else
#define WIDTH 32
#define STREAM(to, value) _mm256_stream_si256((void *)(to), (__m256i)(value))
#endif
typedef T V __attribute__((vector_size(WIDTH), aligned(sizeof(T)), may_alias));
static T one({values}) {{ return {expression}; }}
static inline V block({vectors}) {{ return {expression}; }}
static void part(long i, long end, {parameters}) {{
  for (; i < end && (uintptr_t)(o0 + i) % WIDTH; i++) o0[i] = one({elements});
  for (; i + (long)(WIDTH / sizeof(T)) <= end; i += WIDTH / sizeof(T)) STREAM(o0 + i, block({blocks}));
  for (; i < end; i++) o0[i] = one({elements});
  _mm_sfence();
}}
void run(long n, {parameters}) {{
#if THREADS > 1
  #pragma omp parallel for schedule(static) num_threads(THREADS) if(n >= 32768)
#endif
  for (int t = 0; t < THREADS; t++) part(n / THREADS * t, t + 1 == THREADS ? n : n / THREADS * (t + 1), {arguments});
}}
"""

SUMS = """
void run(long n, {parameters}, double *result) {{
  double s = 0;
  {pragma} reduction(+ : s)
  for (long i = 0; i < n; i++) s += {term};
  result[0] = s;
}}
"""

MOMENTS = """
void run(long n, const T *restrict a, double *result) {{
  double s = 0, q = 0, lo = INFINITY, hi = -INFINITY;
  {pragma} reduction(+ : s, q) reduction(min : lo) reduction(max : hi)
  for (long i = 0; i < n; i++) {{
    double v = a[i], d = v - 1;
    s += d, q += d * d, lo = v < lo ? v : lo, hi = v > hi ? v : hi;
  }}
  double m = s / n;
  result[0] = m + 1, result[1] = sqrt(q / n - m * m), result[2] = lo, result[3] = hi;
}}
"""

# What belongs to a column or a row is computed once for it.
GRID = """
void run(long n, const T *restrict x, const T *restrict y, T *restrict o0) {{
  static T columns[1000];
  for (int j = 0; j < 1000; j++) columns[j] = sin(x[j] * x[j]);
#if THREADS > 1
  #pragma omp parallel for schedule(static) num_threads(THREADS)
#endif
  for (int i = 0; i < 1000; i++) {{
    T row = cos(y[i] * y[i]);
    for (int j = 0; j < 1000; j++) o0[i * 1000 + j] = columns[j] + row;
  }}
}}
"""


def source(work: Work, stream: bool) -> str:
    """The loop of a program in C."""
    program, kind = work.program, work.dtype.str[1:]
    suffix = "f" if kind == "f4" else ""
    outputs = [f"o{i}" for i in range(len(program.outputs))]
    inputs = ", ".join(f"const T *restrict {name}" for name in program.inputs)
    head = HEAD.format(type=TYPES[kind])
    pragma = "_Pragma(\"omp " + ("parallel for simd schedule(static) num_threads(THREADS) if(n >= 32768)" if work.threads > 1 else "simd")
    if work.reduces:
        if len(outputs) > 1:
            return head + _pragma(MOMENTS.format(pragma=pragma))
        term = c_expression(program.outputs[0].args[0])
        for name in program.inputs:
            term = term.replace(name, f"{name}[i]")
        return head + _pragma(SUMS.format(parameters=inputs, pragma=pragma, term=f"(double){term}" if kind == "f4" else term))
    if len(work.shape) == 2:
        return head + GRID.format()
    if stream:
        if program.temporaries or len(outputs) > 1 or not is_arithmetic(program.outputs[0]):
            raise LeftOut("is written for arithmetic only")
        return head + STREAM.format(
            expression=c_expression(program.outputs[0], suffix),
            values=", ".join(f"T {name}" for name in program.inputs),
            vectors=", ".join(f"V {name}" for name in program.inputs),
            parameters=inputs + ", T *restrict o0",
            elements=", ".join(f"{name}[i]" for name in program.inputs),
            blocks=", ".join(f"*(const V *)({name} + i)" for name in program.inputs),
            arguments=", ".join(program.inputs) + ", o0",
        )
    body = "".join(f"    const T {name}_ = {name}[i];\n" for name in program.inputs)
    renames = "".join(f"#define {name} {name}_\n" for name in program.inputs)
    undo = "".join(f"#undef {name}\n" for name in program.inputs)
    lines = "".join(f"    const T {name} = {c_expression(value, suffix)};\n" for name, value in program.temporaries)
    lines += "".join(f"    {name}[i] = {c_expression(value, suffix)};\n" for name, value in zip(outputs, program.outputs, strict=True))
    places = ", ".join(f"T *restrict {name}" for name in outputs)
    return head + f"void run(long n, {inputs}, {places}) {{\n  LOOP()\n  for (long i = 0; i < n; i++) {{\n{body}{renames}{lines}{undo}  }}\n}}\n"


def _pragma(text: str) -> str:
    """Closes the pragmas that a template opened."""
    return "\n".join(line + '")' if "_Pragma(" in line else line for line in text.split("\n"))


def build(text: str, flags: tuple[str, ...], threads: int):
    """Compiles once for each text; the library's `run`."""
    openmp = "-fopenmp" if threads > 1 else "-fopenmp-simd"
    command = ["gcc", "-O3", "-march=native", "-fno-math-errno", "-shared", "-fPIC", openmp, f"-DTHREADS={threads}", *flags]
    key = hashlib.sha256("\0".join([text, *command]).encode()).hexdigest()[:16]
    library = CACHE / f"{key}.so"
    if not library.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / f"{key}.c").write_text(text)
        compiled = subprocess.run([*command, str(CACHE / f"{key}.c"), "-o", f"{library}.new", "-lm"], capture_output=True, text=True)
        if compiled.returncode:
            raise RuntimeError(next((line for line in compiled.stderr.splitlines() if "error" in line), compiled.stderr))
        os.replace(f"{library}.new", library)
    return ctypes.CDLL(str(library)).run


def is_short(work: Work) -> bool:
    """Whether joining multiplications and additions would save next to nothing."""
    return work.reduces or sum(isinstance(node, ast.Mult) for tree in work.program.trees for node in ast.walk(tree)) < 4


class Build:
    """gcc with some flags."""

    def __init__(self, name: str, label: str, flags: tuple[str, ...], stream: bool = False, joins: bool = False):
        self.name, self.label, self.flags, self.stream, self.joins = name, label, flags, stream, joins

    def version(self) -> str:
        return subprocess.run(["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()

    def prepare(self, work: Work, fresh: bool):
        if self.joins and is_short(work):
            raise LeftOut("is for long expressions")
        if self.stream and (work.reduces or len(work.shape) != 1):
            raise LeftOut("has no array to store")
        run = build(source(work, self.stream), self.flags, work.threads)
        arrays = work.arrays
        n = ctypes.c_long(work.elements)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        if work.reduces:
            out = np.empty(len(work.program.outputs))
            place = ctypes.c_void_p(out.ctypes.data)

            def reduce():
                run(n, *pointers, place)
                return out

            return reduce
        if fresh:
            shape, dtype, count = work.shape, work.dtype, len(work.program.outputs)

            def anew():
                out = [np.empty(shape, dtype) for _ in range(count)]
                run(n, *pointers, *(ctypes.c_void_p(array.ctypes.data) for array in out))
                return out

            return anew
        out = work.outputs()
        places = [ctypes.c_void_p(array.ctypes.data) for array in out]

        def again():
            run(n, *pointers, *places)
            return out

        return again


try:
    subprocess.run(["gcc", "--version"], check=True, capture_output=True)
except (OSError, subprocess.CalledProcessError) as error:
    raise LeftOut(f"no gcc: {error}") from error

PEERS = [
    Build("gcc", "gcc", ("-ffp-contract=off",)),
    Build("gcc-fma", "gcc, FMA", (), joins=True),
    Build("gcc-stream", "gcc, streaming", ("-ffp-contract=off",), stream=True),
]
