# Sourced by up and down: programs in the background, each with a file of its process id, and a log.
# shellcheck shell=bash disable=SC2154 # the variables are those of _env.sh

pid_file() { echo "$state/pids/$1"; }

# running NAME [PATH-OF-PROGRAM]: whether the recorded process lives. The id alone proves nothing: after a reboot another
# program may have it.
running() {
  local pid
  pid=$(cat "$(pid_file "$1")" 2>/dev/null) || return 1
  # shellcheck disable=SC2053 # the default is a pattern
  [[ $(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | head -1) == ${2:-*/$1} ]]
}

# start NAME PATH-OF-PROGRAM ARGUMENTS...
start() {
  local name=$1; shift
  if running "$name"; then return; fi
  mkdir -p "$state/pids" "$logs"
  setsid nohup "$@" >"$logs/$name.log" 2>&1 </dev/null &
  echo $! >"$(pid_file "$name")"
}

# stop NAME...: asks all of them, waits ten seconds for each, kills what is left.
stop() {
  local name pid pids=()
  for name in "$@"; do
    if running "$name"; then pids+=("$(cat "$(pid_file "$name")")"); fi
    rm -f "$(pid_file "$name")"
  done
  ((${#pids[@]})) || return 0
  kill "${pids[@]}"
  for pid in "${pids[@]}"; do
    timeout 10 tail --pid="$pid" --sleep-interval=0.1 -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
  done
}
