#!/usr/bin/env bash
# numloom beside its peers, all through Python: `benches/peers/run.sh [--quick] [--cases …] [--sizes …] [--threads …]`. See README.md.
# Peers come from PyPI into environments of their own; what cannot be installed or built is said and left out.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv=$target/peers-venv
vml=$target/peers-vml-venv
pip() { local python=$1/bin/python; shift; "$python" -m pip --quiet --disable-pip-version-check "$@"; }
left_out() { printf '\n!!! LEFT OUT %s\n\n' "$1"; }

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
grep -v '^#' benches/peers/requirements.txt | while read -r peer; do
  pip "$venv" install "$peer" || left_out "$peer: pip could not install it"
done
CARGO_TARGET_DIR=$target pip "$venv" install --force-reinstall --no-deps ./python

# NumExpr from its sources, against the MKL of PyPI.
build_vml() {
  local numexpr numpy work
  numexpr=$(grep '^numexpr==' benches/peers/requirements.txt)
  numpy=$(grep '^numpy==' benches/peers/requirements.txt)
  work=$(mktemp -d)
  python3 -m venv "$vml" || return
  pip "$vml" install "$numpy" 'setuptools>=77' wheel mkl==2026.2.0 mkl-devel==2026.2.0 || return
  [ -e "$vml/lib/libmkl_rt.so" ] || ln -s "$(basename "$vml"/lib/libmkl_rt.so.*)" "$vml/lib/libmkl_rt.so" || return
  pip "$vml" download --no-deps --no-binary :all: --no-build-isolation -d "$work" "$numexpr" || return
  tar -xzf "$work"/numexpr-*.tar.gz -C "$work" --strip-components=1 || return
  printf '[mkl]\ninclude_dirs = %s\nlibrary_dirs = %s\nlibraries = mkl_rt\n' "$vml/include" "$vml/lib" >"$work/site.cfg"
  LDFLAGS=-Wl,-rpath,$vml/lib pip "$vml" install --no-build-isolation --no-deps "$work" || return
  rm -r "$work"
}
with_vml() { "$vml/bin/python" -c 'import numexpr, sys; sys.exit(not numexpr.use_vml)' 2>/dev/null; }
if [ "$(uname -m)" != x86_64 ]; then
  left_out "NumExpr + MKL: MKL is for x86-64"
elif with_vml || { build_vml && with_vml; }; then
  PEERS_VML=$("$vml/bin/python" -c 'import os, numexpr; print(os.path.dirname(os.path.dirname(numexpr.__file__)))')
  export PEERS_VML
else
  left_out "NumExpr + MKL: it could not be built"
fi

export PYTHONDONTWRITEBYTECODE=1 PEERS_C=$target/peers-c
exec "$venv/bin/python" benches/peers/run.py "$@"
