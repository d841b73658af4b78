#!/usr/bin/env bash
# Every primitive through: read, scrub without build, build, build again, read, scrub, scrub again, on a real kernel.
# The parameters of a primitive are the same for all verbs; each verb takes those it knows.
# shellcheck disable=SC2016 # nothing in single quotes is to expand
set -euo pipefail
# shellcheck source=test/primitives/on_host.sh
source "$REGENT_SOURCE/test/primitives/on_host.sh"
own_machine "$@"

me=regent:test:virtual_router/3

same_state() { # SENTENCE BEFORE
  local after
  after=$(calm_state)
  [[ $2 == "$after" ]] || die "$1: $(diff <(printf '%s' "$2" | tr , '\n') <(printf '%s' "$after" | tr , '\n'))"
  ok "$1"
}

life() { # PRIMITIVE PARAMETER…
  local before
  before=$(calm_state)
  reads_without_change "$@"
  expect "$1: read says absent before build" said 'fact state absent'
  run "$1" scrub "${@:2}"
  expect "$1: scrub without build is safe and changes nothing" said unchanged
  same_state "$1: and leaves everything as it was" "$before"
  run "$1" build "${@:2}"
  expect "$1: build says what it changed" said_changed
  run "$1" build "${@:2}"
  expect "$1: build again says unchanged" test "$out" = unchanged
  reads_without_change "$@"
  expect "$1: read says present" said 'fact state present'
  run "$1" scrub "${@:2}"
  expect "$1: scrub says what it changed" said_changed
  reads_without_change "$@"
  expect_not "$1: read no longer says present" said 'fact state present'
  run "$1" scrub "${@:2}"
  expect "$1: scrub again says unchanged" test "$out" = unchanged
}

refused() { # SENTENCE CODE WORDS PRIMITIVE VERB PARAMETER…
  local before
  before=$(calm_state)
  try "${@:4}"
  [[ $code == "$2" && $err == *"$3"* ]] || die "$1: exit $code, '$err'"
  same_state "$1" "$before"
}

# --- namespaces
life ns namespace=r3 owner="$me" adopt=false
ip netns add theirs
ip -n theirs link add tv0 type veth peer name tv1
ip -n theirs link set dev tv0 up
ip -n theirs address add 10.5.5.5/24 dev tv0
refused 'ns: a foreign namespace is refused' 1 'is not regent' ns build namespace=theirs owner="$me" adopt=false
before=$(calm_state)
run ns scrub namespace=theirs owner="$me"
expect 'ns: scrub leaves a foreign namespace alone, and says so' said unchanged
run links_ns scrub namespace=theirs owner="$me"
run links_ns build namespace=theirs owner="$me" state=down
run vlanif_ns prune namespace=theirs owner="$me" keep:=
run network_ns prune namespace=theirs owner="$me" keep_count=0 keep_device:= keep_address:=
run route_ns prune namespace=theirs owner="$me" keep_count=0 keep_destination:= keep_gateway:= keep_metric:=
run firewall_ns scrub namespace=theirs owner="$me"
same_state 'nothing in a foreign namespace is touched' "$before"
refused 'nothing is built in a foreign namespace' 1 "is not regent's" network_ns build namespace=theirs owner="$me" device=lo address=10.0.0.1/24
run ns build namespace=theirs owner="$me" adopt=true
expect 'ns: adopt takes a foreign namespace over' said 'changed adopted namespace theirs'
run ns scrub namespace=theirs owner="$me"
: >/run/netns/half
run ns build namespace=half owner="$me" adopt=false
expect 'ns: the empty file of an interrupted `ip netns add` is healed' has_link -n half lo
run ns scrub namespace=half owner="$me"
refused 'ns: a hostile name is refused' 65 'parameter namespace' ns build 'namespace=x"; touch /pwned; $(touch /pwned2)' owner="$me" adopt=false

# --- bridges
bridge=(bridge=br-test owner=regent:test:bridge/br-test 'addresses:=10.99.0.1/24 2001:db8:99::1/64' mtu=1500)
life bridge_main "${bridge[@]}"
run bridge_main build "${bridge[@]}"
ip link add bt0 type veth peer name bt1
ip link set dev bt0 master br-test
run bridge_main scrub "${bridge[@]}"
expect 'bridge_main: a bridge with a port stays' has_link br-test
ip link delete dev bt0
run bridge_main scrub "${bridge[@]}"
expect_not 'bridge_main: without ports it goes' has_link br-test
ip link add br-theirs type bridge
refused 'bridge_main: a foreign bridge that is down is named' 1 'is down' bridge_main build bridge=br-theirs owner="$me" addresses:= mtu=1400
ip link set dev br-theirs up
before=$(calm_state)
run bridge_main build bridge=br-theirs owner="$me" addresses:= mtu=1400
run bridge_main scrub bridge=br-theirs owner="$me" addresses:= mtu=1400
same_state 'bridge_main: a foreign bridge is used and left as it is' "$before"
refused 'bridge_main: a foreign bridge gets no address' 1 'lacks the address' bridge_main build bridge=br-theirs owner="$me" addresses:=10.1.1.1/24 mtu=1500

# --- a link into a bridge
run ns build namespace=r3 owner="$me" adopt=false
link=(bridge=br-theirs namespace=r3 link=public host_link=p3 owner="$me" bridge_owner= mtu=1400)
life bridgeif_ns "${link[@]}"
run bridgeif_ns build "${link[@]}"
ip -n r3 link delete dev public
run bridgeif_ns build "${link[@]}"
expect 'bridgeif_ns: a lost end is made again' has_link -n r3 public
ip link set dev p3 nomaster
run bridgeif_ns build "${link[@]}"
expect 'bridgeif_ns: a link that fell out of its bridge is put back' test "$out" = 'changed p3 into bridge br-theirs'
run bridgeif_ns scrub "${link[@]}"
ip link add p3 type dummy 2>/dev/null || ip link add p3 type bridge
refused 'bridgeif_ns: a foreign link of that name is refused' 1 'not regent' bridgeif_ns build "${link[@]}"
run bridgeif_ns scrub "${link[@]}"
expect 'bridgeif_ns: and not scrubbed' has_link p3
ip link delete dev p3
run bridgeif_ns build bridge=br-gone namespace=r3 link=public host_link=p3 owner="$me" bridge_owner=regent:test:bridge/br-gone mtu=1400
expect 'bridgeif_ns: a bridge that went meanwhile is made again' has_link br-gone
run bridge_main scrub bridge=br-gone owner=regent:test:bridge/br-gone addresses:= mtu=1500
expect 'bridge_main: and not scrubbed while the link is in it' has_link br-gone
run bridgeif_ns scrub "${link[@]}"
run bridge_main scrub bridge=br-gone owner=regent:test:bridge/br-gone addresses:= mtu=1500
run bridgeif_ns build "${link[@]}"

# --- tenant networks
none=(namespace=r3 device=n1000 type=none vlan=1000 parent= group= peers:= port=4789 mtu=1500 bridge=br-t1000 host_link=n3-1000
  owner="$me" bridge_owner=regent:test:network/1000)
life vlanif_ns "${none[@]}"
expect_not 'vlanif_ns none: the bridge goes with the last port' has_link br-t1000
run vlanif_ns build "${none[@]}"
ip link add at0 type veth peer name at1
ip link set dev at0 master br-t1000
run vlanif_ns prune namespace=r3 owner="$me" keep:=public
expect 'vlanif_ns none: prune removes the device' test "$out" = 'changed removed n1000 from r3'
expect 'vlanif_ns none: a bridge in which a machine still is stays' has_link br-t1000
ip link delete dev at0
run vlanif_ns scrub "${none[@]}"
expect_not 'vlanif_ns none: scrub takes it when the machine has gone' has_link br-t1000
run vlanif_ns build "${none[@]}"
run vlanif_ns prune namespace=r3 owner="$me" keep:='public n1000'
expect 'vlanif_ns prune: what is wanted stays' test "$out" = unchanged
run vlanif_ns prune namespace=r3 owner="$me" keep:=public
expect_not 'vlanif_ns prune: an unused bridge goes with its device' has_link br-t1000

ip link add under0 type veth peer name under1
ip link set dev under0 up
vxlan=(namespace=r3 device=n2000 type=vxlan vlan=2000 parent=under0 group=239.1.1.1 peers:= port=4789 mtu=1500 bridge= host_link=
  owner="$me" bridge_owner=)
life vlanif_ns "${vxlan[@]}"
run vlanif_ns build "${vxlan[@]}"
peers=("${vxlan[@]/peers:=/peers:=192.0.2.1 192.0.2.2}")
run vlanif_ns build "${peers[@]}"
expect 'vlanif_ns vxlan: peers are added' test "$(bridge -n r3 fdb show dev n2000 | grep -c 'dst 192.0.2')" = 2
run vlanif_ns build "${peers[@]/192.0.2.1 /}"
expect 'vlanif_ns vxlan: a peer that went is removed' test "$(bridge -n r3 fdb show dev n2000 | grep -c 'dst 192.0.2')" = 1
run vlanif_ns build "${peers[@]/port=4789/port=4790}"
expect 'vlanif_ns vxlan: another port makes it anew' grep -q 'dstport 4790' <(ip -n r3 -d link show dev n2000)
run vlanif_ns scrub "${vxlan[@]}"
vlan=("${vxlan[@]/type=vxlan/type=vlan}")
if ip link add link under0 name under0.9 type vlan id 9 2>/dev/null; then
  ip link delete dev under0.9
  life vlanif_ns "${vlan[@]}"
else
  skipped+=('vlanif_ns with type vlan: this kernel has no 802.1Q')
fi
refused 'vlanif_ns vlan: a number over 4094 is refused' 65 'not a vlan' vlanif_ns build "${vlan[@]/vlan=2000/vlan=5000}"

# --- addresses, links, routes
address=(namespace=r3 owner="$me" device=public address=192.0.2.10/24)
life network_ns "${address[@]}"
life network_ns namespace=r3 owner="$me" device=public address=2001:db8::10/64
run network_ns build "${address[@]}"
run network_ns build namespace=r3 owner="$me" device=public address=192.0.2.11/32
run network_ns build namespace=r3 owner="$me" device=public address=2001:db8::10/64
run network_ns prune namespace=r3 owner="$me" keep_count=2 keep_device:='public public' keep_address:='192.0.2.11/32 2001:db8::10/64'
expect 'network_ns prune: removes what is not wanted and no more' test "$out" = 'changed removed 192.0.2.10/24 from public in r3'
run network_ns build "${address[@]}"

run links_ns build namespace=r3 owner="$me" state=up
expect 'links_ns: up' said 'changed public up in r3'
run links_ns build namespace=r3 owner="$me" state=up
expect 'links_ns: up again says unchanged' test "$out" = unchanged
reads_without_change links_ns namespace=r3 owner="$me" state=up
expect 'links_ns: read' said 'fact state present'

life route_ns namespace=r3 owner="$me" destination=0.0.0.0/0 gateway=192.0.2.1 metric=100
life route_ns namespace=r3 owner="$me" destination=10.9.0.0/16 gateway=192.0.2.9 metric=50
life route_ns namespace=r3 owner="$me" destination=10.9.0.1/32 gateway=192.0.2.9 metric=50
life route_ns namespace=r3 owner="$me" destination=::/0 gateway=2001:db8::1 metric=100
life route_ns namespace=r3 owner="$me" destination=2001:db8:9::/48 gateway=2001:db8::1 metric=7
run route_ns build namespace=r3 owner="$me" destination=10.9.0.0/16 gateway=192.0.2.9 metric=50
run route_ns build namespace=r3 owner="$me" destination=10.9.0.0/16 gateway=192.0.2.8 metric=50
expect 'route_ns: another gateway replaces the route' test "$(ip -n r3 route show 10.9.0.0/16 | wc -l)" = 1
run route_ns build namespace=r3 owner="$me" destination=2001:db8:9::/48 gateway=2001:db8::9 metric=50
ip -n r3 route add 10.8.0.0/16 via 192.0.2.7 metric 5
run route_ns prune namespace=r3 owner="$me" keep_count=1 keep_destination:=2001:db8:9::/48 keep_gateway:=2001:db8::9 keep_metric:=50
expect 'route_ns prune: removes ours that is not wanted' test "$out" = 'changed removed the route to 10.9.0.0/16 by 192.0.2.8, metric 50, from r3'
expect 'route_ns prune: leaves what regent did not make' test -n "$(ip -n r3 route show 10.8.0.0/16)"
refused 'route_ns: a foreign route is not replaced' 1 'not regent' route_ns build namespace=r3 owner="$me" destination=10.8.0.0/16 gateway=192.0.2.1 metric=5
refused 'route_ns: families that do not fit are refused' 65 'not of the family' route_ns build namespace=r3 owner="$me" destination=10.0.0.0/8 gateway=::1 metric=5

run links_ns build namespace=r3 owner="$me" state=down
expect 'links_ns: down keeps IPv4 and IPv6 addresses' test "$(ip -n r3 -o address show dev public scope global | wc -l)" = 3
run links_ns build namespace=r3 owner="$me" state=up
run links_ns scrub namespace=r3 owner="$me"
expect 'links_ns: scrub sets down' said 'changed public down in r3'
run links_ns scrub namespace=r3 owner="$me"
expect 'links_ns: scrub again says unchanged' test "$out" = unchanged

# --- firewall
firewall=(namespace=r3 owner="$me" label=r3 public_device=public
  networks_count=3 'networks_device:=n1 n2 n2' 'networks_prefix:=10.0.0.1/24 10.0.1.1/24 2001:db8:1::1/64'
  sets_count=3 'sets_name:=office drop empty' 'sets_family:=ipv4 ipv6 ipv4'
  rules_count=6 'rules_id:=1 2 3 4 5 6' 'rules_allow:=true false true true true false' 'rules_log:=false true false false false false'
  'rules_protocol:=tcp udp any icmp icmp any' 'rules_source:=0.0.0.0/0 @office 10.0.0.0/24 0.0.0.0/0 ::/0 ::/0'
  'rules_destination:=10.0.0.2/32 0.0.0.0/0 @PRIVATE 10.0.0.0/8 2001:db8:1::/64 ::/0'
  'rules_port:=22,80-90 - - - - -' 'sets_elements:=192.0.2.0/28,198.51.100.7/32 2001:db8:7::/48 -'
  nat_count=1 nat_public:=192.0.2.77 nat_private:=10.0.0.2)
# A bare host has no names of protocols and services: nft must not need them.
for names in /etc/protocols /etc/services; do
  [[ ! -e $names ]] || mount --bind /dev/null "$names"
done
life firewall_ns "${firewall[@]/@office 10.0.0.0/192.0.2.0/28 10.0.0.0}"
run firewall_ns build "${firewall[@]}"
expect 'firewall_ns: a log line names router and rule' grep -q 'log prefix "regent r3 rule 2 " drop' <(ip netns exec r3 nft list ruleset)
for attempt in {1..20}; do
  run firewall_ns build "${firewall[@]}"
  [[ $out == unchanged ]] || die "firewall_ns: build number $attempt of the same rules changed something: $out"
done
ok 'firewall_ns: the normal form is the same every time'
ip netns exec r3 nft add table inet theirs
ip netns exec r3 nft add rule inet regent forward drop
reads_without_change firewall_ns "${firewall[@]}"
expect 'firewall_ns: read sees a rule that somebody added' said 'fact state differs'
expect 'firewall_ns: and names it' said 'fact not_wanted drop'
run firewall_ns build "${firewall[@]}"
reads_without_change firewall_ns "${firewall[@]}"
expect 'firewall_ns: build takes it out' said 'fact state present'
expect 'firewall_ns: and leaves the tables of others' grep -q 'table inet theirs' <(ip netns exec r3 nft list tables)
refused 'firewall_ns: a rule between families is refused' 65 'different families' \
  firewall_ns build "${firewall[@]/10.0.0.2\/32 0/2001:db8::2\/128 0}"
refused 'firewall_ns: a set that does not exist is named' 65 'no set @nowhere' firewall_ns build "${firewall[@]/@office/@nowhere}"
refused 'firewall_ns: nft words in a value are refused' 65 'parameter rules_source' \
  firewall_ns build "${firewall[@]/@office/1.1.1.1;flush}"
refused 'firewall_ns: shell in a count is refused' 65 'parameter nat_count' firewall_ns build "${firewall[@]/nat_count=1/nat_count=a[\$(touch /pwned)]}"
refused 'firewall_ns: a column that is too short is refused' 65 'has not 3 rows' firewall_ns build "${firewall[@]/n1 n2 n2/n1 n2}"

# --- directories
life directory_main path="$work/a/r3" owner="$me" mode=0750 adopt=false
mkdir -p "$work/theirs"
touch "$work/theirs/file"
refused 'directory_main: a foreign directory is refused' 1 'not regent' directory_main build path="$work/theirs" owner="$me" mode=0700 adopt=false
run directory_main scrub path="$work/theirs" owner="$me"
expect 'directory_main: and not scrubbed' test -e "$work/theirs/file"
ln -s "$work/theirs" "$work/link"
refused 'directory_main: a symbolic link is refused' 1 'is a link' directory_main build path="$work/link" owner="$me" mode=0700 adopt=true
refused 'directory_main: a path with .. is refused' 65 'parameter path' directory_main build path=/tmp/../etc owner="$me" mode=0700 adopt=true
run directory_main build path="$work/r4" owner="$me" mode=0700 adopt=false
mkdir "$work/r4/sub"
run directory_main scrub path="$work/r4" owner="$me"
expect 'directory_main: scrub takes the contents along' test ! -e "$work/r4"

expect 'a hostile value left no trace' test ! -e /pwned -a ! -e /pwned2
run ns scrub namespace=r3 owner="$me"
for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
printf '%d checks held\n' "$checks"
