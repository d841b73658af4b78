#!/usr/bin/env python3
"""The whole system against real hosts: what it builds, and what it survives."""

import json
import os
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Region, Timeout, until  # noqa: E402

ROUTERS = (1, 2, 3)


def addresses(region, host, router):
    """(interface index, name, MAC, addresses): what an edit must leave alone. Link-local addresses are the kernel's, and
    tentative for a second after their link comes up."""
    interfaces = json.loads(region.on(host, "ip", "-n", f"r{router}", "-j", "addr").stdout)
    return [(interface["ifindex"], interface["ifname"], interface["address"],
             [(address["local"], address["prefixlen"]) for address in interface["addr_info"] if address["scope"] != "link"])
            for interface in interfaces]


def links(region, host, router):
    return region.on(host, "ip", "-n", f"r{router}", "-br", "link", check=False).stdout


class BuildsAndChanges(unittest.TestCase):
    """One region through a router's whole life."""

    @classmethod
    def setUpClass(cls):
        cls.region = Region()
        cls.region.__enter__()
        try:
            cls.region.start()
            cls.region.until_state("running", *ROUTERS)
        except BaseException:
            cls.region.tell()
            cls.region.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.region.close()

    def test_1_every_declared_router_stands_on_both_nodes(self):
        for host in self.region.names:
            self.assertGreaterEqual(self.region.namespaces(host), {f"r{router}" for router in ROUTERS})
        self.region.until_quiet()
        self.assertEqual(self.region.query("SELECT count(*) FROM lease"), [(0,)])

    def test_2_the_outside_world_reaches_the_public_address_of_the_enabled_node(self):
        until("a ping of 203.0.113.12", lambda: self.region.outside("ping", "-n", "-c1", "-W1", "203.0.113.12", check=False).returncode == 0, 20)

    def test_3_a_rule_that_is_edited_is_in_force_and_nothing_else_moves(self):
        before = addresses(self.region, "podnet-a", 2)
        self.region.user("POST", "virtual_router/2/firewall_rules",
                         [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.2.1.99/32", "port": "4242"}])
        until("the rule on the host", lambda: "4242" in self.region.on("podnet-a", "ip", "netns", "exec", "r2", "nft", "list", "ruleset").stdout)
        self.region.until_state("running", 2)
        self.assertEqual(before, addresses(self.region, "podnet-a", 2))
        self.region.until_quiet()

    def test_4_quiesce_update_while_quiesced_and_restart(self):
        self.region.user("PATCH", "virtual_router/1", {"state": 5})
        self.region.until_state("quiesced", 1)
        self.region.user("PATCH", "virtual_router/1", {"state": 7})
        self.region.until_state("running", 1)

    def test_5_a_scrub_can_be_undone_from_the_queue(self):
        self.region.user("PATCH", "virtual_router/1", {"state": 8})
        self.region.until_state("scrub_queue", 1)
        self.assertIsNotNone(self.region.resource(1)["due"])
        self.region.user("PATCH", "virtual_router/1", {"state": 7})
        self.region.until_state("running", 1)
        self.assertIn("r1", self.region.namespaces("podnet-a"))

    def test_6_a_scrub_without_grace_removes_everything_from_both_nodes(self):
        self.region.user("PATCH", "virtual_router/3", {"state": 8})
        self.region.until_state("closed", 3)
        for host in self.region.names:
            self.assertNotIn("r3", self.region.namespaces(host))

    def test_7_what_it_shows_agrees_with_what_it_did(self):
        status = self.region.get("/api/v1/status")
        self.assertTrue(status["ready"])
        for arguments in (["status"], ["resources"], ["jobs"], ["hosts"], ["locks"], ["why", "virtual_router/2"], ["actors"]):
            said = self.region.cli(*arguments)
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertTrue(said.stdout.strip())
        self.assertIn("running", self.region.cli("why", "virtual_router/2").stdout)
        job = self.region.get("/api/v1/jobs?resource=virtual_router/2")["rows"][0]["id"]
        self.assertIn("podnet-a", self.region.cli("job", str(job)).stdout)

    def test_8_a_bad_region_file_changes_nothing_and_says_why(self):
        with open(self.region.path("region.yaml")) as text:
            good = text.read()
        with open(self.region.path("region.yaml"), "w") as file:
            file.write(good.replace('"poll_interval": "250ms"', '"poll_interval": "soon"'))
        self.region.daemon.send_signal(signal.SIGHUP)
        until("the problem to be told", lambda: "soon" in str(self.region.get("/api/v1/status")["problems"]))
        self.assertEqual(len(self.region.get("/api/v1/hosts")["rows"]), 2)
        with open(self.region.path("region.yaml"), "w") as file:
            file.write(good)
        self.region.daemon.send_signal(signal.SIGHUP)
        until("the problem to be gone", lambda: "soon" not in str(self.region.get("/api/v1/status")["problems"]))
        self.region.user("PATCH", "virtual_router/2", {"state": 5})
        self.region.until_state("quiesced", 2)

    def test_9_a_second_daemon_on_the_same_journal_is_refused(self):
        first = self.region.daemon
        self.region.start(wait=False)
        self.assertEqual(self.region.daemon.wait(timeout=30), 1)
        self.region.daemon = first
        self.assertTrue(self.region.get("/api/v1/status")["ready"])


class ComesBack(unittest.TestCase):
    def test_killed_at_any_moment_of_a_build_it_finishes(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}")
        moments = random.Random(seed)
        with Region() as region:
            for _ in range(8):
                region.start()
                time_left = moments.uniform(0.05, 0.6)
                end = time.monotonic() + time_left
                until("the moment", lambda: time.monotonic() >= end, 5)
                region.kill()
            region.start()
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            for host in region.names:
                self.assertGreaterEqual(region.namespaces(host), {f"r{router}" for router in ROUTERS})
            self.assertEqual(region.query("SELECT count(*) FROM lease"), [(0,)])
            self.assertEqual(region.query("SELECT count(*) FROM job WHERE state = 'failed'"), [(0,)])
            self.assertEqual(region.stop(), 0)

    def test_a_standby_that_was_away_is_repaired_when_it_returns(self):
        with Region(policies={"wait_for_standby": "1s"}) as region:
            region.start()
            region.until_state("running", *ROUTERS)
            region.hosts("kill", region.path("hosts"), "podnet-b")
            until("podnet-b to be noticed", lambda: region.get("/api/v1/hosts/podnet-b")["state"] == "down", 20)
            region.user("POST", "virtual_router/2/firewall_rules", [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.2.1.99/32", "port": "4242"}])
            until("router 2 degraded", lambda: region.resource(2)["degraded"])
            self.assertEqual(region.cloud_state(2), "running")
            self.assertIn("podnet-b", region.cli("why", "virtual_router/2").stdout)
            region.hosts("boot", region.path("hosts"), "podnet-b")
            until("router 2 repaired", lambda: not region.resource(2)["degraded"], 60)
            self.assertIn("4242", region.on("podnet-b", "ip", "netns", "exec", "r2", "nft", "list", "ruleset").stdout)
            until("the others rebuilt after the reboot", lambda: region.namespaces("podnet-b") >= {"r1", "r2", "r3"}, 60)
            region.until_quiet()

    def test_the_enabled_node_reboots_in_the_middle_of_a_build(self):
        with Region() as region:
            region.start()
            until("the build to begin", lambda: any(job["state"] == "active" for job in region.open_jobs()))
            region.hosts("reboot", region.path("hosts"), "podnet-a")
            region.until_state("running", *ROUTERS, seconds=120)
            self.assertGreaterEqual(region.namespaces("podnet-b"), {"r1", "r2", "r3"})

    def test_a_pulled_cable_is_noticed_within_15_seconds_and_mended(self):
        with Region() as region:
            region.start()
            region.until_state("running", *ROUTERS)
            region.hosts("cut", region.path("hosts"), "podnet-b")
            until("podnet-b down", lambda: region.get("/api/v1/hosts/podnet-b")["state"] == "down", 15)
            self.assertEqual(region.get("/api/v1/hosts/podnet-a")["state"], "up")
            region.hosts("mend", region.path("hosts"), "podnet-b")
            until("podnet-b up", lambda: region.get("/api/v1/hosts/podnet-b")["state"] == "up", 60)

    def test_a_cloud_that_fails_in_every_way_delays_and_loses_nothing(self):
        with Region() as region:
            for fault in ({"kind": "status", "status": 500, "times": 3}, {"kind": "garbage", "times": 2}, {"kind": "truncated", "times": 2},
                          {"kind": "lost_reply", "method": "PATCH", "times": 3}, {"kind": "lost_update", "method": "PATCH", "times": 2},
                          {"kind": "expire_tokens", "times": 1}):
                region.user("POST", "faults", fault)
            region.start()
            region.until_state("running", *ROUTERS, seconds=180)
            region.until_quiet()

    def test_a_record_that_makes_no_sense_is_named_and_stops_nobody(self):
        with Region() as region:
            region.user("PATCH", "virtual_router/2", {"raw": {"subnets": [{"id": 21, "address_range": "not-an-address", "vlan": 5, "name": "x"}]}})
            region.start()
            region.until_state("running", 1, 3)
            until("the record to be named", lambda: "virtual_router/2" in str(region.get("/api/v1/status")["problems"]))
            region.user("PATCH", "virtual_router/2", {"raw": {}, "raw_remove": []})
            region.until_state("running", 2)


class RefusesWell(unittest.TestCase):
    def test_a_bad_region_file_ends_serve_with_2_and_its_places(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            region.write_region(networks={"public_bridge": "a-name-that-is-too-long", "tenant": {"type": "vlam"}})
            region.start(wait=False)
            self.assertEqual(region.daemon.wait(timeout=30), 2)
            with open(region.path("daemon.log")) as log:
                said = log.read()
            self.assertIn("vlam", said)
            self.assertIn("a-name-that-is-too-long", said)
            self.assertRegex(said, r"region\.yaml:\d+:\d+: ")

    def test_a_host_whose_key_has_changed_is_not_spoken_to(self):
        with Region(hosts=("podnet-a", "podnet-b")) as region:
            config = region.write_region()
            config["hosts"][0]["host_key"], config["hosts"][1]["host_key"] = config["hosts"][1]["host_key"], config["hosts"][0]["host_key"]
            region.write_region(hosts=config["hosts"])
            region.start()
            until("the mismatch to be told", lambda: "host_key_mismatch" in str(region.get("/api/v1/hosts/podnet-a")), 30)
            self.assertEqual(region.namespaces("podnet-a"), set())


if __name__ == "__main__":
    import subprocess

    from harness import REGENT, TEST_HOSTS

    can = subprocess.run([TEST_HOSTS, "check"], text=True, capture_output=True)
    if can.returncode == 77:
        print("skipped: " + (can.stdout + can.stderr).strip())
        sys.exit(77)
    assert os.path.exists(REGENT), f"{REGENT} is not built"
    assert Timeout
    unittest.main(verbosity=2)
