# regent's runner: sent to a host at each connect and read by bash from its standard input, where requests follow. Its
# parts, in the order in which they are joined: start, known, script, supervisor, requests.
# Needs bash 5 and coreutils. Speaks the protocol of transport/runner_protocol.hpp; values are data and are never
# evaluated. One process a connection (main), which hands each run to a supervisor, one run at a time; supervisors are
# kept for the next run, and fork its process beforehand, for a fork costs more than all else here. That process sets the
# parameters and becomes the script, in a process group of its own.
#
# What a host remembers of run R is one file, STATE/REGION/runs/R (not a directory: that would cost a fork). Bash's
# noclobber (O_EXCL) is the arbiter that lets a run happen once; the rest is appended, so its order is one for all:
#   claim BOOT PID START EPOCH .   by the supervisor
#   go PID START .                 by the script's process, which starts the script only if this is line 2
#   fence 0 0 .                    by an asker that finds the supervisor dead: on line 2 it keeps the script from starting
#   end STATUS …, the output, a dot     the outcome; its lengths and the dot tell half of one from a whole
# Beside it R.cancel (somebody wants the run ended), R.end (the outcome's line, where the disk was full for a while) and
# R.progress (what the run itself says of how far it is: the newest word only, so it costs the runner nothing until asked).
# A process is named by pid and start time. A claim of another boot, or whose supervisor is gone, is lost.
# STATE/REGION/history has a line for each script that was started: TIME EPOCH RUN HASH VERB. Nothing reads it but people.

set -f
umask 077
trap '' HUP INT QUIT TERM PIPE
exec {_R_OUT}>&1 1>/dev/null

if ((BASH_VERSINFO[0] < 5)); then
  _R_why="bash $BASH_VERSION is too old: 5.0 is needed"
  printf '\nREGENT/1\nunfit bash_too_old %d\n%s' ${#_R_why} "$_R_why" >&"$_R_OUT"
  exit 1
fi

# A pipe without a fork or a fifo: small here-strings are pipes from bash 5.1 on. Sets _R_rd and _R_wr.
_r_pipe() {
  exec {_R_rd}<<<''
  if [[ -p /proc/self/fd/$_R_rd ]]; then
    exec {_R_wr}>"/proc/self/fd/$_R_rd"
    IFS= read -r -u "$_R_rd" _
  else
    exec {_R_rd}>&-
    exec {_R_wr}<> <(:)
    exec {_R_rd}<"/proc/self/fd/$_R_wr"
  fi
}

_r_pipe
_R_TOKEN=$_R_rd _R_TOKEN_IN=$_R_wr # holds one byte: who has it may write to _R_OUT
printf x >&"$_R_TOKEN_IN"
_r_pipe
_R_NEVER=$_R_rd # nothing is ever written to it: reading it with -t is a sleep
_R_NEVER_IN=$_R_wr

_R_BOOT='' _R_BASE='' _R_RUNS='' _R_EPOCH=0
read -r _R_BOOT </proc/sys/kernel/random/boot_id
_r_pipe
# Supervisors that have nothing to do write their number there, as NNN and a line end.
_R_IDLE=$_R_rd _R_IDLE_IN=$_R_wr
_R_WORKERS=() _R_WORKER_INS=() _R_WORKER_RUNS=() # by number: pid, where it reads its next run, the last one it got
declare -A _R_FOLLOWED=()                        # runs of other connections that are waited for, and by whom

# One frame, whole, whichever processes write at once. A process killed with the token stops everybody: the heartbeat sees it.
_r_say() {
  local said=0
  IFS= read -r -N 1 -u "$_R_TOKEN" _ || exit 1
  # shellcheck disable=SC2059
  printf "$@" >&"$_R_OUT" || said=1
  printf x >&"$_R_TOKEN_IN"
  return $said
}

# A run's id is part of file names. (Patterns, not regular expressions: glibc compiles those anew, at 0.3 ms each.)
_r_is_run() { [[ -n $1 && ${#1} -le 64 && $1 != *[!0-9a-z-]* ]]; }

_r_sleep() { IFS= read -r -t "$1" -N 1 -u "$_R_NEVER" _; }

# The start time of process $1 in _R_start; false when it is gone or a zombie. (Ours have no space in their names.)
_r_start() {
  local state
  read -r _ _ state _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _R_start _ <"/proc/$1/stat" && [[ $state != [ZX] ]]
}

_r_alive() { _r_start "$1" && [[ $_R_start == "$2" ]]; }

# Centiseconds since boot: a clock that nobody sets.
_r_now() {
  local up
  read -r up _ </proc/uptime
  _R_now=$((10#${up/./}))
}

_r_refuse() { _r_say 'report %s refused %s -1 0 0 0 0 0 %d\n%s' "$1" "$_R_BOOT" ${#2} "$2"; }

# Why a file cannot be created in directory $1, in _R_why.
_r_why_unwritable() {
  _R_why=$({ printf '%04096d' 0 >"$1/.probe.$BASHPID"; } 2>&1)
  rm -f -- "$1/.probe.$BASHPID"
  _R_why="cannot write below $1: ${_R_why##*: }"
}
