# regent's runner: sent to a host at each connect and read by bash from its standard input, where requests follow.
# Needs bash 5 and coreutils. Speaks the protocol of transport/runner_protocol.hpp; values are data and are never
# evaluated. One process a connection (main); a supervisor and the script's own process group for each run.
#
# What a host remembers of run R, in STATE/REGION/runs (flat files: making a directory costs a fork, creating a
# file does not; noclobber's O_EXCL is the arbiter that lets a run happen once):
#   R.run   created by the supervisor before anything else: "BOOT PID START EPOCH ."
#   R.go    created by the script's process before the script: "PID START ."; whoever creates it first decides: an
#           asker that finds the supervisor dead creates it too, and then the script can never start
#   R.cancel  somebody wants the run ended
#   R.end   the outcome, with lengths and a trailing dot, so that half a file is no outcome
# A process is named by pid and start time. A claim of another boot, or whose supervisor is gone, is lost.

set -f
umask 077
trap '' HUP INT QUIT TERM PIPE USR1
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
declare -A _R_MINE=()

# One frame, whole, whichever processes write at once. A process killed with the token stops everybody: the heartbeat sees it.
_r_say() {
  local said=0
  IFS= read -r -N 1 -u "$_R_TOKEN" _ || exit 1
  # shellcheck disable=SC2059
  printf "$@" >&"$_R_OUT" || said=1
  printf x >&"$_R_TOKEN_IN"
  return $said
}

_r_sleep() { IFS= read -r -t "$1" -N 1 -u "$_R_NEVER" _; }

# The start time of process $1 in _R_start; false when it is gone or a zombie.
_r_start() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2206
  local fields=(${line##*) })
  [[ ${fields[0]} != [ZX] ]] || return 1
  _R_start=${fields[19]}
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

# Reads R.run into _R_claim (boot pid start epoch); false unless it is whole.
_r_claim() {
  local line=''
  { read -r line <"$_R_RUNS/$1.run"; } 2>/dev/null
  # shellcheck disable=SC2206
  _R_claim=($line)
  ((${#_R_claim[@]} == 5)) && [[ ${_R_claim[4]} == . ]]
}

# Reads R.end into _R_head, _R_stdout, _R_stderr; false unless it is whole.
_r_outcome() {
  local file lengths trailer=''
  [[ -s $_R_RUNS/$1.end ]] || return 1
  { exec {file}<"$_R_RUNS/$1.end"; } 2>/dev/null || return 1
  _R_head='' _R_stdout='' _R_stderr=''
  IFS= read -r -u "$file" _R_head
  # shellcheck disable=SC2206
  lengths=($_R_head)
  if ((${#lengths[@]} == 8)); then
    ((lengths[6] == 0)) || IFS= read -r -N "${lengths[6]}" -u "$file" _R_stdout
    ((lengths[7] == 0)) || IFS= read -r -N "${lengths[7]}" -u "$file" _R_stderr
    IFS= read -r -N 1 -u "$file" trailer
  fi
  exec {file}<&-
  [[ $trailer == . ]]
}

_r_tell() { _r_say 'report %s %s\n%s%s' "$1" "$_R_head" "$_R_stdout" "$_R_stderr"; }

# Tells what is known of run $1. What needs patience is done by a child, so that main never waits.
_r_answer() {
  if _r_outcome "$1"; then
    _r_tell "$1"
  elif [[ ! -e $_R_RUNS/$1.run ]]; then
    _r_say 'report %s never_seen -1 0 0 0 0 0 0\n' "$1"
  elif _r_claim "$1" && [[ ${_R_claim[0]} == "$_R_BOOT" ]] && _r_alive "${_R_claim[1]}" "${_R_claim[2]}"; then
    _r_say 'report %s running -1 0 0 0 0 0 0\n' "$1"
    [[ -n ${_R_MINE[$1]:-} ]] || _r_follow "$1"
  else
    (_r_settle "$1" && _r_tell "$1") &
  fi
}

# Attaches to a run that another runner started: its supervisor cannot reach this connection.
_r_follow() {
  (
    until _r_outcome "$1"; do
      _r_alive "${_R_claim[1]}" "${_R_claim[2]}" || { _r_settle "$1" || exit 0; }
      [[ -e /proc/$$ && -e $_R_RUNS/$1.run ]] || exit 0
      _r_sleep 0.05
    done
    _r_tell "$1"
  ) &
  _R_MINE[$1]=$!
}

# Run $1 has no live supervisor: whatever is left of it is killed, and it is lost. False when nothing is to be told.
_r_settle() {
  local tries
  for ((tries = 0; tries < 20; tries++)); do
    _r_outcome "$1" && return 0
    [[ -e $_R_RUNS/$1.run ]] || return 1
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
    set -C
    { printf '0 0 .\n' >"$_R_RUNS/$1.go"; } 2>/dev/null || _r_kill_orphans "$1"
    set +C
  fi
  _R_head='lost -1 0 0 0 0 0 0' _R_stdout='' _R_stderr=''
  { printf '%s\n.' "$_R_head" >"$_R_RUNS/$1.end"; } 2>/dev/null
  return 0
}

_r_kill_orphans() {
  local go='' pid line entry
  { read -r go <"$_R_RUNS/$1.go"; } 2>/dev/null
  # shellcheck disable=SC2206
  local fields=($go)
  pid=${fields[0]:-0}
  ((pid > 1)) || return 0
  if _r_alive "$pid" "${fields[1]}"; then
    kill -KILL -- "-$pid"
    return 0
  fi
  # The leader is gone, so its number may be somebody else's by now: only what carries the run's name is ours.
  set +f
  for entry in /proc/[0-9]*; do
    { read -r line <"$entry/stat"; } 2>/dev/null || continue
    # shellcheck disable=SC2206
    fields=(${line##*) })
    [[ ${fields[2]} == "$pid" ]] || continue
    { IFS= read -r -d '' -N 262144 line <"$entry/environ"; } 2>/dev/null
    [[ $line == *"REGENT_RUN=$1" || $line == *"REGENT_RUN=$1"[!0-9a-z-]* ]] && kill -KILL "${entry##*/}"
  done
  set -f
}

# ---- one run -------------------------------------------------------------------------------------------------------

# The script's own process. Bash's scope is dynamic: no local on the way down to here may have a name that a parameter
# can have, so all begin with _R_. Its parameters are in _R_NAMES, _R_COUNTS (- for text) and _R_VALUES.
_r_script() {
  local _R_i=0 _R_n _R_k
  trap - HUP INT QUIT TERM PIPE USR1
  exec {_R_OUT}>&- {_R_TOKEN}>&- {_R_TOKEN_IN}>&- {_R_NEVER}>&- {_R_NEVER_IN}>&- {_R_rd_out}>&- {_R_rd_err}>&-
  _r_start "$BASHPID"
  set -C
  printf '%d %s .\n' "$BASHPID" "$_R_start" >"$_R_FILE.go" || exit 125
  set +Cf
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
  unset _R_NAMES _R_COUNTS _R_VALUES _R_i _R_n _R_k
  # shellcheck disable=SC1090
  . "$_R_BASE/scripts/$_R_HASH" || exit
  if ! declare -F -- "$_R_VERB" >/dev/null; then
    printf 'the script has no verb %s\n' "$_R_VERB" >&2
    exit 65
  fi
  "$_R_VERB"
}

# Claims the run, starts it, keeps its output, its deadline and its outcome. Outlives main and the connection.
_r_supervise() {
  local _R_made=0 _R_highest=0
  exec 0</dev/null
  _R_ASKED=0
  trap '_R_ASKED=1' USR1
  _R_FILE=$_R_RUNS/$_R_ID
  _r_start "$BASHPID"
  set -C
  { _R_made=1 && printf '%s %d %s %s .\n' "$_R_BOOT" "$BASHPID" "$_R_start" "$_R_RUN_EPOCH"; } >"$_R_FILE.run" || _R_made=$((_R_made ? 2 : 0))
  set +C
  if ((_R_made == 0)) && [[ -e $_R_FILE.run ]]; then
    unset "_R_MINE[$_R_ID]"
    _r_answer "$_R_ID"
    wait
    exit 0
  elif ((_R_made != 1)); then
    ((_R_made == 0)) || rm -f -- "$_R_FILE.run"
    _r_why_unwritable "$_R_RUNS"
    _r_refuse "$_R_ID" "$_R_why"
    exit 0
  fi
  # After the claim, not before: a newer reign that raised the epoch before this look sees nothing start, one that
  # raises it after finds the claim. The same for a newer connection, which kills main.
  { read -r _R_highest <"$_R_BASE/epoch"; } 2>/dev/null
  if ((_R_highest > _R_RUN_EPOCH)) || ! _r_start $$; then
    rm -f -- "$_R_FILE.run"
    _r_refuse "$_R_ID" "epoch $_R_RUN_EPOCH is over: this host has seen epoch $_R_highest"
    exit 0
  fi
  _r_pipe
  local _R_rd_out=$_R_rd _R_wr_out=$_R_wr
  _r_pipe
  local _R_rd_err=$_R_rd _R_wr_err=$_R_wr
  local _R_began=${EPOCHREALTIME/./}
  set -m
  _r_script >&"$_R_wr_out" 2>&"$_R_wr_err" {_R_wr_out}>&- {_R_wr_err}>&- &
  # shellcheck disable=SC2128
  _R_child=$!
  set +m
  exec {_R_wr_out}>&- {_R_wr_err}>&-
  _r_watch
  _r_conclude
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
  local slice=1 left pause idle=0 out_open=1 err_open=1 busy until alive
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
      { IFS= read -r -N 1 alive <"/proc/$_R_child/cmdline"; } 2>/dev/null
      [[ -n $alive ]] || break
      _r_sleep "$pause"
    fi
    _r_now
    if ((stage == 0)); then
      if ((_R_ASKED)) || [[ -e $_R_FILE.cancel ]]; then
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
      slice=1 idle=0
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
  done 2>/dev/null
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
  local took tries go=''
  { _r_clear_group; } 2>/dev/null
  took=$(((${EPOCHREALTIME/./} - _R_began) / 1000))
  ((took >= 0)) || took=0
  if ((code == 125)); then
    { read -r go <"$_R_FILE.go"; } 2>/dev/null
    [[ $go != '0 0 .' ]] || exit 0
    if [[ $go != "$_R_child "*. ]]; then
      _r_why_unwritable "$_R_RUNS"
      rm -f -- "$_R_FILE.go" "$_R_FILE.run"
      _r_refuse "$_R_ID" "$_R_why"
      exit 0
    fi
  fi
  ((${#out} <= _R_CAP)) || truncated=1 out=${out:0:_R_CAP}
  ((${#err} <= _R_CAP)) || truncated=1 err=${err:0:_R_CAP}
  _R_head="finished $code $timed $cancelled $truncated $took ${#out} ${#err}" _R_stdout=$out _R_stderr=$err
  # A full disk must not lose the outcome: it is told at once, and this process remembers it until it can be written.
  for ((tries = 0; tries < 3600; tries++)); do
    if { printf '%s\n%s%s.' "$_R_head" "$out" "$err" >"$_R_FILE.end"; } 2>/dev/null; then
      ((tries)) || _r_tell "$_R_ID"
      exit 0
    fi
    ((tries)) || _r_tell "$_R_ID"
    _r_sleep 1
    [[ -e $_R_FILE.run ]] || exit 0
  done
}

# ---- requests ------------------------------------------------------------------------------------------------------

# Reads $1 bytes into the variable named $2.
_r_take() {
  if (($1 == 0)); then
    printf -v "$2" ''
  else
    IFS= read -r -N "$1" "$2" || exit 1
  fi
}

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

# hello REGION HOST EPOCH LENGTH: takes this host over for one connection of one reign.
_r_hello() {
  local directory highest=0 old=()
  _r_take "$4" directory
  _R_BASE=$directory/$1 _R_RUNS=$directory/$1/runs _R_EPOCH=$3
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
  _r_sweep &
}

# Ends what runs have left without a supervisor, and forgets what nobody asked for in a week.
_r_sweep() {
  local file id old=()
  exec 0</dev/null
  set +f
  shopt -s nullglob
  for file in "$_R_RUNS"/*.run; do
    id=${file##*/}
    id=${id%.run}
    [[ -e $_R_RUNS/$id.end ]] && continue
    _r_claim "$id" && [[ ${_R_claim[0]} == "$_R_BOOT" ]] && _r_alive "${_R_claim[1]}" "${_R_claim[2]}" && continue
    _r_settle "$id"
  done
  touch -d "@$((EPOCHSECONDS - 604800))" "$_R_BASE/week.$$" || return
  for file in "$_R_RUNS"/*.end; do
    [[ $file -ot $_R_BASE/week.$$ ]] && old+=("${file%.end}"{.go,.cancel,.end,.run})
    ((${#old[@]} < 1000)) || { rm -f -- "${old[@]}" && old=(); }
  done
  rm -f -- "$_R_BASE/week.$$" "${old[@]}"
}

# script HASH LENGTH: kept for this connection's runs. What cannot be kept makes its run be refused.
_r_keep() {
  local text sum='' file=$_R_BASE/scripts/$1
  _r_take "$2" text
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

# run ID EPOCH HASH VERB DEADLINE CAP GRACE NAME=LENGTH… NAME[]=COUNT:LENGTH,…
_r_run() {
  local _R_word _R_lengths _R_length
  _R_ID=$1 _R_RUN_EPOCH=$2 _R_HASH=$3 _R_VERB=$4 _R_DEADLINE=$5 _R_CAP=$6 _R_GRACE=$(($7 / 10))
  _R_NAMES=() _R_COUNTS=() _R_VALUES=()
  for _R_word in "${@:8}"; do
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
      _r_take "$_R_length" _R_word
      _R_VALUES+=("$_R_word")
    done
  done
  if [[ ! $_R_ID =~ ^[0-9a-z-]{1,64}$ || ! $_R_HASH =~ ^[0-9a-f]{64}$ || ! $_R_VERB =~ ^[a-z_][a-z0-9_]{0,63}$ ]]; then
    _r_refuse "$_R_ID" 'malformed run id, script hash or verb'
  elif [[ -n ${_R_BAD[$_R_HASH]:-} ]]; then
    _r_refuse "$_R_ID" "${_R_BAD[$_R_HASH]}"
  elif [[ ! -e $_R_BASE/scripts/$_R_HASH ]]; then
    _r_refuse "$_R_ID" "script $_R_HASH is not on this host"
  else
    set -m
    _r_supervise &
    _R_MINE[$_R_ID]=$!
    set +m
  fi
}

_r_cancel() {
  [[ $1 =~ ^[0-9a-z-]{1,64}$ ]] || return
  # Also where the claim is not there yet: its supervisor looks at this file all the time.
  if [[ -n ${_R_MINE[$1]:-} || -e $_R_RUNS/$1.run ]] && [[ ! -e $_R_RUNS/$1.end ]]; then
    # On a full disk a signal has to do; it is safe once the claim is written.
    { : >"$_R_RUNS/$1.cancel"; } 2>/dev/null || { _r_claim "$1" && kill -USR1 "${_R_claim[1]}"; }
  fi
  [[ -n ${_R_MINE[$1]:-} ]] || _r_answer "$1"
}

_r_forget() {
  local id files=()
  for id; do
    [[ $id =~ ^[0-9a-z-]{1,64}$ && -e $_R_RUNS/$id.end ]] || continue
    # The claim goes last: what is half forgotten must not look like never seen.
    files+=("$_R_RUNS/$id".{cancel,go,end,run})
    unset "_R_MINE[$id]"
  done
  if ((${#files[@]})); then rm -f -- "${files[@]}" & fi
}

# ping NUMBER: also the moment to notice supervisors that were killed, and to let go of those that are done.
_r_ping() {
  local id
  _r_say 'pong %s\n' "$1"
  for id in "${!_R_MINE[@]}"; do
    kill -0 "${_R_MINE[$id]}" && continue
    unset "_R_MINE[$id]"
    [[ -e $_R_RUNS/$id.end || ! -e $_R_RUNS/$id.run ]] || _r_answer "$id"
  done
}

_r_main() {
  local _R_size _R_header _R_words
  while IFS= read -r -N 8 _R_size; do
    [[ $_R_size =~ ^[0-9]{7}$'\n'$ ]] || exit 1
    IFS= read -r -N $((10#${_R_size%?})) _R_header || exit 1
    # shellcheck disable=SC2206
    _R_words=($_R_header)
    case ${_R_words[0]} in
      run) _r_run "${_R_words[@]:1}" ;;
      ask) [[ ! ${_R_words[1]} =~ ^[0-9a-z-]{1,64}$ ]] || _r_answer "${_R_words[1]}" ;;
      script) _r_keep "${_R_words[@]:1}" ;;
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
