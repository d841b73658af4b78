# A supervisor: claims runs, one after the other, and keeps their output, deadlines and outcomes.
# shellcheck disable=SC2153,SC2154 # what the other parts set

# The run of _R_header is not to be: its values are read over, and why it is refused is said.
_r_reject() {
  [[ $_R_size == *' 0000000'* ]] || IFS= read -r -N "$((10#${_R_size:8:7}))" -u "$_R_IN" _ || exit 1
  if (($# == 0)); then _r_answer "$_R_ID"; else _r_refuse "$_R_ID" "$1"; fi
}

# Claims the run of _R_header, lets it start, keeps its output, its deadline and its outcome. $1 and more: see _r_parse.
_r_supervise() {
  local _R_made=0 _R_began=${EPOCHREALTIME/./}
  _R_ID=$2 _R_RUN_EPOCH=$3 _R_DEADLINE=$6 _R_STALL=$((($7 + 9) / 10)) _R_CAP=$8 _R_GRACE=$(($9 / 10)) _R_SCOPE=${10}
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
  # raises it after finds the claim. The same for a newer connection, which kills main: a zombie has nothing open.
  _r_highest
  if ((_R_highest > _R_RUN_EPOCH)) || [[ ! -e /proc/$$/fd/0 ]]; then
    rm -f -- "$_R_FILE"
    _r_reject "epoch $_R_RUN_EPOCH is over: this host has seen epoch $_R_highest"
    return
  fi
  if [[ $_R_SCOPE != - ]] && ! _r_take_scope; then
    rm -f -- "$_R_FILE"
    _r_reject "$_R_why"
    return
  fi
  printf '%07d\n%s' ${#_R_header} "$_R_header" >&"$_R_wr_go"
  _r_watch
  exec {_R_rd_out}>&- {_R_rd_err}>&-
  _r_conclude
  _R_child=0
}

# One run at a time acts on a scope. What an earlier one still does there, such as one that regent could not reach for so
# long that it gave it up, is ended first. SCOPE's file names the run that began last.
_r_take_scope() {
  local file=$_R_BASE/scopes/$_R_SCOPE other='' tries
  [[ ! -s $file ]] || read -r other <"$file"
  if [[ $other != "$_R_ID" ]] && _r_is_run "$other"; then
    for ((tries = 0; ; tries++)); do
      [[ -e $_R_RUNS/$other ]] && ! _r_outcome "$other" || break
      if ! _r_claim "$other" || [[ ${_R_claim[0]} != "$_R_BOOT" ]] || ! _r_alive "${_R_claim[1]}" "${_R_claim[2]}"; then
        _r_settle "$other"
        break
      fi
      ((tries)) || : >"$_R_RUNS/$other.cancel"
      if ((tries * 2 > _R_GRACE + 300)); then
        _R_why="run $other still acts on $_R_SCOPE and does not end"
        return 1
      fi
      _r_sleep 0.02
    done
  fi
  printf '%s\n' "$_R_ID" >"$file" && return
  _r_why_unwritable "$_R_BASE/scopes"
  return 1
}

# Supervisor number $1: one run after the other from _R_IN, until main is gone. Outlives main and the connection as
# long as its run does.
_r_work() {
  local _R_size _R_header _R_fd _R_served=0
  exec 0</dev/null
  for _R_fd in "${_R_WORKER_INS[@]}"; do exec {_R_fd}>&-; done
  _r_start "$BASHPID"
  _R_MY_START=$_R_start
  # One for all its runs: a process takes just its own run's header from it, or this supervisor ends.
  _r_pipe
  _R_rd_go=$_R_rd _R_wr_go=$_R_wr
  _r_prepare
  while IFS= read -r -N 16 -u "$_R_IN" _R_size; do
    IFS= read -r -N "$((10#${_R_size:0:7}))" -u "$_R_IN" _R_header || exit 1
    # shellcheck disable=SC2086
    _r_supervise $_R_header
    ((_R_child)) || _r_prepare
    printf '%03d\n' "$1" >&"$_R_IDLE_IN"
    if ((++_R_served % 100 == 0)); then _r_turn_history & fi
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
  local slice=20 pause=0.020 left idle=0 out_open=1 err_open=1 busy until stalled alive
  _r_now
  until=$((_R_now + (_R_DEADLINE + 9) / 10))
  stalled=$((_R_STALL ? _R_now + _R_STALL : until))
  while :; do
    busy=0
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
      _r_sleep "$pause"
    fi
    if ((!out_open && !err_open)); then
      # An exiting process loses its memory before its files, so an empty command line means that wait is short.
      alive=''
      IFS= read -r -N 1 alive <"/proc/$_R_child/cmdline"
      [[ -n $alive ]] || break
    fi
    _r_now
    if ((stage == 0)); then
      if [[ -e $_R_FILE.cancel ]]; then
        cancelled=1
        _r_end_group
      elif ((_R_now >= until)); then
        timed=1
        _r_end_group
      elif ((_R_now >= stalled)); then
        # Unless it has said something since: that is looked for only now, so runs that say nothing pay for nothing.
        _r_progress "$_R_ID"
        stalled=$(((_R_said < _R_now ? _R_said : _R_now) + _R_STALL))
        if ((_R_now >= stalled)); then
          timed=2
          _r_end_group
        fi
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
        ((idle)) || slice=10
        ((idle += slice))
        ((idle < 100)) || break
      fi
      ((slice *= 2))
      ((slice <= 250)) || slice=250 # a look costs: many runs at once would have their host look more than work
    fi
    ((left = (stage ? kill_at : until) - _R_now))
    ((left *= 10))
    ((stage == 2 || slice <= left)) || slice=$((left > 1 ? left : 1))
    printf -v pause '%d.%03d' $((slice / 1000)) $((slice % 1000))
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
  _R_head="finished $code $timed $cancelled $truncated $took ${#out} ${#err}" _R_ran=$_R_BOOT _R_stdout=$out _R_stderr=$err
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
