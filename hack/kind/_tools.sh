# Sourced after hack/_env.sh: where the kind cluster's address lies, and what its scripts need.
# shellcheck shell=bash

# shellcheck disable=SC2034,SC2154  # for the scripts that source this; $cache is set in hack/_env.sh
kind_kubeconfig=$cache/kind/kubeconfig

# need PROGRAM...: dies with all that are missing, before anything is made; hack/tools builds what Go can build.
need() {
  local program missing=()
  for program in "$@"; do command -v "$program" >/dev/null || missing+=("$program"); done
  if ((${#missing[@]})); then
    die "not on PATH: ${missing[*]}. Install them (or, where Go is: PATH=\$(hack/tools helm kind kubectl):\$PATH) and run it again."
  fi
}
