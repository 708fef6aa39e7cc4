#!/usr/bin/env bash
# Elementary functions beside Intel's MKL and SVML and glibc's libmvec, on AVX-512 and on AVX2: `benches/math_peers/run.sh [NAME…]`, all functions without a name.
# Intel's libraries come from PyPI, into an environment of its own; what cannot be installed is said and left out.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=${CARGO_TARGET_DIR:-target}/math-peers-venv
if [ "$(uname -m)" != x86_64 ]; then
  echo "!!! SKIPPED: these libraries are for x86-64"
  exit 0
fi
if [ ! -e "$venv/lib/libmkl_core.so.3" ] || [ ! -e "$venv/lib/libsvml.so" ]; then
  { [ -d "$venv" ] || python3 -m venv "$venv"; } &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check mkl==2026.2.0 intel-cmplr-lib-rt==2026.2.0 ||
    echo "!!! LEFT OUT MKL and SVML: pip could not install them"
fi

export LD_LIBRARY_PATH=$(realpath -m "$venv/lib")
cargo bench -p numloom-benches --bench math_peers -- "$@"
