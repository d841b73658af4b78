# The process of one run, from its fork to the script's verb.
# shellcheck disable=SC2153,SC2154 # what the other parts set

# A run's header: run ID EPOCH HASH VERB DEADLINE STALL CAP GRACE NAME=LENGTH… NAME[]=COUNT:LENGTH,… whose values are in _R_IN.
_r_parse() {
  local _R_word _R_lengths _R_length
  _R_ID=$2 _R_RUN_EPOCH=$3 _R_HASH=$4 _R_VERB=$5
  _R_NAMES=() _R_COUNTS=() _R_VALUES=()
  for _R_word in "${@:10}"; do
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
  { read -r _ && read -r _R_header; } <"$_R_FILE" && [[ $_R_header == "go $BASHPID $_R_start ." ]] || exit 125
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

# Forks the process of the next run, which waits on _R_rd_go. Sets _R_child, and _R_rd_out, _R_rd_err to hear it.
_r_prepare() {
  local _R_wr_out _R_wr_err
  _r_pipe
  _R_rd_out=$_R_rd _R_wr_out=$_R_wr
  _r_pipe
  _R_rd_err=$_R_rd _R_wr_err=$_R_wr
  set -m
  _r_script >&"$_R_wr_out" 2>&"$_R_wr_err" {_R_wr_out}>&- {_R_wr_err}>&- &
  # shellcheck disable=SC2128
  _R_child=$!
  set +m
  exec {_R_wr_out}>&- {_R_wr_err}>&-
}
