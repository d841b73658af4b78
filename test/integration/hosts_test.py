"""Hosts and the region file that names them: how they are entered, what refuses us is told with its remedy, and what happens
on one host, to one resource, is nobody else's trouble."""

import os
import unittest

from harness import Region, make_key, sign_key, until


class Logins(unittest.TestCase):
    def test_hosts_that_do_not_let_us_in_are_named_with_the_remedy_and_the_others_go_on(self):
        with Region(hosts=("podnet-a", "podnet-b", "kvm-1", "kvm-2"), records=None, policies={"wait_for_standby": "1s"}) as region:
            stranger, nothing = make_key(region.path("stranger")), region.path("no-such-key")
            refusing = {"podnet-b": ({"key_file": stranger}, ("login_refused", stranger, "authorized_keys")),
                        "kvm-1": ({"user": "mallory"}, ("login_refused", "mallory", "authorized_keys")),
                        "kvm-2": ({"key_file": nothing}, ("key_unreadable", nothing))}
            region.write_region(each={name: differs for name, (differs, _) in refusing.items()})
            region.start()
            router = region.new_router()
            region.until_state("running", router)
            self.assertTrue(region.resource(router)["degraded"])
            for name, (_, words) in refusing.items():
                region.until_host("down", name)
                for word in words:
                    self.assertIn(word, region.cli("hosts", name).stdout)
                    self.assertIn(word, region.problems()[f"host {name}"])
            for word in refusing["podnet-b"][1]:
                self.assertIn(word, region.why(router))
            region.reload()
            region.until_host("up", *region.names)
            until("the standby to be repaired", lambda: not region.resource(router)["degraded"])
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_host_with_another_key_is_not_spoken_to_until_that_key_is_pinned(self):
        with Region(records=None) as region:
            region.start()
            first = region.new_router()
            region.until_state("running", first)
            pinned = region.write_region()
            region.machine("rekey", "podnet-a")
            until("the other key to be noticed", lambda: "host_key_mismatch" in region.problems().get("host podnet-a", ""), 40)
            said = region.cli("hosts", "podnet-a").stdout
            for word in ("ssh-keyscan", "host_key of podnet-a"):
                self.assertIn(word, said)
            second = region.new_router()
            until("the second router to wait for that", lambda: "host_key_mismatch" in region.why(second))
            self.assertEqual(region.namespaces("podnet-a"), set())
            region.reload()
            self.assertNotEqual(region.write_region()["hosts"], pinned["hosts"])
            region.until_state("running", first, second)
            until("both routers on the host", lambda: region.namespaces("podnet-a") >= {f"r{first}", f"r{second}"})
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_a_pair_is_entered_by_certificates_and_as_a_user_who_may_sudo(self):
        with Region(records=None) as region:
            authority, key = make_key(region.path("host_ca")), make_key(region.path("user_key"))
            sign_key(region.path("hosts/user_ca"), key, "-n", "root,regent")
            for host in region.made_hosts()["hosts"]:
                sign_key(authority, region.path(f"hosts/{host['name']}/ssh/host_key"), "-h", "-n", host["address"])
                with open(region.path(f"hosts/{host['name']}/sshd_options"), "w") as options:
                    options.write("-o HostCertificate=/run/test-host/host_key-cert.pub\n")
                region.machine("reboot", host["name"])
            with open(f"{authority}.pub") as text:
                by_certificates = {"host_key": None, "host_ca": text.read().strip(), "key_file": key, "certificate_file": f"{key}-cert.pub"}
            region.write_region(each={"podnet-a": by_certificates, "podnet-b": {**by_certificates, "user": "regent", "become": True}})
            region.start()
            router = region.new_router()
            region.until_state("running", router)
            self.assertFalse(region.resource(router)["degraded"])
            for host in region.names:
                self.assertIn(f"r{router}", region.namespaces(host))
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])


class RegionFile(unittest.TestCase):
    def test_a_new_region_file_takes_effect_in_the_middle_of_work_and_disturbs_nothing(self):
        slowly, often = {"poll_interval": "3s", "listing_interval": "3s"}, {"poll_interval": "100ms"}
        with Region(hosts=("podnet-a", "podnet-b", "kvm-1"), records=None) as region:
            region.write_region(each={"kvm-1": None}, cloud=slowly)
            router = region.new_router()
            region.start()
            region.until_at_work(router)
            self.assertEqual(len(region.get("/api/v1/hosts")["rows"]), 2)

            def polls_within_a_second():
                calls = region.user("GET", "log")["calls"]
                seconds = [one["at"][:19] for one in calls if (one["method"], one["path"]) == ("GET", "/run_robot/")]
                return len(seconds) - len(set(seconds))

            self.assertEqual(polls_within_a_second(), 0)
            region.reload(cloud=often)
            region.until_host("up", "kvm-1")
            until("polls within a second", polls_within_a_second)

            region.reload(cloud=often, listen={"port": 1})
            self.assertIn("listen cannot change without a restart", region.problems()["config"])
            region.reload(cloud=often)
            self.assertNotIn("config", region.problems())

            region.until_state("running", router)
            self.assertFalse(region.resource(router)["degraded"])
            region.reload(each={"kvm-1": None})
            until("kvm-1 to be gone", lambda: len(region.get("/api/v1/hosts")["rows"]) == 2)
            region.until_quiet()
            connected = [line.split("host ")[1].split()[0] for line in region.lines("daemon.log") if " is up, boot id " in line]
            self.assertEqual(sorted(connected), ["kvm-1", "podnet-a", "podnet-b"])
            self.assertEqual(region.what_is_broken(), [])


# mkdir in the place of the host's own: what it does to a router depends on the directory it is to make. It serves
# directory_main, the step with the shortest deadline, 15 s.
WRAPPED_MKDIR = """#!/bin/bash
case "$*" in
  *-r{hangs}) trap '' TERM; exec sleep 600 ;;
  *-r{floods}) yes 'mkdir: a complaint' | head -c 20000000 >&2; exit 1 ;;
  *-r{forks}) sleep 601 & setsid sleep 602 & ;;
esac
exec /run/mkdir "$@"
"""


class OnOneHost(unittest.TestCase):
    def test_a_tool_that_hangs_or_floods_or_forks_and_a_namespace_of_somebody_else_trouble_only_their_router(self):
        with Region(hosts=("podnet-a",), records=None, pair=False, policies={"step_attempts": 1}) as region:
            hangs, floods, forks, foreign, good = (region.new_router() for _ in range(5))

            def on_host(command, check=True):
                return region.on("podnet-a", "sh", "-c", command, check=check).stdout

            def somebody_elses():
                return on_host("".join(f"ip netns exec r{foreign} {look}; " for look in ("ip address", "ip route show table all", "nft list ruleset")))

            on_host(f"ip netns add r{foreign} && ip -n r{foreign} link add theirs type bridge && ip -n r{foreign} address add 192.0.2.77/24 dev theirs")
            before = somebody_elses()
            region.wrap("podnet-a", "mkdir", WRAPPED_MKDIR.format(hangs=hangs, floods=floods, forks=forks))
            region.start()

            region.until_state("running", good, forks)
            region.until_state("unresourced", floods, foreign)
            self.assertEqual(region.resource(hangs)["state"], "building")
            until("the hanging step to be told", lambda: "deadline 15s" in region.why(hangs))
            region.until_state("unresourced", hangs)

            reasons = {hangs: ("step_deadline", "15s", "podnet-a", "directory"), floods: ("a complaint", "podnet-a", "directory"),
                       foreign: (f"namespace r{foreign}", "not regent's", "remove it", "adopt_existing")}
            for router, words in reasons.items():
                reason = region.resource(router)["reason"]
                for word in words:
                    self.assertIn(word, reason)
                    self.assertIn(word, region.why(router))
                self.assertLess(len(reason), 100_000)
            self.assertEqual(on_host("pgrep -f 'sleep 60[01]'", check=False), "")
            self.assertTrue(on_host("pgrep -f 'sleep 60[2]'"))  # a session of its own is how a daemon is started
            self.assertEqual(somebody_elses(), before)

            region.unwrap("podnet-a", "mkdir")
            on_host(f"ip netns delete r{foreign}")
            region.ask_again(hangs, floods, foreign)
            region.until_state("running", hangs, floods, foreign)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(may_fail=True), [])
            until("the host to have forgotten its runs", lambda: not os.listdir(region.path("hosts/podnet-a/var-lib/regent-host/test/runs")), 20)


class Networks(unittest.TestCase):
    def test_a_tenants_machine_on_another_host_reaches_its_router_by_vxlan(self):
        with Region(hosts=("podnet-a", "podnet-b", "kvm-1"), records=None) as region:
            region.write_region(networks={"tenant": {"type": "vxlan", "interface": "tenant0"}})
            router = region.new_router(subnets=[{"name": "lan", "address": "10.66.1.1/24", "vlan": 1234}], nat=[])
            region.start()
            region.until_state("running", router)
            self.assertFalse(region.resource(router)["degraded"])
            region.on("kvm-1", "sh", "-c", "ip link add machine type vxlan id 1234 group 239.1.1.1 dev tenant0 dstport 4789 && "
                      "ip address add 10.66.1.5/24 dev machine && ip link set machine up")
            until("an answer of the router", lambda: region.on("kvm-1", "ping", "-n", "-c1", "-W1", "10.66.1.1", check=False).returncode == 0, 20)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
