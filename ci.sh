#!/usr/bin/env bash
# Every check of the project, for people and for CI.
#
#   ./ci.sh            all steps
#   ./ci.sh quick      fmt lint test doc
#   ./ci.sh STEP…      those steps
set -euo pipefail
cd "$(dirname "$0")"

all=(fmt lint test release features doc neon numpy conformance python bench fuzz miri supply)
quick=(fmt lint test doc)

skipped=()
skip() {
  printf '\n!!! SKIPPED %s: %s\n' "$1" "$2"
  skipped+=("$1")
}
trap 'printf "skipped: %s\n" "${skipped[*]:-none}"' EXIT

step_fmt() { cargo fmt --all -- --check; }

step_lint() { cargo clippy --workspace --all-targets --all-features -- -D warnings; }

# Doctests, corpus, diagnostics, properties and fuzz replay included.
step_test() { cargo test --workspace; }

# The same with the code paths of a release; shares its build with `numpy` and `bench`.
step_release() { cargo test --workspace --release; }

# Features change speed and reach, never results.
step_features() {
  for features in "" jit ndarray arrow ndarray,arrow jit,ndarray,arrow; do
    cargo test -p numloom --no-default-features --features "$features"
  done
}

step_doc() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items; }

# The elementary functions on NEON, emulated: the bits that are written down.
step_neon() {
  local target=aarch64-unknown-linux-gnu
  qemu-aarch64 --version >/dev/null 2>&1 || { skip neon "qemu-user is not installed"; return 0; }
  aarch64-linux-gnu-gcc --version >/dev/null 2>&1 || { skip neon "gcc-aarch64-linux-gnu is not installed"; return 0; }
  [ -d "$(rustc --print target-libdir --target "$target")" ] || { skip neon "rustup target add $target"; return 0; }
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" TARGET_CPU=armv8-a \
    cargo test -p numloom-math --target "$target" --test same_bits --test specials --test accuracy --test division --test integers
}

# Sets `numpy` to a Python with NumPy in an environment of its own; false, and step `$1` skipped, where there is no Python.
with_numpy() {
  if ! python3 -c 'import venv' 2>/dev/null; then
    [ -z "${CI:-}" ] || { echo "CI needs python3 with venv"; exit 1; }
    skip "$1" "no python3 with venv"
    return 1
  fi
  target=${CARGO_TARGET_DIR:-target}
  numpy=$target/numpy-venv/bin/python
  [ -x "$numpy" ] || python3 -m venv "$target/numpy-venv"
  "$numpy" -m pip install --quiet --disable-pip-version-check -r tests/numpy/requirements.txt
}

# The corpus' expected values against NumPy, elementary functions against its validation sets, then the command-line tool against NumPy, on the same files, bit for bit.
step_numpy() {
  with_numpy numpy || return 0
  cargo build --release -p numloom-cli
  cargo build --release -p numloom-math --example evaluate
  "$numpy" tests/numpy/corpus.py
  "$numpy" tests/numpy/umath.py "$target/release/examples/evaluate"
  NUMLOOM_BIN="$target/release/numloom" "$numpy" tests/numpy/oracle.py
}

# Random programs against NumPy: docs/conformance.md.
step_conformance() {
  with_numpy conformance || return 0
  cargo build --release -p numloom-tests --example conformance
  NUMLOOM_CONFORMANCE="$target/release/examples/conformance" "$numpy" tests/conformance.py
}

# The Python package as `pip install ./python` makes it, in an environment of its own.
step_python() {
  if ! python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    [ -z "${CI:-}" ] || { echo "CI needs python3, 3.10 or newer, with venv"; exit 1; }
    skip python "no python3 of 3.10 or newer with venv"
    return 0
  fi
  local target=${CARGO_TARGET_DIR:-$PWD/target}
  local python=$target/python-venv/bin/python
  [ -x "$python" ] || python3 -m venv "$target/python-venv"
  "$python" -m pip install --quiet --disable-pip-version-check -r python/tests/requirements.txt
  CARGO_TARGET_DIR=$target "$python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./python
  # From a directory where only what was installed can be imported.
  (cd python/tests && "$python" -m pytest -q -p no:cacheprovider -c ../pyproject.toml --rootdir .. --doctest-modules . --pyargs numloom)
  (cd python/tests && "$python" -m mypy.stubtest numloom._numloom)
  # The peers' bench with those who are here, for its checks, and README's figures.
  PYTHONDONTWRITEBYTECODE=1 "$python" benches/peers/run.py --quick --peers numloom numpy numexpr --sizes 1e3 1e5 --output - >/dev/null
  PYTHONDONTWRITEBYTECODE=1 "$python" benches/peers/readme.py --check
}

# Each bench once, for its assertion.
step_bench() { cargo bench -p numloom-benches -- --test; }

# A minute for each target, where cargo-fuzz is installed; `test` replays known inputs everywhere.
step_fuzz() {
  cargo fuzz --version >/dev/null 2>&1 || { skip fuzz "cargo-fuzz is not installed"; return 0; }
  for target in $(cargo fuzz list); do
    cargo fuzz run -s none "$target" -- -max_total_time=60 -timeout=10
  done
}

step_miri() {
  cargo miri --version >/dev/null 2>&1 || { skip miri "not available on this toolchain"; return 0; }
  cargo miri test -p numloom-syntax -p numloom-data -p numloom-ir --lib
}

step_supply() {
  cargo deny --version >/dev/null 2>&1 || { skip supply "cargo-deny is not installed"; return 0; }
  cargo deny --offline check bans licenses sources
}

steps=("$@")
case "${1:-all}" in
  all) steps=("${all[@]}") ;;
  quick) steps=("${quick[@]}") ;;
esac

before=$(git status --porcelain 2>/dev/null || true)
for step in "${steps[@]}"; do
  declare -F "step_$step" >/dev/null || { echo "no step '$step'; steps are: ${all[*]}"; exit 2; }
  printf '\n=== %s\n' "$step"
  SECONDS=0
  "step_$step"
  printf '=== %s: %d s\n' "$step" "$SECONDS"
done

# Goldens, generated documents and the lockfile are committed: a run changes no file.
after=$(git status --porcelain 2>/dev/null || true)
if [ "$before" != "$after" ]; then
  printf 'the run changed files:\n%s\n' "$after"
  exit 1
fi
