# What is known of a run: its file, read and written, and what is told of it.
# shellcheck disable=SC2153,SC2154 # what the other parts set

# The highest epoch that this host has seen, in _R_highest: epochs are marked by empty files that are named after them,
# with 19 digits, so the last name is the highest. The marks of the others, which count no more, in _R_lower.
_r_highest() {
  set +f
  _R_lower=("$_R_BASE"/epoch.?*)
  set -f
  _R_highest=0
  ((_R_highest = 10#${_R_lower[-1]##*.}))
  unset '_R_lower[-1]'
}

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

# Reads an outcome from descriptor $1 into _R_head (what a report says, but for the run and the boot), _R_stdout,
# _R_stderr; false unless it is whole.
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

# The same for run $1, with the boot in which it ran in _R_ran.
_r_outcome() {
  local file whole
  exec {file}<"$_R_RUNS/$1" || return 1
  _R_ran=''
  read -r -u "$file" _ _R_ran _
  read -r -u "$file" _
  _r_read_outcome "$file"
  whole=$?
  exec {file}<&-
  if ((whole != 0)) && [[ -s $_R_RUNS/$1.end ]] && exec {file}<"$_R_RUNS/$1.end"; then
    _r_read_outcome "$file"
    whole=$?
    exec {file}<&-
  fi
  : "${_R_ran:=$_R_BOOT}" # only where it died before its claim was written
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

_r_tell() { _r_say 'report %s %s %s %s\n%s%s' "$1" "${_R_head%% *}" "$_R_ran" "${_R_head#* }" "$_R_stdout" "$_R_stderr"; }

# What run $1 has last said of how far it is: _R_percent, _R_told, and in _R_said when, by the clock of _r_now; false if
# that is nothing. `progress` of primitives/library.sh writes it: `TIME PERCENT LENGTH:WORDS.` It is the run's own
# file, so it may be anything: half a word, another length, no file at all. Nothing of it is evaluated.
_r_progress() {
  local file text='' head
  _R_percent=- _R_told='' _R_said=0
  [[ -f $_R_RUNS/$1.progress ]] && exec {file}<"$_R_RUNS/$1.progress" || return 1
  IFS= read -r -N 300 -u "$file" text
  exec {file}<&-
  # shellcheck disable=SC2206
  head=(${text%%:*})
  [[ ${#head[@]} == 3 && ${#head[0]} -lt 12 && ${head[0]} != *[!0-9]* ]] || return 1
  [[ ${head[1]} == - || ${head[1]} == [0-9] || ${head[1]} == [1-9][0-9] || ${head[1]} == 100 ]] || return 1
  [[ ${head[2]} == [0-9] || ${head[2]} == [1-9][0-9] || ${head[2]} == 1[0-9][0-9] || ${head[2]} == 200 ]] || return 1
  text=${text#*:}
  [[ ${text:head[2]:1} == . ]] || return 1
  _R_percent=${head[1]} _R_told=${text:0:head[2]} _R_said=$((10#${head[0]}))
}

# Tells that run $1 is under way, and how far it says that it is.
_r_tell_running() {
  local age=-1
  if _r_progress "$1"; then
    _r_now
    age=$(((_R_now - _R_said) * 10))
    ((age >= 0)) || age=0
  fi
  _r_say 'running %s %s %s %d %d\n%s' "$1" "$_R_BOOT" "$_R_percent" "$age" ${#_R_told} "$_R_told"
}

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
    _r_say 'report %s never_seen %s -1 0 0 0 0 0 0\n' "$1" "$_R_BOOT"
  elif _r_claim "$1" && [[ ${_R_claim[0]} == "$_R_BOOT" ]] && _r_alive "${_R_claim[1]}" "${_R_claim[2]}"; then
    _r_tell_running "$1"
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
  _R_head='lost -1 0 0 0 0 0 0' _R_ran=${_R_claim[0]:-$_R_BOOT} _R_stdout='' _R_stderr=''
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
