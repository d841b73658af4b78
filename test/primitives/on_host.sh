#!/usr/bin/env bash
# What the conformance tests share: a machine of their own, running a primitive the way the runner does, and checks.
# Sourced. Needs REGENT_SOURCE (the source tree).
set -euo pipefail
export LC_ALL=C

source_tree=${REGENT_SOURCE:?}
checks=0
# shellcheck disable=SC2034 # the scripts add to it
skipped=()

skip_all() {
  printf 'SKIPPED: %s\n' "$*"
  exit 77
}

# Starts this script again in network, mount and process namespaces of its own; what it makes goes with them.
own_machine() {
  ((EUID == 0)) || skip_all 'needs root'
  if [[ -z ${REGENT_OWN_MACHINE-} ]]; then
    unshare --net --mount --pid --fork true 2>/dev/null || skip_all 'this machine allows no namespaces'
    REGENT_OWN_MACHINE=1 exec unshare --net --mount --pid --fork --mount-proc --kill-child -- bash "$0" "$@"
  fi
  mount --make-rprivate /
  mount -t tmpfs tmpfs /run
  mkdir /run/netns
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  ip link set dev lo up
  echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits
  # A veth, a namespace, a bridge and nft with nat are what every part needs.
  { ip netns add probe && ip link add pr0 type bridge && ip link add pr1 type veth peer name pr2 &&
    unshare --net nft -f - <<<'table inet t { chain c { type nat hook postrouting priority 0; masquerade; }; }'; } \
    2>"$work/probe" || skip_all "the kernel lacks something: $(<"$work/probe")"
  ip netns delete probe
  ip link delete dev pr0
  ip link delete dev pr1
}

die() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

ok() { # SENTENCE: the check before it held
  checks=$((checks + 1))
  printf 'ok %d - %s\n' "$checks" "$1"
}

expect() { # SENTENCE COMMAND…
  "${@:2}" || die "$1"
  ok "$1"
}

expect_not() { # SENTENCE COMMAND…
  if "${@:2}"; then die "$1"; fi
  ok "$1"
}

# Waits for a condition; a test never sleeps a guessed time.
eventually() { # SECONDS COMMAND…
  local until=$((SECONDS + $1))
  until "${@:2}"; do
    if ((SECONDS >= until)); then return 1; fi
    builtin read -rt 0.05 <> <(:) || true
  done
}

list_words() { # WORDS: quoted for bash
  local words word
  builtin read -ra words <<<"$1"
  for word in "${words[@]}"; do
    if [[ $word == - ]]; then word=''; fi
    printf '%q ' "$word"
  done
}

has_link() { # [-n NAMESPACE] LINK
  ip "${@:1:$#-1}" link show dev "${*: -1}" >/dev/null 2>&1
}

# A run as the runner makes it: parameters as variables (name=value; list name:=word word, where - is an empty word), the
# script sourced, the verb called. What it says is left in $out and $err, its exit code in $code.
try() { # PRIMITIVE VERB PARAMETER…
  local parameter
  {
    for parameter in "${@:3}"; do
      case ${parameter%%=*} in
        *:) printf '%s=(%s)\n' "${parameter%%:=*}" "$(list_words "${parameter#*:=}")" ;;
        *) printf '%s=%q\n' "${parameter%%=*}" "${parameter#*=}" ;;
      esac
    done
    cat "$source_tree/primitives/library.sh" "$source_tree/primitives/$1.sh"
    printf '%s\n' "$2"
  } >"$work/script"
  code=0
  bash "$work/script" >"$work/out" 2>"$work/err" </dev/null || code=$?
  out=$(<"$work/out") err=$(<"$work/err")
}

run() { # PRIMITIVE VERB PARAMETER…: must succeed
  try "$@"
  ((code == 0)) || die "$1 $2 ended with $code: $err"
  # shellcheck disable=SC2016
  [[ -z $err ]] || die "$1 $2 succeeded but complained: $err"
}

said() { [[ $'\n'$out$'\n' == *$'\n'"$1"$'\n'* ]]; }
said_changed() { [[ $'\n'$out == *$'\n''changed '* ]]; }

# Everything that a network primitive could change, in one text without counters.
machine_state() {
  local name
  ip -j -d link
  ip -j address
  ip -j route show table all
  ip -j -6 route show table all
  bridge -j fdb
  nft -s list ruleset
  for name in $(ip netns list | cut -d' ' -f1 | sort); do
    printf '\n%s\n' "$name"
    ip -n "$name" -j -d link
    ip -n "$name" -j address
    ip -n "$name" -j route show table all
    ip -n "$name" -j -6 route show table all
    bridge -n "$name" -j fdb
    ip netns exec "$name" nft -s list ruleset
  done
}

# The kernel looks for duplicates of IPv6's link-local addresses by itself for a while after a link came up.
is_calm() {
  local name
  [[ -z $(ip -o address show tentative) ]] || return 1
  for name in $(ip netns list | cut -d' ' -f1); do
    [[ -z $(ip -n "$name" -o address show tentative) ]] || return 1
  done
}

calm_state() {
  eventually 10 is_calm || die 'the machine does not come to rest'
  # Timers tick by themselves, and what follows from a lost carrier comes up to a second later.
  machine_state | sed -E 's/"(hello_timer|gc_timer|tcn_timer|topology_change_timer|hold_timer|message_age_timer|forward_delay_timer|expires|used)":[0-9.]+//g
    s/"(operstate|state)":"[a-zA-Z]+"//g; s/"(NO-CARRIER|LOWER_UP|M-DOWN|linkdown|dead)",?//g; s/,\]/]/g'
}

reads_without_change() { # PRIMITIVE PARAMETER…
  local before after
  before=$(calm_state)
  run "$1" read "${@:2}"
  after=$(calm_state)
  [[ $before == "$after" ]] || die "$1 read changed something: $(diff <(printf '%s' "$before") <(printf '%s' "$after"))"
}
