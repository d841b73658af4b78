#!/usr/bin/env bash
# ---
# name: volume_file
# summary: A volume as a sparse file, in a directory of its own. It grows, and never shrinks.
# parameters:
#   path: {type: path, required: true}
#   gigabytes: {type: integer, min: 1, max: 1024, required: true, verbs: [build, read]}
# verbs:
#   build: {deadline: 20s}
#   read: {deadline: 10s}
#   scrub: {deadline: 60s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

build() {
  check path path
  check integer gigabytes
  local wanted=$((gigabytes << 30)) there=0
  if [[ -e $path ]]; then there=$(must stat -c %s -- "$path") || exit; fi
  ((there <= wanted)) || fail "$path has $there bytes, which is more than the $gigabytes GiB that are wanted"
  if [[ ! -e $path ]] || ((there < wanted)); then
    must truncate --size "$wanted" -- "$path"
    changed "$path has $gigabytes GiB"
  fi
  conclude
}

read() {
  check path path
  check integer gigabytes
  if [[ ! -e $path ]]; then
    fact state absent
  elif (($(stat -c %s -- "$path") == gigabytes << 30)); then
    fact state present
  else
    fact state differs
  fi
}

scrub() {
  check path path
  if [[ -e $path ]]; then
    must rm -f -- "$path"
    changed "removed $path"
  fi
  conclude
}
