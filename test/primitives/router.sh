#!/usr/bin/env bash
# A whole router, by the plans that regent makes: packets pass and are dropped as declared, a connection survives an edit
# of the firewall, no moment is without rules, removals are cleaned, quiesce, restart and scrub do what they say.
# $1: the program plan_script.
# shellcheck disable=SC2016 # nothing in single quotes is to expand
set -euo pipefail
# shellcheck source=test/primitives/on_host.sh
source "$REGENT_SOURCE/test/primitives/on_host.sh"
own_machine "$@"
plan_script=$1

# --- the world: a public bridge that is the operator's, a machine on it, and one in each tenant network ---------------
ip link add br-public type bridge
ip link set dev br-public up
machine() { # NAME BRIDGE ADDRESS GATEWAY [ADDRESS6 GATEWAY6]
  ip netns add "$1"
  ip link add "m-$1" type veth peer name eth0 netns "$1"
  ip link set dev "m-$1" master "$2" up
  ip -n "$1" link set dev lo up
  ip -n "$1" link set dev eth0 up
  ip -n "$1" address add "$3" dev eth0
  if [[ -n $4 ]]; then ip -n "$1" route add default via "$4"; fi
  if [[ -n ${5-} ]]; then
    ip -n "$1" address add "$5" dev eth0 nodad
    ip -n "$1" route add default via "$6"
  fi
}
machine world br-public 192.0.2.1/24 ''
ip netns add theirs
ip netns exec theirs nft add table inet regent

record() { # RULES NETWORKS ROUTES: lists as JSON
  cat <<JSON
{"id": 3, "name": "shop", "project": {"id": 7, "name": "shop"},
 "public": {"address": "192.0.2.10/24", "gateway": "192.0.2.1"},
 "networks": [$2], "rules": [$1], "routes": [$3],
 "nat": [{"public": "192.0.2.77", "private": "10.0.0.2"}],
 "sets": [{"name": "office", "family": "ipv4", "elements": ["192.0.2.0/28"]}]}
JSON
}
web='{"id": 1, "name": "web", "address": "10.0.0.1/24", "vlan": 1000}'
data='{"id": 2, "name": "data", "address": "10.0.1.1/24", "vlan": 1001}'
data6='{"id": 3, "name": "data6", "address": "2001:db8:1::1/64", "vlan": 1001}'
rule() { # ID ALLOW PROTOCOL SOURCE DESTINATION PORT
  printf '{"id": %s, "order": %s, "allow": %s, "log": false, "protocol": "%s", "source": "%s", "destination": "%s", "port": "%s"}' \
    "$1" "$1" "$2" "$3" "$4" "$5" "$6"
}
cat >"$work/region.yaml" <<YAML
region: test
cloud: {url: "http://127.0.0.1:1/", email: robot@example.com, password: {environment: P}, api_key: {environment: K}}
hosts:
  - {name: podnet-a, local: true, role: podnet, state_directory: $work/host}
podnet: {a: podnet-a, enabled: podnet-a}
networks: {tenant: {type: none}}
YAML

plan() { # OPERATION [quiesced]: its steps, as files
  rm -rf "$work/steps"
  mkdir "$work/steps"
  "$plan_script" "$1" "$work/record.json" "$work/region.yaml" podnet-a "$work/steps" ${2+"$2"} || die "no plan for $1"
}

# Runs the plan of an operation; $said has what each step said.
operate() { # OPERATION [quiesced]
  local step
  plan "$@"
  said=''
  for step in "$work"/steps/*; do
    bash "$step" >"$work/out" 2>"$work/err" </dev/null || die "$1: ${step##*/} failed: $(<"$work/err")"
    said+="${step##*/}: $(<"$work/out")"$'\n'
  done
}
nothing_changed() { [[ $said != *': changed '* && $said != *$'\n''changed '* ]]; }

# One request and its answer by TCP; the server echoes.
serve() { # NAMESPACE PORT
  ip netns exec "$1" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" EXEC:cat &
  servers+=("$!")
  eventually 10 listens "$1" "$2" || die "the server of $1 does not start"
}
listens() { [[ -n $(ip netns exec "$1" ss -Htln "sport = :$2") ]]; }
reaches() { # NAMESPACE ADDRESS PORT
  [[ $(ip netns exec "$1" timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2" && echo hello >&3 && read -r answer <&3 && echo "$answer"' _ "$2" "$3" 2>/dev/null) == hello ]]
}
is_cut_off() { # NAMESPACE ADDRESS PORT: the packets vanish; a refusal would be an answer
  local status=0
  ip netns exec "$1" timeout 1 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$2" "$3" 2>/dev/null || status=$?
  ((status == 124))
}
pings() { ip netns exec "$1" ping -nqc 1 -W 2 "$2" >/dev/null 2>&1; }
servers=()
for tool in socat ping ss; do command -v "$tool" >/dev/null || skip_all "needs $tool"; done

# --- build ----------------------------------------------------------------------------------------------------------------
before=$(calm_state)
rules="$(rule 1 true tcp 192.0.2.0/24 10.0.0.2/32 '80,8000-8010'), $(rule 2 true tcp 10.0.0.0/24 10.0.1.0/24 5432),
  $(rule 3 true icmp 0.0.0.0/0 10.0.0.2/32 ''), $(rule 4 false tcp 10.0.1.0/24 0.0.0.0/0 25)"
record "$rules" "$web, $data, $data6" '{"destination": "10.9.0.0/16", "gateway": "10.0.1.9", "metric": 50}' >"$work/record.json"
operate build
ok 'a router is built by its plan'
operate build
expect 'the same plan again changes nothing' nothing_changed
operate update
expect 'nor does an update without a change' nothing_changed
calm=$(calm_state)
operate read
expect_not 'read finds everything present' grep -qE 'state (absent|differs)' <<<"$said"
expect 'read changes nothing' test "$calm" = "$(calm_state)"

machine web br-t1000 10.0.0.2/24 10.0.0.1
machine data br-t1001 10.0.1.2/24 10.0.1.1 2001:db8:1::2/64 2001:db8:1::1
for name in web data world; do for port in 80 25 5432; do serve $name $port; done; done
# A server on the public side that 10.0.0.2's neighbours must not be able to pass for.
traffic_is_as_declared() {
  expect 'from outside, a port that is allowed is reached by its 1:1 address' reaches world 192.0.2.77 80
  expect 'from outside, a port that is not allowed is cut off' is_cut_off world 192.0.2.77 5432
  expect 'ICMP that is allowed passes' pings world 192.0.2.77
  expect 'the router itself answers ping' pings world 192.0.2.10
  expect 'the router itself offers no service' is_cut_off world 192.0.2.10 80
  expect 'a tenant reaches the outside' reaches data 192.0.2.1 80
  expect 'a tenant does not reach outside what a rule forbids' is_cut_off data 192.0.2.1 25
  expect 'a rule opens one network to another' reaches web 10.0.1.2 5432
  expect 'and nothing else' is_cut_off web 10.0.1.2 80
  expect 'nor the other way round' is_cut_off data 10.0.0.2 5432
  expect 'a tenant reaches its router by IPv6' pings data 2001:db8:1::1
}
traffic_is_as_declared
ip netns exec world socat TCP4-LISTEN:7777,fork,reuseaddr SYSTEM:'echo $SOCAT_PEERADDR' &
servers+=("$!")
eventually 10 listens world 7777 || die 'the server that names its peer does not start'
peer=$(ip netns exec data timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/7777 && read -r line <&3 && echo "$line"')
expect 'a private address leaves as the address of the router' test "$peer" = 192.0.2.10
peer=$(ip netns exec web timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/7777 && read -r line <&3 && echo "$line"')
expect 'an address of 1:1 NAT leaves as its own' test "$peer" = 192.0.2.77
expect 'the route of the record is there' test -n "$(ip -n r3 route show 10.9.0.0/16 via 10.0.1.9 metric 50)"

# From the public side with a tenant's address as the source: must not be believed.
ip -n world address add 10.0.0.66/32 dev eth0
ip -n world route add 10.0.1.0/24 via 192.0.2.10 src 10.0.0.66
expect 'a packet from outside with a tenant'"'"'s address is dropped' is_cut_off world 10.0.1.2 5432
ip -n world route delete 10.0.1.0/24
ip -n world address delete 10.0.0.66/32 dev eth0

# --- an edit of the firewall ------------------------------------------------------------------------------------------------
# One connection that is open all the time, and one probe that must never get through, while the rules change 40 times.
coproc long { ip netns exec world socat - TCP4:192.0.2.77:80; }
long_pid=$!
alive() { # SENTENCE
  local answer=''
  echo "$1" >&"${long[1]}"
  builtin read -rt 5 answer <&"${long[0]}" || true
  [[ $answer == "$1" ]]
}
expect 'a connection is open' alive first
ip netns exec world ping -nqi 0.002 192.0.2.10 >"$work/pings" 2>&1 &
pinger=$!
ip netns exec data bash -c 'while :; do echo leak >/dev/udp/10.0.0.2/9999; done' 2>/dev/null &
leaker=$!
ip netns exec web socat -u UDP4-RECV:9999 "OPEN:$work/leaked,creat,append" &
catcher=$!
for turn in {1..40}; do
  record "$(rule 9 true tcp 10.0.0.0/24 10.0.1.0/24 $((6000 + turn)))" "$web, $data, $data6" '' >"$work/record.json"
  plan update
  [[ $(bash "$work"/steps/*.firewall_ns.build) == changed* ]] || die "edit $turn was not applied"
  alive "turn $turn" || die "the connection died at edit $turn"
done
ok 'a connection survives 40 edits of the firewall, though no rule allows it any more'
kill -INT "$pinger"
wait "$pinger" || true
expect 'not one packet that is allowed is lost meanwhile' grep -q ' 0% packet loss' "$work/pings"
kill "$leaker" "$catcher"
wait "$leaker" "$catcher" 2>/dev/null || true
operate update
expect 'and not one that is not allowed gets through' test ! -s "$work/leaked"
kill "$long_pid"
wait "$long_pid" 2>/dev/null || true
expect 'a new connection by the rule that went is cut off' is_cut_off world 192.0.2.77 80
expect 'an update removes the route that went' test -z "$(ip -n r3 route show 10.9.0.0/16)"

# --- removals -----------------------------------------------------------------------------------------------------------------
record "$rules" "$web" '' >"$work/record.json"
operate update
expect_not 'a network that went is taken out of the router' has_link -n r3 n1001
expect 'its bridge stays while a machine is in it' has_link br-t1001
expect 'the network that stays is not disturbed' reaches world 192.0.2.77 80
record "$rules" "$web, $data, $data6" '{"destination": "10.9.0.0/16", "gateway": "10.0.1.9", "metric": 50}' >"$work/record.json"
operate update
traffic_is_as_declared

# --- quiesce, an update while quiesced, restart --------------------------------------------------------------------------------
operate quiesce
expect 'a quiesced router passes nothing' is_cut_off world 192.0.2.77 80
expect_not 'and does not answer' pings world 192.0.2.10
operate quiesce
expect 'quiesce again changes nothing' nothing_changed
operate update quiesced
expect 'an update of a quiesced router leaves it quiesced' is_cut_off world 192.0.2.77 80
operate restart
traffic_is_as_declared
mac=$(ip -n r3 -o link show dev public)
ip netns delete r3
eventually 10 eval '! has_link p3' || die 'the namespace does not go'
operate restart
eventually 10 reaches world 192.0.2.77 80 || die 'the router does not come back'
traffic_is_as_declared
operate scrub_prep
expect 'the first half of a scrub takes the router off the net' is_cut_off world 192.0.2.77 80
operate restart
expect 'and a restart undoes it' reaches world 192.0.2.77 80

now=$(ip -n r3 -o link show dev public)
expect 'the public link has the address that it had, so no neighbour has to learn' test "${mac##* link/ether }" = "${now##* link/ether }"

# --- scrub ----------------------------------------------------------------------------------------------------------------------
kill "${servers[@]}"
wait "${servers[@]}" 2>/dev/null || true
for name in web data; do
  ip link delete dev "m-$name"
  ip netns delete $name
done
operate scrub
expect_not 'after scrub the namespace is gone' ip netns exec r3 true 2>/dev/null
expect 'after scrub the machine is as it was' test "$before" = "$(calm_state)"
expect 'and so is its state directory' test ! -e "$work/host/resources/r3"
operate scrub
expect 'scrub again changes nothing' nothing_changed

# --- where somebody else has the name ----------------------------------------------------------------------------------------------
ip netns add r3
ip netns exec r3 nft add table inet regent
before=$(calm_state)
plan build
expect_not 'a foreign namespace of the router'"'"'s name stops the build' bash "$work/steps/001.ns.build" 2>/dev/null
operate quiesce
operate scrub
expect 'and neither quiesce nor scrub touches it' test "$before" = "$(calm_state)"
for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
printf '%d checks held\n' "$checks"
