# regent's runner: sent to a host at each connect and read by bash from its standard input, where requests follow.
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
# Beside it R.cancel (somebody wants the run ended) and R.end (the outcome's line, where the disk was full for a while).
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

_r_refuse() { _r_say 'report %s refused -1 0 0 0 0 0 %d\n%s' "$1" ${#2} "$2"; }

# Why a file cannot be created in directory $1, in _R_why.
_r_why_unwritable() {
  _R_why=$({ printf '%04096d' 0 >"$1/.probe.$BASHPID"; } 2>&1)
  rm -f -- "$1/.probe.$BASHPID"
  _R_why="cannot write below $1: ${_R_why##*: }"
}

# ---- what is known of a run ----------------------------------------------------------------------------------------

# Reads the claim of run $1 into _R_claim (boot pid start epoch) and line 2 into _R_second; false without a whole claim.
_r_claim() {
  local file line=''
  _R_claim=() _R_second=()
  exec {file}<"$_R_RUNS/$1" || return 1
  read -r -u "$file" line
  read -r -u "$file" -a _R_second
  exec {file}<&-
  # shellcheck disable=SC2206
  _R_claim=(${line#claim })
  [[ $line == 'claim '*' .' ]]
}

# Reads an outcome from descriptor $1 into _R_head, _R_stdout, _R_stderr; false unless it is whole.
_r_read_outcome() {
  local lengths trailer=''
  _R_head='' _R_stdout='' _R_stderr=''
  read -r -u "$1" _R_head
  # shellcheck disable=SC2206
  lengths=($_R_head)
  [[ ${#lengths[@]} == 9 && ${lengths[0]} == end ]] || return 1
  _R_head=${_R_head#end }
  ((lengths[7] == 0)) || IFS= read -r -N "${lengths[7]}" -u "$1" _R_stdout
  ((lengths[8] == 0)) || IFS= read -r -N "${lengths[8]}" -u "$1" _R_stderr
  IFS= read -r -N 1 -u "$1" trailer
  [[ $trailer == . ]]
}

_r_outcome() {
  local file whole
  exec {file}<"$_R_RUNS/$1" || return 1
  read -r -u "$file" _
  read -r -u "$file" _
  _r_read_outcome "$file"
  whole=$?
  exec {file}<&-
  if ((whole != 0)) && [[ -s $_R_RUNS/$1.end ]] && exec {file}<"$_R_RUNS/$1.end"; then
    _r_read_outcome "$file"
    whole=$?
    exec {file}<&-
  fi
  return $whole
}

# Writes the outcome _R_head, _R_stdout, _R_stderr of run $1: behind its other lines, or, once that has failed ($2 not
# 0), into a file of its own.
_r_record() {
  if (($2 == 0)); then
    printf 'end %s\n%s%s.' "$_R_head" "$_R_stdout" "$_R_stderr" >>"$_R_RUNS/$1"
  else
    printf 'end %s\n%s%s.' "$_R_head" "$_R_stdout" "$_R_stderr" >"$_R_RUNS/$1.end"
  fi
}

_r_tell() { _r_say 'report %s %s\n%s%s' "$1" "$_R_head" "$_R_stdout" "$_R_stderr"; }

# Whether a supervisor of this connection has run $1: it will tell the outcome.
_r_is_mine() {
  local run
  for run in "${_R_WORKER_RUNS[@]}"; do
    [[ $run != "$1" ]] || return 0
  done
  return 1
}

# Tells what is known of run $1. What needs patience is done by a child, so that main never waits.
_r_answer() {
  if _r_outcome "$1"; then
    _r_tell "$1"
  elif [[ ! -e $_R_RUNS/$1 ]]; then
    _r_say 'report %s never_seen -1 0 0 0 0 0 0\n' "$1"
  elif _r_claim "$1" && [[ ${_R_claim[0]} == "$_R_BOOT" ]] && _r_alive "${_R_claim[1]}" "${_R_claim[2]}"; then
    _r_say 'report %s running -1 0 0 0 0 0 0\n' "$1"
    _r_is_mine "$1" || [[ -n ${_R_FOLLOWED[$1]:-} ]] || _r_follow "$1"
  else
    (_r_settle "$1" && _r_tell "$1") &
  fi
}

# Attaches to a run that another runner started: its supervisor cannot reach this connection.
_r_follow() {
  (
    until _r_outcome "$1"; do
      _r_alive "${_R_claim[1]}" "${_R_claim[2]}" || { _r_settle "$1" || exit 0; }
      [[ -e /proc/$$ && -e $_R_RUNS/$1 ]] || exit 0
      _r_sleep 0.05
    done
    _r_tell "$1"
  ) &
  _R_FOLLOWED[$1]=$!
}

# Run $1 has no live supervisor: whatever is left of it is killed, and it is lost. False when nothing is to be told.
_r_settle() {
  local tries
  for ((tries = 0; tries < 20; tries++)); do
    _r_outcome "$1" && return 0
    [[ -e $_R_RUNS/$1 ]] || return 1
    # A supervisor that is between creating its claim and writing it gets a second.
    _r_claim "$1" && break
    _r_sleep 0.05
  done
  if ((tries < 20)) && [[ ${_R_claim[0]} == "$_R_BOOT" ]]; then
    _r_alive "${_R_claim[1]}" "${_R_claim[2]}" && return 1
    # It may have ended well between the two looks.
    _r_outcome "$1" && return 0
  fi
  if [[ ${_R_claim[0]:-$_R_BOOT} == "$_R_BOOT" ]]; then
    printf 'fence 0 0 .\n' >>"$_R_RUNS/$1"
    _r_claim "$1"
    [[ ${_R_second[0]:-} != go ]] || _r_kill_orphans "$1" "${_R_second[1]}" "${_R_second[2]}"
  fi
  _R_head='lost -1 0 0 0 0 0 0' _R_stdout='' _R_stderr=''
  _r_record "$1" 1
  return 0
}

# $2 and $3: the pid and start time of the script's process.
_r_kill_orphans() {
  local pid=$2 line entry fields
  if _r_alive "$pid" "$3"; then
    kill -KILL -- "-$pid"
    return 0
  fi
  # The leader is gone, so its number may be somebody else's by now: only what carries the run's name is ours.
  set +f
  for entry in /proc/[0-9]*; do
    read -r line <"$entry/stat" || continue
    # shellcheck disable=SC2206
    fields=(${line##*) })
    [[ ${fields[2]} == "$pid" ]] || continue
    IFS= read -r -d '' -N 262144 line <"$entry/environ"
    [[ $line == *"REGENT_RUN=$1" || $line == *"REGENT_RUN=$1"[!0-9a-z-]* ]] && kill -KILL "${entry##*/}"
  done
  set -f
}

# ---- one run -------------------------------------------------------------------------------------------------------

# A run's header: run ID EPOCH HASH VERB DEADLINE CAP GRACE NAME=LENGTH… NAME[]=COUNT:LENGTH,… whose values are in _R_IN.
_r_parse() {
  local _R_word _R_lengths _R_length
  _R_ID=$2 _R_RUN_EPOCH=$3 _R_HASH=$4 _R_VERB=$5
  _R_NAMES=() _R_COUNTS=() _R_VALUES=()
  for _R_word in "${@:9}"; do
    _R_lengths=${_R_word#*=}
    if [[ $_R_word == *'[]='* ]]; then
      _R_NAMES+=("${_R_word%%'[]='*}")
      _R_COUNTS+=("${_R_lengths%%:*}")
      _R_lengths=${_R_lengths#*:}
    else
      _R_NAMES+=("${_R_word%%=*}")
      _R_COUNTS+=(-)
    fi
    for _R_length in ${_R_lengths//,/ }; do
      _R_word=''
      ((_R_length == 0)) || IFS= read -r -N "$_R_length" -u "$_R_IN" _R_word || exit 1
      _R_VALUES+=("$_R_word")
    done
  done
}

# The script's own process: waits for a run's header on _R_rd_go, and reads its values from _R_IN. Bash's scope is
# dynamic: no local on the way down to here may have a name that a parameter can have, so all begin with _R_.
_r_script() {
  local _R_i=0 _R_n _R_k _R_size _R_header
  trap - HUP INT QUIT TERM PIPE
  exec {_R_OUT}>&- {_R_TOKEN}>&- {_R_TOKEN_IN}>&- {_R_NEVER}>&- {_R_NEVER_IN}>&- {_R_rd_out}>&- {_R_rd_err}>&- \
    {_R_IDLE}>&- {_R_IDLE_IN}>&- {_R_wr_go}>&-
  _r_start "$BASHPID"
  IFS= read -r -N 8 -u "$_R_rd_go" _R_size && IFS= read -r -N "$((10#${_R_size%?}))" -u "$_R_rd_go" _R_header || exit 0
  # shellcheck disable=SC2086
  _r_parse $_R_header
  exec {_R_rd_go}>&- {_R_IN}>&-
  _R_FILE=$_R_RUNS/$_R_ID
  printf 'go %d %s .\n' "$BASHPID" "$_R_start" >>"$_R_FILE" || exit 125
  _r_claim "$_R_ID" && [[ ${_R_second[*]} == "go $BASHPID $_R_start ." ]] || exit 125
  set +fm
  umask 022
  cd / || exit 125
  for ((_R_n = 0; _R_n < ${#_R_NAMES[@]}; _R_n++)); do
    if [[ ${_R_COUNTS[_R_n]} == - ]]; then
      printf -v "${_R_NAMES[_R_n]}" %s "${_R_VALUES[_R_i++]}"
    else
      declare -ga "${_R_NAMES[_R_n]}=()"
      for ((_R_k = 0; _R_k < _R_COUNTS[_R_n]; _R_k++)); do printf -v "${_R_NAMES[_R_n]}[$_R_k]" %s "${_R_VALUES[_R_i++]}"; done
    fi
  done
  unset OLDPWD
  export -n SHLVL PWD
  export REGENT_RUN=$_R_ID REGENT_STATE_DIR=$_R_BASE
  TZ=UTC0 printf '%(%FT%TZ)T %s %s %s %s\n' -1 "$_R_RUN_EPOCH" "$_R_ID" "$_R_HASH" "$_R_VERB" 2>/dev/null >>"$_R_BASE/history"
  unset _R_NAMES _R_COUNTS _R_VALUES _R_i _R_n _R_k _R_size _R_header
  # shellcheck disable=SC1090
  . "$_R_BASE/scripts/$_R_HASH" || exit
  if ! declare -F -- "$_R_VERB" >/dev/null; then
    printf 'the script has no verb %s\n' "$_R_VERB" >&2
    exit 65
  fi
  "$_R_VERB"
}

# Forks the process of the next run. Sets _R_child, and _R_rd_out, _R_rd_err, _R_wr_go to speak with it.
_r_prepare() {
  local _R_wr_out _R_wr_err _R_rd_go
  _r_pipe
  _R_rd_out=$_R_rd _R_wr_out=$_R_wr
  _r_pipe
  _R_rd_err=$_R_rd _R_wr_err=$_R_wr
  _r_pipe
  _R_rd_go=$_R_rd _R_wr_go=$_R_wr
  set -m
  _r_script >&"$_R_wr_out" 2>&"$_R_wr_err" {_R_wr_out}>&- {_R_wr_err}>&- &
  # shellcheck disable=SC2128
  _R_child=$!
  set +m
  exec {_R_wr_out}>&- {_R_wr_err}>&- {_R_rd_go}>&-
}

# The run of _R_header is not to be: its values are read over, and why it is refused is said.
_r_reject() {
  [[ $_R_size == *' 0000000'* ]] || IFS= read -r -N "$((10#${_R_size:8:7}))" -u "$_R_IN" _ || exit 1
  if (($# == 0)); then _r_answer "$_R_ID"; else _r_refuse "$_R_ID" "$1"; fi
}

# Claims the run of _R_header, lets it start, keeps its output, its deadline and its outcome. $1 and more: see _r_parse.
_r_supervise() {
  local _R_made=0 _R_highest=0 _R_began=${EPOCHREALTIME/./}
  _R_ID=$2 _R_RUN_EPOCH=$3 _R_DEADLINE=$6 _R_CAP=$7 _R_GRACE=$(($8 / 10))
  _R_FILE=$_R_RUNS/$_R_ID
  if [[ ${#4} != 64 || $4 == *[!0-9a-f]* || $5 == *[!a-z0-9_]* ]]; then
    _r_reject 'malformed script hash or verb'
    return
  elif [[ ! -e $_R_BASE/scripts/$4 ]]; then
    _r_reject "script $4 is not on this host"
    return
  fi
  set -C
  {
    _R_made=1
    printf 'claim %s %d %s %s .\n' "$_R_BOOT" "$BASHPID" "$_R_MY_START" "$_R_RUN_EPOCH" >>"$_R_FILE" || _R_made=2
  } >"$_R_FILE"
  set +C
  if ((_R_made == 0)) && [[ -e $_R_FILE ]]; then
    _r_reject
    return
  elif ((_R_made != 1)); then
    ((_R_made == 0)) || rm -f -- "$_R_FILE"
    _r_why_unwritable "$_R_RUNS"
    _r_reject "$_R_why"
    return
  fi
  # After the claim, not before: a newer reign that raised the epoch before this look sees nothing start, one that
  # raises it after finds the claim. The same for a newer connection, which kills main.
  read -r _R_highest <"$_R_BASE/epoch"
  if ((_R_highest > _R_RUN_EPOCH)) || ! _r_start $$; then
    rm -f -- "$_R_FILE"
    _r_reject "epoch $_R_RUN_EPOCH is over: this host has seen epoch $_R_highest"
    return
  fi
  printf '%07d\n%s' ${#_R_header} "$_R_header" >&"$_R_wr_go"
  exec {_R_wr_go}>&-
  _r_watch
  exec {_R_rd_out}>&- {_R_rd_err}>&-
  _r_conclude
  _R_child=0
}

# Supervisor number $1: one run after the other from _R_IN, until main is gone. Outlives main and the connection as
# long as its run does.
_r_work() {
  local _R_size _R_header _R_fd _R_served=0
  exec 0</dev/null
  for _R_fd in "${_R_WORKER_INS[@]}"; do exec {_R_fd}>&-; done
  _r_start "$BASHPID"
  _R_MY_START=$_R_start
  _r_prepare
  while IFS= read -r -N 16 -u "$_R_IN" _R_size; do
    IFS= read -r -N "$((10#${_R_size:0:7}))" -u "$_R_IN" _R_header || exit 1
    # shellcheck disable=SC2086
    _r_supervise $_R_header
    ((_R_child)) || _r_prepare
    printf '%03d\n' "$1" >&"$_R_IDLE_IN"
    ((++_R_served % 1000)) || _r_turn_history &
  done
  exit 0
}

# Ends the run's process group: TERM first.
_r_end_group() {
  ((stage == 0)) || return 0
  stage=1 kill_at=$((_R_now + _R_GRACE))
  kill -TERM -- "-$_R_child"
}

# Appends to the variable named $1 what arrives on descriptor $3 within $4 seconds; $2 becomes 0 at its end. What is over
# the cap goes to a process that throws it away. Bytes come one by one (-n, not -N): bash reads blocks into one buffer
# for all descriptors, and a block cut short by the time-out would be continued by the next read of any other.
# shellcheck disable=SC2034 # references
_r_gather() {
  local -n text=$1 is_open=$2
  local chunk='' status
  IFS= read -r -d '' -t "$4" -n $((_R_CAP + 1 - ${#text})) -u "$3" chunk
  status=$?
  text+=$chunk
  [[ -z $chunk ]] || busy=1
  if ((${#text} > _R_CAP)); then
    cat <&"$3" >/dev/null &
    is_open=0
  elif ((status != 0 && status <= 128)); then
    is_open=0
  fi
}

# Reads what the run says, until its process is gone and has nothing more to say. Sets out, err, truncated, timed,
# cancelled, code for _r_conclude.
_r_watch() {
  out='' err='' truncated=0 timed=0 cancelled=0 code=-1 stage=0 kill_at=0
  local slice=20 left pause idle=0 out_open=1 err_open=1 busy until alive
  _r_now
  until=$((_R_now + (_R_DEADLINE + 9) / 10))
  while :; do
    busy=0
    printf -v pause '%d.%03d' $((slice / 1000)) $((slice % 1000))
    if ((out_open)); then
      _r_gather out out_open "$_R_rd_out" "$pause"
      # Only what is there already, unless stdout is closed: then the wait is here.
      if ((!out_open && err_open)); then
        _r_gather err err_open "$_R_rd_err" "$pause"
      elif ((err_open)) && read -r -t 0 -u "$_R_rd_err"; then
        _r_gather err err_open "$_R_rd_err" 0.001
      fi
    elif ((err_open)); then
      _r_gather err err_open "$_R_rd_err" "$pause"
    else
      # An exiting process loses its memory before its files, so an empty command line means that wait is short.
      alive=''
      IFS= read -r -N 1 alive <"/proc/$_R_child/cmdline"
      [[ -n $alive ]] || break
      _r_sleep "$pause"
    fi
    _r_now
    if ((stage == 0)); then
      if [[ -e $_R_FILE.cancel ]]; then
        cancelled=1
        _r_end_group
      elif ((_R_now >= until)); then
        timed=1
        _r_end_group
      fi
    elif ((stage == 1 && _R_now >= kill_at)); then
      stage=2
      kill -KILL -- "-$_R_child"
    fi
    if ((busy)); then
      slice=20 idle=0
    else
      # Others may hold the output open for ever after the script has ended: they get a tenth of a second.
      if ! kill -0 "$_R_child"; then
        ((idle += slice))
        ((idle < 100)) || break
      fi
      ((slice *= 2))
      ((slice <= 50)) || slice=50
    fi
    ((left = (stage ? kill_at : until) - _R_now))
    ((left *= 10))
    ((stage == 2 || slice <= left)) || slice=$((left > 1 ? left : 1))
  done
  wait "$_R_child"
  code=$?
}

# Nothing of a run stays in its process group: a daemon has to start in a session of its own.
_r_clear_group() {
  local i
  kill -0 -- "-$_R_child" || return 0
  for ((i = 0; i < 10 && stage == 0; i++)); do
    _r_sleep 0.005
    kill -0 -- "-$_R_child" || return 0
  done
  ((stage)) || err+="regent: ended the processes that the run left in its process group; a daemon needs its own session"$'\n'
  _r_now
  _r_end_group
  while ((stage == 1 && _R_now < kill_at)); do
    _r_sleep 0.01
    kill -0 -- "-$_R_child" || return 0
    _r_now
  done
  kill -KILL -- "-$_R_child"
  for ((i = 0; i < 100; i++)); do
    kill -0 -- "-$_R_child" || return 0
    _r_sleep 0.01
  done
}

_r_conclude() {
  local took tries
  _r_clear_group
  took=$(((${EPOCHREALTIME/./} - _R_began) / 1000))
  ((took >= 0)) || took=0
  if ((code >= 125)); then
    _r_claim "$_R_ID"
    if [[ ${_R_second[*]} != "go $_R_child "*' .' ]]; then
      # It did not start; what it left unread of its values is lost with this supervisor.
      if [[ ${_R_second[0]:-} != fence ]]; then
        _r_why_unwritable "$_R_RUNS"
        rm -f -- "$_R_FILE"
        _r_refuse "$_R_ID" "$_R_why"
      fi
      exit 1
    fi
  fi
  ((${#out} <= _R_CAP)) || truncated=1 out=${out:0:_R_CAP}
  ((${#err} <= _R_CAP)) || truncated=1 err=${err:0:_R_CAP}
  _R_head="finished $code $timed $cancelled $truncated $took ${#out} ${#err}" _R_stdout=$out _R_stderr=$err
  # A full disk must not lose the outcome: it is told at once, and this process remembers it until it can be written.
  for ((tries = 0; tries < 3600; tries++)); do
    if _r_record "$_R_ID" $tries; then
      _r_tell "$_R_ID" # again, if it was told before: who asked in between was answered that it runs
      return
    fi
    ((tries)) || _r_tell "$_R_ID"
    _r_sleep 1
    [[ -e $_R_FILE ]] || return
  done
}

# ---- requests ------------------------------------------------------------------------------------------------------

_r_unfit() {
  _r_say 'unfit %s %d\n%s' "$1" ${#2} "$2"
  exit 1
}

# Where flock is missing, a directory is the lock; one that is older than any holder's business is stolen.
_r_lock() {
  local tries
  if command -v flock >/dev/null; then
    exec {_R_LOCK}>>"$_R_BASE/lock"
    flock -w 10 "$_R_LOCK"
  else
    _R_LOCK=
    for ((tries = 0; tries < 100; tries++)); do
      mkdir "$_R_BASE/lock.d" 2>/dev/null && return
      _r_sleep 0.1
    done
    return 0
  fi
}

_r_unlock() {
  if [[ -n $_R_LOCK ]]; then exec {_R_LOCK}>&-; else rmdir "$_R_BASE/lock.d"; fi
}

# Requests with one value have it in _R_values.

# hello REGION HOST EPOCH: takes this host over for one connection of one reign.
_r_hello() {
  local highest=0 old=() number
  _R_BASE=$_R_values/$1 _R_RUNS=$_R_values/$1/runs _R_EPOCH=$3
  if [[ ! -d $_R_RUNS || ! -d $_R_BASE/scripts ]]; then
    _R_why=$(mkdir -p -- "$_R_RUNS" "$_R_BASE/scripts" 2>&1) || _r_unfit state_unwritable "$_R_why"
  fi
  _r_lock || _r_unfit state_locked "another runner holds $_R_BASE/lock"
  { read -r highest <"$_R_BASE/epoch"; } 2>/dev/null
  if ((highest > _R_EPOCH)); then
    _r_unlock
    _r_unfit epoch_superseded "this host has seen epoch $highest, which is newer than $_R_EPOCH"
  fi
  if ((highest < _R_EPOCH)); then
    if ! printf '%s\n' "$_R_EPOCH" >"$_R_BASE/epoch.new" || ! mv -f -- "$_R_BASE/epoch.new" "$_R_BASE/epoch"; then
      _r_why_unwritable "$_R_BASE"
      _r_unlock
      _r_unfit state_unwritable "$_R_why"
    fi
  fi
  # The runner of an earlier connection to this host may still hold requests that nobody waits for.
  # Once it is dead, none of its supervisors starts a script any more.
  { read -r -a old <"$_R_BASE/runner.$2"; } 2>/dev/null
  if ((${#old[@]} == 2)) && ((old[0] != $$)); then
    while _r_alive "${old[@]}"; do
      kill -KILL "${old[0]}"
      _r_sleep 0.001
    done
  fi
  _r_start $$
  printf '%d %s\n' $$ "$_R_start" >"$_R_BASE/runner.$2"
  _r_unlock
  exec 2>/dev/null
  _r_say 'ready %s\n' "$_R_BOOT"
  # Two, so that the next run need not wait until the last one's supervisor has forked again.
  for number in 0 1; do
    _r_hire
    printf '%03d\n' "$number" >&"$_R_IDLE_IN"
  done
  _r_sweep &
}

# The history is at most two files of about a megabyte.
_r_turn_history() {
  (($(wc -c <"$_R_BASE/history") < 1 << 20)) || mv -f -- "$_R_BASE/history" "$_R_BASE/history.1"
}

# Ends what runs have left without a supervisor, and forgets what nobody asked for in a week.
_r_sweep() {
  local file id old=()
  exec 0</dev/null
  set +f
  shopt -s nullglob
  for file in "$_R_RUNS"/*; do
    id=${file##*/}
    _r_is_run "$id" || continue
    _r_outcome "$id" && continue
    _r_claim "$id" && [[ ${_R_claim[0]} == "$_R_BOOT" ]] && _r_alive "${_R_claim[1]}" "${_R_claim[2]}" && continue
    _r_settle "$id"
  done
  touch -d "@$((EPOCHSECONDS - 604800))" "$_R_BASE/week.$$" || return
  # No run lasts that long.
  for file in "$_R_RUNS"/*; do
    [[ $file -ot $_R_BASE/week.$$ ]] && old+=("$file")
    ((${#old[@]} < 1000)) || { rm -f -- "${old[@]}" && old=(); }
  done
  rm -f -- "$_R_BASE/week.$$" "${old[@]}"
  _r_turn_history
}

# script HASH: kept for this connection's runs. What cannot be kept makes its run be refused.
_r_keep() {
  local text=$_R_values sum='' file=$_R_BASE/scripts/$1
  unset "_R_BAD[$1]"
  if command -v sha256sum >/dev/null; then
    sum=$(printf %s "$text" | sha256sum)
    if [[ ${sum%% *} != "$1" ]]; then
      _R_BAD[$1]="the script does not match its hash $1"
      return
    fi
  fi
  if ! printf %s "$text" >"$file.$$" || ! mv -f -- "$file.$$" "$file"; then
    rm -f -- "$file.$$"
    _r_why_unwritable "$_R_BASE/scripts"
    _R_BAD[$1]=$_R_why
  fi
}
declare -A _R_BAD=()

# Hands a run to a supervisor that is idle, or to a new one. $1 is its id, $3 its script's hash.
_r_run() {
  local number
  if ! _r_is_run "$1"; then
    return
  elif [[ -n ${_R_BAD[$3]:-} ]]; then
    _r_refuse "$1" "${_R_BAD[$3]}"
    return
  fi
  while read -r -t 0 -u "$_R_IDLE"; do
    IFS= read -r -N 4 -u "$_R_IDLE" number || exit 1
    number=$((10#${number%?}))
    _R_WORKER_RUNS[number]=$1
    # One that was killed cannot be written to.
    printf '%s%s%s' "$_R_size" "$_R_header" "$_R_values" >&"${_R_WORKER_INS[number]}" && return
  done
  if ((${#_R_WORKERS[@]} == 64)); then
    _r_refuse "$1" 'too many runs at once'
    return
  fi
  _r_hire
  _R_WORKER_RUNS[number]=$1
  printf '%s%s%s' "$_R_size" "$_R_header" "$_R_values" >&"${_R_WORKER_INS[number]}"
}

# Starts a supervisor; its number in `number`.
_r_hire() {
  local worker
  number=${#_R_WORKERS[@]}
  _r_pipe
  _R_IN=$_R_rd worker=$_R_wr
  set -m
  # shellcheck disable=SC2093
  _r_work "$number" {worker}>&- &
  # shellcheck disable=SC2128
  _R_WORKERS[number]=$!
  set +m
  exec {_R_IN}>&-
  _R_WORKER_INS[number]=$worker _R_WORKER_RUNS[number]=''
}

_r_cancel() {
  _r_is_run "$1" || return
  # Also where the claim is not there yet: its supervisor looks at this file all the time.
  if { _r_is_mine "$1" || [[ -e $_R_RUNS/$1 ]]; } && ! _r_outcome "$1" && ! : >"$_R_RUNS/$1.cancel"; then
    # On a full disk TERM has to do, if the script's process is still itself.
    if _r_claim "$1" && [[ ${_R_second[0]:-} == go ]] && _r_alive "${_R_second[1]}" "${_R_second[2]}"; then
      kill -TERM -- "-${_R_second[1]}"
    fi
  fi
  _r_is_mine "$1" || _r_answer "$1"
}

_r_forget() {
  local id files=()
  for id; do
    if _r_is_run "$id" && _r_outcome "$id"; then files+=("$_R_RUNS/$id"{.cancel,,.end}); fi
  done
  if ((${#files[@]})); then rm -f -- "${files[@]}" & fi
}

# ping NUMBER: also the moment to notice supervisors that were killed.
_r_ping() {
  local key
  _r_say 'pong %s\n' "$1"
  for key in "${!_R_WORKERS[@]}"; do
    if [[ -n ${_R_WORKER_RUNS[key]} ]] && ! kill -0 "${_R_WORKERS[key]}"; then
      _r_answer "${_R_WORKER_RUNS[key]}"
      _R_WORKER_RUNS[key]=''
    fi
  done
  for key in "${!_R_FOLLOWED[@]}"; do
    kill -0 "${_R_FOLLOWED[$key]}" || unset "_R_FOLLOWED[$key]"
  done
}

_r_main() {
  local _R_size _R_header _R_words _R_values
  while IFS= read -r -N 16 _R_size; do
    [[ $_R_size == [0-9][0-9][0-9][0-9][0-9][0-9][0-9]' '[0-9][0-9][0-9][0-9][0-9][0-9][0-9]$'\n' ]] || exit 1
    IFS= read -r -N "$((10#${_R_size:0:7}))" _R_header || exit 1
    _R_values=''
    [[ $_R_size == *' 0000000'* ]] || IFS= read -r -N "$((10#${_R_size:8:7}))" _R_values || exit 1
    # shellcheck disable=SC2206
    _R_words=($_R_header)
    case ${_R_words[0]} in
      run) _r_run "${_R_words[@]:1:3}" ;;
      ask) ! _r_is_run "${_R_words[1]}" || _r_answer "${_R_words[1]}" ;;
      script) _r_keep "${_R_words[1]}" ;;
      cancel) _r_cancel "${_R_words[1]}" ;;
      forget) _r_forget "${_R_words[@]:1}" ;;
      ping) _r_ping "${_R_words[1]}" ;;
      hello) _r_hello "${_R_words[@]:1}" ;;
      *) exit 1 ;;
    esac
  done
}

printf '\nREGENT/1\n' >&"$_R_OUT"
_r_main
exit 0
