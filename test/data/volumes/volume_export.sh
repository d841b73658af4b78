#!/usr/bin/env bash
# ---
# name: volume_export
# summary: A line in the host's folder of exports, which its administrator has made, that says where a volume is.
# parameters:
#   name: {type: name, required: true}
#   path: {type: path, required: true, verbs: [build, read]}
# verbs:
#   build: {deadline: 10s}
#   read: {deadline: 10s}
#   scrub: {deadline: 10s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

exports=/var/lib/exports

is_exported() { [[ -f $exports/$name && $(<"$exports/$name") == "$path" ]]; }

build() {
  check name name
  check path path
  [[ -d $exports ]] || fail "there is no $exports on this host"
  if ! is_exported; then
    printf '%s\n' "$path" >"$exports/.new-$name" || fail "cannot write into $exports"
    must mv -T -- "$exports/.new-$name" "$exports/$name"
    changed "exported $path as $name"
  fi
  conclude
}

read() {
  check name name
  check path path
  if is_exported; then
    fact state present
  elif [[ -e $exports/$name ]]; then
    fact state differs
  else
    fact state absent
  fi
}

scrub() {
  check name name
  if [[ -e $exports/$name ]]; then
    must rm -f -- "$exports/$name"
    changed "no longer exported as $name"
  fi
  conclude
}
