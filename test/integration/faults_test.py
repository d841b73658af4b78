"""What fails around the daemon, and the daemon itself: nothing is lost, nothing is done twice, the others go on."""

import os
import random
import time
import unittest

from harness import ROUTERS, Region, until


def project(cycle, number):
    return {"name": f"p{cycle}-{number}", "grace_period": 0, "router": {
        "subnets": [{"name": "lan", "address": f"10.{100 + cycle}.{number}.1/24"}, {"name": "lab", "address": f"fd00:{cycle}:{number}::1/64"}],
        "rules": [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": f"10.{100 + cycle}.{number}.0/24", "port": "443"}],
        "nat": [{"public": f"203.0.113.{150 + 3 * cycle + number}", "private": f"10.{100 + cycle}.{number}.5"}],
    }}


class ComesBack(unittest.TestCase):
    def test_killed_at_50_random_moments_of_builds_and_scrubs_it_finishes_each(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}", flush=True)
        moments = random.Random(seed)

        def killed_five_times_on_the_way_to(state, routers, hosts_have):
            for _ in range(5):
                time.sleep(moments.uniform(0.02, 0.7))
                region.kill()
                region.start()
            region.until_state(state, *routers)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])
            names = {f"r{router}" for router in routers}
            for host in region.names:
                self.assertEqual(region.namespaces(host) & names, hosts_have)

        with Region() as region:
            region.start()
            for cycle in range(5):
                routers = [region.user("POST", "projects", project(cycle, number))["content"]["virtual_router_id"] for number in range(3)]
                killed_five_times_on_the_way_to("running", routers, {f"r{router}" for router in routers})
                for router in routers:
                    region.user("PATCH", f"virtual_router/{router}", {"state": 8})
                killed_five_times_on_the_way_to("closed", routers, set())
            self.assertEqual(region.stop(), 0)

    def test_told_to_stop_in_the_middle_it_stops_within_5_seconds_and_goes_on_later(self):
        with Region() as region:
            for pause in (0, 0.1, 0.3):
                region.start()
                until("a job to run", lambda: any(job["state"] == "active" for job in region.open_jobs()))
                time.sleep(pause)
                begun = time.monotonic()
                self.assertEqual(region.stop(), 0)
                self.assertLess(time.monotonic() - begun, 5)  # what SIGTERM promises, with TimeoutStopSec behind it
            region.start()
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

    def test_sshd_that_dies_in_the_middle_of_runs_loses_nothing(self):
        with Region() as region:
            region.start()
            for _ in range(4):
                until("a job to run", lambda: any(job["state"] == "active" for job in region.open_jobs()))
                # The host's processes are the test's own, in a namespace of their own: sessions are all sshd but the listener.
                region.on("podnet-a", "sh", "-c", 'for pid in $(pgrep -x sshd); do [ "$(ps -o ppid= -p "$pid")" -eq 1 ] || kill -KILL "$pid"; done', check=False)
                time.sleep(0.2)
            region.until_state("running", *ROUTERS)
            region.until_quiet()
            self.assertEqual(region.what_is_broken(), [])

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
