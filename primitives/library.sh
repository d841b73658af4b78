#!/usr/bin/env bash
# The library of every primitive. A script as sent is this file and one primitive: it defines functions and runs nothing.
# The runner sources it in a subshell of its own, with the parameters set as variables, and calls the verb's function.
#
# What a verb may count on: bash 4.4 or later, iproute2, util-linux, nft 1.0.6, root. What it must do:
#   exit 0 done (said `changed …` or `unchanged`) · 65 a parameter is wrong · 75 try again later · else failed, stderr says why.
#
# Whose a thing is stands in the kernel, where `ip link` shows it, and goes when the thing goes: the alias of a link, and
# for a namespace the alias of its lo. Inside a namespace of ours every veth, vlan and vxlan link is ours.
# shellcheck disable=SC2034 # seen_… and regent_… are read by the primitives

set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
IFS=$' \t\n'

regent_changes=0
regent_lock_directory=/run/regent-host
regent_route_protocol=201 # marks our routes: `ip route show proto 201`
regent_table=regent       # our only nft table, in family inet

# --- what a verb says ---------------------------------------------------------------------------------------------

changed() { # what was done
  regent_changes=$((regent_changes + 1))
  printf 'changed %s\n' "${*//[[:cntrl:]]/ }"
}

unchanged() { printf 'unchanged\n'; }

conclude() { # the last word of a verb that changes things
  if ((regent_changes == 0)); then unchanged; fi
}

left_alone() { # WHAT: seen, and not touched because it is not ours
  printf 'left alone: %s\n' "${*//[[:cntrl:]]/ }"
}

fact() { # NAME VALUE: what `read` found
  printf 'fact %s %s\n' "$1" "${2//[[:cntrl:]]/ }"
}

# How far the verb is, for people, and for the verb's `stall`: 0 to 100, or - where that is not known, and a few words. The
# newest word replaces the one before, and is looked at when somebody wants to know: say as often as you like, it costs no
# process. What cannot be noted (a full disk) is not worth a failure of the verb.
progress() { # PERCENT WORDS…
  local regent_percent=$1 regent_words=${*:2} regent_uptime=0
  if [[ -z ${REGENT_RUN-} ]]; then return 0; fi # not run by the runner
  case $regent_percent in
    [0-9] | [1-9][0-9] | 100) ;;
    *) regent_percent=- ;;
  esac
  regent_words=${regent_words//[[:cntrl:]]/ }
  regent_words=${regent_words:0:200}
  builtin read -r regent_uptime _ </proc/uptime
  # Written over in place by one write, without emptying it first: nobody finds half of it, and no file system hurries it
  # to the disk.
  printf '%s %s %d:%s.' "${regent_uptime/./}" "$regent_percent" ${#regent_words} "$regent_words" \
    2>/dev/null 1<>"$REGENT_STATE_DIR/runs/$REGENT_RUN.progress" || true
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

try_again() {
  printf '%s\n' "$*" >&2
  exit 75
}

bad_parameter() { # NAME WHY
  printf 'parameter %s: %s\n' "$1" "$2" >&2
  exit 65
}

# A command that must succeed; its own stderr stands before ours. Holds also where the caller switched errexit off.
must() {
  "$@" || fail "failed with exit code $?: $*"
}

# --- parameters: the planner has checked them strictly; here is the second look, before a tool sees them -------------

check() { # TYPE VARIABLE…: every value (of a list: every element) is of the type
  local regent_type=$1 regent_name regent_value
  for regent_name in "${@:2}"; do
    [[ $(declare -p "$regent_name" 2>/dev/null) == 'declare -'*"$regent_name="* ]] || bad_parameter "$regent_name" 'is missing'
    local -n regent_values=$regent_name
    for regent_value in "${regent_values[@]}"; do
      is "$regent_type" "$regent_value" || bad_parameter "$regent_name" "'$regent_value' is not of type $regent_type"
    done
    unset -n regent_values
  done
}

check_table() { # NAME COLUMN…: NAME_count is a number, and each array NAME_COLUMN has that many rows
  local regent_column
  check integer "$1_count"
  local -n regent_rows=$1_count
  for regent_column in "${@:2}"; do
    local -n regent_values=$1_$regent_column
    ((${#regent_values[@]} == regent_rows)) || bad_parameter "$1" "column $regent_column has not $regent_rows rows"
    unset -n regent_values
  done
  unset -n regent_rows
}

given() { # TYPE VARIABLE…: the same, but an empty value means that it is not given
  local regent_given
  for regent_given in "${@:2}"; do
    if [[ -n ${!regent_given-} ]]; then check "$1" "$regent_given"; fi
  done
}

is() { # TYPE VALUE
  local address='([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)'
  case $1 in
    text) [[ $2 != *[[:cntrl:]]* ]] ;;
    mark) [[ $2 =~ ^[A-Za-z0-9_./:@-]{1,200}$ ]] ;;
    name) [[ $2 =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$ ]] ;;
    identifier) [[ $2 =~ ^[A-Za-z_][A-Za-z0-9_]{0,30}$ ]] ;;
    boolean) [[ $2 == true || $2 == false ]] ;;
    integer) [[ $2 =~ ^(0|[1-9][0-9]{0,9})$ ]] ;;
    interface) [[ $2 =~ ^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$ && $2 != . && $2 != .. ]] ;;
    namespace) [[ $2 =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$ ]] ;;
    address) [[ $2 =~ ^${address}$ ]] ;;
    prefix | network) [[ $2 =~ ^${address}/[0-9]{1,3}$ ]] ;;
    endpoint) is prefix "$2" || [[ $2 =~ ^@[A-Za-z_][A-Za-z0-9_]{0,30}$ ]] ;;
    prefixes) [[ $2 =~ ^(${address}/[0-9]{1,3}(,${address}/[0-9]{1,3})*)?$ ]] ;;
    ports) [[ $2 =~ ^([0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*)?$ ]] ;;
    path) [[ $2 =~ ^(/[A-Za-z0-9_@+:.,-]+)+$ && $2/ != */../* && $2/ != */./* ]] ;;
    mode) [[ $2 =~ ^0[0-7]{3}$ ]] ;;
    *) fail "the primitive checks for a type that does not exist: $1" ;;
  esac
}

is_one_of() { # VARIABLE WORD…
  contains "${!1-}" "${@:2}" || bad_parameter "$1" "'${!1-}' is none of: ${*:2}"
}

family_of() { # ADDRESS OR PREFIX: 4 or 6, for `ip -4` and `ip -6`
  if [[ $1 == *:* ]]; then echo 6; else echo 4; fi
}

same_family() { # ADDRESS OR PREFIX, twice
  [[ $1 == *:* && $2 == *:* || $1 != *:* && $2 != *:* ]]
}

# --- one at a time: what several resources share on a host ------------------------------------------------------------

with_lock() { # NAME COMMAND…: holds the host's lock of that name; ends with this process, however that ends
  must mkdir -p "$regent_lock_directory"
  local held
  exec {held}>"$regent_lock_directory/$1.lock" || fail "cannot open the lock $regent_lock_directory/$1.lock"
  flock -w 20 "$held" || try_again "another run holds the lock of $1"
  "${@:2}"
  exec {held}>&-
}

# --- namespaces -------------------------------------------------------------------------------------------------------

in_namespace() { # NAMESPACE COMMAND…
  nsenter --net="/run/netns/$1" -- "${@:2}"
}

namespace_exists() { # NAMESPACE: and is one; the empty file that an interrupted `ip netns add` leaves is none
  [[ -e /run/netns/$1 ]] && ip -n "$1" link show dev lo >/dev/null 2>&1
}

# A namespace that is somebody else's is to us as if it were not there, except that building in it fails.
our_namespace() { # NAMESPACE OWNER
  namespace_exists "$1" && see_link "$1" lo && [[ $seen_alias == "$2" ]]
}

need_namespace() { # NAMESPACE OWNER
  namespace_exists "$1" || fail "there is no namespace $1 on this host"
  our_namespace "$1" "$2" || fail "namespace $1 is not regent's (the alias of its lo is '$seen_alias', not '$2')"
}

# --- links ------------------------------------------------------------------------------------------------------------

# Looks at a link; fills seen_*. NAMESPACE is empty for the host's own. False if there is none; any other trouble fails.
see_link() { # NAMESPACE LINK
  local line words word previous='' section=0 options=(-d -o)
  if [[ -n $1 ]]; then options=(-n "$1" "${options[@]}"); fi
  seen_index='' seen_peer='' seen_kind='' seen_alias='' seen_master='' seen_mtu='' seen_up=false seen_id='' seen_line=''
  if ! line=$(ip "${options[@]}" link show dev "$2" 2>&1); then
    [[ $line == *'does not exist.' ]] || fail "cannot look at link $2: $line"
    return 1
  fi
  seen_line=${line%%'\    alias '*}
  if [[ $line == *'\    alias '* ]]; then seen_alias=${line#*'\    alias '}; fi
  builtin read -ra words <<<"$seen_line"
  seen_index=${words[0]%:}
  if [[ ${words[1]} == *@if* ]]; then
    seen_peer=${words[1]#*@if}
    seen_peer=${seen_peer%:}
  fi
  if [[ ${words[2]} =~ [\<,]UP[,\>] ]]; then seen_up=true; fi
  for word in "${words[@]:3}"; do
    case $previous in
      mtu) seen_mtu=${seen_mtu:-$word} ;;
      master) seen_master=${seen_master:-$word} ;;
      id) seen_id=${seen_id:-$word} ;;
      *\\)
        section=$((section + 1))
        if ((section == 2)); then seen_kind=$word; fi
        ;;
    esac
    previous=$word
  done
}

# Names of the links of a namespace that regent makes (a vlan that was moved in, a veth end), one per line.
links_of() { # NAMESPACE
  local kind line name
  for kind in veth vlan vxlan; do
    line=$(ip -n "$1" -o link show type "$kind") || fail "cannot list the links of namespace $1"
    while builtin read -r _ name _; do
      name=${name%:}
      if [[ -n $name ]]; then printf '%s\n' "${name%%@*}"; fi
    done <<<"$line"
  done
}

set_mtu() { # NAMESPACE LINK MTU: after see_link
  if [[ $seen_mtu == "$3" ]]; then return 0; fi
  must ip ${1:+-n "$1"} link set dev "$2" mtu "$3"
  changed "mtu $3 on $2"
}

# The address of a link of ours: always the same, so that neighbours need not learn a new one when the link is made again,
# or the other node of a pair takes over (its links were down until then).
mac_of() { # OWNER LINK
  local sum
  sum=$(sha256sum <<<"$1 $2") || fail 'sha256sum does not work'
  printf '02:%s:%s:%s:%s:%s\n' "${sum:0:2}" "${sum:2:2}" "${sum:4:2}" "${sum:6:2}" "${sum:8:2}"
}

# --- bridges: shared by several resources, so always under the bridge's lock -------------------------------------------

# A bridge that is there is used as it is if it is not ours. A new one is marked before it gets its name.
ensure_bridge() { # BRIDGE OWNER MTU
  local staging
  if see_link '' "$1"; then
    [[ $seen_kind == bridge ]] || fail "$1 is there but is no bridge"
    if [[ $seen_alias != "$2" ]]; then
      $seen_up || fail "bridge $1 is down, and it is not regent's to set up (its alias is '$seen_alias', not '$2')"
      return 0
    fi
  else
    staging=rgt$BASHPID
    if see_link '' "$staging"; then must ip link delete dev "$staging"; fi
    must ip link add name "$staging" mtu "$3" type bridge
    must ip link set dev "$staging" alias "$2"
    must ip link set dev "$staging" name "$1"
    changed "made bridge $1"
    see_link '' "$1" || fail "bridge $1 went away while it was being made"
  fi
  if ! $seen_up; then
    must ip link set dev "$1" up
    changed "bridge $1 up"
  fi
}

# Removes a bridge if it is ours and nobody uses it.
release_bridge() { # BRIDGE OWNER
  local ports
  see_link '' "$1" || return 0
  if [[ $seen_kind != bridge || $seen_alias != "$2" ]]; then return 0; fi
  ports=$(ip -o link show master "$1") || fail "cannot list the ports of bridge $1"
  if [[ -n $ports ]]; then return 0; fi
  must ip link delete dev "$1"
  changed "removed bridge $1"
}

# A veth pair: HOST_LINK on the host, in the bridge and marked; LINK in the namespace, down. It is made inside the
# namespace, marked there, and then moved out: at no moment is a link of ours on the host without its mark.
veth_into_bridge() { # HOST_LINK LINK NAMESPACE BRIDGE OWNER MTU
  local mac
  remove_half_pair "$1" "$2" "$3" "$5"
  if ! see_link '' "$1"; then
    mac=$(mac_of "$5" "$2")
    must ip -n "$3" link add name "$2" address "$mac" mtu "$6" type veth peer name "$1" mtu "$6"
    must ip -n "$3" link set dev "$1" alias "$5"
    must ip -n "$3" link set dev "$1" netns "$BASHPID"
    changed "made $2 in $3 with $1 on the host"
    see_link '' "$1" || fail "link $1 went away while it was being made"
  fi
  set_mtu '' "$1" "$6"
  if [[ $seen_master != "$4" ]]; then
    must ip link set dev "$1" master "$4"
    changed "$1 into bridge $4"
  fi
  if ! $seen_up; then
    must ip link set dev "$1" up
    changed "$1 up"
  fi
  see_link "$3" "$2" || fail "link $2 is not in namespace $3"
  set_mtu "$3" "$2" "$6"
}

# What an interrupted run, or a hand, left of a pair; afterwards both ends are there or neither.
remove_half_pair() { # HOST_LINK LINK NAMESPACE OWNER
  local index='' peer=''
  if see_link '' "$1"; then
    [[ $seen_alias == "$4" ]] || fail "link $1 on this host is not regent's for this resource: its alias is '$seen_alias'"
    index=$seen_index peer=$seen_peer
    if see_link "$3" "$2" && [[ $seen_kind == veth && $seen_peer == "$index" && $seen_index == "$peer" ]]; then return 0; fi
    must ip link delete dev "$1"
    changed "removed $1, which had lost its other end"
  fi
  if see_link "$3" "$1"; then must ip -n "$3" link delete dev "$1"; fi
  if see_link "$3" "$2"; then
    must ip -n "$3" link delete dev "$2"
    changed "removed $2 from $3, which had lost its other end"
  fi
}

remove_veth() { # HOST_LINK OWNER
  see_link '' "$1" || return 0
  if [[ $seen_alias != "$2" ]]; then return 0; fi
  must ip link delete dev "$1"
  changed "removed $1"
}

# --- lists ------------------------------------------------------------------------------------------------------------

contains() { # WORD WORD…: the first is among the rest
  local word
  for word in "${@:2}"; do
    if [[ $word == "$1" ]]; then return 0; fi
  done
  return 1
}
