# Sourced by the scripts beside it: finds Python >= 3.11 and uv, and makes the project's environment outside the checkout.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twinpin
export PYTHONSAFEPATH=1 # a folder of ours never shadows an installed package
# A start that compiles every module anew takes three times as long; compiled ones stay out of the checkout.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$cache/bytecode

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  die "Twinpin needs Python 3.11, 3.12 or 3.13; found $(python3 --version 2>/dev/null || echo none). Install one (Debian: apt-get install python3 python3-venv)."
}

# uv: the one on PATH, else one of our own from the package index, in a private environment.
find_uv() {
  if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then command -v uv; return; fi
  if [[ ! -x $cache/uv/bin/uv ]]; then
    say "uv is not on PATH: installing it into $cache/uv"
    "$python" -m venv "$cache/uv" >&2 || die "$python cannot make environments. Debian: apt-get install python3-venv."
    "$cache/uv/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' >&2 ||
      { rm -rf "$cache/uv"; die "uv could not be installed: is the package index reachable? (proxies: HTTPS_PROXY, PIP_INDEX_URL)"; }
  fi
  echo "$cache/uv/bin/uv"
}

# sync NAME ARGS...: makes the environment NAME as uv.lock says and puts it first on PATH.
sync() {
  local name=$1; shift
  python=$(find_python)
  uv=$(find_uv)
  UV_PROJECT_ENVIRONMENT=$cache/env/$name-$(printf '%s' "$root" | cksum | cut -d' ' -f1)
  export UV_PROJECT_ENVIRONMENT UV_PYTHON_DOWNLOADS=never UV_PYTHON="$python"
  [[ -d $UV_PROJECT_ENVIRONMENT ]] || say "making $UV_PROJECT_ENVIRONMENT, 1 GB with all its packages"
  (cd "$root" && "$uv" sync --frozen --quiet --no-default-groups "$@") ||
    die "the environment could not be made: is the package index reachable? (proxies: HTTPS_PROXY, UV_DEFAULT_INDEX)"
  PATH=$UV_PROJECT_ENVIRONMENT/bin:$PATH:$(dirname "$uv") # the tests of the wheel call uv too
}
