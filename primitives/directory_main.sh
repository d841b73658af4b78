#!/usr/bin/env bash
# ---
# name: directory_main
# summary: A directory for a resource's files. A file .regent-owner in it says whose it is; scrub removes it with its contents.
# parameters:
#   path: {type: path, required: true}
#   owner: {type: mark, required: true, about: whose it is}
#   mode: {type: mode, default: "0700", verbs: [build], about: octal}
#   adopt: {type: boolean, default: "false", verbs: [build], about: take over a directory that regent did not make}
# verbs:
#   build: {deadline: 15s}
#   read: {deadline: 15s}
#   scrub: {deadline: 60s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

owner_of() { # DIRECTORY
  if [[ -f $1/.regent-owner && ! -L $1/.regent-owner ]]; then cat "$1/.regent-owner"; fi
}

# What is at the path: absent, directory, or something that is not ours to touch.
look() {
  if [[ -L $path ]]; then
    echo link
  elif [[ -d $path ]]; then
    echo directory
  elif [[ -e $path ]]; then
    echo file
  else
    echo absent
  fi
}

build() {
  local there
  check path path
  check mark owner
  check mode mode
  check boolean adopt
  there=$(look)
  case $there in
    absent) make ;;
    directory)
      if [[ $(owner_of "$path") != "$owner" ]]; then
        $adopt || fail "directory $path is there and is not regent's for this resource: remove it, or set policies.adopt_existing"
        must write_mark "$path"
        changed "adopted directory $path"
      fi
      ;;
    *) fail "$path is there and is a $there, not a directory" ;;
  esac
  if [[ 0$(stat -c %a -- "$path") != "$mode" ]]; then
    must chmod "$mode" -- "$path"
    changed "mode $mode on $path"
  fi
  conclude
}

write_mark() { printf '%s\n' "$owner" >"$1/.regent-owner"; }

# Under another name first: if we die in between, a directory of the wanted name never stands without its mark.
make() {
  local staging=${path%/*}/.regent-new-${path##*/}
  must mkdir -p -- "${path%/*}"
  must rm -rf --one-file-system -- "$staging"
  must mkdir -m "$mode" -- "$staging"
  must write_mark "$staging"
  must mv -T --no-clobber -- "$staging" "$path"
  [[ $(owner_of "$path") == "$owner" ]] || fail "$path was made by somebody else meanwhile"
  changed "made directory $path"
}

read() {
  local there
  check path path
  check mark owner
  there=$(look)
  if [[ $there != directory ]]; then
    fact state "$(if [[ $there == absent ]]; then echo absent; else echo differs; fi)"
    return 0
  fi
  fact owner "$(owner_of "$path")"
  fact mode "0$(stat -c %a -- "$path")"
  fact state "$(if [[ $(owner_of "$path") == "$owner" ]]; then echo present; else echo differs; fi)"
}

# Renamed first, so that a scrub that is cut short leaves no half-empty directory under the name.
scrub() {
  local staging=${path%/*}/.regent-new-${path##*/}
  check path path
  check mark owner
  if [[ $(look) == directory && $(owner_of "$path") == "$owner" ]]; then
    must rm -rf --one-file-system -- "$staging"
    must mv -T -- "$path" "$staging"
    changed "removed directory $path"
  fi
  if [[ -d $staging && ! -L $staging ]]; then must rm -rf --one-file-system -- "$staging"; fi
  conclude
}
