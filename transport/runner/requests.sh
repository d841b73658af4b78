# Main: what regent asks for, one request after the other. Those with one value have it in _R_values.
# shellcheck disable=SC2153,SC2154 # what the other parts set

_r_unfit() {
  _r_say 'unfit %s %d\n%s' "$1" ${#2} "$2"
  exit 1
}

# hello REGION HOST EPOCH: takes this host over for one connection of one reign. It is marked by empty files, whose names
# say all, and without a lock: each makes its own and then looks for those of others, so of two at least one sees the other.
_r_hello() {
  local number epoch directories
  _R_BASE=$_R_values/$1 _R_RUNS=$_R_values/$1/runs _R_EPOCH=$3
  directories=("$_R_RUNS" "$_R_BASE/scripts" "$_R_BASE/scopes")
  if [[ ! -d ${directories[0]} || ! -d ${directories[1]} || ! -d ${directories[2]} ]]; then
    mkdir -p -- "${directories[@]}" || _r_unfit state_unwritable "$(mkdir -p -- "${directories[@]}" 2>&1)"
  fi
  _r_start $$
  _R_ME=runner.$2.$_R_BOOT.$_R_EPOCH.$_R_start.$$
  printf -v epoch 'epoch.%019d' "$_R_EPOCH"
  if ! : >>"$_R_BASE/$epoch" || ! : >>"$_R_BASE/$_R_ME"; then
    _r_why_unwritable "$_R_BASE"
    _r_unfit state_unwritable "$_R_why"
  fi
  _r_highest
  if ((_R_highest > _R_EPOCH)); then
    _r_unfit epoch_superseded "this host has seen epoch $_R_highest, which is newer than $_R_EPOCH"
  fi
  exec 2>/dev/null
  _r_replace "runner.$2.$_R_BOOT" "$_R_EPOCH" "$_R_start"
  _r_say 'ready %s\n' "$_R_BOOT"
  # Two, so that the next run need not wait until the last one's supervisor has forked again.
  for number in 0 1; do
    _r_hire
    printf '%03d\n' "$number" >&"$_R_IDLE_IN"
  done
}

# Runners of other connections to this host may still hold requests that nobody waits for. Of all whose name begins with
# $1 the last one by epoch ($2), start ($3) and pid stays, and kills the others: once a runner is dead, none of its
# supervisors starts a script any more.
_r_replace() {
  local file mark gone=("${_R_lower[@]}")
  set +f
  for file in "$_R_BASE/$1".*; do
    [[ $file != "$_R_BASE/$_R_ME" ]] || continue
    # shellcheck disable=SC2206
    mark=(${file//./ }) mark=("${mark[@]: -3}") # epoch, start, pid
    while _r_alive "${mark[2]}" "${mark[1]}"; do
      if ((mark[0] > $2 || (mark[0] == $2 && (mark[1] > $3 || (mark[1] == $3 && mark[2] > $$))))); then
        _r_unfit host_taken "process ${mark[2]} has taken this host over"
      fi
      kill -KILL "${mark[2]}"
      _r_sleep 0.001
    done
    gone+=("$file")
  done
  set -f
  ((${#gone[@]} < 20)) || rm -f -- "${gone[@]}"
}

# The history is at most two files of about a megabyte.
_r_turn_history() {
  local size
  [[ -s $_R_BASE/history ]] && size=$(wc -c <"$_R_BASE/history") && ((size > 1 << 20)) || return 0
  mv -f -- "$_R_BASE/history" "$_R_BASE/history.1"
}

# Ends what runs have left without a supervisor, forgets what nobody asked for in a week, and removes marks of the past.
_r_sweep() {
  local file id runs scopes marks old
  exec 0</dev/null
  _r_highest
  old=("${_R_lower[@]}")
  set +f
  shopt -s nullglob
  runs=("$_R_RUNS"/*) scopes=("$_R_BASE"/scopes/*) marks=("$_R_BASE"/runner.*)
  set -f
  for file in "${runs[@]}"; do
    id=${file##*/}
    _r_is_run "$id" || continue
    _r_outcome "$id" && continue
    _r_claim "$id" && [[ ${_R_claim[0]} == "$_R_BOOT" ]] && _r_alive "${_R_claim[1]}" "${_R_claim[2]}" && continue
    _r_settle "$id"
  done
  touch -d "@$((EPOCHSECONDS - 604800))" "$_R_BASE/week.$$" || return
  for file in "${marks[@]}"; do
    [[ ! $file -ot $_R_BASE/week.$$ || -e /proc/${file##*.} ]] || old+=("$file")
  done
  # No run lasts that long.
  for file in "${runs[@]}" "${scopes[@]}"; do
    [[ ! $file -ot $_R_BASE/week.$$ ]] || old+=("$file")
    ((${#old[@]} < 1000)) || { rm -f -- "${old[@]}" && old=(); }
  done
  rm -f -- "$_R_BASE/week.$$" "${old[@]}"
  _r_turn_history
}

# Whether file $1 has the text $2, and nothing else.
_r_holds() {
  local file had=''
  [[ -s $1 ]] && exec {file}<"$1" || return 1
  IFS= read -r -N $((${#2} + 1)) -u "$file" had
  exec {file}<&-
  [[ $had == "$2" ]]
}

# script HASH: kept for this connection's runs. That the text has this hash is the sender's affair. What cannot be kept
# makes its run be refused.
_r_keep() {
  local file=$_R_BASE/scripts/$1
  unset "_R_BAD[$1]"
  _r_holds "$file" "$_R_values" && return
  if ! printf %s "$_R_values" >"$file.$$" || ! mv -f -- "$file.$$" "$file"; then
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
    if _r_is_run "$id" && _r_outcome "$id"; then files+=("$_R_RUNS/$id"{.cancel,,.end,.progress}); fi
  done
  if ((${#files[@]})); then rm -f -- "${files[@]}" & fi
}

# ping NUMBER: also the moment to notice supervisors that were killed, and to tell of the runs that go on. Only here, so
# that no run can make us say more, and nobody but main ever waits for a connection that takes nothing in. Housekeeping
# waits for the second one, seconds after the first: when many hosts are connected to at once, none of them is kept from
# its runs by it.
_r_ping() {
  local key run load=-
  read -r load _ </proc/loadavg
  if [[ $load == [0-9]*.[0-9][0-9] && $load != *[!0-9.]* ]]; then load=$((10#${load/./})); else load=-; fi
  _r_say 'pong %s %s\n' "$1" "$load"
  if (($1 == 2)); then _r_sweep & fi
  for key in "${!_R_WORKERS[@]}"; do
    run=${_R_WORKER_RUNS[key]}
    if [[ -z $run ]]; then
      continue
    elif ! kill -0 "${_R_WORKERS[key]}"; then
      _r_answer "$run"
      _R_WORKER_RUNS[key]=''
    elif [[ -e $_R_RUNS/$run ]] && ! _r_outcome "$run"; then
      _r_tell_running "$run"
    fi
  done
  for key in "${!_R_FOLLOWED[@]}"; do
    if ! kill -0 "${_R_FOLLOWED[$key]}"; then
      unset "_R_FOLLOWED[$key]"
    elif ! _r_outcome "$key"; then
      _r_tell_running "$key"
    fi
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
