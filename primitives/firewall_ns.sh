#!/usr/bin/env bash
# ---
# name: firewall_ns
# summary: The whole ruleset of a router's namespace, replaced at once. Default firewall, named sets, rules, 1:1 NAT, masquerade.
# parameters:
#   namespace: {type: namespace, required: true}
#   owner: {type: mark, required: true, about: whose the namespace is}
#   label: {type: name, required: true, verbs: [build, read], about: "begins the lines that logged rules write"}
#   public_device: {type: interface, default: "", verbs: [build, read], about: the link to the public network; empty if there is none}
#   networks:
#     type: table
#     default: []
#     verbs: [build, read]
#     columns: {device: {type: interface}, prefix: {type: prefix, disjoint: true}}
#     about: the tenant networks
#   sets:
#     type: table
#     default: []
#     verbs: [build, read]
#     columns: {name: {type: identifier, unique: true}, family: {type: choice, of: [ipv4, ipv6]}, elements: {type: prefixes}}
#     about: named sets, which rules name as @NAME; @PRIVATE and @PRIVATE6 are there always
#   rules:
#     type: table
#     default: []
#     verbs: [build, read]
#     columns:
#       id: {type: name}
#       allow: {type: boolean}
#       log: {type: boolean, default: "false"}
#       protocol: {type: choice, of: [any, icmp, tcp, udp]}
#       source: {type: endpoint}
#       destination: {type: endpoint}
#       port: {type: ports, default: ""}
#     same_family: [[source, destination]]
#     about: the project's rules; the first that fits decides
#   nat:
#     type: table
#     default: []
#     verbs: [build, read]
#     columns: {public: {type: address, unique: true}, private: {type: address, unique: true}}
#     same_family: [[public, private]]
#     about: 1:1 NAT
# verbs:
#   build: {deadline: 60s}
#   read: {deadline: 60s}
#   scrub: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

check_parameters() {
  check namespace namespace
  check mark owner
  check name label
  given interface public_device
  check_table networks device prefix
  check_table sets name family elements
  check_table rules id allow log protocol source destination port
  check_table nat public private
  check interface networks_device
  check prefix networks_prefix
  check identifier sets_name
  check prefixes sets_elements
  check name rules_id
  check boolean rules_allow rules_log
  check endpoint rules_source rules_destination
  check ports rules_port
  check address nat_public nat_private
}

# --- rendering: every value that enters passed one of the checks above --------------------------------------------------

# The table as it is to be. The chains are always the same four: see `apply`.
render() {
  printf 'table inet %s {\n' "$regent_table"
  render_sets
  render_forward
  render_input
  render_nat
  printf '}\n'
}

render_set() { # NAME ipv4|ipv6 ELEMENTS
  printf '  set %s {\n    type %s_addr\n    flags interval\n    auto-merge\n' "$1" "$2"
  if [[ -n $3 ]]; then printf '    elements = { %s }\n' "$3"; fi
  printf '  }\n'
}

# The project's sets get a prefix, so that no name of theirs can be a word of nft or a set of ours.
render_sets() {
  local row four='' six=''
  render_set PRIVATE ipv4 10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16
  render_set PRIVATE6 ipv6 fc00::/7
  for ((row = 0; row < networks_count; row++)); do
    case ${networks_prefix[row]} in
      *:*) six+=${six:+,}${networks_prefix[row]} ;;
      *) four+=${four:+,}${networks_prefix[row]} ;;
    esac
  done
  render_set TENANT ipv4 "$four"
  render_set TENANT6 ipv6 "$six"
  for ((row = 0; row < sets_count; row++)); do
    [[ ${sets_family[row]} == ipv4 || ${sets_family[row]} == ipv6 ]] || bad_parameter sets "no family '${sets_family[row]}'"
    render_set "s_${sets_name[row]}" "${sets_family[row]}" "${sets_elements[row]}"
  done
}

tenant_devices() {
  local row seen=() list=''
  for ((row = 0; row < networks_count; row++)); do
    if contains "${networks_device[row]}" "${seen[@]}"; then continue; fi
    seen+=("${networks_device[row]}")
    list+="${list:+, }\"${networks_device[row]}\""
  done
  printf '%s' "$list"
}

render_forward() {
  local devices row
  devices=$(tenant_devices)
  printf '  chain forward {\n    type filter hook forward priority filter; policy drop;\n'
  printf '    ct state vmap { invalid : drop, established : accept, related : accept }\n'
  if [[ -n $public_device ]]; then
    printf '    iifname "%s" ip saddr @TENANT drop comment "spoofed"\n' "$public_device"
    printf '    iifname "%s" ip6 saddr @TENANT6 drop comment "spoofed"\n' "$public_device"
  fi
  # Without these, paths with a small MTU hang: no rule of a project may cut them off.
  printf '    icmp type { destination-unreachable, time-exceeded, parameter-problem } accept\n'
  printf '    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept\n'
  for ((row = 0; row < rules_count; row++)); do render_rule "$row"; done
  if [[ -n $public_device && -n $devices ]]; then
    printf '    iifname { %s } oifname "%s" accept comment "outward"\n' "$devices" "$public_device"
  fi
  printf '    counter drop comment "default"\n  }\n'
}

render_input() {
  printf '  chain input {\n    type filter hook input priority filter; policy drop;\n'
  printf '    ct state vmap { invalid : drop, established : accept, related : accept }\n'
  printf '    iifname "lo" accept\n    meta l4proto { icmp, icmpv6 } accept\n'
  printf '    counter drop comment "default"\n  }\n'
}

# The functions below leave what they find in `answer`: a subshell for each would make a thousand rules slow.
render_rule() { # ROW
  local source=${rules_source[$1]} destination=${rules_destination[$1]} family verdict=drop match=''
  find_family "$source"
  family=$answer
  find_family "$destination"
  [[ $family == "$answer" ]] || bad_parameter rules "rule ${rules_id[$1]}: $source and $destination are of different families"
  match_endpoint "$family" saddr "$source"
  match+=$answer
  match_endpoint "$family" daddr "$destination"
  match+=$answer
  if [[ -z $match ]]; then match="meta nfproto ipv$family "; fi
  match_protocol "$family" "$1"
  match+="${answer}counter "
  if ${rules_log[$1]}; then match+="log prefix \"regent $label rule ${rules_id[$1]} \" "; fi
  if ${rules_allow[$1]}; then verdict=accept; fi
  printf '    %s%s comment "rule %s"\n' "$match" "$verdict" "${rules_id[$1]}"
}

find_family() { # PREFIX or @SET: 4 or 6
  local row
  answer=''
  case $1 in
    @PRIVATE) answer=4 ;;
    @PRIVATE6) answer=6 ;;
    @*)
      for ((row = 0; row < sets_count; row++)); do
        if [[ @${sets_name[row]} == "$1" ]]; then answer=${sets_family[row]#ipv}; fi
      done
      [[ -n $answer ]] || bad_parameter rules "there is no set $1"
      ;;
    *:*) answer=6 ;;
    *) answer=4 ;;
  esac
}

match_endpoint() { # FAMILY saddr|daddr PREFIX or @SET
  local word=ip
  if [[ $1 == 6 ]]; then word=ip6; fi
  case $3 in
    */0) answer='' ;;
    @PRIVATE | @PRIVATE6) answer="$word $2 $3 " ;;
    @*) answer="$word $2 @s_${3#@} " ;;
    *) answer="$word $2 $3 " ;;
  esac
}

match_protocol() { # FAMILY ROW
  local ports=${rules_port[$2]}
  answer=''
  case ${rules_protocol[$2]} in
    any) if [[ -n $ports ]]; then answer="meta l4proto { tcp, udp } th dport { $ports } "; fi ;;
    icmp)
      [[ -z $ports ]] || bad_parameter rules "rule ${rules_id[$2]}: icmp has no ports, but '$ports' is given"
      if [[ $1 == 6 ]]; then answer='meta l4proto icmpv6 '; else answer='meta l4proto icmp '; fi
      ;;
    tcp | udp)
      answer="meta l4proto ${rules_protocol[$2]} "
      if [[ -n $ports ]]; then answer="${rules_protocol[$2]} dport { $ports } "; fi
      ;;
    *) bad_parameter rules "rule ${rules_id[$2]}: no protocol '${rules_protocol[$2]}'" ;;
  esac
}

# A machine that reaches a neighbour by its public address gets its answer through the router, hence the last rule.
render_nat() {
  local row word
  printf '  chain prerouting {\n    type nat hook prerouting priority dstnat; policy accept;\n'
  for ((row = 0; row < nat_count; row++)); do
    word=$(nat_word "${nat_public[row]}" "${nat_private[row]}")
    printf '    %s daddr %s dnat %s to %s\n' "$word" "${nat_public[row]}" "$word" "${nat_private[row]}"
  done
  printf '  }\n  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n'
  if [[ -n $public_device ]]; then
    for ((row = 0; row < nat_count; row++)); do
      word=$(nat_word "${nat_public[row]}" "${nat_private[row]}")
      printf '    oifname "%s" %s saddr %s snat %s to %s\n' "$public_device" "$word" "${nat_private[row]}" "$word" "${nat_public[row]}"
    done
    printf '    oifname "%s" ip saddr @PRIVATE masquerade\n' "$public_device"
    printf '    oifname != "%s" ct status dnat ip saddr @PRIVATE masquerade\n' "$public_device"
  fi
  printf '  }\n'
}

nat_word() { # PUBLIC PRIVATE: ip or ip6
  same_family "$1" "$2" || bad_parameter nat "$1 and $2 are of different families"
  if [[ $1 == *:* ]]; then echo ip6; else echo ip; fi
}

# --- comparing: both in the words of the same nft ------------------------------------------------------------------------

# The normal form of the wanted ruleset: loaded, for real, into a network namespace that nobody else sees and that goes at once.
wanted_form() { # RULESET
  # shellcheck disable=SC2016 # the inner shell expands
  unshare --net -- bash -c 'nft -f - && nft -s list table inet "$1"' _ "$regent_table" <<<"$1"
}

live_form() {
  local tables
  tables=$(in_namespace "$namespace" nft list tables) || fail "cannot list the nft tables of namespace $namespace"
  if [[ $'\n'$tables$'\n' != *$'\n'"table inet $regent_table"$'\n'* ]]; then return 0; fi
  in_namespace "$namespace" nft -s list table inet "$regent_table" || fail "cannot list the rules of namespace $namespace"
}

# One transaction that keeps the chains and changes what is in them: rules and sets go from old to new at one moment, and
# connections stay. Replacing the chains would not do: the kernel unhooks the old ones before the new ones have their policy.
apply() { # RULESET LIVE
  local line
  {
    while builtin read -r line; do
      if [[ $line =~ ^chain\ ([A-Za-z0-9_]+)\ \{$ ]]; then printf 'flush chain inet %s %s\n' "$regent_table" "${BASH_REMATCH[1]}"; fi
    done <<<"$2"
    while builtin read -r line; do
      if [[ $line =~ ^set\ ([A-Za-z0-9_]+)\ \{$ ]]; then printf 'delete set inet %s %s\n' "$regent_table" "${BASH_REMATCH[1]}"; fi
    done <<<"$2"
    printf '%s\n' "$1"
  } | in_namespace "$namespace" nft -f -
}

# For a table in which somebody put things that do not go by `apply`; the rule that ends each chain stands in for its policy.
replace() { # RULESET
  printf 'add table inet %s\ndelete table inet %s\n%s\n' "$regent_table" "$regent_table" "$1" |
    in_namespace "$namespace" nft -f -
}

build() {
  local ruleset wanted live
  check_parameters
  need_namespace "$namespace" "$owner"
  ruleset=$(render)
  wanted=$(wanted_form "$ruleset") || fail "nft refuses the ruleset of namespace $namespace"
  live=$(live_form)
  if [[ $live == "$wanted" ]]; then
    unchanged
    return 0
  fi
  if ! apply "$ruleset" "$live" 2>/dev/null || [[ $(live_form) != "$wanted" ]]; then
    replace "$ruleset" || fail "nft could not apply the ruleset in namespace $namespace"
  fi
  [[ $(live_form) == "$wanted" ]] || fail "the ruleset of namespace $namespace is not what was applied: somebody else changes it"
  changed "ruleset of $namespace: $rules_count rules, $networks_count networks, $nat_count addresses of 1:1 NAT"
}

read() {
  local ruleset wanted live
  check_parameters
  if ! our_namespace "$namespace" "$owner"; then
    fact state absent
    return 0
  fi
  ruleset=$(render)
  wanted=$(wanted_form "$ruleset") || fail "nft refuses the ruleset of namespace $namespace"
  live=$(live_form)
  if [[ -z $live ]]; then
    fact state absent
  elif [[ $live == "$wanted" ]]; then
    fact state present
  else
    fact state differs
    report_difference "$live" "$wanted"
  fi
}

report_difference() { # LIVE WANTED: at most 20 lines of it
  local mark line count=0
  while builtin read -r mark line; do
    case $mark in
      '<') fact not_wanted "$line" ;;
      '>') fact missing "$line" ;;
      *) continue ;;
    esac
    count=$((count + 1))
    if ((count == 20)); then break; fi
  done < <(diff <(printf '%s\n' "$1") <(printf '%s\n' "$2"))
}

scrub() {
  check namespace namespace
  check mark owner
  if our_namespace "$namespace" "$owner" && [[ -n $(live_form) ]]; then
    must in_namespace "$namespace" nft delete table inet "$regent_table"
    changed "removed the ruleset of $namespace"
  fi
  conclude
}
